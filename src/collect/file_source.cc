#include "collect/file_source.h"

#include <fnmatch.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "base/hash.h"
#include "collect/container_fields.h"
#include "process/plain_line.h"
#include "process/sent_lines.h"

namespace clew::collect {
namespace {

constexpr size_t kReadBytesMin = 4 << 10;
constexpr size_t kReadBytesMax = 1 << 20;  // of one file before the others have their turn
constexpr size_t kSampleBytes = 64 << 10;
constexpr size_t kTimeBytesMax = 256;                   // of a line, where its time stands
constexpr size_t kEndedMax = 1000;                      // files that are gone whose places are kept
constexpr uint64_t kCopyWaitNanos = 5'000'000'000;      // for the cut that follows when a file was copied to be cut
constexpr uint64_t kWatchedScanNanos = 10'000'000'000;  // how often names are looked at where changes are told
constexpr std::string_view kPathField = "log.file.path";
constexpr std::string_view kStreamField = "log.iostream";

bool is_compressed(std::string_view path) { return path.ends_with(".gz") || path.ends_with(".zst"); }

std::string_view directory_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// Where its writes are told: a symbolic link's are told where it leads.
std::string real_directory_of(const std::string& path) {
  char resolved[PATH_MAX];
  const char* real = ::realpath(path.c_str(), resolved);
  std::string directory(directory_of(real != nullptr ? real : path.c_str()));
  return directory.empty() ? "." : directory;
}

// Whether the first `bytes` of one are most likely the other's: the last of them are.
bool same_begin(const os::ForeignFile& one, const os::ForeignFile& other, uint64_t bytes) {
  std::string of_one(std::min<uint64_t>(bytes, kTailBytes), '\0');
  std::string of_other = of_one;
  Result<size_t> got = one.read_at(bytes - of_one.size(), of_one.data(), of_one.size());
  Result<size_t> also = other.read_at(bytes - of_other.size(), of_other.data(), of_other.size());
  return bytes > 0 && got.ok() && also.ok() && *got == *also && *got == of_one.size() && of_one == of_other;
}

// How the lines of a file that begins so are kept.
LineForm form_of(std::string_view sample, std::optional<text::Encoding> encoding) {
  LineForm form;
  form.encoding = encoding ? *encoding : text::encoding_of(sample);
  sample.remove_prefix(text::mark_bytes(form.encoding, sample));
  std::string decoded;
  if (form.encoding != text::Encoding::kUtf8) {
    text::append_as_utf8(form.encoding, sample, decoded);
    sample = decoded;
  }
  form.wrapping = wrapping_of(sample);
  return form;
}

// The lines as the program wrote them.
std::string plain_lines(std::string_view sample, const LineForm& form) {
  sample.remove_prefix(text::mark_bytes(form.encoding, sample));
  std::string decoded;
  text::append_as_utf8(form.encoding, sample, decoded);
  if (form.wrapping == Wrapping::kNone) return decoded;
  std::string lines;
  EventLines unwrap({.encoding = text::Encoding::kUtf8, .wrapping = form.wrapping, .join = {}}, kSampleBytes);
  auto take = [&](const FileEvent& event) { lines.append(event.text).append("\n"); };
  std::string_view rest = decoded;
  for (size_t newline; (newline = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(newline + 1)) {
    unwrap.add(rest.substr(0, newline), newline + 1, take);
  }
  return lines;
}

// Of a line of prose.
std::optional<int64_t> time_of_line(std::string_view line, const text::Zone& zone, UnixNanos now) {
  text::TimeReader times;
  std::optional<text::Time> time = process::parse_plain_line(line, times, {zone, now.get()}).time;
  return time && !time->out_of_range ? std::optional<int64_t>(time->unix_nanos) : std::nullopt;
}

// How large a file is, and what of it a place may be compared with.
class Content {
 public:
  Content(const os::ForeignFile& file, const os::FileInfo& info, std::string path)
      : file_(file), bytes_(info.bytes), path_(std::move(path)) {}

  bool stands_at(const FilePlace& place) {
    if (is_compressed(path_)) return plain_stands_at(place);
    if (place.offset > bytes_) return false;
    Result<bool> is = collect::stands_at(file_, place);
    return is.ok() && *is;
  }
  // Whether all of it lies before the place.
  bool is_prefix_of(const FilePlace& place) {
    if (is_compressed(path_) || place.offset <= bytes_ || bytes_ < place.head_bytes) return false;
    Result<bool> is = begins_as(file_, place);
    return is.ok() && *is;
  }

 private:
  // Plain bytes are read until the place is behind them; one after the other they would be read again for each place.
  bool plain_stands_at(const FilePlace& place) {
    if (!plain_read_) {
      plain_read_ = true;
      Result<std::unique_ptr<InputFile>> input = InputFile::open(path_);
      while (input.ok()) {
        Result<std::string_view> bytes = (*input)->read();
        if (!bytes.ok() || bytes->empty()) break;
        plain_.append(*bytes);
        if (plain_.size() > kPlainBytesMax) break;
      }
    }
    if (place.offset > plain_.size()) return false;
    std::string_view tail = std::string_view(plain_).substr(place.offset - place.tail_bytes, place.tail_bytes);
    return base::hash64(tail) == place.tail_hash;
  }

  static constexpr size_t kPlainBytesMax = 256 << 20;
  const os::ForeignFile& file_;
  const uint64_t bytes_;
  const std::string path_;
  bool plain_read_ = false;
  std::string plain_;
};

}  // namespace

struct FileSource::Tail {
  Tail(TailedFile tailed, std::string key_text) : file(std::move(tailed)), key(std::move(key_text)) {}
  TailedFile file;
  std::string key;  // of its place
  std::unique_ptr<process::LineParser> parser;
  process::Format format = process::Format::kPlain;
  uint64_t sampled_bytes = 0;  // that the format was detected from
  uint64_t batch = 0;          // number of the batch that the parser writes to
  uint64_t seen_scan = 0;
  uint64_t grown_ns = 0;  // when lines came last
  int64_t checked_modified = 0;
  uint64_t checked_bytes = UINT64_MAX;
  bool sends_lines = false;                              // as they are
  std::string line_note;                                 // of the lines sent
  int64_t line_time = 0;                                 // their `_time`
  std::optional<int64_t> last_time;                      // of a line before
  std::string last_line;                                 // its begin
  bool more = true;                                      // than was read so far
  bool ended_early = false;                              // of compressed files
  std::string fields_path;                               // that `own` is of
  std::vector<std::pair<std::string, std::string>> own;  // what the file's path tells of its events
};

FileSource::FileSource(FileSourceOptions options, contract::Queue& queue, const os::Clock& clock,
                       base::Registry& metrics)
    : options_(std::move(options)),
      queue_(queue),
      clock_(clock),
      watcher_(os::DirWatcher::make()),
      maker_(options_.batch, queue, clock, metrics),
      bytes_read_(metrics.counter("clew_agent_read_bytes_total", "Bytes read", {{"source", options_.batch.source}})),
      files_cut_(metrics.counter("clew_agent_files_cut_total", "Files that were cut while they were followed",
                                 {{"source", options_.batch.source}})),
      errors_(metrics.counter("clew_agent_read_errors_total", "Files that could not be read",
                              {{"source", options_.batch.source}})) {}
FileSource::~FileSource() = default;

void FileSource::stop() {
  stop_ = true;
  watcher_->wake();
}

// --- places --------------------------------------------------------------------------------------------------------

std::string FileSource::key_of(const FilePlace& place) const {
  std::string id = std::to_string(place.id.device) + "-" + std::to_string(place.id.inode);
  if (place.ended_nanos == 0) return "file/" + options_.batch.source + "/" + id;
  // Files of equal length are cut one after the other under one inode.
  return "file/" + options_.batch.source + "/ended/" + id + "-" + std::to_string(place.offset) + "-" +
         std::to_string(place.tail_hash);
}

Status FileSource::load_places() {
  const std::string prefix = "file/" + options_.batch.source + "/";
  places_.clear();
  for (const auto& [key, text] : queue_.places()) {
    if (key.starts_with(prefix)) places_[key] = CLEW_TRY(parse_place(text));
  }
  first_run_ = places_.empty();
  return {};
}

void FileSource::put_place(const FilePlace& place) {
  std::string key = key_of(place);
  changed_[key] = print_place(place);
  places_[std::move(key)] = place;
}

void FileSource::drop_place(const std::string& key) {
  if (places_.erase(key) > 0) changed_[key] = "";
}

// Remembers how far a file was read that is no more, or whose bytes are: a copy of it may turn up.
void FileSource::end_place(FilePlace place) {
  if (place.offset == 0) return;
  place.ended_nanos = std::max<int64_t>(1, clock_.now().get());
  put_place(place);
  std::vector<std::pair<int64_t, std::string>> ended;
  for (const auto& [key, kept] : places_) {
    if (kept.ended_nanos != 0) ended.emplace_back(kept.ended_nanos, key);
  }
  if (ended.size() <= kEndedMax) return;
  drop_place(std::min_element(ended.begin(), ended.end())->second);
}

// Where a file that is not open is begun.
FilePlace FileSource::start_place(const os::ForeignFile& file, const os::FileInfo& info, const std::string& path) {
  FilePlace start;
  if (auto copy = copies_.extract(path); !copy.empty()) {
    start.offset = std::min(*copy.mapped().offset, info.bytes);
  } else if (std::optional<FilePlace> known = known_place(file, info, path)) {
    start = *known;
  } else if (options_.from_end && first_run_ && scans_ == 1) {
    start.offset = info.bytes;
  }
  forget_inode(info.id, start.offset);
  start.id = info.id;
  start.path = path;
  start.ended_nanos = 0;
  return start;
}

// A file that holds the bytes of one that is followed, as a copy does that is seen before the cut, holds the event that
// is open there too. It is given now: the file is begun behind it.
void FileSource::close_events_of(const os::ForeignFile& file, const os::FileInfo& info, const std::string& path) {
  std::optional<Content> content;
  for (auto& [id, tail] : tails_) {
    const FilePlace& place = tail->file.place();
    bool related = directory_of(path) == directory_of(place.path) && may_be_rotated(path, place.path);
    if (!related || !tail->parser || tail->file.skipping() || !tail->file.has_event()) continue;
    if (!content) content.emplace(file, info, path);
    if (!content->stands_at(place)) continue;
    attach(*tail);
    tail->file.take_event([&, this](const FileEvent& event) { take_event(*tail, event); });
    put_place(tail->file.place());
  }
}

// Of the places that the file may be at, by its inode or by its name, the last that its bytes agree to.
std::optional<FilePlace> FileSource::known_place(const os::ForeignFile& file, const os::FileInfo& info,
                                                 const std::string& path) const {
  Content content(file, info, path);
  std::optional<FilePlace> best;
  for (const auto& [key, place] : places_) {
    bool same_file = place.id == info.id;
    bool related = directory_of(path) == directory_of(place.path) && may_be_rotated(path, place.path);
    if ((!same_file && !related) || (best && best->offset >= place.offset)) continue;
    if (content.stands_at(place)) {
      best = place;
    } else if (!same_file && may_be_later_name(path, place.path) && content.is_prefix_of(place)) {
      best.emplace();  // a copy of bytes that were all taken: its own ends count
      best->offset = info.bytes;
    }
  }
  return best;
}

// What had this inode and does not go on at `offset` was another file.
void FileSource::forget_inode(const os::FileId& id, uint64_t offset) {
  FilePlace live;
  live.id = id;
  std::string key = key_of(live);
  auto had = places_.find(key);
  if (had == places_.end()) return;
  FilePlace place = had->second;
  drop_place(key);
  if (place.offset != offset) end_place(place);
}

// --- names ---------------------------------------------------------------------------------------------------------

bool FileSource::excluded(const std::string& path) const {
  return std::any_of(options_.exclude.begin(), options_.exclude.end(),
                     [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), path.c_str(), 0) == 0; });
}

void FileSource::scan() {
  ++scans_;
  scanned_ns_ = clock_.monotonic_ns();
  for (const std::string& pattern : options_.patterns) {
    for (const std::string& directory : os::directories_matching(pattern)) {
      [[maybe_unused]] Status watched = watcher_->watch(directory);  // else the next look at the names finds it
    }
    for (const std::string& path : os::files_matching(pattern)) {
      if (!excluded(path)) open_file(path);
    }
  }
  // Copies that are gone again.
  std::erase_if(copies_, [&](const auto& copy) { return scanned_ns_ - copy.second.since_ns > 4 * kCopyWaitNanos; });
  std::erase_if(empties_, [&](const auto& empty) { return scanned_ns_ - empty.second > 4 * kCopyWaitNanos; });
}

void FileSource::open_file(const std::string& path) {
  Result<std::unique_ptr<os::ForeignFile>> file = os::ForeignFile::open(path);
  Result<os::FileInfo> info = file.ok() ? (*file)->info() : Result<os::FileInfo>(file.error());
  if (!info.ok()) {
    if (info.error().code() != Code::kNotFound) errors_.add();
    return;
  }
  auto known = tails_.find(info->id);
  if (known != tails_.end()) {
    Tail& tail = *known->second;
    tail.seen_scan = scans_;
    if (tail.file.place().path != path) tail.file.rename(path);
    return;
  }
  if (is_compressed(path) && clock_.now().get() - info->modified_nanos < static_cast<int64_t>(options_.scan_nanos)) {
    return;  // still being written
  }
  if (may_become_copy(path, *info) || copy_of_open(path, **file, *info)) return;
  close_events_of(**file, *info, path);
  FilePlace place = start_place(**file, *info, path);
  if (is_compressed(path)) {
    Result<std::unique_ptr<InputFile>> plain = InputFile::open(path);
    if (!plain.ok()) {
      errors_.add();
      return;
    }
    add_tail(TailedFile(std::move(*file), std::move(*plain), place, options_.line_bytes_max), place);
  } else {
    add_tail(TailedFile(std::move(*file), place, options_.line_bytes_max), place);
  }
}

void FileSource::add_tail(TailedFile file, const FilePlace& place) {
  [[maybe_unused]] Status watched = watcher_->watch(real_directory_of(place.path));
  auto tail = std::make_unique<Tail>(std::move(file), key_of(place));
  tail->seen_scan = scans_;
  tail->grown_ns = clock_.monotonic_ns();
  put_place(place);
  tails_.emplace(place.id, std::move(tail));
}

// A copy is empty at first, when nothing tells it from a file of its own. There is nothing to read of it: it is looked
// at again.
bool FileSource::may_become_copy(const std::string& path, const os::FileInfo& info) {
  if (info.bytes > 0 || is_compressed(path)) {
    empties_.erase(path);
    return false;
  }
  bool named = std::any_of(tails_.begin(), tails_.end(), [&path](const auto& tail) {
    const FilePlace& place = tail.second->file.place();
    return directory_of(path) == directory_of(place.path) && may_be_later_name(path, place.path);
  });
  if (!named) return false;
  auto [seen, first] = empties_.emplace(path, clock_.monotonic_ns());
  if (first || clock_.monotonic_ns() - seen->second < kCopyWaitNanos) return true;
  empties_.erase(seen);
  return false;
}

// A file that begins as one that is followed: it was copied and will be cut, after which the copy has what is missing.
// Until then, or until it is clear that no cut follows, it waits.
bool FileSource::copy_of_open(const std::string& path, const os::ForeignFile& file, const os::FileInfo& info) {
  auto waiting = copies_.find(path);
  if (waiting == copies_.end()) {
    for (const auto& [id, tail] : tails_) {
      const FilePlace& place = tail->file.place();
      bool named = directory_of(path) == directory_of(place.path) && may_be_later_name(path, place.path);
      if (!named || tail->file.compressed() || is_compressed(path) ||
          !same_begin(file, tail->file.file(), info.bytes)) {
        continue;
      }
      waiting = copies_.emplace(path, Copy{.of = id, .since_ns = clock_.monotonic_ns(), .offset = {}}).first;
      break;
    }
  }
  if (waiting == copies_.end()) return false;
  Copy& copy = waiting->second;
  if (!copy.offset && clock_.monotonic_ns() - copy.since_ns < kCopyWaitNanos) return true;
  auto original = tails_.find(copy.of);
  if (!copy.offset && original != tails_.end()) copy.offset = original->second->file.place().offset;
  return false;
}

// --- lines ---------------------------------------------------------------------------------------------------------

Result<bool> FileSource::read_all() {
  bool any = false;
  for (auto& [id, tail] : tails_) {
    any |= CLEW_TRY(read_tail(*tail));
    if (stopping()) break;
    CLEW_TRY(flush_if_due());
  }
  return any;
}

// Whether something was read. What cannot be read is counted and tried again when it changes.
Result<bool> FileSource::read_tail(Tail& tail) {
  Result<os::FileInfo> info = tail.file.file().info();
  if (!info.ok()) return false;
  bool changed = info->bytes != tail.checked_bytes || info->modified_nanos != tail.checked_modified;
  if (!changed && !tail.more) return false;
  if (changed && tail.file.compressed() && tail.ended_early) {
    Result<std::unique_ptr<InputFile>> plain = InputFile::open(tail.file.place().path);
    if (!plain.ok()) return false;
    tail.file.resume(std::move(*plain));
    tail.ended_early = false;
  }
  if (changed && !tail.file.compressed()) {
    Result<bool> cut = tail.file.was_cut();
    if (cut.ok() && *cut) {
      files_cut_.add();
      if (tail.parser) {
        attach(tail);
        tail.file.take_event([&](const FileEvent& event) { take_event(tail, event); });
      }
      end_place(tail.file.place());
      for (auto& [path, copy] : copies_) {
        if (copy.of == tail.file.place().id && !copy.offset) copy.offset = tail.file.place().offset;
      }
      tail.file.restart();
      tail.sampled_bytes = 0;
      put_place(tail.file.place());
    }
  }
  tail.checked_bytes = info->bytes;
  tail.checked_modified = info->modified_nanos;
  detect_format(tail, *info);
  attach(tail);
  size_t most = kReadBytesMax;
  if (!tail.file.compressed()) {
    // A read of a little that came needs little memory.
    uint64_t next = tail.file.next_offset();
    most = std::clamp<uint64_t>(info->bytes - std::min(next, info->bytes), kReadBytesMin, kReadBytesMax);
  }
  Result<size_t> read = tail.file.read(most, [&](const FileEvent& event) { take_event(tail, event); });
  if (!read.ok()) {
    errors_.add();
    tail.more = false;
    tail.ended_early = true;
    return false;
  }
  tail.more = *read >= most || (tail.file.compressed() && *read > 0);
  if (*read == 0) return false;
  bytes_read_.add(*read);
  tail.grown_ns = clock_.monotonic_ns();
  if (!tail.file.skipping()) put_place(tail.file.place());
  return true;
}

// A file's first lines say what it is; of few lines that is asked again when there are more.
void FileSource::detect_format(Tail& tail, const os::FileInfo& info) {
  std::string sample;
  auto use = [&](process::Format format, LineForm form) {
    form.join = options_.join ? options_.join : process::join_rule(format);
    tail.file.set_form(form);
    if (tail.parser && tail.format == format) return;
    tail.format = format;
    tail.parser = std::make_unique<process::LineParser>(
        format, options_.format ? process::Expect::kOnly : process::Expect::kMostly, options_.line_bytes_max);
    tail.batch = 0;
    if (tail.file.place().offset > 0) tail.parser->learn(sample);
  };
  uint64_t bytes = std::min<uint64_t>(info.bytes, kSampleBytes);
  if (tail.parser && (tail.sampled_bytes >= kSampleBytes || bytes < 2 * tail.sampled_bytes)) return;
  sample.assign(bytes, '\0');
  if (tail.file.compressed()) {
    Result<std::unique_ptr<InputFile>> plain = InputFile::open(tail.file.place().path);
    Result<std::string_view> begin = plain.ok() ? (*plain)->read() : Result<std::string_view>(plain.error());
    sample = begin.ok() ? std::string(begin->substr(0, kSampleBytes)) : std::string();
    tail.sampled_bytes = kSampleBytes;
  } else {
    Result<size_t> got = tail.file.file().read_at(0, sample.data(), sample.size());
    sample.resize(got.ok() ? *got : 0);
    tail.sampled_bytes = sample.size();
  }
  LineForm form = form_of(sample, options_.encoding);
  process::Format format = options_.format ? *options_.format : process::detect(plain_lines(sample, form));
  // An object over several lines cannot be told from the lines it is made of while it grows.
  use(format == process::Format::kJsonStream ? process::Format::kNdjson : format, form);
}

// Before lines of a file are taken.
void FileSource::attach(Tail& tail) {
  maker_.end_sent_lines();
  if (tail.fields_path != tail.file.place().path) {
    tail.fields_path = tail.file.place().path;
    tail.own = container_fields(tail.fields_path);
  }
  if (tail.batch == maker_.number()) return;
  maker_.attach(*tail.parser);
  tail.batch = maker_.number();
  tail.sends_lines = options_.batch.sends_lines && !options_.batch.process && tail.format == process::Format::kPlain;
  if (!tail.sends_lines) return;
  // A line without a time takes that of the line before: the first of the batch cannot see it.
  if (std::optional<int64_t> time = time_of_line(tail.last_line, options_.batch.zone, clock_.now())) {
    tail.last_time = time;
  }
  int64_t now = clock_.now().get();
  tail.line_time = tail.last_time.value_or(now);
  tail.line_note = process::print_line_note({.zone = options_.batch.zone_name,
                                             .follows = tail.last_time.has_value(),
                                             .arrival_seconds = now / 1'000'000'000});
}

void FileSource::collect_fields(const Tail& tail, std::string_view stream) {
  fields_.clear();
  fields_.push_back({kPathField, tail.fields_path});
  for (const auto& [name, value] : tail.own) fields_.push_back({name, value});
  if (!stream.empty()) fields_.push_back({kStreamField, stream});
}

void FileSource::take_event(Tail& tail, const FileEvent& event) {
  if (!tail.sends_lines || event.unix_nanos || !event.stream.empty()) {
    collect_fields(tail, event.stream);
    return maker_.add_line(*tail.parser, event.text, fields_, event.unix_nanos);
  }
  if (!maker_.sends_lines()) {
    collect_fields(tail, {});
    maker_.begin_sent_lines(tail.line_note, tail.line_time, fields_);
  }
  maker_.add_sent_line(event.text);
  tail.last_line.assign(event.text.substr(0, kTimeBytesMax));
}

// --- the queue -----------------------------------------------------------------------------------------------------

Status FileSource::flush_if_due() {
  CLEW_TRY(maker_.status());
  if (!maker_.due()) return {};
  Status flushed = maker_.flush_soon(changed_, stop_);
  if (flushed.ok()) changed_.clear();
  return unless_stopped_by_a_full_queue(std::move(flushed));
}

Status FileSource::flush() {
  Status flushed = maker_.flush(changed_, stop_);
  if (flushed.ok()) changed_.clear();
  return unless_stopped_by_a_full_queue(std::move(flushed));
}

// What a full queue does not take before the end is read again by the next run.
Status FileSource::unless_stopped_by_a_full_queue(Status flushed) const {
  bool later = !flushed.ok() && (flushed.error().code() == Code::kOverloaded || flushed.error().code() == Code::kFull);
  return stopping() && later ? Status() : flushed;
}

// --- ends ----------------------------------------------------------------------------------------------------------

// Of files that have not grown for a while the last event is as it is.
void FileSource::end_events() {
  uint64_t now = clock_.monotonic_ns();
  for (auto& [id, tail] : tails_) {
    if (!tail->file.has_event() || now - tail->grown_ns < options_.event_wait_nanos) continue;
    attach(*tail);
    tail->file.take_event([&](const FileEvent& event) { take_event(*tail, event); });
    put_place(tail->file.place());
  }
}

// Lets files go that are no more among the names and have not grown for a while, and compressed ones that were read.
void FileSource::let_go() {
  uint64_t now = clock_.monotonic_ns();
  for (auto it = tails_.begin(); it != tails_.end();) {
    Tail& tail = *it->second;
    bool idle = now - tail.grown_ns >= options_.close_after_nanos;
    bool gone = tail.seen_scan != scans_ && idle;
    bool read = tail.file.compressed() && !tail.more;
    if (!gone || tail.more) {
      if (read && tail.file.has_rest()) end_lines(tail);
      ++it;
      continue;
    }
    end_lines(tail);
    drop_place(tail.key);
    end_place(tail.file.place());
    it = tails_.erase(it);
  }
}

void FileSource::end_lines(Tail& tail) {
  if (!tail.file.has_rest() || !tail.parser) return;
  attach(tail);
  tail.file.take_rest([&](const FileEvent& event) { take_event(tail, event); });
  put_place(tail.file.place());
}

Status FileSource::run() {
  CLEW_TRY(load_places());
  scan();
  while (!stopping()) {
    bool any = CLEW_TRY(read_all());
    end_events();
    let_go();
    CLEW_TRY(flush_if_due());
    uint64_t wait_ns = any              ? 0
                       : maker_.empty() ? std::min(options_.scan_nanos, options_.event_wait_nanos)
                                        : options_.batch.wait_nanos;
    os::DirWatcher::Seen seen = watcher_->wait(static_cast<uint32_t>(wait_ns / 1'000'000));
    bool settled = copies_.empty() && empties_.empty();
    uint64_t every = watcher_->watches() && settled ? kWatchedScanNanos : options_.scan_nanos;
    bool filled = seen == os::DirWatcher::Seen::kWrites && !empties_.empty();
    if (seen == os::DirWatcher::Seen::kNames || filled || clock_.monotonic_ns() - scanned_ns_ >= every) scan();
  }
  return flush();
}

Status FileSource::read_once() {
  if (scans_ == 0) CLEW_TRY(load_places());
  scan();
  bool any = true;
  while (any) {
    any = CLEW_TRY(read_all());
    CLEW_TRY(flush_if_due());
  }
  end_events();
  let_go();
  return flush();
}

}  // namespace clew::collect
