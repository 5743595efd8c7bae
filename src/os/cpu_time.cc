#include "os/cpu_time.h"

#include <ctime>

namespace clew::os {

uint64_t process_cpu_nanos() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(used.tv_nsec);
}

}  // namespace clew::os
