#include "process/line_parser.h"

#include <algorithm>
#include <array>

#include "model/canonical.h"
#include "process/access_log.h"
#include "process/columns_line.h"
#include "process/database_line.h"
#include "process/firewall_line.h"
#include "process/logfmt.h"
#include "process/mysql_slow.h"
#include "process/plain_line.h"
#include "process/syslog_line.h"
#include "text/message_shape.h"
#include "text/utf8.h"
#include "wire/json_event.h"
#include "wire/row_writer.h"

namespace clew::process {
namespace {

using model::Flag;
using wire::Field;
using wire::Newlines;

// Of PostgreSQL's csvlog, in order; an empty name is passed over.
constexpr std::array<std::string_view, 23> kPostgresColumns = {"",
                                                               "db.user",
                                                               "db.name",
                                                               "process.pid",
                                                               "client.address",
                                                               "postgresql.session_id",
                                                               "postgresql.session_line",
                                                               "postgresql.command_tag",
                                                               "postgresql.session_start",
                                                               "postgresql.virtual_transaction_id",
                                                               "postgresql.transaction_id",
                                                               "level",
                                                               "postgresql.sql_state",
                                                               "message",
                                                               "postgresql.detail",
                                                               "postgresql.hint",
                                                               "postgresql.internal_query",
                                                               "postgresql.internal_query_position",
                                                               "postgresql.context",
                                                               "postgresql.query",
                                                               "postgresql.query_position",
                                                               "postgresql.location",
                                                               "db.application"};

constexpr size_t kPairsMin = 2;  // fewer pairs are prose with an equals sign

struct FormatName {
  std::string_view name;
  Format format;
};
constexpr FormatName kFormats[] = {
    {"plain", Format::kPlain},
    {"ndjson", Format::kNdjson},
    {"json", Format::kJsonStream},
    {"access", Format::kAccess},
    {"syslog", Format::kSyslog},
    {"logfmt", Format::kLogfmt},
    {"raw", Format::kRaw},
    {"w3c", Format::kW3c},
    {"zeek", Format::kZeek},
    {"csv", Format::kCsv},
    {"mysql_slow", Format::kMysqlSlow},
    {"postgres_csv", Format::kPostgresCsv},
};

std::string_view without_line_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

// The first bytes of a text that is too long, without a torn character at the end.
std::string_view cut(std::string_view line, size_t bytes_max) {
  size_t n = bytes_max;
  while (n > bytes_max - 4 && (static_cast<unsigned char>(line[n]) & 0xC0) == 0x80) --n;
  return line.substr(0, n);
}

// PostgreSQL's names of what its prefix holds.
std::string_view prefix_field(std::string_view name) {
  if (name == "user" || name == "usr") return "db.user";
  if (name == "db" || name == "database") return "db.name";
  if (name == "app" || name == "appli") return "db.application";
  if (name == "client" || name == "host" || name == "remote") return "client.address";
  return {};
}

}  // namespace

bool is_blank_line(std::string_view line) { return line.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

Result<std::optional<Format>> format_by_name(std::string_view name) {
  if (name == "auto") return std::optional<Format>();
  for (const FormatName& f : kFormats) {
    if (f.name == name) return std::optional<Format>(f.format);
  }
  return Error(
      Code::kInvalid,
      "unknown format " + quoted(name) +
          ": auto, plain, ndjson, json, access, syslog, logfmt, w3c, zeek, csv, mysql_slow, postgres_csv, raw, "
          "jaeger-json, zipkin-json or otlp-json");
}

std::string_view format_name(Format format) {
  for (const FormatName& f : kFormats) {
    if (f.format == format) return f.name;
  }
  return "plain";
}

JoinRule join_rule(Format format) {
  switch (format) {
    case Format::kPlain:
    case Format::kRaw: return {JoinRule::How::kTraces, nullptr};
    case Format::kMysqlSlow: return {JoinRule::How::kSlowQueries, nullptr};
    case Format::kCsv:
    case Format::kPostgresCsv: return {JoinRule::How::kQuotes, nullptr};
    default: return {};
  }
}

struct LineParser::State {
  State(Format line_format, Expect line_expect, size_t bytes_max)
      : format(line_format), expect(line_expect), line_bytes_max(bytes_max) {}

  // Fields that many lines have, looked up once.
  struct Known {
    Field* message;
    Field* level;
    Field* logger;
    Field* thread;
    Field* pid;
    Field* program;
    Field* host;
    Field* kind;
    Field* client;
    Field* user;
    Field* method;
    Field* url;
    Field* path;
    Field* query;
    Field* version;
    Field* status;
    Field* bytes;
    Field* referrer;
    Field* agent;
    Field* server;
    Field* facility;
    Field* message_id;
    Field* trace;
    Field* span;
  };

  void find_fields() {
    auto f = [this](std::string_view name) { return rows.field(name); };
    known = {f("message"),
             f("level"),
             f("logger"),
             f("thread.name"),
             f("process.pid"),
             f("program"),
             f("host.name"),
             f("source.kind"),
             f("source.address"),
             f("user.name"),
             f("http.request.method"),
             f("url.original"),
             f("url.path"),
             f("url.query"),
             f("http.version"),
             f("http.response.status_code"),
             f("http.response.body.bytes"),
             f("http.request.referrer"),
             f("user_agent.original"),
             f("url.domain"),
             f("syslog.facility"),
             f("syslog.msgid"),
             f("trace_id"),
             f("span_id")};
    generation = rows.fields_generation() + 1;
  }

  void begin() {
    if (generation != rows.fields_generation() + 1) find_fields();
    rows.begin_row();
    if (flags != 0) rows.flag(static_cast<Flag>(flags));
  }
  void add(Field* field, std::string_view value) {
    if (value.empty() || rows.has(field)) return;
    rows.note_origin(field, model::Origin::kParser);
    rows.add_string(field, value);
  }
  void add_number(Field* field, std::string_view digits) {
    if (digits.empty()) return;
    rows.note_origin(field, model::Origin::kParser);
    rows.add_number(field, digits);
  }
  void note(const std::optional<text::Time>& time) {
    if (time && !(written && time->assumed_zone)) rows.time().note_parsed(*time);
  }

  bool json(std::string_view text, Newlines newlines) {
    const char* end = text.data() + text.size();
    const char* p = wire::scan::blanks<Newlines::kBlank>(text.data(), end);
    if (p == end || *p != '{') return false;
    begin();
    const char* after = reader.read(p, end, newlines);
    if (after == nullptr || wire::scan::blanks<Newlines::kBlank>(after, end) != end) {
      rows.abandon_row();
      return false;
    }
    bool timed = rows.time().any();
    if (!timed && written) {
      rows.end_row_at(*written);
      return true;
    }
    int64_t time = rows.end_row();
    if (timed) last_time = time;
    return true;
  }

  bool access(std::string_view line) {
    std::optional<AccessLine> got = parse_access_line(line);
    if (!got) return false;
    std::optional<text::Time> time = times.parse(got->time, context);
    if (!time) return false;
    begin();
    note(time);
    add(known.client, got->client);
    add(known.user, got->user);
    add(known.server, got->virtual_host);
    add(known.method, got->method);
    std::string_view url = got->method.empty() ? got->request : got->url;
    if (url != "-") {
      add(known.url, url);
      size_t question = url.find('?');
      if (!got->method.empty()) add(known.path, url.substr(0, question));
      if (question != std::string_view::npos) add(known.query, url.substr(question + 1));
    }
    add(known.version, got->version);
    add_number(known.status, got->status);
    add_number(known.bytes, got->bytes);
    add(known.referrer, got->referrer);
    add(known.agent, got->agent);
    return true;
  }

  bool syslog(std::string_view line) {
    std::optional<SyslogLine> got = parse_syslog_line(line, times, context);
    if (!got) return false;
    begin();
    note(got->time);
    add(known.host, got->host);
    add(known.program, got->program);
    add_pid(got->pid);
    if (got->priority >= 0) {
      add(known.level, syslog_severity(got->priority));
      add(known.facility, syslog_facility(got->priority));
    }
    add(known.message_id, got->message_id);
    add(known.message, got->message);
    add(known.kind, "host");
    add_firewall(got->message);
    for (const SyslogParameter& p : got->parameters) add_parameter(p);
    return true;
  }
  void add_pid(std::string_view pid) {
    bool digits = !pid.empty() && pid.size() <= 18 && pid.find_first_not_of("0123456789") == std::string_view::npos;
    if (digits)
      add_number(known.pid, pid);
    else
      add(known.pid, pid);
  }
  // [opentelemetry trace_id="..."] gives the ids that everybody else has at top level.
  void add_parameter(const SyslogParameter& p) {
    if (p.name.empty()) return;
    scratch.clear();
    append_logfmt_unescaped(p.value, scratch);
    if (p.id == "opentelemetry" && p.name == "trace_id") return add(known.trace, scratch);
    if (p.id == "opentelemetry" && p.name == "span_id") return add(known.span, scratch);
    std::string name = "syslog.";
    name.append(p.id).append(".").append(p.name);
    add(rows.field(name), scratch);
  }

  // A packet that a firewall logged has fields besides its message.
  void add_firewall(std::string_view message) {
    std::optional<FirewallLine> packet = parse_firewall_line(message);
    if (!packet) return;
    if (!packet->action.empty()) add(rows.field("event.action"), packet->action);
    for (auto [name, value] : packet->values) add_text_or_number(rows.field(name), value);
  }
  void add_text_or_number(Field* field, std::string_view value) {
    if (value.empty() || rows.has(field)) return;
    const char* end = value.data() + value.size();
    if (wire::scan::number_end(value.data(), end) == end)
      add_number(field, value);
    else
      add(field, value);
  }

  // A line of columns with names; the header's own lines are events, too, with their text.
  bool column_row(std::string_view line) {
    if (columns->header(line)) {
      begin();
      return true;
    }
    if (!columns->read(line)) return false;
    begin();
    std::string_view date;
    std::string_view time;
    for (size_t i = 0; i < columns->names().size(); ++i) {
      const std::string& name = columns->names()[i];
      std::string_view value = columns->values()[i].view();
      if (format == Format::kW3c && name == "date") date = value;
      if (format == Format::kW3c && name == "time") time = value;
      if (value.empty()) continue;
      bool split_time = format == Format::kW3c && (name == "date" || name == "time");
      if (!split_time) add_text_or_number(rows.field(name), value);
      note_column_time(name, value);
    }
    if (!date.empty() && !time.empty()) {
      scratch.assign(date);
      scratch.push_back(' ');
      scratch.append(time);
      scratch.push_back('Z');
      note(times.parse(scratch, context));
    }
    return true;
  }
  // StartTimeUnixNano and its like say when, where nothing else does.
  void note_column_time(std::string_view name, std::string_view value) {
    if (rows.time().any() || format != Format::kCsv) return;
    auto ends = [&](std::string_view end) { return name.ends_with(end); };
    if (ends("Time") || ends("TimeUnixNano") || ends("_time") || ends("_at") || ends("Timestamp")) {
      std::optional<text::Time> time = text::parse_epoch(value);
      note(time ? time : times.parse(value, context));
    }
  }

  bool slow_query(std::string_view text) {
    std::optional<SlowQuery> got = parse_slow_query(text);
    if (!got) return false;
    begin();
    std::optional<text::Time> time;
    if (!got->timestamp.empty()) time = text::parse_epoch_seconds(got->timestamp);
    if (!time && !got->time.empty()) time = times.parse(got->time, context);
    // The server writes a time only when the second is another: without one it is that of the entry before.
    if (!time && last_time) time = text::Time{.unix_nanos = *last_time};
    note(time);
    add(known.message, got->statement);
    add(known.kind, "database");
    add(rows.field("db.user"), got->user);
    add(rows.field("db.name"), got->schema);
    add(known.client, got->address.empty() ? got->host : got->address);
    if (!got->id.empty()) add_text_or_number(rows.field("db.thread_id"), got->id);
    for (auto [name, value] : got->values) {
      std::string field = "mysql.";
      for (char c : name) field.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
      add_text_or_number(rows.field(field), value);
    }
    return true;
  }

  bool postgres_csv(std::string_view line) {
    if (!split_csv(line, csv) || csv.size() < kPostgresColumns.size()) return false;
    std::optional<text::Time> time = times.parse(csv[0].view(), context);
    if (!time) return false;
    begin();
    note(time);
    for (size_t i = 1; i < kPostgresColumns.size(); ++i) {
      std::string_view value = csv[i].view();
      if (value.empty() || kPostgresColumns[i].empty()) continue;
      Field* field = rows.field(kPostgresColumns[i]);
      if (kPostgresColumns[i] == "process.pid")
        add_pid(value);
      else
        add(field, value);
      std::string_view took = field == known.message ? statement_duration(value) : std::string_view();
      if (!took.empty()) add_number(rows.field("duration_ms"), took);
    }
    add(known.kind, "database");
    return true;
  }

  bool logfmt(std::string_view line) {
    if (!parse_logfmt(line, kPairsMin, pairs)) return false;
    begin();
    for (const LogfmtPair& p : pairs) {
      Field* field = rows.field(p.key);
      if (rows.has(field)) rows.flag(Flag::kDuplicateKey);
      rows.remove(field);
      rows.note_origin(field, model::Origin::kParser);
      add_pair(field, p);
    }
    return true;
  }
  void add_pair(Field* field, const LogfmtPair& p) {
    if (p.bare) return rows.add_bool(field, true);
    if (p.escaped) {
      scratch.clear();
      append_logfmt_unescaped(p.value, scratch);
      if (field->role == model::TimeRole::kNone)
        rows.add_string(field, scratch);
      else
        rows.add_string(field, p.value);  // the text must outlive the row
      return;
    }
    const char* end = p.value.data() + p.value.size();
    bool number = !p.quoted && !p.value.empty() && wire::scan::number_end(p.value.data(), end) == end;
    if (number) return rows.add_number(field, p.value);
    if (!p.quoted && (p.value == "true" || p.value == "false")) return rows.add_bool(field, p.value == "true");
    rows.add_string(field, p.value);
  }

  // `line` may have further lines, as a stack trace has.
  void plain(std::string_view line) {
    std::string_view first = line.substr(0, line.find('\n'));
    std::string_view rest = first.size() < line.size() ? line.substr(first.size() + 1) : std::string_view();
    PlainLine got = parse_plain_line(first, times, context);
    begin();
    note(got.time);
    add(known.level, got.level);
    add(known.logger, got.logger);
    add(known.thread, got.thread);
    add_pid(got.pid);
    add_firewall(got.message);
    if (!got.file.empty()) {
      add(rows.field("code.file"), got.file);
      add_number(rows.field("code.line"), got.file_line);
    }
    if (got.database) add_database(got);
    for (auto [name, value] : got.pairs) {
      std::string_view field = prefix_field(name);
      if (!field.empty() && value != "[unknown]") add(rows.field(field), value);
    }
    std::string_view message = got.message.empty() ? first : got.message;
    if (!rest.empty() && !text::stack_frames(line).empty()) {
      add_trace(line, message, rest);
    } else if (message.size() < first.size()) {
      add(known.message, {message.data(), static_cast<size_t>(line.data() + line.size() - message.data())});
    }
  }
  void add_database(const PlainLine& got) {
    add(known.kind, "database");
    if (!got.duration_ms.empty()) add_number(rows.field("duration_ms"), got.duration_ms);
    if (!got.db_thread.empty()) add_number(rows.field("db.thread_id"), got.db_thread);
    if (!got.code.empty()) add(rows.field("event.code"), got.code);
    if (!got.subsystem.empty()) add(rows.field("event.provider"), got.subsystem);
  }
  // A trace that stands alone, without a line that was logged above it, is named by its error.
  void add_trace(std::string_view line, std::string_view message, std::string_view rest) {
    bool alone = message.starts_with("Traceback (most recent call last)");
    add(known.message, alone ? without_line_end(rest.substr(rest.rfind('\n', rest.size() - 2) + 1)) : message);
    add(rows.field("stack_trace"), alone ? line : rest);
  }

  void end(std::string_view raw) {
    rows.set_raw(raw);
    if (!text::is_valid_utf8(raw)) rows.flag(Flag::kBadUtf8);
    if (rows.time().any()) {
      last_time = rows.end_row();
    } else if (written) {
      rows.end_row_at(*written);
    } else if (last_time) {
      rows.flag(Flag::kInferred);
      rows.end_row_at(*last_time);
    } else {
      rows.end_row();
    }
  }

  // Adds the row of a text line; true when it is of the format.
  bool text_row(std::string_view line) {
    if (columns && column_row(line)) return true;
    if (format == Format::kMysqlSlow && slow_query(line)) return true;
    if (format == Format::kPostgresCsv && postgres_csv(line)) return true;
    if (format == Format::kRaw) {
      begin();
      return true;
    }
    if (format == Format::kAccess && access(line)) return true;
    if (format == Format::kSyslog && syslog(line)) return true;
    if (format == Format::kLogfmt && logfmt(line)) return true;
    plain(line);
    return format == Format::kPlain;
  }

  Format format;
  Expect expect;
  size_t line_bytes_max;
  wire::RowWriter rows;
  wire::JsonEventReader reader{rows};
  Known known{};
  uint64_t generation = 0;  // of `known`: one above the writer's
  text::TimeContext context;
  text::TimeReader times;
  uint32_t flags = 0;                // of every row
  std::optional<int64_t> last_time;  // of the line before
  std::optional<int64_t> written;    // when the line was written, as its keeper says
  std::vector<LogfmtPair> pairs;
  std::optional<ColumnsLine> columns;  // of formats whose header names them
  std::vector<ColumnValue> csv;
  std::string scratch;
};

LineParser::LineParser(Format format, Expect expect, size_t line_bytes_max)
    : state_(std::make_unique<State>(format, expect, line_bytes_max)) {
  if (format == Format::kW3c) state_->columns.emplace(ColumnsKind::kW3c);
  if (format == Format::kZeek) state_->columns.emplace(ColumnsKind::kZeek);
  if (format == Format::kCsv) state_->columns.emplace(ColumnsKind::kCsv);
}
LineParser::~LineParser() = default;

void LineParser::attach(model::Batch& batch, const wire::Intake& intake) {
  state_->context = {intake.zone, intake.arrival.get()};
  state_->rows.attach(batch, intake);
}

std::optional<int64_t> LineParser::last_time() const { return state_->last_time; }
void LineParser::set_last_time(std::optional<int64_t> unix_nanos) { state_->last_time = unix_nanos; }
void LineParser::set_flags(uint32_t bits) { state_->flags = bits; }

bool LineParser::parse_line(std::string_view line, std::optional<int64_t> unix_nanos) {
  State& s = *state_;
  s.written = unix_nanos;
  bool too_long = line.size() > s.line_bytes_max;
  std::string_view raw = too_long ? cut(line, s.line_bytes_max) : line;
  if (is_blank_line(raw)) return false;
  if (!too_long && s.format != Format::kRaw && s.json(raw, Newlines::kEndDocument)) return true;
  bool expected = s.text_row(without_line_end(raw));
  if (!expected && s.expect == Expect::kOnly) s.rows.flag(Flag::kParseError);
  if (too_long) s.rows.flag(Flag::kTruncated);
  s.end(raw);
  return true;
}

void LineParser::learn(std::string_view head) {
  if (!state_->columns) return;
  while (!head.empty()) {
    size_t end = std::min(head.find('\n'), head.size());
    if (!state_->columns->header(without_line_end(head.substr(0, end)))) return;
    head.remove_prefix(std::min(end + 1, head.size()));
  }
}

bool LineParser::parse_object(std::string_view text) {
  if (is_blank_line(text)) return false;
  State& s = *state_;
  s.written = std::nullopt;
  if (s.json(text, Newlines::kBlank)) return true;
  bool too_long = text.size() > s.line_bytes_max;
  std::string_view raw = too_long ? cut(text, s.line_bytes_max) : text;
  s.begin();
  s.rows.flag(Flag::kParseError);
  if (too_long) s.rows.flag(Flag::kTruncated);
  s.end(raw);
  return true;
}

}  // namespace clew::process
