#include "notify/time_interval.h"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace clew::notify {
namespace {

constexpr int kDayMinutes = 24 * 60;
constexpr std::array<std::string_view, 7> kDays = {"sunday",   "monday", "tuesday", "wednesday",
                                                   "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};

bool any_span(const std::vector<Span>& spans, int value) {
  if (spans.empty()) return true;
  return std::any_of(spans.begin(), spans.end(), [value](Span s) { return value >= s.begin && value <= s.end; });
}

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <size_t N>
std::optional<int> name_of(const std::array<std::string_view, N>& names, std::string_view text, int first) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == lower) return static_cast<int>(i) + first;
  }
  return std::nullopt;
}

// Minutes of "17:30"; -1 where it is no time.
int minutes_of(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return -1;
  int hour = number_of(text.substr(0, 2)).value_or(-1);
  int minute = number_of(text.substr(3)).value_or(-1);
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || (hour == 24 && minute != 0)) return -1;
  return hour * 60 + minute;
}

class Reader {
 public:
  explicit Reader(yaml::Mistakes& mistakes) : mistakes_(mistakes) {}

  TimeInterval read(const yaml::Tree& tree) {
    TimeInterval out;
    if (!tree.is_map()) {
      blame(tree, "expected an interval: times, weekdays, days_of_month, months, years, location");
      return out;
    }
    for (const auto& [key, value] : tree.members) {
      if (key.text == "times")
        times(value, out.minutes);
      else if (key.text == "weekdays")
        spans(value, out.weekdays, {0, 6}, "a day such as monday or monday:friday",
              [](std::string_view text) { return name_of(kDays, text, 0); });
      else if (key.text == "days_of_month")
        spans(value, out.days, {-31, 31}, "a day such as 1, 1:5 or -3:-1",
              [](std::string_view text) { return number_of(text); });
      else if (key.text == "months")
        spans(value, out.months, {1, 12}, "a month such as january or 1:3", [](std::string_view text) {
          std::optional<int> named = name_of(kMonths, text, 1);
          return named ? named : number_of(text);
        });
      else if (key.text == "years")
        spans(value, out.years, {0, 9999}, "a year such as 2026 or 2026:2030",
              [](std::string_view text) { return number_of(text); });
      else if (key.text == "location")
        location(value, out.location);
      else
        blame(key, "unknown key " + clew::quoted(key.text) + " in a time interval");
    }
    return out;
  }

 private:
  void blame(const yaml::Tree& at, std::string message) { mistakes_.push_back({at.line, std::move(message)}); }

  void times(const yaml::Tree& list, std::vector<Span>& out) {
    for (const yaml::Tree& item : list.items) {
      const yaml::Tree* begin = item.find("start_time");
      const yaml::Tree* end = item.find("end_time");
      int from = begin != nullptr ? minutes_of(begin->text) : -1;
      int to = end != nullptr ? minutes_of(end->text) : -1;
      if (from < 0 || to < 0) {
        blame(item, "expected start_time: '09:00' and end_time: '17:00'");
      } else if (from >= to) {
        blame(item, "start_time must be before end_time: write two times for a night");
      } else {
        out.push_back({from, to});
      }
    }
    if (!list.is_list()) blame(list, "times: expected a list of start_time and end_time");
  }

  template <class One>
  void spans(const yaml::Tree& list, std::vector<Span>& out, Span bounds, std::string_view expected, One one) {
    if (!list.is_list()) return blame(list, "expected a list of " + std::string(expected));
    for (const yaml::Tree& item : list.items) {
      std::string_view text = item.text;
      size_t colon = text.find(':');
      std::optional<int> begin = one(text.substr(0, colon));
      std::optional<int> end = colon == std::string_view::npos ? begin : one(text.substr(colon + 1));
      bool good = begin && end && *begin >= bounds.begin && *end <= bounds.end && *begin <= bounds.end;
      bool zero_day = bounds.begin < 0 && good && (*begin == 0 || *end == 0);
      bool ordered = good && (*begin <= *end || (bounds.begin < 0 && *begin > 0 && *end < 0));
      if (!good || zero_day || !ordered)
        blame(item, clew::quoted(item.text) + ": expected " + std::string(expected));
      else
        out.push_back({*begin, *end});
    }
  }

  void location(const yaml::Tree& value, std::string& out) {
    cctz::time_zone zone;
    if (value.text == "UTC" || value.text.empty()) return;
    if (!cctz::load_time_zone(value.text == "Local" ? "localtime" : value.text, &zone)) {
      return blame(value, "location: no time zone " + clew::quoted(value.text) + ", write one such as Europe/Berlin");
    }
    out = value.text;
  }

  yaml::Mistakes& mistakes_;
};

int last_day(const cctz::civil_second& at) {
  return static_cast<int>((cctz::civil_day(cctz::civil_month(at) + 1) - 1).day());
}

bool contains_day(const std::vector<Span>& days, const cctz::civil_second& at) {
  if (days.empty()) return true;
  int last = last_day(at);
  return std::any_of(days.begin(), days.end(), [&](Span s) {
    int begin = s.begin < 0 ? last + s.begin + 1 : s.begin;
    int end = s.end < 0 ? last + s.end + 1 : s.end;
    return at.day() >= std::max(begin, 1) && at.day() <= std::min(end, last);
  });
}

}  // namespace

bool TimeInterval::contains(UnixNanos at) const {
  cctz::time_zone zone = cctz::utc_time_zone();
  if (!location.empty()) cctz::load_time_zone(location == "Local" ? "localtime" : location, &zone);
  int64_t seconds = at.get() / 1'000'000'000;
  auto when = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>(std::chrono::seconds(seconds));
  cctz::civil_second civil = cctz::convert(when, zone);
  int minute = civil.hour() * 60 + civil.minute();
  bool in_times = minutes.empty() || std::any_of(minutes.begin(), minutes.end(), [minute](Span s) {
                    return minute >= s.begin && minute < std::min(s.end, kDayMinutes);
                  });
  int weekday = (static_cast<int>(cctz::get_weekday(cctz::civil_day(civil))) + 1) % 7;  // cctz counts from Monday
  return in_times && any_span(weekdays, weekday) && contains_day(days, civil) && any_span(months, civil.month()) &&
         any_span(years, static_cast<int>(civil.year()));
}

bool any_contains(const std::vector<TimeInterval>& intervals, UnixNanos at) {
  return std::any_of(intervals.begin(), intervals.end(), [at](const TimeInterval& i) { return i.contains(at); });
}

std::vector<TimeInterval> read_time_intervals(const yaml::Tree& list, yaml::Mistakes& mistakes) {
  std::vector<TimeInterval> out;
  if (!list.is_list()) mistakes.push_back({list.line, "expected a list of intervals"});
  for (const yaml::Tree& item : list.items) out.push_back(Reader(mistakes).read(item));
  return out;
}

}  // namespace clew::notify
