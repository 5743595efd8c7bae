#include "model/canonical.h"

#include <algorithm>
#include <array>
#include <optional>

#include "model/batch.h"

namespace clew::model {
namespace {

struct Alias {
  std::string_view canonical;
  std::string_view source;  // lower case
  Derive how = Derive::kCopy;
};

// By canonical name, first choice first.
constexpr Alias kAliases[] = {
    {"message", "@message"},
    {"message", "msg"},
    {"message", "body", Derive::kText},
    {"message", "event", Derive::kText},
    {"message", "log", Derive::kText},
    {"message", "short_message"},
    {"message", "_raw"},

    {"level", "severity", Derive::kLevelSyslog},
    {"level", "severitytext", Derive::kLevelText},
    {"level", "severity_text", Derive::kLevelText},
    {"level", "levelname", Derive::kLevelText},
    {"level", "log.level", Derive::kLevelText},
    {"level", "loglevel", Derive::kLevelText},
    {"level", "log_level", Derive::kLevelText},
    {"level", "lvl", Derive::kLevelBunyan},
    {"level", "@level", Derive::kLevelText},
    {"level", "levelno", Derive::kLevelPython},
    {"level", "priority", Derive::kLevelSyslog},
    {"level", "severitynumber", Derive::kLevelOtel},
    {"level", "severity_number", Derive::kLevelOtel},
    {"level", "error_severity", Derive::kLevelText},

    {"service.name", "service", Derive::kText},
    {"service.name", "service_name"},
    {"service.name", "servicename"},
    {"service.name", "otelservicename"},
    {"service.name", "dd.service"},
    {"service.name", "app", Derive::kText},
    {"service.name", "appname"},
    {"service.name", "app_name"},
    {"service.name", "application", Derive::kText},
    {"service.name", "program"},
    {"service.name", "syslog_identifier"},
    {"service.name", "resource.service.name"},

    {"host.name", "source_host"},
    {"host.name", "@source_host"},
    {"host.name", "hostname"},
    {"host.name", "_hostname"},
    {"host.name", "host", Derive::kText},
    {"host.name", "host.hostname"},
    {"host.name", "agent.hostname"},
    {"host.name", "beat.hostname"},
    {"host.name", "resource.host.name"},

    {"trace_id", "traceid"},
    {"trace_id", "trace.id"},
    {"trace_id", "oteltraceid"},
    {"trace_id", "dd.trace_id"},
    {"trace_id", "x-b3-traceid"},
    {"trace_id", "x_b3_traceid"},
    {"trace_id", "traceparent", Derive::kTraceparentTrace},
    {"trace_id", "b3", Derive::kB3Trace},

    {"span_id", "spanid"},
    {"span_id", "span.id"},
    {"span_id", "otelspanid"},
    {"span_id", "dd.span_id"},
    {"span_id", "x-b3-spanid"},
    {"span_id", "x_b3_spanid"},
    {"span_id", "traceparent", Derive::kTraceparentSpan},
    {"span_id", "b3", Derive::kB3Span},

    {"parent_span_id", "parentspanid"},
    {"parent_span_id", "parent_id"},
    {"parent_span_id", "parentid"},
    {"parent_span_id", "parent.id"},
    {"parent_span_id", "x-b3-parentspanid"},
    {"parent_span_id", "x_b3_parentspanid"},
    {"parent_span_id", "b3", Derive::kB3Parent},

    {"request_id", "requestid"},
    {"request_id", "x-request-id"},
    {"request_id", "x_request_id"},
    {"request_id", "req_id"},
    {"request_id", "reqid"},
    {"request_id", "request.id"},
    {"request_id", "http.request.id"},
    {"request_id", "correlation_id"},
    {"request_id", "correlationid"},
    {"request_id", "x-correlation-id"},
    {"request_id", "x_correlation_id"},

    {"user_id", "user", Derive::kText},
    {"user_id", "userid"},
    {"user_id", "user.id"},

    {"code.function", "funcname"},
    {"code.function", "function"},
    {"code.function", "code.function.name"},
    {"code.function", "func"},
    {"code.function", "log.origin.function"},
    {"code.file", "filename"},
    {"code.file", "pathname"},
    {"code.file", "code.filepath"},
    {"code.file", "code.file.path"},
    {"code.file", "log.origin.file.name"},
    {"code.file", "file", Derive::kText},
    {"code.line", "lineno"},
    {"code.line", "code.lineno"},
    {"code.line", "code.line.number"},
    {"code.line", "log.origin.file.line"},
    {"code.line", "line"},
    {"code.module", "module"},
    {"code.namespace", "class"},
    {"code.namespace", "classname"},
    {"logger", "logger_name"},
    {"logger", "loggername"},
    {"logger", "log.logger"},
    {"logger", "name"},
    {"process.pid", "process"},
    {"process.pid", "pid"},
    {"thread.name", "threadname"},
    {"thread.name", "thread_name"},
    {"thread.name", "process.thread.name"},
    {"thread.name", "thread", Derive::kText},

    {"source.kind", "source_kind"},

    {"duration_ms", "duration", Derive::kDurationText},
    {"duration_ms", "elapsed", Derive::kDurationText},
    {"duration_ms", "took", Derive::kDurationMs},
    {"duration_ms", "latency_ms", Derive::kDurationMs},
    {"duration_ms", "elapsed_ms", Derive::kDurationMs},
    {"duration_ms", "durationms", Derive::kDurationMs},
    {"duration_ms", "responsetime", Derive::kDurationMs},
    {"duration_ms", "latency", Derive::kDurationText},
    {"duration_ms", "duration_s", Derive::kDurationSeconds},
    {"duration_ms", "duration_seconds", Derive::kDurationSeconds},
    {"duration_ms", "elapsed_seconds", Derive::kDurationSeconds},
    {"duration_ms", "request_time", Derive::kDurationSeconds},
    {"duration_ms", "mysql.query_time", Derive::kDurationSeconds},
    {"duration_ms", "duration_us", Derive::kDurationMicros},
    {"duration_ms", "duration_micros", Derive::kDurationMicros},
    {"duration_ms", "duration_ns", Derive::kDurationNanos},
    {"duration_ms", "event.duration", Derive::kDurationNanos},

    {"error.type", "exception.type"},
    {"error.type", "errorcode", Derive::kText},
    {"error.type", "error_type"},
    {"error.type", "error.kind"},
    {"error.type", "err.type"},
    {"error.type", "exception", Derive::kExceptionType},
    {"error.type", "exc_info", Derive::kExceptionType},
    {"error.type", "stack_trace", Derive::kExceptionType},
    {"error.message", "exception.message"},
    {"error.message", "error_message"},
    {"error.message", "errormessage", Derive::kText},
    {"error.message", "err.message"},
    {"error.message", "error", Derive::kText},
    {"error.message", "exception", Derive::kExceptionMessage},
    {"error.message", "exc_info", Derive::kExceptionMessage},
    {"error.message", "stack_trace", Derive::kExceptionMessage},
    {"error.stack", "exception.stacktrace"},
    {"error.stack", "error.stack_trace"},
    {"error.stack", "err.stack"},
    {"error.stack", "exception", Derive::kJoinLines},
    {"error.stack", "exc_info", Derive::kJoinLines},
    {"error.stack", "stack_trace", Derive::kJoinLines},
    {"error.stack", "stacktrace", Derive::kJoinLines},
};

constexpr std::string_view kLevelField = "level";
constexpr std::string_view kTimestampField = "@timestamp";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equals_folded(std::string_view name, std::string_view lower_case) {
  if (name.size() != lower_case.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (lower(name[i]) != lower_case[i]) return false;
  }
  return true;
}

// The name below `@fields.` or `fields.`, or the name itself.
std::string_view below_fields(std::string_view name) {
  for (std::string_view prefix : {std::string_view("@fields."), std::string_view("fields.")}) {
    if (name.size() > prefix.size() && equals_folded(name.substr(0, prefix.size()), prefix)) {
      return name.substr(prefix.size());
    }
  }
  return name;
}

struct Found {
  size_t order = 0;  // smaller answers first
  CanonicalStep step;
};

// Everything of `stored` that gives `name`, by the table, unordered.
std::vector<Found> find_sources(std::string_view name, const std::vector<std::string>& stored) {
  std::vector<Found> found;
  const Alias* begin = std::begin(kAliases);
  const Alias* end = std::end(kAliases);
  while (begin != end && begin->canonical != name) ++begin;
  const Alias* stop = begin;
  while (stop != end && stop->canonical == name) ++stop;
  for (const std::string& field : stored) {
    if (field == name) {
      found.push_back({0, {field, Derive::kCopy}});
      continue;
    }
    std::string_view bare = below_fields(field);
    size_t nested = bare.size() == field.size() ? 0 : 1;
    if (equals_folded(bare, name)) {
      found.push_back({1 + nested, {field, Derive::kCopy}});
      continue;
    }
    for (const Alias* alias = begin; alias != stop; ++alias) {
      if (!equals_folded(bare, alias->source)) continue;
      size_t order = 3 + static_cast<size_t>(alias - begin) * 2 + nested;
      found.push_back({order, {field, alias->how}});
      break;
    }
  }
  return found;
}

// A number without a name says little: what stands beside it tells whose it is.
void put_levelname_first(std::vector<Found>& found) {
  for (Found& f : found) {
    if (equals_folded(below_fields(f.step.source), "levelname"))
      f.order = 0;
    else
      f.order += 1;
  }
}

struct LevelWord {
  std::string_view word;
  int rank;
};
constexpr LevelWord kLevelWords[] = {
    {"info", 3},   {"error", 6},     {"warn", 5},     {"warning", 5}, {"debug", 2},       {"trace", 1},
    {"fatal", 7},  {"notice", 4},    {"critical", 7}, {"err", 6},     {"crit", 7},        {"alert", 7},
    {"emerg", 7},  {"emergency", 7}, {"panic", 7},    {"dpanic", 7},  {"information", 3}, {"informational", 3},
    {"log", 3},    {"statement", 3}, {"severe", 6},   {"fine", 2},    {"finer", 1},       {"finest", 1},
    {"config", 2}, {"verbose", 1},   {"silly", 1},    {"http", 3},    {"success", 3},     {"trc", 1},
    {"dbg", 2},    {"inf", 3},       {"note", 4},     {"wrn", 5},     {"eror", 6},        {"ftl", 7},
    {"t", 1},      {"v", 1},         {"d", 2},        {"i", 3},       {"n", 4},           {"w", 5},
    {"e", 6},      {"f", 7},         {"c", 7},        {"a", 7},       {"failure", 6},     {"warnings", 5},
    {"hint", 3},   {"detail", 3},    {"off", 0},      {"unknown", 0},
};
constexpr std::string_view kRanks[] = {"unknown", "trace", "debug", "info", "notice", "warn", "error", "fatal"};

int rank_of_syslog(int64_t v) {
  constexpr int kRank[] = {7, 7, 7, 6, 5, 4, 3, 2};
  return v >= 0 && v <= 7 ? kRank[v] : 0;
}
int rank_of_otel(int64_t v) {
  constexpr int kRank[] = {1, 2, 3, 5, 6, 7};
  return v >= 1 && v <= 24 ? kRank[(v - 1) / 4] : 0;
}
int rank_of_python(int64_t v) {
  if (v <= 0) return 0;
  if (v < 10) return 1;
  if (v < 20) return 2;
  if (v < 30) return 3;
  if (v < 40) return 5;
  return v < 50 ? 6 : 7;
}
int rank_of_bunyan(int64_t v) {
  constexpr int kTens[] = {1, 2, 3, 5, 6, 7};
  constexpr int kMonolog[] = {2, 3, 5, 6, 7, 7};
  if (v >= 0 && v <= 7) return rank_of_syslog(v);
  if (v == 250) return 4;
  if (v == 550) return 7;
  if (v >= 10 && v <= 60 && v % 10 == 0) return kTens[v / 10 - 1];
  return v >= 100 && v <= 600 && v % 100 == 0 ? kMonolog[v / 100 - 1] : 0;
}

std::optional<int64_t> small_number(std::string_view text) {
  if (text.empty() || text.size() > 3) return std::nullopt;
  int64_t v = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    v = v * 10 + (c - '0');
  }
  return v;
}

std::string_view trim(std::string_view s) {
  auto edge = [](char c) { return c == ' ' || c == '\t' || c == '[' || c == ']' || c == '<' || c == '>' || c == ':'; };
  while (!s.empty() && edge(s.front())) s.remove_prefix(1);
  while (!s.empty() && edge(s.back())) s.remove_suffix(1);
  return s;
}

std::optional<double> number_of(const Value& v) {
  switch (v.type()) {
    case Type::kInt:
    case Type::kLong: return static_cast<double>(v.i64());
    case Type::kULong: return static_cast<double>(static_cast<uint64_t>(v.i64()));
    case Type::kDouble:
    case Type::kFloat: return v.f64();
    case Type::kDecimal: {
      double scale = 1;
      for (int i = 0; i < v.scale(); ++i) scale *= 10;
      return static_cast<double>(v.i64()) / scale;
    }
    default: return std::nullopt;
  }
}

Value level_value(const Value& v, int (*rank_of)(int64_t)) {
  std::optional<double> number = number_of(v);
  if (!number && v.type() == Type::kString) {
    std::optional<int64_t> digits = small_number(v.text());
    if (!digits) return v;
    number = static_cast<double>(*digits);
  }
  if (!number || *number < 0 || *number > 1e6) return {};
  int rank = rank_of(static_cast<int64_t>(*number));
  return rank == 0 ? Value() : Value::string(std::string(kRanks[rank]));
}

Value scaled_value(const Value& v, double factor) {
  std::optional<double> number = number_of(v);
  return number ? Value::real(*number * factor) : Value();
}

// "1.5s", "250ms", "1m30s", "12 us": milliseconds.
std::optional<double> duration_text_ms(std::string_view s) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  constexpr Unit kUnits[] = {{"ms", 1},       {"millis", 1}, {"msec", 1},   {"\xc2\xb5s", 1e-3}, {"\xce\xbcs", 1e-3},
                             {"us", 1e-3},    {"ns", 1e-6},  {"secs", 1e3}, {"sec", 1e3},        {"seconds", 1e3},
                             {"second", 1e3}, {"s", 1e3},    {"min", 6e4},  {"m", 6e4},          {"h", 3.6e6}};
  double total = 0;
  bool any = false;
  size_t at = 0;
  while (at < s.size()) {
    double whole = 0;
    double fraction = 0;
    double place = 0.1;
    size_t digits = 0;
    while (at < s.size() && s[at] >= '0' && s[at] <= '9') whole = whole * 10 + (s[at++] - '0'), ++digits;
    if (at < s.size() && s[at] == '.') {
      ++at;
      while (at < s.size() && s[at] >= '0' && s[at] <= '9') fraction += place * (s[at++] - '0'), place /= 10, ++digits;
    }
    if (digits == 0) return std::nullopt;
    while (at < s.size() && s[at] == ' ') ++at;
    size_t end = at;
    while (end < s.size() && s[end] != '.' && s[end] != ' ' && (s[end] < '0' || s[end] > '9')) ++end;
    std::string_view name = s.substr(at, end - at);
    const Unit* unit =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == name; });
    if (unit == std::end(kUnits)) return std::nullopt;
    total += (whole + fraction) * unit->ms;
    any = true;
    at = end;
    while (at < s.size() && s[at] == ' ') ++at;
  }
  if (!any) return std::nullopt;
  return total;
}

// Part `index` of a text split at '-', when it has `bytes_min` hex digits.
Value dashed_part(const Value& v, size_t index, size_t bytes_min) {
  if (v.type() != Type::kString) return {};
  std::string_view rest = v.text();
  for (; index > 0; --index) {
    size_t dash = rest.find('-');
    if (dash == std::string_view::npos) return {};
    rest.remove_prefix(dash + 1);
  }
  std::string_view part = rest.substr(0, rest.find('-'));
  bool hex = part.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  return hex && part.size() >= bytes_min ? Value::string(std::string(part)) : Value();
}

std::string joined(const Value& v) {
  if (v.type() == Type::kString) return v.text();
  std::string out;
  if (v.type() == Type::kArray) {
    for (const Value& item : v.items()) out += joined(item);
  }
  return out;
}

struct ExceptionLine {
  std::string_view type;
  std::string_view message;
};

bool is_type_name(std::string_view s) {
  if (s.empty()) return false;
  for (char c : s) {
    char l = lower(c);
    bool word = (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '$' || c == ':';
    if (!word) return false;
  }
  return s.front() < '0' || s.front() > '9';
}

std::string_view last_line_with(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

// Python names the exception in the last line, Java, Go and Node in the first.
ExceptionLine exception_line(std::string_view text) {
  bool python = text.substr(0, 9) == "Traceback" || text.find("\nTraceback (most recent call last)") != text.npos;
  std::string_view line = python ? last_line_with(text) : text.substr(0, text.find('\n'));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  for (std::string_view lead : {std::string_view("Exception in thread \"main\" "), std::string_view("Caused by: ")}) {
    if (line.substr(0, lead.size()) == lead) line.remove_prefix(lead.size());
  }
  size_t colon = line.find(": ");
  std::string_view type = line.substr(0, colon);
  if (!is_type_name(type)) return {{}, line};
  return {type, colon == std::string_view::npos ? std::string_view() : line.substr(colon + 2)};
}

Value derive_value(Derive how, const Value& v) {
  switch (how) {
    case Derive::kCopy: return v;
    case Derive::kText: return v.type() == Type::kString ? v : Value();
    case Derive::kLevelText: return v.type() == Type::kString ? v : level_value(v, rank_of_bunyan);
    case Derive::kLevelPython: return level_value(v, rank_of_python);
    case Derive::kLevelSyslog: return level_value(v, rank_of_syslog);
    case Derive::kLevelOtel: return level_value(v, rank_of_otel);
    case Derive::kLevelBunyan: return level_value(v, rank_of_bunyan);
    case Derive::kDurationMs: return number_of(v) ? v : derive_value(Derive::kDurationText, v);
    case Derive::kDurationSeconds: return scaled_value(v, 1e3);
    case Derive::kDurationMicros: return scaled_value(v, 1e-3);
    case Derive::kDurationNanos: return scaled_value(v, 1e-6);
    case Derive::kJoinLines: return v.type() == Type::kArray ? Value::string(joined(v)) : v;
    case Derive::kDurationText: {
      if (v.type() != Type::kString) return {};
      std::optional<double> ms = duration_text_ms(v.text());
      return ms ? Value::real(*ms) : Value();
    }
    case Derive::kTraceparentTrace: return dashed_part(v, 1, 32);
    case Derive::kTraceparentSpan: return dashed_part(v, 2, 16);
    case Derive::kB3Trace: return dashed_part(v, 0, 16);
    case Derive::kB3Span: return dashed_part(v, 1, 16);
    case Derive::kB3Parent: return dashed_part(v, 3, 16);
    case Derive::kExceptionType:
    case Derive::kExceptionMessage: {
      std::string text = joined(v);
      ExceptionLine line = exception_line(text);
      std::string_view part = how == Derive::kExceptionType ? line.type : line.message;
      return part.empty() ? Value() : Value::string(std::string(part));
    }
  }
  return {};
}

bool all_strings(const Values& values) {
  return std::all_of(values.begin(), values.end(),
                     [](const Value& v) { return v.is_null() || v.type() == Type::kString; });
}

bool all_doubles(const Values& values) {
  return std::all_of(values.begin(), values.end(),
                     [](const Value& v) { return v.is_null() || v.type() == Type::kDouble; });
}

void set_nulls(Vector& out, const Values& values) {
  if (std::none_of(values.begin(), values.end(), [](const Value& v) { return v.is_null(); })) return;
  for (const Value& v : values) out.nulls.push_back(v.is_null() ? 1 : 0);
}

// A flat vector of values that are all of one lane, else one of values.
Vector vector_of(Values values) {
  if (std::all_of(values.begin(), values.end(), [](const Value& v) { return v.is_null(); })) {
    return Vector::all_null(static_cast<uint32_t>(values.size()));
  }
  Vector out;
  out.size = static_cast<uint32_t>(values.size());
  out.layout = Layout::kFlat;
  if (all_doubles(values)) {
    out.type = Type::kDouble;
    set_nulls(out, values);
    for (const Value& v : values) out.f64.push_back(v.f64());
    return out;
  }
  if (all_strings(values)) {
    out.type = Type::kString;
    set_nulls(out, values);
    auto owner = std::make_shared<const Values>(std::move(values));
    for (const Value& v : *owner) out.strings.push_back(v.text());
    out.owners.push_back(owner);
    return out;
  }
  out.type = Type::kMixed;
  out.layout = Layout::kValues;
  out.values = std::move(values);
  return out;
}

Vector derive_rows(Derive how, const Vector& source) {
  Values values;
  values.reserve(source.size);
  for (uint32_t row = 0; row < source.size; ++row) values.push_back(derive_value(how, source.value(row)));
  return vector_of(std::move(values));
}

}  // namespace

bool is_canonical(std::string_view name) {
  if (name == kTimestampField) return true;
  return std::any_of(std::begin(kAliases), std::end(kAliases), [&](const Alias& a) { return a.canonical == name; });
}

std::vector<CanonicalStep> canonical_steps(std::string_view name, const std::vector<std::string>& stored) {
  if (name == kTimestampField && std::find(stored.begin(), stored.end(), kTimeField) != stored.end()) {
    return {{std::string(kTimeField), Derive::kCopy}};
  }
  if (!is_canonical(name) || name == kTimestampField) {
    if (std::find(stored.begin(), stored.end(), name) == stored.end()) return {};
    return {{std::string(name), Derive::kCopy}};
  }
  std::vector<Found> found = find_sources(name, stored);
  if (name == kLevelField) put_levelname_first(found);
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.order < b.order; });
  std::vector<CanonicalStep> steps;
  for (Found& f : found) steps.push_back(std::move(f.step));
  return steps;
}

VectorPtr derive(Derive how, const VectorPtr& source) {
  if (how == Derive::kCopy || source->type == Type::kNull) return source;
  bool keeps_strings = how == Derive::kText || how == Derive::kLevelText;
  if (keeps_strings && source->type == Type::kString) return source;
  if (source->layout == Layout::kConst) {
    Value v = derive_value(how, source->is_null(0) ? Value() : source->value(0));
    return std::make_shared<const Vector>(Vector::constant(v, source->size));
  }
  if (source->layout == Layout::kDict) {
    auto dict = std::make_shared<const Vector>(derive_rows(how, *source->dict));
    if (!dict->has_nulls()) {
      Vector out = *source;
      out.type = dict->type;
      out.dict = dict;
      return std::make_shared<const Vector>(std::move(out));
    }
  }
  return std::make_shared<const Vector>(derive_rows(how, *source));
}

TimeRole time_role(std::string_view name) {
  struct Role {
    std::string_view name;
    TimeRole role;
  };
  constexpr Role kRoles[] = {
      {"@timestamp", TimeRole::kAtTimestamp},
      {"timestamp", TimeRole::kTimestamp},
      {"time", TimeRole::kTime},
      {"ts", TimeRole::kTs},
      {"t", TimeRole::kT},
      {"date", TimeRole::kDate},
      {"asctime", TimeRole::kAsctime},
      {"created", TimeRole::kCreated},
      {"timeunixnano", TimeRole::kUnixNano},
      {"start", TimeRole::kStart},
      {"msecs", TimeRole::kMsecs},
      // Names that single products use: CloudTrail, journald, Kubernetes' audit log, Azure, and plain variants.
      {"eventtime", TimeRole::kDate},
      {"event_time", TimeRole::kDate},
      {"datetime", TimeRole::kDate},
      {"log_time", TimeRole::kDate},
      {"logtime", TimeRole::kDate},
      {"timegenerated", TimeRole::kDate},
      {"__realtime_timestamp", TimeRole::kDate},
      {"requestreceivedtimestamp", TimeRole::kDate},
  };
  std::string_view bare = below_fields(name);
  for (const Role& r : kRoles) {
    if (equals_folded(bare, r.name)) return r.role;
  }
  return TimeRole::kNone;
}

int level_rank(std::string_view level) {
  std::string_view text = trim(level);
  if (std::optional<int64_t> number = small_number(text)) return rank_of_bunyan(*number);
  // OpenTelemetry's INFO2 and PostgreSQL's DEBUG1 are steps inside a level.
  if (text.size() > 1 && text.back() >= '1' && text.back() <= '5') text.remove_suffix(1);
  for (const LevelWord& w : kLevelWords) {
    if (equals_folded(text, w.word)) return w.rank;
  }
  return 0;
}

std::string_view level_of_rank(int rank) { return kRanks[rank >= 0 && rank <= 7 ? rank : 0]; }

}  // namespace clew::model
