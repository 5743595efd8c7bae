#include "columnar/row_group.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"
#include "columnar/composed.h"
#include "columnar/dictionary.h"
#include "columnar/granule.h"
#include "columnar/pruning.h"
#include "model/batch.h"

namespace clew::columnar {

constexpr uint64_t kReadWholeBytesMax = 8u << 20;  // a greater row group is read block by block
constexpr size_t kFewRowsMax = 512;                // of a block: only their texts are printed

RowGroup::RowGroup(std::shared_ptr<const std::string> dataset, Directory directory, ByteSource data, Seqs seqs,
                   CommitsPtr commits, IdFiltersPtr ids)
    : dataset_(std::move(dataset)),
      directory_(std::move(directory)),
      data_(std::move(data)),
      seqs_(seqs),
      commits_(std::move(commits)),
      ids_(std::move(ids)),
      names_(*this) {}

std::vector<uint64_t> seqs_of_commits(const std::vector<CommitRange>& commits, uint32_t rows) {
  std::vector<uint64_t> seqs;
  seqs.reserve(rows);
  for (const CommitRange& range : commits) {
    for (uint32_t i = 0; i < range.rows && seqs.size() < rows; ++i) seqs.push_back(range.first_seq.get() + i);
  }
  return seqs;
}

Result<std::vector<int64_t>> RowGroup::times() const {
  std::vector<int64_t> all;
  all.reserve(rows());
  for (uint32_t b = 0; b < blocks_of(rows()); ++b) {
    std::vector<int64_t> some = CLEW_TRY(block_times(b, nullptr));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

Result<std::vector<uint64_t>> RowGroup::seqs() const {
  if (seqs_ == Seqs::kFromCommits) {
    std::vector<uint64_t> seqs = seqs_of_commits(*commits_, rows());
    if (seqs.size() != rows()) return Error(Code::kCorrupt, "commits name fewer rows than the part has");
    return seqs;
  }
  std::vector<uint64_t> all;
  all.reserve(rows());
  for (uint32_t b = 0; b < blocks_of(rows()); ++b) {
    std::vector<uint64_t> some = CLEW_TRY(block_seqs(b));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

SeqBounds RowGroup::seq_bounds() const {
  if (seqs_ == Seqs::kFromCommits) {
    if (commits_->empty()) return {};
    const CommitRange& last = commits_->back();
    return {commits_->front().first_seq.get(), last.first_seq.get() + last.rows - 1};
  }
  const Chunk* chunk = directory_.find(kSeqColumn);
  if (!chunk || chunk->stats.form != StatsForm::kInts) return {};
  return {static_cast<uint64_t>(chunk->stats.int_min), static_cast<uint64_t>(chunk->stats.int_max)};
}

Result<std::vector<uint64_t>> RowGroup::block_seqs(uint32_t block_number, contract::ScanStats* stats) const {
  if (seqs_ == Seqs::kFromCommits) {
    std::vector<uint64_t> all = CLEW_TRY(seqs());
    uint32_t begin = block_number * kBlockRows;
    return std::vector<uint64_t>(all.begin() + begin, all.begin() + begin + block_rows(rows(), block_number));
  }
  const Chunk* chunk = directory_.find(kSeqColumn);
  if (!chunk || !chunk->only(model::Kind::kInt)) return Error(Code::kCorrupt, "no column _seq");
  BlockValues values = CLEW_TRY(block(*chunk, block_number, {}, stats));
  if (!values.kinds.empty()) return Error(Code::kCorrupt, "_seq is not in every row");
  return std::vector<uint64_t>(values.ints.begin(), values.ints.end());
}

contract::GranulePtr RowGroup::granule(Seq up_to, DeletedRows deleted, Reading reading) const {
  bool whole = reading == Reading::kWhole && bytes() <= kReadWholeBytesMax;
  return make_granule(shared_from_this(), up_to, std::move(deleted), whole ? Reading::kWhole : Reading::kBlocks);
}

Result<std::shared_ptr<const void>> RowGroup::hold_whole(contract::ScanStats& stats) const {
  Bytes all = CLEW_TRY(data_.read(0, directory_.data_bytes));
  stats.column_reads.fetch_add(1, std::memory_order_relaxed);
  stats.bytes_read.fetch_add(directory_.data_bytes, std::memory_order_relaxed);
  auto whole = std::make_shared<const Bytes>(std::move(all));
  base::MutexLock lock(mutex_);
  whole_ = whole;
  return std::shared_ptr<const void>(std::move(whole));
}

Result<Bytes> RowGroup::read(uint64_t offset, uint64_t bytes, contract::ScanStats* stats) const {
  std::shared_ptr<const Bytes> whole;
  {
    base::MutexLock lock(mutex_);
    whole = whole_.lock();
  }
  if (whole && offset <= whole->view.size() && bytes <= whole->view.size() - offset) {
    return Bytes{whole->view.substr(offset, bytes), whole};
  }
  if (stats) {
    stats->column_reads.fetch_add(1, std::memory_order_relaxed);
    stats->bytes_read.fetch_add(bytes, std::memory_order_relaxed);
  }
  return data_.read(offset, bytes);
}

namespace {

// Whether the ids leave the leaf possible. Only a column that answers for the field alone, as it is, can say no.
bool ids_allow(const RowGroup& group, const IdFilters& ids, const contract::Predicate& leaf) {
  using Op = contract::Predicate::Op;
  bool texts = std::all_of(leaf.values.begin(), leaf.values.end(),
                           [](const model::Value& v) { return v.type() == model::Type::kString; });
  bool phrase = leaf.op == Op::kPhrase;
  bool equality = leaf.op == Op::kEquals || leaf.op == Op::kIn;
  if (leaf.field.empty() || !(equality || phrase) || !texts || leaf.values.empty()) return true;
  Result<StepsPtr> steps = group.names().steps(leaf.field);
  if (!steps.ok() || (*steps)->size() != 1 || (**steps)[0].how != model::Derive::kCopy) return true;
  const std::string& source = (**steps)[0].source;
  if (group.names().maybe_in_rest(source)) return true;
  return std::any_of(leaf.values.begin(), leaf.values.end(), [&](const model::Value& v) {
    return phrase ? ids.may_have_phrase(source, v.text()) : ids.may_have(source, v.text());
  });
}

bool possible(const RowGroup& group, const IdFilters& ids, const contract::Predicate& where) {
  using Op = contract::Predicate::Op;
  auto child = [&](const contract::Predicate& p) { return possible(group, ids, p); };
  if (where.op == Op::kAll) return std::all_of(where.children.begin(), where.children.end(), child);
  if (where.op == Op::kAny) return std::any_of(where.children.begin(), where.children.end(), child);
  return ids_allow(group, ids, where);
}

}  // namespace

bool RowGroup::may_match(const contract::Predicate& where) const { return !ids_ || possible(*this, *ids_, where); }

namespace {

Result<ChunkEntries> parse_entries(const DictionaryPlace& place, std::string_view bytes) {
  ChunkEntries entries;
  DictionaryPtr texts = CLEW_TRY(read_dictionary(bytes, place.entries));
  if (place.form == DictionaryForm::kTemplates) {
    entries.templates = CLEW_TRY(parse_templates(std::move(texts)));
  } else {
    entries.dictionary = std::move(texts);
  }
  return entries;
}

}  // namespace

Result<ChunkEntries> RowGroup::entries_copy(const DictionaryPlace& place, int copy, contract::ScanStats* stats) const {
  Bytes bytes = CLEW_TRY(read(place.offsets[copy], place.bytes, stats));
  if (base::crc32c(bytes.view) != place.crc) return Error(Code::kCorrupt, "checksum of a dictionary");
  return parse_entries(place, bytes.view);
}

Result<ChunkEntries> RowGroup::entries(const Chunk& chunk, contract::ScanStats* stats) const {
  const DictionaryPlace& place = chunk.dictionary;
  if (place.form == DictionaryForm::kNone) return ChunkEntries();
  if (!place.inlined.empty()) return parse_entries(place, place.inlined);
  Result<ChunkEntries> first = entries_copy(place, 0, stats);
  if (first.ok() || place.offsets[1] == place.offsets[0]) return first;
  return entries_copy(place, 1, stats);
}

Result<Bytes> RowGroup::block_bytes(const Chunk& chunk, uint32_t block_number, contract::ScanStats* stats) const {
  CHECK(block_number < chunk.blocks.size(), block_number);
  const BlockPlace& place = chunk.blocks[block_number];
  if (place.bytes == 0) return Bytes{};
  Bytes bytes = CLEW_TRY(read(place.offset, place.bytes, stats));
  if (base::crc32c(bytes.view) != place.crc) return Error(Code::kCorrupt, "checksum of a block");
  return bytes;
}

Result<BlockValues> RowGroup::block(const Chunk& chunk, uint32_t block_number, const ChunkEntries& entries,
                                    contract::ScanStats* stats, TextsAs texts_as) const {
  Bytes bytes = CLEW_TRY(block_bytes(chunk, block_number, stats));
  return decode(chunk, block_number, bytes,
                {.kinds = chunk.kinds,
                 .dictionary = entries.dictionary,
                 .templates = entries.templates,
                 .times = nullptr,
                 .texts_as = texts_as,
                 .wanted = {}},
                stats);
}

Result<BlockValues> RowGroup::block_of_bytes(const Chunk& chunk, uint32_t block_number, const Bytes& bytes,
                                             const ChunkEntries& entries, contract::ScanStats* stats) const {
  return decode(chunk, block_number, bytes,
                {.kinds = chunk.kinds,
                 .dictionary = entries.dictionary,
                 .templates = entries.templates,
                 .times = nullptr,
                 .texts_as = TextsAs::kTexts,
                 .wanted = {}},
                stats);
}

Result<BlockValues> RowGroup::block_rows_of(const Chunk& chunk, uint32_t block_number, const ChunkEntries& entries,
                                            const model::Selection& wanted, contract::ScanStats* stats) const {
  BlockContext context{.kinds = chunk.kinds,
                       .dictionary = entries.dictionary,
                       .templates = entries.templates,
                       .times = nullptr,
                       .texts_as = TextsAs::kTexts,
                       .wanted = {}};
  // Lines are composed of whole blocks.
  if (wanted.size() <= kFewRowsMax && chunk.text_form != TextForm::kComposed) {
    context.wanted.assign(block_rows(rows(), block_number), false);
    for (uint32_t row : wanted) context.wanted[row - block_number * kBlockRows] = true;
  }
  Bytes bytes = CLEW_TRY(block_bytes(chunk, block_number, stats));
  return decode(chunk, block_number, bytes, std::move(context), stats);
}

Result<BlockValues> RowGroup::decode(const Chunk& chunk, uint32_t block_number, const Bytes& bytes,
                                     BlockContext context, contract::ScanStats* stats) const {
  std::vector<int64_t> times;
  if (block_needs_times(bytes.view) && chunk.name != model::kTimeField) {
    times = CLEW_TRY(block_times(block_number, stats));
    context.times = times.data();
  }
  if (stats) stats->blocks_decoded.fetch_add(1, std::memory_order_relaxed);
  if (chunk.text_form != TextForm::kComposed)
    return decode_block(bytes.view, block_rows(rows(), block_number), context);
  context.texts_as = TextsAs::kTexts;
  BlockValues values = CLEW_TRY(decode_block(bytes.view, block_rows(rows(), block_number), context));
  CLEW_TRY(expand_lines(*this, chunk, block_number, values, stats));
  return values;
}

Result<std::vector<int64_t>> RowGroup::block_times(uint32_t block_number, contract::ScanStats* stats) const {
  const Chunk* chunk = directory_.find(model::kTimeField);
  if (!chunk || !chunk->only(model::Kind::kTime)) return Error(Code::kCorrupt, "no column _time");
  BlockValues values = CLEW_TRY(block(*chunk, block_number, {}, stats));
  if (!values.kinds.empty() || values.ints.size() != values.rows) {
    return Error(Code::kCorrupt, "_time is not in every row");
  }
  return std::move(values.ints);
}

std::vector<contract::FieldInfo> RowGroup::fields() const {
  const RowGroup* self = this;
  return fields_of({&self, 1});
}

Status RowGroup::verify() const {
  for (const Chunk& chunk : directory_.chunks) {
    for (int copy = 0; copy < 2 && chunk.dictionary.bytes > 0; ++copy) {
      Result<ChunkEntries> read = entries_copy(chunk.dictionary, copy, nullptr);
      if (!read.ok()) return std::move(read).error().at("column " + chunk.name);
    }
    ChunkEntries known = CLEW_TRY(entries(chunk, nullptr));
    for (uint32_t b = 0; b < chunk.blocks.size(); ++b) {
      Result<BlockValues> values = block(chunk, b, known, nullptr);
      if (!values.ok()) {
        return std::move(values).error().at("column " + chunk.name + " block " + std::to_string(b));
      }
    }
  }
  CLEW_TRY(seqs());
  return {};
}

}  // namespace clew::columnar
