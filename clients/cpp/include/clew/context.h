// The request at hand, for each thread: its ids, and how they come from and go to other processes.
#pragma once

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew {

// The ids of the current goal or request. Empty texts where there are none.
struct Scope {
  std::string trace_id;    // 32 hex digits
  std::string span_id;     // 16 hex digits: the current goal
  std::string request_id;  // any text
};

using Headers = std::vector<std::pair<std::string, std::string>>;

inline constexpr size_t kRequestIdCharsMax = 128;

namespace detail {

inline Scope& thread_scope() {
  thread_local Scope scope;
  return scope;
}

inline std::string random_hex(size_t digits) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(digits, '0');
  do {
    uint64_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
      if (i % 16 == 0) bits = random();
      text[i] = kDigits[bits & 15];
      bits >>= 4;
    }
  } while (text.find_first_not_of('0') == std::string::npos);
  return text;
}

inline std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return made;
}

inline bool is_id(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

inline bool is_request_id(std::string_view text) {
  if (text.empty() || text.size() > kRequestIdCharsMax) return false;
  for (const char c : text) {
    if (c < 0x21 || c > 0x7e) return false;  // what may be echoed in a header
  }
  return true;
}

// The ids of `00-TRACE-SPAN-01`, and of later versions that say more.
inline bool read_traceparent(std::string_view text, Scope& scope) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  if (text.substr(0, 2) == "ff" || (text.size() > 55 && (text.substr(0, 2) == "00" || text[55] != '-'))) return false;
  const std::string_view trace_id = text.substr(3, 32);
  const std::string_view span_id = text.substr(36, 16);
  if (!is_id(trace_id, 32) || !is_id(span_id, 16)) return false;
  scope.trace_id = trace_id;
  scope.span_id = span_id;
  return true;
}

// B3 knows trace ids of 64 bits; W3C writes them with zeros before.
inline bool read_b3(std::string trace_id, std::string_view span_id, Scope& scope) {
  if (trace_id.size() == 16) trace_id.insert(0, 16, '0');
  if (!is_id(trace_id, 32) || !is_id(span_id, 16)) return false;
  scope.trace_id = std::move(trace_id);
  scope.span_id = span_id;
  return true;
}

}  // namespace detail

// The scope of this thread; not to be kept.
inline const Scope& current_scope() {
  return detail::thread_scope();
}

// Makes a scope that of this thread until the object's end. Hand `current_scope()` to another thread and use it there
// so.
class UseScope {
 public:
  explicit UseScope(Scope scope) : before_(std::exchange(detail::thread_scope(), std::move(scope))) {}
  ~UseScope() { detail::thread_scope() = std::move(before_); }
  UseScope(const UseScope&) = delete;
  UseScope& operator=(const UseScope&) = delete;

 private:
  Scope before_;
};

// What to send along with a call or message; empty when no request is known.
inline Headers headers() {
  const Scope& scope = current_scope();
  Headers made;
  if (detail::is_id(scope.trace_id, 32) && detail::is_id(scope.span_id, 16)) {
    made.emplace_back("traceparent", "00-" + scope.trace_id + "-" + scope.span_id + "-01");
  }
  if (!scope.request_id.empty()) made.emplace_back("X-Request-ID", scope.request_id);
  return made;
}

// The scope that the headers of a call or message name: traceparent, else b3, else X-B3-*; X-Request-ID. Names in any
// case. What is not as it should be is passed over.
template <typename Pairs>
Scope scope_of(const Pairs& headers) {
  std::string traceparent, b3, b3_trace, b3_span;
  Scope scope;
  for (const auto& header : headers) {
    const std::string name = detail::lower(header.first);
    const std::string_view value(header.second);
    if (name == "traceparent") traceparent = detail::lower(value);
    if (name == "b3") b3 = detail::lower(value);
    if (name == "x-b3-traceid") b3_trace = detail::lower(value);
    if (name == "x-b3-spanid") b3_span = detail::lower(value);
    if (name == "x-request-id" && detail::is_request_id(value)) scope.request_id = value;
  }
  if (detail::read_traceparent(traceparent, scope)) return scope;
  const size_t first = b3.find('-');
  if (first != std::string::npos) {
    const std::string rest = b3.substr(first + 1);
    if (detail::read_b3(b3.substr(0, first), rest.substr(0, rest.find('-')), scope)) return scope;
  }
  detail::read_b3(b3_trace, b3_span, scope);
  return scope;
}

// The scope that the parent process gave us in TRACEPARENT.
inline Scope scope_of_environment() {
  const char* traceparent = std::getenv("TRACEPARENT");
  return scope_of(Headers{{"traceparent", traceparent == nullptr ? "" : traceparent}});
}

}  // namespace clew
