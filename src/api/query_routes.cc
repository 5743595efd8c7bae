// Questions: OpenSearch's _plugins/_ppl, answered whole, and /clew/v1/search, streamed.
#include <stop_token>

#include "api/json_body.h"
#include "api/query_json.h"
#include "api/routes.h"
#include "api/search_records.h"
#include "query/encode.h"
#include "text/valid_utf8.h"

namespace clew::api {
namespace {

constexpr uint64_t kRowsMax = UINT64_MAX;

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
  out.request.limits = parts.settings.now().query_limits;
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

void answer_ppl_failure(const CallPtr& call, const query::Failure& failure) {
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
  answer_ppl_failure(call, failure);
}

void ask_ppl(ServerParts& parts, const CallPtr& call) {
  Result<PplCall> read = read_ppl(parts, call, false);
  if (!read.ok()) return answer_bad_ppl(call, read.error());
  auto stop = stop_when_gone(call);
  std::unique_ptr<query::BodyReceiver> receiver = query::make_body_receiver(read->format, read->options);
  query::Outcome outcome = parts.engine.run(read->request, *receiver, stop->get_token());
  if (outcome.failure) return answer_ppl_failure(call, *outcome.failure);
  net::Response response{.content_type = std::string(query::format_content_type(read->format)),
                         .headers = {{"Clew-Answer", outcome.exactness.text()}},
                         .body = text::valid_utf8(receiver->body())};
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
  if (outcome.failure) return answer_ppl_failure(call, *outcome.failure);
  Json body = {{"calcite", {{"logical", receiver.text()}, {"physical", receiver.text()}}}};
  call->exchange->answer({.content_type = "application/json; charset=UTF-8", .headers = {}, .body = dump_json(body)});
}

// --- /clew/v1/search -------------------------------------------------------------------------------------------------

// Nothing is sent before the schema is known, so that a query that is wrong answers with its status.
void search(ServerParts& parts, const CallPtr& call) {
  Result<SearchCall> read = read_search(parts, call->access, call->request().body);
  if (!read.ok()) return answer_error(*call, ErrorShape::kClew, read.error());
  auto stop = stop_when_gone(call);
  bool begun = false;
  RecordWriter writer(*read, [&call, &begun](std::string piece) {
    if (begun) return call->exchange->stream_write(std::move(piece));
    begun = true;
    call->exchange->begin_stream({.content_type = "application/x-ndjson", .headers = {}, .body = std::move(piece)});
    return true;
  });
  query::Outcome outcome = parts.engine.run(read->request, writer, stop->get_token());
  if (!writer.begun() && outcome.failure) {
    return call->exchange->answer({.status = query::failure_status(outcome.failure->kind),
                                   .content_type = "application/x-ndjson",
                                   .headers = {},
                                   .body = dump_json(failure_json(*outcome.failure)) + "\n"});
  }
  writer.finish(outcome);
  call->exchange->stream_end();
}

// The plan, a line each; with `analyze` the query runs and says what each stage cost.
void explain(ServerParts& parts, const CallPtr& call) {
  Result<Json> body = parse_object(call->request().body, {"query", "from", "to", "since", "timeout_ms", "analyze"});
  if (!body.ok()) return answer_error(*call, ErrorShape::kClew, body.error());
  Result<explore::Question> question = read_question(parts, call->access, *body);
  if (!question.ok()) return answer_error(*call, ErrorShape::kClew, question.error());
  Result<bool> analyze = bool_member(*body, "analyze", false);
  if (!analyze.ok()) return answer_error(*call, ErrorShape::kClew, analyze.error());
  auto stop = stop_when_gone(call);
  question->stop = stop->get_token();
  const std::string text = (*analyze ? "explain analyze " : "explain ") + question->query;
  explore::Table table;
  explore::Cost cost;
  if (auto failure = explore::run(parts.engine, *question, text, table, cost)) return answer_failure(call, *failure);
  Json lines = Json::array();
  for (size_t row = 0; row < table.rows_count(); ++row) lines.push_back(value_json(table.at(row, 0)));
  answer_json(call, {{"plan", std::move(lines)}});
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
  Handler ppl_plan = [p](CallPtr call) { explain_ppl(*p, call); };
  auto route = [](const char* pattern, ErrorShape shape, Handler handler) {
    return Route{"POST", pattern, Need::kRead, Place::kPool, shape, std::move(handler)};
  };
  return {
      route("/_plugins/_ppl", ErrorShape::kPpl, ppl),
      route("/_plugins/_ppl/_explain", ErrorShape::kPpl, ppl_plan),
      route("/clew/v1/search", ErrorShape::kClew, [p](CallPtr call) { search(*p, call); }),
      route("/clew/v1/explain", ErrorShape::kClew, [p](CallPtr call) { explain(*p, call); }),
      route("/clew/v1/check", ErrorShape::kClew, [p](CallPtr call) { check(*p, call); }),
  };
}

}  // namespace clew::api
