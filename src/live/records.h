// The records that followers get, in the forms in which they are sent (docs/operate/http-api.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/answer.h"
#include "query/live_query.h"

namespace clew::live {

enum class Form : uint8_t {
  kNdjson,  // a line each; also of a WebSocket's messages
  kEvents,  // text/event-stream
};

// Whether a reader that comes back may go on behind a row. Rows of a backlog come by time, not by _seq.
enum class Placed : uint8_t { kNo, kYes };

void append_row(Form form, const query::LiveRecord& record, Placed placed, std::string& out);
// The rows before were what is stored; from here on events come as they are committed behind `from`.
void append_begin(Form form, Seq from, const std::vector<std::string>& warnings, std::string& out);
void append_heartbeat(Form form, Seq up_to, std::string& out);
// `exact`: otherwise it is at most so many.
void append_missed(Form form, uint64_t events, bool exact, std::string& out);
// So many events could not be read.
void append_damaged(Form form, uint64_t rows, std::string& out);
// All rows up to here were sent: what a subscriber acknowledges.
void append_up_to(Form form, Seq up_to, std::string& out);
void append_end(Form form, std::string_view reason, std::string& out);
void append_failed(Form form, std::string_view code, std::string_view reason, int status, std::string& out);

}  // namespace clew::live
