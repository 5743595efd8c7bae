#include "api/search_records.h"

#include "base/hash.h"
#include "query/encode.h"
#include "text/valid_utf8.h"

namespace clew::api {
namespace {

constexpr size_t kPieceBytes = 32u << 10;  // rows are handed on in pieces of about this
constexpr uint64_t kRowsMax = UINT64_MAX;

Status read_order(const Json& body, query::Request& request) {
  std::optional<std::string> order = CLEW_TRY(text_member(body, "order"));
  if (order && *order != "newest" && *order != "oldest")
    return Error(Code::kInvalid, "order: expected newest or oldest");
  request.newest_first = !order || *order == "newest";
  return {};
}

}  // namespace

query::Request request_of(explore::Question question) {
  query::Request request;
  request.text = std::move(question.query);
  request.access = std::move(question.access);
  request.leaves = true;
  request.limits = question.limits;
  request.range = question.range;
  return request;
}

Result<SearchCall> read_search(const ServerParts& parts, const contract::Access& access, std::string_view text) {
  Json body = CLEW_TRY(parse_object(
      text, {"query", "from", "to", "since", "limit", "timeout_ms", "order", "raw", "bytes", "ids", "cursor"}));
  explore::Question question = CLEW_TRY(read_question(parts, access, body));
  SearchCall out;
  query::Request& request = out.request;
  request = request_of(std::move(question));
  std::optional<uint64_t> limit = CLEW_TRY(number_member(body, "limit", kRowsMax));
  if (limit) request.limits.rows = *limit;
  CLEW_TRY(read_order(body, request));
  request.raw = CLEW_TRY(bool_member(body, "raw", false));
  request.ids = CLEW_TRY(bool_member(body, "ids", false));
  out.bytes = CLEW_TRY(bool_member(body, "bytes", false));
  out.cursor = CLEW_TRY(read_cursor(parts, body, {"query", "from", "to", "since", "order", "raw"}, request));
  return out;
}

Result<Cursor> read_cursor(const ServerParts& parts, const Json& body, std::initializer_list<const char*> members,
                           query::Request& request) {
  uint64_t question = base::hash64(request.access.tenant.get());
  for (const char* name : members) {
    auto found = body.find(name);
    bool there = found != body.end() && !found->is_null();
    question = base::hash_mix(question, there ? base::hash64(dump_json(*found)) : 0);
  }
  Cursor cursor;
  cursor.question = question;
  cursor.range = request.range;
  cursor.page.now_nanos = parts.clock.now().get();
  std::optional<std::string> text = CLEW_TRY(text_member(body, "cursor"));
  if (text && !text->empty()) cursor = CLEW_TRY(Cursor::parse(*text, question));
  request.range = cursor.range;
  request.page = cursor.page;
  request.page->required = text.has_value();
  return cursor;
}

Cursor next_cursor(const Cursor& from, const query::Continuation& next, uint64_t rows) {
  Cursor out = from;
  out.page.up_to = next.up_to;
  out.page.after = next.after;
  out.page.rows_before += rows;
  return out;
}

Status RecordWriter::begin(const std::vector<query::OutputColumn>& schema) {
  schema_ = schema;
  Json columns = Json::array();
  for (const query::OutputColumn& column : schema) {
    columns.push_back({{"name", column.name}, {"type", std::string(model::type_name(column.type))}});
  }
  begun_ = true;
  bool taken = out_(dump_json({{"schema", std::move(columns)}, {"query_id", id_}}) + "\n");
  if (!taken) return Error(Code::kCancelled, "nobody takes the answer");
  return {};
}

Status RecordWriter::rows(const query::RowBatch& batch) {
  for (uint32_t row = 0; row < batch.rows; ++row) {
    pending_ += "{\"row\":";
    query::append_json_row(schema_, batch, row, pending_);
    pending_ += "}\n";
    if (pending_.size() >= kPieceBytes) CLEW_TRY(flush());
  }
  return flush();
}

void RecordWriter::progress(const query::Progress& progress) {
  if (!begun_) return;
  Json record = {{"progress",
                  {{"granules_done", progress.granules_done},
                   {"granules_total", progress.granules_total},
                   {"rows_scanned", progress.rows_scanned},
                   {"rows_matched", progress.rows_matched}}}};
  (void)out_(dump_json(record) + "\n");
}

Json RecordWriter::end_json(const query::Outcome& outcome) const {
  Json end = {{"answer", outcome.exactness.text()},
              {"rows", outcome.stats.rows_returned},
              {"warnings", outcome.warnings},
              {"stats", stats_json(outcome.stats)}};
  if (outcome.next) end["cursor"] = next_cursor(search_.cursor, *outcome.next, outcome.stats.rows_returned).text();
  return {{"end", std::move(end)}};
}

void RecordWriter::finish(const query::Outcome& outcome) {
  if (!begun_ && outcome.failure) return;
  if (!begun_) (void)begin({});
  (void)out_(dump_json(outcome.failure ? failure_json(*outcome.failure) : end_json(outcome)) + "\n");
}

Status RecordWriter::flush() {
  if (pending_.empty()) return {};
  if (!search_.bytes) pending_ = text::valid_utf8(std::move(pending_));
  bool taken = out_(std::move(pending_));
  pending_.clear();
  if (!taken) return Error(Code::kCancelled, "the client has gone");
  return {};
}

}  // namespace clew::api
