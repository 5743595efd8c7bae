// The query engine's door: a PPL text in, a schema and batches of rows out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/worker_pool.h"
#include "contract/access.h"
#include "contract/event_source.h"
#include "os/clock.h"
#include "query/answer.h"

namespace clew::geo {
class Sources;
}

namespace clew::query {

constexpr uint64_t kQueryMillisMax = 30'000;
constexpr uint64_t kQueryMemoryBytesMax = 256ull << 20;
constexpr uint64_t kQueryRowsDefault = 10'000;
constexpr uint64_t kQueryGroupsMax = 1'000'000;
constexpr uint32_t kQueryTextBytesMax = 1u << 20;

struct Limits {
  uint64_t millis = kQueryMillisMax;
  uint64_t memory_bytes = kQueryMemoryBytesMax;
  uint64_t rows = kQueryRowsDefault;  // of a row query without `head`; 0: as many as there are
  uint64_t groups = kQueryGroupsMax;
};

struct Request {
  std::string text;
  contract::Access access;
  contract::TimeRange range;  // besides the time conditions of the text
  bool newest_first = false;  // order of rows without `sort`; _plugins/_ppl: oldest first
  bool leaves = false;        // `*` is every leaf and @timestamp (/clew/v1), else top-level names (_plugins/_ppl)
  Limits limits;
  bool raw = false;  // the answer is one column `_raw`: each event as it came; row queries only
  bool ids = false;  // rows that are stored events begin with their `_id`
  std::optional<Page> page;
  bool optimise = true;  // off: a plain plan, for tests
};

// Takes the answer as it comes, on the thread that runs the query.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // The number under which queries() and cancel() know the query; before anything else.
  virtual void registered(uint64_t) {}
  // Once, before any rows. An error ends the query with kCancelled, here and in rows().
  virtual Status begin(const std::vector<OutputColumn>& schema) = 0;
  virtual Status rows(const RowBatch& batch) = 0;
  // Now and then, at most some ten times a second.
  virtual void progress(const Progress&) {}
};

// One running or past query, for `clew queries`.
struct QueryRecord {
  uint64_t id = 0;
  std::string text;
  std::string tenant;
  UnixNanos started;
  bool running = false;
  std::string state;  // "running", "exact", "cut; ...", "damaged; ...", or the failure's code
  QueryStats stats;
};

// Which rows a search means, for a delete.
struct RowSelector {
  std::vector<std::string> datasets;
  contract::TimeRange range;  // its time conditions; `narrow` looks at them too
  // Leaves of `rows`, alive positions of the granule inside one block, those that match.
  // Threads: any.  Errors: kCorrupt for a damaged block, kIo.
  std::function<Status(const contract::Granule& granule, uint32_t block, model::Selection& rows)> narrow;
};

struct EngineOptions {
  uint32_t workers = 2;               // threads for scans, shared by all queries
  uint32_t past_queries = 100;        // records kept
  uint32_t block_rows = 4096;         // rows of an operator's block; small in tests
  const geo::Sources* geo = nullptr;  // what geoip() asks; outlives the engine; null: there is none
};

// Threads: all functions on any thread; run() blocks the caller until the query has ended.
// Lifetime: `source` and `clock` outlive the engine.
class Engine {
 public:
  static std::unique_ptr<Engine> make(contract::EventSource& source, const os::Clock& clock, EngineOptions options);
  virtual ~Engine() = default;

  // Ends within 100 ms of a stop request. A text that begins with `explain` or `explain analyze` answers with one
  // string column `plan`.
  virtual Outcome run(const Request& request, Receiver& receiver, std::stop_token stop) = 0;

  // Checks the text only: no data is read, names are not looked up.
  virtual std::optional<Failure> check(const std::string& text) const = 0;

  // The part of the text that chooses events, as PPL text to put commands behind: what a histogram or facets beside the
  // answer count. Of `level=error | sort n | head 5` it is the search. kUnsupported where no events are read.
  virtual std::variant<std::string, Failure> events_part(const std::string& text) const = 0;

  // The datasets that the text's search reads, of those that are there.
  virtual std::variant<std::vector<std::string>, Failure> datasets_of(const std::string& text,
                                                                      const contract::Access& access) const = 0;

  // The rows of a search and `| where` commands; anything else is kUnsupported.
  virtual std::variant<RowSelector, Failure> selector(const std::string& text,
                                                      const contract::Access& access) const = 0;

  virtual std::vector<QueryRecord> queries() const = 0;  // running ones first, newest first
  virtual bool cancel(uint64_t id) = 0;                  // false: no such running query

  // Who does the queries' work; other questions over many events share it.
  virtual base::WorkerPool& pool() = 0;
};

}  // namespace clew::query
