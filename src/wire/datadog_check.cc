#include "wire/datadog_check.h"

#include <vector>

#include "model/json_text.h"
#include "wire/json_cursor.h"

namespace clew::wire {
namespace {

constexpr size_t kDepthMax = 64;
constexpr std::string_view kStatuses[] = {"ok", "warning", "critical", "unknown"};
constexpr std::string_view kLevels[] = {"info", "warn", "error", "warn"};

struct Check {
  std::string name, host, status, message, timestamp;
  std::vector<std::string> tags;
};

std::string scalar_of(JsonCursor& in) {
  std::string buffer;
  (void)in.peek();
  if (in.is_scalar()) return std::string(in.token(buffer).text);
  in.skip();
  return {};
}

Check read_check(JsonCursor& in) {
  Check out;
  in.enter();
  while (in.more()) {
    std::string key(in.key());
    if (key == "check")
      out.name = scalar_of(in);
    else if (key == "host_name" || key == "host")
      out.host = scalar_of(in);
    else if (key == "status")
      out.status = scalar_of(in);
    else if (key == "message")
      out.message = scalar_of(in);
    else if (key == "timestamp")
      out.timestamp = scalar_of(in);
    else if (key == "tags" && in.peek() == '[') {
      in.enter();
      while (in.more()) out.tags.push_back(scalar_of(in));
    } else {
      in.skip();
    }
  }
  return out;
}

void add(std::string_view name, std::string_view value, std::string& out) {
  if (value.empty() || value == "null") return;
  out.push_back(out.back() == '{' ? ' ' : ',');
  model::append_json_string(name, out);
  out.push_back(':');
  // A time is a number, so that it is read as one.
  bool digits = value.size() < 16 && value.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits && name == "timestamp" && value[0] != '0')
    out.append(value);
  else
    model::append_json_string(value, out);
}

Status append(const Check& check, std::string& lines) {
  if (check.name.empty()) return Error(Code::kInvalid, "a check without \"check\", its name");
  if (check.status.size() != 1 || check.status[0] < '0' || check.status[0] > '3') {
    return Error(Code::kInvalid,
                 "check " + quoted(check.name) + ": expected a status of 0 to 3, not " + quoted(check.status));
  }
  auto which = static_cast<size_t>(check.status[0] - '0');
  lines.push_back('{');
  add("event.kind", "service_check", lines);
  add("check.name", check.name, lines);
  add("check.status", kStatuses[which], lines);
  add("level", kLevels[which], lines);
  add("timestamp", check.timestamp, lines);
  add("host.name", check.host, lines);
  for (const std::string& tag : check.tags) {
    size_t colon = tag.find(':');
    bool has_value = colon != std::string::npos;
    add("tags." + tag.substr(0, colon), has_value ? tag.substr(colon + 1) : "true", lines);
  }
  bool told = !check.message.empty() && check.message != "null";
  add("message", told ? check.message : check.name + " is " + std::string(kStatuses[which]), lines);
  lines += "}\n";
  return {};
}

}  // namespace

Status datadog_checks_to_lines(std::string_view json, std::string& lines) {
  CLEW_TRY(check_json(json, kDepthMax));
  JsonCursor in(json);
  char first = in.peek();
  if (first == '{') return append(read_check(in), lines);
  if (first != '[') return Error(Code::kInvalid, "expected a check or an array of them");
  in.enter();
  while (in.more()) {
    if (in.peek() != '{') return Error(Code::kInvalid, "expected an object for each check");
    CLEW_TRY(append(read_check(in), lines));
  }
  return {};
}

}  // namespace clew::wire
