// /api/v1/import/prometheus: a page of metrics becomes samples, as VictoriaMetrics has it.
#include <charconv>
#include <memory>

#include "api/scrape_routes.h"
#include "wire/exposition.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kText;

struct TextImport {
  explicit TextImport(ServerParts& parts)
      : sink(parts.metric_store),
        clock(parts.clock),
        bad_lines(parts.metrics.counter("clew_metric_import_bad_lines_total",
                                        "Lines of imported pages of metrics that could not be read")) {}
  void take(const CallPtr& call);

  contract::MetricSink& sink;
  const os::Clock& clock;
  base::Counter& bad_lines;
};

// `timestamp`: of samples without one, in milliseconds. `extra_label=NAME=VALUE`, any number of times.
Status read_params(const net::Request& request, wire::ExpositionOptions& options) {
  for (const auto& [name, value] : request.query) {
    if (name == "timestamp") {
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), options.millis);
      if (error != std::errc() || end != value.data() + value.size()) {
        return Error(Code::kInvalid, "timestamp: " + clew::quoted(value) + " is no number of milliseconds");
      }
    } else if (name == "extra_label") {
      size_t equals = value.find('=');
      if (equals == std::string::npos || equals == 0) {
        return Error(Code::kInvalid, "extra_label: " + clew::quoted(value) + " is no NAME=VALUE");
      }
      options.extra.emplace_back(value.substr(0, equals), value.substr(equals + 1));
    }
  }
  return {};
}

net::Response reply(const contract::MetricAck& ack, uint64_t samples, uint64_t bad_lines, const std::string& mistake) {
  net::Response response{.status = 204, .content_type = "text/plain; charset=utf-8", .headers = {}, .body = {}};
  if (ack.refused() > 0) {
    response.body += std::to_string(ack.refused()) + " of " + std::to_string(samples) +
                     " samples were refused, the others stored; the first: " + ack.first_refused + "\n";
  }
  if (bad_lines > 0) {
    response.body += std::to_string(bad_lines) + " lines could not be read, the others were taken; " + mistake + "\n";
  }
  if (response.body.empty()) return response;
  response.status = ack.stored + ack.same > 0 ? 200 : 400;
  return response;
}

void TextImport::take(const CallPtr& call) {
  const net::Request& request = call->request();
  wire::ExpositionOptions options;
  options.format = wire::exposition_format_of(request.header("content-type"));
  options.millis = clock.now().get() / 1'000'000;
  Status params = read_params(request, options);
  if (!params.ok()) return answer_error(*call, kShape, params.error());
  Result<wire::DecodedExposition> page = wire::decode_exposition(request.body, options);
  if (!page.ok()) return answer_error(*call, kShape, page.error());
  call->exchange->release_body();
  bad_lines.add(page->bad_lines);
  uint64_t samples = page->batch.samples_count();
  sink.write(
      call->access, page->batch,
      [call, samples, bad = page->bad_lines, mistake = page->first_mistake](const Result<contract::MetricAck>& ack) {
        if (!ack.ok()) return answer_error(*call, kShape, ack.error());
        call->exchange->answer(reply(*ack, samples, bad, mistake));
      });
}

}  // namespace

std::vector<Route> text_import_routes(ServerParts& parts) {
  auto import = std::make_shared<TextImport>(parts);
  return {{.method = "POST",
           .pattern = "/api/v1/import/prometheus",
           .need = Need::kIngest,
           .errors = kShape,
           .handler = [import](const CallPtr& call) { import->take(call); }}};
}

}  // namespace clew::api
