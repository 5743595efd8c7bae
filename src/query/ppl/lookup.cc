#include "query/ppl/lookup.h"

#include <algorithm>

#include "query/exec/join.h"
#include "query/ppl/query.h"

namespace clew::query::ppl {

namespace {

using model::Type;

struct Pair {
  std::string lookup;  // the field of the lookup dataset
  std::string own;     // the field of the pipeline
};

// A left join with a dataset, on equal fields.
class Lookup final : public Command {
 public:
  Lookup(std::string dataset, std::vector<Pair> keys, std::vector<Pair> outputs, bool append)
      : dataset_(std::move(dataset)), keys_(std::move(keys)), outputs_(std::move(outputs)), append_(append) {}

  std::string print() const override {
    std::string out = "lookup " + expr::print_name(dataset_) + " " + print_pairs(keys_);
    if (outputs_.empty()) return out;
    return out + (append_ ? " append " : " replace ") + print_pairs(outputs_);
  }

  Status bind(Pipeline& pipeline) const override {
    exec::JoinSpec spec;
    spec.kind = exec::JoinKind::kLeft;
    Query query;
    query.search.sources.push_back(dataset_);
    std::vector<std::string> named;
    for (const Pair& pair : keys_) named.push_back(pair.lookup);
    for (const Pair& pair : outputs_) named.push_back(pair.lookup);
    spec.right = CLEW_TRY(pipeline.subplan(query, std::move(named)));
    for (const Pair& key : keys_) CLEW_TRY(bind_key(pipeline, key, spec));
    std::vector<Column> columns = pipeline.scope.all();
    for (const Pair& output : outputs_of(*spec.right)) {
      if (append_) (void)pipeline.own_column(columns, output.own);
    }
    for (const Column& column : columns) spec.left_slots.push_back(column.slot);
    for (const Pair& output : outputs_of(*spec.right)) CLEW_TRY(add_output(pipeline, output, spec, columns));
    pipeline.add(std::make_shared<exec::JoinStep>(pipeline.context.source(), std::move(spec), "lookup", print()));
    pipeline.scope.replace(std::move(columns));
    return {};
  }

 private:
  static std::string print_pairs(const std::vector<Pair>& pairs) {
    std::string out;
    for (size_t i = 0; i < pairs.size(); ++i) {
      out += (i == 0 ? "" : ", ") + expr::print_name(pairs[i].lookup);
      if (pairs[i].own != pairs[i].lookup) out += " as " + expr::print_name(pairs[i].own);
    }
    return out;
  }

  static const exec::PlanColumn* find(const exec::Plan& plan, const std::string& name) {
    auto found = std::find_if(plan.columns.begin(), plan.columns.end(),
                              [&](const exec::PlanColumn& c) { return c.name == name; });
    return found == plan.columns.end() ? nullptr : &*found;
  }

  Error not_found(Pipeline& pipeline, const std::string& name) const {
    return pipeline.fail(expr::kFieldNotFound,
                         "Field [" + name + "] not found in the lookup dataset [" + dataset_ + "].");
  }

  // Keys of different types meet as `=` lets them meet: as text where one side is text.
  Status bind_key(Pipeline& pipeline, const Pair& key, exec::JoinSpec& spec) const {
    const exec::PlanColumn* right = find(*spec.right, key.lookup);
    if (right == nullptr) return not_found(pipeline, key.lookup);
    Column left = CLEW_TRY(pipeline.field(key.own));
    Pipeline both(pipeline.context);
    both.scope.replace({{"left", left.slot, left.type}, {"right", right->slot, right->type}});
    bool text = left.type != right->type && (left.type == Type::kString || right->type == Type::kString ||
                                             left.type == Type::kMixed || right->type == Type::kMixed);
    auto value = [&](const char* name) {
      expr::ExprPtr field = expr::make_field(name);
      return text ? expr::make_call("tostring", {field}) : field;
    };
    expr::BoundPtr left_key = CLEW_TRY(both.bind(*value("left")));
    expr::BoundPtr right_key = CLEW_TRY(both.bind(*value("right")));
    spec.left_keys.push_back(std::move(left_key));
    spec.right_keys.push_back(std::move(right_key));
    return {};
  }

  std::vector<Pair> outputs_of(const exec::Plan& plan) const {
    if (!outputs_.empty()) return outputs_;
    std::vector<Pair> out;
    for (const exec::PlanColumn& column : plan.columns) {
      bool key = std::any_of(keys_.begin(), keys_.end(), [&](const Pair& k) { return k.lookup == column.name; });
      if (!key) out.push_back({column.name, column.name});
    }
    return out;
  }

  Status add_output(Pipeline& pipeline, const Pair& output, exec::JoinSpec& spec, std::vector<Column>& columns) const {
    const exec::PlanColumn* right = find(*spec.right, output.lookup);
    if (right == nullptr) return not_found(pipeline, output.lookup);
    auto own = pipeline.own_column(columns, output.own);
    if (append_ && own == columns.end()) {
      return pipeline.fail(expr::kFieldNotFound,
                           "Field [" + output.own + "] not found: append fills a field that is there; use replace");
    }
    if (append_) {
      exec::JoinSpec::Merged merged{own->slot, right->slot, pipeline.context.new_slot(), false};
      spec.merged.push_back(merged);
      *own = {output.own, merged.out, own->type == right->type ? own->type : Type::kMixed};
      return {};
    }
    spec.right_slots.push_back(right->slot);
    Column made{output.own, right->slot, right->type};
    // What takes a field's place stands behind the others.
    if (own != columns.end()) columns.erase(own);
    columns.push_back(std::move(made));
    return {};
  }

  std::string dataset_;
  std::vector<Pair> keys_;
  std::vector<Pair> outputs_;
  bool append_;
};

Result<std::vector<Pair>> parse_pairs(CommandParser& parser) {
  std::vector<Pair> out;
  auto strategy = [&] {
    const expr::Token& word = parser.tokens.peek();
    return word.is_word("replace") || word.is_word("append") || word.is_word("output");
  };
  while (!parser.at_end() && !strategy()) {
    Pair pair;
    pair.lookup = CLEW_TRY(parser.name());
    pair.own = pair.lookup;
    if (parser.tokens.accept_word("as")) pair.own = CLEW_TRY(parser.name_or_string());
    out.push_back(std::move(pair));
    parser.tokens.accept(",");
  }
  return out;
}

}  // namespace

Result<CommandPtr> parse_lookup(CommandParser& parser) {
  std::string dataset = CLEW_TRY(parser.name_or_string());
  std::vector<Pair> keys = CLEW_TRY(parse_pairs(parser));
  if (keys.empty()) return parser.tokens.fail_expected("a field of the lookup dataset");
  bool append = parser.tokens.peek().is_word("append");
  std::vector<Pair> outputs;
  if (!parser.at_end()) {
    parser.tokens.next();
    outputs = CLEW_TRY(parse_pairs(parser));
    if (outputs.empty()) return parser.tokens.fail_expected("a field of the lookup dataset");
  }
  return CommandPtr(std::make_shared<Lookup>(std::move(dataset), std::move(keys), std::move(outputs), append));
}

}  // namespace clew::query::ppl
