#include "pipeline/pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "expr/diagnostic.h"
#include "model/own_fields.h"
#include "model/shape.h"
#include "pipeline/condition.h"

namespace clew::pipeline {
namespace {

constexpr std::string_view kWindowKey = "window";
constexpr uint64_t kWindowDefault = 1'000'000'000;

bool reads_message(const Tree& options) {
  const Tree* field = options.is_map() ? options.find("field") : nullptr;
  return field == nullptr || field->text == "message";
}

// A step that does no more than read lines in one format: the source can do that itself, on its way.
bool is_plain_format(const Tree& options, const std::string& when) {
  return when.empty() && (options.is_null() || (options.is_map() && options.members.empty()) ||
                          (options.is_text() && options.text.empty()));
}

std::string known_steps() {
  std::vector<std::string_view> names;
  for (const StepKind& kind : step_kinds()) names.push_back(kind.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

void fail(Rows& batch, uint32_t row, StepCounts& counts) {
  ++counts.failed;
  batch.flag(row, model::Flag::kParseError);
}

const StepKind* find_step_kind(std::string_view name) {
  for (const StepKind& kind : step_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

bool check_target(Options& options, uint32_t line, const std::string& name) {
  std::string buffer;
  if (name.empty()) {
    options.blame(line, "an empty field name");
    return false;
  }
  if (model::column_name(name, buffer) == name) return true;
  options.blame(line, fmt::format("the field {} belongs to clew: name another", name));
  return false;
}

std::optional<Pipeline::StepPlan> Pipeline::plan(const Tree& item, size_t index, Mistakes& mistakes) {
  StepPlan out;
  std::string name = item.is_text() ? item.text : "";
  const Tree* options = nullptr;
  bool more = false;
  if (item.is_map() && !item.members.empty()) {
    for (const auto& [key, value] : item.members) {
      if (key.text == "when" || key.text == "rule") continue;
      more = !name.empty();
      if (more) break;
      name = key.text;
      options = &value;
    }
  }
  if (name.empty() || more) {
    mistakes.push_back({item.line, "a step is one processor with its keys: write - rename: {old: new}"});
    return std::nullopt;
  }
  out.kind = find_step_kind(name);
  if (out.kind == nullptr) {
    std::vector<std::string> names;
    for (const StepKind& kind : step_kinds()) names.emplace_back(kind.name);
    std::string near = expr::closest_name(name, names);
    mistakes.push_back(
        {item.line, fmt::format("no processor {}; {}", name,
                                near.empty() ? "known: " + known_steps() : "did you mean " + near + "?")});
    return std::nullopt;
  }
  out.options.line = item.line;
  if (options != nullptr) out.options = *options;
  out.rule = fmt::format("{} {}", name, index);
  // `when` and `rule` stand beside the processor's name or among its keys.
  for (Tree* from : {&out.options}) {
    std::erase_if(from->members, [&](const std::pair<Tree, Tree>& member) {
      bool when = member.first.text == "when" && member.second.is_text();
      bool rule = member.first.text == "rule" && member.second.is_text();
      if (when) out.when = member.second.text;
      if (rule) out.rule = member.second.text;
      return when || rule;
    });
  }
  if (item.is_map()) {
    if (const Tree* when = item.find("when"); when != nullptr && when->is_text()) out.when = when->text;
    if (const Tree* rule = item.find("rule"); rule != nullptr && rule->is_text()) out.rule = rule->text;
  }
  return out;
}

StepPtr Pipeline::make_step(size_t index, SharedStates& shared, Mistakes& mistakes) const {
  const StepPlan& step = steps_[index];
  Options options(fmt::format("pipeline {}, step {} ({})", name_, index + 1, step.kind->name), step.options,
                  step.kind->example, mistakes);
  StepContext context{.around = around_, .pipeline = name_, .index = index + 1, .rule = step.rule, .shared = shared};
  StepPtr made = step.kind->make(options, context);
  options.finish();
  if (step.when.empty()) return made;
  Result<std::unique_ptr<Expression>> when =
      Expression::make(step.when, Expression::Kind::kCondition, around_.geo, *around_.clock);
  if (!when.ok()) options.blame(fmt::format("when: {}", when.error().message()));
  return made;
}

std::shared_ptr<const Pipeline> Pipeline::make(const std::string& name, const Tree& steps, const Surroundings& around,
                                               Mistakes& mistakes) {
  size_t before = mistakes.size();
  std::shared_ptr<Pipeline> made(new Pipeline());
  made->name_ = name;
  made->around_ = around;
  if (!steps.is_list() || steps.items.empty()) {
    mistakes.push_back({steps.line, fmt::format("pipeline {} is a list of processors: write - json: {{}}", name)});
    return nullptr;
  }
  if (steps.items.size() > kStepsMax) {
    mistakes.push_back({steps.line, fmt::format("pipeline {} has more than {} steps", name, kStepsMax)});
    return nullptr;
  }
  for (size_t i = 0; i < steps.items.size(); ++i) {
    std::optional<StepPlan> step = plan(steps.items[i], i + 1, mistakes);
    if (step) made->steps_.push_back(std::move(*step));
  }
  if (mistakes.size() != before) return nullptr;
  SharedStates shared;
  for (size_t i = 0; i < made->steps_.size(); ++i) {
    made->make_step(i, shared, mistakes);
    const StepPlan& step = made->steps_[i];
    if (!step.kind->weighs) continue;
    made->weighs_ = true;
    const Tree* window = step.options.is_map() ? step.options.find(kWindowKey) : nullptr;
    uint64_t wanted = window == nullptr ? kWindowDefault : parse_duration(window->text).value_or(kWindowDefault);
    made->window_ns_ = std::max(made->window_ns_, std::min(wanted, kWindowNanosMost));
  }
  if (mistakes.size() != before) return nullptr;
  const StepPlan& first = made->steps_[0];
  if (first.kind->parses && reads_message(first.options)) {
    bool plain = first.kind->format && is_plain_format(first.options, first.when);
    made->line_format_ = plain ? *first.kind->format : process::Format::kRaw;
  }
  return made;
}

struct Runner::Stage {
  StepPtr step;
  std::unique_ptr<Expression> when;
  base::Counter* failed = nullptr;
  base::Counter* dropped = nullptr;
  base::Counter* merged = nullptr;
  base::Counter* routed = nullptr;
};

Runner::~Runner() = default;

Runner::Runner(std::shared_ptr<const Pipeline> pipeline, Lines lines) : pipeline_(std::move(pipeline)), lines_(lines) {
  base::MutexLock lock(pipeline_->mutex_);
  Mistakes none;  // make() has told of all
  const Surroundings& around = pipeline_->around_;
  for (size_t i = 0; i < pipeline_->steps_.size(); ++i) {
    const Pipeline::StepPlan& plan = pipeline_->steps_[i];
    Stage stage;
    stage.step = pipeline_->make_step(i, pipeline_->shared_, none);
    if (!plan.when.empty()) {
      Result<std::unique_ptr<Expression>> when =
          Expression::make(plan.when, Expression::Kind::kCondition, around.geo, *around.clock);
      if (when.ok()) stage.when = std::move(when).take();
    }
    if (around.metrics != nullptr) {
      base::MetricLabels labels = {{"pipeline", pipeline_->name_}, {"rule", plan.rule}};
      auto counter = [&](const char* name, const char* help) { return &around.metrics->counter(name, help, labels); };
      stage.failed = counter("clew_pipeline_failed_events_total", "Events that a step could not do its work on");
      stage.dropped = counter("clew_pipeline_dropped_events_total", "Events that a rule dropped");
      stage.merged = counter("clew_pipeline_merged_events_total", "Events that others now stand for, by _weight");
      stage.routed = counter("clew_pipeline_routed_events_total", "Events sent to another dataset");
    }
    stages_.push_back(std::move(stage));
  }
  if (around.metrics != nullptr) {
    events_ = &around.metrics->counter("clew_pipeline_events_total", "Events that entered a pipeline",
                                       {{"pipeline", pipeline_->name_}});
  }
}

void Runner::run_stage(Stage& stage, StepCounts& counts) {
  model::Selection on = rows_.left();
  if (stage.when) {
    Result<model::Selection> wanted = stage.when->filter(rows_, on);
    if (!wanted.ok()) {
      // Of one batch's values nothing can be said: the step is left out for it.
      for (uint32_t row : on) fail(rows_, row, counts);
      return;
    }
    on = std::move(wanted).take();
  }
  if (!on.empty()) stage.step->run(rows_, on, counts);
}

void Runner::count_read(StepCounts& counts) {
  if (rows_.find(model::kFlagsField) == nullptr) return;
  for (uint32_t row : rows_.left()) {
    counts.failed += (rows_.flags(row) & static_cast<uint32_t>(model::Flag::kParseError)) != 0 ? 1 : 0;
  }
}

std::vector<model::Batch*> Runner::run(model::Batch& batch, const Watch& watch) {
  rows_.attach(batch);
  if (events_ != nullptr) events_->add(batch.rows());
  for (size_t i = 0; i < stages_.size(); ++i) {
    Stage& stage = stages_[i];
    StepCounts counts;
    if (i == 0 && lines_ == Lines::kReadByFirstStep)
      count_read(counts);
    else if (!rows_.left().empty())
      run_stage(stage, counts);
    if (watch) watch(i, rows_, counts);
    if (stage.failed == nullptr) continue;
    if (counts.failed > 0) stage.failed->add(counts.failed);
    if (counts.dropped > 0) stage.dropped->add(counts.dropped);
    if (counts.merged > 0) stage.merged->add(counts.merged);
    if (counts.routed > 0) stage.routed->add(counts.routed);
  }
  if (pipeline_->weighs_) rows_.weigh_all();
  return rows_.finish();
}

}  // namespace clew::pipeline
