// The text of an export: rows as NDJSON or CSV, marks to go on from, and a last line that says whether it is all.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/cursor.h"
#include "os/clock.h"
#include "query/engine.h"

namespace clew::api {

enum class ExportFormat : uint8_t { kNdjson, kCsv };

struct ExportCall {
  query::Request request;
  Cursor cursor;         // of this answer's beginning
  bool resumed = false;  // a cursor was given: the head line was sent before
  ExportFormat format = ExportFormat::kNdjson;
  std::vector<std::string> columns;  // those of CSV, in order; empty: all
  bool bytes = false;                // texts that are no UTF-8 as they are
  bool sanitize = true;              // CSV: cells that a spreadsheet takes for formulas get a leading '
  bool marks = false;                // lines with a cursor now and then
  bool trailer = true;               // the last line
};

// Threads: the query's.  Lifetime: `call` and `clock` outlive it.
class ExportWriter final : public query::Receiver {
 public:
  // Takes the next piece; false ends the query.
  using Out = std::function<bool(std::string)>;
  ExportWriter(const ExportCall& call, const os::Clock& clock, Out out)
      : call_(call), clock_(clock), out_(std::move(out)), marked_ns_(clock.monotonic_ns()) {}

  // Errors: kInvalid for columns that the answer has not, when a CSV that goes on had others, and for an NDJSON column
  // that looks like a mark.
  Status begin(const std::vector<query::OutputColumn>& schema) override;
  Status rows(const query::RowBatch& batch) override;
  // The rest of the rows and the last line. Nothing is written for a failure before begin().
  void finish(const query::Outcome& outcome);

  bool begun() const { return begun_; }
  // What begin() ended the query with.
  const Status& refused() const { return refused_; }

 private:
  Status choose_columns();
  void append_csv_row(const query::RowBatch& batch, uint32_t row);
  void append_csv_cell(std::string_view text);
  void append_note(const std::string& json);
  const std::string& column_name(size_t i) const;
  void mark(const query::Continuation& end);
  Status flush();

  const ExportCall& call_;
  const os::Clock& clock_;
  const Out out_;
  std::vector<query::OutputColumn> schema_;
  std::vector<size_t> chosen_;  // places in the schema; SIZE_MAX: the answer has no such column
  uint64_t columns_hash_ = 0;
  std::string pending_;
  std::string cell_;
  uint64_t rows_ = 0;
  uint64_t unmarked_bytes_ = 0;
  uint64_t marked_ns_;
  bool marked_ = false;  // a mark was written: the first one of CSV names the columns
  std::optional<query::Continuation> end_;
  bool begun_ = false;
  Status refused_;
};

}  // namespace clew::api
