// Which format a file has, from its first bytes.
#include <algorithm>

#include "process/access_log.h"
#include "process/columns_line.h"
#include "process/line_parser.h"
#include "process/logfmt.h"
#include "process/syslog_line.h"
#include "wire/json_scan.h"

namespace clew::process {
namespace {

using wire::Newlines;

constexpr int kLinesLooked = 100;
constexpr size_t kPostgresColumnsMin = 22;  // of csvlog
constexpr size_t kPostgresLevel = 11;       // the column of its severity
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

// The first line, with those that its open quotes go on over.
std::string_view csv_record(std::string_view sample) {
  constexpr int kLinesMax = 50;
  size_t first = std::min(sample.find('\n'), sample.size());
  bool open = false;
  size_t begin = 0;
  for (int line = 0; line < kLinesMax && begin < sample.size(); ++line) {
    size_t end = std::min(sample.find('\n', begin), sample.size());
    std::string_view text = sample.substr(begin, end - begin);
    if (std::count(text.begin(), text.end(), '"') % 2 != 0) open = !open;
    if (!open) return sample.substr(0, end);
    begin = std::min(end + 1, sample.size());
  }
  return sample.substr(0, first);
}

// Formats that their first lines give away.
std::optional<Format> detect_columns(std::string_view sample) {
  std::string_view first = sample.substr(0, sample.find('\n'));
  if (!first.empty() && first.back() == '\r') first.remove_suffix(1);
  if (first.starts_with("#Software:") || first.starts_with("#Version:") || first.starts_with("#Fields:")) {
    return sample.find("#Fields:") == std::string_view::npos ? std::nullopt : std::optional(Format::kW3c);
  }
  if (first.starts_with("#separator")) return Format::kZeek;
  std::vector<ColumnValue> values;
  std::vector<ColumnValue> second;
  std::string_view rest = first.size() < sample.size() ? sample.substr(sample.find('\n') + 1) : std::string_view();
  if (is_csv_header(first) && split_csv(first, values) && !rest.empty()) {
    // Names whose first line of values has as many, some of them no names.
    std::string_view next = csv_record(rest);
    if (split_csv(next, second) && second.size() == values.size() && !is_csv_header(next)) return Format::kCsv;
  }
  int heads = 0;
  int lines = 0;
  int postgres = 0;
  text::TimeReader times;
  text::TimeContext context;
  for (rest = sample; !rest.empty() && lines < kLinesLooked;) {
    std::string_view line = rest.starts_with('2') ? csv_record(rest) : rest.substr(0, rest.find('\n'));
    size_t end = line.size();
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++lines;
    heads += line.starts_with("# Query_time: ") || line.starts_with("# User@Host: ") ? 1 : 0;
    bool csv =
        line.size() > 20 && line[0] == '2' && split_csv(line, values) && values.size() >= kPostgresColumnsMin &&
        times.parse(values[0].view(), context) &&
        values[kPostgresLevel].view().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ12345") == std::string_view::npos;
    postgres += csv ? 1 : 0;
  }
  if (heads > 0) return Format::kMysqlSlow;
  // Its texts go over lines: one in four is enough.
  if (postgres > 0 && postgres * 4 >= lines) return Format::kPostgresCsv;
  return std::nullopt;
}

}  // namespace

Format detect(std::string_view sample) {
  if (std::optional<Format> json = detect_json(sample)) return *json;
  if (std::optional<Format> columns = detect_columns(sample)) return *columns;
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
