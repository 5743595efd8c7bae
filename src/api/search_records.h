// The records of /clew/v1/search: schema, rows, progress, end (docs/operate/http-api.md).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/cursor.h"
#include "api/query_json.h"

namespace clew::api {

struct SearchCall {
  query::Request request;
  Cursor cursor;       // of this answer's beginning
  bool bytes = false;  // texts that are no UTF-8 as they are; without it each such byte is U+FFFD
};

// The request for the rows of a question; `*` is every leaf.
query::Request request_of(explore::Question question);

// The body of a search, with members of docs/operate/http-api.md.
// Errors: kInvalid.
Result<SearchCall> read_search(const ServerParts& parts, const contract::Access& access, std::string_view body);

// Reads `cursor`: what of the question the members are, without it where the answer begins, with it where it goes on.
// `question` is told apart by `members` of the body. Sets page and range of the request. Errors: kInvalid.
Result<Cursor> read_cursor(const ServerParts& parts, const Json& body, std::initializer_list<const char*> members,
                           query::Request& request);
// The cursor of where an answer that began at `from` ended, `rows` later.
Cursor next_cursor(const Cursor& from, const query::Continuation& next, uint64_t rows);

// Writes an answer as NDJSON while it comes.
//
// Threads: the query's.  Lifetime: `search` outlives it.
class RecordWriter final : public query::Receiver {
 public:
  // Takes the next piece; false ends the query.
  using Out = std::function<bool(std::string)>;
  RecordWriter(const SearchCall& search, Out out) : search_(search), out_(std::move(out)) {}

  void registered(uint64_t id) override { id_ = id; }
  Status begin(const std::vector<query::OutputColumn>& schema) override;
  Status rows(const query::RowBatch& batch) override;
  void progress(const query::Progress& progress) override;
  // The last record. Nothing is written for a failure before begin(): the caller answers with its status.
  void finish(const query::Outcome& outcome);
  bool begun() const { return begun_; }

 private:
  Json end_json(const query::Outcome& outcome) const;
  Status flush();

  const SearchCall& search_;
  const Out out_;
  uint64_t id_ = 0;
  std::vector<query::OutputColumn> schema_;
  std::string pending_;
  bool begun_ = false;
};

}  // namespace clew::api
