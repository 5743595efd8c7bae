// LineParser: one text line becomes one row, whatever it is: JSON, an access log, syslog, logfmt, or prose with a time.
// The line itself is `_raw`, byte for byte; the fields stand beside it. A JSON object keeps its document instead.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/batch.h"
#include "process/continuation.h"
#include "wire/intake.h"

namespace clew::process {

constexpr size_t kLineBytesMax =
    1 << 20;  // of one line, unless the options say otherwise; beyond it is cut and flagged
constexpr size_t kLineBytesMost = 16 << 20;  // that they may say

enum class Format : uint8_t {
  kPlain,        // prose; a time and a level where they can be found
  kNdjson,       // one JSON object a line
  kJsonStream,   // JSON objects over several lines, or in an array
  kAccess,       // common and combined log format
  kSyslog,       // RFC 3164 and 5424, with or without the priority
  kLogfmt,       // key=value
  kW3c,          // columns that a `#Fields:` names, as IIS writes them
  kZeek,         // columns that a `#fields` names, with tabs
  kCsv,          // columns that the first line names
  kMysqlSlow,    // entries of MySQL's slow query log, their lines together
  kPostgresCsv,  // PostgreSQL's csvlog
  kRaw,          // lines as they are, whatever they are: a pipeline parses them
};
// "auto" gives nothing: detect() then says.  Errors: kInvalid naming the formats there are.
Result<std::optional<Format>> format_by_name(std::string_view name);
std::string_view format_name(Format format);
// Which lines of the format go on with the event before.
JoinRule join_rule(Format format);

// Nothing but blanks: no event.
bool is_blank_line(std::string_view line);

// What a file is, from its first bytes.
Format detect(std::string_view sample);

// Whether a line of another format than the named one is ordinary, as where programs share one output, or flagged
// parse_error.
enum class Expect : uint8_t { kMostly, kOnly };

// Threads:  one.
// Lifetime: the batch outlives the rows written. Lines need not live longer than the call.
class LineParser {
 public:
  // Requires: 4 <= line_bytes_max <= kLineBytesMost.
  LineParser(Format format, Expect expect, size_t line_bytes_max = kLineBytesMax);
  ~LineParser();

  // The batch that the next lines go to.
  void attach(model::Batch& batch, const wire::Intake& intake);

  // Adds one row. Never fails: a line that cannot be parsed keeps its text. A line without a time takes that of the
  // line before (flagged inferred), or else the arrival's. A blank line adds nothing and gives false.
  // `unix_nanos`: when the line was written, as whoever kept it says; it is the event's time unless the line itself has
  // one with its zone, or is a JSON object with a time.
  bool parse_line(std::string_view line, std::optional<int64_t> unix_nanos = {});
  // Reads what the head of a file says of its columns, without adding rows: for who begins to read further below.
  void learn(std::string_view head);
  // The same for a JSON object that may hold newlines.
  bool parse_object(std::string_view text);

  // The time of the line before, which a line without one takes; nothing while there was none.
  std::optional<int64_t> last_time() const;
  void set_last_time(std::optional<int64_t> unix_nanos);
  // Bits of model::Flag that the next lines' events have besides their own.
  void set_flags(uint32_t bits);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::process
