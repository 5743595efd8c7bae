// Where a row stands in an answer by time, and how one answer goes on where another ended.
#pragma once

#include <cstdint>
#include <optional>

namespace clew::query {

// Rows by time come in the order of (@timestamp, _seq), both rising or both falling; no two rows share a place.
struct Place {
  int64_t time = 0;  // @timestamp, ns
  uint64_t seq = 0;  // _seq
  friend bool operator==(const Place&, const Place&) = default;
};

// Makes answers to one question follow on each other: what came into the store since the first is in none of them.
struct Page {
  int64_t now_nanos = 0;       // what relative times of the text count from, the same for all; 0: the call's time
  uint64_t up_to = 0;          // events with a greater _seq are not in it; 0: whatever is there
  std::optional<Place> after;  // rows up to and with this place were handed out before
  uint64_t rows_before = 0;    // so many: `head N` has used them up
  // A query that cannot be continued is kUnsupported; a time limit leaves out found rows that others, not yet found,
  // may come before.
  bool required = false;
};

// Where the next answer begins.
struct Continuation {
  uint64_t up_to = 0;
  std::optional<Place> after;
};

}  // namespace clew::query
