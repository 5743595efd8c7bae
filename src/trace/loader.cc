#include "trace/loader.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "expr/print.h"
#include "text/time_format.h"
#include "text/words.h"

namespace clew::trace {
namespace {

using contract::Granule;
using contract::Predicate;
using contract::ScanStats;
using model::Selection;
using model::Type;
using model::Vector;
using model::VectorPtr;

constexpr int64_t kMilli = 1'000'000;

// Where texts of a Record come from: the first of the fields that has a value. Canonical names answer for their aliases
// by themselves.
struct TextSource {
  std::string_view Record::*member;
  bool needed_for_shape;  // ids, names and outcomes of spans; read even without texts
  std::array<std::string_view, 6> fields;
};
constexpr TextSource kTexts[] = {
    {&Record::trace_id, true, {"trace_id"}},
    {&Record::span_id, true, {"span_id"}},
    {&Record::parent_id, true, {"parent_span_id"}},
    {&Record::request_id, false, {"request_id"}},
    {&Record::name, true, {"name", "operationName", "operation_name", "OperationName", "span.name", "operation"}},
    {&Record::kind, true, {"kind", "span.kind", "spanKind"}},
    {&Record::service, true, {"service.name"}},
    {&Record::host, false, {"host.name", "k8s.pod.name", "PodName", "container.id", "service.instance.id", "host.id"}},
    {&Record::address, false, {"network.local.address"}},
    {&Record::process, false, {"process.pid"}},
    {&Record::thread, false, {"thread.name"}},
    {&Record::status, true, {"status.code", "status_code", "otel.status_code"}},
    {&Record::status_message, true, {"status.message", "status_message", "otel.status_description"}},
    {&Record::event, true, {"event", "event.name"}},
    {&Record::outcome, true, {"outcome", "event.outcome"}},
    {&Record::reason, true, {"reason"}},
    {&Record::attempt, false, {"attempt"}},
    {&Record::error_type, false, {"error.type"}},
    {&Record::error_message, false, {"error.message"}},
    {&Record::context_key, false, {"context.key"}},
    {&Record::task_uuid, false, {"task_uuid"}},
    {&Record::task_level, false, {"task_level"}},
    {&Record::action_type, false, {"action_type", "message_type"}},
    {&Record::action_status, false, {"action_status"}},
    {&Record::level, false, {"level"}},
    {&Record::message, false, {"message"}},
    {&Record::id, false, {"_id"}},
};

struct TimeSource {
  int64_t Record::*member;
  std::array<std::string_view, 6> fields;
};
constexpr TimeSource kTimes[] = {
    {&Record::start,
     {"start", "startTimeUnixNano", "StartTimeUnixNano", "start_time", "startTime", "start_time_unix_nano"}},
    {&Record::end, {"end", "endTimeUnixNano", "EndTimeUnixNano", "end_time", "endTime", "end_time_unix_nano"}},
};

// Texts that say only that there is no value.
bool is_nothing(std::string_view text) { return text.empty() || text == "null" || text == "None" || text == "-"; }

bool is_true(const Vector& column, uint32_t row) {
  model::Value v = column.value(row);
  if (v.type() == Type::kBool || v.type() == Type::kLong || v.type() == Type::kInt) return v.i64() != 0;
  return v.type() == Type::kString && (v.text() == "true" || v.text() == "True" || v.text() == "1");
}

int64_t time_of(const model::Value& v, text::TimeReader& reader) {
  std::optional<text::Time> time;
  switch (v.type()) {
    case Type::kTimestamp: return v.i64();
    case Type::kString: time = reader.parse(v.text(), {}); break;
    case Type::kInt:
    case Type::kLong:
    case Type::kULong:
    case Type::kDouble:
    case Type::kDecimal: time = text::parse_epoch(expr::print_value(v)); break;
    default: return kNoTime;
  }
  return time && !time->out_of_range ? time->unix_nanos : kNoTime;
}

// Reads one block of one granule.
class BlockLoader {
 public:
  BlockLoader(const Granule& granule, uint32_t block, const LoadSpec& spec, ScanStats& stats, Records& out)
      : granule_(granule), block_(block), spec_(spec), stats_(stats), out_(out) {}

  Status load() {
    granule_.alive(block_, rows_);
    CLEW_TRY(narrow(granule_, block_, spec_.where, rows_, stats_));
    CLEW_TRY(narrow_time(granule_, block_, spec_.range, rows_, stats_));
    if (rows_.empty()) return {};
    first_ = out_.rows.size();
    out_.rows.resize(first_ + rows_.size());
    return fill();
  }

 private:
  Status fill();
  Status fill_own();
  Status fill_texts(const TextSource& source);
  Status fill_times(const TimeSource& source);
  Status fill_durations();
  Status fill_flags();
  Status fill_exceptions();
  Status fill_attributes();
  Result<VectorPtr> column(std::string_view field) { return granule_.column(field, block_, rows_, stats_); }
  Record& row(uint32_t i) { return out_.rows[first_ + i]; }

  const Granule& granule_;
  const uint32_t block_;
  const LoadSpec& spec_;
  ScanStats& stats_;
  Records& out_;
  Selection rows_;
  size_t first_ = 0;
};

Status BlockLoader::fill_own() {
  VectorPtr times = CLEW_TRY(column("@timestamp"));
  VectorPtr seqs = CLEW_TRY(column("_seq"));
  std::string_view dataset = out_.keep(granule_.dataset());
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    row(i).dataset = dataset;
    row(i).time = times->is_null(i) ? 0 : times->i64[times->at(i)];
    row(i).seq = static_cast<uint64_t>(seqs->i64[seqs->at(i)]);
  }
  return {};
}

Status BlockLoader::fill_texts(const TextSource& source) {
  size_t left = rows_.size();
  for (std::string_view field : source.fields) {
    if (field.empty() || left == 0) break;
    VectorPtr values = CLEW_TRY(column(field));
    if (values->type == Type::kNull) continue;
    out_.owners.push_back(values);
    for (uint32_t i = 0; i < rows_.size(); ++i) {
      std::string_view& text = row(i).*source.member;
      if (!text.empty() || values->is_null(i)) continue;
      std::string_view found = text_at(*values, i, out_);
      if (is_nothing(found)) continue;
      text = found;
      --left;
    }
  }
  return {};
}

Status BlockLoader::fill_times(const TimeSource& source) {
  text::TimeReader reader;
  for (std::string_view field : source.fields) {
    VectorPtr values = CLEW_TRY(column(field));
    if (values->type == Type::kNull) continue;
    bool lanes = values->type == Type::kTimestamp && values->layout != model::Layout::kDict;
    for (uint32_t i = 0; i < rows_.size(); ++i) {
      int64_t& time = row(i).*source.member;
      if (time != kNoTime || values->is_null(i)) continue;
      time = lanes ? values->i64[values->at(i)] : time_of(values->value(i), reader);
    }
  }
  return {};
}

Status BlockLoader::fill_durations() {
  VectorPtr nanos = CLEW_TRY(column("duration_ns"));
  bool any_left = false;
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    std::optional<double> v = nanos->is_null(i) ? std::nullopt : number_of(nanos->value(i));
    if (v)
      row(i).duration = static_cast<int64_t>(*v);
    else
      any_left = true;
  }
  if (!any_left) return {};
  VectorPtr millis = CLEW_TRY(column("duration_ms"));
  if (millis->type == Type::kNull) return {};
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    if (row(i).duration != kNoTime || millis->is_null(i)) continue;
    std::optional<double> v = number_of(millis->value(i));
    if (v && *v >= 0 && *v < 9e12) row(i).duration = static_cast<int64_t>(*v * static_cast<double>(kMilli) + 0.5);
  }
  return {};
}

Status BlockLoader::fill_flags() {
  VectorPtr goals = CLEW_TRY(column("goal"));
  VectorPtr shared = CLEW_TRY(column("shared"));
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    if (!goals->is_null(i)) row(i).goal = is_true(*goals, i);
    if (!shared->is_null(i)) row(i).shared = is_true(*shared, i);
  }
  return {};
}

// The last exception among the events that a span recorded.
Status BlockLoader::fill_exceptions() {
  auto last_text = [this](const model::Value& v) -> std::string_view {
    if (v.type() != Type::kArray) return {};
    for (auto it = v.items().rbegin(); it != v.items().rend(); ++it) {
      if (it->type() == Type::kString && !it->text().empty()) return out_.keep(it->text());
    }
    return {};
  };
  auto fill = [&](std::string_view field, std::string_view Record::*member) -> Status {
    VectorPtr values = CLEW_TRY(column(field));
    if (values->type == Type::kNull) return {};
    for (uint32_t i = 0; i < rows_.size(); ++i) {
      if (!values->is_null(i)) row(i).*member = last_text(values->value(i));
    }
    return {};
  };
  CLEW_TRY(fill("events.exception.type", &Record::exception_type));
  return fill("events.exception.message", &Record::exception_message);
}

Status BlockLoader::fill_attributes() {
  std::vector<std::string> names = CLEW_TRY(granule_.field_names());
  struct Column {
    std::string_view name;
    VectorPtr values;
  };
  std::vector<Column> columns;
  for (std::string& name : names) {
    VectorPtr values = CLEW_TRY(column(name));
    if (values->type == Type::kNull) continue;
    columns.push_back({out_.keep(std::move(name)), values});
  }
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    row(i).attributes_begin = static_cast<uint32_t>(out_.attributes.size());
    for (const Column& c : columns) {
      if (!c.values->is_null(i)) out_.attributes.push_back({c.name, c.values->value(i)});
    }
    row(i).attributes_end = static_cast<uint32_t>(out_.attributes.size());
  }
  return {};
}

Status BlockLoader::fill() {
  CLEW_TRY(fill_own());
  for (const TextSource& source : kTexts) {
    if (spec_.texts || source.needed_for_shape) CLEW_TRY(fill_texts(source));
  }
  for (const TimeSource& source : kTimes) CLEW_TRY(fill_times(source));
  CLEW_TRY(fill_durations());
  CLEW_TRY(fill_flags());
  if (spec_.texts) CLEW_TRY(fill_exceptions());
  if (spec_.attributes) CLEW_TRY(fill_attributes());
  return {};
}

// By (time, _seq) from `begin` on. Records are large: their order is found first, then each is moved once.
void sort_rows(std::vector<Record>& rows, size_t begin) {
  struct Place {
    int64_t time;
    uint64_t seq;
    size_t row;
    bool operator<(const Place& other) const { return time != other.time ? time < other.time : seq < other.seq; }
  };
  std::vector<Place> order;
  order.reserve(rows.size() - begin);
  for (size_t i = begin; i < rows.size(); ++i) order.push_back({rows[i].time, rows[i].seq, i});
  if (std::is_sorted(order.begin(), order.end())) return;
  std::sort(order.begin(), order.end());
  std::vector<Record> sorted(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(begin));
  sorted.reserve(rows.size());
  for (const Place& place : order) sorted.push_back(rows[place.row]);
  rows = std::move(sorted);
}

}  // namespace

bool is_own_dataset(std::string_view name) { return name == "audit" || name == "clew"; }

Status Loader::load(const LoadSpec& spec, std::stop_token stop, Records& out) {
  contract::Scan scan{.datasets = spec.datasets, .range = spec.range, .where = spec.where, .order = spec.order};
  if (scan.datasets.empty()) {
    std::vector<contract::DatasetInfo> known = CLEW_TRY(source_.datasets(spec.access));
    for (contract::DatasetInfo& info : known) {
      if (!is_own_dataset(info.name)) scan.datasets.push_back(std::move(info.name));
    }
    if (scan.datasets.empty()) return {};
  }
  size_t begin = out.rows.size();
  out.with_attributes = out.with_attributes || spec.attributes;
  ScanStats stats;
  contract::Snapshot snapshot = CLEW_TRY(source_.snapshot(spec.access, scan, stats));
  for (const contract::GranulePtr& granule : snapshot.granules) {
    uint32_t blocks = (granule->rows() + contract::kBlockRows - 1) / contract::kBlockRows;
    for (uint32_t i = 0; i < blocks; ++i) {
      uint32_t block = spec.order == contract::Order::kOldestFirst ? i : blocks - 1 - i;
      if (stop.stop_requested()) return Error(Code::kCancelled, "the caller has gone");
      size_t before = out.rows.size();
      Status loaded = BlockLoader(*granule, block, spec, stats, out).load();
      if (!loaded.ok() && loaded.error().code() != Code::kCorrupt) return loaded;
      if (!loaded.ok()) {
        out.damaged_rows += out.rows.size() - before;
        out.rows.resize(before);
      }
    }
    out.cut = out.rows.size() - begin >= spec.records_max;
    if (out.cut) break;
    out.owners.push_back(granule);
  }
  sort_rows(out.rows, begin);
  if (out.rows.size() - begin > spec.records_max) {
    bool newest = spec.order == contract::Order::kNewestFirst;
    if (newest)
      out.rows.erase(out.rows.begin() + static_cast<std::ptrdiff_t>(begin), out.rows.end() - spec.records_max);
    else
      out.rows.resize(begin + spec.records_max);
  }
  return {};
}

}  // namespace clew::trace
