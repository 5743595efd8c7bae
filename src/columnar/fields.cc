#include "columnar/fields.h"

#include <algorithm>
#include <set>

#include "columnar/to_vector.h"
#include "model/batch.h"
#include "model/own_fields.h"
#include "model/rest.h"

namespace clew::columnar {
namespace {

using contract::ScanStats;
using model::Selection;
using model::Value;
using model::Vector;
using model::VectorPtr;

constexpr std::string_view kIngestTimeField = "_ingest_time";
constexpr std::string_view kDatasetField = "_dataset";

// Fills the nulls of `first` from `second`; value by value, as both may have other types.
VectorPtr coalesce(const VectorPtr& first, const VectorPtr& second) {
  auto out = std::make_shared<Vector>();
  out->size = first->size;
  out->layout = model::Layout::kValues;
  out->values.resize(first->size);
  std::set<model::Type> types;
  for (uint32_t i = 0; i < first->size; ++i) {
    out->values[i] = first->is_null(i) ? second->value(i) : first->value(i);
    if (!out->values[i].is_null()) types.insert(out->values[i].type());
  }
  if (types.empty()) return std::make_shared<Vector>(Vector::all_null(first->size));
  out->type = model::Type::kMixed;
  return out;
}

bool any_null(const Vector& v) {
  if (!v.has_nulls()) return false;
  for (uint32_t i = 0; i < v.size; ++i) {
    if (v.is_null(i)) return true;
  }
  return false;
}

}  // namespace

const CommitRange* find_commit(const std::vector<CommitRange>& commits, uint64_t seq) {
  auto it = std::upper_bound(commits.begin(), commits.end(), seq,
                             [](uint64_t s, const CommitRange& range) { return s < range.first_seq.get(); });
  if (it == commits.begin()) return nullptr;
  --it;
  return seq - it->first_seq.get() < it->rows ? &*it : nullptr;
}

Result<Fields::Entries> Fields::entries(const Chunk& chunk, ScanStats* stats) const {
  if (chunk.dictionary.form == DictionaryForm::kNone) return Entries{};
  {
    base::MutexLock lock(mutex_);
    auto it = entries_.find(&chunk);
    if (it != entries_.end()) return it->second;
  }
  Entries made;
  made.read = CLEW_TRY(group_.entries(chunk, stats));
  made.vector = dictionary_vector(made.read.dictionary);
  base::MutexLock lock(mutex_);
  return entries_.emplace(&chunk, std::move(made)).first->second;
}

Result<Verdicts> Fields::verdicts(const Chunk& chunk, const TextQuery& query) const {
  {
    base::MutexLock lock(mutex_);
    auto it = verdicts_.find(&chunk);
    if (it != verdicts_.end() && it->second.first == query.key()) return it->second.second;
  }
  Entries known = CLEW_TRY(entries(chunk, nullptr));
  std::vector<Verdict> made;
  if (known.read.dictionary) made = query.of_entries(*known.read.dictionary);
  if (known.read.templates) made = query.of_templates(*known.read.templates);
  auto shared = std::make_shared<const std::vector<Verdict>>(std::move(made));
  base::MutexLock lock(mutex_);
  verdicts_[&chunk] = {query.key(), shared};
  return shared;
}

std::optional<BlockValues> Fields::kept_block(const Chunk& chunk, uint32_t block) const {
  base::MutexLock lock(mutex_);
  if (kept_.chunk != &chunk || kept_.block != block) return std::nullopt;
  kept_.chunk = nullptr;
  return std::move(kept_.values);
}

Result<BlockValues> Fields::read_block(const Chunk& chunk, uint32_t block, const ChunkEntries& entries,
                                       ScanStats& stats) const {
  if (std::optional<BlockValues> kept = kept_block(chunk, block)) return std::move(*kept);
  return group_.block(chunk, block, entries, &stats);
}

void Fields::keep_block(const Chunk& chunk, uint32_t block, BlockValues values) const {
  base::MutexLock lock(mutex_);
  kept_ = {&chunk, block, std::move(values)};
}

Status Fields::add_rest(std::string_view name, uint32_t block, BlockValues& values, ScanStats& stats) const {
  const Chunk* chunk = group_.directory().find(model::kRestField);
  if (!chunk) return {};
  Entries known = CLEW_TRY(entries(*chunk, &stats));
  BlockValues rest = CLEW_TRY(group_.block(*chunk, block, known.read, &stats));
  BlockValues out;
  out.rows = values.rows;
  out.kinds.assign(values.rows, kAbsent);
  out.ints.assign(values.rows, 0);
  out.scales.assign(values.rows, 0);
  out.texts.assign(values.rows, {});
  out.owners = std::move(values.owners);
  out.owners.insert(out.owners.end(), rest.owners.begin(), rest.owners.end());
  if (values.dictionary) out.owners.push_back(values.dictionary);
  if (rest.dictionary) out.owners.push_back(rest.dictionary);
  for (uint32_t row = 0; row < out.rows; ++row) {
    model::RestField field;
    bool found = values.kind_at(row) != kAbsent;
    if (found) field = field_at(values, row);
    if (!found && lane_is_text(rest.kind_at(row))) {
      model::RestReader reader(rest.text_at(row));
      while (!found && reader.next(field)) found = field.name == name;
    }
    if (!found) continue;
    out.kinds[row] = static_cast<uint8_t>(field.kind);
    out.ints[row] = field.lane;
    out.scales[row] = field.scale;
    out.texts[row] = field.text;
  }
  values = std::move(out);
  return {};
}

Result<BlockValues> Fields::values(std::string_view name, uint32_t block, ScanStats& stats,
                                   const Selection* wanted) const {
  BlockValues values;
  values.rows = block_rows(group_.rows(), block);
  if (const Chunk* chunk = group_.directory().find(name)) {
    Entries known = CLEW_TRY(entries(*chunk, &stats));
    if (std::optional<BlockValues> kept = kept_block(*chunk, block)) {
      values = std::move(*kept);
    } else {
      values = CLEW_TRY(wanted ? group_.block_rows_of(*chunk, block, known.read, *wanted, &stats)
                               : group_.block(*chunk, block, known.read, &stats));
    }
  }
  if (group_.names().maybe_in_rest(name)) CLEW_TRY(add_rest(name, block, values, stats));
  return values;
}

Result<VectorPtr> Fields::stored_column(std::string_view name, uint32_t block, const Selection& rows,
                                        ScanStats& stats) const {
  BlockValues found = CLEW_TRY(values(name, block, stats, &rows));
  VectorPtr dictionary;
  if (found.dictionary) {
    Entries known = CLEW_TRY(entries(*group_.directory().find(name), &stats));
    dictionary = known.vector;
  }
  return to_vector(std::move(found), block * kBlockRows, rows, dictionary);
}

Result<VectorPtr> Fields::column(std::string_view field, uint32_t block, const Selection& rows,
                                 ScanStats& stats) const {
  if (field == kSeqColumn) return seq_column(block, rows, stats);
  if (field == model::kIdField) return derived_id(block, rows, stats);
  if (field == model::kIndexField) return index_column(block, rows, stats);
  if (field == kDatasetField) {
    auto name = Vector::constant(Value::string(group_.dataset()), static_cast<uint32_t>(rows.size()));
    return VectorPtr(std::make_shared<Vector>(std::move(name)));
  }
  if (field == kIngestTimeField) return ingest_times(block, rows, stats);
  if (model::is_pattern_field(field) && !group_.directory().find(field) && !group_.names().maybe_in_rest(field)) {
    return pattern_column(model::pattern_source(field), block, rows, stats);
  }
  auto way = CLEW_TRY(group_.names().steps(field));
  VectorPtr result;
  for (const model::CanonicalStep& step : *way) {
    VectorPtr values = CLEW_TRY(stored_column(step.source, block, rows, stats));
    if (step.how != model::Derive::kCopy) values = model::derive(step.how, values);
    result = result ? coalesce(result, values) : values;
    if (!any_null(*result)) break;
  }
  if (!result) return VectorPtr(std::make_shared<Vector>(Vector::all_null(static_cast<uint32_t>(rows.size()))));
  return result;
}

PatternEntriesPtr Fields::pattern_entries(const void* of, std::shared_ptr<const void> owner,
                                          const std::function<PatternEntriesPtr()>& make) const {
  {
    base::MutexLock lock(mutex_);
    auto it = patterns_.find(of);
    if (it != patterns_.end()) return it->second.entries;
  }
  PatternEntriesPtr made = make();
  base::MutexLock lock(mutex_);
  return patterns_.try_emplace(of, KnownPatterns{std::move(owner), std::move(made)}).first->second.entries;
}

Result<VectorPtr> Fields::pattern_column(std::string_view of, uint32_t block, const Selection& rows,
                                         ScanStats& stats) const {
  auto way = CLEW_TRY(group_.names().steps(of));
  const Chunk* chunk = way->empty() ? nullptr : group_.directory().find(way->front().source);
  // A chunk of templates that answers alone: nothing else is asked where every row has its text here.
  bool alone =
      chunk != nullptr && way->front().how == model::Derive::kCopy &&
      (chunk->values == group_.rows() || (way->size() == 1 && !group_.names().maybe_in_rest(way->front().source)));
  bool templates = alone && chunk->only(model::Kind::kString) && chunk->text_form != TextForm::kComposed &&
                   chunk->dictionary.form == DictionaryForm::kTemplates;
  if (templates) {
    Entries known = CLEW_TRY(entries(*chunk, &stats));
    const TemplatesPtr& shapes = known.read.templates;
    PatternEntriesPtr patterns =
        pattern_entries(shapes.get(), shapes, [&shapes] { return patterns_of_templates(*shapes); });
    return patterns_of_block(group_, *chunk, *shapes, patterns, block, rows, stats);
  }
  VectorPtr texts = CLEW_TRY(column(of, block, rows, stats));
  if (texts->layout != model::Layout::kDict || texts->type != model::Type::kString) return patterns_of_values(*texts);
  const VectorPtr& dictionary = texts->dict;
  PatternEntriesPtr patterns =
      pattern_entries(dictionary.get(), dictionary, [&dictionary] { return patterns_of_texts(dictionary->strings); });
  return recoded(*texts, *patterns);
}

Result<VectorPtr> Fields::seq_column(uint32_t block, const Selection& rows, ScanStats& stats) const {
  std::vector<uint64_t> seqs = CLEW_TRY(group_.block_seqs(block, &stats));
  auto out = std::make_shared<Vector>();
  out->type = model::Type::kLong;
  out->layout = model::Layout::kFlat;
  out->size = static_cast<uint32_t>(rows.size());
  for (uint32_t row : rows) out->i64.push_back(static_cast<int64_t>(seqs[row - block * kBlockRows]));
  return VectorPtr(std::move(out));
}

Result<VectorPtr> Fields::derived_id(uint32_t block, const Selection& rows, ScanStats& stats) const {
  std::vector<uint64_t> seqs = CLEW_TRY(group_.block_seqs(block, &stats));
  auto derived = std::make_shared<Vector>();
  derived->type = model::Type::kString;
  derived->layout = model::Layout::kFlat;
  derived->size = static_cast<uint32_t>(rows.size());
  auto texts = std::make_shared<std::vector<std::string>>();
  texts->reserve(rows.size());
  for (uint32_t row : rows) {
    uint64_t seq = seqs[row - block * kBlockRows];
    const CommitRange* range = find_commit(group_.commits(), seq);
    texts->push_back(range ? contract::event_id(range->key, range->first_row + (seq - range->first_seq.get()))
                           : std::string());
    derived->strings.push_back(texts->back());
  }
  derived->owners.push_back(texts);
  if (!group_.directory().find(model::kIdField)) return VectorPtr(std::move(derived));
  VectorPtr given = CLEW_TRY(stored_column(model::kIdField, block, rows, stats));
  return any_null(*given) ? coalesce(given, derived) : given;
}

Result<VectorPtr> Fields::index_column(uint32_t block, const Selection& rows, ScanStats& stats) const {
  auto own =
      std::make_shared<Vector>(Vector::constant(Value::string(group_.dataset()), static_cast<uint32_t>(rows.size())));
  if (!group_.directory().find(model::kIndexField)) return VectorPtr(std::move(own));
  VectorPtr given = CLEW_TRY(stored_column(model::kIndexField, block, rows, stats));
  return any_null(*given) ? coalesce(given, own) : given;
}

Result<VectorPtr> Fields::ingest_times(uint32_t block, const Selection& rows, ScanStats& stats) const {
  std::vector<uint64_t> seqs = CLEW_TRY(group_.block_seqs(block, &stats));
  auto out = std::make_shared<Vector>();
  out->type = model::Type::kTimestamp;
  out->layout = model::Layout::kFlat;
  out->size = static_cast<uint32_t>(rows.size());
  for (uint32_t row : rows) {
    const CommitRange* range = find_commit(group_.commits(), seqs[row - block * kBlockRows]);
    out->i64.push_back(range ? range->commit_time.get() : 0);
    if (range) continue;
    out->nulls.resize(out->size, 0);
    out->nulls[out->i64.size() - 1] = 1;
  }
  return VectorPtr(std::move(out));
}

contract::ColumnStats Fields::seq_stats() const {
  contract::ColumnStats stats;
  int64_t least = 0;
  int64_t greatest = 0;
  if (group_.seqs_form() == Seqs::kFromCommits) {
    if (group_.commits().empty()) return stats;
    const CommitRange& last = group_.commits().back();
    least = static_cast<int64_t>(group_.commits().front().first_seq.get());
    greatest = static_cast<int64_t>(last.first_seq.get() + last.rows - 1);
  } else {
    const Chunk* chunk = group_.directory().find(kSeqColumn);
    if (!chunk || chunk->stats.form != StatsForm::kInts) return stats;
    least = chunk->stats.int_min;
    greatest = chunk->stats.int_max;
  }
  stats.known = true;
  stats.min = Value::of_lane(model::Type::kLong, least);
  stats.max = Value::of_lane(model::Type::kLong, greatest);
  return stats;
}

Result<contract::ColumnStats> Fields::column_stats(std::string_view field) const {
  contract::ColumnStats stats;
  if (field == kSeqColumn) return seq_stats();
  if (field.starts_with('_')) return stats;
  auto way = CLEW_TRY(group_.names().steps(field));
  if (way->empty()) {
    stats.known = stats.all_null = true;
    stats.nulls = group_.rows();
    return stats;
  }
  if (way->size() > 1 || (*way)[0].how != model::Derive::kCopy || group_.names().maybe_in_rest((*way)[0].source))
    return stats;
  const Chunk* chunk = group_.directory().find((*way)[0].source);
  if (!chunk) return stats;
  stats.nulls = group_.rows() - chunk->values + chunk->nulls;
  stats.all_null = stats.nulls == group_.rows();
  stats.known = stats.all_null || chunk->stats.form != StatsForm::kNone;
  switch (chunk->stats.form) {
    case StatsForm::kNone: break;
    case StatsForm::kInts: {
      model::Type type = chunk->kinds >> static_cast<int>(model::Kind::kTime) & 1   ? model::Type::kTimestamp
                         : chunk->kinds >> static_cast<int>(model::Kind::kBool) & 1 ? model::Type::kBool
                                                                                    : model::Type::kLong;
      stats.min = Value::of_lane(type, chunk->stats.int_min);
      stats.max = Value::of_lane(type, chunk->stats.int_max);
      break;
    }
    case StatsForm::kNumbers:
      stats.min = Value::real(chunk->stats.number_min);
      stats.max = Value::real(chunk->stats.number_max);
      break;
    case StatsForm::kTexts:
      stats.min = Value::string(chunk->stats.text_min);
      stats.max = Value::string(chunk->stats.text_max);
      break;
  }
  return stats;
}

Result<std::vector<contract::ValueCount>> Fields::value_counts(std::string_view field, ScanStats& stats) const {
  std::vector<contract::ValueCount> counts;
  if (field.starts_with('_')) return counts;
  auto way = CLEW_TRY(group_.names().steps(field));
  if (way->empty()) {
    counts.push_back({Value(), group_.rows()});
    return counts;
  }
  const model::CanonicalStep& step = way->front();
  const Chunk* chunk = group_.directory().find(step.source);
  // Where counts are kept all values are strings, which these leave as they are.
  bool as_stored =
      step.how == model::Derive::kCopy || step.how == model::Derive::kText || step.how == model::Derive::kLevelText;
  if (!chunk || chunk->entry_rows.empty() || !as_stored) return counts;
  uint32_t without = group_.rows() - chunk->values + chunk->nulls;
  // Rows without it may have the value elsewhere.
  if (without > 0 && (way->size() > 1 || group_.names().maybe_in_rest(step.source))) return counts;
  Entries known = CLEW_TRY(entries(*chunk, &stats));
  if (!known.read.dictionary || known.read.dictionary->entries.size() != chunk->entry_rows.size()) return counts;
  if (without > 0) counts.push_back({Value(), without});
  for (size_t entry = 0; entry < chunk->entry_rows.size(); ++entry) {
    if (chunk->entry_rows[entry] == 0) continue;
    counts.push_back({Value::string(std::string(known.read.dictionary->entries[entry])), chunk->entry_rows[entry]});
  }
  return counts;
}

}  // namespace clew::columnar
