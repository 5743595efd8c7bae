#include "process/syslog_rows.h"

#include "text/utf8.h"

namespace clew::process {
namespace {

constexpr size_t kPidDigitsMax = 18;

// Some senders end a datagram as they end a line.
std::string_view without_end(std::string_view s) {
  while (!s.empty() && (s.back() == '\n' || s.back() == '\r' || s.back() == '\0')) s.remove_suffix(1);
  return s;
}

// Of a parameter's value: before a quote, a backslash and a bracket the backslash goes, elsewhere it is itself.
void append_value(std::string_view value, std::string& out) {
  for (size_t i = 0; i < value.size(); ++i) {
    char next = i + 1 < value.size() ? value[i + 1] : ' ';
    if (value[i] == '\\' && (next == '"' || next == '\\' || next == ']')) ++i;
    out.push_back(value[i]);
  }
}

}  // namespace

void SyslogRows::find_fields() {
  message_ = rows_.field("message");
  level_ = rows_.field("level");
  facility_ = rows_.field("syslog.facility");
  host_ = rows_.field("host.name");
  program_ = rows_.field("program");
  pid_ = rows_.field("process.pid");
  message_id_ = rows_.field("syslog.msgid");
  kind_ = rows_.field("source.kind");
  address_ = rows_.field("log.source.address");
  trace_ = rows_.field("trace_id");
  span_ = rows_.field("span_id");
  known_.clear();
  generation_ = rows_.fields_generation() + 1;
}

void SyslogRows::arrive(const text::Zone& zone, int64_t now_nanos) {
  if (context_.now_nanos == now_nanos) return;
  context_ = {zone, now_nanos};
  rows_.time().begin(now_nanos, zone);
}

void SyslogRows::put(wire::Field* field, std::string_view value, model::Origin origin) {
  if (value.empty() || rows_.has(field)) return;
  rows_.note_origin(field, origin);
  rows_.add_string(field, value);
}

void SyslogRows::put_pid(std::string_view pid) {
  bool digits =
      !pid.empty() && pid.size() <= kPidDigitsMax && pid.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return put(pid_, pid);
  rows_.note_origin(pid_, model::Origin::kParser);
  rows_.add_number(pid_, pid);
}

// [opentelemetry trace_id="..."] gives the ids that everybody else has at top level.
void SyslogRows::put_parameter(const SyslogParameter& p, size_t place) {
  std::string_view value = p.value;
  if (value.find('\\') != std::string_view::npos) {
    scratch_.clear();
    append_value(value, scratch_);
    value = scratch_;
  }
  wire::Field* field = field_of(p, place);
  if (rows_.has(field)) {
    incomplete_ = true;
    return;
  }
  rows_.note_origin(field, model::Origin::kParser);
  if (p.name.empty())
    rows_.add_bool(field, true);
  else
    rows_.add_string(field, value);
}

// Messages of one program have the same parameters in the same places.
wire::Field* SyslogRows::field_of(const SyslogParameter& p, size_t place) {
  if (place >= known_.size()) known_.resize(place + 1);
  KnownParameter& known = known_[place];
  if (known.field != nullptr && known.id == p.id && known.name == p.name) return known.field;
  known.id = p.id;
  known.name = p.name;
  if (p.id == "opentelemetry" && p.name == "trace_id") return known.field = trace_;
  if (p.id == "opentelemetry" && p.name == "span_id") return known.field = span_;
  name_.assign("syslog.").append(p.id);
  if (!p.name.empty()) name_.append(".").append(p.name);
  return known.field = rows_.field(name_);
}

bool SyslogRows::add(std::string_view message, const SyslogSender& sender, Whole whole) {
  message = without_end(message);
  if (message.find_first_not_of(' ') == std::string_view::npos) return false;
  if (generation_ != rows_.fields_generation() + 1) find_fields();
  SyslogHost host = sender.own_host.empty() ? SyslogHost::kNamed : SyslogHost::kNone;
  SyslogLine& got = line_;
  bool well_formed = read_syslog_message(message, host, times_, context_, got);
  rows_.begin_row();
  if (got.time) rows_.time().note_parsed(*got.time);
  put(host_, got.host);
  put(host_, sender.own_host, model::Origin::kResource);
  put(program_, got.program);
  put_pid(got.pid);
  if (got.priority >= 0) {
    put(level_, syslog_severity(got.priority));
    put(facility_, syslog_facility(got.priority));
  }
  put(message_id_, got.message_id);
  put(message_, got.message);
  put(kind_, "host");
  put(address_, sender.address, model::Origin::kResource);
  incomplete_ = !well_formed || whole == Whole::kCut || got.parameters.size() >= kParametersMax;
  if (got.time && (got.time->assumed_year || got.time->assumed_zone || got.time->out_of_range)) incomplete_ = true;
  for (size_t i = 0; i < got.parameters.size(); ++i) put_parameter(got.parameters[i], i);
  if (incomplete_ || keep_raw_ == KeepRaw::kAlways) rows_.set_raw(message);
  if (!well_formed) rows_.flag(model::Flag::kParseError);
  if (whole == Whole::kCut) rows_.flag(model::Flag::kTruncated);
  if (!text::is_valid_utf8(message)) rows_.flag(model::Flag::kBadUtf8);
  rows_.end_row();
  return true;
}

}  // namespace clew::process
