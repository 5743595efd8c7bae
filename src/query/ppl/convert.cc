#include "query/ppl/convert.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <cctz/time_zone.h>

#include "expr/coerce.h"
#include "expr/print.h"
#include "query/exec/gather.h"
#include "query/exec/rows.h"
#include "query/exec/sums.h"
#include "query/ppl/fields.h"
#include "query/ppl/pattern.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr std::string_view kTimeFormat = "%m/%d/%Y %H:%M:%S";

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool has_letters(std::string_view text) { return std::any_of(text.begin(), text.end(), letter); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string without_commas(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c != ',') out.push_back(c);
  }
  return out;
}

using Number = std::optional<double>;

Number whole_number(std::string_view text) { return expr::parse_double(text); }

// The number that the text begins with: sign, digits, a fraction.
Number leading_number(std::string_view text) {
  size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  size_t digits = 0;
  while (i < text.size() && digit(text[i])) ++i, ++digits;
  if (i < text.size() && text[i] == '.') {
    size_t end = i + 1;
    while (end < text.size() && digit(text[end])) ++end, ++digits;
    i = end;
  }
  return digits == 0 ? Number() : whole_number(text.substr(0, i));
}

Number num(std::string_view text) {
  text = trimmed(text);
  if (Number whole = whole_number(text)) return whole;
  return has_letters(text) ? leading_number(text) : whole_number(without_commas(text));
}

Number rmcomma(std::string_view text) {
  return has_letters(text) ? Number() : whole_number(without_commas(trimmed(text)));
}
Number rmunit(std::string_view text) { return leading_number(trimmed(text)); }

// `100m` in kilobytes.
Number memk(std::string_view text) {
  text = trimmed(text);
  double factor = 1;
  if (!text.empty() && letter(text.back())) {
    char unit = static_cast<char>(text.back() | 0x20);
    if (unit != 'k' && unit != 'm' && unit != 'g') return {};
    factor = unit == 'k' ? 1 : unit == 'm' ? 1024 : 1024.0 * 1024;
    text.remove_suffix(1);
  }
  Number number = has_letters(text) ? Number() : whole_number(text);
  return number ? Number(*number * factor) : Number();
}

std::optional<int64_t> take_digits(std::string_view& text) {
  size_t n = 0;
  int64_t value = 0;
  while (n < text.size() && n < 9 && digit(text[n])) value = value * 10 + (text[n++] - '0');
  text.remove_prefix(n);
  return n == 0 ? std::nullopt : std::optional<int64_t>(value);
}

// `[D+]HH:MM:SS` in seconds.
Number dur2sec(std::string_view text) {
  text = trimmed(text);
  std::optional<int64_t> first = take_digits(text);
  int64_t days = 0;
  if (first && !text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    days = *first;
    first = take_digits(text);
  }
  if (!first || text.empty() || text[0] != ':') return {};
  text.remove_prefix(1);
  std::optional<int64_t> minutes = take_digits(text);
  if (!minutes || *minutes > 59 || text.empty() || text[0] != ':') return {};
  text.remove_prefix(1);
  std::optional<int64_t> seconds = take_digits(text);
  if (!seconds || *seconds > 59 || *first > 23 || !text.empty()) return {};
  return static_cast<double>(days * 86400 + *first * 3600 + *minutes * 60 + *seconds);
}

// `[MM:]SS.SSS` in seconds.
Number mstime(std::string_view text) {
  text = trimmed(text);
  bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  double minutes = 0;
  size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    std::string_view left = text.substr(0, colon);
    std::optional<int64_t> whole = take_digits(left);
    if (!whole || !left.empty()) return {};
    minutes = static_cast<double>(*whole);
    text.remove_prefix(colon + 1);
  }
  if (text.empty() || !digit(text[0]) || has_letters(text)) return {};
  Number seconds = whole_number(text);
  if (!seconds) return {};
  double total = minutes * 60 + *seconds;
  return negative ? -total : total;
}

Number automatic(std::string_view text) {
  if (Number whole = whole_number(trimmed(text))) return whole;
  for (auto function : {dur2sec, mstime, memk, num}) {
    if (Number number = function(text)) return number;
  }
  return {};
}

struct Function {
  std::string_view name;
  Number (*convert)(std::string_view);  // null: none, ctime, mktime
};
constexpr std::array<Function, 10> kFunctions = {{{"auto", automatic},
                                                  {"num", num},
                                                  {"rmcomma", rmcomma},
                                                  {"rmunit", rmunit},
                                                  {"memk", memk},
                                                  {"dur2sec", dur2sec},
                                                  {"mstime", mstime},
                                                  {"none", nullptr},
                                                  {"ctime", nullptr},
                                                  {"mktime", nullptr}}};

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

Value ctime(const Value& value, const std::string& format) {
  double seconds = 0;
  if (value.type() == Type::kTimestamp) {
    seconds = static_cast<double>(value.i64()) / 1e9;
  } else if (exec::is_number(value.type())) {
    seconds = exec::to_real(value);
  } else {
    Number number = value.type() == Type::kString ? whole_number(trimmed(value.text())) : Number();
    if (!number) return {};
    seconds = *number;
  }
  constexpr double kSecondsMax = 253402300799.0;  // the year 9999
  if (!(seconds > -kSecondsMax && seconds < kSecondsMax)) return {};
  auto whole = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>(
      std::chrono::seconds(static_cast<int64_t>(seconds)));
  return Value::string(cctz::format(format, whole, cctz::utc_time_zone()));
}

Value mktime(const Value& value, const std::string& format) {
  if (value.type() != Type::kString) return exec::is_number(value.type()) ? Value::real(exec::to_real(value)) : Value();
  std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds> time;
  if (!cctz::parse(format, std::string(trimmed(value.text())), cctz::utc_time_zone(), &time)) return {};
  return Value::real(static_cast<double>(time.time_since_epoch().count()));
}

class ConvertStep final : public exec::MapStep {
 public:
  ConvertStep(const Function& function, std::string format, Slot in, Slot out)
      : function_(function), format_(std::move(format)), in_(in), out_(out) {}
  std::string name() const override { return "convert"; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  Status map(exec::Block& block) const override {
    model::VectorPtr column = exec::column_of(block, in_);
    std::vector<Value> values(block.rows);
    for (uint32_t row = 0; row < block.rows; ++row) {
      if (!column->is_null(row)) values[row] = converted(column->value(row));
    }
    block.set(out_, exec::vector_of(values));
    return {};
  }

 private:
  Value converted(const Value& value) const {
    if (function_.name == "none") return value;
    if (function_.name == "ctime") return ctime(value, format_);
    if (function_.name == "mktime") return mktime(value, format_);
    Number number = function_.convert(expr::print_value(value));
    return number ? Value::real(*number) : Value();
  }

  const Function& function_;
  std::string format_;
  Slot in_;
  Slot out_;
};

struct Item {
  const Function* function = nullptr;
  std::string field;
  std::string as;
};

class Convert final : public Command {
 public:
  Convert(std::string format, std::vector<Item> items) : format_(std::move(format)), items_(std::move(items)) {}

  std::string print() const override {
    std::string out = "convert ";
    if (format_ != kTimeFormat) out += "timeformat=" + expr::print_string(format_) + " ";
    for (size_t i = 0; i < items_.size(); ++i) {
      out +=
          (i == 0 ? "" : ", ") + std::string(items_[i].function->name) + "(" + expr::print_name(items_[i].field) + ")";
      if (!items_[i].as.empty()) out += " as " + expr::print_name(items_[i].as);
    }
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<std::string> excepted;
    for (const Item& item : items_) {
      if (item.function->name == "none" && item.as.empty()) excepted.push_back(item.field);
    }
    for (const Item& item : items_) {
      std::vector<Column> columns = CLEW_TRY(matching_columns(pipeline, item.field));
      bool pattern = item.field.find('*') != std::string::npos;
      for (const Column& column : columns) {
        bool left_out = pattern && std::find(excepted.begin(), excepted.end(), column.name) != excepted.end();
        if (!left_out) convert(pipeline, item, column);
      }
    }
    return {};
  }

 private:
  void convert(Pipeline& pipeline, const Item& item, const Column& column) const {
    Slot out = pipeline.context.new_slot();
    pipeline.add(std::make_shared<ConvertStep>(*item.function, format_, column.slot, out));
    Type type = item.function->name == "none"    ? column.type
                : item.function->name == "ctime" ? Type::kString
                                                 : Type::kDouble;
    pipeline.scope.set({item.as.empty() ? column.name : item.as, out, type});
  }

  std::string format_;
  std::vector<Item> items_;
};

Result<Item> parse_item(CommandParser& parser) {
  Item item;
  expr::Token name = parser.tokens.next();
  item.function = name.kind == expr::TokenKind::kIdentifier ? find_function(expr::to_lower_ascii(name.text)) : nullptr;
  if (item.function == nullptr) {
    std::vector<std::string_view> names;
    for (const Function& function : kFunctions) names.push_back(function.name);
    std::string closest = expr::closest_name(name.text, names);
    return parser.tokens.fail(name.span, expr::kSemanticError, "convert has no function " + quoted(name.text),
                              closest.empty() ? "" : "did you mean " + closest + "()?");
  }
  CLEW_TRY(parser.tokens.expect("("));
  item.field = CLEW_TRY(parser.name());
  CLEW_TRY(parser.tokens.expect(")"));
  if (parser.tokens.accept_word("as")) item.as = CLEW_TRY(parser.name_or_string());
  return item;
}

}  // namespace

Result<CommandPtr> parse_convert(CommandParser& parser) {
  std::string format(kTimeFormat);
  if (auto text = CLEW_TRY(parser.option("timeformat"))) format = *text;
  std::vector<Item> items;
  do {
    Item item = CLEW_TRY(parse_item(parser));
    items.push_back(std::move(item));
    parser.tokens.accept(",");
  } while (!parser.at_end());
  return CommandPtr(std::make_shared<Convert>(std::move(format), std::move(items)));
}

}  // namespace clew::query::ppl
