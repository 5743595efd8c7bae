#include "app/backoff.h"

#include <poll.h>

#include <algorithm>

namespace clew::app {

uint64_t backoff_seconds(uint32_t failures, uint64_t asked_for) {
  uint64_t doubled = uint64_t{1} << std::min(failures == 0 ? 0 : failures - 1, 5u);
  return std::min(std::max(doubled, asked_for), kBackoffSecondsMax);
}

void wait_seconds(uint64_t seconds) {
  (void)poll(nullptr, 0, static_cast<int>(std::min(seconds, kBackoffSecondsMax) * 1000));
}

}  // namespace clew::app
