#include "wire/trace_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/jaeger.h"
#include "wire/json_scan.h"
#include "wire/json_to_proto.h"
#include "wire/otlp_json.h"
#include "wire/otlp_logs.h"
#include "wire/otlp_traces.h"
#include "wire/span_rows.h"
#include "wire/zipkin.h"

namespace clew::wire {
namespace {

constexpr int kArraysMax = 2;  // around the first object: Zipkin's /api/v2/traces gives arrays of arrays
constexpr int kKeysMax = 64;   // of the first object that are looked at

// Goes through the beginning of a JSON text that may be cut anywhere.
class Beginning {
 public:
  explicit Beginning(std::string_view sample) : at_(sample.data()), end_(sample.data() + sample.size()) { blanks(); }

  // Passes over `c` and the blanks behind it.
  bool pass(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    blanks();
    return true;
  }
  // A member's name; the value follows.
  std::optional<std::string_view> key() {
    const char* begin = at_ + 1;
    if (at_ == end_ || *at_ != '"') return std::nullopt;
    unsigned seen = 0;
    const char* quote = scan::string_end(begin, end_, seen);
    if (quote == nullptr) return std::nullopt;
    at_ = quote + 1;
    blanks();
    if (!pass(':')) return std::nullopt;
    return std::string_view(begin, static_cast<size_t>(quote - begin));
  }
  // False when the value is cut.
  bool skip() {
    SkipInfo info;
    const char* after = skip_value(at_, end_, Grammar::kIngest, Newlines::kBlank, info);
    if (after == nullptr) return false;
    at_ = after;
    blanks();
    return true;
  }
  bool is_at(char c) const { return at_ != end_ && *at_ == c; }

 private:
  void blanks() { at_ = scan::blanks<Newlines::kBlank>(at_, end_); }

  const char* at_;
  const char* end_;
};

// Which of the names that tell the forms apart the first object has.
struct Seen {
  bool trace = false;  // traceID
  bool ids = false;    // traceId
  bool id = false;
  bool of_zipkin = false;  // members that a line of a log does not have
};

std::optional<TraceFile> detect_object(Beginning& in, int arrays, bool may_wrap);

// Looks at one member, whose value follows.
std::optional<TraceFile> detect_member(std::string_view key, Beginning& in, int arrays, bool may_wrap, Seen& seen) {
  bool list = in.is_at('[');
  if (arrays == 0 && list && (key == "resourceSpans" || key == "resource_spans")) return TraceFile::kOtlp;
  if (arrays == 0 && list && (key == "resourceLogs" || key == "resource_logs")) return TraceFile::kOtlp;
  if (key == "spans" && list && seen.trace) return TraceFile::kJaeger;
  if (key == "data" && may_wrap) {
    Beginning inside = in;
    if (inside.pass('[') && inside.pass('{')) return detect_object(inside, 1, false);
  }
  seen.trace = seen.trace || key == "traceID";
  seen.ids = seen.ids || key == "traceId";
  seen.id = seen.id || key == "id";
  seen.of_zipkin = seen.of_zipkin || key == "localEndpoint" || key == "remoteEndpoint";
  return std::nullopt;
}

// The object's brace has been passed.
std::optional<TraceFile> detect_object(Beginning& in, int arrays, bool may_wrap) {
  Seen seen;
  for (int n = 0; n < kKeysMax; ++n) {
    std::optional<std::string_view> key = in.key();
    if (!key) return std::nullopt;
    if (std::optional<TraceFile> form = detect_member(*key, in, arrays, may_wrap, seen)) return form;
    if (may_wrap && seen.ids && seen.id && seen.of_zipkin && arrays > 0) return TraceFile::kZipkin;
    if (!in.skip() || !in.pass(',')) return std::nullopt;
  }
  return std::nullopt;
}

struct FormName {
  std::string_view name;
  TraceFile form;
};
constexpr FormName kForms[] = {
    {"jaeger-json", TraceFile::kJaeger}, {"zipkin-json", TraceFile::kZipkin}, {"otlp-json", TraceFile::kOtlp}};

void add(Events&& more, Events& events) {
  events.received += more.received;
  events.rejected += more.rejected;
  for (size_t i = 0; i < std::size(more.rejected_by_reason); ++i) {
    events.rejected_by_reason[i] += more.rejected_by_reason[i];
  }
  for (Rejection& r : more.rejections) {
    if (events.rejections.size() < kRejectionsMax) events.rejections.push_back(std::move(r));
  }
  for (model::Batch& batch : more.batches) events.batches.push_back(std::move(batch));
}

}  // namespace

std::string_view trace_file_name(TraceFile form) {
  for (const FormName& f : kForms) {
    if (f.form == form) return f.name;
  }
  return {};
}

std::optional<TraceFile> trace_file_by_name(std::string_view name) {
  for (const FormName& f : kForms) {
    if (f.name == name) return f.form;
  }
  return std::nullopt;
}

std::optional<TraceFile> detect_trace_file(std::string_view sample) {
  Beginning in(sample);
  int arrays = 0;
  while (arrays < kArraysMax && in.pass('[')) ++arrays;
  if (!in.pass('{')) return std::nullopt;
  return detect_object(in, arrays, true);
}

struct TraceFileDecoder::State {
  JaegerDecoder jaeger;
  ZipkinDecoder zipkin;
  OtlpTracesDecoder otlp_traces;
  OtlpLogsDecoder otlp_logs;
  JsonToProto json;

  Result<Events> decode_otlp(std::string_view body, const Intake& intake);
  // Requests of the documents in a body, one behind the other, as one request.
  Result<std::string> join(std::string_view body, const JsonMessage& schema, Events& rejected);
};

Result<std::string> TraceFileDecoder::State::join(std::string_view body, const JsonMessage& schema, Events& rejected) {
  const char* end = body.data() + body.size();
  std::string out;
  for (const char* p = scan::blanks<Newlines::kBlank>(body.data(), end); p != end;) {
    SkipInfo info;
    const char* after = skip_value(p, end, Grammar::kIngest, Newlines::kBlank, info);
    if (after == nullptr)
      return Error(Code::kInvalid, fmt::format("malformed JSON at byte {}", info.error_at - body.data()));
    CLEW_TRY(json.convert({p, static_cast<size_t>(after - p)}, schema));
    out += json.bytes();  // what repeats of two messages is what repeats of both, one behind the other
    json.add_rejections(rejected);
    p = scan::blanks<Newlines::kBlank>(after, end);
  }
  json.release();
  return out;
}

Result<Events> TraceFileDecoder::State::decode_otlp(std::string_view body, const Intake& intake) {
  Events events;
  std::string spans = CLEW_TRY(join(body, otlp_traces_schema(), events));
  std::string logs = CLEW_TRY(join(body, otlp_logs_schema(), events));
  Events traced = CLEW_TRY(otlp_traces.decode_protobuf(spans, intake));
  add(std::move(traced), events);
  Events lines = CLEW_TRY(otlp_logs.decode_protobuf(logs, intake));
  auto is_traces = [](const model::Batch& batch) { return batch.dataset() == kTracesDataset; };
  if (!events.batches.empty() && std::any_of(lines.batches.begin(), lines.batches.end(), is_traces)) {
    return Error(Code::kUnsupported, "spans beside log records that go to the dataset traces: send them apart");
  }
  add(std::move(lines), events);
  return events;
}

TraceFileDecoder::TraceFileDecoder() : state_(std::make_unique<State>()) {}
TraceFileDecoder::~TraceFileDecoder() = default;

Result<Events> TraceFileDecoder::decode(std::string_view body, TraceFile form, const Intake& intake) {
  switch (form) {
    case TraceFile::kJaeger: return state_->jaeger.decode_json(body, intake);
    case TraceFile::kZipkin: return state_->zipkin.decode_json(body, intake);
    case TraceFile::kOtlp: break;
  }
  return state_->decode_otlp(body, intake);
}

}  // namespace clew::wire
