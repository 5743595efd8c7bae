#include "health/target.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "health/answer.h"
#include "model/json_text.h"

namespace clew::health {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kErrorBytesMax = 300;
constexpr double kMilli = 1e6;

std::string duration_text(int64_t nanos) {
  double seconds = static_cast<double>(std::max<int64_t>(nanos, 0)) / 1e9;
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  auto whole = static_cast<int64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

}  // namespace

std::vector<Endpoint> endpoints_of(const std::string& url) {
  size_t host = url.find("://");
  host = host == std::string::npos ? 0 : host + 3;
  size_t path = url.find('/', host);
  std::string base = url.substr(0, path);
  if (path == std::string::npos || path + 1 == url.size()) {
    return {{base + "/health/live", "live"}, {base + "/health/ready", "ready"}};
  }
  std::string plain = url.substr(path, url.find_first_of("?#", path) - path);
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return {{url, plain.substr(plain.rfind('/') + 1)}};
}

std::string_view Target::state_word() const {
  if (endpoint_.check == "ready" || endpoint_.check == "readyz" || endpoint_.check == "readiness") return "ready";
  if (endpoint_.check == "live" || endpoint_.check == "livez" || endpoint_.check == "liveness") return "alive";
  return "healthy";
}

Target::Judged Target::judge(const Poll& poll) const {
  if (poll.status == 0) return {false, {}, "no answer: " + poll.error.substr(0, kErrorBytesMax)};
  Answer answer = read_answer(poll.body);
  Judged judged;
  judged.failed = fmt::format("{}", fmt::join(answer.failed, ", "));
  bool good_status = poll.status >= 200 && poll.status < 300;
  judged.ok = good_status && !answer.says_down;
  if (judged.ok) return judged;
  if (!judged.failed.empty()) {
    judged.reason = judged.failed + (answer.failed.size() == 1 ? " fails" : " fail");
  } else if (poll.status == 404 && (endpoint_.check == "live" || endpoint_.check == "ready")) {
    judged.reason = "there is no such page: name the whole URL of its health page";
  } else if (poll.status >= 300 && poll.status < 400) {
    judged.reason = "it sends to another URL: name that one";
  } else {
    judged.reason = good_status ? "its answer says so" : fmt::format("status {}", poll.status);
  }
  return judged;
}

std::optional<std::string> Target::take(const Poll& poll) {
  Judged judged = judge(poll);
  bool beat = judged.ok && ++quiet_polls_ >= kBeatPolls;
  bool changed = was_ok_.has_value() && *was_ok_ != judged.ok;
  std::string_view kind = !was_ok_ ? "start" : changed ? "change" : !judged.ok ? "failure" : beat ? "beat" : "";
  if (!judged.ok && failed_polls_++ == 0) failed_since_ = poll.at;
  std::optional<std::string> event;
  if (!kind.empty()) event = line(poll, judged, kind);
  was_ok_ = judged.ok;
  if (judged.ok) failed_polls_ = 0;
  if (event) quiet_polls_ = 0;
  return event;
}

std::string Target::sentence(const Poll& poll, const Judged& judged, std::string_view kind) const {
  if (judged.ok && kind == "change") {
    return fmt::format("{} is {} again after {}, {} failed polls", service_, state_word(),
                       duration_text(poll.at.get() - failed_since_.get()), failed_polls_);
  }
  if (judged.ok && kind == "beat") {
    return fmt::format("{} is {}, as in {} polls before", service_, state_word(), kBeatPolls - 1);
  }
  if (judged.ok) return fmt::format("{} is {}", service_, state_word());
  return fmt::format("{} is not {}: {}", service_, state_word(), judged.reason);
}

std::string Target::line(const Poll& poll, const Judged& judged, std::string_view kind) const {
  std::string time;
  model::append_rfc3339(poll.at.get(), time);
  Json event = {{"timestamp", time},
                {"level", judged.ok ? "info" : "error"},
                {"service.name", service_},
                {"message", sentence(poll, judged, kind)},
                {"outcome", judged.ok ? "ok" : "failed"},
                {"health.check", endpoint_.check},
                {"health.event", kind},
                {"url.full", endpoint_.url},
                {"duration_ms", static_cast<double>(poll.nanos / 1000) * 1000 / kMilli}};
  if (poll.status != 0) event["http.response.status_code"] = poll.status;
  if (!judged.failed.empty()) event["health.failed"] = judged.failed;
  if (failed_polls_ > 0) event["health.failed_polls"] = failed_polls_;
  if (poll.status == 0) event["error.message"] = poll.error.substr(0, kErrorBytesMax);
  return event.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace clew::health
