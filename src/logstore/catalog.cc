#include "logstore/catalog.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "model/field_type.h"

namespace clew::logstore {
namespace {

constexpr size_t kShapesMax = 4096;  // sets of columns known by hash, per dataset
constexpr uint64_t kSmallestTierRows = 8192;

uint64_t shape_of(const model::Batch& batch) {
  uint64_t shape = 0;
  for (const auto& column : batch.columns()) {
    if (column->values_count() == 0) continue;
    uint64_t kinds = 0;
    for (const model::KindRun& run : column->runs()) kinds |= uint64_t{1} << static_cast<unsigned>(run.kind);
    kinds |= uint64_t{column->origins()} << 32;
    shape = base::hash_mix(shape, base::hash64(column->name()) ^ kinds);
  }
  return shape;
}

int size_tier(uint64_t rows) {
  int tier = 0;
  for (uint64_t bound = kSmallestTierRows; rows > bound; bound *= 8) ++tier;
  return tier;
}

bool overlaps(contract::TimeRange range, int64_t time_min, int64_t time_max) {
  return time_max >= range.from && time_min < range.to;
}

}  // namespace

bool FieldCatalogue::Known::note(model::Type type) {
  if (type == model::Type::kNull) return false;
  if (types == 0) first_type = type;
  uint32_t before = std::exchange(types, types | 1u << static_cast<unsigned>(type));
  return types != before;
}

FieldCatalogue::Known* FieldCatalogue::find_or_add(std::string_view name, int64_t time_min, int64_t time_max) {
  auto it = fields_.find(name);
  if (it == fields_.end()) {
    if (fields_.size() >= kCatalogueNamesMax) return nullptr;
    it = fields_.emplace(name, Known{.first_seen = time_min, .last_seen = time_max}).first;
    ++changes_;
  }
  it->second.first_seen = std::min(it->second.first_seen, time_min);
  it->second.last_seen = std::max(it->second.last_seen, time_max);
  return &it->second;
}

void FieldCatalogue::note(const model::Batch& batch, int64_t time_min, int64_t time_max) {
  uint64_t shape = shape_of(batch);
  if (shapes_.count(shape) > 0) {
    // Fields known already: their last sight moves at most once a minute of event time, which completion can bear.
    constexpr int64_t kMinuteNs = 60'000'000'000;
    for (auto& column : batch.columns()) {
      auto it = fields_.find(column->name());
      if (it == fields_.end() || it->second.last_seen + kMinuteNs > time_max) return;
      break;
    }
  }
  if (shapes_.size() < kShapesMax) shapes_.insert(shape);
  for (const auto& column : batch.columns()) {
    if (column->values_count() == 0 || column->name().front() == '_') continue;
    Known* known = find_or_add(column->name(), time_min, time_max);
    if (known == nullptr) continue;
    known->origins |= column->origins();
    for (const model::KindRun& run : column->runs()) changes_ += known->note(model::type_of(run.kind));
  }
}

void FieldCatalogue::note(const std::vector<columnar::RestName>& names, int64_t time_min, int64_t time_max) {
  for (const columnar::RestName& rest : names) {
    Known* known = find_or_add(rest.name, time_min, time_max);
    for (unsigned k = 0; known != nullptr && k < 16; ++k) {
      if (rest.kinds >> k & 1) changes_ += known->note(model::type_of(static_cast<model::Kind>(k)));
    }
  }
}

void FieldCatalogue::note(const contract::FieldInfo& field) {
  Known* known = find_or_add(field.name, field.first_seen, field.last_seen);
  if (known != nullptr) known->origins |= field.origins;
  for (size_t i = 0; known != nullptr && i < field.types.size(); ++i) changes_ += known->note(field.types[i]);
}

std::vector<contract::FieldInfo> FieldCatalogue::list() const {
  std::vector<contract::FieldInfo> out;
  out.reserve(fields_.size());
  for (const auto& [name, known] : fields_) {
    contract::FieldInfo info{.name = name,
                             .types = {},
                             .first_seen = known.first_seen,
                             .last_seen = known.last_seen,
                             .origins = known.origins};
    if (known.types != 0) info.types.push_back(known.first_type);
    for (unsigned t = 0; t < 32; ++t) {
      auto type = static_cast<model::Type>(t);
      if ((known.types >> t & 1) != 0 && type != known.first_type) info.types.push_back(type);
    }
    out.push_back(std::move(info));
  }
  return out;
}

void Catalog::publish(std::vector<std::pair<DatasetKey, PartPtr>> parts, uint64_t up_to) {
  base::MutexLock lock(mutex_);
  for (auto& [key, part] : parts) {
    DatasetState& dataset = datasets_[key];
    dataset.part_rows += part->commit.rows;
    dataset.part_bytes += part->bytes;
    JournalUse& use = journal_files_[part->file_number];
    ++use.live_parts;
    use.min_seq = std::min(use.min_seq, part->first_seq());
    dataset.parts.push_back(std::move(part));
  }
  up_to_ = std::max(up_to_, up_to);
}

void Catalog::add_segment(SegmentPtr segment) {
  base::MutexLock lock(mutex_);
  up_to_ = std::max(up_to_, segment->meta.seq_max);
  datasets_[{segment->meta.tenant, segment->meta.dataset}].segments.push_back(std::move(segment));
}

void Catalog::drop_part_use(const PartEntry& part) {
  auto it = journal_files_.find(part.file_number);
  CHECK(it != journal_files_.end() && it->second.live_parts > 0, part.file_number);
  --it->second.live_parts;
}

void Catalog::replace_parts(const FlushJob& job, const std::vector<SegmentPtr>& segments) {
  std::set<const PartEntry*> gone;
  for (const PartPtr& part : job.parts) gone.insert(part.get());
  base::MutexLock lock(mutex_);
  DatasetState& dataset = datasets_[job.key];
  std::erase_if(dataset.parts, [&](const PartPtr& part) { return gone.count(part.get()) > 0; });
  for (const PartPtr& part : job.parts) {
    dataset.part_rows -= part->commit.rows;
    dataset.part_bytes -= part->bytes;
    drop_part_use(*part);
  }
  dataset.segments.insert(dataset.segments.end(), segments.begin(), segments.end());
}

void Catalog::replace_segments(const MergeJob& job, const std::vector<SegmentPtr>& segments) {
  std::set<const SegmentEntry*> gone;
  for (const SegmentPtr& segment : job.segments) gone.insert(segment.get());
  base::MutexLock lock(mutex_);
  DatasetState& dataset = datasets_[job.key];
  std::erase_if(dataset.segments, [&](const SegmentPtr& s) { return gone.count(s.get()) > 0; });
  dataset.segments.insert(dataset.segments.end(), segments.begin(), segments.end());
}

void Catalog::release(const FlushJob& job) {
  base::MutexLock lock(mutex_);
  for (const PartPtr& part : job.parts) part->busy = false;
}

void Catalog::release(const MergeJob& job) {
  base::MutexLock lock(mutex_);
  for (const SegmentPtr& segment : job.segments) segment->busy = false;
}

void Catalog::remove_segments(const std::vector<uint64_t>& ids) {
  std::set<uint64_t> gone(ids.begin(), ids.end());
  base::MutexLock lock(mutex_);
  for (auto& [key, dataset] : datasets_) {
    std::erase_if(dataset.segments, [&](const SegmentPtr& s) { return gone.count(s->meta.id) > 0; });
  }
}

std::vector<uint64_t> Catalog::mark_busy(const std::vector<uint64_t>& ids) {
  std::set<uint64_t> wanted(ids.begin(), ids.end());
  std::vector<uint64_t> out;
  base::MutexLock lock(mutex_);
  for (auto& [key, dataset] : datasets_) {
    for (const SegmentPtr& s : dataset.segments) {
      if (s->busy || wanted.count(s->meta.id) == 0) continue;
      s->busy = true;
      out.push_back(s->meta.id);
    }
  }
  return out;
}

void Catalog::clear_busy(const std::vector<uint64_t>& ids) {
  std::set<uint64_t> wanted(ids.begin(), ids.end());
  base::MutexLock lock(mutex_);
  for (auto& [key, dataset] : datasets_) {
    for (const SegmentPtr& s : dataset.segments) {
      if (wanted.count(s->meta.id) > 0) s->busy = false;
    }
  }
}

std::optional<FlushJob> Catalog::pick_flush(int64_t now, uint64_t journal_bytes, bool everything) {
  base::MutexLock lock(mutex_);
  std::optional<FlushJob> job = choose_flush(now, journal_bytes, everything);
  if (job) {
    for (const PartPtr& part : job->parts) part->busy = true;
  }
  return job;
}

bool Catalog::is_work_due(int64_t now, uint64_t journal_bytes) const {
  base::MutexLock lock(mutex_);
  return choose_flush(now, journal_bytes, false) || choose_merge_job(now, false);
}

std::optional<FlushJob> Catalog::choose_flush(int64_t now, uint64_t journal_bytes, bool everything) const {
  uint64_t parts_total = 0;
  uint64_t oldest_file = UINT64_MAX;
  for (const auto& [key, dataset] : datasets_) {
    parts_total += dataset.parts.size();
    for (const PartPtr& part : dataset.parts) {
      if (!part->busy && !part->stuck) {
        oldest_file = std::min(oldest_file, part->file_number);
        break;
      }
    }
  }
  bool journal_over = journal_bytes > options_.journal_budget_bytes;
  bool parts_over = parts_total > options_.parts_max;

  auto is_free = [](const PartPtr& part) { return !part->busy && !part->stuck; };
  const std::pair<const DatasetKey, DatasetState>* best = nullptr;
  size_t best_count = 0;
  uint64_t best_rows = 0;
  for (const auto& dataset : datasets_) {
    const PartEntry* first = nullptr;
    size_t count = 0;
    uint64_t rows = 0;
    for (const PartPtr& part : dataset.second.parts) {
      if (!is_free(part)) continue;
      if (first == nullptr) first = part.get();
      ++count;
      rows += part->commit.rows;
      if (rows >= options_.flush_rows) break;
    }
    if (first == nullptr) continue;
    bool aged = now - first->commit.commit_time.get() >= static_cast<int64_t>(options_.flush_age_ns);
    bool pins = journal_over && first->file_number == oldest_file;
    bool due = everything || rows >= options_.flush_rows || count >= options_.flush_parts || aged || pins || parts_over;
    if (!due || (best != nullptr && rows <= best_rows)) continue;
    best = &dataset;
    best_count = count;
    best_rows = rows;
  }
  if (best == nullptr) return std::nullopt;
  FlushJob job{best->first, {}};
  for (const PartPtr& part : best->second.parts) {
    if (job.parts.size() == best_count) break;
    if (is_free(part)) job.parts.push_back(part);
  }
  return job;
}

std::vector<SegmentPtr> Catalog::mergeable(const DatasetState& dataset, int64_t day,
                                           const std::string& retention_class) {
  std::vector<SegmentPtr> out;
  for (const SegmentPtr& s : dataset.segments) {
    bool here = s->meta.day == day && s->meta.retention_class == retention_class;
    if (here && !s->busy && !s->stuck && s->reader) out.push_back(s);
  }
  return out;
}

// Segments of like size, enough of them, that fit into one; of a day that came to rest all that fit. Segments as large
// as a full flush are left alone until there are many: merging them saves a query little and costs a pass over their
// words.
std::vector<SegmentPtr> Catalog::choose_merge(std::vector<SegmentPtr> segments, int64_t now, bool everything) const {
  std::sort(segments.begin(), segments.end(),
            [](const SegmentPtr& a, const SegmentPtr& b) { return a->meta.rows < b->meta.rows; });
  int64_t youngest = INT64_MIN;
  size_t large = 0;
  for (const SegmentPtr& s : segments) {
    youngest = std::max(youngest, s->meta.stored_time);
    large += s->meta.rows >= options_.flush_rows && s->meta.rows * 2 <= options_.segment_rows_max ? 1 : 0;
  }
  bool idle = everything || (!segments.empty() && now - youngest >= static_cast<int64_t>(options_.merge_idle_ns));
  std::vector<SegmentPtr> chosen;
  uint64_t rows = 0;
  int tier = -1;
  bool full = false;
  for (const SegmentPtr& s : segments) {
    bool left_alone = s->meta.rows >= options_.flush_rows && large < options_.merge_large_fan_in;
    if (!idle && left_alone) break;
    int own = size_tier(s->meta.rows);
    if (!idle && own != tier) {
      if (chosen.size() >= options_.merge_fan_in) break;
      chosen.clear();
      rows = 0;
      tier = own;
    }
    full = rows + s->meta.rows > options_.segment_rows_max;
    if (full) break;
    chosen.push_back(s);
    rows += s->meta.rows;
  }
  size_t enough = idle || full ? 2 : options_.merge_fan_in;
  if (chosen.size() < enough) chosen.clear();
  return chosen;
}

std::optional<MergeJob> Catalog::pick_merge(int64_t now, bool everything) {
  base::MutexLock lock(mutex_);
  std::optional<MergeJob> job = choose_merge_job(now, everything);
  if (job) {
    for (const SegmentPtr& s : job->segments) s->busy = true;
  }
  return job;
}

std::optional<MergeJob> Catalog::choose_merge_job(int64_t now, bool everything) const {
  for (const auto& [key, dataset] : datasets_) {
    std::set<std::pair<int64_t, std::string>> partitions;
    for (const SegmentPtr& s : dataset.segments) partitions.emplace(s->meta.day, s->meta.retention_class);
    for (const auto& [day, retention_class] : partitions) {
      std::vector<SegmentPtr> chosen = choose_merge(mergeable(dataset, day, retention_class), now, everything);
      if (chosen.empty()) continue;
      return MergeJob{key, std::move(chosen)};
    }
  }
  return std::nullopt;
}

std::optional<MergeJob> Catalog::pick_rewrite(int64_t now, bool everything,
                                              const std::map<uint64_t, SegmentDeletes>& deletes) {
  base::MutexLock lock(mutex_);
  for (const auto& [key, dataset] : datasets_) {
    for (const SegmentPtr& s : dataset.segments) {
      auto it = deletes.find(s->meta.id);
      if (it == deletes.end() || s->busy || s->stuck || !s->reader) continue;
      bool due = everything || now - it->second.since >= static_cast<int64_t>(options_.delete_rewrite_ns);
      if (!due) continue;
      s->busy = true;
      return MergeJob{key, {s}};
    }
  }
  return std::nullopt;
}

std::vector<uint64_t> Catalog::unused_journal_files(uint64_t current) const {
  base::MutexLock lock(mutex_);
  std::vector<uint64_t> out;
  for (const auto& [number, use] : journal_files_) {
    if (use.live_parts == 0 && number != current) out.push_back(number);
  }
  return out;
}

void Catalog::note_journal_file(uint64_t number, uint64_t first_seq) {
  base::MutexLock lock(mutex_);
  JournalUse& use = journal_files_[number];
  use.min_seq = std::min(use.min_seq, first_seq);
}

void Catalog::forget_journal_file(uint64_t number) {
  base::MutexLock lock(mutex_);
  journal_files_.erase(number);
}

uint64_t Catalog::journal_seq_floor() const {
  base::MutexLock lock(mutex_);
  uint64_t floor = up_to_ + 1;
  for (const auto& [number, use] : journal_files_) floor = std::min(floor, use.min_seq);
  return floor;
}

template <class Take>
void Catalog::each_dataset(const std::string& tenant, const std::vector<std::string>& datasets, Take take) const {
  for (const std::string& name : datasets) {
    auto it = datasets_.find({tenant, name});
    if (it != datasets_.end()) take(it->second);
  }
  if (!datasets.empty()) return;
  for (auto it = datasets_.lower_bound({tenant, ""}); it != datasets_.end() && it->first.tenant == tenant; ++it) {
    take(it->second);
  }
}

Catalog::View Catalog::view(const std::string& tenant, const std::vector<std::string>& datasets,
                            contract::TimeRange range) const {
  View out;
  base::MutexLock lock(mutex_);
  out.up_to = up_to_;
  each_dataset(tenant, datasets, [&](const DatasetState& dataset) {
    for (const PartPtr& part : dataset.parts) {
      if (!overlaps(range, part->source->time_min(), part->source->time_max())) continue;
      out.parts.push_back({part->source, part->deleted, part});
    }
    for (const SegmentPtr& s : dataset.segments) {
      if (!overlaps(range, s->meta.time_min, s->meta.time_max)) continue;
      out.segments.push_back({s->reader, s->deleted, s->meta, s});
    }
  });
  return out;
}

Catalog::View Catalog::view_of_seqs(const std::string& tenant, const std::vector<std::string>& datasets,
                                    contract::SeqRange range) const {
  View out;
  auto overlap = [&range](uint64_t min, uint64_t max) { return max > range.after.get() && min <= range.up_to.get(); };
  base::MutexLock lock(mutex_);
  out.up_to = up_to_;
  each_dataset(tenant, datasets, [&](const DatasetState& dataset) {
    // By first_seq: those of interest to a reader that follows are the last ones.
    for (auto part = dataset.parts.rbegin(); part != dataset.parts.rend(); ++part) {
      if ((*part)->end_seq() <= range.after.get() + 1) break;
      if (!overlap((*part)->first_seq(), (*part)->end_seq() - 1)) continue;
      out.parts.push_back({(*part)->source, (*part)->deleted, *part});
    }
    for (const SegmentPtr& s : dataset.segments) {
      if (overlap(s->meta.seq_min, s->meta.seq_max)) out.segments.push_back({s->reader, s->deleted, s->meta, s});
    }
  });
  return out;
}

void Catalog::set_deleted(const std::vector<std::pair<PartPtr, columnar::DeletedRows>>& parts,
                          const std::vector<std::pair<SegmentPtr, std::vector<columnar::DeletedRows>>>& segments) {
  base::MutexLock lock(mutex_);
  for (const auto& [part, deleted] : parts) part->deleted = deleted;
  for (const auto& [segment, deleted] : segments) segment->deleted = deleted;
}

void Catalog::note_fields(const DatasetKey& key, const model::Batch& batch, const std::vector<columnar::RestName>& rest,
                          int64_t time_min, int64_t time_max) {
  base::MutexLock lock(mutex_);
  auto [dataset, fresh] = datasets_.try_emplace(key);
  FieldCatalogue& fields = dataset->second.fields;
  uint64_t before = fields.changes();
  fields.note(batch, time_min, time_max);
  fields.note(rest, time_min, time_max);
  if (fresh || fields.changes() != before) names_version_.fetch_add(1, std::memory_order_acq_rel);
}

void Catalog::note_fields(const DatasetKey& key, const std::vector<contract::FieldInfo>& fields) {
  base::MutexLock lock(mutex_);
  for (const contract::FieldInfo& field : fields) datasets_[key].fields.note(field);
}

Result<std::vector<contract::FieldInfo>> Catalog::fields(const DatasetKey& key) const {
  base::MutexLock lock(mutex_);
  auto it = datasets_.find(key);
  if (it == datasets_.end()) return Error(Code::kNotFound, "no dataset " + quoted(key.dataset));
  return it->second.fields.list();
}

std::vector<contract::DatasetInfo> Catalog::datasets(const std::string& tenant) const {
  std::vector<contract::DatasetInfo> out;
  base::MutexLock lock(mutex_);
  for (auto it = datasets_.lower_bound({tenant, ""}); it != datasets_.end() && it->first.tenant == tenant; ++it) {
    contract::DatasetInfo info{.name = it->first.dataset,
                               .rows = it->second.part_rows,
                               .bytes = it->second.part_bytes,
                               .time_min = INT64_MAX,
                               .time_max = INT64_MIN};
    for (const PartPtr& part : it->second.parts) {
      info.time_min = std::min(info.time_min, part->source->time_min());
      info.time_max = std::max(info.time_max, part->source->time_max());
    }
    for (const SegmentPtr& s : it->second.segments) {
      info.rows += s->meta.rows;
      info.bytes += s->meta.bytes;
      info.time_min = std::min(info.time_min, s->meta.time_min);
      info.time_max = std::max(info.time_max, s->meta.time_max);
    }
    if (info.rows > 0) out.push_back(std::move(info));
  }
  return out;
}

bool Catalog::admits(const DatasetKey& key) const {
  base::MutexLock lock(mutex_);
  if (datasets_.count(key) > 0) return true;
  uint32_t count = 0;
  for (auto it = datasets_.lower_bound({key.tenant, ""}); it != datasets_.end() && it->first.tenant == key.tenant;
       ++it) {
    ++count;
  }
  return count < kDatasetsMax;
}

std::vector<SegmentPtr> Catalog::all_segments() const {
  base::MutexLock lock(mutex_);
  std::vector<SegmentPtr> out;
  for (const auto& [key, dataset] : datasets_) {
    out.insert(out.end(), dataset.segments.begin(), dataset.segments.end());
  }
  return out;
}

std::vector<std::pair<DatasetKey, PartPtr>> Catalog::all_parts() const {
  base::MutexLock lock(mutex_);
  std::vector<std::pair<DatasetKey, PartPtr>> out;
  for (const auto& [key, dataset] : datasets_) {
    for (const PartPtr& part : dataset.parts) out.emplace_back(key, part);
  }
  return out;
}

uint64_t Catalog::up_to() const {
  base::MutexLock lock(mutex_);
  return up_to_;
}

Totals Catalog::totals() const {
  base::MutexLock lock(mutex_);
  Totals t;
  for (const auto& [key, dataset] : datasets_) {
    t.parts += dataset.parts.size();
    t.part_rows += dataset.part_rows;
    t.part_bytes += dataset.part_bytes;
    t.segments += dataset.segments.size();
    for (const SegmentPtr& s : dataset.segments) t.quarantined += s->reader ? 0 : 1;
  }
  return t;
}

}  // namespace clew::logstore
