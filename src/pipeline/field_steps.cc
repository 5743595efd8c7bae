// Steps about fields as such, and which events stay: rename, copy, set, eval, drop, keep, convert, flatten, where.
#include <fmt/format.h>

#include <algorithm>

#include "model/own_fields.h"
#include "model/selection.h"
#include "model/shape.h"
#include "pipeline/condition.h"
#include "pipeline/json_leaves.h"
#include "pipeline/step.h"

namespace clew::pipeline {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// rename: {old: new}; an event that has `new` already loses that value for the one of `old`.
class MoveStep final : public Step {
 public:
  MoveStep(Pairs names, bool keep) : names_(std::move(names)), keep_(keep) {}
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    for (const auto& [from, to] : names_) {
      Field* source = batch.find(from);
      if (source == nullptr || from == to) continue;
      Field& target = batch.make_named(to);
      if (source->origins != 0) target.origins |= source->origins;
      for (uint32_t row : on) {
        if (!source->cells[row].any()) continue;
        batch.set(target, row, source->cells[row]);
        if (!keep_) batch.remove(*source, row);
      }
    }
  }

 private:
  const Pairs names_;
  const bool keep_;
};

template <bool kKeep>
StepPtr make_move(Options& options, StepContext&) {
  Pairs names;
  for (auto& [from, to] : options.members()) {
    if (!to.is_text()) {
      options.blame(to.line, from + ": the new name is a text");
    } else if (check_target(options, to.line, to.text)) {
      names.emplace_back(from, to.text);
    }
  }
  return std::make_unique<MoveStep>(std::move(names), kKeep);
}

// set: {field: value}. Unquoted numbers, true and false are what they look like.
class SetStep final : public Step {
 public:
  explicit SetStep(std::vector<std::pair<std::string, Tree>> values) : values_(std::move(values)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    for (const auto& [name, value] : values_) {
      Field& field = batch.make_named(name);
      Cell cell = cell_of(batch, value);
      for (uint32_t row : on) batch.set(field, row, cell);
    }
  }

 private:
  static Cell cell_of(Rows& batch, const Tree& value) {
    if (value.quoted) return Cell::string(value.text);
    if (value.text == "true" || value.text == "false") return Cell::boolean(value.text == "true");
    return is_number(value.text) ? batch.number(value.text) : Cell::string(value.text);
  }
  const std::vector<std::pair<std::string, Tree>> values_;
};

StepPtr make_set(Options& options, StepContext&) {
  std::vector<std::pair<std::string, Tree>> values = options.members();
  for (const auto& [name, value] : values) {
    check_target(options, value.line, name);
    if (!value.is_text()) options.blame(value.line, name + ": a value is a text, a number, true or false");
  }
  return std::make_unique<SetStep>(std::move(values));
}

// eval: {field: 'expression'}, one after the other.
class EvalStep final : public Step {
 public:
  explicit EvalStep(std::vector<std::pair<std::string, std::unique_ptr<Expression>>> values)
      : values_(std::move(values)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    for (const auto& [name, expression] : values_) {
      Result<model::VectorPtr> values = expression->eval(batch, on);
      if (!values.ok()) {
        for (uint32_t row : on) fail(batch, row, counts);
        continue;
      }
      Field& field = batch.make_named(name);
      for (uint32_t i = 0; i < on.size(); ++i) {
        Cell cell = batch.cell_of(**values, i);
        if (cell.any())
          batch.set(field, on[i], cell);
        else
          batch.remove(field, on[i]);
      }
    }
  }

 private:
  const std::vector<std::pair<std::string, std::unique_ptr<Expression>>> values_;
};

StepPtr make_eval(Options& options, StepContext& context) {
  std::vector<std::pair<std::string, std::unique_ptr<Expression>>> values;
  for (auto& [name, value] : options.members()) {
    check_target(options, value.line, name);
    Result<std::unique_ptr<Expression>> made =
        Expression::make(value.text, Expression::Kind::kValue, context.around.geo, *context.around.clock);
    if (made.ok())
      values.emplace_back(name, std::move(made).take());
    else
      options.blame(value.line, fmt::format("{}: {}", name, made.error().message()));
  }
  return std::make_unique<EvalStep>(std::move(values));
}

// Names of fields, where `*` stands for any run of characters.
bool name_matches(std::string_view pattern, std::string_view name) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star + 1);
  name.remove_prefix(star);
  for (size_t skip = 0; skip <= name.size(); ++skip) {
    if (name_matches(pattern, name.substr(skip))) return true;
  }
  return false;
}

// What events need to be events: neither drop nor keep takes it away.
bool is_needed(std::string_view name) {
  return name == model::kTimeField || name == model::kFlagsField || name == model::kShapeField ||
         name == model::kIdField || name == model::kIndexField || name == model::kWeightField;
}

// drop: [fields]; also what lies below them.
class DropFieldsStep final : public Step {
 public:
  DropFieldsStep(std::vector<std::string> names, bool keep) : names_(std::move(names)), keep_(keep) {}
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    for (const std::string& name : batch.names()) {
      bool text = name == model::kRawField || name == "message";
      if (is_needed(name) || (!text && named(name) == keep_)) continue;
      Field* field = batch.find(name);
      for (size_t i = 0; field != nullptr && i < on.size(); ++i) {
        if (!text || !stays(batch, name, on[i])) batch.remove(*field, on[i]);
      }
    }
  }

 private:
  // An event that failed keeps its text; a line that is its own message goes by that name.
  bool stays(Rows& batch, const std::string& name, uint32_t row) const {
    if ((batch.flags(row) & static_cast<uint32_t>(model::Flag::kParseError)) != 0) return true;
    bool message = name == "message" || !batch.has("message", row);
    return (named(name) || (message && named("message"))) == keep_;
  }
  bool named(const std::string& name) const {
    return std::any_of(names_.begin(), names_.end(), [&](const std::string& wanted) {
      bool below = name.size() > wanted.size() && name[wanted.size()] == '.' && name.starts_with(wanted);
      return below || name_matches(wanted, name);
    });
  }
  const std::vector<std::string> names_;
  const bool keep_;
};

template <bool kKeep>
StepPtr make_drop(Options& options, StepContext&) {
  std::vector<std::string> names = options.whole_list("fields");
  if (names.empty()) options.blame("lacks fields");
  return std::make_unique<DropFieldsStep>(std::move(names), kKeep);
}

// where: 'condition': the others are dropped; drop_events: those go. An event that could not be parsed is only dropped
// by a condition that can be decided without what it lacks.
class WhereStep final : public Step {
 public:
  WhereStep(std::unique_ptr<Expression> condition, std::unique_ptr<Expression> opposite, bool keep)
      : condition_(std::move(condition)), opposite_(std::move(opposite)), keep_(keep) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    Result<model::Selection> found = condition_->filter(batch, on);
    if (!found.ok()) {
      for (uint32_t row : on) fail(batch, row, counts);
      return;
    }
    model::Selection gone = *found;
    if (keep_) {
      gone.clear();
      std::set_difference(on.begin(), on.end(), found->begin(), found->end(), std::back_inserter(gone));
      spare_failed(batch, gone);
    }
    counts.dropped += gone.size();
    batch.drop(gone);
  }

 private:
  void spare_failed(Rows& batch, model::Selection& gone) {
    model::Selection failed;
    for (uint32_t row : gone) {
      if ((batch.flags(row) & static_cast<uint32_t>(model::Flag::kParseError)) != 0) failed.push_back(row);
    }
    if (failed.empty()) return;
    Result<model::Selection> decided = opposite_->filter(batch, failed);
    model::Selection spared = failed;
    if (decided.ok()) spared = model::without(failed, *decided);
    gone = model::without(gone, spared);
  }
  const std::unique_ptr<Expression> condition_;
  const std::unique_ptr<Expression> opposite_;
  const bool keep_;
};

template <bool kKeep>
StepPtr make_where(Options& options, StepContext& context) {
  std::string text = options.whole_text("condition");
  if (text.empty()) return nullptr;
  Result<std::unique_ptr<Expression>> made =
      Expression::make(text, Expression::Kind::kCondition, context.around.geo, *context.around.clock);
  if (!made.ok()) {
    options.blame(fmt::format("{}: {}", clew::quoted(text), made.error().message()));
    return nullptr;
  }
  Result<std::unique_ptr<Expression>> opposite =
      Expression::make("not (" + text + ")", Expression::Kind::kCondition, context.around.geo, *context.around.clock);
  if (!opposite.ok()) {
    options.blame(opposite.error().message());
    return nullptr;
  }
  return std::make_unique<WhereStep>(std::move(made).take(), std::move(opposite).take(), kKeep);
}

// convert: {status: int}: texts become what they say; what says nothing of the kind stays and counts as failed.
class ConvertStep final : public Step {
 public:
  explicit ConvertStep(Pairs types) : types_(std::move(types)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    for (const auto& [name, type] : types_) {
      Field* field = batch.find(name);
      if (field == nullptr) continue;
      for (uint32_t row : on) {
        if (field->cells[row].is_null()) continue;
        Cell made = convert(batch, field->cells[row], type);
        if (made.any())
          batch.set(*field, row, made);
        else
          fail(batch, row, counts);
      }
    }
  }

 private:
  static Cell convert(Rows& batch, const Cell& cell, const std::string& type) {
    std::string_view text = batch.text_of(cell);
    if (type == "string") return Cell::string(text);
    if (type == "bool") {
      if (text == "true" || text == "yes" || text == "1" || text == "on") return Cell::boolean(true);
      return text == "false" || text == "no" || text == "0" || text == "off" ? Cell::boolean(false) : Cell();
    }
    if (text.starts_with('+')) text.remove_prefix(1);
    if (!is_number(text)) return {};
    if (type == "int") text = text.substr(0, text.find_first_of(".eE"));
    return batch.number(text);
  }
  const Pairs types_;
};

StepPtr make_convert(Options& options, StepContext&) {
  Pairs types;
  for (auto& [name, type] : options.members()) {
    bool known = type.text == "int" || type.text == "number" || type.text == "string" || type.text == "bool";
    if (!known)
      options.blame(type.line,
                    fmt::format("{}: {} is no type: int, number, string or bool", name, clew::quoted(type.text)));
    types.emplace_back(name, type.text);
  }
  return std::make_unique<ConvertStep>(std::move(types));
}

// flatten: {field: data, target: ''}: the members of a JSON text or array become fields.
class FlattenStep final : public Step {
 public:
  FlattenStep(std::string field, std::string target, bool keep)
      : field_(std::move(field)), target_(std::move(target)), keep_(keep) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    Field* field = batch.find(field_);
    if (field == nullptr) return;
    for (uint32_t row : on) {
      const Cell cell = field->cells[row];
      if (cell.is_null()) continue;
      leaves_.clear();
      bool is_json = (cell.is_text() || cell.kind == static_cast<uint8_t>(model::Kind::kArray)) &&
                     read_json_leaves(cell.text(), target_, leaves_);
      if (!is_json) {
        fail(batch, row, counts);
        continue;
      }
      for (const JsonLeaf& leaf : leaves_) {
        Cell made = cell_of(batch, leaf);
        if (made.any() && !leaf.path.empty()) batch.set(batch.make_named(leaf.path), row, made);
      }
      if (!keep_) batch.remove(*field, row);
    }
  }

 private:
  static Cell cell_of(Rows& batch, const JsonLeaf& leaf) {
    switch (leaf.kind) {
      case JsonLeaf::Kind::kText: return Cell::string(batch.keep(leaf.text));
      case JsonLeaf::Kind::kNumber: return batch.number(batch.keep(leaf.text));
      case JsonLeaf::Kind::kBool: return Cell::boolean(leaf.text == "true");
      case JsonLeaf::Kind::kNull: return Cell::integer(0, model::Kind::kNull);
      case JsonLeaf::Kind::kArray: return Cell::string(batch.keep(leaf.text), model::Kind::kArray);
    }
    return {};
  }
  const std::string field_;
  const std::string target_;
  const bool keep_;
  std::vector<JsonLeaf> leaves_;
};

StepPtr make_flatten(Options& options, StepContext&) {
  std::string field = options.required("field");
  std::string target = options.text("target", field);
  bool keep = options.yes("keep");
  if (target == ".") target.clear();
  return std::make_unique<FlattenStep>(std::move(field), std::move(target), keep);
}

constexpr StepKind kKinds[] = {
    {"rename", "write rename: {old: new}", make_move<false>},
    {"copy", "write copy: {from: to}", make_move<true>},
    {"set", "write set: {env: prod}", make_set},
    {"eval", "write eval: {took_ms: 'duration * 1000'}", make_eval},
    {"drop", "write drop: [field, other.*]", make_drop<false>},
    {"keep", "write keep: [message, level, http.*]", make_drop<true>},
    {"convert", "write convert: {status: int}", make_convert},
    {"flatten", "write flatten: {field: data}", make_flatten},
    {"where", "write where: 'status >= 400'", make_where<true>},
    {"drop_events", "write drop_events: \"path = '/healthz'\"", make_where<false>},
};

}  // namespace

std::span<const StepKind> field_steps() { return kKinds; }

}  // namespace clew::pipeline
