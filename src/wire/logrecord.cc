#include "wire/logrecord.h"

#include <algorithm>
#include <deque>

#include "text/utf8.h"
#include "wire/json_scan.h"
#include "wire/keyed_rows.h"
#include "wire/otlp_walk.h"
#include "wire/python_text.h"

namespace clew::wire {
namespace {

// Attributes of every LogRecord that are texts even when they look like something else, and those that are numbers.
constexpr std::string_view kTexts[] = {"name",     "msg",      "message",  "levelname",  "pathname",
                                       "filename", "module",   "funcName", "threadName", "processName",
                                       "taskName", "exc_text", "exc_info", "stack_info", "asctime"};

struct Pair {
  std::string name;
  std::string value;
};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// A malformed % stays as it is.
std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    out.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return out;
}

std::vector<Pair> form_pairs(std::string_view form) {
  std::vector<Pair> out;
  while (!form.empty() && out.size() <= kFieldsPerEventMax) {
    std::string_view part = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(form.size(), part.size() + 1));
    while (!part.empty() && (part.back() == '\r' || part.back() == '\n')) part.remove_suffix(1);
    size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    out.push_back({decoded(part.substr(0, equals)), decoded(part.substr(equals + 1))});
  }
  return out;
}

const std::string* find(const std::vector<Pair>& pairs, std::string_view name) {
  for (const Pair& p : pairs) {
    if (p.name == name) return &p.value;
  }
  return nullptr;
}

class LogRecordRow {
 public:
  LogRecordRow(RowWriter& rows, const std::vector<Pair>& pairs) : rows_(rows), pairs_(pairs) {}

  void write() {
    for (const Pair& p : pairs_) put(p);
    if (find(pairs_, "message") == nullptr) put_message();
    rows_.end_row();
  }

 private:
  static bool is_number(std::string_view v) {
    return !v.empty() && scan::number_end(v.data(), v.data() + v.size()) == v.data() + v.size();
  }

  void put_text(std::string_view name, std::string_view v) {
    if (v.size() > kValueBytesMax) {
      v = v.substr(0, kValueBytesMax);
      rows_.flag(model::Flag::kTruncated);
    }
    if (!text::is_valid_utf8(v)) rows_.flag(model::Flag::kBadUtf8);
    rows_.add_string(rows_.field(name), v);
  }

  void put(const Pair& p) {
    bool is_text = std::find(std::begin(kTexts), std::end(kTexts), p.name) != std::end(kTexts);
    bool is_message = p.name == "msg" || p.name == "message";
    if (p.value == "None" && !is_message)
      rows_.add_null(rows_.field(p.name));
    else if (p.name == "args" && put_args(p.value))
      return;
    else if (!is_text && is_number(p.value))
      rows_.add_number(rows_.field(p.name), p.value);
    else if (!is_text && (p.value == "True" || p.value == "False"))
      rows_.add_bool(rows_.field(p.name), p.value == "True");
    else
      put_text(p.name, p.value);
  }

  bool put_args(std::string_view repr) {
    std::optional<std::vector<PythonValue>> args = parse_python_tuple(repr);
    if (!args) return false;
    std::string json = "[";
    for (const PythonValue& v : *args) {
      if (json.size() > 1) json.push_back(',');
      v.append_json(json);
    }
    json.push_back(']');
    rows_.add_text(rows_.field("args"), model::Kind::kArray, json);
    return true;
  }

  // What record.getMessage() gives; msg alone where the arguments cannot be put in.
  void put_message() {
    const std::string* msg = find(pairs_, "msg");
    if (msg == nullptr) return;
    const std::string* repr = find(pairs_, "args");
    std::optional<std::vector<PythonValue>> args;
    if (repr != nullptr) args = parse_python_tuple(*repr);
    std::optional<std::string> message;
    if (args && !args->empty()) message = python_format(*msg, *args);
    put_text("message", message ? *message : *msg);
  }

  RowWriter& rows_;
  const std::vector<Pair>& pairs_;
};

}  // namespace

Result<Events> decode_logrecord(std::string_view form, const Intake& intake) {
  std::vector<Pair> pairs = form_pairs(form);
  if (pairs.empty()) return Error(Code::kInvalid, "expected the attributes of a LogRecord as a form: name=...&msg=...");
  if (pairs.size() > kFieldsPerEventMax) {
    return Error(Code::kTooLarge, "more than " + std::to_string(kFieldsPerEventMax) + " fields");
  }
  Events events;
  events.received = 1;
  RowWriter rows;
  rows.attach(batch_of(events.batches, intake.dataset), intake);
  rows.begin_row();
  LogRecordRow(rows, pairs).write();
  return events;
}

}  // namespace clew::wire
