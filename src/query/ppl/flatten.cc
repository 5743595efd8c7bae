#include "query/ppl/flatten.h"

#include <algorithm>

#include "query/exec/gather.h"
#include "query/exec/rows.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

// Gives every member of a struct a column.
class FlattenStep final : public exec::MapStep {
 public:
  FlattenStep(Slot in, std::vector<std::pair<std::string, Slot>> members) : in_(in), members_(std::move(members)) {}
  std::string name() const override { return "flatten"; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  Status map(exec::Block& block) const override {
    model::VectorPtr column = exec::column_of(block, in_);
    for (const auto& [member, slot] : members_) {
      std::vector<Value> values(block.rows);
      for (uint32_t row = 0; row < block.rows; ++row) values[row] = find(column->value(row), member);
      block.set(slot, exec::vector_of(values));
    }
    return {};
  }

 private:
  static Value find(const Value& value, const std::string& name) {
    if (value.type() == Type::kArray) return value.items().empty() ? Value() : find(value.items()[0], name);
    if (value.type() != Type::kStruct) return {};
    for (const auto& [key, member] : value.members()) {
      if (key == name) return member;
    }
    return {};
  }

  Slot in_;
  std::vector<std::pair<std::string, Slot>> members_;
};

class Flatten final : public Command {
 public:
  Flatten(std::string field, std::vector<std::string> names) : field_(std::move(field)), names_(std::move(names)) {}

  std::string print() const override {
    std::string out = "flatten " + expr::print_name(field_);
    for (size_t i = 0; i < names_.size(); ++i) out += (i == 0 ? " as (" : ", ") + expr::print_name(names_[i]);
    return names_.empty() ? out : out + ")";
  }

  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(field_));
    std::vector<std::string> members = members_of(pipeline);
    if (members.empty()) {
      return pipeline.fail(expr::kSemanticError,
                           "flatten needs an object whose members are known; `" + field_ + "` is none");
    }
    if (!names_.empty() && names_.size() != members.size()) {
      return pipeline.fail(expr::kSemanticError, "flatten needs " + std::to_string(members.size()) +
                                                     " names for the members of `" + field_ + "`, not " +
                                                     std::to_string(names_.size()));
    }
    std::vector<std::pair<std::string, Slot>> slots;
    for (const std::string& member : members) slots.emplace_back(member, pipeline.context.new_slot());
    pipeline.add(std::make_shared<FlattenStep>(in.slot, slots));
    for (size_t i = 0; i < slots.size(); ++i) {
      pipeline.scope.set({names_.empty() ? members[i] : names_[i], slots[i].second, Type::kMixed});
    }
    return {};
  }

 private:
  // Names right below the field, in order.
  std::vector<std::string> members_of(Pipeline& pipeline) const {
    std::vector<std::string> out;
    if (pipeline.source == nullptr) return out;
    std::string prefix = field_ + ".";
    for (const std::string& leaf : pipeline.source->names()) {
      if (!leaf.starts_with(prefix)) continue;
      std::string rest = leaf.substr(prefix.size());
      std::string member = rest.substr(0, rest.find('.'));
      if (std::find(out.begin(), out.end(), member) == out.end()) out.push_back(member);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  std::string field_;
  std::vector<std::string> names_;
};

}  // namespace

Result<CommandPtr> parse_flatten(CommandParser& parser) {
  std::string field = CLEW_TRY(parser.name());
  std::vector<std::string> names;
  if (parser.tokens.accept_word("as")) {
    bool several = parser.tokens.accept("(");
    do {
      std::string name = CLEW_TRY(parser.name_or_string());
      names.push_back(std::move(name));
    } while (several && parser.tokens.accept(","));
    if (several) CLEW_TRY(parser.tokens.expect(")"));
  }
  return CommandPtr(std::make_shared<Flatten>(std::move(field), std::move(names)));
}

}  // namespace clew::query::ppl
