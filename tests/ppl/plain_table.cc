#include "plain_table.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "expr/coerce.h"
#include "plain_run.h"

namespace clew::query::testing {

using model::Type;
using model::Value;

namespace {

int rank(Type type) {
  switch (type) {
    case Type::kNull: return 0;
    case Type::kBool: return 1;
    case Type::kTime: return 3;
    case Type::kTimestamp:
    case Type::kDate: return 4;
    case Type::kInterval: return 5;
    case Type::kString: return 6;
    case Type::kIp: return 7;
    case Type::kArray: return 8;
    case Type::kStruct: return 9;
    default: return 2;
  }
}

// 64 bits of mantissa: every integer and double there is.
long double number(const Value& v) {
  switch (v.type()) {
    case Type::kDouble:
    case Type::kFloat: return v.f64();
    case Type::kULong: return static_cast<uint64_t>(v.i64());
    case Type::kDecimal: return static_cast<long double>(v.i64()) / std::pow(10.0L, v.scale());
    default: return v.i64();
  }
}

int three_way(long double x, long double y) {
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) == std::isnan(y) ? 0 : std::isnan(x) ? 1 : -1;
  return x < y ? -1 : x > y ? 1 : 0;
}

int order_of_addresses(const std::string& a, const std::string& b) {
  std::optional<expr::IpAddress> x = expr::parse_ip(a);
  std::optional<expr::IpAddress> y = expr::parse_ip(b);
  if (!x || !y) return x ? -1 : y ? 1 : std::clamp(a.compare(b), -1, 1);
  int order = std::memcmp(x->bytes, y->bytes, sizeof x->bytes);
  return std::clamp(order != 0 ? order : a.compare(b), -1, 1);
}

int order_of_lists(const model::Values& a, const model::Values& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    int order = plain_order(a[i], b[i]);
    if (order != 0) return order;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    bool down = name[0] == '-';
    out += (out.empty() ? "" : ", ") + std::string(down ? "-" : "") + expr::print_name(name.substr(down ? 1 : 0));
  }
  return out;
}

std::string text_of(const std::vector<AggregateText>& aggregates) {
  std::string out;
  for (const AggregateText& a : aggregates) out += (out.empty() ? "" : ", ") + text_of(a) + " as " + a.as;
  return out;
}

std::string by(const Step& step) {
  std::string keys;
  if (!step.exprs.empty()) keys = step.exprs[0] + " as slot";
  std::string names = joined(step.names);
  if (!names.empty()) keys += (keys.empty() ? "" : ", ") + names;
  return keys.empty() ? "" : " by " + keys;
}

std::string number_of(const Step& step, size_t i) { return std::to_string(step.numbers.at(i)); }

std::string options(const Step& step) {
  std::string out;
  for (const std::string& word : step.words) out += word + " ";
  return out;
}

// Of commands about series and texts.
std::string text_of_more(const Step& step, const std::string& names) {
  auto as = [&](size_t i) { return step.made.at(i) == step.names.at(0) ? "" : " as " + step.made.at(i); };
  auto quoted = [](const std::string& text) { return expr::print_string(text); };
  switch (step.kind) {
    case Step::Kind::kTimechart: {
      std::string out = "timechart span=" + step.exprs.at(0) + " limit=" + number_of(step, 0) + " " + options(step);
      return out + text_of(step.aggregates) + (names.empty() ? "" : " by " + names);
    }
    case Step::Kind::kChart: {
      std::string out = "chart limit=" + number_of(step, 0) + " " + options(step) + text_of(step.aggregates) +
                        " over " + expr::print_name(step.names.at(0)) + " as " + step.made.at(0);
      if (step.names.size() < 2) return out;
      return out + " by " + expr::print_name(step.names.at(1)) + " as " + step.made.at(1);
    }
    case Step::Kind::kBin: return "bin " + names + " span=" + step.exprs.at(0) + as(0);
    case Step::Kind::kParse: return "parse " + names + " " + quoted(regex_of(step));
    case Step::Kind::kRex:
      return "rex field=" + names + " max_match=" + number_of(step, 1) + " " + quoted(regex_of(step));
    case Step::Kind::kRegex: return "regex " + names + (has(step, "not") ? "!=" : "=") + quoted(regex_of(step));
    case Step::Kind::kReplace:
      return "replace " + quoted(step.exprs.at(0)) + " with " + quoted(step.exprs.at(1)) + " in " + names;
    case Step::Kind::kExpand: {
      std::string limit = step.numbers.empty() ? "" : " limit=" + number_of(step, 0);
      return step.words.at(0) + " " + names + limit + as(0);
    }
    case Step::Kind::kTrendline:
      return "trendline " + step.words.at(0) + "(" + number_of(step, 0) + ", " + names + ") as " + step.made.at(0);
    case Step::Kind::kLookup:
      return "lookup logs " + expr::print_name(step.names.at(1)) + " as " + expr::print_name(step.names.at(0)) + " " +
             step.words.at(0) + " " + expr::print_name(step.names.at(2)) + " as " + expr::print_name(step.made.at(0));
    default: return "";
  }
}

}  // namespace

std::string regex_of(const Step& step) {
  switch (step.numbers.at(0)) {
    case 0: return "(?<" + step.made.at(0) + ">[0-9]+)";
    case 1: return "(?<" + step.made.at(0) + ">[a-z])(?<" + step.made.at(1) + ">[a-z]*)";
    default: return "^(?<" + step.made.at(0) + ">[A-Za-z0-9])";
  }
}

bool has(const Step& step, std::string_view word) {
  return std::find(step.words.begin(), step.words.end(), word) != step.words.end();
}

size_t Table::column(const std::string& name) const {
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

int plain_order(const Value& a, const Value& b) {
  int x = rank(a.type());
  int y = rank(b.type());
  if (x != y) return x < y ? -1 : 1;
  auto nanos = [](const Value& v) { return v.type() == Type::kDate ? v.i64() * 86400.0L * 1e9L : v.i64(); };
  switch (x) {
    case 0: return 0;
    case 3:
    case 5: return three_way(a.i64(), b.i64());
    case 4: return three_way(nanos(a), nanos(b));
    case 6: return std::clamp(a.text().compare(b.text()), -1, 1);
    case 7: return order_of_addresses(a.text(), b.text());
    case 8: return order_of_lists(a.items(), b.items());
    case 9: {
      model::Values left;
      model::Values right;
      for (const auto& [name, item] : a.members()) left.insert(left.end(), {Value::string(name), item});
      for (const auto& [name, item] : b.members()) right.insert(right.end(), {Value::string(name), item});
      return order_of_lists(left, right);
    }
    default: return three_way(number(a), number(b));
  }
}

std::string text_of(const AggregateText& a) {
  if (a.name == "count_if") return "count(eval(" + a.argument + "))";
  return a.name + "(" + a.argument + (a.parameter.empty() ? "" : ", " + a.parameter) + ")";
}

std::string text_of(const Step& step) {
  std::string names = joined(step.names);
  switch (step.kind) {
    case Step::Kind::kWhere: return "where " + step.exprs[0];
    case Step::Kind::kEval: return "eval " + names + " = " + step.exprs[0];
    case Step::Kind::kFields: return "fields " + names;
    case Step::Kind::kDrop: return "fields - " + names;
    case Step::Kind::kSort: return "sort " + names;
    case Step::Kind::kHead: return "head " + number_of(step, 0) + " from " + number_of(step, 1);
    case Step::Kind::kDedup: {
      std::string out = "dedup " + number_of(step, 0) + " " + names;
      for (const std::string& word : step.words) out += " " + word;
      return out;
    }
    case Step::Kind::kStats: return "stats " + text_of(step.aggregates) + by(step);
    case Step::Kind::kEventstats: return "eventstats " + text_of(step.aggregates) + by(step);
    case Step::Kind::kStreamstats: {
      std::string out = "streamstats ";
      for (const std::string& word : step.words) out += word + " ";
      if (step.numbers[0] != 0) out += "window=" + number_of(step, 0) + " ";
      return out + text_of(step.aggregates) + by(step);
    }
    case Step::Kind::kTop:
    case Step::Kind::kRare: {
      std::string out = step.kind == Step::Kind::kTop ? "top " : "rare ";
      out += number_of(step, 0);
      for (const std::string& word : step.words) out += " " + word;
      out += " " + names;
      return step.exprs.empty() ? out : out + " by " + joined(step.exprs);
    }
    case Step::Kind::kFillnull: return "fillnull with " + step.exprs[0] + " in " + names;
    case Step::Kind::kRename:
      return "rename " + expr::print_name(step.names[0]) + " as " + expr::print_name(step.names[1]);
    case Step::Kind::kReverse: return "reverse";
    case Step::Kind::kAppend: return "append [ " + text_of(step.inner) + " ]";
    case Step::Kind::kJoin: {
      std::string out = "join type=" + step.words[0];
      if (!step.numbers.empty()) out += " max=" + number_of(step, 0);
      out += " left=l right=r";
      if (step.words[0] != "cross")
        out += " on l." + expr::print_name(step.names[0]) + " = r." + expr::print_name(step.names[1]);
      return out + " [ " + text_of(step.inner) + " ]";
    }
    case Step::Kind::kIn:
      return "where " + expr::print_name(step.names[0]) + (has(step, "not") ? " not in [ " : " in [ ") +
             text_of(step.inner) + " ]";
    case Step::Kind::kAppendpipe: {
      std::string out;
      for (const Step& inner : step.inner) out += (out.empty() ? "" : " | ") + text_of(inner);
      return "appendpipe [ " + out + " ]";
    }
    default: return text_of_more(step, names);
  }
}

std::string text_of(const std::vector<Step>& steps) {
  std::string out = "source=logs";
  for (const Step& step : steps) out += " | " + text_of(step);
  return out;
}

PlainAnswer evaluate(const Table& events, const std::vector<Step>& steps, int64_t now) {
  PlainRun run(events, now);
  if (!run.all(steps)) return {std::nullopt, run.why(), run.refuses()};
  return {run.table(), "", false};
}

}  // namespace clew::query::testing
