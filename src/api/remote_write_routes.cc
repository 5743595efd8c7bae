// Prometheus' remote write: /api/v1/write.
#include <memory>

#include "api/routes.h"
#include "net/decompress.h"
#include "wire/remote_write.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kText;
constexpr std::string_view kVersion2 = "io.prometheus.write.v2.Request";

struct RemoteWrite {
  explicit RemoteWrite(ServerParts& server)
      : sink(server.metric_store),
        budget(server.body_budget),
        bad_bodies(server.metrics.counter("clew_metric_bodies_refused_total",
                                          "Writes of samples that could not be read", {{"source", "remote_write"}})) {}
  void take(const CallPtr& call);

  contract::MetricSink& sink;
  net::MemoryBudget& budget;
  base::Counter& bad_bodies;
  DecoderPool<wire::RemoteWriteDecoder> decoders;
};

// Prometheus gives up what is answered with 429: what may be tried again is answered with 503.
Error retryable(const Error& error) {
  return error.code() == Code::kOverloaded ? Error(Code::kUnavailable, error.message()) : error;
}

net::Response reply(const contract::MetricAck& ack, const model::MetricBatch& batch, bool version2) {
  net::Response response{
      .status = ack.refused() == 0 ? 204 : 400, .content_type = "text/plain; charset=utf-8", .headers = {}, .body = {}};
  if (ack.refused() > 0) {
    response.body = std::to_string(ack.refused()) + " of " + std::to_string(batch.samples_count()) +
                    " samples were refused, the others stored; the first: " + ack.first_refused + "\n";
  }
  if (version2) {
    // Which of the two kinds was refused is not told apart: floats are counted first.
    uint64_t taken = ack.stored + ack.same;
    uint64_t floats = std::min<uint64_t>(taken, batch.samples().size());
    response.headers.emplace_back("X-Prometheus-Remote-Write-Samples-Written", std::to_string(floats));
    response.headers.emplace_back("X-Prometheus-Remote-Write-Histograms-Written", std::to_string(taken - floats));
    response.headers.emplace_back("X-Prometheus-Remote-Write-Exemplars-Written",
                                  std::to_string(batch.exemplars().size()));
  }
  return response;
}

void RemoteWrite::take(const CallPtr& call) {
  const net::Request& request = call->request();
  auto refuse = [&](const Error& error) {
    bad_bodies.add();
    answer_error(*call, kShape, error);
  };
  net::Buffer plain(&budget);
  std::string_view body = request.body;
  if (request.header("content-encoding") != "snappy") {  // said so, it was undone already
    Status undone = net::decompress(net::Encoding::kSnappy, request.body, net::kBodyBytesMax, plain);
    if (!undone.ok()) return refuse(undone.error());
    body = plain.view();
  }
  bool version2 = request.header("content-type").find(kVersion2) != std::string_view::npos;
  auto decoder = decoders.take();
  Result<const model::MetricBatch*> batch = version2 ? decoder->decode_v2(body) : decoder->decode_v1(body);
  if (!batch.ok()) return refuse(batch.error());
  call->exchange->release_body();
  // The decoder goes back to the pool when the answer is made of its batch.
  auto kept = std::make_shared<decltype(decoder)>(std::move(decoder));
  sink.write(call->access, **batch, [call, kept, batch = *batch, version2](const Result<contract::MetricAck>& ack) {
    if (!ack.ok()) return answer_error(*call, kShape, retryable(ack.error()));
    call->exchange->answer(reply(*ack, *batch, version2));
  });
}

}  // namespace

std::vector<Route> remote_write_routes(ServerParts& parts) {
  auto write = std::make_shared<RemoteWrite>(parts);
  return {{.method = "POST",
           .pattern = "/api/v1/write",
           .need = Need::kIngest,
           .errors = kShape,
           .handler = [write](const CallPtr& call) { write->take(call); }}};
}

}  // namespace clew::api
