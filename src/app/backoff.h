// How a client command waits before it tries again.
#pragma once

#include <cstdint>

namespace clew::app {

constexpr uint64_t kBackoffSecondsMax = 30;

// 1, 2, 4 ... seconds for the first, second, third failure in a row; at least what the server asked for.
uint64_t backoff_seconds(uint32_t failures, uint64_t asked_for);

// Waits, or until a signal comes: one that ends the process does so at once.
void wait_seconds(uint64_t seconds);

}  // namespace clew::app
