#include "collect/otlp_output.h"

#include <fmt/format.h>
#include <zlib.h>

#include "collect/queue_entry.h"
#include "process/sent_lines.h"
#include "wire/batch_body.h"
#include "wire/otlp_encode.h"

namespace clew::collect {
namespace {

constexpr size_t kRequestBytes = 4u << 20;  // before compression; servers take 4 to 20 MiB unless told otherwise
constexpr int kGzipLevel = 3;
constexpr int kGzipWindowBits = 15 + 16;  // a gzip header instead of zlib's

std::string gzipped(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(whole ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

}  // namespace

Result<OtlpRequests> OtlpRequests::of(const contract::QueueEntry& entry, bool gzip) {
  std::string body = CLEW_TRY(plain_body_of_entry(entry.batch));
  wire::BatchRefusal refusal;
  wire::Events events = CLEW_TRY(wire::decode_batch_body(body, refusal));
  for (model::Batch& batch : events.batches) {
    model::Batch read = CLEW_TRY(process::read_sent_lines(std::move(batch)));
    batch = std::move(read);
  }
  OtlpRequests out;
  out.gzip_ = gzip;
  for (wire::OtlpRequest& request : wire::encode_otlp_logs(events.batches, entry.appended_at, kRequestBytes)) {
    out.all_.push_back({gzip ? gzipped(request.body) : std::move(request.body), request.events});
  }
  return out;
}

std::string otlp_logs_url(const std::string& url) {
  size_t host = url.find("://");
  size_t path = url.find('/', host == std::string::npos ? 0 : host + 3);
  if (path == std::string::npos) return url + "/v1/logs";
  return path + 1 == url.size() ? url + "v1/logs" : url;
}

std::vector<std::pair<std::string, std::string>> otlp_headers(const OtlpRequests& requests, const std::string& key) {
  std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/x-protobuf"}};
  if (requests.gzip()) headers.emplace_back("Content-Encoding", "gzip");
  // A request of several has a key of its own.
  std::string part = requests.all().size() > 1 ? fmt::format("~{}", requests.taken) : std::string();
  size_t colon = key.rfind(':');
  headers.emplace_back("Clew-Batch", key.substr(0, colon) + part + key.substr(colon));
  return headers;
}

}  // namespace clew::collect
