#include "api/access_gate.h"

namespace clew::api {
namespace {

// "http://host:port" names the same place as the Host header "host:port".
bool is_same_origin(std::string_view origin, std::string_view host) {
  size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == host;
}

}  // namespace

Result<contract::Access> AccessGate::admit(const net::Request& request, Need need) const {
  std::string_view origin = request.header("origin");
  if (need != Need::kNothing && !origin.empty() && !is_same_origin(origin, request.header("host"))) {
    return Error(Code::kForbidden, "requests from pages of another origin (" + quoted(origin) + ") are refused");
  }
  return contract::Access{};
}

Result<contract::Access> AccessGate::admit_grpc(Need) const { return contract::Access{}; }

}  // namespace clew::api
