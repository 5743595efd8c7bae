#include "derive/requests.h"

#include <array>

namespace clew::derive {
namespace {

constexpr std::string_view kTracesDataset = "traces";
constexpr double kFailedFrom = 500;  // of HTTP's status codes
constexpr double kMillisPerSecond = 1e3;

enum RequestFamily : size_t { kRequests, kFailed, kSeconds };

InstrumentPlan requests_plan(const std::vector<double>& bounds) {
  return {
      .name = "requests",
      .labels = {"host", "service", "source"},
      .families = {{.name = "clew_requests_total", .help = "Requests that servers answered"},
                   {.name = "clew_requests_failed_total", .help = "Of them those that failed by the server's fault"},
                   {.name = "clew_request_duration_seconds",
                    .kind = MetricKind::kHistogram,
                    .help = "How long requests took, where that is told",
                    .bounds = bounds}}};
}

}  // namespace

RequestMetrics::RequestMetrics(const std::vector<double>& bounds, SeriesBudget& budget)
    : requests_(requests_plan(bounds), budget) {}

void RequestMetrics::take(const SpanView& span, int64_t now_millis) {
  if (span.kind != SpanKind::kServer && span.kind != SpanKind::kConsumer) return;
  Instrument::RowId row = requests_.row(std::array<std::string_view, 3>{span.host, span.service, "spans"}, now_millis);
  requests_.add(row, kRequests, 1);
  if (span.status == SpanStatus::kError) requests_.add(row, kFailed, 1);
  requests_.observe(row, kSeconds, span.seconds, {.trace_id = span.trace_id, .span_id = span.span_id, .event_id = {}},
                    now_millis);
}

Status RequestMetrics::take(feed::Block& all, int64_t now_millis) {
  if (all.dataset() == kTracesDataset) return {};
  model::VectorPtr statuses = CLEW_TRY(all.column("http.response.status_code"));
  if (statuses->type == model::Type::kNull) return {};
  model::VectorPtr methods = CLEW_TRY(all.column("http.request.method"));
  model::Selection rows;
  for (uint32_t row = 0; row < all.rows(); ++row) {
    if (!statuses->is_null(row) && !methods->is_null(row)) rows.push_back(row);
  }
  if (rows.empty()) return {};
  feed::Block block = all.narrowed(rows);
  model::VectorPtr codes = CLEW_TRY(block.column("http.response.status_code"));
  model::VectorPtr millis = CLEW_TRY(block.column("duration_ms"));
  model::VectorPtr weights = CLEW_TRY(block.column("_weight"));
  model::VectorPtr host = CLEW_TRY(block.column("host.name"));
  model::VectorPtr service = CLEW_TRY(block.column("service.name"));
  model::VectorPtr trace = CLEW_TRY(block.column("trace_id"));
  feed::Texts hosts(host);
  feed::Texts services(service);
  feed::Texts traces(trace);
  for (uint32_t row = 0; row < block.rows(); ++row) {
    std::optional<double> code = feed::number_at(*codes, row);
    if (!code) continue;
    std::string_view named = services.at(row);
    Instrument::RowId id = requests_.row(
        std::array<std::string_view, 3>{hosts.at(row), named.empty() ? block.dataset() : named, "logs"}, now_millis);
    double weight = feed::number_at(*weights, row).value_or(1);
    requests_.add(id, kRequests, weight);
    if (*code >= kFailedFrom) requests_.add(id, kFailed, weight);
    std::optional<double> took = feed::number_at(*millis, row);
    if (took) {
      requests_.observe(id, kSeconds, *took / kMillisPerSecond,
                        {.trace_id = traces.at(row), .span_id = {}, .event_id = {}}, now_millis, weight);
    }
  }
  return {};
}

}  // namespace clew::derive
