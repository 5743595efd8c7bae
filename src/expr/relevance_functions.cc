// match(), match_phrase() and the other functions that ask for words: their arguments are fields and named options, so
// the binder hands them here.
#include <algorithm>
#include <map>

#include "expr/functions.h"
#include "expr/print.h"
#include "expr/relevance.h"
#include "expr/text_query.h"
#include "text/words.h"

namespace clew::expr {
namespace {

using model::Type;

constexpr size_t kFieldsMax = 1'000;  // that a query without a list of fields looks at

Status text_query(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  out.add_bool(text_matches(*static_cast<const TextClause*>(call.prepared.get()), args, call.now));
  return {};
}

constexpr FunctionDef kTable[] = {
    {"text query", 0, kAnyCount, always<Type::kBool>, text_query, kNullsToo | kHidden | kVolatile},
};

struct Form {
  std::string_view name;
  bool many;  // takes a list of fields
};
constexpr Form kForms[] = {{"match", false},
                           {"match_phrase", false},
                           {"match_phrase_prefix", false},
                           {"match_bool_prefix", false},
                           {"matchphrase", false},
                           {"multi_match", true},
                           {"multimatch", true},
                           {"query_string", true},
                           {"simple_query_string", true}};

// Names that say how much a match counts, or how words are made; here they change nothing.
constexpr std::string_view kIgnored[] = {"analyzer",
                                         "quote_analyzer",
                                         "boost",
                                         "tie_breaker",
                                         "max_expansions",
                                         "fuzzy_max_expansions",
                                         "fuzzy_transpositions",
                                         "fuzzy_rewrite",
                                         "rewrite",
                                         "lenient",
                                         "auto_generate_synonyms_phrase_query",
                                         "cutoff_frequency",
                                         "flags",
                                         "quote_field_suffix",
                                         "analyze_wildcard",
                                         "allow_leading_wildcard",
                                         "enable_position_increments",
                                         "escape",
                                         "max_determinized_states",
                                         "time_zone"};

class RelevanceBinder {
 public:
  RelevanceBinder(Binder& binder, Schema& schema, const Expr& expr) : binder_(binder), schema_(schema), expr_(expr) {}

  Result<BoundPtr> bind() {
    size_t first = 0;
    bool list = !expr_.args.empty() && expr_.args[0]->is_call("field list");
    bool many = is_many();
    if (list || !many) CLEW_TRY(take_fields(first, list));
    if (first >= expr_.args.size() || expr_.args[first]->kind != ExprKind::kLiteral) {
      return binder_.fail(expr_.span, kSemanticError, expr_.name + "() needs the text to look for");
    }
    const model::Value& literal = expr_.args[first]->literal;
    std::string text = literal.type() == Type::kString ? literal.text() : print_value(literal);
    for (size_t i = first + 1; i < expr_.args.size(); ++i) CLEW_TRY(take_option(*expr_.args[i]));
    if (many && !list) CLEW_TRY(take_all_fields());
    TextClausePtr clause = CLEW_TRY(clause_of(text));
    return made(std::move(clause));
  }

 private:
  bool is_many() const {
    return std::any_of(std::begin(kForms), std::end(kForms),
                       [&](const Form& f) { return f.name == expr_.name && f.many; });
  }

  Status take_fields(size_t& first, bool list) {
    if (expr_.args.empty()) return binder_.fail(expr_.span, kSemanticError, expr_.name + "() needs a field and a text");
    first = 1;
    if (!list) {
      BoundPtr field = CLEW_TRY(binder_.bind(*expr_.args[0]));
      add(std::move(field));
      return {};
    }
    for (const ExprPtr& item : expr_.args[0]->args) {
      std::string name = item->kind == ExprKind::kField ? item->name : item->literal.text();
      if (name.find('*') != std::string::npos)
        add_matching(name);
      else if (std::optional<FieldRef> found = schema_.find(name))
        add_field(name);
      else
        CLEW_TRY(binder_.bind(*make_field(name, item->span)));
    }
    return {};
  }

  void add_matching(const std::string& pattern) {
    for (const std::string& name : schema_.names()) {
      if (args_.size() < kFieldsMax && text::wildcard_match(pattern, name)) add_field(name);
    }
  }

  Status take_all_fields() {
    std::vector<std::string> names = schema_.names();
    if (names.size() > kFieldsMax) {
      return binder_.fail(expr_.span, kResourceLimitExceeded,
                          expr_.name + "() without a list of fields looks at no more than " +
                              std::to_string(kFieldsMax) +
                              " fields; name some, or search for the words at the beginning of the query");
    }
    for (const std::string& name : names) add_field(name);
    return {};
  }

  void add_field(const std::string& name) {
    if (numbers_.contains(name)) return;
    Result<BoundPtr> field = binder_.bind(*make_field(name, expr_.span));
    if (!field.ok()) return;
    numbers_[name] = static_cast<uint32_t>(args_.size());
    args_.push_back(*field);
    listed_.push_back(numbers_[name]);
  }
  void add(BoundPtr field) {
    listed_.push_back(static_cast<uint32_t>(args_.size()));
    args_.push_back(std::move(field));
  }

  // `operator='AND'` came as a comparison.
  Status take_option(const Expr& option) {
    if (!option.is_call("=") || option.args[0]->kind != ExprKind::kField) {
      return binder_.fail(option.span, kSemanticError, "expected an option such as operator='AND'");
    }
    std::string key = to_lower_ascii(option.args[0]->name);
    const Expr& right = *option.args[1];
    std::string value = right.kind == ExprKind::kField ? right.name : print_value(right.literal);
    std::string lower = to_lower_ascii(value);
    if (key == "operator" || key == "default_operator")
      options_.all = lower == "and";
    else if (key == "slop" || key == "phrase_slop")
      options_.slop = std::clamp(std::atoi(value.c_str()), 0, 1000);
    else if (key == "fuzziness")
      options_.fuzziness = value;
    else if (key == "prefix_length" || key == "fuzzy_prefix_length")
      options_.prefix_length = static_cast<size_t>(std::max(std::atoi(value.c_str()), 0));
    else if (key == "minimum_should_match")
      options_.least = value;
    else if (key == "zero_terms_query")
      options_.every_when_empty = lower == "all";
    else if (key == "type")
      type_ = lower;
    else if (key == "default_field")
      default_field_ = value;
    else if (std::find(std::begin(kIgnored), std::end(kIgnored), key) == std::end(kIgnored)) {
      return binder_.fail(option.span, kSemanticError, expr_.name + "() has no option " + quoted(key));
    }
    return {};
  }

  Result<TextClausePtr> clause_of(const std::string& text) {
    if (!default_field_.empty()) {
      listed_.clear();
      numbers_.erase(default_field_);
      add_field(default_field_);
    }
    if (expr_.name == "query_string") {
      Result<TextClausePtr> parsed =
          parse_query_string(text, listed_, options_, [&](std::string_view name) { return number_of(name); });
      if (!parsed.ok()) return binder_.fail(expr_.span, kSemanticError, parsed.error().message());
      return parsed;
    }
    if (expr_.name == "simple_query_string") return parse_simple_query(text, listed_, options_);
    if (is_many()) return many_clause(text);
    return match_clause(form_of(expr_.name), text, listed_, options_);
  }

  // A field that the query string names, listed or not.
  std::optional<uint32_t> number_of(std::string_view name) {
    auto known = numbers_.find(name);
    if (known != numbers_.end()) return known->second;
    if (!schema_.find(name)) return std::nullopt;
    std::vector<uint32_t> listed = listed_;
    add_field(std::string(name));
    listed_ = std::move(listed);
    known = numbers_.find(name);
    return known == numbers_.end() ? std::nullopt : std::optional<uint32_t>(known->second);
  }

  static TextForm form_of(std::string_view name) {
    if (name == "match_phrase" || name == "matchphrase") return TextForm::kPhrase;
    if (name == "match_phrase_prefix") return TextForm::kPhrasePrefix;
    if (name == "match_bool_prefix") return TextForm::kBoolPrefix;
    return TextForm::kMatch;
  }

  Result<TextClausePtr> many_clause(const std::string& text) {
    if (type_ == "cross_fields") return cross_fields_clause(text, listed_, options_);
    TextForm form = type_ == "phrase"          ? TextForm::kPhrase
                    : type_ == "phrase_prefix" ? TextForm::kPhrasePrefix
                    : type_ == "bool_prefix"   ? TextForm::kBoolPrefix
                                               : TextForm::kMatch;
    auto any = std::make_unique<TextClause>();
    any->kind = TextClause::Kind::kBool;
    for (uint32_t field : listed_) any->should.push_back(match_clause(form, text, {field}, options_));
    if (any->should.empty()) any->kind = TextClause::Kind::kNone;
    return TextClausePtr(std::move(any));
  }

  Result<BoundPtr> made(TextClausePtr clause) {
    auto out = std::make_shared<Bound>();
    out->op = Bound::Op::kCall;
    out->type = Type::kBool;
    out->span = expr_.span;
    out->function = &kTable[0];
    out->args = std::move(args_);
    out->prepared = std::shared_ptr<const void>(std::shared_ptr<const TextClause>(std::move(clause)));
    out->now = binder_.options().now;
    return BoundPtr(std::move(out));
  }

  Binder& binder_;
  Schema& schema_;
  const Expr& expr_;
  std::vector<BoundPtr> args_;
  std::vector<uint32_t> listed_;
  std::map<std::string, uint32_t, std::less<>> numbers_;
  TextOptions options_;
  std::string type_ = "best_fields";
  std::string default_field_;
};

}  // namespace

bool is_relevance(std::string_view name) {
  return std::any_of(std::begin(kForms), std::end(kForms), [&](const Form& f) { return f.name == name; });
}
bool takes_field_list(std::string_view name) {
  return std::any_of(std::begin(kForms), std::end(kForms), [&](const Form& f) { return f.name == name && f.many; });
}
std::vector<std::string_view> relevance_names() {
  std::vector<std::string_view> out;
  for (const Form& form : kForms) out.push_back(form.name);
  return out;
}

Result<BoundPtr> bind_relevance(Binder& binder, Schema& schema, const Expr& expr) {
  return RelevanceBinder(binder, schema, expr).bind();
}

const TextClause* text_clause_of(const Bound& bound) {
  bool own = bound.op == Bound::Op::kCall && bound.function == &kTable[0];
  return own ? static_cast<const TextClause*>(bound.prepared.get()) : nullptr;
}

}  // namespace clew::expr
