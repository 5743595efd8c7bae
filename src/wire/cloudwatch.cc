#include "wire/cloudwatch.h"

#include <array>
#include <charconv>

#include "wire/envelope_rows.h"
#include "wire/json_cursor.h"

namespace clew::wire {
namespace {

constexpr size_t kMessageDepthMax = 68;
constexpr int64_t kNanosPerMilli = 1'000'000;
constexpr int64_t kMillisMax = INT64_MAX / kNanosPerMilli;

Result<std::string> decode_base64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static const std::array<int8_t, 256> kValues = [] {
    std::array<int8_t, 256> values{};
    values.fill(-1);
    for (size_t i = 0; i < kDigits.size(); ++i) values[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
    return values;
  }();
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    if (c == '\\') continue;  // JSON may escape a slash
    int8_t value = kValues[static_cast<uint8_t>(c)];
    if (value < 0) return Error(Code::kInvalid, "no base64");
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return out;
}

// The members of an object, each with its value as it stands. Requires: checked JSON that begins with {.
template <class Each>
void for_members(std::string_view object, Each&& each) {
  JsonCursor in(object);
  (void)in.peek();
  in.enter();
  while (in.more()) {
    std::string_view key = in.key();
    const char* begin = in.position();
    in.skip();
    each(key, std::string_view(begin, static_cast<size_t>(in.position() - begin)));
  }
}

template <class Each>
void for_elements(std::string_view array, Each&& each) {
  JsonCursor in(array);
  if (array.empty() || in.peek() != '[') return;
  in.enter();
  while (in.more()) {
    const char* begin = in.position();
    in.skip();
    each(std::string_view(begin, static_cast<size_t>(in.position() - begin)));
  }
}

std::string_view unquoted(std::string_view value) {
  return value.size() >= 2 && value[0] == '"' ? value.substr(1, value.size() - 2) : std::string_view();
}

}  // namespace

struct CloudWatchDecoder::State {
  EnvelopeRows rows;
  Events events;
  std::string dataset;
  std::string_view owner, group, stream;  // JSON

  bool put(std::string_view event);
};

bool CloudWatchDecoder::State::put(std::string_view event) {
  std::string_view id, time, message, extracted;
  for_members(event, [&](std::string_view key, std::string_view value) {
    if (key == "id") id = value;
    if (key == "timestamp") time = value;
    if (key == "message") message = value;
    if (key == "extractedFields") extracted = value;
  });
  rows.begin();
  auto add = [this](const char* name, std::string_view value) {
    if (!value.empty()) rows.add(name, value);
  };
  add("aws.owner", owner);
  add("aws.log.group", group);
  add("aws.log.stream", stream);
  add("aws.log.id", id);
  if (extracted.starts_with('{')) rows.add_members(extracted);
  add("message", message);
  int64_t millis = 0;
  std::from_chars(time.data(), time.data() + time.size(), millis);
  return rows.end(dataset, millis > 0 && millis < kMillisMax ? millis * kNanosPerMilli : 0);
}

CloudWatchDecoder::CloudWatchDecoder() : state_(std::make_unique<State>()) {}
CloudWatchDecoder::~CloudWatchDecoder() = default;

void CloudWatchDecoder::begin(const Intake& intake, size_t body_bytes) {
  state_->rows.begin_request(intake, body_bytes);
  state_->events = {};
  state_->dataset = intake.dataset;
}

Status CloudWatchDecoder::add(std::string_view message) {
  CLEW_TRY(check_json(message, kMessageDepthMax));
  JsonCursor in(message);
  if (in.peek() != '{') return Error(Code::kInvalid, "a CloudWatch message is an object");
  State& s = *state_;
  std::string_view type, logs;
  s.owner = s.group = s.stream = {};
  for_members(message, [&](std::string_view key, std::string_view value) {
    if (key == "messageType") type = unquoted(value);
    if (key == "owner") s.owner = value;
    if (key == "logGroup") s.group = value;
    if (key == "logStream") s.stream = value;
    if (key == "logEvents") logs = value;
  });
  if (type == "CONTROL_MESSAGE") return {};
  if (logs.empty() || logs[0] != '[') return Error(Code::kInvalid, "a CloudWatch message has logEvents");
  for_elements(logs, [&](std::string_view event) {
    uint64_t number = ++s.events.received;
    bool object = event[0] == '{';
    if (object && s.put(event)) return;
    s.events.reject({number, object ? Reason::kTooLarge : Reason::kNotAnObject,
                     "log event " + std::to_string(number) + (object ? " is over the limits" : " is no object")});
  });
  return {};
}

Events CloudWatchDecoder::take() {
  state_->events.batches = state_->rows.take();
  return std::move(state_->events);
}

Result<FirehoseRequest> read_firehose_request(std::string_view body) {
  CLEW_TRY(check_json(body, kMessageDepthMax));
  JsonCursor in(body);
  if (in.peek() != '{') return Error(Code::kInvalid, "a Firehose request is an object");
  FirehoseRequest out;
  std::string_view records;
  for_members(body, [&](std::string_view key, std::string_view value) {
    if (key == "requestId") out.id = unquoted(value);
    if (key == "records") records = value;
  });
  if (!records.starts_with('[')) return Error(Code::kInvalid, "a Firehose request has records");
  Status decoded;
  for_elements(records, [&](std::string_view record) {
    std::string_view data;
    if (record[0] == '{') {
      for_members(record, [&](std::string_view key, std::string_view value) {
        if (key == "data") data = unquoted(value);
      });
    }
    Result<std::string> bytes = decode_base64(data);
    if (!bytes.ok() && decoded.ok()) {
      decoded = Error(Code::kInvalid, "record " + std::to_string(out.records.size() + 1) + ": data is no base64");
    }
    out.records.push_back(bytes.ok() ? std::move(bytes).take() : std::string());
  });
  CLEW_TRY(std::move(decoded));
  return out;
}

}  // namespace clew::wire
