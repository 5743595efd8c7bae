#include "derive/spans.h"

#include <array>

#include "base/hash.h"

namespace clew::derive {
namespace {

constexpr std::string_view kTracesDataset = "traces";
constexpr std::string_view kKindNames[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                           "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
constexpr std::string_view kKindTexts[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
constexpr std::string_view kStatusNames[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
constexpr double kNanosPerSecond = 1e9;
constexpr int64_t kNanosPerMilli = 1'000'000;

// What a call was made to, best first.
constexpr std::string_view kPeerFields[] = {"peer.service",  "db.namespace",   "db.name",  "server.address",
                                            "net.peer.name", "db.system.name", "db.system"};
constexpr std::string_view kDatabaseFields[] = {"db.system.name", "db.system", "db.namespace", "db.name"};

SpanStatus status_of(std::string_view text) {
  if (text == "error" || text == "ERROR" || text == "STATUS_CODE_ERROR") return SpanStatus::kError;
  if (text == "ok" || text == "OK" || text == "STATUS_CODE_OK") return SpanStatus::kOk;
  return SpanStatus::kUnset;
}

bool is_failed(std::string_view outcome) { return outcome == "failed" || outcome == "failure" || outcome == "error"; }

// Tracers write these where there is no parent.
bool is_no_parent(std::string_view id) { return id == "root" || id.find_first_not_of('0') == id.npos; }

class Columns {
 public:
  explicit Columns(feed::Block& block) : block_(block) {}
  Result<feed::Texts> texts(std::string_view field) {
    model::VectorPtr column = CLEW_TRY(block_.column(field));
    return feed::Texts(std::move(column));
  }
  // Null when no event of the block has it.
  Status texts_if_any(std::string_view field, std::vector<feed::Texts>& out) {
    model::VectorPtr column = CLEW_TRY(block_.column(field));
    if (column->type != model::Type::kNull) out.emplace_back(std::move(column));
    return {};
  }

 private:
  feed::Block& block_;
};

std::string_view first_of(std::vector<feed::Texts>& columns, uint32_t row) {
  for (feed::Texts& column : columns) {
    std::string_view text = column.at(row);
    if (!text.empty()) return text;
  }
  return {};
}

int64_t millis_at(const model::Vector& times, uint32_t row) {
  return times.is_null(row) || times.i64.empty() ? 0 : times.i64[times.at(row)] / kNanosPerMilli;
}

// Rows of a block that are spans, or goals that have ended.
Result<model::Selection> span_rows(feed::Block& block) {
  model::Selection out;
  bool traces = block.dataset() == kTracesDataset;
  model::VectorPtr spans = CLEW_TRY(block.column("span_id"));
  if (spans->type == model::Type::kNull) return out;
  model::VectorPtr events = CLEW_TRY(block.column("event"));
  model::VectorPtr event_names = CLEW_TRY(block.column("event.name"));
  feed::Texts event(events->type != model::Type::kNull ? events : event_names);
  for (uint32_t row = 0; row < block.rows(); ++row) {
    if (spans->is_null(row)) continue;
    std::string_view said = event.at(row);
    if (said == "goal.end" || (traces && said != "goal.start")) out.push_back(row);
  }
  return out;
}

}  // namespace

std::string_view span_kind_name(SpanKind kind) { return kKindNames[static_cast<size_t>(kind)]; }
std::string_view span_status_name(SpanStatus status) { return kStatusNames[static_cast<size_t>(status)]; }

SpanKind span_kind_of(std::string_view text) {
  for (size_t i = 0; i < std::size(kKindTexts); ++i) {
    if (text == kKindTexts[i] || text == kKindNames[i]) return static_cast<SpanKind>(i);
  }
  return SpanKind::kUnspecified;
}

uint64_t SpanView::key() const {
  uint64_t hash = base::hash64(span_id, base::hash64(trace_id));
  return base::hash_mix(base::hash64(service, hash), static_cast<uint64_t>(kind));
}

Status each_span(feed::Block& all, const SpanFields& fields, const std::function<void(const SpanView&)>& take) {
  model::Selection rows = CLEW_TRY(span_rows(all));
  if (rows.empty()) return {};
  feed::Block block = all.narrowed(rows);
  Columns columns(block);
  feed::Texts traces = CLEW_TRY(columns.texts("trace_id"));
  feed::Texts spans = CLEW_TRY(columns.texts("span_id"));
  feed::Texts parents = CLEW_TRY(columns.texts("parent_span_id"));
  feed::Texts names = CLEW_TRY(columns.texts("name"));
  feed::Texts kinds = CLEW_TRY(columns.texts("kind"));
  feed::Texts services = CLEW_TRY(columns.texts("service.name"));
  feed::Texts hosts = CLEW_TRY(columns.texts("host.name"));
  feed::Texts statuses = CLEW_TRY(columns.texts("status.code"));
  feed::Texts outcomes = CLEW_TRY(columns.texts("outcome"));
  feed::Texts goals = CLEW_TRY(columns.texts("goal"));
  feed::Texts events = CLEW_TRY(columns.texts("event"));
  feed::Texts shared = CLEW_TRY(columns.texts("shared"));
  model::VectorPtr nanos = CLEW_TRY(block.column("duration_ns"));
  model::VectorPtr millis = CLEW_TRY(block.column("duration_ms"));
  model::VectorPtr ends = CLEW_TRY(block.column("end"));
  model::VectorPtr times = CLEW_TRY(block.column("@timestamp"));
  std::vector<feed::Texts> peers;
  for (std::string_view field : kPeerFields) CLEW_TRY(columns.texts_if_any(field, peers));
  std::vector<feed::Texts> databases;
  for (std::string_view field : kDatabaseFields) CLEW_TRY(columns.texts_if_any(field, databases));
  std::vector<feed::Texts> dimensions;
  for (const std::string& field : fields.dimensions) {
    feed::Texts texts = CLEW_TRY(columns.texts(field));
    dimensions.push_back(std::move(texts));
  }
  SpanView span;
  span.dimensions.resize(dimensions.size());
  for (uint32_t row = 0; row < block.rows(); ++row) {
    span.trace_id = traces.at(row);
    span.span_id = spans.at(row);
    span.parent_id = parents.at(row);
    if (is_no_parent(span.parent_id) || span.parent_id == span.span_id) span.parent_id = {};
    span.name = names.at(row);
    span.service = services.at(row);
    span.host = hosts.at(row);
    span.kind = span_kind_of(kinds.at(row));
    span.outcome = outcomes.at(row);
    span.goal = events.at(row) == "goal.end" || goals.at(row) == "true";
    span.status = status_of(statuses.at(row));
    if (is_failed(span.outcome)) span.status = SpanStatus::kError;
    std::optional<double> took = feed::number_at(*nanos, row);
    if (!took) {
      took = feed::number_at(*millis, row);
      if (took) *took *= static_cast<double>(kNanosPerMilli);
    }
    span.seconds = std::max(0.0, took.value_or(0)) / kNanosPerSecond;
    span.end_millis =
        ends->type == model::Type::kTimestamp && !ends->is_null(row) ? millis_at(*ends, row) : millis_at(*times, row);
    span.database = !first_of(databases, row).empty();
    span.peer = first_of(peers, row);
    span.shared = shared.at(row) == "true";
    span.messaging = span.kind == SpanKind::kProducer || span.kind == SpanKind::kConsumer;
    for (size_t i = 0; i < dimensions.size(); ++i) span.dimensions[i] = dimensions[i].at(row);
    take(span);
  }
  return {};
}

}  // namespace clew::derive
