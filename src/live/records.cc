#include "live/records.h"

#include <fmt/format.h>

#include "query/encode.h"

namespace clew::live {
namespace {

std::string quoted_json(std::string_view text) {
  std::string out;
  query::append_json_string(text, out);
  return out;
}

// A record of one member: `event` names it in the stream of events, whose data is the object.
void append_record(Form form, std::string_view event, std::string_view id, std::string_view json, std::string& out) {
  if (form == Form::kNdjson) {
    out.append(json).append("\n");
    return;
  }
  if (!event.empty()) out.append("event: ").append(event).append("\n");
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  out.append("data: ").append(json).append("\n\n");
}

}  // namespace

void append_row(Form form, const query::LiveRecord& record, Placed placed, std::string& out) {
  std::string seq = std::to_string(record.seq);
  if (form == Form::kEvents && placed == Placed::kYes) out.append("id: ").append(seq).append("\n");
  if (form == Form::kEvents) out.append("data: ");
  out.append("{\"id\":");
  query::append_json_string(record.id, out);
  out.append(",\"seq\":").append(seq).append(",\"row\":").append(record.row);
  out.append(form == Form::kEvents ? "}\n\n" : "}\n");
}

void append_begin(Form form, Seq from, const std::vector<std::string>& warnings, std::string& out) {
  std::string list;
  for (const std::string& warning : warnings) list += (list.empty() ? "" : ",") + quoted_json(warning);
  append_record(form, "begin", std::to_string(from.get()),
                fmt::format("{{\"begin\":{{\"from\":{},\"warnings\":[{}]}}}}", from.get(), list), out);
}

void append_heartbeat(Form form, Seq up_to, std::string& out) {
  append_record(form, "heartbeat", std::to_string(up_to.get()),
                fmt::format("{{\"heartbeat\":{{\"up_to\":{}}}}}", up_to.get()), out);
}

void append_missed(Form form, uint64_t events, bool exact, std::string& out) {
  append_record(form, "missed", "", fmt::format("{{\"missed\":{},\"exact\":{}}}", events, exact), out);
}

void append_damaged(Form form, uint64_t rows, std::string& out) {
  append_record(form, "damaged", "", fmt::format("{{\"damaged\":{}}}", rows), out);
}

void append_up_to(Form form, Seq up_to, std::string& out) {
  append_record(form, "up_to", std::to_string(up_to.get()), fmt::format("{{\"up_to\":{}}}", up_to.get()), out);
}

void append_end(Form form, std::string_view reason, std::string& out) {
  append_record(form, "end", "", fmt::format("{{\"end\":{{\"reason\":{}}}}}", quoted_json(reason)), out);
}

void append_failed(Form form, std::string_view code, std::string_view reason, int status, std::string& out) {
  append_record(form, "failed", "",
                fmt::format("{{\"error\":{{\"code\":{},\"reason\":{},\"status\":{}}}}}", quoted_json(code),
                            quoted_json(reason), status),
                out);
}

}  // namespace clew::live
