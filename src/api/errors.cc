#include "api/errors.h"

#include <nlohmann/json.hpp>

#include "net/status.h"
#include "wire/otlp_reply.h"

namespace clew::api {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_protobuf(const net::Request& request) {
  return request.header("content-type").find("protobuf") != std::string_view::npos;
}

}  // namespace

void add_retry_after(Code code, net::Response& response) {
  if (!net::is_retryable(code)) return;
  int seconds = code == Code::kFull ? net::kRetryAfterFullSeconds : net::kRetryAfterSeconds;
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
}

std::string elastic_type(Code code) {
  switch (code) {
    case Code::kInvalid: return "illegal_argument_exception";
    case Code::kNotFound: return "index_not_found_exception";
    case Code::kExists: return "resource_already_exists_exception";
    case Code::kTooLarge: return "content_too_long_exception";
    case Code::kOverloaded: return "es_rejected_execution_exception";
    case Code::kUnsupported: return "media_type_header_exception";
    case Code::kFull: return "cluster_block_exception";
    case Code::kForbidden: return "security_exception";
    case Code::kUnavailable: return "unavailable_exception";
    default: return "exception";
  }
}

std::string elastic_content_type(const net::Request& request) {
  std::string_view accept = request.header("accept");
  if (accept.starts_with("application/vnd.elasticsearch+json") && accept.find(',') == std::string_view::npos) {
    return std::string(accept);
  }
  return "application/json; charset=UTF-8";
}

namespace {

struct Statuses {
  int http;
  int grpc;
};

net::Response response_of(ErrorShape shape, const net::Request& request, const Error& error, Statuses status) {
  net::Response response{.status = status.http, .headers = {}, .body = {}};
  add_retry_after(error.code(), response);
  switch (shape) {
    case ErrorShape::kClew:
      response.body = dump({{"error",
                             {{"code", std::string(code_name(error.code()))},
                              {"reason", error.message()},
                              {"status", response.status}}}}) +
                      "\n";
      break;
    case ErrorShape::kElastic: {
      Json cause = {{"type", elastic_type(error.code())}, {"reason", error.message()}};
      Json body = cause;
      body["root_cause"] = Json::array({cause});
      response.content_type = elastic_content_type(request);
      response.headers.emplace_back("X-Elastic-Product", "Elasticsearch");
      response.body = dump({{"error", body}, {"status", response.status}});
      break;
    }
    case ErrorShape::kOtlp: {
      bool protobuf = is_protobuf(request);
      response.content_type = protobuf ? "application/x-protobuf" : "application/json";
      response.body =
          wire::otlp_error(protobuf ? wire::OtlpForm::kProtobuf : wire::OtlpForm::kJson, status.grpc, error.message());
      break;
    }
    case ErrorShape::kText:
      response.content_type = "text/plain; charset=utf-8";
      response.body = error.message() + "\n";
      break;
    case ErrorShape::kPpl:
      response.body = dump({{"error",
                             {{"type", elastic_type(error.code())},
                              {"code", "UNKNOWN"},
                              {"reason", error.message()},
                              {"details", error.message()}}},
                            {"status", response.status}});
      break;
  }
  return response;
}

constexpr Statuses kUnauthenticated{401, 16};

}  // namespace

net::Response error_response(ErrorShape shape, const net::Request& request, const Error& error) {
  return response_of(shape, request, error, {net::http_status(error.code()), net::grpc_status(error.code())});
}

net::Response unauthenticated_response(ErrorShape shape, const net::Request& request, const Error& error) {
  net::Response response = response_of(shape, request, error, kUnauthenticated);
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"clew\", charset=\"UTF-8\"");
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"clew\"");
  return response;
}

}  // namespace clew::api
