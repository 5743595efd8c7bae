// What the rules are called, what breaks them and what to write instead; and the format that they ask for.
#include <array>

#include "lint/lint.h"

namespace clew::lint {
namespace {

constexpr std::array<RuleInfo, kRules> kInfos = {{
    {Rule::kTime, "time", 0, "events without a time of their own, or with one that cannot be",
     "write the time first: 2026-11-20T10:37:05.485123Z"},
    {Rule::kYear, "year", 0, "times without a year of four digits", "write 2026-11-20, not 26-11-20 or Nov 20"},
    {Rule::kZone, "zone", 0, "times that do not say their zone", "write UTC with a Z behind it, or an offset: +07:00"},
    {Rule::kPrecision, "precision", 0, "times in whole seconds", "write microseconds: 10:37:05.485123"},
    {Rule::kLevel, "level", 0, "events without a level", "write one of trace debug info warn error fatal"},
    {Rule::kId, "id", 20, "events without the id of a request, trace, user or thing",
     "bind request_id once where the request comes in; every line below then carries it"},
    {Rule::kContext, "context", 10, "events without any id or field of their own",
     "write what varies as fields: order_id=12345 amount=50, or JSON"},
    {Rule::kPrint, "print", 0, "printed lines: no time, no level, no field", "call the logger instead of print"},
    {Rule::kFormat, "format", 0, "lines that are not of their file's format, JSON keys that come twice",
     "send all output through one formatter"},
    {Rule::kMultiLine, "multi-line", 0, "lines that go on with the event before",
     "write one line an event: a stack trace as one JSON string"},
    {Rule::kBinary, "binary", 0, "lines with control characters or bytes that are no UTF-8",
     "write UTF-8; of binary data its id, size and hash"},
    {Rule::kBlob, "blob", 0, "lines with 1 KiB or more of base64 or hex", "write its id, size and hash"},
    {Rule::kColor, "color", 0, "lines with the colours of a terminal", "colour only where output is a terminal"},
    {Rule::kLong, "long", 0, "lines longer than 16 KiB", "write an id and a size instead of a payload"},
    {Rule::kSecret, "secret", 0, "lines with a password, token, key or card number",
     "leave it out: what names it is enough"},
    {Rule::kTemplate, "template", 20, "the share of the most frequent message",
     "sample it, count it in a metric, or log its end instead of each step"},
}};

constexpr std::string_view kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "A log line",
  "description": "One JSON object on one line of UTF-8 per event. Further fields are welcome: what varies is a field, not a part of the message.",
  "type": "object",
  "required": ["timestamp", "level", "service", "message"],
  "properties": {
    "timestamp": {
      "description": "UTC, a year of four digits, microseconds.",
      "type": "string",
      "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6,9}Z$"
    },
    "level": {"enum": ["trace", "debug", "info", "notice", "warn", "error", "fatal"]},
    "service": {"description": "Which program wrote it, the same on all of its instances.", "type": "string", "minLength": 1},
    "message": {
      "description": "What happened, in words that do not vary, on one line.",
      "type": "string",
      "minLength": 1,
      "maxLength": 16384
    },
    "host": {"description": "Where it runs.", "type": "string"},
    "request_id": {"description": "One for all lines of a request, across services.", "type": "string", "minLength": 1},
    "trace_id": {"description": "Of W3C trace context.", "type": "string", "pattern": "^[0-9a-f]{32}$"},
    "span_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "user_id": {"type": ["string", "integer"]},
    "logger": {"type": "string"},
    "function": {"type": "string"},
    "file": {"type": "string"},
    "line": {"type": "integer", "minimum": 1},
    "duration_ms": {"description": "How long it took. The unit is part of the name.", "type": "number", "minimum": 0},
    "exception": {"description": "A stack trace, its line ends as \\n.", "type": "string"}
  },
  "additionalProperties": {"not": {"type": "string", "minLength": 16385}}
}
)json";

}  // namespace

std::span<const RuleInfo> rules() { return kInfos; }

const RuleInfo& info_of(Rule rule) { return kInfos[static_cast<size_t>(rule)]; }

const RuleInfo* rule_by_name(std::string_view name) {
  for (const RuleInfo& info : kInfos) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

std::string_view format_schema() { return kSchema; }

}  // namespace clew::lint
