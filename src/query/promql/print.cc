#include "query/promql/print.h"

#include <fmt/format.h>

#include <cmath>

#include "query/promql/duration.h"
#include "query/promql/functions.h"
#include "query/promql/lexer.h"
#include "query/promql/parser.h"

namespace clew::query::promql {
namespace {

constexpr size_t kLineMax = 100;

std::string label_text(const std::string& name) { return is_label_name(name) ? name : quote(name); }

std::string list_text(const std::vector<std::string>& labels) {
  std::string out = "(";
  for (size_t i = 0; i < labels.size(); ++i) out += (i > 0 ? ", " : "") + label_text(labels[i]);
  return out + ")";
}

std::string duration_text_of(const DurationExpr& expr);

std::string binary_duration(const DurationExpr& expr, std::string_view op) {
  return fmt::format("{} {} {}", duration_text_of(*expr.left), op, duration_text_of(*expr.right));
}

std::string bare_duration(const DurationExpr& expr) {
  using Kind = DurationExpr::Kind;
  switch (expr.kind) {
    case Kind::kNumber:
      // A duration as one; a number stays a number where it is no whole milliseconds.
      if (expr.is_duration) return duration_text(static_cast<int64_t>(std::llround(expr.seconds * 1000)));
      return number_text(expr.seconds);
    case Kind::kNegate: return "-" + duration_text_of(*expr.left);
    case Kind::kPlus: return "+" + duration_text_of(*expr.left);
    case Kind::kAdd: return binary_duration(expr, "+");
    case Kind::kSub: return binary_duration(expr, "-");
    case Kind::kMul: return binary_duration(expr, "*");
    case Kind::kDiv: return binary_duration(expr, "/");
    case Kind::kMod: return binary_duration(expr, "%");
    case Kind::kPow: return binary_duration(expr, "^");
    case Kind::kStep: return "step()";
    case Kind::kRange: return "range()";
    case Kind::kMin:
    case Kind::kMax:
      return fmt::format("{}({}, {})", expr.kind == Kind::kMin ? "min" : "max", duration_text_of(*expr.left),
                         duration_text_of(*expr.right));
  }
  return "";
}

std::string duration_text_of(const DurationExpr& expr) {
  std::string bare = bare_duration(expr);
  return expr.parens ? "(" + bare + ")" : bare;
}

std::string at_text(const AtModifier& at) {
  switch (at.kind) {
    case AtModifier::Kind::kNone: return "";
    case AtModifier::Kind::kStart: return " @ start()";
    case AtModifier::Kind::kEnd: return " @ end()";
    case AtModifier::Kind::kTime: break;
  }
  // Exact: milliseconds are whole.
  int64_t seconds = at.millis / 1000;
  int64_t rest = std::abs(at.millis % 1000);
  return fmt::format(" @ {}{}.{:03}", at.millis < 0 && seconds == 0 ? "-" : "", seconds, rest);
}

std::string modifiers_text(const DurationPtr& offset, const AtModifier& at) {
  std::string out = at_text(at);
  if (offset) out += " offset " + duration_text_of(*offset);
  return out;
}

std::string selector_text(const SelectorExpr& expr) {
  std::string out = print_matchers(expr.name, expr.matchers);
  if (expr.range) out += "[" + duration_text_of(*expr.range) + "]";
  if (expr.extension != Extension::kNone) out += expr.extension == Extension::kSmoothed ? " smoothed" : " anchored";
  return out + modifiers_text(expr.offset, expr.at);
}

std::string subquery_tail(const SubqueryExpr& expr) {
  std::string out = "[" + duration_text_of(*expr.range) + ":";
  if (expr.step) out += duration_text_of(*expr.step);
  return out + "]" + modifiers_text(expr.offset, expr.at);
}

std::string number_expr_text(const NumberExpr& expr) {
  if (!expr.is_duration) return number_text(expr.value);
  return duration_text(static_cast<int64_t>(std::llround(expr.value * 1000)));
}

std::string matching_text(const BinaryExpr& expr) {
  const Matching& matching = expr.matching;
  std::string out;
  if (expr.return_bool) out += " bool";
  if (matching.given) {
    out += fmt::format(" {} {}", matching.on ? "on" : "ignoring", list_text(matching.labels));
    bool left = matching.card == Matching::Card::kManyToOne;
    if (left || matching.card == Matching::Card::kOneToMany) {
      out += fmt::format(" {} {}", left ? "group_left" : "group_right", list_text(matching.include));
    }
  }
  auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  if (matching.fill_left && matching.fill_right && same(*matching.fill_left, *matching.fill_right)) {
    return out + fmt::format(" fill ({})", number_text(*matching.fill_left));
  }
  if (matching.fill_left) out += fmt::format(" fill_left ({})", number_text(*matching.fill_left));
  if (matching.fill_right) out += fmt::format(" fill_right ({})", number_text(*matching.fill_right));
  return out;
}

std::string aggregate_head(const AggregateExpr& expr) {
  std::string out(aggregation_text(expr.aggregation));
  if (expr.without) return out + fmt::format(" without {} ", list_text(expr.grouping));
  if (!expr.grouping.empty()) out += fmt::format(" by {} ", list_text(expr.grouping));
  return out;
}

// Prints with line breaks where a node is longer than a line.
class Pretty {
 public:
  std::string run(const Expr& expr, size_t level) {
    std::string plain = print(expr);
    if (plain.size() + level * 2 <= kLineMax) return indent(level) + plain;
    switch (expr.kind) {
      case ExprKind::kParen: return wrapped("(", {as<ParenExpr>(expr).inner.get()}, level);
      case ExprKind::kAggregate: {
        const auto& aggregate = as<AggregateExpr>(expr);
        std::vector<const Expr*> args;
        if (aggregate.parameter) args.push_back(aggregate.parameter.get());
        args.push_back(aggregate.inner.get());
        return wrapped(aggregate_head(aggregate) + "(", args, level);
      }
      case ExprKind::kCall: {
        std::vector<const Expr*> args;
        for (const ExprPtr& arg : as<CallExpr>(expr).args) args.push_back(arg.get());
        if (args.empty()) return indent(level) + plain;
        return wrapped(std::string(as<CallExpr>(expr).function->name) + "(", args, level);
      }
      case ExprKind::kBinary: {
        const auto& binary = as<BinaryExpr>(expr);
        return fmt::format("{}\n{}{}{}\n{}", run(*binary.left, level + 1), indent(level), op_text(binary.op),
                           matching_text(binary), run(*binary.right, level + 1));
      }
      case ExprKind::kSubquery:
        return run(*as<SubqueryExpr>(expr).inner, level) + subquery_tail(as<SubqueryExpr>(expr));
      case ExprKind::kUnary: {
        std::string inner = run(*as<UnaryExpr>(expr).inner, level);
        return indent(level) + (as<UnaryExpr>(expr).minus ? "-" : "+") + inner.substr(level * 2);
      }
      default: return indent(level) + plain;
    }
  }

 private:
  static std::string indent(size_t level) { return std::string(level * 2, ' '); }
  std::string wrapped(const std::string& head, const std::vector<const Expr*>& args, size_t level) {
    std::string out = indent(level) + head + "\n";
    for (size_t i = 0; i < args.size(); ++i) out += run(*args[i], level + 1) + (i + 1 < args.size() ? ",\n" : "\n");
    return out + indent(level) + ")";
  }
};

}  // namespace

std::string print_matchers(const std::string& name, const std::vector<contract::LabelMatcher>& matchers) {
  std::string inside;
  auto append = [&](const std::string& text) { inside += (inside.empty() ? "" : ", ") + text; };
  bool plain_name = is_metric_name(name);
  if (!name.empty() && !plain_name) append(quote(name));
  bool name_skipped = name.empty();
  static constexpr std::string_view kOps[] = {"=", "!=", "=~", "!~"};
  for (const contract::LabelMatcher& matcher : matchers) {
    if (!name_skipped && matcher.name == model::kMetricNameLabel && matcher.op == contract::MatchOp::kEqual) {
      name_skipped = true;
      continue;
    }
    append(
        fmt::format("{}{}{}", label_text(matcher.name), kOps[static_cast<size_t>(matcher.op)], quote(matcher.value)));
  }
  if (plain_name) return inside.empty() ? name : fmt::format("{}{{{}}}", name, inside);
  return "{" + inside + "}";
}

std::string print(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber: return number_expr_text(as<NumberExpr>(expr));
    case ExprKind::kString: return quote(as<StringExpr>(expr).value);
    case ExprKind::kSelector: return selector_text(as<SelectorExpr>(expr));
    case ExprKind::kSubquery: return print(*as<SubqueryExpr>(expr).inner) + subquery_tail(as<SubqueryExpr>(expr));
    case ExprKind::kUnary: return (as<UnaryExpr>(expr).minus ? "-" : "+") + print(*as<UnaryExpr>(expr).inner);
    case ExprKind::kParen: return "(" + print(*as<ParenExpr>(expr).inner) + ")";
    case ExprKind::kBinary: {
      const auto& binary = as<BinaryExpr>(expr);
      return fmt::format("{} {}{} {}", print(*binary.left), op_text(binary.op), matching_text(binary),
                         print(*binary.right));
    }
    case ExprKind::kAggregate: {
      const auto& aggregate = as<AggregateExpr>(expr);
      std::string inside = print(*aggregate.inner);
      if (aggregate.parameter) inside = print(*aggregate.parameter) + ", " + inside;
      return aggregate_head(aggregate) + "(" + inside + ")";
    }
    case ExprKind::kCall: {
      std::string inside;
      for (const ExprPtr& arg : as<CallExpr>(expr).args) inside += (inside.empty() ? "" : ", ") + print(*arg);
      return fmt::format("{}({})", as<CallExpr>(expr).function->name, inside);
    }
  }
  return "";
}

std::string print_pretty(const Expr& expr) { return Pretty().run(expr, 0); }

std::string print_node(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kSubquery: return "subquery " + subquery_tail(as<SubqueryExpr>(expr));
    case ExprKind::kUnary: return as<UnaryExpr>(expr).minus ? "-" : "+";
    case ExprKind::kParen: return "()";
    case ExprKind::kBinary: return std::string(op_text(as<BinaryExpr>(expr).op)) + matching_text(as<BinaryExpr>(expr));
    case ExprKind::kAggregate: {
      std::string head = aggregate_head(as<AggregateExpr>(expr));
      return head.ends_with(' ') ? head.substr(0, head.size() - 1) : head;
    }
    case ExprKind::kCall: return std::string(as<CallExpr>(expr).function->name) + "()";
    default: return print(expr);
  }
}

}  // namespace clew::query::promql
