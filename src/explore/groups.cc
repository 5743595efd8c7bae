#include "explore/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "expr/ast.h"
#include "query/encode.h"
#include "text/message_shape.h"

namespace clew::explore {
namespace {

using query::Failure;

constexpr size_t kShapesMax = 100'000;  // different ones kept; what comes beyond is counted as one
constexpr size_t kSamplesPerShape = 3;
constexpr std::string_view kOtherShapes = "(other)";

// Counts texts by shape as they come.
class ShapeCounter final : public query::Receiver {
 public:
  Status begin(const std::vector<query::OutputColumn>&) override { return {}; }
  Status rows(const query::RowBatch& batch) override {
    const model::Vector& column = *batch.columns[0];
    for (uint32_t row = 0; row < batch.rows; ++row) {
      if (column.is_null(row)) continue;
      text_.clear();
      query::append_text(column.value(row), text_);
      add();
    }
    return {};
  }
  uint64_t events() const { return events_; }
  std::vector<Pattern> ranked() {
    std::vector<Pattern> out;
    for (auto& [shape, pattern] : shapes_) out.push_back(std::move(pattern));
    std::sort(out.begin(), out.end(), [](const Pattern& a, const Pattern& b) {
      return a.events != b.events ? a.events > b.events : a.shape < b.shape;
    });
    return out;
  }

 private:
  void add() {
    ++events_;
    std::string shape = text::message_shape(text_);
    if (shapes_.size() >= kShapesMax && !shapes_.contains(shape)) shape = kOtherShapes;
    Pattern& pattern = shapes_[shape];
    if (pattern.events++ == 0) pattern.shape = std::move(shape);
    bool fresh = pattern.samples.size() < kSamplesPerShape &&
                 std::find(pattern.samples.begin(), pattern.samples.end(), text_) == pattern.samples.end();
    if (fresh) pattern.samples.push_back(text_);
  }

  std::unordered_map<std::string, Pattern> shapes_;
  std::string text_;
  uint64_t events_ = 0;
};

ErrorGroup group_at(const Table& table, size_t row) {
  ErrorGroup group;
  group.events = count_of(table.at(row, 0));
  group.first_seen = table.at(row, 1);
  group.last_seen = table.at(row, 2);
  group.type = table.at(row, 3);
  group.message = table.at(row, 4);
  group.services = table.at(row, 5);
  query::append_text(table.at(row, 6), group.fingerprint);
  return group;
}

}  // namespace

Answer<ErrorGroups> error_groups(query::Engine& engine, const Question& question, uint32_t top) {
  auto events = engine.events_part(question.query);
  if (auto* failure = std::get_if<Failure>(&events)) return *failure;
  ErrorGroups out;
  const std::string errors = std::get<std::string>(events) + " | where isnotnull(_error_group)";
  Table count;
  if (auto failure = run(engine, question, errors + " | stats count()", count, out.cost)) return *failure;
  out.events = count_of(count.only(0));
  Table table;
  std::string text = fmt::format(
      "{} | eval _what = coalesce(`error.message`, message) | stats count() as n, min(@timestamp) as first_seen, "
      "max(@timestamp) as last_seen, latest(`error.type`) as type, latest(_what) as what, "
      "values(`service.name`) as services by _error_group | sort - n, - last_seen | head {}",
      errors, top);
  if (auto failure = run(engine, question, text, table, out.cost)) return *failure;
  for (size_t row = 0; row < table.rows_count(); ++row) out.groups.push_back(group_at(table, row));
  return out;
}

Answer<Patterns> patterns(query::Engine& engine, const Question& question, const std::string& field, uint32_t top) {
  auto events = engine.events_part(question.query);
  if (auto* failure = std::get_if<Failure>(&events)) return *failure;
  Patterns out;
  ShapeCounter shapes;
  std::string text = fmt::format("{} | head {} | fields {}", std::get<std::string>(events), kPatternEventsMax,
                                 expr::print_name(field));
  Question all = question;
  all.limits.rows = 0;
  if (auto failure = run(engine, all, text, shapes, out.cost)) return *failure;
  out.events = shapes.events();
  out.patterns = shapes.ranked();
  out.shapes = out.patterns.size();
  if (out.patterns.size() > top) out.patterns.resize(top);
  return out;
}

}  // namespace clew::explore
