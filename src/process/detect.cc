// Which format a file has, from its first bytes.
#include "process/access_log.h"
#include "process/line_parser.h"
#include "process/logfmt.h"
#include "process/syslog_line.h"
#include "wire/json_scan.h"

namespace clew::process {
namespace {

using wire::Newlines;

constexpr int kLinesLooked = 100;
constexpr size_t kPairsMin = 3;  // more than a line needs later: prose with two equals signs is no logfmt file

const char* skip_blanks(const char* p, const char* end) { return wire::scan::blanks<Newlines::kBlank>(p, end); }

// {"Records":[ and its kind: a wrapper around the events.
bool begins_wrapper(const char* p, const char* end) {
  p = skip_blanks(p + 1, end);
  const char* after = wire::scan::word_end(p, end, "\"Records\"");
  if (after == nullptr) after = wire::scan::word_end(p, end, "\"records\"");
  if (after == nullptr) return false;
  after = skip_blanks(after, end);
  if (after == end || *after != ':') return false;
  after = skip_blanks(after + 1, end);
  return after != end && *after == '[';
}

// Nothing when the sample does not begin with JSON objects.
std::optional<Format> detect_json(std::string_view sample) {
  const char* end = sample.data() + sample.size();
  const char* p = skip_blanks(sample.data(), end);
  if (p == end) return std::nullopt;
  if (*p == '[') {
    p = skip_blanks(p + 1, end);
    if (p == end || *p != '{') return std::nullopt;
    const char* key = skip_blanks(p + 1, end);
    bool object = key != end && (*key == '"' || *key == '}');
    return object ? std::optional(Format::kJsonStream) : std::nullopt;
  }
  if (*p != '{') return std::nullopt;
  if (begins_wrapper(p, end)) return Format::kJsonStream;
  wire::SkipInfo info;
  if (wire::skip_value(p, end, wire::Grammar::kIngest, Newlines::kEndDocument, info) != nullptr) return Format::kNdjson;
  const char* key = skip_blanks(p + 1, end);
  if (key == end || (*key != '"' && *key != '}')) return std::nullopt;
  bool over_lines = info.error_at != end && *info.error_at == '\n';
  return over_lines ? Format::kJsonStream : Format::kNdjson;
}

}  // namespace

Format detect(std::string_view sample) {
  if (std::optional<Format> json = detect_json(sample)) return *json;
  text::TimeReader times;
  text::TimeContext context;
  context.now_nanos = INT64_MAX / 2;  // any year will do
  std::vector<LogfmtPair> pairs;
  int lines = 0, access = 0, syslog = 0, logfmt = 0;
  while (!sample.empty() && lines < kLinesLooked) {
    std::string_view line = sample.substr(0, sample.find('\n'));
    bool whole = line.size() < sample.size();
    sample.remove_prefix(line.size() + (whole ? 1 : 0));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || (!whole && lines > 0)) continue;
    ++lines;
    if (parse_access_line(line))
      ++access;
    else if (parse_syslog_line(line, times, context))
      ++syslog;
    else if (parse_logfmt(line, kPairsMin, pairs))
      ++logfmt;
  }
  if (access * 2 > lines) return Format::kAccess;
  if (syslog * 2 > lines) return Format::kSyslog;
  if (logfmt * 2 > lines) return Format::kLogfmt;
  return Format::kPlain;
}

}  // namespace clew::process
