// The manifest's files: MANIFEST-00000007.a and .b hold the same bytes, a header and edits. The first edit of a
// generation makes the whole state.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/hash.h"
#include "logstore/manifest.h"

namespace clew::logstore {
namespace {

constexpr std::string_view kMagic = "clewmani";
constexpr uint64_t kHeaderBytes = 64;
constexpr uint32_t kEditMagic = 0x54494445;  // "EDIT"
constexpr uint64_t kEditHeaderBytes = 24;
constexpr uint64_t kLogBytesMin = 1u << 20;  // a generation is written anew when its edits exceed this
constexpr uint64_t kReservedBytes = 64u << 10;
constexpr uint64_t kLogFactor = 4;  // and this many times its first edit
constexpr const char* kCopyNames[2] = {"a", "b"};

std::string path_of(const std::string& dir, uint64_t generation, int copy) {
  return fmt::format("{}/MANIFEST-{:08}.{}", dir, generation, kCopyNames[copy]);
}

// The generation in "MANIFEST-00000007.a"; 0 for any other name.
uint64_t generation_of(std::string_view name) {
  constexpr std::string_view kPrefix = "MANIFEST-";
  if (name.substr(0, kPrefix.size()) != kPrefix || name.size() < kPrefix.size() + 3) return 0;
  std::string_view suffix = name.substr(name.size() - 2);
  if (suffix != ".a" && suffix != ".b") return 0;
  std::string_view digits = name.substr(kPrefix.size(), name.size() - kPrefix.size() - 2);
  uint64_t generation = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), generation);
  return error == std::errc() && end == digits.data() + digits.size() ? generation : 0;
}

std::string encode_header(StoreVersion version, uint64_t generation) {
  std::string body;
  base::Writer b(body);
  b.u32(version.writer);
  b.u32(version.oldest_reader);
  b.u64(generation);
  body.resize(kHeaderBytes - kMagic.size() - 4, '\0');
  std::string bytes;
  base::Writer out(bytes);
  out.bytes(kMagic);
  out.u32(base::crc32c(body));
  out.bytes(body);
  return bytes;
}

// Errors: kCorrupt, kUnsupported.
Result<StoreVersion> read_header(std::string_view file, uint64_t generation, uint32_t build_version) {
  if (file.size() < kHeaderBytes) return Error(Code::kCorrupt, "shorter than a manifest header");
  base::Reader in(file.substr(0, kHeaderBytes));
  bool magic = in.bytes(kMagic.size()) == kMagic;
  uint32_t crc = in.u32();
  if (!magic || base::crc32c(file.substr(in.position(), kHeaderBytes - in.position())) != crc) {
    return Error(Code::kCorrupt, "manifest header fails its checksum");
  }
  StoreVersion version{.writer = in.u32(), .oldest_reader = in.u32()};
  if (version.oldest_reader > build_version) {
    return Error(
        Code::kUnsupported,
        fmt::format("the store has version {} and needs a build that reads version {}; this one reads up to {}",
                    version.writer, version.oldest_reader, build_version));
  }
  if (in.u64() != generation) return Error(Code::kCorrupt, "manifest of another generation");
  return version;
}

std::string encode_frame(const Edit& edit, uint64_t number) {
  std::string body = encode_edit(edit);
  std::string bytes;
  base::Writer out(bytes);
  out.u32(kEditMagic);
  out.u32(0);
  out.u64(number);
  out.u64(body.size());
  out.bytes(body);
  out.patch_u32(4, base::crc32c(std::string_view(bytes).substr(8)));
  bytes.resize((bytes.size() + 7) & ~size_t{7}, '\0');
  return bytes;
}

// The body of the whole edit at `at`; nothing when there is none.
std::optional<std::string_view> frame_at(std::string_view file, uint64_t at, uint64_t& number, uint64_t& next) {
  if (at >= file.size()) return std::nullopt;
  base::Reader in(file.substr(at));
  bool magic = in.u32() == kEditMagic;
  uint32_t crc = in.u32();
  number = in.u64();
  uint64_t body_bytes = in.u64();
  if (!magic || in.failed() || body_bytes > kEditBytesMax || body_bytes > in.remaining()) return std::nullopt;
  std::string_view checked = file.substr(at + 8, kEditHeaderBytes - 8 + body_bytes);
  if (base::crc32c(checked) != crc) return std::nullopt;
  next = at + ((kEditHeaderBytes + body_bytes + 7) & ~uint64_t{7});
  return checked.substr(kEditHeaderBytes - 8);
}

struct Log {
  std::vector<std::string> edits;  // bodies
  uint64_t damaged = 0;            // edits of which one copy was damaged
};

bool later_edit_exists(std::string_view file, uint64_t at, uint64_t expected) {
  for (at = (at + 7) & ~uint64_t{7}; at + kEditHeaderBytes <= file.size(); at += 8) {
    uint64_t number = 0, next = 0;
    if (frame_at(file, at, number, next) && number >= expected) return true;
  }
  return false;
}

// Takes each edit from the copy that has it whole.
Result<Log> merge_copies(std::string_view a, std::string_view b) {
  Log log;
  uint64_t at = kHeaderBytes;
  while (true) {
    uint64_t number = 0, next = at;
    std::optional<std::string_view> body = frame_at(a, at, number, next);
    if (!body || number != log.edits.size()) {
      log.damaged += at < a.size() ? 1 : 0;
      body = frame_at(b, at, number, next);
    }
    if (!body || number != log.edits.size()) break;
    log.edits.emplace_back(*body);
    at = next;
  }
  if (later_edit_exists(a, at, log.edits.size()) || later_edit_exists(b, at, log.edits.size())) {
    return Error(Code::kCorrupt, fmt::format("manifest edit {} is damaged in both copies", log.edits.size()));
  }
  return log;
}

Result<std::string> read_whole(os::Disk& disk, const std::string& path) {
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  return file->read_at(0, bytes);
}

struct Copy {
  std::string bytes;  // empty when it is missing or its header damaged
  StoreVersion version;
};

// Errors: kUnsupported, kIo.
Result<Copy> read_copy(os::Disk& disk, const std::string& path, uint64_t generation, uint32_t build_version) {
  Result<std::string> bytes = read_whole(disk, path);
  if (!bytes.ok() && bytes.error().code() == Code::kNotFound) return Copy();
  if (!bytes.ok()) return std::move(bytes).error();
  Result<StoreVersion> version = read_header(*bytes, generation, build_version);
  if (version.ok()) return Copy{std::move(bytes).take(), *version};
  if (version.error().code() == Code::kUnsupported) return std::move(version).error();
  return Copy();
}

Result<std::vector<uint64_t>> list_generations(os::Disk& disk, const std::string& dir) {
  std::vector<uint64_t> out;
  for (const os::DirEntry& entry : CLEW_TRY(disk.list(dir))) {
    uint64_t generation = generation_of(entry.name);
    if (generation != 0) out.push_back(generation);
  }
  std::sort(out.rbegin(), out.rend());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

struct Loaded {
  ManifestState state;
  StoreVersion version;
  uint64_t generation = 0;
};

// The newest generation whose first edit is whole. Errors: kNotFound when there is no manifest at all.
Result<Loaded> load(os::Disk& disk, const std::string& dir, uint32_t build_version) {
  std::vector<uint64_t> generations = CLEW_TRY(list_generations(disk, dir));
  for (uint64_t generation : generations) {
    Copy a = CLEW_TRY(read_copy(disk, path_of(dir, generation, 0), generation, build_version));
    Copy b = CLEW_TRY(read_copy(disk, path_of(dir, generation, 1), generation, build_version));
    Log log = CLEW_TRY(merge_copies(a.bytes, b.bytes));
    if (log.edits.empty()) continue;  // its making was cut short; the one before still holds
    Loaded loaded;
    loaded.generation = generation;
    loaded.version = a.bytes.empty() ? b.version : a.version;
    for (const std::string& body : log.edits) {
      Edit edit = CLEW_TRY(decode_edit(body));
      apply_edit(edit, loaded.state);
    }
    return loaded;
  }
  // The first generation is durable before anything else is written: cut short, it is no manifest at all.
  bool none = generations.empty() || generations.front() == 1;
  if (none) return Error(Code::kNotFound, dir + " holds no manifest");
  return Error(Code::kCorrupt, dir + ": no manifest is whole");
}

}  // namespace

Result<ManifestState> Manifest::read(os::Disk& disk, const std::string& dir) {
  Loaded loaded = CLEW_TRY(load(disk, dir, kStoreVersion));
  return std::move(loaded.state);
}

Result<std::unique_ptr<Manifest>> Manifest::open(os::Disk& disk, os::Rng& rng, std::string dir, StoreVersion build) {
  CLEW_TRY(disk.make_dirs(dir));
  std::unique_ptr<Manifest> manifest(new Manifest(disk, std::move(dir), build));
  std::vector<uint64_t> generations = CLEW_TRY(list_generations(disk, manifest->dir_));
  Result<Loaded> loaded = load(disk, manifest->dir_, build.writer);
  if (loaded.ok()) {
    manifest->state_ = std::move(loaded->state);
    manifest->version_ = loaded->version;
  } else if (loaded.error().code() == Code::kNotFound) {
    manifest->state_.store_id = rng.next();
    manifest->is_new_ = true;
  } else {
    return std::move(loaded).error();
  }
  manifest->generation_ = generations.empty() ? 0 : generations.front();
  Status begun = manifest->begin_generation();
  // A full disk must not keep the store from answering queries; the first edit tries again.
  if (!begun.ok() && (begun.error().code() != Code::kFull || manifest->is_new_)) return std::move(begun).error();
  return manifest;
}

// Writes the state to a new pair of files; only when they are durable do the old ones go.
Status Manifest::begin_generation() {
  uint64_t generation = ++generation_;
  pending_generation_ = true;
  std::string first = encode_header(version_, generation) + encode_frame(edit_of(state_), 0);
  for (int copy = 0; copy < 2; ++copy) {
    copies_[copy] = CLEW_TRY(disk_.open(path_of(dir_, generation, copy), os::OpenMode::kReplace));
    // Deletes and retention must work on a full disk, for they make room: a few edits have theirs already.
    CLEW_TRY(copies_[copy]->allocate(first.size() + kReservedBytes));
    CLEW_TRY(copies_[copy]->write_at(0, first));
    CLEW_TRY(copies_[copy]->sync());
  }
  CLEW_TRY(disk_.sync_dir(dir_));
  end_ = first_end_ = first.size();
  edits_ = 1;
  pending_generation_ = false;
  for (uint64_t old : CLEW_TRY(list_generations(disk_, dir_))) {
    if (old == generation) continue;
    for (int copy = 0; copy < 2; ++copy) {
      // One that stays is older and never read again; the next generation removes it.
      (void)disk_.remove(path_of(dir_, old, copy));
    }
  }
  (void)disk_.sync_dir(dir_);
  return {};
}

Status Manifest::upgrade() {
  version_ = build_;
  return begin_generation();
}

Status Manifest::append_to_copies(const Edit& edit) {
  std::string frame = encode_frame(edit, edits_);
  for (auto& copy : copies_) CLEW_TRY(copy->write_at(end_, frame));
  for (auto& copy : copies_) CLEW_TRY(copy->sync());
  end_ += frame.size();
  ++edits_;
  return {};
}

Status Manifest::append(const Edit& edit) {
  if (pending_generation_) CLEW_TRY(begin_generation());
  Status appended = append_to_copies(edit);
  if (appended.ok()) {
    apply_edit(edit, state_);
    // When this fails, the files at hand still hold everything; the next edit tries again.
    if (end_ > std::max(kLogBytesMin, kLogFactor * first_end_)) (void)begin_generation();
    return {};
  }
  // One copy may hold the edit. A new generation without it makes that void (M2).
  if (begin_generation().ok()) return appended;
  return Error(Code::kUnavailable, "the manifest cannot be written now: " + appended.error().message());
}

Status Manifest::health() const {
  if (!pending_generation_) return {};
  return Error(Code::kUnavailable, "the manifest could not be written anew; the next change tries again");
}

std::string describe_manifest(const os::File& file) {
  Result<uint64_t> bytes = file.size_bytes();
  if (!bytes.ok()) return "damaged: " + bytes.error().message() + "\n";
  Result<std::string> read = file.read_at(0, *bytes);
  if (!read.ok()) return "damaged: " + read.error().message() + "\n";
  std::string_view all = *read;
  std::string out = fmt::format("manifest, {} bytes\n", all.size());
  uint64_t at = kHeaderBytes, number = 0, next = 0;
  ManifestState state;
  while (auto body = frame_at(all, at, number, next)) {
    Result<Edit> edit = decode_edit(*body);
    if (!edit.ok()) return out + fmt::format("{:>10}  edit {}: {}\n", at, number, edit.error().message());
    out += fmt::format("{:>10}  edit {}: {} segments added, {} removed, {} ranges flushed, {} deleted\n", at, number,
                       edit->added.size(), edit->removed.size(), edit->flushed.size(), edit->deleted.size());
    apply_edit(*edit, state);
    at = next;
  }
  if (at < all.size()) out += fmt::format("{:>10}  no whole edit, {} bytes\n", at, all.size() - at);
  out +=
      fmt::format("store {:016x}, next segment {}, next _seq {}\n", state.store_id, state.next_segment, state.next_seq);
  for (const auto& [id, s] : state.segments) {
    out += fmt::format("  segment {:08} {}/{} day {} rows {} bytes {} _seq {}..{}{}\n", id, s.tenant, s.dataset, s.day,
                       s.rows, s.bytes, s.seq_min, s.seq_max, state.deletes.count(id) > 0 ? " with deletes" : "");
  }
  return out;
}

}  // namespace clew::logstore
