#include <algorithm>
#include <cstdlib>

#include "expr/print.h"
#include "logstore/test_store.h"
#include "random_case.h"

namespace clew::query::testing {

using model::Value;

namespace {

const char* const kNames[] = {"a",        "b.c",  "http.status", "my field", "user-agent", "größe", "x:y", "N",
                              "trace_id", "peer", "s.t.u",       "tags",     "select",     "1st",   "_k",  "a`b"};

const char* const kIntegers[] = {"0",  "1",   "2",   "3",   "7",          "10",          "-1",
                                 "-3", "200", "404", "500", "2147483647", "-2147483649", "1795000000"};
const char* const kWideIntegers[] = {"9007199254740993",     "9223372036854775807", "-9223372036854775808",
                                     "18446744073709551615", "9223372036854775808", "-9007199254740993"};
const char* const kDecimals[] = {"0.5", "1.50", "-2.25", "12.125", "99.99", "0.1", "100.0", "-0.75"};
const char* const kReals[] = {"1e300",
                              "-1e300",
                              "5e-324",
                              "1e-10",
                              "1e2",
                              "-0.0",
                              "-0",
                              "2.5E3",
                              "1.7976931348623157e308",
                              "0.30000000000000004",
                              "123456789012345678901234567890",
                              "3.141592653589793238462643"};
const char* const kTexts[] = {
    "",    "a",    "abc",   "ABC",   "Payment failed", "timeout",     "größe",     "日本語",     "e\u0301",
    "😀",   " x ",  "x%y_z", "a,b,c", "it's",           "line\nbreak", "tab\there", "7",          "-2.5",
    "1e3", "true", "NULL",  "007",   "error",          "warn",        "k=v",       "\"quoted\"", "back\\slash"};
// None with a T: a field that only ever holds such texts is a time, which is not told of one row.
const char* const kTimes[] = {"2024-02-01 09:10:11.5",
                              "2024-02-29",
                              "2023-12-31 23:59:59.25",
                              "09:10:00",
                              "1969-12-31 23:59:59",
                              "2024-13-01",
                              "nonsense",
                              "2026-03-02 10:00:00"};
const char* const kAddresses[] = {"10.0.0.1", "10.0.0.2",   "192.168.1.77",   "2001:db8::1",
                                  "::1",      "10.0.0.300", "255.255.255.255"};
const char* const kDocuments[] = {
    R"({"a":1,"b":[1,2,3]})", R"([1,"x",null])", R"({"a":{"b":"c"}})", "{}", "[]", "{broken", "12"};

struct Made {
  std::string json;
  Value value;
};

Made number_of(const std::string& text) {
  bool whole = text.find_first_of(".eE") == std::string::npos && text != "-0";
  if (whole && text.size() < 21) {
    errno = 0;
    if (text[0] == '-' || text.size() < 19 || text < "9223372036854775808" || text.size() > 20) {
      long long v = std::strtoll(text.c_str(), nullptr, 10);
      if (errno == 0) return {text, Value::bigint(v)};
    }
    return {text, Value::ubigint(std::strtoull(text.c_str(), nullptr, 10))};
  }
  return {text, Value::real(std::strtod(text.c_str(), nullptr))};
}

Made text_of(const std::string& text) {
  Made out{"", Value::string(text)};
  expr::append_json_string(text, out.json);
  return out;
}

std::string hex(Dice& dice, size_t digits) {
  std::string out;
  for (size_t i = 0; i < digits; ++i) out += "0123456789abcdef"[dice.below(16)];
  return out;
}

// A maker of values of one flavour.
enum class Flavour {
  kInteger,
  kWide,
  kDecimal,
  kReal,
  kBool,
  kText,
  kTime,
  kAddress,
  kHex,
  kJson,
  kLong,
  kArray,
  kCount
};

Made value_of(Dice& dice, Flavour flavour) {
  switch (flavour) {
    case Flavour::kInteger: return number_of(dice.chance(30) ? std::to_string(dice.below(1000)) : dice.any(kIntegers));
    case Flavour::kWide: return number_of(dice.chance(40) ? dice.any(kIntegers) : dice.any(kWideIntegers));
    case Flavour::kDecimal: return number_of(dice.any(kDecimals));
    case Flavour::kReal: return number_of(dice.chance(50) ? dice.any(kDecimals) : dice.any(kReals));
    case Flavour::kBool:
      return dice.chance(50) ? Made{"true", Value::boolean(true)} : Made{"false", Value::boolean(false)};
    case Flavour::kText: return text_of(dice.any(kTexts));
    case Flavour::kTime: return text_of(dice.any(kTimes));
    case Flavour::kAddress: return text_of(dice.any(kAddresses));
    case Flavour::kHex: return text_of(hex(dice, dice.chance(80) ? 32 : 16));
    case Flavour::kJson: return text_of(dice.any(kDocuments));
    case Flavour::kLong: return text_of(std::string(dice.below(300), 'x') + std::to_string(dice.below(100000)));
    default: break;
  }
  Made out{"[", Value()};
  model::Values items;
  auto inner = static_cast<Flavour>(dice.below(static_cast<uint64_t>(Flavour::kTime)));
  for (uint64_t i = dice.below(4); i > 0; --i) {
    Made item = dice.chance(10) ? Made{"null", Value()} : value_of(dice, inner);
    out.json += (items.empty() ? "" : ",") + item.json;
    items.push_back(std::move(item.value));
  }
  out.json += "]";
  out.value = Value::array(std::move(items));
  return out;
}

Kind kind_of(Flavour flavour) {
  switch (flavour) {
    case Flavour::kInteger:
    case Flavour::kWide:
    case Flavour::kDecimal:
    case Flavour::kReal: return Kind::kNumber;
    case Flavour::kBool: return Kind::kBool;
    case Flavour::kArray: return Kind::kArray;
    case Flavour::kCount: return Kind::kMixed;
    default: return Kind::kText;
  }
}

struct Field {
  Flavour flavour = Flavour::kCount;  // kCount: mixed
  uint64_t present = 100;             // percent
  bool nests = false;                 // its dots are objects, now and then
  std::vector<Made> pool;             // not empty: few distinct values
};

Made value_of(Dice& dice, const Field& field) {
  if (!field.pool.empty()) return dice.any(field.pool);
  Flavour flavour = field.flavour;
  if (flavour == Flavour::kCount) flavour = static_cast<Flavour>(dice.below(static_cast<uint64_t>(Flavour::kCount)));
  return value_of(dice, flavour);
}

std::string member(const std::string& name, const std::string& json, bool nested) {
  std::string out;
  std::string closing;
  std::string rest = name;
  for (size_t dot = rest.find('.'); nested && dot != std::string::npos; dot = rest.find('.')) {
    expr::append_json_string(rest.substr(0, dot), out);
    out += ":{";
    closing += "}";
    rest = rest.substr(dot + 1);
  }
  expr::append_json_string(rest, out);
  return out + ":" + json + closing;
}

}  // namespace

RandomEvents random_events(Dice& dice, uint64_t events_max) {
  RandomEvents out;
  std::vector<std::string> names(std::begin(kNames), std::end(kNames));
  std::vector<Field> fields;
  for (uint64_t count = 2 + dice.below(8); count > 0; --count) {
    size_t at = dice.below(names.size());
    Field field;
    field.flavour = static_cast<Flavour>(dice.below(static_cast<uint64_t>(Flavour::kCount) + 1));
    field.present = dice.chance(40) ? 100 : 20 + dice.below(80);
    field.nests = dice.chance(50);
    if (dice.chance(40)) {
      Field all = field;
      for (uint64_t i = 1 + dice.below(4); i > 0; --i) field.pool.push_back(value_of(dice, all));
    }
    out.columns.push_back({names[at], kind_of(field.flavour)});
    fields.push_back(std::move(field));
    names.erase(names.begin() + static_cast<ptrdiff_t>(at));
  }
  uint64_t distinct_times = dice.chance(30) ? 3 : 7200;
  for (uint64_t count = 1 + dice.below(events_max); count > 0; --count) {
    RandomEvent event;
    event.time = logstore::testing::kStart + static_cast<int64_t>(dice.below(distinct_times)) * 1'000'000'000;
    if (dice.chance(30)) event.time += static_cast<int64_t>(dice.below(1'000'000'000));
    event.ends_batch = dice.chance(15);
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!dice.chance(fields[i].present)) {
        event.members.push_back(dice.chance(30) ? member(out.columns[i].name, "null", false) : "");
        event.values.emplace_back();
        continue;
      }
      Made made = value_of(dice, fields[i]);
      event.members.push_back(member(out.columns[i].name, made.json, fields[i].nests && dice.chance(50)));
      event.values.push_back(std::move(made.value));
    }
    out.events.push_back(std::move(event));
  }
  return out;
}

std::string RandomEvents::line(size_t event) const {
  std::string time = expr::print_timestamp(events[event].time);
  time[10] = 'T';
  std::string out = "{\"@timestamp\":\"" + time + "Z\"";
  for (const std::string& member : events[event].members) out += member.empty() ? "" : "," + member;
  return out + "}\n";
}

// A column's type, as the language sees it: of events that hold integers and other numbers it is a double.
static model::Type type_of(const std::vector<RandomEvent>& events, size_t column) {
  using model::Type;
  Type out = Type::kNull;
  for (const RandomEvent& event : events) {
    Type type = event.values[column].type();
    if (type == Type::kNull || type == out) continue;
    bool numbers = (type == Type::kLong || type == Type::kDouble) && (out == Type::kLong || out == Type::kDouble);
    out = out == Type::kNull ? type : numbers ? Type::kDouble : Type::kMixed;
  }
  return out;
}

Table RandomEvents::table() const {
  Table out;
  out.add_name("@timestamp", model::Type::kTimestamp);
  std::vector<size_t> used;
  for (size_t c = 0; c < columns.size(); ++c) {
    // Names that begin with _ are clew's own, and a column that no event has is no column.
    model::Type type = type_of(events, c);
    if (type == model::Type::kNull || columns[c].name[0] == '_') continue;
    used.push_back(c);
    out.add_name(columns[c].name, type);
  }
  for (const RandomEvent& event : events) {
    std::vector<Value> row{Value::timestamp(event.time)};
    for (size_t c : used) row.push_back(event.values[c]);
    out.rows.push_back(std::move(row));
  }
  std::stable_sort(out.rows.begin(), out.rows.end(),
                   [](const auto& a, const auto& b) { return a[0].i64() < b[0].i64(); });
  return out;
}

}  // namespace clew::query::testing
