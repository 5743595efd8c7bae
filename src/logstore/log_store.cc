#include "logstore/log_store.h"

#include <algorithm>

#include "logstore/background.h"
#include "logstore/committer.h"
#include "logstore/engine.h"
#include "logstore/retention_class.h"
#include "logstore/stored_writes_reader.h"
#include "logstore/usage.h"
#include "logstore/writer.h"

namespace clew::logstore {
namespace {

constexpr size_t kDeclaredTypesMax = 10'000;
// What leaves so few row groups of a segment looks for single events: one read each brings all that their rows need.
constexpr size_t kRareRowGroups = 2;
constexpr size_t kRareShare = 4;                // of all row groups, one in so many
constexpr uint64_t kWholeBytesMax = 64u << 20;  // that one query holds so

Status check_access(const contract::Access& access, const std::string& dataset) {
  const auto& allowed = access.datasets;
  if (allowed.empty() || std::find(allowed.begin(), allowed.end(), dataset) != allowed.end()) return {};
  return Error(Code::kForbidden, "no access to dataset " + quoted(dataset));
}

// The datasets of a scan that the caller may read.
std::vector<std::string> readable(const contract::Access& access, std::vector<std::string> datasets) {
  std::erase_if(datasets, [&](const std::string& name) { return !check_access(access, name).ok(); });
  return datasets;
}

bool is_trivial(const contract::Predicate& where) {
  return where.op == contract::Predicate::Op::kAll && where.children.empty();
}

void order_granules(contract::Order order, std::vector<contract::GranulePtr>& granules) {
  if (order == contract::Order::kNewestFirst) {
    std::stable_sort(granules.begin(), granules.end(),
                     [](const auto& a, const auto& b) { return a->time_max() > b->time_max(); });
  } else {
    std::stable_sort(granules.begin(), granules.end(),
                     [](const auto& a, const auto& b) { return a->time_min() < b->time_min(); });
  }
}

bool overlaps(contract::TimeRange range, const columnar::RowSource& source) {
  return source.time_max() >= range.from && source.time_min() < range.to;
}

}  // namespace

// Destroyed from the last to the first: background work, the committer, then what they use.
struct LogStore::Parts {
  Parts(os::Disk& disk, os::Clock& clock, os::Rng& rng, std::string dir, const StoreOptions& options,
        base::Registry& registry)
      : engine(disk, clock, rng, std::move(dir), options, registry) {}

  Engine engine;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Background> background;
};

namespace {

struct GaugeText {
  const char* name;
  const char* help;
};
constexpr GaugeText kMergeDue{"clew_merge_due", "1 while a flush or merge is due or runs."};
constexpr GaugeText kJournalBytes{"clew_journal_bytes", "Bytes of journal files on disk."};
constexpr GaugeText kPartsCount{"clew_journal_parts", "Parts that only the journal holds."};
constexpr GaugeText kPartRows{"clew_journal_events", "Events that only the journal holds: the debt of flushing."};
constexpr GaugeText kSegments{"clew_segments", "Segments."};
constexpr GaugeText kQuarantined{"clew_segments_quarantined", "Segments that are damaged or missing."};
constexpr GaugeText kWritable{"clew_store_writable", "0 when the store refuses writes; health says why."};
constexpr GaugeText kDedupeKeys{"clew_dedupe_keys", "Batch keys kept in memory."};

void set_gauge(base::Registry& registry, const GaugeText& gauge, std::function<double()> read) {
  registry.gauge(gauge.name, gauge.help, {}, std::move(read));
}

}  // namespace

void LogStore::register_gauges() {
  Engine& engine = parts_->engine;
  base::Registry& registry = engine.metrics.registry;
  auto total = [&engine](uint64_t Totals::*member) {
    return [&engine, member] { return static_cast<double>(engine.catalog.totals().*member); };
  };
  set_gauge(registry, kMergeDue, [this] { return is_idle() ? 0.0 : 1.0; });
  set_gauge(registry, kJournalBytes, [&engine] { return static_cast<double>(engine.journal->bytes()); });
  set_gauge(registry, kPartsCount, total(&Totals::parts));
  set_gauge(registry, kPartRows, total(&Totals::part_rows));
  set_gauge(registry, kSegments, total(&Totals::segments));
  set_gauge(registry, kQuarantined, total(&Totals::quarantined));
  set_gauge(registry, kWritable, [this] { return health().writes.ok() ? 1.0 : 0.0; });
  set_gauge(registry, kDedupeKeys, [&engine] { return static_cast<double>(engine.dedupe.keys_count()); });
}

// The registry outlives the store: its gauges must not reach into it any more.
void LogStore::drop_gauges() {
  for (const GaugeText& gauge :
       {kMergeDue, kJournalBytes, kPartsCount, kPartRows, kSegments, kQuarantined, kWritable, kDedupeKeys}) {
    set_gauge(parts_->engine.metrics.registry, gauge, [] { return 0.0; });
  }
}

Result<std::unique_ptr<LogStore>> LogStore::open(os::Disk& disk, os::Clock& clock, os::Rng& rng, std::string dir,
                                                 StoreOptions options, base::Registry& registry) {
  auto parts = std::make_unique<Parts>(disk, clock, rng, std::move(dir), options, registry);
  CLEW_TRY(recover(parts->engine));
  parts->committer = std::make_unique<Committer>(parts->engine, options.background_threads > 0);
  parts->writer = std::make_unique<Writer>(parts->engine, *parts->committer);
  parts->background = std::make_unique<Background>(parts->engine, options.background_threads);
  std::unique_ptr<LogStore> store(new LogStore(std::move(parts)));
  store->register_gauges();
  return store;
}

LogStore::LogStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LogStore::~LogStore() {
  close();
  drop_gauges();
}

void LogStore::close() {
  parts_->background->stop();
  parts_->committer->close();
}

void LogStore::write(contract::Write write, Done done) {
  parts_->writer->write(std::move(write), std::move(done));
  if (parts_->engine.options.background_threads == 0) parts_->committer->commit_pending();
}

Status LogStore::can_write() const { return parts_->writer->admit(); }

Result<contract::Snapshot> LogStore::snapshot(const contract::Access& access, const contract::Scan& scan,
                                              contract::ScanStats& stats) {
  contract::Snapshot out;
  std::vector<std::string> datasets = readable(access, scan.datasets.empty() ? access.datasets : scan.datasets);
  bool nothing_readable = datasets.empty() && !(scan.datasets.empty() && access.datasets.empty());
  Catalog::View view = parts_->engine.catalog.view(access.tenant.get(), datasets, scan.range);
  out.up_to = Seq(view.up_to);
  if (nothing_readable) return out;
  for (const Catalog::View::Part& part : view.parts) {
    ++stats.granules_total;
    if (!part.source->may_match(scan.where)) {
      ++stats.granules_pruned_by_index;
      continue;
    }
    out.granules.push_back(part.source->granule(out.up_to, part.deleted));
  }
  uint64_t whole_bytes = 0;
  for (const Catalog::View::Segment& segment : view.segments) {
    if (!segment.reader) {
      stats.damaged_rows += segment.meta.rows;
      continue;
    }
    const auto& groups = segment.reader->row_groups();
    std::vector<bool> may(groups.size(), true);
    if (!is_trivial(scan.where)) {
      Result<std::vector<bool>> matched = segment.reader->may_match(scan.where, stats);
      // An index that cannot be read leaves nothing out.
      if (matched.ok() && matched->size() == groups.size()) may = std::move(matched).take();
    }
    auto left = static_cast<size_t>(std::count(may.begin(), may.end(), true));
    bool rare = left <= kRareRowGroups && left * kRareShare <= groups.size();
    for (size_t g = 0; g < groups.size(); ++g) {
      ++stats.granules_total;
      if (!overlaps(scan.range, *groups[g])) {
        ++stats.granules_pruned_by_time;
        continue;
      }
      if (!may[g]) continue;
      columnar::DeletedRows deleted = g < segment.deleted.size() ? segment.deleted[g] : nullptr;
      bool whole = rare && whole_bytes + groups[g]->bytes() <= kWholeBytesMax;
      if (whole) whole_bytes += groups[g]->bytes();
      columnar::Reading reading = whole ? columnar::Reading::kWhole : columnar::Reading::kBlocks;
      out.granules.push_back(groups[g]->granule(out.up_to, std::move(deleted), reading));
    }
  }
  order_granules(scan.order, out.granules);
  return out;
}

Result<std::vector<contract::DatasetInfo>> LogStore::datasets(const contract::Access& access) {
  std::vector<contract::DatasetInfo> out = parts_->engine.catalog.datasets(access.tenant.get());
  std::erase_if(out, [&](const contract::DatasetInfo& info) { return !check_access(access, info.name).ok(); });
  return out;
}

Result<std::vector<contract::FieldInfo>> LogStore::fields(const contract::Access& access, const std::string& dataset) {
  CLEW_TRY(check_access(access, dataset));
  return parts_->engine.catalog.fields({access.tenant.get(), dataset});
}

std::vector<std::pair<std::string, model::Type>> LogStore::declared_types(const contract::Access& access,
                                                                          const std::string& dataset) {
  if (!check_access(access, dataset).ok()) return {};
  return parts_->engine.settings_of({access.tenant.get(), dataset}).declared_types;
}

contract::EventFeed& LogStore::feed() { return parts_->engine.feed; }

namespace {

// Changes one dataset's settings by an edit.
template <class Change>
Status change_settings(Engine& engine, const contract::Access& access, const std::string& dataset, Change change) {
  CLEW_TRY(check_access(access, dataset));
  DatasetKey key{access.tenant.get(), dataset};
  DatasetSettings settings = engine.settings_of(key);
  change(settings);
  Edit edit;
  edit.settings.emplace_back(std::move(key), std::move(settings));
  return engine.append_edit(edit, [&engine] { engine.catalog.note_settings(); });
}

}  // namespace

Status LogStore::declare_types(const contract::Access& access, const std::string& dataset,
                               std::vector<std::pair<std::string, model::Type>> types) {
  if (types.size() > kDeclaredTypesMax) {
    return Error(Code::kTooLarge, "a mapping of more than " + std::to_string(kDeclaredTypesMax) + " fields");
  }
  return change_settings(parts_->engine, access, dataset, [&](DatasetSettings& settings) {
    for (auto& [name, type] : types) {
      auto known = std::find_if(settings.declared_types.begin(), settings.declared_types.end(),
                                [&](const auto& d) { return d.first == name; });
      if (known != settings.declared_types.end()) {
        known->second = type;
      } else if (settings.declared_types.size() < kDeclaredTypesMax) {
        settings.declared_types.emplace_back(std::move(name), type);
      }
    }
  });
}

Status LogStore::set_retention(const contract::Access& access, const std::string& dataset,
                               std::optional<RetentionRule> rule) {
  return change_settings(parts_->engine, access, dataset, [&](DatasetSettings& s) { s.retention = rule; });
}

Status LogStore::set_retention_classes(const contract::Access& access, const std::string& dataset,
                                       std::vector<ClassRule> rules) {
  CLEW_TRY(check_class_rules(rules));
  return change_settings(parts_->engine, access, dataset, [&](DatasetSettings& s) { s.classes = std::move(rules); });
}

Status LogStore::set_hold(const contract::Access& access, const std::string& dataset, bool held) {
  return change_settings(parts_->engine, access, dataset, [&](DatasetSettings& s) { s.held = held; });
}

DatasetSettings LogStore::settings(const contract::Access& access, const std::string& dataset) const {
  if (!check_access(access, dataset).ok()) return {};
  return parts_->engine.settings_of({access.tenant.get(), dataset});
}

Result<Usage> LogStore::usage(const contract::Access& access, const std::vector<std::string>& datasets,
                              const UsageRequest& request, const std::stop_token& stop) const {
  std::vector<std::string> wanted = readable(access, datasets.empty() ? access.datasets : datasets);
  bool nothing_readable = wanted.empty() && !(datasets.empty() && access.datasets.empty());
  if (nothing_readable) return usage_of({}, request, stop);
  return usage_of(parts_->engine.catalog.view(access.tenant.get(), wanted, {}), request, stop);
}

Result<WritesPage> LogStore::stored_writes(const contract::Access& access, const WritesRequest& request) const {
  if (!access.datasets.empty()) return Error(Code::kForbidden, "stored writes are for who may see all datasets");
  return read_stored_writes(parts_->engine, access.tenant.get(), request);
}

std::vector<StoredCommit> LogStore::stored_commits(const contract::Access& access, uint64_t after) const {
  return find_stored_commits(parts_->engine, access.tenant.get(), after);
}

std::vector<bool> LogStore::has_old_keys(const contract::Access& access,
                                         const std::vector<contract::BatchKey>& keys) const {
  return find_stored_keys(parts_->engine, access.tenant.get(), keys);
}

std::vector<RetentionItem> LogStore::retention_due() const {
  return find_retention(parts_->engine, parts_->engine.manifest_state(), parts_->engine.now());
}

Result<std::vector<RetentionItem>> LogStore::enforce_retention() { return run_retention(parts_->engine); }

Status LogStore::flush_now() { return parts_->background->flush_now(); }
Status LogStore::merge_all() { return parts_->background->merge_all(); }
Result<bool> LogStore::work_once() { return parts_->background->work_once(); }
bool LogStore::is_idle() const { return parts_->background->is_idle(); }

StoreHealth LogStore::health() const {
  Engine& engine = parts_->engine;
  StoreHealth health;
  health.segments_quarantined = engine.catalog.totals().quarantined;
  health.writes = engine.journal->health();
  if (health.writes.ok()) health.writes = engine.manifest_health();
  if (health.writes.ok()) health.writes = engine.check_space();
  return health;
}

const Recovered& LogStore::recovered() const { return parts_->engine.recovered; }

std::vector<std::string> LogStore::verify() const { return verify_engine(parts_->engine); }

Result<DeleteReport> LogStore::delete_rows(const contract::Access& access, const std::string& dataset,
                                           contract::TimeRange range, const DeleteSelector& selector,
                                           WaitForBytes wait) {
  CLEW_TRY(check_access(access, dataset));
  DatasetKey key{access.tenant.get(), dataset};
  DeleteReport report;
  {
    Background::Pause pause(*parts_->background);
    report = CLEW_TRY(mark_deleted(parts_->engine, key, range, selector));
  }
  if (wait == WaitForBytes::kNo) return report;
  // Rows still in the journal leave it without those deleted.
  CLEW_TRY(parts_->background->flush_now());
  CLEW_TRY(parts_->background->rewrite_deleted());
  return report;
}

Result<DeleteReport> LogStore::delete_dataset(const contract::Access& access, const std::string& dataset) {
  DeleteSelector all = [](const contract::Granule&, uint32_t, model::Selection&) -> Status { return {}; };
  return delete_rows(access, dataset, {}, all, WaitForBytes::kNo);
}

Status LogStore::snapshot_to(const std::string& to) {
  Background::Pause pause(*parts_->background);
  return copy_store(parts_->engine, to);
}

}  // namespace clew::logstore
