#include "live/subscription_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

#include "base/bytes.h"
#include "base/hash.h"

namespace clew::live {
namespace {

constexpr std::string_view kMagic = "clewsubs";
constexpr uint32_t kVersion = 1;
constexpr uint64_t kHeaderBytes = 24;
constexpr uint32_t kRecordMagic = 0x53425543;  // "CUBS"
constexpr uint64_t kRecordHeaderBytes = 12;
constexpr uint64_t kRecordBytesMax = 128u << 10;
constexpr uint64_t kLogBytesMin = 1u << 20;  // a generation is written anew when it exceeds this
constexpr uint64_t kLogFactor = 4;           // and this many times what it began with

enum class Kind : uint8_t { kPut = 1, kAck = 2, kRemove = 3 };

std::string path_of(const std::string& dir, uint64_t generation) {
  return fmt::format("{}/SUBSCRIPTIONS-{:08}", dir, generation);
}

// The generation in "SUBSCRIPTIONS-00000007"; 0 for any other name.
uint64_t generation_of(std::string_view name) {
  constexpr std::string_view kPrefix = "SUBSCRIPTIONS-";
  if (!name.starts_with(kPrefix)) return 0;
  std::string_view digits = name.substr(kPrefix.size());
  uint64_t generation = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), generation);
  return error == std::errc() && end == digits.data() + digits.size() ? generation : 0;
}

std::string framed(const std::string& body) {
  std::string bytes;
  base::Writer out(bytes);
  out.u32(kRecordMagic);
  out.u32(base::crc32c(body));
  out.u32(static_cast<uint32_t>(body.size()));
  out.bytes(body);
  return bytes;
}

// Errors: kCorrupt, kUnsupported.
Status check_header(std::string_view bytes) {
  base::Reader in(bytes.substr(0, kHeaderBytes));
  bool magic = in.bytes(kMagic.size()) == kMagic;
  uint32_t version = in.u32();
  (void)in.u64();
  uint32_t crc = in.u32();
  if (in.failed() || !magic || base::crc32c(bytes.substr(0, kHeaderBytes - 4)) != crc) {
    return Error(Code::kCorrupt, "no whole header of a log of subscriptions");
  }
  if (version > kVersion) {
    return Error(Code::kUnsupported,
                 fmt::format("subscriptions of version {}; this build reads {}", version, kVersion));
  }
  return {};
}

// The body of the record at `at`, which then points behind it; none where the log ends or is torn.
std::optional<std::string_view> record_at(std::string_view bytes, uint64_t& at) {
  if (at >= bytes.size()) return std::nullopt;
  base::Reader in(bytes.substr(at));
  bool magic = in.u32() == kRecordMagic;
  uint32_t crc = in.u32();
  uint32_t size = in.u32();
  if (in.failed() || !magic || size > kRecordBytesMax) return std::nullopt;
  std::string_view body = in.bytes(size);
  if (in.failed() || base::crc32c(body) != crc) return std::nullopt;
  at += kRecordHeaderBytes + size;
  return body;
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

}  // namespace

std::string encode_put(const Subscription& subscription) {
  std::string body;
  base::Writer out(body);
  out.u8(static_cast<uint8_t>(Kind::kPut));
  out.string(subscription.tenant);
  out.string(subscription.name);
  out.string(subscription.query);
  out.varint(subscription.acked);
  out.i64(subscription.created_nanos);
  out.i64(subscription.acked_nanos);
  out.varint(subscription.epoch);
  return framed(body);
}

std::string encode_ack(const Subscription& subscription) {
  std::string body;
  base::Writer out(body);
  out.u8(static_cast<uint8_t>(Kind::kAck));
  out.string(subscription.tenant);
  out.string(subscription.name);
  out.varint(subscription.acked);
  out.i64(subscription.acked_nanos);
  return framed(body);
}

std::string encode_remove(const std::string& tenant, const std::string& name) {
  std::string body;
  base::Writer out(body);
  out.u8(static_cast<uint8_t>(Kind::kRemove));
  out.string(tenant);
  out.string(name);
  return framed(body);
}

std::string encode_log_header(uint64_t generation) {
  std::string bytes;
  base::Writer out(bytes);
  out.bytes(kMagic);
  out.u32(kVersion);
  out.u64(generation);
  out.u32(base::crc32c(bytes));
  return bytes;
}

Result<std::unique_ptr<SubscriptionStore>> SubscriptionStore::open(os::Disk& disk, const os::Clock& clock,
                                                                   std::string dir, Seq committed) {
  std::unique_ptr<SubscriptionStore> store(new SubscriptionStore(disk, clock, std::move(dir)));
  CLEW_TRY(disk.make_dirs(store->dir_));
  CLEW_TRY(store->load(committed));
  return store;
}

// The newest generation with a whole header counts: one that was being begun when the machine stopped has none, or all
// that it began with, as it is synced before its name is.
Status SubscriptionStore::load(Seq committed) {
  std::vector<uint64_t> generations;
  for (const os::DirEntry& entry : CLEW_TRY(disk_.list(dir_))) {
    uint64_t generation = generation_of(entry.name);
    if (generation > 0) generations.push_back(generation);
  }
  std::sort(generations.rbegin(), generations.rend());
  base::MutexLock writing(write_mutex_);
  old_ = generations;
  generation_ = generations.empty() ? 0 : generations.front();
  for (uint64_t generation : generations) {
    std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path_of(dir_, generation), os::OpenMode::kRead));
    uint64_t size = CLEW_TRY(file->size_bytes());
    std::string bytes = CLEW_TRY(file->read_at(0, size));
    Status header = check_header(bytes);
    if (!header.ok() && header.error().code() == Code::kUnsupported) return std::move(header).error().at(file->path());
    if (!header.ok()) continue;
    CLEW_TRY(read_log(bytes));
    base::MutexLock lock(mutex_);
    for (auto& [key, subscription] : all_) {
      subscription.acked = std::min(subscription.acked, committed.get());
      next_epoch_ = std::max(next_epoch_, subscription.epoch + 1);
    }
    return begin_generation(all_);
  }
  for (uint64_t generation : generations) {
    CLEW_TRY(disk_.rename(path_of(dir_, generation), path_of(dir_, generation) + ".damaged"));
    ++damaged_logs_;
  }
  return {};
}

Status SubscriptionStore::read_log(std::string_view bytes) {
  base::MutexLock lock(mutex_);
  uint64_t at = kHeaderBytes;
  std::string magic;
  base::Writer(magic).u32(kRecordMagic);
  while (at < bytes.size()) {
    uint64_t begin = at;
    std::optional<std::string_view> body = record_at(bytes, at);
    if (!body) {
      // The torn end of the log; or damage, and what is behind it counts.
      at = bytes.find(magic, begin + 1);
      continue;
    }
    base::Reader in(*body);
    auto kind = static_cast<Kind>(in.u8());
    Subscription s;
    s.tenant = in.string();
    s.name = in.string();
    Key key(s.tenant, s.name);
    if (kind == Kind::kPut) {
      s.query = in.string();
      s.acked = in.varint();
      s.created_nanos = in.i64();
      s.acked_nanos = in.i64();
      s.epoch = in.varint();
      CLEW_TRY(in.finish());
      all_[key] = std::move(s);
    } else if (kind == Kind::kAck) {
      uint64_t acked = in.varint();
      int64_t nanos = in.i64();
      CLEW_TRY(in.finish());
      auto found = all_.find(key);
      if (found == all_.end()) continue;
      found->second.acked = acked;
      found->second.acked_nanos = nanos;
    } else if (kind == Kind::kRemove) {
      CLEW_TRY(in.finish());
      all_.erase(key);
    } else {
      return Error(Code::kUnsupported, "a record of subscriptions of an unknown kind");
    }
  }
  return {};
}

// From here until all of it is on disk no log is appended to: what fails on the way is tried anew by the next change,
// with a number that was not used before.
Status SubscriptionStore::begin_generation(const All& all) {
  log_.reset();
  uint64_t generation = ++generation_;
  std::string bytes = encode_log_header(generation);
  for (const auto& [key, subscription] : all) bytes += encode_put(subscription);
  std::string path = path_of(dir_, generation);
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path + ".new", os::OpenMode::kReplace));
  CLEW_TRY(file->write_at(0, bytes));
  CLEW_TRY(file->sync());
  file.reset();
  CLEW_TRY(disk_.rename(path + ".new", path));
  CLEW_TRY(disk_.sync_dir(dir_));
  log_ = CLEW_TRY(disk_.open(path, os::OpenMode::kReadWrite));
  end_ = first_end_ = bytes.size();
  // What cannot be removed is older than the newest and counts no more.
  for (uint64_t old : std::exchange(old_, {generation})) (void)disk_.remove(path_of(dir_, old));
  return {};
}

Status SubscriptionStore::change(const std::string& record, const std::function<void(All&)>& apply) {
  bool long_log = end_ > std::max(kLogBytesMin, kLogFactor * first_end_);
  if (log_ == nullptr || long_log) {
    All next;
    {
      base::MutexLock lock(mutex_);
      next = all_;
    }
    apply(next);
    CLEW_TRY(begin_generation(next));
  } else {
    Status written = log_->write_at(end_, record);
    if (written.ok()) written = log_->sync();
    // Of a file whose sync failed nothing is known any more.
    if (!written.ok()) log_.reset();
    CLEW_TRY(std::move(written));
    end_ += record.size();
  }
  base::MutexLock lock(mutex_);
  apply(all_);
  return {};
}

Status SubscriptionStore::check_new(const std::string& tenant, const std::string& name,
                                    const std::string& query) const {
  if (name.empty() || name.size() > kSubscriptionNameBytesMax || has_controls(name)) {
    return Error(Code::kInvalid, fmt::format("a subscription's name has 1 to {} bytes and no control characters",
                                             kSubscriptionNameBytesMax));
  }
  if (query.size() > kSubscriptionQueryBytesMax) {
    return Error(Code::kInvalid,
                 fmt::format("a subscription's query has at most {} bytes", kSubscriptionQueryBytesMax));
  }
  base::MutexLock lock(mutex_);
  auto count = std::count_if(all_.begin(), all_.end(), [&](const auto& one) { return one.first.first == tenant; });
  if (static_cast<size_t>(count) < kSubscriptionsMax) return {};
  return Error(Code::kOverloaded, fmt::format("there are {} subscriptions already: delete one", count));
}

std::vector<Subscription> SubscriptionStore::list(const std::string& tenant) const {
  std::vector<Subscription> out;
  base::MutexLock lock(mutex_);
  for (const auto& [key, subscription] : all_) {
    if (key.first == tenant) out.push_back(subscription);
  }
  return out;
}

Result<Subscription> SubscriptionStore::find(const std::string& tenant, const std::string& name) const {
  base::MutexLock lock(mutex_);
  auto found = all_.find({tenant, name});
  if (found == all_.end()) return Error(Code::kNotFound, "no subscription " + quoted(name));
  return found->second;
}

Result<std::pair<Subscription, bool>> SubscriptionStore::create(const std::string& tenant, const std::string& name,
                                                                const std::string& query, Seq start) {
  base::MutexLock writing(write_mutex_);
  Result<Subscription> known = find(tenant, name);
  if (known.ok()) {
    if (known->query == query) return std::pair(*known, false);
    return Error(Code::kExists, "the subscription " + quoted(name) + " asks " + quoted(known->query) +
                                    ": delete it, or take another name");
  }
  CLEW_TRY(check_new(tenant, name, query));
  Subscription made{.tenant = tenant, .name = name, .query = query, .acked = start.get()};
  made.created_nanos = clock_.now().get();
  {
    base::MutexLock lock(mutex_);
    made.epoch = next_epoch_++;
  }
  CLEW_TRY(change(encode_put(made), [&made](All& all) { all[{made.tenant, made.name}] = made; }));
  return std::pair(made, true);
}

Result<Subscription> SubscriptionStore::acknowledge(const std::string& tenant, const std::string& name, Seq up_to) {
  base::MutexLock writing(write_mutex_);
  Subscription next = CLEW_TRY(find(tenant, name));
  if (up_to.get() <= next.acked) return next;
  next.acked = up_to.get();
  next.acked_nanos = clock_.now().get();
  CLEW_TRY(change(encode_ack(next), [&next](All& all) { all[{next.tenant, next.name}] = next; }));
  return next;
}

Status SubscriptionStore::remove(const std::string& tenant, const std::string& name) {
  base::MutexLock writing(write_mutex_);
  CLEW_TRY(find(tenant, name));
  return change(encode_remove(tenant, name), [&](All& all) { all.erase({tenant, name}); });
}

}  // namespace clew::live
