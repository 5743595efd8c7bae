// The writes that lie in a store, one by one under their keys, to be written to another store: how a lost mirror is
// filled again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/event_sink.h"
#include "model/batch.h"

namespace clew::logstore {

struct WritesRequest {
  uint64_t after = 0;                // only writes that begin behind this _seq
  std::string dataset;               // only writes with events of it, these with all that they hold; empty: any
  int64_t stored_since = INT64_MIN;  // Unix nanoseconds: only writes that were stored then or later
  uint32_t rows_max = 16'384;        // of a page; one write more may be begun
};

struct StoredWrite {
  contract::BatchKey key;
  std::vector<model::Batch> batches;  // as they were written, without what the store adds (`_seq`, `_error_group`)
  uint64_t rows = 0;
  // Rows that deletes or retention took. Where it is not 0 the others have their `_id` in a column, as it could not be
  // told from their place any more.
  uint64_t rows_gone = 0;
};

// A keyed write without what it holds.
struct StoredCommit {
  contract::BatchKey key;
  uint64_t rows = 0;  // that it had
};

struct WritesPage {
  std::vector<StoredWrite> writes;    // by _seq
  uint64_t next = 0;                  // WritesRequest::after of the next page
  uint64_t committed = 0;             // the greatest _seq; the end when `next` reaches it
  uint64_t keyless_rows = 0;          // events that came without a key: they have none that another store could know
  uint64_t unreadable_writes = 0;     // left out, as blocks or segments of them are damaged
  uint64_t quarantined_segments = 0;  // of all that lies behind `after`
};

}  // namespace clew::logstore
