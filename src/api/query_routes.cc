// Questions: OpenSearch's _plugins/_ppl, answered whole, and /clew/v1/search, streamed.
#include <stop_token>

#include "api/json_body.h"
#include "api/routes.h"
#include "query/encode.h"

namespace clew::api {
namespace {

constexpr size_t kStreamPieceBytes = 32u << 10;  // rows are sent in pieces of about this
constexpr uint64_t kTimeoutMillisMax = 3'600'000;
constexpr uint64_t kRowsMax = UINT64_MAX;

// Stops a query when its client goes away.
std::shared_ptr<std::stop_source> stop_when_gone(const CallPtr& call) {
  auto stop = std::make_shared<std::stop_source>();
  call->exchange->on_disconnect([stop] { stop->request_stop(); });
  return stop;
}

// --- _plugins/_ppl ---------------------------------------------------------------------------------------------------

struct PplCall {
  query::Request request;
  query::Format format = query::Format::kJdbc;
  query::EncodeOptions options;
};

Result<PplCall> read_ppl(const ServerParts& parts, const CallPtr& call, bool explain) {
  const net::Request& http = call->request();
  Json body = CLEW_TRY(parse_object(http.body, {"query", "fetch_size", "highlight", "profile", "analyze", "queryId",
                                                "mode", "parameters", "cursor", "filter"}));
  std::optional<std::string> text = CLEW_TRY(text_member(body, "query"));
  if (!text) return Error(Code::kInvalid, "the body has no member \"query\"");
  PplCall out;
  out.request.text = (explain ? "explain " : "") + *text;
  out.request.access = call->access;
  out.request.limits = parts.query_limits;
  std::optional<uint64_t> fetch_size = CLEW_TRY(number_member(body, "fetch_size", kRowsMax));
  if (!fetch_size && http.has_param("fetch_size")) {
    Json number = {{"fetch_size", Json::parse(std::string(http.param("fetch_size")), nullptr, false)}};
    fetch_size = CLEW_TRY(number_member(number, "fetch_size", kRowsMax));
  }
  if (fetch_size && *fetch_size > 0) out.request.limits.rows = std::min(out.request.limits.rows, *fetch_size);
  std::string format(http.param("format"));
  if (!format.empty() && !explain) {
    std::optional<query::Format> known = query::format_of_name(format);
    if (!known) return Error(Code::kInvalid, "format " + clew::quoted(format) + " is not known: jdbc, csv, raw, viz");
    out.format = *known;
  }
  out.options.sanitize = http.param("sanitize") != "false";
  out.options.pretty = http.has_param("pretty") && http.param("pretty") != "false";
  return out;
}

void answer_failure(const CallPtr& call, const query::Failure& failure) {
  call->exchange->answer({.status = query::failure_status(failure.kind),
                          .content_type = "application/json; charset=UTF-8",
                          .headers = {},
                          .body = query::failure_body(failure)});
}

// A request that is no query at all, in the words of the same protocol.
void answer_bad_ppl(const CallPtr& call, const Error& error) {
  query::Failure failure;
  failure.kind = query::FailureKind::kSemantic;
  failure.reason = error.message();
  answer_failure(call, failure);
}

void ask_ppl(ServerParts& parts, const CallPtr& call) {
  Result<PplCall> read = read_ppl(parts, call, false);
  if (!read.ok()) return answer_bad_ppl(call, read.error());
  auto stop = stop_when_gone(call);
  std::unique_ptr<query::BodyReceiver> receiver = query::make_body_receiver(read->format, read->options);
  query::Outcome outcome = parts.engine.run(read->request, *receiver, stop->get_token());
  if (outcome.failure) return answer_failure(call, *outcome.failure);
  net::Response response{.content_type = std::string(query::format_content_type(read->format)),
                         .headers = {{"Clew-Answer", outcome.exactness.text()}},
                         .body = receiver->body()};
  for (const std::string& warning : outcome.warnings) response.headers.emplace_back("Clew-Warning", warning);
  call->exchange->answer(std::move(response));
}

// Takes the lines of a plan: the first column of the answer.
class PlanReceiver final : public query::Receiver {
 public:
  Status begin(const std::vector<query::OutputColumn>&) override { return {}; }
  Status rows(const query::RowBatch& batch) override {
    for (uint32_t row = 0; row < batch.rows && !batch.columns.empty(); ++row) {
      query::append_text(batch.columns[0]->value(row), text_);
      text_ += '\n';
    }
    return {};
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void explain_ppl(ServerParts& parts, const CallPtr& call) {
  Result<PplCall> read = read_ppl(parts, call, true);
  if (!read.ok()) return answer_bad_ppl(call, read.error());
  PlanReceiver receiver;
  query::Outcome outcome = parts.engine.run(read->request, receiver, stop_when_gone(call)->get_token());
  if (outcome.failure) return answer_failure(call, *outcome.failure);
  Json body = {{"calcite", {{"logical", receiver.text()}, {"physical", receiver.text()}}}};
  call->exchange->answer({.content_type = "application/json; charset=UTF-8", .headers = {}, .body = dump_json(body)});
}

// --- /clew/v1/search -------------------------------------------------------------------------------------------------

Json failure_json(const query::Failure& failure) {
  return {{"error",
           {{"code", std::string(query::failure_code(failure.kind))},
            {"reason", failure.reason},
            {"line", failure.line},
            {"column", failure.column},
            {"length", failure.length},
            {"suggestions", failure.suggestions},
            {"status", query::failure_status(failure.kind)}}}};
}

Json stats_json(const query::QueryStats& stats) {
  Json stages = Json::array();
  for (const query::StageStats& stage : stats.stages) {
    stages.push_back({{"name", stage.name},
                      {"rows_in", stage.rows_in},
                      {"rows_out", stage.rows_out},
                      {"ms", static_cast<double>(stage.nanos) / 1e6}});
  }
  return {{"rows_scanned", stats.rows_scanned},
          {"rows_matched", stats.rows_matched},
          {"rows_returned", stats.rows_returned},
          {"granules_total", stats.granules_total},
          {"granules_read", stats.granules_read},
          {"granules_pruned_by_time", stats.granules_pruned_by_time},
          {"granules_pruned_by_stats", stats.granules_pruned_by_stats},
          {"granules_pruned_by_index", stats.granules_pruned_by_index},
          {"granules_from_counts", stats.granules_from_counts},
          {"bytes_read", stats.bytes_read},
          {"index_reads", stats.index_reads},
          {"column_reads", stats.column_reads},
          {"blocks_decoded", stats.blocks_decoded},
          {"memory_bytes_peak", stats.memory_bytes_peak},
          {"ms", static_cast<double>(stats.nanos) / 1e6},
          {"stages", std::move(stages)}};
}

// Writes the answer as NDJSON while it comes. Nothing is sent before the schema is known, so that a query that is wrong
// answers with its status.
class StreamReceiver final : public query::Receiver {
 public:
  explicit StreamReceiver(CallPtr call) : call_(std::move(call)) {}

  Status begin(const std::vector<query::OutputColumn>& schema) override {
    schema_ = schema;
    Json columns = Json::array();
    for (const query::OutputColumn& column : schema) {
      columns.push_back({{"name", column.name}, {"type", std::string(model::type_name(column.type))}});
    }
    begun_ = true;
    call_->exchange->begin_stream({.content_type = "application/x-ndjson",
                                   .headers = {},
                                   .body = dump_json({{"schema", std::move(columns)}}) + "\n"});
    return {};
  }
  Status rows(const query::RowBatch& batch) override {
    for (uint32_t row = 0; row < batch.rows; ++row) {
      pending_ += "{\"row\":";
      query::append_json_row(schema_, batch, row, pending_);
      pending_ += "}\n";
      if (pending_.size() >= kStreamPieceBytes) CLEW_TRY(flush());
    }
    return flush();
  }
  void progress(const query::Progress& progress) override {
    if (!begun_) return;
    Json record = {{"progress",
                    {{"granules_done", progress.granules_done},
                     {"granules_total", progress.granules_total},
                     {"rows_scanned", progress.rows_scanned},
                     {"rows_matched", progress.rows_matched}}}};
    call_->exchange->stream_write(dump_json(record) + "\n");
  }
  void finish(const query::Outcome& outcome) {
    if (outcome.failure && !begun_) {
      return call_->exchange->answer({.status = query::failure_status(outcome.failure->kind),
                                      .content_type = "application/x-ndjson",
                                      .headers = {},
                                      .body = dump_json(failure_json(*outcome.failure)) + "\n"});
    }
    Json last = outcome.failure ? failure_json(*outcome.failure)
                                : Json{{"end",
                                        {{"answer", outcome.exactness.text()},
                                         {"rows", outcome.stats.rows_returned},
                                         {"warnings", outcome.warnings},
                                         {"stats", stats_json(outcome.stats)}}}};
    if (!begun_) (void)begin({});
    call_->exchange->stream_write(dump_json(last) + "\n");
    call_->exchange->stream_end();
  }

 private:
  Status flush() {
    if (pending_.empty()) return {};
    bool taken = call_->exchange->stream_write(std::move(pending_));
    pending_.clear();
    if (!taken) return Error(Code::kCancelled, "the client has gone");
    return {};
  }

  CallPtr call_;
  std::vector<query::OutputColumn> schema_;
  std::string pending_;
  bool begun_ = false;
};

Result<query::Request> read_search(const ServerParts& parts, const CallPtr& call) {
  Json body = CLEW_TRY(
      parse_object(call->request().body, {"query", "from", "to", "since", "limit", "timeout_ms", "order", "raw"}));
  std::optional<std::string> text = CLEW_TRY(text_member(body, "query"));
  query::Request request;
  request.text = text.value_or("");
  request.access = call->access;
  request.leaves = true;
  request.limits = parts.query_limits;
  request.range = CLEW_TRY(range_members(body, parts.clock));
  std::optional<uint64_t> limit = CLEW_TRY(number_member(body, "limit", kRowsMax));
  if (limit) request.limits.rows = *limit;
  std::optional<uint64_t> timeout_ms = CLEW_TRY(number_member(body, "timeout_ms", kTimeoutMillisMax));
  if (timeout_ms) request.limits.millis = *timeout_ms;
  std::optional<std::string> order = CLEW_TRY(text_member(body, "order"));
  if (order && *order != "newest" && *order != "oldest")
    return Error(Code::kInvalid, "order: expected newest or oldest");
  request.newest_first = !order || *order == "newest";
  request.raw = CLEW_TRY(bool_member(body, "raw", false));
  return request;
}

void search(ServerParts& parts, const CallPtr& call) {
  Result<query::Request> request = read_search(parts, call);
  if (!request.ok()) return answer_error(*call, ErrorShape::kClew, request.error());
  auto stop = stop_when_gone(call);
  StreamReceiver receiver(call);
  receiver.finish(parts.engine.run(*request, receiver, stop->get_token()));
}

void check(ServerParts& parts, const CallPtr& call) {
  Result<Json> body = parse_object(call->request().body, {"query"});
  if (!body.ok()) return answer_error(*call, ErrorShape::kClew, body.error());
  Result<std::optional<std::string>> text = text_member(*body, "query");
  if (!text.ok()) return answer_error(*call, ErrorShape::kClew, text.error());
  std::optional<query::Failure> failure = parts.engine.check(text->value_or(""));
  if (!failure) return call->exchange->answer({.headers = {}, .body = "{\"ok\":true}\n"});
  call->exchange->answer({.status = query::failure_status(failure->kind),
                          .headers = {},
                          .body = dump_json(failure_json(*failure)) + "\n"});
}

}  // namespace

std::vector<Route> query_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  Handler ppl = [p](CallPtr call) { ask_ppl(*p, call); };
  Handler explain = [p](CallPtr call) { explain_ppl(*p, call); };
  auto route = [](const char* pattern, ErrorShape shape, Handler handler) {
    return Route{"POST", pattern, Need::kRead, Place::kPool, shape, std::move(handler)};
  };
  return {
      route("/_plugins/_ppl", ErrorShape::kPpl, ppl),
      route("/_plugins/_ppl/_explain", ErrorShape::kPpl, explain),
      route("/clew/v1/search", ErrorShape::kClew, [p](CallPtr call) { search(*p, call); }),
      route("/clew/v1/check", ErrorShape::kClew, [p](CallPtr call) { check(*p, call); }),
  };
}

}  // namespace clew::api
