#include "query/ppl/search_condition.h"

#include <algorithm>

#include "expr/eval.h"
#include "expr/print.h"
#include "model/selection.h"
#include "query/ppl/times.h"
#include "query/ppl/value_match.h"
#include "text/words.h"

namespace clew::query::ppl {

using contract::Predicate;
using exec::BlockReader;
using model::Selection;
using model::Type;
using model::without;

namespace {

Selection chosen(const Selection& rows, const std::vector<uint32_t>& positions) {
  Selection out;
  out.reserve(positions.size());
  for (uint32_t position : positions) out.push_back(rows[position]);
  return out;
}

// A node of a bound search: narrows rows to those that match.
class Matcher {
 public:
  virtual ~Matcher() = default;
  virtual Status narrow(BlockReader& reader, Selection& rows) const = 0;
};
using MatcherPtr = std::unique_ptr<const Matcher>;

class AllOf final : public Matcher {
 public:
  explicit AllOf(std::vector<MatcherPtr> children) : children_(std::move(children)) {}
  Status narrow(BlockReader& reader, Selection& rows) const override {
    for (const MatcherPtr& child : children_) {
      if (!rows.empty()) CLEW_TRY(child->narrow(reader, rows));
    }
    return {};
  }

 private:
  std::vector<MatcherPtr> children_;
};

class AnyOf final : public Matcher {
 public:
  explicit AnyOf(std::vector<MatcherPtr> children) : children_(std::move(children)) {}
  Status narrow(BlockReader& reader, Selection& rows) const override {
    Selection left = rows;
    for (const MatcherPtr& child : children_) {
      if (left.empty()) break;
      Selection some = left;
      CLEW_TRY(child->narrow(reader, some));
      left = without(left, some);
    }
    rows = without(rows, left);
    return {};
  }

 private:
  std::vector<MatcherPtr> children_;
};

class NoneOf final : public Matcher {
 public:
  explicit NoneOf(MatcherPtr child) : child_(std::move(child)) {}
  Status narrow(BlockReader& reader, Selection& rows) const override {
    Selection some = rows;
    CLEW_TRY(child_->narrow(reader, some));
    rows = without(rows, some);
    return {};
  }

 private:
  MatcherPtr child_;
};

class Everything final : public Matcher {
 public:
  Status narrow(BlockReader&, Selection&) const override { return {}; }
};

class Nothing final : public Matcher {
 public:
  Status narrow(BlockReader&, Selection& rows) const override {
    rows.clear();
    return {};
  }
};

// A bare word or phrase: stands in some field.
class TermMatcher final : public Matcher {
 public:
  explicit TermMatcher(const std::string& term)
      : term_(term), phrase_(term), wildcard_(term.find_first_of("*?") != std::string::npos) {
    leaf_.op = Predicate::Op::kPhrase;
    leaf_.values.push_back(model::Value::string(term));
  }

  Status narrow(BlockReader& reader, Selection& rows) const override {
    bool narrowed = false;
    if (!wildcard_) narrowed = CLEW_TRY(reader.filter(leaf_, rows));
    if (narrowed) return {};
    std::vector<std::string> names = CLEW_TRY(reader.granule().field_names());
    // The message of a text line may lie in its raw text only.
    if (std::find(names.begin(), names.end(), "message") == names.end()) names.push_back("message");
    Selection left = rows;
    for (const std::string& name : names) {
      if (left.empty()) break;
      model::VectorPtr vector = CLEW_TRY(reader.field(name, left));
      left = without(left, chosen(left, positions(*vector)));
    }
    rows = without(rows, left);
    return {};
  }

 private:
  bool matches(std::string_view text) const {
    return wildcard_ ? text::any_word_matches(term_, text) : phrase_.matches(text);
  }

  bool matches(const model::Value& value) const {
    switch (value.type()) {
      case Type::kNull: return false;
      case Type::kString: return matches(value.text());
      case Type::kArray:
        return std::any_of(value.items().begin(), value.items().end(), [&](const auto& item) { return matches(item); });
      case Type::kStruct:
        return std::any_of(value.members().begin(), value.members().end(),
                           [&](const auto& m) { return matches(m.second); });
      default: return matches(expr::print_value(value));
    }
  }

  bool matches(const model::Vector& vector, uint32_t at) const {
    if (vector.type == Type::kString && vector.layout != model::Layout::kValues)
      return matches(vector.strings[vector.at(at)]);
    return matches(vector.value(at));
  }

  std::vector<uint32_t> positions(const model::Vector& vector) const {
    std::vector<uint32_t> out;
    if (vector.type == Type::kNull) return out;
    std::vector<int8_t> known(vector.layout == model::Layout::kDict ? vector.dict->size : 0, -1);
    for (uint32_t i = 0; i < vector.size; ++i) {
      if (vector.is_null(i)) continue;
      bool match = false;
      if (vector.layout == model::Layout::kDict) {
        int8_t& answer = known[vector.codes[i]];
        if (answer < 0) answer = matches(*vector.dict, vector.codes[i]) ? 1 : 0;
        match = answer == 1;
      } else {
        match = matches(vector, i);
      }
      if (match) out.push_back(i);
    }
    return out;
  }

  std::string term_;
  text::Phrase phrase_;
  bool wildcard_;
  Predicate leaf_;
};

// A field compared with one of several values.
class FieldMatcher final : public Matcher {
 public:
  FieldMatcher(exec::Slot slot, std::vector<ValueMatch> values, std::optional<Predicate> hint, bool hint_is_exact)
      : slot_(slot), values_(std::move(values)), hint_(std::move(hint)), hint_is_exact_(hint_is_exact) {}

  Status narrow(BlockReader& reader, Selection& rows) const override {
    if (hint_) {
      bool narrowed = CLEW_TRY(reader.filter(*hint_, rows));
      if ((narrowed && hint_is_exact_) || rows.empty()) return {};
    }
    model::VectorPtr vector = CLEW_TRY(reader.column(slot_, &rows));
    if (values_.size() == 1) {
      std::vector<uint32_t> positions;
      values_[0].matching(*vector, static_cast<uint32_t>(rows.size()), positions);
      rows = chosen(rows, positions);
      return {};
    }
    std::vector<uint8_t> matched(rows.size(), 0);
    for (const ValueMatch& value : values_) {
      std::vector<uint32_t> positions;
      value.matching(*vector, static_cast<uint32_t>(rows.size()), positions);
      for (uint32_t position : positions) matched[position] = 1;
    }
    size_t kept = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[kept] = rows[i];
      kept += matched[i];
    }
    rows.resize(kept);
    return {};
  }

 private:
  exec::Slot slot_;
  std::vector<ValueMatch> values_;
  std::optional<Predicate> hint_;
  bool hint_is_exact_;
};

// earliest= and latest= below OR or NOT.
class TimeMatcher final : public Matcher {
 public:
  explicit TimeMatcher(contract::TimeRange range) : range_(range) {}
  Status narrow(BlockReader& reader, Selection& rows) const override {
    model::VectorPtr times = CLEW_TRY(reader.field("@timestamp", rows));
    Selection kept;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      if (!times->is_null(i) && range_.contains(times->i64[times->at(i)])) kept.push_back(rows[i]);
    }
    rows = std::move(kept);
    return {};
  }

 private:
  contract::TimeRange range_;
};

class SearchCondition final : public exec::Condition {
 public:
  SearchCondition(MatcherPtr matcher, std::string text) : matcher_(std::move(matcher)), text_(std::move(text)) {}
  Status narrow(BlockReader& reader, Selection& rows) const override { return matcher_->narrow(reader, rows); }
  std::string describe() const override { return text_; }

 private:
  MatcherPtr matcher_;
  std::string text_;
};

bool only(const std::vector<Type>& types, std::initializer_list<Type> allowed) {
  if (types.empty()) return false;
  return std::all_of(types.begin(), types.end(), [&](Type t) {
    return t == Type::kNull || std::find(allowed.begin(), allowed.end(), t) != allowed.end();
  });
}

bool stored_numbers(SourceFields& fields, const std::string& name) {
  return only(fields.stored_types(name), {Type::kLong, Type::kDouble});
}

Predicate::Op predicate_op(SearchNode::Op op) {
  switch (op) {
    case SearchNode::Op::kLt: return Predicate::Op::kLess;
    case SearchNode::Op::kLe: return Predicate::Op::kLessEq;
    case SearchNode::Op::kGt: return Predicate::Op::kGreater;
    case SearchNode::Op::kGe: return Predicate::Op::kGreaterEq;
    default: return Predicate::Op::kEquals;
  }
}

std::optional<model::Value> number_value(const std::string& text) {
  expr::TokenStream tokens(text);
  bool minus = tokens.accept("-");
  expr::Token token = tokens.next();
  if (!tokens.at_end()) return std::nullopt;
  if (token.kind != expr::TokenKind::kInteger && token.kind != expr::TokenKind::kDecimal) return std::nullopt;
  char* end = nullptr;
  if (token.kind == expr::TokenKind::kInteger && token.text.size() <= 18) {
    long long v = std::strtoll(token.text.c_str(), &end, 10);
    return model::Value::bigint(minus ? -v : v);
  }
  double d = std::strtod(token.text.c_str(), &end);
  return model::Value::real(minus ? -d : d);
}

std::optional<Predicate> compare_hint(SourceFields& fields, const std::string& field, SearchNode::Op op,
                                      const std::string& literal) {
  if (op == SearchNode::Op::kNe || literal.find_first_of("*?\\") != std::string::npos) return std::nullopt;
  if (expr::is_level_field(field)) return std::nullopt;
  Predicate out;
  out.field = field;
  std::optional<model::Value> number = number_value(literal);
  if (stored_numbers(fields, field)) {
    if (!number) return std::nullopt;
    out.op = predicate_op(op);
    out.values.push_back(*number);
    return out;
  }
  bool texts = only(fields.stored_types(field), {Type::kString});
  std::optional<Column> column = fields.find(field);
  if (!texts || !column || column->type != Type::kString || op != SearchNode::Op::kEq) return std::nullopt;
  // An equal value has the literal's words in order too; a network has no words to go by.
  size_t slash = literal.find('/');
  bool network = slash != std::string::npos && !ip_key(std::string_view(literal).substr(0, slash)).empty();
  if (text::words_of(literal).empty() || network) return std::nullopt;
  out.op = Predicate::Op::kPhrase;
  out.values.push_back(model::Value::string(literal));
  return out;
}

Result<MatcherPtr> bind_node(Context& context, SourceFields& fields, const SearchNode& node);

Result<std::vector<MatcherPtr>> bind_children(Context& context, SourceFields& fields, const SearchNode& node) {
  std::vector<MatcherPtr> out;
  for (const SearchPtr& child : node.children) {
    MatcherPtr matcher = CLEW_TRY(bind_node(context, fields, *child));
    out.push_back(std::move(matcher));
  }
  return out;
}

Result<MatcherPtr> bind_field(Context& context, SourceFields& fields, const SearchNode& node) {
  std::optional<Column> column = fields.find(node.field);
  if (!column) return MatcherPtr(std::make_unique<Nothing>());
  bool level = expr::is_level_field(node.field);
  std::vector<ValueMatch> values;
  SearchNode::Op op = node.kind == SearchNode::Kind::kIn ? SearchNode::Op::kEq : node.op;
  for (const std::string& value : node.values) values.emplace_back(op, value, level, context.now());
  std::optional<Predicate> hint;
  if (context.optimise) hint = search_hint(fields, node);
  bool exact = hint && stored_numbers(fields, node.field);
  return MatcherPtr(std::make_unique<FieldMatcher>(column->slot, std::move(values), std::move(hint), exact));
}

Result<MatcherPtr> bind_node(Context& context, SourceFields& fields, const SearchNode& node) {
  using Kind = SearchNode::Kind;
  switch (node.kind) {
    case Kind::kAnd: {
      std::vector<MatcherPtr> children = CLEW_TRY(bind_children(context, fields, node));
      return MatcherPtr(std::make_unique<AllOf>(std::move(children)));
    }
    case Kind::kOr: {
      std::vector<MatcherPtr> children = CLEW_TRY(bind_children(context, fields, node));
      return MatcherPtr(std::make_unique<AnyOf>(std::move(children)));
    }
    case Kind::kNot: {
      MatcherPtr child = CLEW_TRY(bind_node(context, fields, *node.children[0]));
      return MatcherPtr(std::make_unique<NoneOf>(std::move(child)));
    }
    case Kind::kTerm:
      if (node.values[0] == "*" || node.values[0].empty()) return MatcherPtr(std::make_unique<Everything>());
      return MatcherPtr(std::make_unique<TermMatcher>(node.values[0]));
    case Kind::kTime: {
      int64_t t = CLEW_TRY(bind_time(context, node));
      contract::TimeRange range;
      if (node.field == "earliest")
        range.from = t;
      else
        range.to = t == INT64_MAX ? t : t + 1;
      return MatcherPtr(std::make_unique<TimeMatcher>(range));
    }
    case Kind::kCompare:
    case Kind::kIn: break;
  }
  return bind_field(context, fields, node);
}

}  // namespace

Result<int64_t> bind_time(Context& context, const SearchNode& node) {
  if (std::optional<int64_t> t = parse_time_word(node.values[0], context.now())) return *t;
  return context.fail(expr::kSemanticError, node.field + " is no time: " + quoted(node.values[0]), node.span,
                      "times are now, -15m, -1d@d, epoch seconds or '2026-11-20 10:00:00'");
}

std::optional<Predicate> search_hint(SourceFields& fields, const SearchNode& node) {
  using Kind = SearchNode::Kind;
  Predicate out;
  switch (node.kind) {
    case Kind::kAnd:
      for (const SearchPtr& child : node.children) {
        if (auto hint = search_hint(fields, *child)) out.children.push_back(std::move(*hint));
      }
      if (out.children.empty()) return std::nullopt;
      return out;
    case Kind::kOr:
    case Kind::kIn: break;
    case Kind::kNot:
    case Kind::kTime: return std::nullopt;
    case Kind::kTerm: {
      const std::string& term = node.values[0];
      if (term.find_first_of("*?") != std::string::npos || text::words_of(term).empty()) return std::nullopt;
      out.op = Predicate::Op::kPhrase;
      out.values.push_back(model::Value::string(term));
      return out;
    }
    case Kind::kCompare: return compare_hint(fields, node.field, node.op, node.values[0]);
  }
  out.op = Predicate::Op::kAny;
  for (const SearchPtr& child : node.children) {
    auto hint = search_hint(fields, *child);
    if (!hint) return std::nullopt;
    out.children.push_back(std::move(*hint));
  }
  for (const std::string& value : node.values) {
    auto hint = compare_hint(fields, node.field, SearchNode::Op::kEq, value);
    if (!hint) return std::nullopt;
    out.children.push_back(std::move(*hint));
  }
  return out;
}

Result<exec::ConditionPtr> bind_search(Context& context, SourceFields& fields, const SearchPtr& node) {
  MatcherPtr matcher = CLEW_TRY(bind_node(context, fields, *node));
  return exec::ConditionPtr(std::make_shared<SearchCondition>(std::move(matcher), print(*node)));
}

}  // namespace clew::query::ppl
