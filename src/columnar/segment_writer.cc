#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "columnar/chunk_encoder.h"
#include "columnar/composed.h"
#include "columnar/gather.h"
#include "columnar/levels.h"
#include "columnar/rest_gather.h"
#include "columnar/segment.h"
#include "columnar/segment_format.h"
#include "columnar/token_index.h"
#include "model/batch.h"

namespace clew::columnar {
namespace {

constexpr size_t kWriteBytes = 1u << 20;  // the writer's buffer
constexpr size_t kReferredColumnsMax = 28;

class FileSegmentWriter final : public SegmentWriter {
 public:
  FileSegmentWriter(std::unique_ptr<os::File> file, SegmentIdentity identity) : file_(std::move(file)) {
    tail_.identity = std::move(identity);
    buffer_.assign(kTrailerBytes, '\0');
    chunks_.set_words(&words_);
  }

  Status add_row_group(std::span<const RowSourcePtr> sources, std::span<const RowRef> rows) override;
  Status copy_row_group(const SegmentReader& from, size_t group) override;
  Result<SegmentSummary> finish(std::vector<CommitRange> commits) override;

 private:
  Result<GroupWords> words_to_copy(const SegmentReader& from, size_t group);
  uint64_t position() const { return buffer_offset_ + buffer_.size(); }
  Status flush();
  Status add_columns(Gatherer& gatherer, const std::vector<std::string>& names, Directory& directory, uint64_t begin);
  Status add_lines(std::span<const std::shared_ptr<const RowGroup>> groups, std::span<const RowRef> rows,
                   const std::vector<std::string>& names, Directory& directory, uint64_t begin);
  Status add_column(const ColumnView& view, const int64_t* times, Directory& directory, uint64_t begin);
  void add_to_summary(const Directory& directory);
  Status write_tails();

  std::unique_ptr<os::File> file_;
  Tail tail_;
  WordSet words_;
  IndexBuilder index_;
  ChunkEncoder chunks_{codec::Effort::kFull};
  std::string buffer_;          // bytes not written yet
  uint64_t buffer_offset_ = 0;  // where they belong
  std::vector<int64_t> times_;
  std::vector<int64_t> seqs_;
  std::map<const SegmentReader*, std::vector<GroupWords>> copied_words_;  // by segment; taken away one by one
};

Status FileSegmentWriter::flush() {
  CLEW_TRY(file_->write_at(buffer_offset_, buffer_));
  buffer_offset_ += buffer_.size();
  buffer_.clear();
  return {};
}

// Names of the columns of all sources, `_time` first, then by falling number of values.
std::vector<std::string> column_names(std::span<const std::shared_ptr<const RowGroup>> groups) {
  std::map<std::string_view, uint64_t> counts;
  for (const auto& group : groups) {
    for (const Chunk& chunk : group->directory().chunks) counts[chunk.name] += chunk.values;
  }
  counts.erase(model::kTimeField);
  counts.erase(kSeqColumn);
  counts.erase(model::kRestField);
  std::vector<std::pair<std::string_view, uint64_t>> order(counts.begin(), counts.end());
  // clew's own columns always stay; the rest by how many rows they serve.
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    bool own_a = a.first.starts_with('_');
    bool own_b = b.first.starts_with('_');
    return own_a != own_b ? own_a : a.second > b.second;
  });
  std::vector<std::string> names;
  for (const auto& [name, count] : order) names.emplace_back(name);
  return names;
}

// The sources that rows are taken from, and the rows as they name those. A row group takes from few of a flush's parts.
struct Used {
  std::vector<std::shared_ptr<const RowGroup>> groups;
  std::vector<RowRef> rows;
};

Used used_sources(std::span<const RowSourcePtr> sources, std::span<const RowRef> rows) {
  Used used;
  std::vector<uint32_t> number(sources.size(), UINT32_MAX);
  used.rows.reserve(rows.size());
  for (const RowRef& ref : rows) {
    if (number[ref.source] == UINT32_MAX) {
      number[ref.source] = static_cast<uint32_t>(used.groups.size());
      used.groups.push_back(std::dynamic_pointer_cast<const RowGroup>(sources[ref.source]));
      CHECK(used.groups.back() != nullptr);
    }
    used.rows.push_back({number[ref.source], ref.row});
  }
  return used;
}

Result<std::vector<int64_t>> gather_seqs(std::span<const std::shared_ptr<const RowGroup>> groups,
                                         std::span<const RowRef> rows) {
  std::vector<std::vector<uint64_t>> all(groups.size());
  for (size_t s = 0; s < groups.size(); ++s) all[s] = CLEW_TRY(groups[s]->seqs());
  std::vector<int64_t> seqs(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) seqs[i] = static_cast<int64_t>(all[rows[i].source][rows[i].row]);
  return seqs;
}

Status FileSegmentWriter::add_column(const ColumnView& view, const int64_t* times, Directory& directory,
                                     uint64_t begin) {
  directory.chunks.push_back(chunks_.encode(view, times, position() - begin, buffer_));
  if (directory.chunks.back().values == 0) directory.chunks.pop_back();
  return buffer_.size() >= kWriteBytes ? flush() : Status();
}

Status FileSegmentWriter::add_columns(Gatherer& gatherer, const std::vector<std::string>& names, Directory& directory,
                                      uint64_t begin) {
  for (const std::string& name : names) {
    if (name == model::kRawField) continue;  // add_lines
    ColumnView view = CLEW_TRY(gatherer.gather(name, TextsAs::kStored));
    CLEW_TRY(add_column(view, times_.data(), directory, begin));
  }
  return {};
}

// Columns that lines may refer to: the first, which most rows have.
std::vector<std::string_view> referable(const std::vector<std::string>& names) {
  std::vector<std::string_view> out;
  for (const std::string& name : names) {
    if (!name.starts_with('_') && out.size() < kReferredColumnsMax) out.push_back(name);
  }
  return out;
}

// The column `_raw`: composed of what the other columns print where that is a gain.
Status FileSegmentWriter::add_lines(std::span<const std::shared_ptr<const RowGroup>> groups,
                                    std::span<const RowRef> rows, const std::vector<std::string>& names,
                                    Directory& directory, uint64_t begin) {
  Gatherer of_lines(groups, rows);
  ColumnView lines = CLEW_TRY(of_lines.gather(model::kRawField));
  bool strings = lines.texts || lines.codes;
  for (uint32_t row = 0; row < lines.rows && strings; ++row) {
    strings = lines.kind_at(row) == kAbsent || lines.kind_at(row) == static_cast<uint8_t>(model::Kind::kString);
  }
  std::deque<Gatherer> gatherers;
  std::vector<ColumnView> columns;
  for (std::string_view name : strings ? referable(names) : std::vector<std::string_view>()) {
    ColumnView column = CLEW_TRY(gatherers.emplace_back(groups, rows).gather(name));
    columns.push_back(column);
  }
  Composer composer(lines, std::move(columns), times_.data());
  if (!strings || !composer.run()) return add_column(lines, times_.data(), directory, begin);
  ColumnView skeletons = lines;
  skeletons.codes = nullptr;
  skeletons.entries = nullptr;
  skeletons.texts = composer.skeletons().data();
  chunks_.set_words(nullptr);
  Status added = add_column(skeletons, times_.data(), directory, begin);
  chunks_.set_words(&words_);
  CLEW_TRY(added);
  Chunk& chunk = directory.chunks.back();
  chunk.text_form = TextForm::kComposed;
  chunk.references = composer.references();
  chunk.stats = {};
  words_.add_column(lines, TextForm::kPlain);
  return {};
}

Status FileSegmentWriter::add_row_group(std::span<const RowSourcePtr> sources, std::span<const RowRef> given) {
  CHECK(!given.empty() && given.size() <= kRowGroupRowsMax, given.size());
  Used used = used_sources(sources, given);
  const auto& groups = used.groups;
  std::span<const RowRef> rows = used.rows;
  uint64_t begin = position();
  Directory directory;
  directory.rows = static_cast<uint32_t>(rows.size());
  Gatherer gatherer(groups, rows);
  ColumnView time = CLEW_TRY(gatherer.gather(model::kTimeField));
  if (time.kinds || time.kind != static_cast<uint8_t>(model::Kind::kTime)) {
    return Error(Code::kCorrupt, "_time is not in every row");
  }
  times_.assign(time.ints, time.ints + rows.size());
  auto [least, most] = std::minmax_element(times_.begin(), times_.end());
  directory.time_min = *least;
  directory.time_max = *most;
  CLEW_TRY(add_column(time, nullptr, directory, begin));
  seqs_ = CLEW_TRY(gather_seqs(groups, rows));
  ColumnView seq{.name = kSeqColumn, .rows = directory.rows};
  seq.kind = static_cast<uint8_t>(model::Kind::kInt);
  seq.ints = seqs_.data();
  CLEW_TRY(add_column(seq, nullptr, directory, begin));
  std::vector<std::string> names = column_names(groups);
  std::vector<std::string> beyond;
  if (names.size() > model::kColumnsMax) {
    beyond.assign(names.begin() + model::kColumnsMax, names.end());
    names.resize(model::kColumnsMax);
  }
  CLEW_TRY(add_columns(gatherer, names, directory, begin));
  if (std::find(names.begin(), names.end(), model::kRawField) != names.end()) {
    CLEW_TRY(add_lines(groups, rows, names, directory, begin));
  }
  RestColumn rest = CLEW_TRY(gather_rest(gatherer, beyond, directory.rows));
  if (rest.view.rows > 0) CLEW_TRY(add_column(rest.view, times_.data(), directory, begin));
  set_rest_names(rest.names, codec::Method::kZstd, directory);
  chunks_.finish_dictionaries(directory.chunks, position() - begin, buffer_);
  directory.data_bytes = position() - begin;
  directory.minutes = CLEW_TRY(count_minutes(groups, rows, times_));
  directory.index_names();
  add_to_summary(directory);
  index_.add_row_group(words_.take());
  tail_.row_groups.push_back({begin, std::move(directory)});
  return flush();
}

void FileSegmentWriter::add_to_summary(const Directory& directory) {
  SegmentSummary& s = tail_.summary;
  const Chunk* seq = directory.find(kSeqColumn);
  CHECK(seq && seq->stats.form == StatsForm::kInts);
  auto seq_min = static_cast<uint64_t>(seq->stats.int_min);
  auto seq_max = static_cast<uint64_t>(seq->stats.int_max);
  bool first = s.rows == 0;
  s.time_min = first ? directory.time_min : std::min(s.time_min, directory.time_min);
  s.time_max = first ? directory.time_max : std::max(s.time_max, directory.time_max);
  s.seq_min = first ? seq_min : std::min(s.seq_min, seq_min);
  s.seq_max = first ? seq_max : std::max(s.seq_max, seq_max);
  s.rows += directory.rows;
  ++s.row_groups;
}

// The words of a row group, from its values.
Status collect_words(const RowGroup& group, WordSet& words) {
  for (const Chunk& chunk : group.directory().chunks) {
    if (!has_indexed_words(chunk.name)) continue;
    for (uint8_t k = 0; k < 16; ++k) {
      if (chunk.kinds >> k & 1) words.add_kind(static_cast<model::Kind>(k));
    }
    ChunkEntries entries = CLEW_TRY(group.entries(chunk, nullptr));
    for (uint32_t b = 0; b < chunk.blocks.size(); ++b) {
      BlockValues values = CLEW_TRY(group.block(chunk, b, entries, nullptr));
      ColumnView view = view_of(chunk.name, values);
      if (view.texts || view.codes) words.add_column(view, TextForm::kPlain);
    }
  }
  return {};
}

// The words of a row group that is copied: of its segment's index, or anew when that is damaged.
Result<GroupWords> FileSegmentWriter::words_to_copy(const SegmentReader& from, size_t group) {
  auto known = copied_words_.find(&from);
  if (known == copied_words_.end()) {
    Result<std::vector<GroupWords>> words = from.words();
    if (!words.ok() && words.error().code() != Code::kCorrupt && words.error().code() != Code::kNotFound) {
      return std::move(words).error();
    }
    known = copied_words_.emplace(&from, words.ok() ? std::move(words).take() : std::vector<GroupWords>()).first;
  }
  if (!known->second.empty() && known->second[group].hash_bits > 0) return std::exchange(known->second[group], {});
  auto source = std::dynamic_pointer_cast<const RowGroup>(from.row_groups()[group]);
  CLEW_TRY(collect_words(*source, words_));
  return words_.take();
}

Status FileSegmentWriter::copy_row_group(const SegmentReader& from, size_t group_number) {
  auto group = std::dynamic_pointer_cast<const RowGroup>(from.row_groups()[group_number]);
  CHECK(group && group->seqs_form() == Seqs::kColumn);
  uint64_t begin = position();
  uint64_t bytes = group->directory().data_bytes;
  for (uint64_t at = 0; at < bytes; at += kWriteBytes) {
    Bytes piece = CLEW_TRY(group->data().read(at, std::min<uint64_t>(kWriteBytes, bytes - at)));
    buffer_.append(piece.view);
    CLEW_TRY(flush());
  }
  std::string written;
  write_directory(group->directory(), written);
  Directory directory = CLEW_TRY(read_directory(written, kRowGroupRowsMax));
  add_to_summary(directory);
  GroupWords words = CLEW_TRY(words_to_copy(from, group_number));
  index_.add_row_group(std::move(words));
  tail_.row_groups.push_back({begin, std::move(directory)});
  return {};
}

Status FileSegmentWriter::write_tails() {
  std::string tail;
  write_tail(tail_, tail);
  Trailer trailer;
  trailer.tail_offsets[0] = position();
  trailer.tail_offsets[1] = position() + tail.size();
  trailer.tail_bytes = static_cast<uint32_t>(tail.size());
  trailer.tail_crc = base::crc32c(tail);
  trailer.file_bytes = position() + 2 * tail.size() + kTrailerBytes;
  buffer_.append(tail);
  buffer_.append(tail);
  std::string fixed;
  write_trailer(trailer, fixed);
  buffer_.append(fixed);
  CLEW_TRY(flush());
  return file_->write_at(0, fixed);
}

Result<SegmentSummary> FileSegmentWriter::finish(std::vector<CommitRange> commits) {
  CHECK(!tail_.row_groups.empty());
  tail_.commits = std::move(commits);
  tail_.index = index_.finish(position(), buffer_);
  CLEW_TRY(write_tails());
  CLEW_TRY(file_->sync());
  tail_.summary.file_bytes = position();
  return tail_.summary;
}

}  // namespace

Result<std::unique_ptr<SegmentWriter>> create_segment(os::Disk& disk, const std::string& path,
                                                      SegmentIdentity identity) {
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kCreate));
  return std::unique_ptr<SegmentWriter>(new FileSegmentWriter(std::move(file), std::move(identity)));
}

}  // namespace clew::columnar
