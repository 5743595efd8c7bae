// What a source has read in all, and what became of it. The counts lie in the queue as a place of their own and move in
// the record of the batch that they count: a crash can not part them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "contract/queue.h"

namespace clew::collect {

struct SourceCounts {
  uint64_t read = 0;    // events
  uint64_t queued = 0;  // events that went to the queue: read without what was dropped, with what a pipeline made
  std::map<std::string, uint64_t> dropped;  // events that a pipeline took away or merged into others, by rule
};

// Where the counts of a source are kept.
std::string counts_key(std::string_view source);
// The source whose counts_key() this is; empty for a key of another kind.
std::string_view source_of_key(std::string_view key);
std::string print_counts(const SourceCounts& counts);
// A text that is none counts as nothing: counts must not keep a source from reading.
SourceCounts parse_counts(std::string_view text);
// Those of one source, as the queue has them now.
SourceCounts kept_counts(const contract::Queue& queue, std::string_view source);
// Those of all sources that ever were, by name.
std::map<std::string, SourceCounts> all_kept_counts(const contract::Queue& queue);

}  // namespace clew::collect
