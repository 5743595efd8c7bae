// What a query answers: a schema, rows in batches, and what the answer is worth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"
#include "model/vector.h"
#include "query/place.h"

namespace clew::query {

// Error codes of the protocol (docs/language/errors.md). Names by failure_code().
enum class FailureKind : uint8_t {
  kSyntax,           // SYNTAX_ERROR, 400
  kFieldNotFound,    // FIELD_NOT_FOUND, 400
  kSemantic,         // SEMANTIC_ERROR, 400
  kType,             // TYPE_ERROR, 400
  kUnsupported,      // UNSUPPORTED_OPERATION, 400
  kDatasetNotFound,  // INDEX_NOT_FOUND, 404
  kForbidden,        // PERMISSION_DENIED, 403
  kEvaluation,       // EVALUATION_ERROR, 400
  kResourceLimit,    // RESOURCE_LIMIT_EXCEEDED, 400
  kCancelled,        // EXECUTION_ERROR, 499
  kInternal,         // EXECUTION_ERROR, 500
};
std::string_view failure_code(FailureKind kind);
int failure_status(FailureKind kind);  // of HTTP

// Why a query has no answer. `line` and `column` begin at 1; 0 where no place in the text is to blame.
struct Failure {
  FailureKind kind = FailureKind::kInternal;
  std::string reason;  // one line for a person: what is wrong, and where known, what to do
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t length = 0;                   // bytes of the text to blame, from (line, column) on
  std::vector<std::string> suggestions;  // names or narrower questions, best first
};

struct OutputColumn {
  std::string name;
  model::Type type = model::Type::kNull;
};

// Rows of the answer: one vector per column of the schema.
struct RowBatch {
  uint32_t rows = 0;
  std::vector<model::VectorPtr> columns;
  std::optional<Continuation> end;  // behind the last row; of a request with a page whose query can be continued
};

// What the answer is worth (the Clew-Answer header or last record, docs/PPL.md section 0.6).
struct Exactness {
  enum class Kind : uint8_t { kExact, kCut, kDamaged };
  Kind kind = Kind::kExact;
  std::string limit;          // kCut: "rows", "time" or "memory"
  uint64_t value = 0;         // kCut: rows, or milliseconds, or bytes
  uint64_t damaged_rows = 0;  // kDamaged, and kCut where both hold
  // "exact", "cut; limit=rows; value=10000" or "damaged; rows=12".
  std::string text() const;
};

struct StageStats {
  std::string name;  // the command, or "scan"
  uint64_t rows_in = 0;
  uint64_t rows_out = 0;
  uint64_t nanos = 0;  // summed over workers
};

struct QueryStats {
  uint64_t rows_scanned = 0;  // rows of the granules read
  uint64_t rows_matched = 0;  // rows that came out of the scan
  uint64_t rows_returned = 0;
  uint64_t granules_total = 0;
  uint64_t granules_read = 0;
  uint64_t granules_pruned_by_time = 0;
  uint64_t granules_pruned_by_stats = 0;
  uint64_t granules_pruned_by_index = 0;
  uint64_t granules_from_counts = 0;  // answered from minute counts, no row read
  uint64_t bytes_read = 0;
  uint64_t index_reads = 0;   // of the token indexes of segments
  uint64_t column_reads = 0;  // of blocks, dictionaries and whole row groups
  uint64_t blocks_decoded = 0;
  uint64_t memory_bytes_peak = 0;
  uint64_t nanos = 0;
  std::vector<StageStats> stages;
};

struct Progress {
  uint64_t granules_done = 0;
  uint64_t granules_total = 0;
  uint64_t rows_scanned = 0;
  uint64_t rows_matched = 0;
};

// How a run ended. A failure may come after rows have been handed out only when the receiver or the caller stopped it.
struct Outcome {
  std::optional<Failure> failure;
  Exactness exactness;
  QueryStats stats;
  std::vector<std::string> warnings;
  // Of a request with a page: more rows follow. None when the answer is all, or its query cannot be continued.
  std::optional<Continuation> next;
};

}  // namespace clew::query
