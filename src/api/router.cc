#include "api/router.h"

#include <algorithm>

#include "net/status.h"

namespace clew::api {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    size_t end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  while (!parts.empty() && parts.back().empty()) parts.pop_back();
  return parts;
}

bool is_name(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool takes_rest(const std::string& segment) { return is_name(segment) && segment[segment.size() - 2] == '*'; }

// How well a pattern fits, by its literal segments from the left (a lower bound of "not at all" is -1).
int fit(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  int score = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (takes_rest(pattern[i])) return score * 2;
    if (i >= path.size()) return -1;
    // An Elasticsearch API begins with `_`; no index does, so that `{INDEX}` never stands for one.
    if (is_name(pattern[i])) {
      if (path[i].empty() || (i == 0 && path[i].front() == '_')) return -1;
    } else if (pattern[i] == path[i]) {
      score += 1 << (12 - std::min<size_t>(i, 12));
    } else {
      return -1;
    }
  }
  return pattern.size() == path.size() ? score * 2 + 1 : -1;
}

bool method_fits(const Route& route, const std::string& method) {
  return route.method == "*" || route.method == method || (route.method == "GET" && method == "HEAD");
}

}  // namespace

void Router::add(Route route) {
  segments_.push_back(split_path(route.pattern));
  routes_.push_back(std::move(route));
}

void Router::add(std::vector<Route> routes) {
  for (Route& route : routes) add(std::move(route));
}

Router::Match Router::find(const net::Request& request) const {
  std::vector<std::string> path = split_path(request.path);
  Match match;
  int best = -1;
  size_t best_at = 0;
  for (size_t i = 0; i < routes_.size(); ++i) {
    int score = fit(segments_[i], path);
    if (score < 0) continue;
    if (!method_fits(routes_[i], request.method)) {
      match.allowed += (match.allowed.empty() ? "" : ", ") + routes_[i].method;
      continue;
    }
    if (score <= best) continue;
    best = score;
    best_at = i;
    match.route = &routes_[i];
  }
  if (match.route == nullptr) return match;
  const std::vector<std::string>& pattern = segments_[best_at];
  for (size_t i = 0; i < pattern.size() && i < path.size(); ++i) {
    if (is_name(pattern[i])) match.names.push_back(path[i]);
  }
  return match;
}

void Router::dispatch(net::ExchangePtr exchange) {
  const net::Request& request = exchange->request();
  Match match = find(request);
  if (match.route == nullptr) {
    Error error(Code::kNotFound, "no such path " + clew::quoted(request.path));
    if (!match.allowed.empty()) error = Error(Code::kInvalid, request.path + " takes " + match.allowed);
    net::Response response = error_response(ErrorShape::kClew, request, error);
    if (!match.allowed.empty()) {
      response.status = 405;
      response.headers.emplace_back("Allow", match.allowed);
    }
    return exchange->answer(std::move(response));
  }
  auto call = std::make_shared<Call>();
  call->exchange = std::move(exchange);
  call->names = std::move(match.names);
  const Route& route = *match.route;
  KeyCheck key = gate_.check_key(call->request(), route.need);
  if (key != KeyCheck::kGood) {
    count_unauthenticated(metrics_, key);
    return call->exchange->answer(unauthenticated_response(route.errors, call->request(), AccessGate::error_of(key)));
  }
  Result<contract::Access> access = gate_.admit(call->request(), route.need);
  if (!access.ok()) return answer_error(*call, route.errors, access.error());
  call->access = std::move(access).take();
  if (route.place == Place::kHere) return route.handler(std::move(call));
  Status queued = pool_.run([call, &route] { route.handler(call); });
  if (!queued.ok()) answer_error(*call, route.errors, queued.error());
}

net::Response Router::refuse(const net::Request& request, const Error& error) {
  metrics_
      .counter("clew_requests_refused_total", "requests refused before their events were counted",
               {{"reason", std::string(code_name(error.code()))}})
      .add();
  Match match = find(request);
  return error_response(match.route == nullptr ? ErrorShape::kClew : match.route->errors, request, error);
}

void count_unauthenticated(base::Registry& metrics, KeyCheck check) {
  metrics
      .counter("clew_requests_unauthenticated_total", "requests refused for their key",
               {{"key", std::string(AccessGate::reason_of(check))}})
      .add();
}

void answer_error(const Call& call, ErrorShape shape, const Error& error) {
  call.exchange->answer(error_response(shape, call.request(), error));
}

}  // namespace clew::api
