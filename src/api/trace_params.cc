#include "api/trace_params.h"

#include <charconv>
#include <cmath>

#include "api/json_body.h"

namespace clew::api {

std::stop_token stop_of_client(const CallPtr& call) {
  auto stop = std::make_shared<std::stop_source>();
  call->exchange->on_disconnect([stop] { stop->request_stop(); });
  return stop->get_token();
}

Result<int64_t> parse_span_duration(std::string_view text, int64_t bare_nanos) {
  struct Unit {
    std::string_view name;
    double nanos;
  };
  constexpr Unit kUnits[] = {{"ns", 1},   {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3},
                             {"ms", 1e6}, {"s", 1e9},  {"m", 6e10}, {"h", 3.6e12}};
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  double nanos = unit.empty() ? static_cast<double>(bare_nanos) : 0;
  for (const Unit& u : kUnits) {
    if (unit == u.name) nanos = u.nanos;
  }
  bool fits = error == std::errc() && nanos > 0 && number >= 0 && number * nanos < 9e18;
  if (!fits) return Error(Code::kInvalid, "a duration like 250ms or 1.5s, not " + clew::quoted(text));
  return static_cast<int64_t>(std::llround(number * nanos));
}

Result<uint64_t> number_param(const net::Request& request, std::string_view name, uint64_t otherwise, uint64_t max) {
  std::string_view text = request.param(name);
  if (text.empty()) return otherwise;
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > max) {
    return Error(Code::kInvalid, std::string(name) + ": expected a number up to " + std::to_string(max));
  }
  return number;
}

bool flag_param(const net::Request& request, std::string_view name, bool otherwise) {
  if (!request.has_param(name)) return otherwise;
  std::string_view value = request.param(name);
  return value != "false" && value != "0";
}

Result<contract::TimeRange> range_params(const net::Request& request, const os::Clock& clock) {
  Json members = Json::object();
  for (const char* name : {"from", "to", "since"}) {
    if (!request.param(name).empty()) members[name] = std::string(request.param(name));
  }
  return range_members(members, clock);
}

}  // namespace clew::api
