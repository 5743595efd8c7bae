#include "wire/datadog_logs.h"

#include <string>

#include "wire/envelope_rows.h"
#include "wire/json_cursor.h"

namespace clew::wire {
namespace {

constexpr size_t kBodyDepthMax = 68;

}  // namespace

struct DatadogLogsDecoder::State {
  EnvelopeRows rows;
  std::string buffer;

  bool put(std::string_view object, const Intake& intake);
  void put_member(std::string_view key, std::string_view value);
  void put_tags(std::string_view tags);
};

// env:prod,team:pay,canary: each a field of its own below `tags`.
void DatadogLogsDecoder::State::put_tags(std::string_view tags) {
  while (!tags.empty()) {
    std::string_view tag = tags.substr(0, tags.find(','));
    tags.remove_prefix(std::min(tags.size(), tag.size() + 1));
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    size_t colon = tag.find(':');
    std::string name = "tags." + std::string(tag.substr(0, colon));
    if (tag.empty() || colon == 0) continue;
    if (colon == std::string_view::npos)
      rows.add(name, "true");
    else
      rows.add_text(name, tag.substr(colon + 1));
  }
}

void DatadogLogsDecoder::State::put_member(std::string_view key, std::string_view value) {
  bool text = value.starts_with('"');
  if (key == "hostname") return rows.add("host.name", value);
  if (key == "service") return rows.add("service.name", value);
  if (key == "status") return rows.add("level", value);
  if (key == "ddsource") return rows.add("datadog.source", value);
  if (key == "ddtags" && text) {
    JsonCursor in(value);
    return put_tags(std::string(in.token(buffer).text));
  }
  if (key == "message" && value.starts_with('{')) return rows.add_members(value);
  // The key is as it stands between its quotes.
  buffer.clear();
  (void)append_unescaped(key, buffer);
  rows.add(buffer, value);
}

bool DatadogLogsDecoder::State::put(std::string_view object, const Intake& intake) {
  rows.begin();
  JsonCursor in(object);
  (void)in.peek();
  in.enter();
  while (in.more()) {
    std::string_view key = in.key();
    const char* begin = in.position();
    in.skip();
    put_member(key, {begin, static_cast<size_t>(in.position() - begin)});
  }
  return rows.end(intake.dataset, 0);
}

DatadogLogsDecoder::DatadogLogsDecoder() : state_(std::make_unique<State>()) {}
DatadogLogsDecoder::~DatadogLogsDecoder() = default;

Result<Events> DatadogLogsDecoder::decode(std::string_view body, const Intake& intake) {
  CLEW_TRY(check_json(body, kBodyDepthMax));
  Events events;
  state_->rows.begin_request(intake, body.size());
  JsonCursor in(body);
  auto one = [&] {
    uint64_t number = ++events.received;
    const char* begin = in.position();
    in.skip();
    std::string_view value(begin, static_cast<size_t>(in.position() - begin));
    if (value[0] != '{')
      return events.reject({number, Reason::kNotAnObject, "log " + std::to_string(number) + " is no object"});
    if (!state_->put(value, intake)) {
      events.reject({number, Reason::kTooLarge, "log " + std::to_string(number) + " is over the limits"});
    }
  };
  if (in.peek() != '[') {
    one();
  } else {
    in.enter();
    while (in.more()) one();
  }
  events.batches = state_->rows.take();
  return events;
}

}  // namespace clew::wire
