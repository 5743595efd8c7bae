#include <charconv>
#include <cmath>

#include "expr/lexer.h"
#include "expr/print.h"
#include "plain_aggregate.h"
#include "plain_run.h"

namespace clew::query::testing {

using model::Type;
using model::Value;

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }

// What regex_of() finds in a text from `from` on: the texts of its groups, and where it ends. None: nothing.
struct Found {
  std::vector<std::string> groups;
  size_t end = 0;
};

std::optional<Found> find(int64_t pattern, const std::string& text, size_t from) {
  auto run = [&](size_t at, bool (*in)(char)) {
    size_t end = at;
    while (end < text.size() && in(text[end])) ++end;
    return end;
  };
  if (pattern == 2) {
    bool there = from == 0 && !text.empty() && std::isalnum(static_cast<unsigned char>(text[0])) != 0;
    return there ? std::optional(Found{{text.substr(0, 1)}, 1}) : std::nullopt;
  }
  bool (*in)(char) = pattern == 0 ? digit : lower;
  while (from < text.size() && !in(text[from])) ++from;
  if (from == text.size()) return std::nullopt;
  size_t end = run(from, in);
  if (pattern == 0) return Found{{text.substr(from, end - from)}, end};
  return Found{{text.substr(from, 1), text.substr(from + 1, end - from - 1)}, end};
}

std::optional<double> number_of(const Value& v) {
  if (v.is_null()) return std::nullopt;
  std::string text = printed(v);
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

std::string bound_of(double v) {
  bool whole = v == std::floor(v) && std::fabs(v) < 1e15;
  return whole ? std::to_string(static_cast<int64_t>(v)) : expr::print_value(Value::real(v));
}

// What each star of `pattern` stands for: the least text, but for the last. None: it does not match.
std::optional<std::vector<std::string>> stars_of(const std::string& pattern, const std::string& text) {
  size_t star = pattern.find('*');
  if (star == std::string::npos) return pattern == text ? std::optional(std::vector<std::string>()) : std::nullopt;
  if (text.substr(0, star) != pattern.substr(0, star)) return std::nullopt;
  for (size_t end = star; end <= text.size(); ++end) {
    auto rest = stars_of(pattern.substr(star + 1), text.substr(end));
    if (!rest) continue;
    rest->insert(rest->begin(), text.substr(star, end - star));
    return rest;
  }
  return std::nullopt;
}

}  // namespace

bool PlainRun::bin(const Step& step) {
  std::optional<std::vector<size_t>> at = columns(step.names);
  if (!at) return false;
  if (table_.types[at->front()] == Type::kTimestamp) {
    if (!expr::parse_time_span(step.exprs[0]).ok()) return refuse("span is no time span");
    std::optional<Computed> spans = computed("span(" + expr::print_name(step.names[0]) + ", " + step.exprs[0] + ")");
    if (!spans) return false;
    spans->type = Type::kTimestamp;
    set_column(step.made[0], std::move(*spans));
    return true;
  }
  std::optional<double> width = number_of(Value::string(step.exprs[0]));
  if (!width) return refuse("span is no number");
  Computed out{{}, Type::kString, 0};
  for (const PlainValues& row : table_.rows) {
    std::optional<double> number = number_of(row[at->front()]);
    out.values.emplace_back();
    if (!number) continue;
    double low = std::floor(*number / *width) * *width;
    out.values.back() = Value::string(bound_of(low) + "-" + bound_of(low + *width));
  }
  set_column(step.made[0], std::move(out));
  return true;
}

// parse and rex: columns from the groups of a pattern.
bool PlainRun::parse(const Step& step) {
  std::optional<std::vector<size_t>> at = columns(step.names);
  if (!at) return false;
  bool rex = step.kind == Step::Kind::kRex;
  auto most = rex ? static_cast<size_t>(step.numbers[1]) : 1;
  std::vector<Computed> out(step.made.size(), Computed{{}, most > 1 ? Type::kArray : Type::kString, 0});
  for (const PlainValues& row : table_.rows) {
    const Value& v = row[at->front()];
    std::vector<model::Values> found(step.made.size());
    size_t from = 0;
    for (size_t n = 0; n < most && !v.is_null(); ++n) {
      std::optional<Found> one = find(step.numbers[0], printed(v), from);
      if (!one) break;
      from = one->end;
      for (size_t i = 0; i < found.size(); ++i) found[i].push_back(Value::string(one->groups[i]));
    }
    for (size_t i = 0; i < found.size(); ++i) {
      Value made = rex ? Value() : Value::string("");
      if (!found[i].empty()) made = most > 1 ? Value::array(found[i]) : found[i][0];
      out[i].values.push_back(std::move(made));
    }
  }
  for (size_t i = 0; i < out.size(); ++i) set_column(step.made[i], std::move(out[i]));
  return true;
}

bool PlainRun::regex(const Step& step) {
  std::optional<std::vector<size_t>> at = columns(step.names);
  if (!at) return false;
  std::erase_if(table_.rows, [&](const PlainValues& row) {
    const Value& v = row[at->front()];
    return v.is_null() || find(step.numbers[0], printed(v), 0).has_value() == has(step, "not");
  });
  return true;
}

bool PlainRun::replace(const Step& step) {
  std::optional<std::vector<size_t>> at = columns(step.names);
  if (!at) return false;
  for (size_t c : *at) {
    for (PlainValues& row : table_.rows) {
      auto parts = row[c].is_null() ? std::nullopt : stars_of(step.exprs[0], printed(row[c]));
      if (!parts) continue;
      std::string made;
      size_t next = 0;
      for (char ch : step.exprs[1]) made += ch == '*' ? parts->at(next++) : std::string(1, ch);
      row[c] = Value::string(made);
    }
  }
  return true;
}

}  // namespace clew::query::testing
