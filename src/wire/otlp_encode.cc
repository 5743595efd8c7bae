#include "wire/otlp_encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "base/bytes.h"
#include "model/canonical.h"
#include "model/own_fields.h"
#include "model/rest.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

using base::Writer;
using model::Kind;
using model::RestField;

void put_tag(Writer& out, uint32_t field, WireType type) { out.varint(proto_tag(field, type)); }
void put_bytes(Writer& out, uint32_t field, std::string_view bytes) {
  put_tag(out, field, WireType::kBytes);
  out.string(bytes);
}
void put_fixed64(Writer& out, uint32_t field, uint64_t value) {
  put_tag(out, field, WireType::kFixed64);
  out.u64(value);
}

// --- values ----------------------------------------------------------------------------------------------------------

void put_text(Writer& out, std::string_view text) { put_bytes(out, 1, text); }
void put_bool(Writer& out, bool value) {
  put_tag(out, 2, WireType::kVarint);
  out.varint(value ? 1 : 0);
}
void put_int(Writer& out, int64_t value) {
  put_tag(out, 3, WireType::kVarint);
  out.varint(static_cast<uint64_t>(value));
}
void put_double(Writer& out, double value) {
  put_tag(out, 4, WireType::kFixed64);
  out.f64(value);
}

std::optional<double> number_of(std::string_view token) {
  double value = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return value;
}

// A member of a JSON array that is a scalar; false for anything else, and for texts with escapes.
bool put_scalar(std::string_view token, std::string& any) {
  Writer out(any);
  if (token.size() >= 2 && token.front() == '"' && token.back() == '"') {
    std::string_view text = token.substr(1, token.size() - 2);
    if (text.find_first_of("\"\\") != std::string_view::npos) return false;
    put_text(out, text);
    return true;
  }
  if (token == "null") return true;
  if (token == "true" || token == "false") {
    put_bool(out, token == "true");
    return true;
  }
  int64_t integer = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), integer);
  if (error == std::errc() && end == token.data() + token.size()) {
    put_int(out, integer);
    return true;
  }
  std::optional<double> real = number_of(token);
  if (real) put_double(out, *real);
  return real.has_value();
}

// The end of the member that begins at `at`: a comma or the closing bracket outside of quotes.
size_t member_end(std::string_view array, size_t at) {
  bool quoted = false;
  for (; at < array.size(); ++at) {
    char c = array[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || at + 1 == array.size())) {
      return at;
    }
  }
  return std::string_view::npos;
}

// An array of scalars as OTLP's, any other as its JSON text.
void put_array(Writer& out, std::string_view array) {
  std::string values;
  Writer to(values);
  std::string any;
  bool plain = array.size() >= 2 && array.front() == '[' && array.back() == ']';
  for (size_t at = 1; plain && at + 1 < array.size();) {
    size_t end = member_end(array, at);
    any.clear();
    plain = end != std::string_view::npos && put_scalar(array.substr(at, end - at), any);
    put_bytes(to, 1, any);
    at = end + 1;
  }
  if (!plain) return put_text(out, array);
  put_bytes(out, 5, values);
}

double decimal(int64_t mantissa, uint8_t scale) {
  // As its text would be read: the nearest double.
  std::string text = fmt::format("{}e-{}", mantissa, scale);
  return number_of(text).value_or(0);
}

// The content of an AnyValue.
void put_value(Writer& out, const RestField& value) {
  switch (value.kind) {
    case Kind::kNull: return;
    case Kind::kEmptyObject: return put_bytes(out, 6, {});
    case Kind::kBool: return put_bool(out, value.lane != 0);
    case Kind::kInt:
    case Kind::kTime: return put_int(out, value.lane);
    case Kind::kUint: return put_text(out, std::to_string(static_cast<uint64_t>(value.lane)));
    case Kind::kDecimal: return put_double(out, decimal(value.lane, value.scale));
    case Kind::kFloat: return put_double(out, std::bit_cast<double>(value.lane));
    case Kind::kNumberText: {
      std::optional<double> real = number_of(value.text);
      return real && std::isfinite(*real) ? put_double(out, *real) : put_text(out, value.text);
    }
    case Kind::kString: return put_text(out, value.text);
    case Kind::kArray: return put_array(out, value.text);
    case Kind::kBytes: return put_bytes(out, 7, value.text);
  }
}

// --- columns ---------------------------------------------------------------------------------------------------------

// Gives the values of a column row by row.
class Cursor {
 public:
  explicit Cursor(const model::Column& column) : column_(column) { value_.name = column.name(); }

  const std::string& name() const { return column_.name(); }
  // The value of `row`; null where it has none. Requires: rows in rising order.
  const RestField* at(uint32_t row) {
    const auto& runs = column_.runs();
    if (row == row_) return there_ ? &value_ : nullptr;
    row_ = row;
    there_ = false;
    while (run_ < runs.size() && runs[run_].row + runs[run_].count <= row) {
      skip(runs[run_].kind, runs[run_].count - taken_);
      taken_ = 0;
      ++run_;
    }
    if (run_ == runs.size() || runs[run_].row > row) return nullptr;
    const model::KindRun& run = runs[run_];
    skip(run.kind, row - run.row - taken_);
    taken_ = row - run.row;
    value_.kind = run.kind;
    value_.lane = model::kind_has_int(run.kind) ? column_.ints()[ints_] : 0;
    value_.scale = run.kind == Kind::kDecimal ? column_.scales()[scales_] : uint8_t{0};
    value_.text = model::kind_has_text(run.kind) ? column_.text_at(texts_) : std::string_view();
    there_ = true;
    return &value_;
  }

 private:
  void skip(Kind kind, uint32_t count) {
    if (model::kind_has_int(kind)) ints_ += count;
    if (kind == Kind::kDecimal) scales_ += count;
    if (model::kind_has_text(kind)) texts_ += count;
  }

  const model::Column& column_;
  RestField value_;
  uint32_t row_ = UINT32_MAX;
  bool there_ = false;
  size_t run_ = 0;
  uint32_t taken_ = 0;  // rows of the run that the lanes are behind
  size_t ints_ = 0;
  size_t scales_ = 0;
  size_t texts_ = 0;
};

std::optional<std::string_view> text_of(const RestField* value) {
  if (value == nullptr || value->kind != Kind::kString) return std::nullopt;
  return value->text;
}

// --- records ---------------------------------------------------------------------------------------------------------

// OTLP's numbers of what model::level_rank gives.
constexpr uint8_t kSeverities[] = {0, 1, 5, 9, 10, 13, 17, 21};

std::optional<uint64_t> severity_of(model::Derive how, const RestField& value) {
  int64_t number = value.lane;
  bool is_number = value.kind == Kind::kInt;
  switch (how) {
    case model::Derive::kLevelOtel:
      if (!is_number || number < 0 || number > 24) return std::nullopt;
      return static_cast<uint64_t>(number);
    case model::Derive::kLevelPython:
      if (!is_number) return std::nullopt;
      // A level above bunyan's of the same number.
      return kSeverities[model::level_rank(std::to_string(number + 10))];
    default: break;
  }
  std::string text = is_number ? std::to_string(number) : std::string(value.text);
  if (!is_number && value.kind != Kind::kString) return std::nullopt;
  return kSeverities[model::level_rank(text)];
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

// The bytes of an id of so many; empty when it is none.
std::string id_bytes(std::string_view hex, size_t bytes) {
  if (hex.size() != 2 * bytes || !is_hex(hex)) return {};
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    out.push_back(static_cast<char>(value));
  }
  return out;
}

// What a record says itself is no attribute of it.
constexpr std::string_view kNoAttributes[] = {
    model::kTimeField,  model::kRawField,  model::kShapeField, model::kRestField,      model::kIndexField,
    model::kFlagsField, model::kLineField, "timeUnixNano",     "observedTimeUnixNano", "severityText",
    "severityNumber",   "service.name",    "host.name"};

// The name of an attribute, where clew's own has another elsewhere.
std::string_view attribute_name(std::string_view field) {
  if (field == model::kIdField) return "log.record.uid";
  if (field == model::kWeightField) return "clew.weight";
  return field;
}

void put_attribute(Writer& out, uint32_t field, std::string_view name, const RestField& value, std::string& buffer) {
  buffer.clear();
  Writer any(buffer);
  put_value(any, value);
  std::string pair;
  Writer to(pair);
  put_bytes(to, 1, name);
  put_bytes(to, 2, buffer);
  put_bytes(out, field, pair);
}

RestField text_value(std::string_view text) { return {.name = {}, .kind = Kind::kString, .text = text}; }

// The events of one batch as records, by what they are from.
class BatchEncoder {
 public:
  BatchEncoder(const model::Batch& batch, int64_t observed_nanos) : batch_(batch), observed_(observed_nanos) {
    std::vector<std::string> names;
    for (const auto& column : batch.columns()) {
      if (column->values_count() == 0) continue;
      cursors_.emplace_back(*column);
      names.push_back(column->name());
    }
    for (std::string_view name : kNoAttributes) own_.insert(name);
    find_steps("message", names, message_);
    find_steps("level", names, level_);
    find_steps("trace_id", names, trace_id_);
    find_steps("span_id", names, span_id_);
    find_steps("service.name", names, service_);
    find_steps("host.name", names, host_);
    for (Cursor& cursor : cursors_) {
      for (auto& [own, to] : by_name_) {
        if (own == cursor.name()) *to = &cursor;
      }
    }
  }

  uint32_t next_row() const { return row_; }
  bool done() const { return row_ == batch_.rows(); }
  size_t bytes() const { return bytes_; }

  // Adds the next event.
  void add() {
    record_.clear();
    Writer out(record_);
    used_.clear();
    put_times(out);
    put_level(out);
    put_body(out);
    put_id(out, 9, trace_id_, 16);
    put_id(out, 10, span_id_, 8);
    put_attributes(out);
    std::string& records = groups_[{text_at(service_), text_at(host_)}];
    Writer to(records);
    size_t before = records.size();
    put_bytes(to, 2, record_);
    bytes_ += records.size() - before;
    ++row_;
  }

  // What was added since the last call, as ResourceLogs of a request.
  void append_to(std::string& request) {
    Writer out(request);
    for (const auto& [from, records] : groups_) {
      std::string resource;
      Writer attributes(resource);
      if (!from.first.empty()) put_attribute(attributes, 1, "service.name", text_value(from.first), buffer_);
      if (!from.second.empty()) put_attribute(attributes, 1, "host.name", text_value(from.second), buffer_);
      std::string scope;
      Writer to(scope);
      std::string owner;
      Writer of(owner);
      put_bytes(of, 1, "clew");
      put_attribute(of, 3, "clew.dataset", text_value(batch_.dataset()), buffer_);
      put_bytes(to, 1, owner);
      to.bytes(records);
      std::string group;
      Writer all(group);
      put_bytes(all, 1, resource);
      put_bytes(all, 2, scope);
      put_bytes(out, 1, group);
    }
    groups_.clear();
    bytes_ = 0;
  }

 private:
  struct Step {
    Cursor* from = nullptr;
    model::Derive how = model::Derive::kCopy;
  };
  using Steps = std::vector<Step>;

  void find_steps(std::string_view name, const std::vector<std::string>& names, Steps& steps) {
    for (const model::CanonicalStep& step : model::canonical_steps(name, names)) {
      for (Cursor& cursor : cursors_) {
        if (cursor.name() == step.source) steps.push_back({&cursor, step.how});
      }
    }
  }

  // The first of the steps that has a text of its own; `is` takes texts.
  template <class Is>
  std::string_view first_text(const Steps& steps, Is is, bool use) {
    for (const Step& step : steps) {
      bool as_it_is = step.how == model::Derive::kCopy || step.how == model::Derive::kText;
      std::optional<std::string_view> text = as_it_is ? text_of(step.from->at(row_)) : std::nullopt;
      if (!text || text->empty() || !is(*text)) continue;
      if (use) used_.push_back(step.from);
      return *text;
    }
    return {};
  }
  std::string text_at(const Steps& steps) {
    return std::string(first_text(
        steps, [](std::string_view) { return true; }, false));
  }

  void put_times(Writer& out) {
    int64_t time = times_ == nullptr ? 0 : times_->at(row_)->lane;
    const RestField* flags = flags_ == nullptr ? nullptr : flags_->at(row_);
    bool arrival = flags != nullptr && (flags->lane & static_cast<int64_t>(model::Flag::kArrivalTime)) != 0;
    const RestField* observed = observed_times_ == nullptr ? nullptr : observed_times_->at(row_);
    if (!arrival && time > 0) put_fixed64(out, 1, static_cast<uint64_t>(time));
    int64_t seen = arrival ? time : observed_;
    if (observed != nullptr && observed->kind == Kind::kTime) seen = observed->lane;
    if (seen > 0) put_fixed64(out, 11, static_cast<uint64_t>(seen));
  }

  // The number that the event names, else the rank of its word.
  void put_level(Writer& out) {
    std::string_view text;
    const RestField* named = severity_numbers_ == nullptr ? nullptr : severity_numbers_->at(row_);
    uint64_t number = named == nullptr ? 0 : severity_of(model::Derive::kLevelOtel, *named).value_or(0);
    for (const Step& step : level_) {
      const RestField* value = step.from->at(row_);
      std::optional<uint64_t> severity = value == nullptr ? std::nullopt : severity_of(step.how, *value);
      if (!severity) continue;
      if (number == 0) number = *severity;
      if (text.empty() && value->kind == Kind::kString) {
        text = value->text;
        used_.push_back(step.from);
      }
      if (number != 0 && !text.empty()) break;
    }
    if (number != 0) {
      put_tag(out, 2, WireType::kVarint);
      out.varint(number);
    }
    if (!text.empty()) put_bytes(out, 3, text);
  }

  void put_body(Writer& out) {
    std::string_view text = first_text(
        message_, [](std::string_view) { return true; }, true);
    if (text.empty() && raw_ != nullptr) text = text_of(raw_->at(row_)).value_or("");
    if (text.empty()) return;
    buffer_.clear();
    Writer any(buffer_);
    put_text(any, text);
    put_bytes(out, 5, buffer_);
  }

  void put_id(Writer& out, uint32_t field, const Steps& steps, size_t bytes) {
    std::string id;
    (void)first_text(
        steps, [&](std::string_view text) { return !(id = id_bytes(text, bytes)).empty(); }, true);
    if (!id.empty()) put_bytes(out, field, id);
  }

  void put_attributes(Writer& out) {
    for (Cursor& cursor : cursors_) {
      if (own_.contains(cursor.name()) || std::find(used_.begin(), used_.end(), &cursor) != used_.end()) continue;
      const RestField* value = cursor.at(row_);
      if (value != nullptr) put_attribute(out, 6, attribute_name(cursor.name()), *value, buffer_);
    }
    const RestField* rest = rest_ == nullptr ? nullptr : rest_->at(row_);
    if (rest == nullptr) return;
    RestField field;
    for (model::RestReader in(rest->text); in.next(field);) put_attribute(out, 6, field.name, field, buffer_);
  }

  const model::Batch& batch_;
  const int64_t observed_;
  std::deque<Cursor> cursors_;
  std::unordered_set<std::string_view> own_;
  Steps message_;
  Steps level_;
  Steps trace_id_;
  Steps span_id_;
  Steps service_;
  Steps host_;
  Cursor* times_ = nullptr;
  Cursor* flags_ = nullptr;
  Cursor* raw_ = nullptr;
  Cursor* rest_ = nullptr;
  Cursor* observed_times_ = nullptr;
  Cursor* severity_numbers_ = nullptr;
  const std::vector<std::pair<std::string_view, Cursor**>> by_name_ = {{model::kTimeField, &times_},
                                                                       {model::kFlagsField, &flags_},
                                                                       {model::kRawField, &raw_},
                                                                       {model::kRestField, &rest_},
                                                                       {"observedTimeUnixNano", &observed_times_},
                                                                       {"severityNumber", &severity_numbers_}};
  std::vector<const Cursor*> used_;  // of this row, said by the record itself
  std::string record_;
  std::string buffer_;
  // Records by service and host.
  std::map<std::pair<std::string, std::string>, std::string> groups_;
  uint32_t row_ = 0;
  size_t bytes_ = 0;  // of groups_
};

}  // namespace

std::vector<OtlpRequest> encode_otlp_logs(const std::vector<model::Batch>& batches, int64_t observed_nanos,
                                          size_t bytes_max) {
  std::vector<OtlpRequest> requests(1);
  for (const model::Batch& batch : batches) {
    BatchEncoder encoder(batch, observed_nanos);
    while (!encoder.done()) {
      if (requests.back().body.size() + encoder.bytes() >= bytes_max) {
        encoder.append_to(requests.back().body);
        requests.emplace_back();
      }
      encoder.add();
      ++requests.back().events;
    }
    encoder.append_to(requests.back().body);
  }
  if (requests.back().events == 0) requests.pop_back();
  return requests;
}

OtlpPartialSuccess read_otlp_logs_reply(std::string_view body) {
  OtlpPartialSuccess out;
  ProtoReader reply(body);
  if (!reply.find(proto_tag(1, WireType::kBytes))) return out;
  ProtoReader in(reply.bytes());
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(1, WireType::kVarint): out.rejected = in.varint(); break;
      case proto_tag(2, WireType::kBytes): out.message = std::string(in.bytes()); break;
      default: in.skip(tag);
    }
  }
  if (in.failed()) return {};
  return out;
}

}  // namespace clew::wire
