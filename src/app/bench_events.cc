#include "app/bench_events.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>

namespace clew::app {

// splitmix64
uint64_t BenchEvents::random() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

void BenchEvents::append_bulk(std::string& out) {
  constexpr const char* kServices[] = {"cart",    "checkout", "payment", "search", "catalog",  "shipping", "email",
                                       "gateway", "auth",     "quote",   "ads",    "currency", "images",   "ledger"};
  constexpr const char* kMethods[] = {"GET", "GET", "GET", "POST", "PUT", "DELETE"};
  constexpr const char* kPaths[] = {"cart", "orders", "users", "items", "search"};
  micros_ += step_micros_;
  bool bad = below(50) == 0;
  const char* service = kServices[below(std::size(kServices))];
  uint64_t user = below(50'000);
  uint64_t millis = bad ? 500 + below(4500) : 1 + below(400);
  trace_id_ = fmt::format("{:016x}{:016x}", random(), random());
  auto to = std::back_inserter(out);
  fmt::format_to(
      to, "{{\"create\":{{}}}}\n{{\"@timestamp\":\"{:%Y-%m-%dT%H:%M:%S}.{:06}Z\",\"level\":\"{}\",\"service\":\"{}\",",
      fmt::gmtime(static_cast<std::time_t>(micros_ / 1'000'000)), micros_ % 1'000'000,
      bad              ? "ERROR"
      : below(20) == 0 ? "WARN"
                       : "INFO",
      service);
  fmt::format_to(
      to, "\"host\":\"node-{:02}\",\"trace_id\":\"{}\",\"user_id\":{},\"method\":\"{}\",\"path\":\"/api/v1/{}/{}\",",
      below(50), trace_id_, user, kMethods[below(std::size(kMethods))], kPaths[below(std::size(kPaths))],
      below(1'000'000));
  fmt::format_to(to, "\"status\":{},\"latency_ms\":{}.{:03},\"ip\":\"10.{}.{}.{}\",\"message\":\"", bad ? 500 : 200,
                 millis, below(1000), below(256), below(256), below(256));
  switch (below(5)) {
    case 0: fmt::format_to(to, "order {} accepted for user {} in {} ms", below(10'000'000), user, millis); break;
    case 1: fmt::format_to(to, "cache miss for key item:{}, loaded {} bytes", below(1'000'000), below(65'536)); break;
    case 2: fmt::format_to(to, "slow query detected: {} rows in {} ms", below(10'000), millis); break;
    case 3: fmt::format_to(to, "upstream {} answered {} after {} retries", service, bad ? 503 : 200, below(4)); break;
    default: fmt::format_to(to, "session {:x} of user {} renewed", below(1ull << 40), user); break;
  }
  out += "\"}\n";
}

}  // namespace clew::app
