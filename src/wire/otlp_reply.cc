#include "wire/otlp_reply.h"

#include <algorithm>

#include "base/bytes.h"
#include "model/json_text.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

constexpr size_t kMessagesMax = 3;  // a reply is read by people

std::string error_message(const Events& events) {
  std::string out;
  size_t shown = std::min(events.rejections.size(), kMessagesMax);
  for (size_t i = 0; i < shown; ++i) {
    if (i != 0) out += "; ";
    out += events.rejections[i].message;
  }
  if (events.rejected > shown) out += "; and " + std::to_string(events.rejected - shown) + " more";
  return out;
}

std::string_view counter_name(OtlpSignal signal) {
  switch (signal) {
    case OtlpSignal::kLogs: return "rejectedLogRecords";
    case OtlpSignal::kSpans: return "rejectedSpans";
    case OtlpSignal::kPoints: break;
  }
  return "rejectedDataPoints";
}

void append_text(std::string& out, uint32_t number, std::string_view text) {
  base::Writer w(out);
  w.varint(proto_tag(number, WireType::kBytes));
  w.string(text);
}

void append_number(std::string& out, uint32_t number, uint64_t v) {
  base::Writer w(out);
  w.varint(proto_tag(number, WireType::kVarint));
  w.varint(v);
}

}  // namespace

std::string otlp_reply(OtlpSignal signal, OtlpForm form, const Events& events) {
  if (events.rejected == 0) return form == OtlpForm::kJson ? "{}" : "";
  std::string out;
  if (form == OtlpForm::kJson) {
    out = R"({"partialSuccess":{")";
    out += counter_name(signal);
    out += "\":\"" + std::to_string(events.rejected) + R"(","errorMessage":)";
    model::append_json_string(error_message(events), out);
    return out + "}}";
  }
  std::string partial;
  append_number(partial, 1, events.rejected);
  append_text(partial, 2, error_message(events));
  append_text(out, 1, partial);
  return out;
}

std::string otlp_error(OtlpForm form, int grpc_code, std::string_view message) {
  std::string out;
  if (form == OtlpForm::kJson) {
    out = "{\"code\":" + std::to_string(grpc_code) + ",\"message\":";
    model::append_json_string(message, out);
    return out + "}";
  }
  append_number(out, 1, static_cast<uint64_t>(grpc_code));
  append_text(out, 2, message);
  return out;
}

}  // namespace clew::wire
