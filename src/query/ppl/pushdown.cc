#include "query/ppl/pushdown.h"

#include <algorithm>
#include <array>

#include "expr/relevance.h"
#include "expr/text_query.h"
#include "query/ppl/times.h"

namespace clew::query::ppl {

using contract::Predicate;
using exec::ConditionHint;
using expr::Bound;
using model::Type;

namespace {

struct Comparison {
  std::string_view op;  // = < <= > >=, as if the field stood left
  const Bound* field = nullptr;
  const Bound* constant = nullptr;
};

std::string_view mirrored(std::string_view op) {
  if (op == "<") return ">";
  if (op == "<=") return ">=";
  if (op == ">") return "<";
  if (op == ">=") return "<=";
  return op;
}

std::optional<Comparison> comparison_of(const Bound& condition) {
  static constexpr std::array<std::string_view, 5> kOps = {"=", "<", "<=", ">", ">="};
  std::string_view name = expr::call_name(condition);
  if (std::find(kOps.begin(), kOps.end(), name) == kOps.end() || condition.args.size() != 2) return std::nullopt;
  const Bound& a = *condition.args[0];
  const Bound& b = *condition.args[1];
  if (a.op == Bound::Op::kField && b.op == Bound::Op::kConst) return Comparison{name, &a, &b};
  if (b.op == Bound::Op::kField && a.op == Bound::Op::kConst) return Comparison{mirrored(name), &b, &a};
  return std::nullopt;
}

// The stored field that a slot reads as it is.
const exec::SourceColumn* stored_column(SourceFields& fields, uint32_t slot) {
  for (const exec::SourceColumn& column : fields.columns()) {
    if (column.slot == slot && column.from == exec::SourceColumn::From::kField) return &column;
  }
  return nullptr;
}

bool is_number(Type type) {
  return type == Type::kInt || type == Type::kLong || type == Type::kDouble || type == Type::kFloat;
}

// A constant that a stored field's values compare with plainly.
bool comparable(SourceFields& fields, const std::string& field, const model::Value& constant) {
  if (expr::is_level_field(field)) return false;
  std::vector<Type> types = fields.stored_types(field);
  if (types.empty()) return false;
  bool texts = std::all_of(types.begin(), types.end(), [](Type t) { return t == Type::kString || t == Type::kNull; });
  bool numbers = std::all_of(types.begin(), types.end(), [](Type t) { return is_number(t) || t == Type::kNull; });
  return (texts && constant.type() == Type::kString) || (numbers && is_number(constant.type()));
}

Predicate::Op predicate_op(std::string_view op) {
  if (op == "<") return Predicate::Op::kLess;
  if (op == "<=") return Predicate::Op::kLessEq;
  if (op == ">") return Predicate::Op::kGreater;
  if (op == ">=") return Predicate::Op::kGreaterEq;
  return Predicate::Op::kEquals;
}

std::optional<ConditionHint> whole_hint(Predicate where) { return ConditionHint{std::move(where), true}; }

std::optional<ConditionHint> in_hint(SourceFields& fields, const Bound& condition) {
  if (condition.args.size() < 2 || condition.args[0]->op != Bound::Op::kField) return std::nullopt;
  const exec::SourceColumn* column = stored_column(fields, condition.args[0]->slot);
  if (column == nullptr) return std::nullopt;
  Predicate out;
  out.op = Predicate::Op::kIn;
  out.field = column->field;
  for (size_t i = 1; i < condition.args.size(); ++i) {
    const Bound& arg = *condition.args[i];
    if (arg.op != Bound::Op::kConst || !comparable(fields, column->field, arg.constant)) return std::nullopt;
    out.values.push_back(arg.constant);
  }
  return whole_hint(std::move(out));
}

// The hints of a list's members as one; `hint_of` gives a member's.
template <class List, class HintOf>
std::optional<ConditionHint> list_hint(const List& members, Predicate::Op op, HintOf hint_of) {
  ConditionHint out;
  out.where.op = op;
  out.whole = true;
  for (const auto& member : members) {
    std::optional<ConditionHint> hint = hint_of(member);
    out.whole = out.whole && hint && hint->whole;
    if (hint)
      out.where.children.push_back(std::move(hint->where));
    else if (op == Predicate::Op::kAny)
      return std::nullopt;
  }
  if (out.where.children.empty()) return std::nullopt;
  if (out.where.children.size() == 1) {
    Predicate only = std::move(out.where.children[0]);
    out.where = std::move(only);
  }
  return out;
}

// Words that a text query surely needs, in stored fields.
std::optional<ConditionHint> word_hint(SourceFields& fields, const Bound& call, const expr::WordNeed& need) {
  if (need.kind == expr::WordNeed::Kind::kWord) {
    const Bound& field = *call.args[need.field];
    const exec::SourceColumn* column = field.op == Bound::Op::kField ? stored_column(fields, field.slot) : nullptr;
    if (column == nullptr || fields.stored_types(column->field).empty()) return std::nullopt;
    Predicate out;
    out.op = Predicate::Op::kPhrase;
    out.field = column->field;
    out.values.push_back(model::Value::string(need.word));
    return whole_hint(std::move(out));
  }
  Predicate::Op op = need.kind == expr::WordNeed::Kind::kAll ? Predicate::Op::kAll : Predicate::Op::kAny;
  return list_hint(need.children, op, [&](const expr::WordNeed& child) { return word_hint(fields, call, child); });
}

std::optional<ConditionHint> text_hint(SourceFields& fields, const Bound& call, const expr::TextClause& clause) {
  std::optional<expr::WordNeed> need = expr::need_of(clause);
  if (!need) return std::nullopt;
  std::optional<ConditionHint> hint = word_hint(fields, call, *need);
  if (hint) hint->whole = hint->whole && expr::need_suffices(clause);
  return hint;
}

// `like(field, '%text%', true)`: the text stands in the field's, letter for letter.
std::optional<ConditionHint> like_hint(SourceFields& fields, const Bound& call) {
  bool exact_case = call.args.size() == 3 && call.args[2]->op == Bound::Op::kConst &&
                    call.args[2]->constant.type() == Type::kBool && call.args[2]->constant.i64() != 0;
  if (!exact_case || call.args[0]->op != Bound::Op::kField || call.args[1]->op != Bound::Op::kConst)
    return std::nullopt;
  const model::Value& pattern = call.args[1]->constant;
  if (pattern.type() != Type::kString) return std::nullopt;
  std::string_view text = pattern.text();
  if (text.size() < 3 || text.front() != '%' || text.back() != '%') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (text.find_first_of("%_\\") != std::string_view::npos) return std::nullopt;
  std::optional<Predicate> out = contains_hint(fields, call.args[0]->slot, text);
  if (!out) return std::nullopt;
  return whole_hint(std::move(*out));
}

// `field != 5` of integers: less or greater, which statistics answer where all are on one side.
std::optional<ConditionHint> unequal_hint(SourceFields& fields, const Bound& condition) {
  if (condition.args.size() != 2 || condition.args[0]->op != Bound::Op::kField ||
      condition.args[1]->op != Bound::Op::kConst) {
    return std::nullopt;
  }
  const exec::SourceColumn* column = stored_column(fields, condition.args[0]->slot);
  const model::Value& constant = condition.args[1]->constant;
  bool integer = constant.type() == Type::kInt || constant.type() == Type::kLong;
  if (column == nullptr || !integer || !comparable(fields, column->field, constant)) return std::nullopt;
  std::vector<Type> types = fields.stored_types(column->field);
  if (!std::all_of(types.begin(), types.end(), [](Type t) { return t == Type::kLong; })) return std::nullopt;
  ConditionHint out;
  out.whole = true;
  out.where.op = Predicate::Op::kAny;
  for (Predicate::Op op : {Predicate::Op::kLess, Predicate::Op::kGreater}) {
    Predicate side;
    side.op = op;
    side.field = column->field;
    side.values.push_back(constant);
    out.where.children.push_back(std::move(side));
  }
  return out;
}

}  // namespace

std::optional<Predicate> contains_hint(SourceFields& fields, uint32_t slot, std::string_view piece) {
  const exec::SourceColumn* column = stored_column(fields, slot);
  model::Value value = model::Value::string(std::string(piece));
  if (column == nullptr || !comparable(fields, column->field, value)) return std::nullopt;
  Predicate out;
  out.op = Predicate::Op::kContains;
  out.field = column->field;
  out.values.push_back(std::move(value));
  return out;
}

std::optional<ConditionHint> condition_hint(SourceFields& fields, const Bound& condition) {
  if (const expr::TextClause* clause = expr::text_clause_of(condition)) return text_hint(fields, condition, *clause);
  std::string_view name = expr::call_name(condition);
  if (name == "and" || name == "or") {
    return list_hint(condition.args, name == "and" ? Predicate::Op::kAll : Predicate::Op::kAny,
                     [&](const expr::BoundPtr& arg) { return condition_hint(fields, *arg); });
  }
  if (name == "in") return in_hint(fields, condition);
  if (name == "like") return like_hint(fields, condition);
  if (name == "!=") return unequal_hint(fields, condition);
  std::optional<Comparison> comparison = comparison_of(condition);
  if (!comparison) return std::nullopt;
  const exec::SourceColumn* column = stored_column(fields, comparison->field->slot);
  if (column == nullptr || !comparable(fields, column->field, comparison->constant->constant)) return std::nullopt;
  Predicate out;
  out.op = predicate_op(comparison->op);
  out.field = column->field;
  out.values.push_back(comparison->constant->constant);
  return whole_hint(std::move(out));
}

std::optional<contract::TimeRange> condition_range(SourceFields& fields, const Bound& condition) {
  std::optional<Comparison> comparison = comparison_of(condition);
  if (!comparison) return std::nullopt;
  const exec::SourceColumn* column = stored_column(fields, comparison->field->slot);
  if (column == nullptr || column->field != "@timestamp") return std::nullopt;
  const model::Value& constant = comparison->constant->constant;
  std::optional<int64_t> t;
  if (constant.type() == Type::kTimestamp) t = constant.i64();
  if (constant.type() == Type::kString) t = parse_date_time(constant.text());
  if (!t || *t == INT64_MAX) return std::nullopt;
  contract::TimeRange out;
  if (comparison->op == ">=" || comparison->op == "=") out.from = *t;
  if (comparison->op == ">") out.from = *t + 1;
  if (comparison->op == "<=" || comparison->op == "=") out.to = *t + 1;
  if (comparison->op == "<") out.to = *t;
  return out;
}

contract::TimeRange intersect(const contract::TimeRange& a, const contract::TimeRange& b) {
  return {std::max(a.from, b.from), std::min(a.to, b.to)};
}

}  // namespace clew::query::ppl
