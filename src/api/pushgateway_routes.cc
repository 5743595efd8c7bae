// Pushgateway's API: jobs that end push their metrics in groups.
#include <algorithm>
#include <memory>

#include "api/scrape_routes.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kText;
constexpr std::string_view kPath = "/metrics/job";
constexpr std::string_view kEncoded = "@base64";

using How = scrape::PushGroups::How;

struct Pushgateway {
  Pushgateway(scrape::PushGroups& of, base::Registry& metrics)
      : groups(of),
        pushes(metrics.counter("clew_pushed_groups_total", "Groups of metrics that were pushed")),
        refused(metrics.counter("clew_pushed_groups_refused_total", "Pushes that could not be read")) {}
  void push(const CallPtr& call, bool job_encoded, How how);
  void remove(const CallPtr& call, bool job_encoded);

  scrape::PushGroups& groups;
  base::Counter& pushes;
  base::Counter& refused;
};

// Of the alphabet for URLs; padding may be left out, a lone `=` stands for the empty text.
Result<std::string> decoded(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.ends_with('=')) text.pop_back();
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : c >= '0' && c <= '9' ? c - '0' + 52
                : c == '+'             ? 62
                : c == '/'             ? 63
                                       : -1;
    if (digit < 0) return Error(Code::kInvalid, "no base64: " + clew::quoted(text));
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return out;
}

// Of /metrics/job/JOB{/NAME/VALUE}.
Result<model::Labels> group_of(std::string_view rest, bool job_encoded) {
  rest.remove_prefix(std::min(rest.size(), kPath.size() + (job_encoded ? kEncoded.size() : 0) + 1));
  std::vector<std::string> parts;
  while (true) {
    size_t slash = rest.find('/');
    parts.emplace_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (parts.size() > 1 && parts.size() % 2 == 0 && parts.back().empty()) parts.pop_back();
  if (parts.size() % 2 == 0)
    return Error(Code::kInvalid, "a label's name without its value: " + clew::quoted(parts.back()));
  model::LabelsBuilder labels;
  std::string job = parts[0];
  if (job_encoded) job = CLEW_TRY(decoded(parts[0]));
  if (job.empty()) return Error(Code::kInvalid, "job name is required");
  for (size_t i = 1; i + 1 < parts.size(); i += 2) {
    std::string name = parts[i];
    std::string value = parts[i + 1];
    if (name.ends_with(kEncoded)) {
      name.resize(name.size() - kEncoded.size());
      value = CLEW_TRY(decoded(value));
    }
    if (name.empty() || name.starts_with("__"))
      return Error(Code::kInvalid, "no name of a label: " + clew::quoted(name));
    labels.set(name, value);
  }
  labels.set("job", job);
  return labels.build();
}

void Pushgateway::push(const CallPtr& call, bool job_encoded, How how) {
  Result<model::Labels> group = group_of(call->request().path, job_encoded);
  Status done = group.ok() ? Status() : Status(group.error());
  if (done.ok()) {
    wire::ExpositionFormat format = wire::exposition_format_of(call->request().header("content-type"));
    done = groups.push(*group, call->request().body, format, how);
  }
  (done.ok() ? pushes : refused).add();
  if (!done.ok()) return answer_error(*call, kShape, done.error());
  call->exchange->answer({.status = 200, .content_type = "text/plain; charset=utf-8", .headers = {}, .body = {}});
}

void Pushgateway::remove(const CallPtr& call, bool job_encoded) {
  Result<model::Labels> group = group_of(call->request().path, job_encoded);
  Status done = group.ok() ? groups.remove(*group) : Status(group.error());
  if (!done.ok()) return answer_error(*call, kShape, done.error());
  call->exchange->answer({.status = 202, .content_type = "text/plain; charset=utf-8", .headers = {}, .body = {}});
}

}  // namespace

std::vector<Route> pushgateway_routes(scrape::PushGroups& groups, base::Registry& metrics) {
  auto gateway = std::make_shared<Pushgateway>(groups, metrics);
  std::vector<Route> routes;
  auto add = [&](const char* method, const std::string& path, Handler handler) {
    routes.push_back({.method = method,
                      .pattern = path,
                      .need = Need::kIngest,
                      .place = Place::kPool,
                      .errors = kShape,
                      .handler = std::move(handler)});
  };
  for (bool encoded : {false, true}) {
    std::string path = std::string(kPath) + (encoded ? std::string(kEncoded) : "") + "/{GROUP*}";
    add("PUT", path, [gateway, encoded](const CallPtr& call) { gateway->push(call, encoded, How::kReplace); });
    add("POST", path, [gateway, encoded](const CallPtr& call) { gateway->push(call, encoded, How::kMerge); });
    add("DELETE", path, [gateway, encoded](const CallPtr& call) { gateway->remove(call, encoded); });
  }
  return routes;
}

}  // namespace clew::api
