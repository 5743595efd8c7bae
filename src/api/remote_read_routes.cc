// Prometheus' remote read: /api/v1/read.
#include <snappy.h>

#include <memory>

#include "api/rule_routes.h"
#include "net/decompress.h"
#include "wire/remote_read.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kText;
constexpr uint64_t kAnswerBytesMax = 256u << 20;  // before compression

struct RemoteRead {
  explicit RemoteRead(const RemoteReadParts& parts)
      : source(parts.source),
        budget(parts.budget),
        reads(parts.metrics.counter("clew_remote_reads_total", "Remote reads answered")) {}
  void answer(const CallPtr& call) const;
  // Fills `body`; `chunks`: as frames. False when it cannot be told in chunks: there are histograms.
  Result<bool> write(const contract::Access& access, const wire::ReadRequest& request, bool chunks,
                     std::string& body) const;

  const contract::MetricSource& source;
  net::MemoryBudget& budget;
  base::Counter& reads;
};

Result<bool> RemoteRead::write(const contract::Access& access, const wire::ReadRequest& request, bool chunks,
                               std::string& body) const {
  model::SampleColumns samples;
  std::string result;
  for (size_t i = 0; i < request.queries.size(); ++i) {
    contract::MetricScan scan = request.queries[i];
    scan.access = access;
    // What is read may be asked anything: never downsampled.
    scan.step_millis = 0;
    std::unique_ptr<contract::SeriesSet> set = CLEW_TRY(source.select(scan));
    result.clear();
    for (size_t s = 0; s < set->size(); ++s) {
      CLEW_TRY(set->read(s, samples));
      if (samples.size() == 0) continue;
      if (chunks && !samples.histograms.empty()) return false;
      if (chunks) {
        wire::append_chunk_frame(set->labels(s), samples, i, body);
      } else {
        wire::append_read_series(set->labels(s), samples, result);
      }
      if (body.size() + result.size() > kAnswerBytesMax) {
        return Error(Code::kLimit, "the answer of a remote read is over 256 MiB: ask for less at a time");
      }
    }
    if (!chunks) wire::append_query_result(result, body);
  }
  return true;
}

void RemoteRead::answer(const CallPtr& call) const {
  const net::Request& http = call->request();
  net::Buffer plain(&budget);
  std::string_view body = http.body;
  if (http.header("content-encoding") != "snappy") {  // said so, it was undone already
    Status undone = net::decompress(net::Encoding::kSnappy, http.body, net::kBodyBytesMax, plain);
    if (!undone.ok()) return answer_error(*call, kShape, undone.error());
    body = plain.view();
  }
  Result<wire::ReadRequest> request = wire::decode_read_request(body);
  if (!request.ok()) return answer_error(*call, kShape, request.error());
  bool chunks = request->takes_chunks;
  std::string out;
  Result<bool> done = write(call->access, *request, chunks, out);
  if (done.ok() && !*done) {
    if (!request->takes_samples) {
      return answer_error(*call, kShape,
                          Error(Code::kUnsupported, "native histograms are read as samples: accept SAMPLES too"));
    }
    chunks = false;
    out.clear();
    done = write(call->access, *request, chunks, out);
  }
  if (!done.ok()) return answer_error(*call, kShape, done.error());
  reads.add();
  net::Response response;
  if (chunks) {
    response.content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    response.body = std::move(out);
  } else {
    response.content_type = "application/x-protobuf";
    response.headers.emplace_back("Content-Encoding", "snappy");
    snappy::Compress(out.data(), out.size(), &response.body);
  }
  call->exchange->answer(std::move(response));
}

}  // namespace

std::vector<Route> remote_read_routes(const RemoteReadParts& parts) {
  auto api = std::make_shared<const RemoteRead>(parts);
  return {{.method = "POST",
           .pattern = "/api/v1/read",
           .place = Place::kPool,
           .errors = kShape,
           .handler = [api](const CallPtr& call) { api->answer(call); }}};
}

}  // namespace clew::api
