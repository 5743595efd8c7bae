#include "wire/ndjson.h"

#include <cstring>

#include "wire/batch_set.h"

namespace clew::wire {
namespace {

const char* line_end(const char* p, const char* end) {
  const void* newline = std::memchr(p, '\n', static_cast<size_t>(end - p));
  return newline == nullptr ? end : static_cast<const char*>(newline);
}

std::string where(const char* what, const char* line, const char* at) {
  return std::string(what) + " at byte " + std::to_string(at - line + 1);
}

}  // namespace

struct NdjsonDecoder::State {
  BatchSet batches;
};

NdjsonDecoder::NdjsonDecoder() : state_(std::make_unique<State>()) {}
NdjsonDecoder::~NdjsonDecoder() = default;

Events NdjsonDecoder::decode(std::string_view body, const Intake& intake) {
  Events events;
  state_->batches.begin(intake, body.size());
  BatchSet::Lane& lane = state_->batches.lane(intake.dataset);
  const char* p = body.data();
  const char* end = p + body.size();
  for (uint64_t number = 1; p != end; ++number) {
    const char* line = p;
    p = scan::blanks<Newlines::kEndDocument>(p, end);
    if (p == end) break;
    if (*p == '\n') {
      ++p;
      continue;
    }
    ++events.received;
    lane.rows.begin_row();
    const char* after = lane.reader.read(p, end, Newlines::kEndDocument);
    const char* error = after == nullptr ? lane.reader.error() : nullptr;
    const char* error_at = after == nullptr ? lane.reader.error_at() : nullptr;
    if (after != nullptr) {
      after = scan::blanks<Newlines::kEndDocument>(after, end);
      if (after == end || *after == '\n') {
        lane.rows.end_row();
        p = after == end ? end : after + 1;
        continue;
      }
      error = "more text after the object";
      error_at = after;
    }
    lane.rows.abandon_row();
    Reason reason = *p == '{' ? Reason::kSyntax : Reason::kNotAnObject;
    events.reject({number, reason, where(error, line, error_at)});
    const char* stop = line_end(p, end);
    p = stop == end ? end : stop + 1;
  }
  events.batches = state_->batches.take();
  return events;
}

Events NdjsonDecoder::decode_stream(std::string_view body, const Intake& intake) {
  Events events;
  state_->batches.begin(intake, body.size());
  BatchSet::Lane& lane = state_->batches.lane(intake.dataset);
  const char* begin = body.data();
  const char* p = begin;
  const char* end = p + body.size();
  bool in_array = false;
  for (;;) {
    p = scan::blanks<Newlines::kBlank>(p, end);
    if (p == end) break;
    if (*p == ',' || *p == (in_array ? ']' : '[')) {
      if (*p != ',') in_array = !in_array;
      ++p;
      continue;
    }
    ++events.received;
    if (*p == '{') {
      lane.rows.begin_row();
      const char* after = lane.reader.read(p, end, Newlines::kBlank);
      if (after != nullptr) {
        lane.rows.end_row();
        p = after;
        continue;
      }
      lane.rows.abandon_row();
      events.reject({events.received, Reason::kSyntax, where(lane.reader.error(), begin, lane.reader.error_at())});
      break;
    }
    SkipInfo info;
    const char* after = skip_value(p, end, Grammar::kIngest, Newlines::kBlank, info);
    Reason reason = after == nullptr ? Reason::kSyntax : Reason::kNotAnObject;
    events.reject({events.received, reason, where("expected an object", begin, p)});
    if (after == nullptr) break;
    p = after;
  }
  events.batches = state_->batches.take();
  return events;
}

}  // namespace clew::wire
