// Loader reads the events of a request out of a store.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/event_source.h"
#include "trace/narrow.h"
#include "trace/record.h"

namespace clew::trace {

constexpr uint32_t kRecordsMax = 500'000;  // of one request; beyond it is cut and says so

// Datasets that hold no requests.
bool is_own_dataset(std::string_view name);

struct LoadSpec {
  contract::Access access;
  std::vector<std::string> datasets;  // empty: all that may be read, but is_own_dataset
  contract::TimeRange range;
  contract::Predicate where;  // kAll, kAny, kEquals, kIn, kContains, kExists, and kPhrase
  contract::Order order = contract::Order::kOldestFirst;
  uint32_t records_max = kRecordsMax;
  bool attributes = false;  // also the fields without a member in Record
  bool texts = true;        // message, level and names; off where only ids and times count
};

// Threads:  any; one call at a time per object.
// Lifetime: `source` outlives it.
class Loader {
 public:
  explicit Loader(contract::EventSource& source) : source_(source) {}

  // Appends what matches, oldest first by (time, _seq), to `out`.
  // Errors: kCancelled; kIo. Damaged rows are left out and counted.
  Status load(const LoadSpec& spec, std::stop_token stop, Records& out);

 private:
  contract::EventSource& source_;
};

}  // namespace clew::trace
