// Answers of health pages. Oracle: names stay within their limits; an answer twice says the same; and whatever a page
// answers, its event is one line of JSON.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "health/answer.h"
#include "health/target.h"

// The first byte says the status.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace clew;
  if (size < 1) return 0;
  std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  health::Answer answer = health::read_answer(body);
  CHECK(answer.failed.size() <= health::kFailedMax);
  for (const std::string& name : answer.failed) CHECK(name.size() <= 100, name);
  CHECK(health::read_answer(body).failed == answer.failed);
  health::Target target("shop", health::endpoints_of("http://127.0.0.1/health").front());
  int status = data[0] % 4 == 0 ? 0 : 100 + data[0] * 2;
  std::optional<std::string> event =
      target.take({UnixNanos(1'795'171'025'000'000'000), status, body, status == 0 ? body : std::string(), 1});
  CHECK(event.has_value() && event->find('\n') == std::string::npos);
  nlohmann::json parsed = nlohmann::json::parse(*event, nullptr, false);
  CHECK(parsed.is_object() && parsed["service.name"] == "shop");
  CHECK(parsed["outcome"] == (status / 100 == 2 && !answer.says_down ? "ok" : "failed"));
  return 0;
}
