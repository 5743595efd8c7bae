#include "explore/groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "expr/ast.h"
#include "model/own_fields.h"
#include "query/encode.h"

namespace clew::explore {
namespace {

using query::Failure;

constexpr size_t kSamplesPerPattern = 3;
constexpr size_t kSampleRows = 10;                // looked at for different ones
constexpr int64_t kSampleNanos = 60'000'000'000;  // samples are of the last minute in which a pattern was seen

// Rows (events, first seen, last seen, pattern); keeps the ones with the most events.
class PatternRanking final : public query::Receiver {
 public:
  PatternRanking(uint32_t top, Patterns& out) : top_(top), out_(out) {}

  Status begin(const std::vector<query::OutputColumn>&) override { return {}; }
  Status rows(const query::RowBatch& batch) override {
    for (uint32_t row = 0; row < batch.rows; ++row) {
      model::Value shape = batch.columns[3]->value(row);
      if (shape.is_null()) continue;  // events without the field
      Pattern pattern;
      pattern.shape = shape.text();
      pattern.events = count_of(batch.columns[0]->value(row));
      pattern.first_seen = batch.columns[1]->value(row);
      pattern.last_seen = batch.columns[2]->value(row);
      out_.events += pattern.events;
      ++out_.shapes;
      out_.patterns.push_back(std::move(pattern));
      if (out_.patterns.size() >= 2 * size_t{top_} + kRoom) cut();
    }
    return {};
  }
  void cut() {
    std::sort(out_.patterns.begin(), out_.patterns.end(), [](const Pattern& a, const Pattern& b) {
      return a.events != b.events ? a.events > b.events : a.shape < b.shape;
    });
    if (out_.patterns.size() > top_) out_.patterns.resize(top_);
  }

 private:
  static constexpr size_t kRoom = 1024;
  const uint32_t top_;
  Patterns& out_;
};

// The newest texts of a pattern. What came meanwhile is behind its last time and not looked at.
std::optional<Failure> add_samples(query::Engine& engine, Question question, const std::string& events,
                                   const std::string& field, const std::string& pattern_field, Pattern& pattern,
                                   Cost& cost) {
  if (pattern.last_seen.is_null()) return std::nullopt;
  int64_t last = pattern.last_seen.i64();
  question.range.from = std::max({question.range.from, pattern.first_seen.i64(), last - kSampleNanos});
  question.range.to = std::min(question.range.to, last + 1);
  question.limits.rows = kSampleRows;
  Table table;
  std::string text = fmt::format("{} | where {} = {} | head {} | fields {}", events, expr::print_name(pattern_field),
                                 expr::print_string(pattern.shape), kSampleRows, expr::print_name(field));
  if (auto failure = run(engine, question, text, table, cost)) return failure;
  for (size_t row = 0; row < table.rows_count() && pattern.samples.size() < kSamplesPerPattern; ++row) {
    std::string sample;
    query::append_text(table.at(row, 0), sample);
    bool known = std::find(pattern.samples.begin(), pattern.samples.end(), sample) != pattern.samples.end();
    if (!known) pattern.samples.push_back(std::move(sample));
  }
  return std::nullopt;
}

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
  auto part = engine.events_part(question.query);
  if (auto* failure = std::get_if<Failure>(&part)) return *failure;
  const std::string& events = std::get<std::string>(part);
  std::string pattern_field(model::kPatternField);
  if (field != model::pattern_source(pattern_field)) pattern_field += "." + field;
  Patterns out;
  PatternRanking ranking(top, out);
  Question all = question;
  all.limits.rows = 0;
  std::string text =
      fmt::format("{} | stats count() as n, min(@timestamp) as first_seen, max(@timestamp) as last_seen by {}", events,
                  expr::print_name(pattern_field));
  if (auto failure = run(engine, all, text, ranking, out.cost)) return *failure;
  ranking.cut();
  for (Pattern& pattern : out.patterns) {
    if (auto failure = add_samples(engine, question, events, field, pattern_field, pattern, out.cost)) return *failure;
  }
  return out;
}

}  // namespace clew::explore
