#include "wire/splunk_hec.h"

#include <optional>

#include "text/time_format.h"
#include "wire/envelope_rows.h"
#include "wire/index_name.h"
#include "wire/json_cursor.h"

namespace clew::wire {
namespace {

constexpr size_t kEnvelopeDepthMax = 68;  // the document's 64, and what is around it

struct Envelope {
  std::string_view time, event, fields;  // JSON
  std::string host, source, sourcetype, index;
};

Rejection refusal(Reason reason, std::string_view message) { return {0, reason, std::string(message)}; }

}  // namespace

struct SplunkHecDecoder::State {
  EnvelopeRows rows;
  std::string buffer;

  // Why it was not taken; nothing when it was.
  std::optional<Rejection> take_one(std::string_view value, size_t depth, const HecDefaults& defaults,
                                    const Intake& intake);
  std::optional<Rejection> put(std::string_view object, const HecDefaults& defaults, const Intake& intake);
  Envelope read(std::string_view object);
  std::string text(std::string_view value);
};

std::string SplunkHecDecoder::State::text(std::string_view value) {
  JsonCursor in(value);
  if (!in.is_scalar() || value == "null") return {};
  return std::string(in.token(buffer).text);
}

Envelope SplunkHecDecoder::State::read(std::string_view object) {
  Envelope out;
  JsonCursor in(object);
  (void)in.peek();
  in.enter();
  while (in.more()) {
    std::string_view key = in.key();
    const char* begin = in.position();
    in.skip();
    std::string_view value(begin, static_cast<size_t>(in.position() - begin));
    if (key == "time") out.time = value;
    if (key == "event") out.event = value;
    if (key == "fields") out.fields = value;
    if (key == "host") out.host = text(value);
    if (key == "source") out.source = text(value);
    if (key == "sourcetype") out.sourcetype = text(value);
    if (key == "index") out.index = text(value);
  }
  return out;
}

std::optional<Rejection> SplunkHecDecoder::State::put(std::string_view object, const HecDefaults& defaults,
                                                      const Intake& intake) {
  Envelope e = read(object);
  if (e.event.empty() || e.event == "null") return refusal(Reason::kNotAnObject, "Event field is required");
  if (e.event == "\"\"") return refusal(Reason::kNotAnObject, "Event field cannot be blank");
  std::string_view dataset = e.index.empty() ? intake.dataset : std::string_view(e.index);
  Status named = check_dataset_name(std::string(dataset));
  if (!named.ok()) return refusal(Reason::kBadName, named.error().message());
  rows.begin();
  auto text_of = [this](const char* name, std::string_view own, std::string_view otherwise) {
    std::string_view value = own.empty() ? otherwise : own;
    if (!value.empty()) rows.add_text(name, value);
  };
  text_of("host.name", e.host, defaults.host);
  text_of("splunk.source", e.source, defaults.source);
  text_of("splunk.sourcetype", e.sourcetype, defaults.sourcetype);
  if (e.fields.starts_with('{')) rows.add_members(e.fields);
  if (e.event[0] == '{')
    rows.add_members(e.event);
  else
    rows.add("message", e.event);
  std::optional<text::Time> time = e.time.empty() ? std::nullopt : text::parse_epoch(text(e.time));
  if (!rows.end(dataset, time && !time->out_of_range ? time->unix_nanos : 0)) {
    return refusal(Reason::kTooLarge, "an event over the limits");
  }
  return std::nullopt;
}

std::optional<Rejection> SplunkHecDecoder::State::take_one(std::string_view value, size_t depth,
                                                           const HecDefaults& defaults, const Intake& intake) {
  if (value[0] != '{') return refusal(Reason::kNotAnObject, "Invalid data format");
  if (depth > kEnvelopeDepthMax) return refusal(Reason::kTooLarge, "an event nested too deep");
  return put(value, defaults, intake);
}

SplunkHecDecoder::SplunkHecDecoder() : state_(std::make_unique<State>()) {}
SplunkHecDecoder::~SplunkHecDecoder() = default;

Events SplunkHecDecoder::decode(std::string_view body, const HecDefaults& defaults, const Intake& intake) {
  Events events;
  state_->rows.begin_request(intake, body.size());
  const char* p = body.data();
  const char* end = p + body.size();
  while (true) {
    p = scan::blanks<Newlines::kBlank>(p, end);
    if (p != end && (*p == ',' || *p == '[' || *p == ']')) {  // an array, as some clients send it
      ++p;
      continue;
    }
    if (p == end) break;
    uint64_t number = ++events.received;
    SkipInfo info;
    const char* after = skip_value(p, end, Grammar::kIngest, Newlines::kBlank, info);
    if (after == nullptr) {
      events.reject({number, Reason::kSyntax, "Invalid data format"});
      break;
    }
    std::optional<Rejection> refused =
        state_->take_one({p, static_cast<size_t>(after - p)}, info.depth, defaults, intake);
    if (refused) events.reject({number, refused->reason, std::move(refused->message)});
    p = after;
  }
  events.batches = state_->rows.take();
  return events;
}

}  // namespace clew::wire
