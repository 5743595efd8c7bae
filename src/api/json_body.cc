#include "api/json_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <vector>

#include "text/time_format.h"

namespace clew::api {
namespace {

// Edits that turn one name into the other.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

Error unknown_member(const std::string& name, std::initializer_list<std::string_view> known) {
  std::string text = "unknown member " + clew::quoted(name);
  auto best = std::min_element(known.begin(), known.end(), [&](std::string_view a, std::string_view b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
  if (best != known.end() && edit_distance(name, *best) <= 2) text += ", did you mean " + quoted(*best) + "?";
  return Error(Code::kInvalid, std::move(text));
}

Error wrong_type(const char* name, const char* wanted) {
  return Error(Code::kInvalid, std::string(name) + ": expected " + wanted);
}

struct Unit {
  std::string_view name;
  int64_t nanos;
};
constexpr int64_t kSecond = 1'000'000'000;
constexpr Unit kUnits[] = {{"ms", 1'000'000},          {"s", kSecond},
                           {"m", 60 * kSecond},        {"h", 3600 * kSecond},
                           {"d", 24 * 3600 * kSecond}, {"w", 7 * 24 * 3600 * kSecond}};

}  // namespace

Result<Json> parse_object(std::string_view body, std::initializer_list<std::string_view> known) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return Json::object();
  Json json;
  try {
    json = Json::parse(body);
  } catch (const Json::parse_error& error) {
    return Error(Code::kInvalid, fmt::format("the body is not JSON, at byte {}", error.byte));
  }
  if (!json.is_object()) return Error(Code::kInvalid, "the body is not a JSON object");
  for (const auto& member : json.items()) {
    if (std::find(known.begin(), known.end(), member.key()) == known.end()) return unknown_member(member.key(), known);
  }
  return json;
}

Result<std::optional<std::string>> text_member(const Json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::optional<std::string>();
  if (!found->is_string()) return wrong_type(name, "a string");
  return std::optional<std::string>(found->get<std::string>());
}

Result<std::optional<uint64_t>> number_member(const Json& object, const char* name, uint64_t max) {
  auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::optional<uint64_t>();
  if (!found->is_number_unsigned() || found->get<uint64_t>() > max) {
    return Error(Code::kInvalid, fmt::format("{}: expected a number from 0 to {}", name, max));
  }
  return std::optional<uint64_t>(found->get<uint64_t>());
}

Result<bool> bool_member(const Json& object, const char* name, bool otherwise) {
  auto found = object.find(name);
  if (found == object.end() || found->is_null()) return otherwise;
  if (!found->is_boolean()) return wrong_type(name, "true or false");
  return found->get<bool>();
}

Result<int64_t> parse_duration(std::string_view text) {
  std::string_view rest = text;
  int64_t total = 0;
  while (!rest.empty()) {
    int64_t count = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    const Unit* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                    [&](const Unit& u) { return u.name == rest.substr(0, letters); });
    int64_t nanos = 0;
    if (error != std::errc() || count < 0 || unit == std::end(kUnits) ||
        __builtin_mul_overflow(count, unit->nanos, &nanos) || __builtin_add_overflow(total, nanos, &total)) {
      return Error(Code::kInvalid, clew::quoted(text) + " is no duration: write 15m, 2h, 7d, 1w");
    }
    rest.remove_prefix(letters);
  }
  if (text.empty()) return Error(Code::kInvalid, "an empty duration: write 15m, 2h, 7d, 1w");
  return total;
}

Result<int64_t> parse_moment(std::string_view text, int64_t now_nanos) {
  if (text == "now") return now_nanos;
  if (text.starts_with("now-") || text.starts_with("-")) {
    int64_t ago = CLEW_TRY(parse_duration(text.substr(text.find('-') + 1)));
    return now_nanos - ago;
  }
  text::TimeReader reader;
  std::optional<text::Time> time = reader.parse(text, {.zone = {}, .now_nanos = now_nanos});
  if (!time || time->out_of_range) {
    return Error(Code::kInvalid,
                 clew::quoted(text) + " is no time: write 2026-11-20T10:00:00Z, milliseconds, now or now-15m");
  }
  return time->unix_nanos;
}

namespace {

Result<int64_t> moment_member(const Json& object, const char* name, int64_t now_nanos, int64_t otherwise) {
  auto found = object.find(name);
  if (found == object.end() || found->is_null()) return otherwise;
  if (found->is_number_integer()) {
    int64_t nanos = 0;
    if (__builtin_mul_overflow(found->get<int64_t>(), int64_t{1'000'000}, &nanos)) return wrong_type(name, "a time");
    return nanos;
  }
  if (!found->is_string()) return wrong_type(name, "a time");
  Result<int64_t> moment = parse_moment(found->get_ref<const std::string&>(), now_nanos);
  if (!moment.ok()) return std::move(moment).error().at(name);
  return moment;
}

}  // namespace

Result<contract::TimeRange> range_members(const Json& object, const os::Clock& clock) {
  int64_t now = clock.now().get();
  contract::TimeRange range;
  std::optional<std::string> since = CLEW_TRY(text_member(object, "since"));
  if (since) {
    if (object.contains("from")) return Error(Code::kInvalid, "since and from exclude each other");
    int64_t ago = CLEW_TRY(parse_duration(*since));
    range.from = now - ago;
  } else {
    range.from = CLEW_TRY(moment_member(object, "from", now, range.from));
  }
  range.to = CLEW_TRY(moment_member(object, "to", now, range.to));
  if (range.from > range.to) return Error(Code::kInvalid, "from is after to");
  return range;
}

std::string dump_json(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string rfc3339(int64_t unix_nanos) {
  int64_t millis = unix_nanos / 1'000'000;
  if (unix_nanos % 1'000'000 < 0) --millis;
  std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(millis)};
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

}  // namespace clew::api
