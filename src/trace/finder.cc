#include "trace/finder.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_set>

#include "trace/draft.h"
#include "trace/ids.h"
#include "trace/pasted.h"

namespace clew::trace {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kRequestAround = 60 * kSecond;  // lines of a request id lie this close to its trace
constexpr int64_t kRadiusAround = 600 * kSecond;  // a request of FreeRADIUS ends within this
constexpr int64_t kInferAround = 300 * kSecond;   // as far as inferring looks
constexpr int64_t kInferGap = kSecond;            // a longer silence ends what belongs together
constexpr uint32_t kInferredMax = 10'000;
constexpr size_t kRequestIdsMax = 16;     // of one trace
constexpr size_t kTracesMax = 16;         // of one request id
constexpr size_t kRequestIdBytesMin = 6;  // shorter ones are numbers that others use too
constexpr size_t kIdsTriedMax = 8;
constexpr uint32_t kMatchesMax = 1000;  // lines that a pasted text may be
constexpr size_t kLinesTriedMax = 20;   // of a text of several lines

Error not_found(std::string_view reference) {
  return Error(Code::kNotFound, "nothing carries " + clew::quoted(reference) +
                                    ": no trace, request, task or span id, no event's _id, no stored line");
}

// Fields whose values are ids of requests, in the order of trust.
constexpr std::string_view kIdKeys[] = {
    "traceparent",  "trace_id",     "traceId",      "trace.id",       "TraceID",       "traceid",
    "dd.trace_id",  "X-B3-TraceId", "x-b3-traceid", "task_uuid",      "request_id",    "requestId",
    "x-request-id", "X-Request-ID", "req_id",       "correlation_id", "correlationId", "x-correlation-id"};

bool ends_value(char c) { return std::string_view("\"',;}]) \t\r\n").find(c) != std::string_view::npos; }

// Values that stand behind `key`, a sign and perhaps quotes.
void values_of(std::string_view text, std::string_view key, std::vector<std::string>& out) {
  for (size_t at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
    size_t p = at + key.size();
    bool inside = at > 0 && (std::isalnum(static_cast<unsigned char>(text[at - 1])) || text[at - 1] == '_');
    size_t sign = text.find_first_not_of("\"' ", p);
    if (inside || sign == text.npos || (text[sign] != ':' && text[sign] != '=')) continue;
    size_t begin = text.find_first_not_of("\"' ", sign + 1);
    if (begin == text.npos) continue;
    size_t end = begin;
    while (end < text.size() && !ends_value(text[end])) ++end;
    if (end > begin) out.emplace_back(text.substr(begin, end - begin));
  }
}

// 00-TRACE-SPAN-01, or a single B3 header.
std::string trace_of_header(std::string_view value) {
  size_t dash = value.find('-');
  if (dash == value.npos) return std::string(value);
  if (dash == 2) {
    std::string_view rest = value.substr(3);
    std::string_view id = rest.substr(0, rest.find('-'));
    if (is_hex_id(id)) return std::string(id);
  }
  std::string_view head = value.substr(0, dash);
  return is_hex_id(head) ? std::string(head) : std::string(value);
}

bool looks_like_uuid(std::string_view word) {
  if (word.size() != 36) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? word[i] != '-' : !std::isxdigit(static_cast<unsigned char>(word[i]))) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

bool missed(const Result<Trace>& found) { return !found.ok() && found.error().code() == Code::kNotFound; }

std::string number_text(uint64_t n) { return "(" + std::to_string(n) + ")"; }

}  // namespace

std::vector<std::string> ids_in_text(std::string_view text) {
  std::vector<std::string> out;
  auto add = [&](std::string id) {
    if (!id.empty() && out.size() < kIdsTriedMax && std::find(out.begin(), out.end(), id) == out.end())
      out.push_back(std::move(id));
  };
  for (std::string_view key : kIdKeys) {
    std::vector<std::string> values;
    values_of(text, key, values);
    for (const std::string& value : values) add(trace_of_header(value));
  }
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '-')) ++end;
    std::string_view word = text.substr(at, end - at);
    if (looks_like_uuid(word))
      add(std::string(word));
    else if (is_hex_id(word) && (word.size() == 32 || word.size() == 16))
      add(std::string(word));
    else if (word.size() == 55)
      add(trace_of_header(word));
    at = end + 1;
  }
  return out;
}

Result<std::unique_ptr<Records>> Finder::load(contract::Predicate where, const FindOptions& options,
                                              std::stop_token stop) {
  LoadSpec spec{.access = options.access, .datasets = {}, .range = options.range, .where = std::move(where)};
  spec.attributes = options.attributes;
  auto records = std::make_unique<Records>();
  CLEW_TRY(loader_.load(spec, stop, *records));
  return records;
}

// Lines that know only the request's id.
Status Finder::add_request_lines(Records& records, const FindOptions& options, std::stop_token stop) {
  std::set<std::string_view> ids;
  for (const Record& r : records.rows) {
    if (r.request_id.size() >= kRequestIdBytesMin && ids.size() < kRequestIdsMax) ids.insert(r.request_id);
  }
  if (ids.empty()) return {};
  LoadSpec spec{.access = options.access, .datasets = {}, .range = {}, .where = {}};
  spec.range = {records.rows.front().time - kRequestAround, records.rows.back().time + kRequestAround};
  spec.where = one_of("request_id", std::vector<std::string>(ids.begin(), ids.end()));
  spec.attributes = options.attributes;
  size_t before = records.rows.size();
  std::unordered_set<uint64_t> known;
  for (const Record& r : records.rows) known.insert(r.seq);
  CLEW_TRY(loader_.load(spec, stop, records));
  auto first = records.rows.begin() + static_cast<std::ptrdiff_t>(before);
  auto other = [&](const Record& r) { return !r.trace_id.empty() || known.contains(r.seq); };
  records.rows.erase(std::remove_if(first, records.rows.end(), other), records.rows.end());
  return {};
}

// Datadog's log lines. Asked for apart: no index knows numbers, and granules without the field are left out at once.
Status Finder::add_decimal_lines(Records& records, const std::vector<std::string>& ids, const FindOptions& options,
                                 std::stop_token stop) {
  std::vector<std::string> decimals;
  for (const std::string& id : ids) {
    std::string decimal = decimal_of_hex(id);
    if (!decimal.empty()) decimals.push_back(std::move(decimal));
  }
  if (decimals.empty()) return {};
  LoadSpec spec{
      .access = options.access, .datasets = {}, .range = options.range, .where = one_of("dd.trace_id", decimals)};
  spec.attributes = options.attributes;
  std::unordered_set<uint64_t> known;
  for (const Record& r : records.rows) known.insert(r.seq);
  size_t before = records.rows.size();
  CLEW_TRY(loader_.load(spec, stop, records));
  auto first = records.rows.begin() + static_cast<std::ptrdiff_t>(before);
  records.rows.erase(std::remove_if(first, records.rows.end(), [&](const Record& r) { return known.contains(r.seq); }),
                     records.rows.end());
  return {};
}

Result<Trace> Finder::by_ids(const std::vector<std::string>& ids, const FindOptions& options, std::stop_token stop) {
  std::vector<std::string> all;
  std::vector<contract::Predicate> ways;
  for (const std::string& id : ids) {
    for (std::string& spelling : spellings(id)) all.push_back(std::move(spelling));
    // A phrase, not a part of a text: the index knows words.
    ways.push_back(phrase_in("context.key", id));
  }
  ways.insert(ways.begin(), one_of("task_uuid", ids));
  ways.insert(ways.begin(), one_of("trace_id", all));
  std::unique_ptr<Records> records = CLEW_TRY(load(any_of(std::move(ways)), options, stop));
  CLEW_TRY(add_decimal_lines(*records, ids, options, stop));
  if (records->rows.empty()) return not_found(ids.front());
  CLEW_TRY(add_request_lines(*records, options, stop));
  const Record& first = records->rows.front();
  std::string id(first.trace_id);
  std::string found_by = "trace_id";
  if (id.empty()) {
    id = ids.front();
    found_by = "task";
  }
  return assemble(std::move(records), std::move(id), std::move(found_by), options.assemble);
}

Result<Trace> Finder::by_trace_id(std::string_view id, const FindOptions& options, std::stop_token stop) {
  if (id.empty()) return Error(Code::kInvalid, "an empty trace id");
  return by_ids({std::string(id)}, options, stop);
}

Result<Trace> Finder::by_request_id(std::string_view id, const FindOptions& options, std::stop_token stop) {
  std::unique_ptr<Records> records = CLEW_TRY(load(equals("request_id", std::string(id)), options, stop));
  if (records->rows.empty()) return not_found(id);
  std::set<std::string> traces;
  for (const Record& r : records->rows) {
    if (!r.trace_id.empty() && traces.size() < kTracesMax) traces.insert(std::string(r.trace_id));
  }
  if (traces.empty()) return assemble(std::move(records), std::string(id), "request_id", options.assemble);
  std::vector<std::string> all;
  for (const std::string& trace_id : traces) {
    for (std::string& spelling : spellings(trace_id)) all.push_back(std::move(spelling));
  }
  std::unique_ptr<Records> whole =
      CLEW_TRY(load(any_of({one_of("trace_id", all), equals("request_id", std::string(id))}), options, stop));
  return assemble(std::move(whole), traces.size() == 1 ? *traces.begin() : std::string(id), "request_id",
                  options.assemble);
}

Result<Trace> Finder::radius_request(const Record& event, uint64_t number, const FindOptions& options,
                                     std::stop_token stop) {
  LoadSpec spec{.access = options.access, .datasets = {std::string(event.dataset)}, .range = {}, .where = {}};
  spec.range = {event.time - kRadiusAround, event.time + kRadiusAround};
  spec.where = contains("message", number_text(number));
  if (!event.host.empty()) spec.where = all_of({std::move(spec.where), equals("host.name", std::string(event.host))});
  spec.attributes = options.attributes;
  auto records = std::make_unique<Records>();
  CLEW_TRY(loader_.load(spec, stop, *records));
  // The number begins anew with each start of the server: of its runs the one around the event.
  uint64_t from = 0;
  uint64_t to = UINT64_MAX;
  for (const Record& r : records->rows) {
    uint64_t n = 0;
    std::string_view rest;
    if (!radius_number(r.message, n, rest) || n != number || rest.find(" Received ") != 0) continue;
    if (r.seq <= event.seq)
      from = std::max(from, r.seq);
    else
      to = std::min(to, r.seq);
  }
  std::erase_if(records->rows, [&](const Record& r) {
    uint64_t n = 0;
    std::string_view rest;
    return r.seq < from || r.seq >= to || !radius_number(r.message, n, rest) || n != number;
  });
  if (records->rows.empty()) return not_found(event.message);
  return assemble(std::move(records), "request " + std::to_string(number), "request_number", options.assemble);
}

// Nothing binds the line to others but where and when it was written.
Result<Trace> Finder::around(const Record& event, const FindOptions& options, std::stop_token stop) {
  std::vector<contract::Predicate> same;
  std::string name;
  auto require = [&](std::string_view field, std::string_view value) {
    if (value.empty()) return;
    same.push_back(equals(std::string(field), std::string(value)));
    name += (name.empty() ? "" : " ") + std::string(value);
  };
  require("host.name", event.host);
  require("process.pid", event.process);
  require("thread.name", event.thread);
  if (event.process.empty()) require("service.name", event.service);
  LoadSpec spec{.access = options.access, .datasets = {}, .range = {}, .where = all_of(std::move(same))};
  if (name.empty()) {
    spec.datasets = {std::string(event.dataset)};
    name = event.dataset;
  }
  spec.range = {event.time - kInferAround, event.time + kInferAround};
  spec.attributes = options.attributes;
  auto records = std::make_unique<Records>();
  CLEW_TRY(loader_.load(spec, stop, *records));
  std::vector<Record>& rows = records->rows;
  auto at = std::find_if(rows.begin(), rows.end(), [&](const Record& r) { return r.seq == event.seq; });
  if (at == rows.end()) return not_found(event.message);
  auto first = at;
  auto last = at;
  while (first != rows.begin() && first->time - (first - 1)->time <= kInferGap && at - first < kInferredMax / 2)
    --first;
  while (last + 1 != rows.end() && (last + 1)->time - last->time <= kInferGap && last - at < kInferredMax / 2) ++last;
  rows.erase(last + 1, rows.end());
  rows.erase(rows.begin(), first);
  return assemble(std::move(records), name, "inferred", options.assemble);
}

// Datadog's log lines know a trace by half of its id, as a decimal number; its span knows all of it.
Result<std::string> Finder::whole_trace_id(const Record& event, const FindOptions& options, std::stop_token stop) {
  std::string span_id = hex_of_decimal(event.span_id);
  if (hex_of_decimal(event.trace_id).empty() || span_id.empty()) return std::string(event.trace_id);
  LoadSpec spec{.access = options.access, .datasets = {}, .range = options.range, .where = equals("span_id", span_id)};
  Records spans;
  CLEW_TRY(loader_.load(spec, stop, spans));
  for (const Record& span : spans.rows) {
    if (!span.trace_id.empty() && same_trace(span.trace_id, event.trace_id)) return std::string(span.trace_id);
  }
  return std::string(event.trace_id);
}

Result<Trace> Finder::from_event(const Record& event, const FindOptions& options, std::stop_token stop) {
  if (!event.trace_id.empty()) {
    std::string trace_id = CLEW_TRY(whole_trace_id(event, options, stop));
    return by_ids({std::move(trace_id)}, options, stop);
  }
  size_t at = event.context_key.find('@');
  if (at != event.context_key.npos) {
    std::string_view path = event.context_key.substr(at + 1);
    return by_ids({std::string(path.substr(0, path.find('/')))}, options, stop);
  }
  if (!event.task_uuid.empty()) return by_ids({std::string(event.task_uuid)}, options, stop);
  if (!event.request_id.empty()) return by_request_id(event.request_id, options, stop);
  uint64_t number = 0;
  std::string_view rest;
  if (radius_number(event.message, number, rest)) return radius_request(event, number, options, stop);
  return around(event, options, stop);
}

Result<Trace> Finder::by_event_id(std::string_view id, const FindOptions& options, std::stop_token stop) {
  LoadSpec spec{
      .access = options.access, .datasets = {}, .range = options.range, .where = equals("_id", std::string(id))};
  spec.order = contract::Order::kNewestFirst;
  spec.records_max = 1;
  Records found;
  CLEW_TRY(loader_.load(spec, stop, found));
  if (found.rows.empty()) return not_found(id);
  return from_event(found.rows.front(), options, stop);
}

// What the events lead to that one of which a person means: of many the one that `distance` says is nearest, else the
// newest. Events that lead to the same request count once.
Result<Trace> Finder::from_one_of(const Records& found, const std::function<int64_t(const Record&)>& distance,
                                  const FindOptions& options, std::stop_token stop) {
  const Record* best = &found.rows.back();
  std::set<std::string_view> requests;
  size_t alone = 0;
  for (const Record& r : found.rows) {
    if (distance && distance(r) < distance(*best)) best = &r;
    std::string_view id = !r.trace_id.empty() ? r.trace_id : !r.task_uuid.empty() ? r.task_uuid : r.request_id;
    if (id.empty())
      ++alone;
    else
      requests.insert(id);
  }
  Trace trace = CLEW_TRY(from_event(*best, options, stop));
  trace.requests_alike = static_cast<uint32_t>(requests.size() + alone);
  return trace;
}

Result<Trace> Finder::by_text(std::string_view text, const FindOptions& options, std::stop_token stop) {
  Pasted pasted = read_pasted(text);
  for (const std::string& words : pasted.phrases) {
    LoadSpec spec{.access = options.access, .datasets = {}, .range = options.range, .where = phrase(words)};
    spec.order = contract::Order::kNewestFirst;
    spec.records_max = kMatchesMax;
    Records found;
    CLEW_TRY(loader_.load(spec, stop, found));
    if (found.rows.empty()) continue;
    std::function<int64_t(const Record&)> distance;
    if (pasted.has_time()) distance = [&](const Record& r) { return pasted.distance(r.time); };
    return from_one_of(found, distance, options, stop);
  }
  return not_found(text);
}

// order_id=65963
Result<Trace> Finder::by_field(std::string_view text, const FindOptions& options, std::stop_token stop) {
  size_t sign = text.find('=');
  if (sign == 0 || sign == text.npos || sign + 1 == text.size()) return not_found(text);
  LoadSpec spec{.access = options.access, .datasets = {}, .range = options.range, .where = {}};
  spec.where = equals(std::string(text.substr(0, sign)), std::string(text.substr(sign + 1)));
  spec.order = contract::Order::kNewestFirst;
  spec.records_max = kMatchesMax;
  Records found;
  CLEW_TRY(loader_.load(spec, stop, found));
  if (found.rows.empty()) return not_found(text);
  return from_one_of(found, nullptr, options, stop);
}

// The first line that is stored, where several were pasted.
Result<Trace> Finder::by_lines(std::string_view text, const FindOptions& options, std::stop_token stop) {
  Result<Trace> found = by_text(text, options, stop);
  if (text.find('\n') == text.npos) return found;
  for (size_t lines = 0; missed(found) && !text.empty() && lines < kLinesTriedMax; ++lines) {
    std::string_view line = trimmed(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), text.find('\n') == text.npos ? text.size() : text.find('\n') + 1));
    if (!line.empty()) found = by_text(line, options, stop);
  }
  return found;
}

Result<Trace> Finder::find(std::string_view reference, const FindOptions& options, std::stop_token stop) {
  reference = trimmed(reference);
  if (reference.empty()) return Error(Code::kInvalid, "nothing to look for");
  if (reference.size() > kReferenceBytesMax) return Error(Code::kTooLarge, "a reference of more than 64 KiB");
  bool one_word = reference.find_first_of(" \t\n{") == reference.npos;
  if (one_word) {
    Result<Trace> found = by_trace_id(trace_of_header(reference), options, stop);
    if (!missed(found)) return found;
    found = by_request_id(reference, options, stop);
    if (!missed(found)) return found;
    Records spans;
    LoadSpec spec{.access = options.access,
                  .datasets = {},
                  .range = options.range,
                  .where = one_of("span_id", spellings(reference))};
    CLEW_TRY(loader_.load(spec, stop, spans));
    if (!spans.rows.empty()) return from_event(spans.rows.front(), options, stop);
    found = by_event_id(reference, options, stop);
    if (!missed(found)) return found;
  }
  for (const std::string& id : ids_in_text(reference)) {
    if (id == reference) continue;
    Result<Trace> found = by_ids({id}, options, stop);
    if (missed(found)) found = by_request_id(id, options, stop);
    if (!missed(found)) return found;
  }
  if (one_word) {
    Result<Trace> found = by_field(reference, options, stop);
    if (!missed(found)) return found;
  }
  return by_lines(reference, options, stop);
}

}  // namespace clew::trace
