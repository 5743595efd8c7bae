#include "app/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "app/config.h"
#include "app/flags.h"
#include "process/line_parser.h"
#include "text/time_format.h"

namespace clew::app {
namespace {

constexpr uint64_t kMillisPerDay = 86'400'000;
constexpr uint64_t kDaysMax = 36'500;
constexpr int kSharePercentMin = 1;
constexpr int kSharePercentMax = 25'600;
constexpr uint64_t kTimeoutMillisMost = 3'600'000;

}  // namespace

Error wrong(const std::string& text, std::string_view expected) {
  return Error(Code::kInvalid, fmt::format("{} is no {}", clew::quoted(text), expected));
}

Status set_share(const std::string& text, double& cores) {
  double percent = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || std::string_view(end, text.data() + text.size()) != "%") {
    return wrong(text, "share: write 20% for a fifth of one core");
  }
  if (percent < kSharePercentMin || percent > kSharePercentMax) {
    return Error(Code::kInvalid, fmt::format("{} is not from {}% to {}%", text, kSharePercentMin, kSharePercentMax));
  }
  cores = percent / 100;
  return {};
}

Status set_size(const std::string& text, uint64_t& to) {
  std::optional<uint64_t> value = parse_bytes(text);
  if (!value) return wrong(text, "size: write 512MiB, 2GB or 4096");
  to = *value;
  return {};
}

Status set_days(const std::string& text, uint32_t& to) {
  std::optional<uint64_t> millis = parse_duration_ms(text);
  if (!millis) return wrong(text, "duration: write 30d or 4w");
  if (*millis % kMillisPerDay != 0 || *millis == 0) return wrong(text, "whole number of days: write 30d or 4w");
  if (*millis / kMillisPerDay > kDaysMax)
    return Error(Code::kInvalid, fmt::format("{} is more than {}d", text, kDaysMax));
  to = static_cast<uint32_t>(*millis / kMillisPerDay);
  return {};
}

Status set_address(const std::string& text, net::Address& to) {
  Result<net::Address> address = net::parse_address(text);
  if (!address.ok()) return wrong(text, "address: write 127.0.0.1:4320, [::1]:4320 or :4320");
  to = std::move(address).take();
  return {};
}

Status set_path(const std::string& text, std::string& to) {
  if (text.empty()) return Error(Code::kInvalid, "an empty file name");
  to = text;
  return {};
}

Status add_key(const std::string& text, std::vector<std::string>& to) {
  bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
  // The text itself is a secret: it is not told.
  if (text.size() < kKeyBytesLeast || !printable) {
    return Error(Code::kInvalid, "a key has 16 printable characters or more, without blanks: openssl rand -hex 24");
  }
  to.push_back(text);
  return {};
}

Status add_keys_of_file(const std::string& path, std::vector<std::string>& to) {
  std::ifstream file(path);
  if (!file) return Error(Code::kNotFound, path + ": cannot be read");
  size_t before = to.size();
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    Status added = add_key(line, to);
    if (!added.ok()) return Error(Code::kInvalid, path + ": " + added.error().message());
  }
  return to.size() > before ? Status() : Status(Error(Code::kInvalid, path + " holds no key"));
}

// A size within bounds that a person is told.
Status set_bounded_size(const std::string& text, uint64_t min, uint64_t max, uint64_t& to) {
  uint64_t bytes = 0;
  CLEW_TRY(set_size(text, bytes));
  if (bytes < min || bytes > max) {
    return Error(Code::kInvalid, fmt::format("{} is not from {} to {} bytes", text, min, max));
  }
  to = bytes;
  return {};
}

Status set_millis(const std::string& text, uint64_t max, uint64_t& to) {
  std::optional<uint64_t> millis = parse_duration_ms(text);
  if (!millis || *millis == 0) return wrong(text, "duration: write 30s or 5m");
  if (*millis > max) return Error(Code::kInvalid, fmt::format("{} is more than {} ms", text, max));
  to = *millis;
  return {};
}

Status set_timeout(const std::string& text, uint32_t& to) {
  uint64_t millis = 0;
  CLEW_TRY(set_millis(text, kTimeoutMillisMost, millis));
  to = static_cast<uint32_t>(millis);
  return {};
}

Status set_count(const std::string& text, uint64_t min, uint64_t max, uint64_t& to) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return wrong(text, "number");
  if (value < min || value > max) return Error(Code::kInvalid, fmt::format("{} is not from {} to {}", text, min, max));
  to = value;
  return {};
}

Status set_yes_or_no(const std::string& text, bool& to) {
  if (text != "true" && text != "false" && text != "yes" && text != "no") return wrong(text, "yes or no");
  to = text == "true" || text == "yes";
  return {};
}

Status set_on_or_off(const std::string& text, bool& to) {
  if (text != "on" && text != "off") return set_yes_or_no(text, to).ok() ? Status() : wrong(text, "on or off");
  to = text == "on";
  return {};
}

Status set_number(const std::string& text, uint64_t max, uint32_t& to) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return wrong(text, "number");
  if (value > max) return Error(Code::kInvalid, fmt::format("{} is more than {}", text, max));
  to = static_cast<uint32_t>(value);
  return {};
}

Status set_format(const std::string& text, std::string& to) {
  Result<std::optional<process::Format>> format = process::format_by_name(text);
  if (!format.ok()) return format.error();
  to = text;
  return {};
}

Status set_zone(const std::string& text, std::string& to) {
  if (!text::Zone::find(text)) return wrong(text, "time zone: write Asia/Ho_Chi_Minh, +07:00 or UTC");
  to = text;
  return {};
}

}  // namespace clew::app
