#include "wire/loki_push.h"

#include <charconv>
#include <deque>
#include <optional>

#include "text/time_format.h"
#include "wire/json_cursor.h"
#include "wire/json_event.h"
#include "wire/keyed_rows.h"
#include "wire/loki_labels.h"
#include "wire/otlp_walk.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kJsonDepthMax = 64;
constexpr size_t kMessagesMax = 5;

// True when a JSON document that is put together again from its fields has exactly these bytes: no blanks between
// tokens, and no escapes but those that must be.
bool comes_back_exactly(std::string_view json) {
  bool inside = false;
  for (size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (!inside) {
      inside = c == '"';
      // NaN and Infinity become texts.
      if (static_cast<unsigned char>(c) <= ' ' || c == 'N' || c == 'I') return false;
      continue;
    }
    inside = c != '"';
    if (c != '\\') continue;
    c = json[++i];
    if (std::string_view("\"\\bfnrt").find(c) != std::string_view::npos) continue;
    if (c != 'u' || json.substr(i + 1, 2) != "00") return false;
    char high = json[i + 3];
    char low = json[i + 4];
    bool lower_case = (low >= '0' && low <= '9') || (low >= 'a' && low <= 'f');
    bool has_short_form = high == '0' && std::string_view("89acd").find(low) != std::string_view::npos;
    if ((high != '0' && high != '1') || !lower_case || (has_short_form && low != 'b')) return false;
    i += 4;
  }
  return true;
}

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return v;
}

struct Entry {
  int64_t unix_nanos = 0;
  std::string_view line;
};

}  // namespace

struct LokiPushDecoder::State {
  KeyedRows rows;
  JsonEventReader json{rows.writer()};
  text::TimeReader times;
  std::vector<SharedValue> shared;
  Pairs metadata;
  std::string time_buffer;
  std::string line_buffer;
  std::string text_buffer;

  Key* message = nullptr;
  const Intake* intake = nullptr;
  Events* events = nullptr;

  Status run(const Intake& in, Events& out, Status (State::*walk)(std::string_view), std::string_view body);
  void begin_stream(const Pairs& labels);
  void take(const Entry& entry);
  void put_line(std::string_view line);
  bool put_json_line(std::string_view line);
  void reject(Reason reason, const std::string& text);

  Status json_streams(std::string_view body);
  void json_stream(JsonCursor& in);
  bool json_labels(JsonCursor in, Pairs& out, std::string& problem);
  void json_entries(JsonCursor in, const std::string& problem);
  void json_entry(JsonCursor& in);
  std::string tuple_entry(JsonCursor& in, Entry& entry);
  std::string object_entry(JsonCursor& in, Entry& entry);
  std::string json_metadata(JsonCursor& in);
  std::string read_time(JsonCursor::Token token, int64_t& unix_nanos);

  Status proto_streams(std::string_view body);
  ProtoProblem proto_stream(std::string_view bytes);
  ProtoProblem proto_entry(std::string_view bytes);
  ProtoProblem proto_metadata(std::string_view bytes);
};

Status LokiPushDecoder::State::run(const Intake& in, Events& out, Status (State::*walk)(std::string_view),
                                   std::string_view body) {
  intake = &in;
  events = &out;
  rows.begin_request();
  rows.select(batch_of(out.batches, in.dataset), in);
  message = rows.key("message");
  CLEW_TRY((this->*walk)(body));
  drop_empty(out.batches);
  return {};
}

void LokiPushDecoder::State::begin_stream(const Pairs& labels) {
  shared.clear();
  for (const auto& [name, value] : labels) shared.push_back({name, Level::kLabel, model::Kind::kString, 0, value});
  rows.share(shared);
}

void LokiPushDecoder::State::reject(Reason reason, const std::string& text) {
  uint64_t number = events->received;
  events->reject({number, reason, "entry " + std::to_string(number) + ": " + text});
}

void LokiPushDecoder::State::take(const Entry& entry) {
  if (!rows.begin_row()) {
    std::string text = too_large_text("entry", events->received);
    events->reject({events->received, Reason::kTooLarge, std::move(text)});
    return;
  }
  put_line(entry.line);
  for (const auto& [name, value] : metadata) rows.put_string(name, Level::kMetadata, value);
  rows.end_row(entry.unix_nanos > 0 ? static_cast<uint64_t>(entry.unix_nanos) : 0);
}

// A line that is one JSON object is its fields; any other is the message and stays whole as `_raw`.
void LokiPushDecoder::State::put_line(std::string_view line) {
  if (!line.empty() && line.front() == '{' && line.size() <= kValueBytesMax && put_json_line(line)) return;
  std::string_view kept = rows.put_string(message, line);
  rows.writer().set_raw(kept);
}

bool LokiPushDecoder::State::put_json_line(std::string_view line) {
  const char* end = line.data() + line.size();
  const char* after = json.read(line.data(), end, Newlines::kBlank);
  rows.find_fields_again();
  if (after == nullptr || scan::blanks<Newlines::kBlank>(after, end) != end) {
    rows.restart_row();
    return false;
  }
  const model::Batch& to = rows.writer().batch();
  const model::Column* raw = to.find(model::kRawField);
  bool has_raw = raw != nullptr && raw->rows_end() > rows.row();
  // Keys that are no UTF-8 are mended, of keys given twice one is left.
  bool mended = to.has_flag(model::Flag::kDuplicateKey) || to.has_flag(model::Flag::kBadUtf8);
  bool exact = !mended && comes_back_exactly(line);
  if (!has_raw && !exact) rows.writer().set_raw(line);
  return true;
}

// JSON

Status LokiPushDecoder::State::json_streams(std::string_view body) {
  CLEW_TRY(check_json(body, kJsonDepthMax));
  JsonCursor in(body);
  if (in.peek() != '{') return Error(Code::kInvalid, "expected a JSON object with streams");
  bool found = false;
  in.enter();
  while (in.more()) {
    if (in.key() != "streams") {
      in.skip();
      continue;
    }
    if (in.peek() != '[') return Error(Code::kInvalid, "streams: expected an array");
    found = true;
    in.enter();
    while (in.more()) {
      if (in.peek() != '{') return Error(Code::kInvalid, "streams: expected objects");
      json_stream(in);
    }
  }
  if (!found) return Error(Code::kInvalid, "the object has no streams");
  return {};
}

// The labels may stand behind the entries.
void LokiPushDecoder::State::json_stream(JsonCursor& in) {
  std::optional<JsonCursor> labels;
  std::optional<JsonCursor> entries;
  in.enter();
  while (in.more()) {
    std::string_view key = in.key();
    if (key == "stream" || key == "labels") labels = in;
    if (key == "values" || key == "entries") entries = in;
    in.skip();
  }
  if (!entries) return;
  Pairs pairs;
  std::string problem;
  if (labels && !json_labels(*labels, pairs, problem)) pairs.clear();
  begin_stream(pairs);
  json_entries(*entries, problem);
}

bool LokiPushDecoder::State::json_labels(JsonCursor in, Pairs& out, std::string& problem) {
  if (in.peek() == '"') {
    Result<Pairs> parsed = parse_loki_labels(in.token(text_buffer).text);
    if (parsed.ok())
      out = std::move(*parsed);
    else
      problem = parsed.error().message();
    return problem.empty();
  }
  if (in.peek() != '{') {
    problem = "stream: expected an object of labels";
    return false;
  }
  in.enter();
  while (in.more()) {
    std::string name(in.key());
    if (!in.is_scalar()) {
      problem = "stream: expected a text as the value of " + quoted(name);
      return false;
    }
    if (name.find('\\') != std::string::npos) {
      std::string plain;
      (void)append_unescaped(name, plain);
      name = std::move(plain);
    }
    out.emplace_back(std::move(name), std::string(in.token(text_buffer).text));
  }
  return true;
}

// With a problem of the stream its entries are only counted.
void LokiPushDecoder::State::json_entries(JsonCursor in, const std::string& problem) {
  if (in.peek() != '[') {
    ++events->received;
    reject(Reason::kSyntax, "values: expected an array");
    return;
  }
  in.enter();
  while (in.more()) {
    ++events->received;
    if (problem.empty()) {
      json_entry(in);
    } else {
      in.skip();
      reject(Reason::kSyntax, problem);
    }
  }
}

void LokiPushDecoder::State::json_entry(JsonCursor& in) {
  Entry entry;
  metadata.clear();
  JsonCursor after = in;
  after.skip();
  std::string problem = "expected [time, line]";
  if (in.peek() == '[')
    problem = tuple_entry(in, entry);
  else if (in.peek() == '{')
    problem = object_entry(in, entry);
  in = after;
  if (problem.empty())
    take(entry);
  else
    reject(Reason::kSyntax, problem);
}

std::string LokiPushDecoder::State::tuple_entry(JsonCursor& in, Entry& entry) {
  in.enter();
  if (!in.more() || !in.is_scalar()) return "expected a time in nanoseconds";
  std::string problem = read_time(in.token(time_buffer), entry.unix_nanos);
  if (!problem.empty()) return problem;
  if (!in.more() || in.peek() != '"') return "expected the line as a text";
  entry.line = in.token(line_buffer).text;
  return in.more() ? json_metadata(in) : "";
}

// The form before version 1 of the API: {"ts": "RFC 3339", "line": "..."}.
std::string LokiPushDecoder::State::object_entry(JsonCursor& in, Entry& entry) {
  bool has_line = false;
  in.enter();
  while (in.more()) {
    std::string_view key = in.key();
    if (key == "ts" && in.is_scalar()) {
      std::string problem = read_time(in.token(time_buffer), entry.unix_nanos);
      if (!problem.empty()) return problem;
    } else if (key == "line" && in.peek() == '"') {
      entry.line = in.token(line_buffer).text;
      has_line = true;
    } else if (key == "structuredMetadata" || key == "structured_metadata") {
      std::string problem = json_metadata(in);
      if (!problem.empty()) return problem;
    } else {
      in.skip();
    }
  }
  return has_line ? "" : "expected the line as a text";
}

std::string LokiPushDecoder::State::json_metadata(JsonCursor& in) {
  if (in.peek() == 'n') {
    in.skip();
    return "";
  }
  if (in.peek() != '{') return "structured metadata: expected an object";
  in.enter();
  while (in.more()) {
    std::string name(in.key());
    if (!in.is_scalar()) return "structured metadata: expected a text as the value of " + quoted(name);
    metadata.emplace_back(std::move(name), std::string(in.token(text_buffer).text));
  }
  return "";
}

std::string LokiPushDecoder::State::read_time(JsonCursor::Token token, int64_t& unix_nanos) {
  if (std::optional<int64_t> nanos = whole_number(token.text)) {
    unix_nanos = *nanos;
    return "";
  }
  std::optional<text::Time> time;
  if (token.quoted) time = times.parse(token.text, {intake->zone, intake->arrival.get()});
  if (!time || time->out_of_range) return "expected a time in nanoseconds, found " + quoted(token.text);
  unix_nanos = time->unix_nanos;
  return "";
}

// Protobuf

Status LokiPushDecoder::State::proto_streams(std::string_view body) {
  ProtoProblem problem;
  ProtoReader frames(body);
  while (uint32_t tag = frames.next()) frames.skip(tag);
  if (frames.failed()) problem = {"malformed protobuf", frames.position()};
  for (ProtoReader in(body); !problem && in.find(proto_tag(1, WireType::kBytes));) problem = proto_stream(in.bytes());
  if (!problem) return {};
  return Error(Code::kInvalid, std::string(problem.text) + " at byte " + std::to_string(problem.at - body.data()));
}

ProtoProblem LokiPushDecoder::State::proto_stream(std::string_view bytes) {
  std::string_view labels;
  ProtoReader frames(bytes);
  while (uint32_t tag = frames.next()) {
    if (tag == proto_tag(1, WireType::kBytes))
      labels = frames.bytes();
    else
      frames.skip(tag);
  }
  if (frames.failed()) return {"malformed protobuf", frames.position()};
  Result<Pairs> pairs = labels.empty() ? Result<Pairs>(Pairs()) : parse_loki_labels(labels);
  if (pairs.ok()) begin_stream(*pairs);
  for (ProtoReader in(bytes); in.find(proto_tag(2, WireType::kBytes));) {
    std::string_view entry = in.bytes();
    ++events->received;
    if (!pairs.ok()) {
      reject(Reason::kSyntax, pairs.error().message());
    } else if (ProtoProblem p = proto_entry(entry)) {
      reject(Reason::kSyntax, p.text);
    }
  }
  return {};
}

ProtoProblem LokiPushDecoder::State::proto_entry(std::string_view bytes) {
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr int64_t kSecondsMax = INT64_MAX / kSecond - 1;
  int64_t seconds = 0;
  int64_t nanos = 0;
  Entry entry;
  std::string_view time;
  metadata.clear();
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == proto_tag(1, WireType::kBytes)) {
      time = in.bytes();
    } else if (tag == proto_tag(2, WireType::kBytes)) {
      entry.line = in.bytes();
    } else if (tag == proto_tag(3, WireType::kBytes)) {
      if (ProtoProblem p = proto_metadata(in.bytes())) return p;
    } else {
      in.skip(tag);
    }
  }
  ProtoReader stamp(time);
  while (uint32_t tag = stamp.next()) {
    if (tag == proto_tag(1, WireType::kVarint))
      seconds = static_cast<int64_t>(stamp.varint());
    else if (tag == proto_tag(2, WireType::kVarint))
      nanos = static_cast<int64_t>(stamp.varint());
    else
      stamp.skip(tag);
  }
  if (in.failed() || stamp.failed()) return {"malformed protobuf", in.position()};
  bool likely = seconds >= 0 && seconds <= kSecondsMax && nanos >= 0 && nanos < kSecond;
  if (!likely) return {"a time that cannot be", in.position()};
  entry.unix_nanos = seconds * kSecond + nanos;
  take(entry);
  return {};
}

ProtoProblem LokiPushDecoder::State::proto_metadata(std::string_view bytes) {
  std::pair<std::string, std::string> pair;
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == proto_tag(1, WireType::kBytes))
      pair.first = in.bytes();
    else if (tag == proto_tag(2, WireType::kBytes))
      pair.second = in.bytes();
    else
      in.skip(tag);
  }
  if (in.failed()) return {"malformed protobuf", in.position()};
  metadata.push_back(std::move(pair));
  return {};
}

LokiPushDecoder::LokiPushDecoder() : state_(std::make_unique<State>()) {}
LokiPushDecoder::~LokiPushDecoder() = default;

Result<Events> LokiPushDecoder::decode_json(std::string_view body, const Intake& intake) {
  Events events;
  CLEW_TRY(state_->run(intake, events, &State::json_streams, body));
  return events;
}

Result<Events> LokiPushDecoder::decode_protobuf(std::string_view body, const Intake& intake) {
  Events events;
  CLEW_TRY(state_->run(intake, events, &State::proto_streams, body));
  return events;
}

std::string loki_reply(const Events& events) {
  if (events.rejected == 0) return "";
  std::string out = std::to_string(events.rejected) + " of " + std::to_string(events.received) + " entries rejected\n";
  for (size_t i = 0; i < events.rejections.size() && i < kMessagesMax; ++i) out += events.rejections[i].message + "\n";
  return out;
}

}  // namespace clew::wire
