#include "alert/schedule.h"

#include <xxhash.h>

namespace clew::alert {

uint64_t group_hash(const std::string& file, const std::string& name) {
  // Prometheus' hash of the labels {file, name}: names and values, a 0xff byte behind each.
  std::string bytes = "file\xff" + file + "\xff" + "name\xff" + name + "\xff";
  return XXH64(bytes.data(), bytes.size(), 0);
}

UnixNanos last_run_before(UnixNanos now, int64_t interval_millis, uint64_t hash) {
  int64_t interval = interval_millis * 1'000'000;
  int64_t place = static_cast<int64_t>(hash % static_cast<uint64_t>(interval));
  int64_t since = (now.get() - place) % interval;
  if (since < 0) since += interval;
  return UnixNanos(now.get() - since);
}

}  // namespace clew::alert
