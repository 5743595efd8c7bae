// What this process has used of the processors.
#pragma once

#include <cstdint>

namespace clew::os {

// Of all its threads since it began, user and system, in nanoseconds. Threads: any.
uint64_t process_cpu_nanos();

}  // namespace clew::os
