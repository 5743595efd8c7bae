// Every row of an answer as a file: NDJSON or CSV, without a limit of rows or time, to be gone on with when
// interrupted.
#include <atomic>

#include <fmt/format.h>

#include "api/export_writer.h"
#include "api/query_json.h"
#include "api/routes.h"
#include "api/search_records.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;
constexpr uint32_t kExportsMax = 2;  // at a time; each holds a thread of the queries' pool for as long as it takes
constexpr size_t kColumnsMax = 100'000;

Result<Json> parse_members(std::string_view text) {
  return parse_object(text, {"query", "from", "to", "since", "order", "raw", "format", "columns", "ids", "bytes",
                             "sanitize", "marks", "trailer", "cursor"});
}

// The members of a body, or the parameters of an address, which are texts.
Result<Json> asked_json(const net::Request& request) {
  if (request.method == "POST") return parse_members(request.body);
  Json out = Json::object();
  for (const auto& [name, value] : request.query) {
    bool truth = value == "true" || value == "false";
    if (name == "columns") {
      out[name].push_back(value);
    } else {
      out[name] = truth && name != "query" ? Json(value == "true") : Json(value);
    }
  }
  return parse_members(dump_json(out));
}

Status read_format(const Json& body, ExportCall& out) {
  std::optional<std::string> format = CLEW_TRY(text_member(body, "format"));
  if (format && *format != "ndjson" && *format != "csv") {
    return Error(Code::kInvalid, "format: expected ndjson or csv, not " + clew::quoted(*format));
  }
  out.format = format && *format == "csv" ? ExportFormat::kCsv : ExportFormat::kNdjson;
  return {};
}

Status read_columns(const Json& body, ExportCall& out) {
  auto found = body.find("columns");
  if (found == body.end() || found->is_null()) return {};
  if (out.format != ExportFormat::kCsv) {
    return Error(Code::kInvalid, "columns: they are of format csv; of ndjson | fields chooses");
  }
  if (!found->is_array() || found->size() > kColumnsMax)
    return Error(Code::kInvalid, "columns: expected names in a list");
  for (const Json& one : *found) {
    if (!one.is_string()) return Error(Code::kInvalid, "columns: expected names in a list");
    out.columns.push_back(one.get<std::string>());
  }
  return {};
}

Result<ExportCall> read_export(const ServerParts& parts, const CallPtr& call) {
  Json body = CLEW_TRY(asked_json(call->request()));
  explore::Question question = CLEW_TRY(read_question(parts, call->access, body));
  ExportCall out;
  query::Request& request = out.request;
  request = request_of(std::move(question));
  request.limits.rows = 0;
  request.limits.millis = 0;
  std::optional<std::string> order = CLEW_TRY(text_member(body, "order"));
  if (order && *order != "newest" && *order != "oldest") {
    return Error(Code::kInvalid, "order: expected newest or oldest");
  }
  request.newest_first = order && *order == "newest";
  request.raw = CLEW_TRY(bool_member(body, "raw", false));
  request.ids = CLEW_TRY(bool_member(body, "ids", false));
  out.bytes = CLEW_TRY(bool_member(body, "bytes", false));
  out.sanitize = CLEW_TRY(bool_member(body, "sanitize", true));
  out.marks = CLEW_TRY(bool_member(body, "marks", false));
  out.trailer = CLEW_TRY(bool_member(body, "trailer", true));
  CLEW_TRY(read_format(body, out));
  CLEW_TRY(read_columns(body, out));
  std::optional<std::string> cursor = CLEW_TRY(text_member(body, "cursor"));
  out.resumed = cursor && !cursor->empty();
  out.cursor =
      CLEW_TRY(read_cursor(parts, body, {"query", "from", "to", "since", "order", "raw", "ids", "format"}, request));
  return out;
}

class Exports {
 public:
  explicit Exports(ServerParts& parts) : parts_(parts) {}

  void run(const CallPtr& call) {
    Result<ExportCall> read = read_export(parts_, call);
    if (!read.ok()) return answer_error(*call, kShape, read.error());
    Turn turn(running_);
    if (!turn.taken()) {
      return answer_error(*call, kShape,
                          Error(Code::kOverloaded, fmt::format("{} exports run already, try again", kExportsMax)));
    }
    answer(call, *read);
  }

 private:
  // One of the exports that may run at a time.
  class Turn {
   public:
    explicit Turn(std::atomic<uint32_t>& running) : running_(running), taken_(running.fetch_add(1) < kExportsMax) {}
    ~Turn() { running_.fetch_sub(1); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    bool taken() const { return taken_; }

   private:
    std::atomic<uint32_t>& running_;
    const bool taken_;
  };

  static net::Response head_of(const ExportCall& asked) {
    bool csv = asked.format == ExportFormat::kCsv;
    const char* name = csv ? "clew-export.csv" : "clew-export.ndjson";
    return {.content_type = csv ? "text/csv; charset=UTF-8" : "application/x-ndjson",
            .headers = {{"Content-Disposition", fmt::format("attachment; filename=\"{}\"", name)}},
            .body = {}};
  }

  void answer(const CallPtr& call, const ExportCall& asked) {
    auto stop = stop_when_gone(call);
    bool begun = false;
    ExportWriter writer(asked, parts_.clock, [&](std::string piece) {
      if (begun) return call->exchange->stream_write(std::move(piece));
      begun = true;
      net::Response head = head_of(asked);
      head.body = std::move(piece);
      call->exchange->begin_stream(std::move(head));
      return true;
    });
    query::Outcome outcome = parts_.engine.run(asked.request, writer, stop->get_token());
    if (!writer.begun()) {
      if (!writer.refused().ok()) return answer_error(*call, kShape, writer.refused().error());
      return answer_failure(call, *outcome.failure);
    }
    writer.finish(outcome);
    call->exchange->stream_end();
  }

  ServerParts& parts_;
  std::atomic<uint32_t> running_{0};
};

}  // namespace

std::vector<Route> export_routes(ServerParts& parts) {
  auto exports = std::make_shared<Exports>(parts);
  auto route = [exports](const char* method) {
    return Route{
        method, "/clew/v1/export", Need::kRead, Place::kPool, kShape, [exports](CallPtr call) { exports->run(call); }};
  };
  return {route("GET"), route("POST")};
}

}  // namespace clew::api
