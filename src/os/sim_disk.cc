#include "os/sim_disk.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "base/mutex.h"
#include "os/sim_clock.h"

namespace clew::os {
namespace {

constexpr uint64_t kSector = SimDisk::kSectorBytes;

// Bytes that forks of a disk share until one of them changes them.
class SharedBytes {
 public:
  const std::string& operator*() const { return *bytes_; }
  const std::string* operator->() const { return bytes_.get(); }
  std::string& own() {
    if (bytes_.use_count() > 1) bytes_ = std::make_shared<std::string>(*bytes_);
    return *bytes_;
  }
  void set(std::string bytes) { bytes_ = std::make_shared<std::string>(std::move(bytes)); }

 private:
  std::shared_ptr<std::string> bytes_ = std::make_shared<std::string>();
};

struct Inode {
  SharedBytes now;           // what readers see
  SharedBytes durable;       // what a power loss leaves at least
  std::set<uint64_t> dirty;  // sectors of `now` that the next sync makes durable
  uint64_t reserved_bytes = 0;

  uint64_t used_bytes() const { return std::max<uint64_t>(now->size(), reserved_bytes); }
};
using InodePtr = std::shared_ptr<Inode>;

// A change of names that is not durable yet: `from` loses its name, `to` gets the inode; either may be empty.
struct NameChange {
  std::string from;
  std::string to;
  InodePtr inode;
};

std::string parent_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void copy_sector(const std::string& from, std::string& to, uint64_t sector) {
  uint64_t begin = sector * kSector;
  if (begin >= to.size() || begin >= from.size()) return;
  uint64_t bytes = std::min({kSector, to.size() - begin, from.size() - begin});
  to.replace(begin, bytes, from, begin, bytes);
}

}  // namespace

struct SimDisk::State {
  State(uint64_t seed, uint64_t total) : rng(seed), total_bytes(total) {}

  mutable base::Mutex mutex;
  SeededRng rng;
  uint64_t total_bytes;
  uint64_t epoch = 0;  // rises with each crash; older files are dead
  std::map<std::string, InodePtr> names;
  std::map<std::string, InodePtr> durable_names;
  std::vector<NameChange> changes;
  std::set<std::string> dirs{"/", "."};
  std::set<std::string> locks;
  uint64_t operations = 0;
  uint64_t fail_at = 0;
  uint64_t power_out_at = 0;
  Code fail_code = Code::kIo;
  bool failed = false;
  bool lying = false;
  std::function<void(uint64_t)> hook;

  enum class Fault : uint8_t { kNone, kFail, kDead };

  // Counts one operation and says whether it fails.
  Fault begin() {
    ++operations;
    if (power_out_at != 0 && operations >= power_out_at) return Fault::kDead;
    if (fail_at != 0 && operations == fail_at) {
      failed = true;
      return Fault::kFail;
    }
    return Fault::kNone;
  }

  // As begin(), for operations that change something; shows the state before to the hook.
  Fault begin_change(base::Mutex& held) CLEW_REQUIRES(held) {
    if (hook && (power_out_at == 0 || operations + 1 < power_out_at)) {
      auto call = hook;
      uint64_t number = operations + 1;
      held.unlock();
      call(number);
      held.lock();
    }
    return begin();
  }

  Error error(Fault fault, const std::string& path) const {
    if (fault == Fault::kDead) return Error(Code::kIo, path + ": the power is out");
    return Error(fail_code, path + ": simulated failure of operation " + std::to_string(operations));
  }

  uint64_t used_bytes() const {
    std::set<const Inode*> seen;
    uint64_t used = 0;
    for (const auto& [path, inode] : names) {
      if (seen.insert(inode.get()).second) used += inode->used_bytes();
    }
    return used;
  }

  bool has_room(const Inode& inode, uint64_t bytes) const {
    uint64_t has = inode.used_bytes();
    return bytes <= has || used_bytes() + (bytes - has) <= total_bytes;
  }

  void change_name(NameChange change) {
    if (!change.from.empty()) names.erase(change.from);
    if (!change.to.empty()) names[change.to] = change.inode;
    changes.push_back(std::move(change));
  }

  void settle(const NameChange& change) {
    if (!change.from.empty()) durable_names.erase(change.from);
    if (!change.to.empty()) durable_names[change.to] = change.inode;
  }

  void settle_names_by_chance() {
    bool ordered = rng.one_in(2);
    uint64_t keep = rng.below(changes.size() + 1);
    for (size_t i = 0; i < changes.size(); ++i) {
      bool kept = ordered ? i < keep : rng.one_in(2);
      if (kept) settle(changes[i]);
    }
    changes.clear();
    names = durable_names;
  }

  void settle_bytes_by_chance(Inode& inode, uint64_t keep_of_4) {
    bool resized = inode.now->size() != inode.durable->size() && rng.below(4) < keep_of_4;
    if (resized) inode.durable.own().resize(inode.now->size());
    for (uint64_t sector : inode.dirty) {
      if (rng.below(4) < keep_of_4) copy_sector(*inode.now, inode.durable.own(), sector);
    }
    inode.now = inode.durable;
    inode.dirty.clear();
  }

  void forget_handles() {
    ++epoch;
    locks.clear();
    fail_at = power_out_at = 0;
    failed = false;
  }
};

namespace {

using State = SimDisk::State;
using Fault = State::Fault;

class SimFile final : public File {
 public:
  SimFile(std::shared_ptr<State> state, InodePtr inode, std::string path, bool writable)
      : state_(std::move(state)), inode_(std::move(inode)), path_(std::move(path)), writable_(writable) {
    epoch_ = state_->epoch;
  }

  Result<std::string> read_at(uint64_t offset, uint64_t bytes) const override {
    {
      base::MutexLock lock(state_->mutex);
      if (offset + bytes > inode_->now->size() || offset + bytes < offset) {
        return Error(Code::kCorrupt, path_ + " ends before offset " + std::to_string(offset + bytes));
      }
    }
    std::string out(bytes, '\0');
    CLEW_TRY(read_into(offset, out.data(), bytes));
    return out;
  }

  Status read_into(uint64_t offset, char* to, uint64_t bytes) const override {
    base::MutexLock lock(state_->mutex);
    CLEW_TRY(check(state_->begin()));
    if (offset + bytes > inode_->now->size()) {
      return Error(Code::kCorrupt, path_ + " ends before offset " + std::to_string(offset + bytes));
    }
    inode_->now->copy(to, bytes, offset);
    return {};
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    base::MutexLock lock(state_->mutex);
    CHECK(writable_, path_);
    Fault fault = state_->begin_change(state_->mutex);
    if (fault == Fault::kFail) put(offset, bytes.substr(0, state_->rng.below(bytes.size() + 1)));
    CLEW_TRY(check(fault));
    if (!state_->has_room(*inode_, offset + bytes.size())) return Error(Code::kFull, path_ + ": no space left");
    put(offset, bytes);
    return {};
  }

  Status allocate(uint64_t bytes) override {
    base::MutexLock lock(state_->mutex);
    CLEW_TRY(check(state_->begin_change(state_->mutex)));
    if (!state_->has_room(*inode_, bytes)) return Error(Code::kFull, path_ + ": no space left");
    inode_->reserved_bytes = std::max(inode_->reserved_bytes, bytes);
    if (inode_->now->size() < bytes) inode_->now.own().resize(bytes);
    return {};
  }

  Status truncate(uint64_t bytes) override {
    base::MutexLock lock(state_->mutex);
    CLEW_TRY(check(state_->begin_change(state_->mutex)));
    if (!state_->has_room(*inode_, bytes)) return Error(Code::kFull, path_ + ": no space left");
    for (uint64_t s = bytes / kSector; s * kSector < inode_->now->size(); ++s) inode_->dirty.insert(s);
    inode_->now.own().resize(bytes);
    inode_->reserved_bytes = std::min(inode_->reserved_bytes, bytes);
    return {};
  }

  Status sync() override {
    base::MutexLock lock(state_->mutex);
    Fault fault = state_->begin_change(state_->mutex);
    if (fault == Fault::kFail) lose_by_failed_sync();
    CLEW_TRY(check(fault));
    if (state_->lying) return {};
    if (inode_->durable->size() != inode_->now->size()) inode_->durable.own().resize(inode_->now->size());
    for (uint64_t sector : inode_->dirty) copy_sector(*inode_->now, inode_->durable.own(), sector);
    inode_->dirty.clear();
    return {};
  }

  Result<uint64_t> size_bytes() const override {
    base::MutexLock lock(state_->mutex);
    CLEW_TRY(check(state_->begin()));
    return uint64_t{inode_->now->size()};
  }

  const std::string& path() const override { return path_; }

 private:
  Status check(Fault fault) const {
    if (epoch_ != state_->epoch) return Error(Code::kIo, path_ + ": the file was open at a crash");
    if (fault != Fault::kNone) return state_->error(fault, path_);
    return {};
  }

  void put(uint64_t offset, std::string_view bytes) {
    if (bytes.empty() || epoch_ != state_->epoch) return;
    uint64_t end = offset + bytes.size();
    uint64_t old = inode_->now->size();
    std::string& now = inode_->now.own();
    if (end > old) {
      now.resize(end);
      for (uint64_t s = old / kSector; s * kSector < end; ++s) inode_->dirty.insert(s);
    }
    now.replace(offset, bytes.size(), bytes);
    for (uint64_t s = offset / kSector; s * kSector < end; ++s) inode_->dirty.insert(s);
  }

  void lose_by_failed_sync() {
    if (epoch_ != state_->epoch) return;
    if (inode_->durable->size() < inode_->now->size() && state_->rng.one_in(2)) {
      inode_->durable.own().resize(inode_->now->size());
    }
    for (uint64_t sector : inode_->dirty) {
      if (state_->rng.one_in(2)) copy_sector(*inode_->now, inode_->durable.own(), sector);
    }
    inode_->dirty.clear();
  }

  std::shared_ptr<State> state_;
  InodePtr inode_;
  std::string path_;
  bool writable_;
  uint64_t epoch_ = 0;
};

class SimDirLock final : public DirLock {
 public:
  SimDirLock(std::shared_ptr<State> state, std::string path)
      : state_(std::move(state)), path_(std::move(path)), epoch_(state_->epoch) {}
  ~SimDirLock() override {
    base::MutexLock lock(state_->mutex);
    if (epoch_ == state_->epoch) state_->locks.erase(path_);
  }
  SimDirLock(const SimDirLock&) = delete;
  SimDirLock& operator=(const SimDirLock&) = delete;

 private:
  std::shared_ptr<State> state_;
  std::string path_;
  uint64_t epoch_;
};

}  // namespace

SimDisk::SimDisk(uint64_t seed, uint64_t total_bytes) : state_(std::make_shared<State>(seed, total_bytes)) {}
SimDisk::SimDisk(std::shared_ptr<State> state) : state_(std::move(state)) {}
SimDisk::~SimDisk() = default;

Result<std::unique_ptr<File>> SimDisk::open(const std::string& path, OpenMode mode) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  bool makes = mode == OpenMode::kCreate || mode == OpenMode::kReplace;
  Fault fault = makes ? s.begin_change(s.mutex) : s.begin();
  if (fault != Fault::kNone) return s.error(fault, path);
  if (s.dirs.count(path) > 0) return Error(Code::kIo, path + " is a directory");
  if (s.dirs.count(parent_of(path)) == 0) return Error(Code::kNotFound, parent_of(path) + " does not exist");
  auto it = s.names.find(path);
  if (it == s.names.end() && !makes) return Error(Code::kNotFound, path + " does not exist");
  if (it != s.names.end() && mode == OpenMode::kCreate) return Error(Code::kExists, path + " exists");
  if (it == s.names.end()) {
    s.change_name({.from = "", .to = path, .inode = std::make_shared<Inode>()});
    it = s.names.find(path);
  } else if (mode == OpenMode::kReplace) {
    Inode& inode = *it->second;
    inode.now.set({});
    inode.dirty.clear();
    inode.reserved_bytes = 0;
  }
  return std::unique_ptr<File>(std::make_unique<SimFile>(state_, it->second, path, mode != OpenMode::kRead));
}

Status SimDisk::rename(const std::string& from, const std::string& to) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin_change(s.mutex);
  auto it = s.names.find(from);
  bool done_all_the_same = fault == Fault::kFail && s.rng.one_in(2);
  if (it != s.names.end() && (fault == Fault::kNone || done_all_the_same)) {
    InodePtr inode = it->second;
    s.change_name({.from = from, .to = to, .inode = inode});
    if (fault == Fault::kNone) return {};
  }
  if (fault != Fault::kNone) return s.error(fault, from);
  return Error(Code::kNotFound, from + " does not exist");
}

Status SimDisk::remove(const std::string& path) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin_change(s.mutex);
  if (fault == Fault::kDead) return s.error(fault, path);
  bool does = fault == Fault::kNone || s.rng.one_in(2);
  bool there = s.names.count(path) > 0;
  if (there && does) s.change_name({.from = path, .to = "", .inode = nullptr});
  if (fault != Fault::kNone) return s.error(fault, path);
  if (!there) return Error(Code::kNotFound, path + " does not exist");
  return {};
}

Status SimDisk::remove_dir(const std::string& path) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin_change(s.mutex);
  if (fault != Fault::kNone) return s.error(fault, path);
  auto next = s.names.lower_bound(path + "/");
  if (next != s.names.end() && next->first.rfind(path + "/", 0) == 0) return Error(Code::kIo, path + " is not empty");
  if (s.dirs.erase(path) == 0) return Error(Code::kNotFound, path + " does not exist");
  return {};
}

Status SimDisk::make_dirs(const std::string& path) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin_change(s.mutex);
  if (fault != Fault::kNone) return s.error(fault, path);
  for (std::string p = path; s.dirs.insert(p).second;) p = parent_of(p);
  return {};
}

Status SimDisk::sync_dir(const std::string& path) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin_change(s.mutex);
  if (fault != Fault::kNone) return s.error(fault, path);
  std::vector<NameChange> rest;
  for (NameChange& change : s.changes) {
    bool here = (!change.from.empty() && parent_of(change.from) == path) ||
                (!change.to.empty() && parent_of(change.to) == path);
    if (here) {
      s.settle(change);
    } else {
      rest.push_back(std::move(change));
    }
  }
  s.changes = std::move(rest);
  return {};
}

Result<std::vector<DirEntry>> SimDisk::list(const std::string& path) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin();
  if (fault != Fault::kNone) return s.error(fault, path);
  if (s.dirs.count(path) == 0) return Error(Code::kNotFound, path + " does not exist");
  std::vector<DirEntry> entries;
  for (const auto& [name, inode] : s.names) {
    if (parent_of(name) == path) entries.push_back({name.substr(path.size() + 1), false, inode->now->size()});
  }
  for (const std::string& dir : s.dirs) {
    if (dir.size() > path.size() && parent_of(dir) == path) entries.push_back({dir.substr(path.size() + 1), true, 0});
  }
  return entries;
}

Result<bool> SimDisk::exists(const std::string& path) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin();
  if (fault != Fault::kNone) return s.error(fault, path);
  return s.names.count(path) > 0 || s.dirs.count(path) > 0;
}

Result<DiskSpace> SimDisk::space(const std::string& path) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin();
  if (fault != Fault::kNone) return s.error(fault, path);
  uint64_t used = s.used_bytes();
  return DiskSpace{s.total_bytes, s.total_bytes > used ? s.total_bytes - used : 0};
}

Result<std::unique_ptr<DirLock>> SimDisk::lock_dir(const std::string& path) {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  Fault fault = s.begin();
  if (fault != Fault::kNone) return s.error(fault, path);
  if (!s.locks.insert(path).second) return Error(Code::kExists, path + " is in use by another process");
  return std::unique_ptr<DirLock>(std::make_unique<SimDirLock>(state_, path));
}

uint64_t SimDisk::operations() const {
  base::MutexLock lock(state_->mutex);
  return state_->operations;
}

void SimDisk::fail_operation(uint64_t n, Code code) {
  base::MutexLock lock(state_->mutex);
  state_->fail_at = n == 0 ? 0 : state_->operations + n;
  state_->fail_code = code;
  state_->failed = false;
}

bool SimDisk::failure_happened() const {
  base::MutexLock lock(state_->mutex);
  return state_->failed;
}

void SimDisk::cut_power_at(uint64_t n) {
  base::MutexLock lock(state_->mutex);
  state_->power_out_at = n == 0 ? 0 : state_->operations + n;
}

bool SimDisk::power_is_out() const {
  base::MutexLock lock(state_->mutex);
  return state_->power_out_at != 0 && state_->operations + 1 >= state_->power_out_at;
}

void SimDisk::crash() {
  State& s = *state_;
  base::MutexLock lock(s.mutex);
  s.forget_handles();
  std::set<Inode*> seen;
  uint64_t keep_of_4 = s.rng.below(5);  // nothing, a quarter ... everything of the unsynced bytes
  for (const auto* names : {&s.names, &s.durable_names}) {
    for (const auto& [path, inode] : *names) {
      if (seen.insert(inode.get()).second) s.settle_bytes_by_chance(*inode, keep_of_4);
    }
  }
  for (const NameChange& change : s.changes) {
    if (change.inode && seen.insert(change.inode.get()).second) s.settle_bytes_by_chance(*change.inode, keep_of_4);
  }
  s.settle_names_by_chance();
}

void SimDisk::kill_process() {
  base::MutexLock lock(state_->mutex);
  state_->forget_handles();
}

std::unique_ptr<SimDisk> SimDisk::fork(uint64_t seed) const {
  const State& s = *state_;
  base::MutexLock lock(s.mutex);
  auto copy = std::make_shared<State>(seed, s.total_bytes);
  std::map<const Inode*, InodePtr> copies;
  auto copied = [&](const InodePtr& inode) -> InodePtr {
    if (!inode) return nullptr;
    InodePtr& c = copies[inode.get()];
    if (!c) c = std::make_shared<Inode>(*inode);
    return c;
  };
  for (const auto& [path, inode] : s.names) copy->names[path] = copied(inode);
  for (const auto& [path, inode] : s.durable_names) copy->durable_names[path] = copied(inode);
  for (const NameChange& change : s.changes) {
    copy->changes.push_back({change.from, change.to, copied(change.inode)});
  }
  copy->dirs = s.dirs;
  return std::unique_ptr<SimDisk>(new SimDisk(std::move(copy)));
}

void SimDisk::set_total_bytes(uint64_t bytes) {
  base::MutexLock lock(state_->mutex);
  state_->total_bytes = bytes;
}

void SimDisk::set_lying(bool lying) {
  base::MutexLock lock(state_->mutex);
  state_->lying = lying;
}

std::vector<std::string> SimDisk::files() const {
  base::MutexLock lock(state_->mutex);
  std::vector<std::string> out;
  for (const auto& [path, inode] : state_->names) out.push_back(path);
  return out;
}

std::string SimDisk::contents(const std::string& path) const {
  base::MutexLock lock(state_->mutex);
  auto it = state_->names.find(path);
  CHECK(it != state_->names.end(), path);
  return *it->second->now;
}

void SimDisk::put(const std::string& path, std::string bytes) {
  base::MutexLock lock(state_->mutex);
  auto inode = std::make_shared<Inode>();
  inode->now.set(std::move(bytes));
  inode->durable = inode->now;
  state_->names[path] = state_->durable_names[path] = inode;
  for (std::string p = parent_of(path); state_->dirs.insert(p).second;) p = parent_of(p);
}

void SimDisk::flip(const std::string& path, uint64_t offset, uint8_t mask) {
  base::MutexLock lock(state_->mutex);
  auto it = state_->names.find(path);
  CHECK(it != state_->names.end(), path);
  for (SharedBytes* shared : {&it->second->now, &it->second->durable}) {
    if (offset >= (*shared)->size()) continue;
    char& byte = shared->own()[offset];
    byte = static_cast<char>(static_cast<uint8_t>(byte) ^ mask);
  }
}

void SimDisk::on_change(std::function<void(uint64_t)> hook) {
  base::MutexLock lock(state_->mutex);
  state_->hook = std::move(hook);
}

}  // namespace clew::os
