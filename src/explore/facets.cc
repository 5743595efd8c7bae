#include "explore/facets.h"

#include <fmt/format.h>

#include "expr/ast.h"

namespace clew::explore {
namespace {

using query::Failure;
using query::FailureKind;

std::string summary_of(const std::string& name, size_t i) {
  return fmt::format(
      "count({0}) as c{1}, distinct_count({0}) as d{1}, min({0}) as min{1}, max({0}) as max{1}, "
      "avg({0}) as a{1}, sum({0}) as s{1}, p50({0}) as p50_{1}, p95({0}) as p95_{1}, p99({0}) as p99_{1}",
      name, i);
}

// The engine answers min and max of texts too; a summary is of numbers.
bool is_number(const model::Value& value) {
  switch (value.type()) {
    case model::Type::kInt:
    case model::Type::kLong:
    case model::Type::kULong:
    case model::Type::kDouble:
    case model::Type::kFloat:
    case model::Type::kDecimal: return true;
    default: return false;
  }
}

NumberSummary numbers_at(const Table& table, size_t column) {
  NumberSummary out;
  if (!is_number(table.only(column + 4))) return out;  // no mean: no numbers
  out = {.min = table.only(column + 2),
         .max = table.only(column + 3),
         .mean = table.only(column + 4),
         .sum = table.only(column + 5),
         .p50 = table.only(column + 6),
         .p95 = table.only(column + 7),
         .p99 = table.only(column + 8)};
  return out;
}

class FacetRun {
 public:
  FacetRun(query::Engine& engine, const Question& question, const FacetRequest& request, std::string events)
      : engine_(engine), question_(question), request_(request), events_(std::move(events)) {
    if (request.sample != 0) events_ += fmt::format(" | head {}", request.sample);
  }

  std::optional<Failure> count() {
    Table table;
    if (auto failure = run(engine_, question_, events_ + " | stats count()", table, out_.cost)) return failure;
    out_.events = count_of(table.only(0));
    return std::nullopt;
  }

  std::optional<Failure> add(const std::string& field) {
    Facet facet;
    facet.field = field;
    const std::string name = expr::print_name(field);
    std::optional<Failure> failure = summarise(name, facet);
    if (!failure) failure = find_top(name, facet);
    // A field that no event has is an empty facet; one with too many values keeps its counts.
    if (failure && failure->kind == FailureKind::kResourceLimit) {
      facet.problem = failure->reason;
      failure.reset();
    }
    if (failure && failure->kind == FailureKind::kFieldNotFound) failure.reset();
    out_.facets.push_back(std::move(facet));
    return failure;
  }

  Facets take() { return std::move(out_); }

 private:
  std::optional<Failure> summarise(const std::string& name, Facet& facet) {
    Table table;
    std::optional<Failure> failure =
        run(engine_, question_, events_ + " | stats " + summary_of(name, 0), table, out_.cost);
    // Of texts there is no sum; then only the counts are asked for.
    bool no_numbers = failure && (failure->kind == FailureKind::kType || failure->kind == FailureKind::kSemantic ||
                                  failure->kind == FailureKind::kEvaluation);
    if (no_numbers) {
      Table counts;
      failure = run(engine_, question_, fmt::format("{0} | stats count({1}), distinct_count({1})", events_, name),
                    counts, out_.cost);
      facet.events = count_of(counts.only(0));
      facet.values = count_of(counts.only(1));
      return failure;
    }
    facet.events = count_of(table.only(0));
    facet.values = count_of(table.only(1));
    facet.numbers = numbers_at(table, 0);
    return failure;
  }

  std::optional<Failure> find_top(const std::string& name, Facet& facet) {
    if (facet.events == 0) return std::nullopt;
    Table table;
    std::optional<Failure> failure =
        run(engine_, question_,
            fmt::format("{0} | where isnotnull({1}) | stats count() as n by {1} | sort - n, {1} | head {2}", events_,
                        name, request_.top),
            table, out_.cost);
    if (failure) return failure;
    for (size_t row = 0; row < table.rows_count(); ++row) {
      facet.top.push_back({table.at(row, 1), count_of(table.at(row, 0))});
    }
    return std::nullopt;
  }

  query::Engine& engine_;
  const Question& question_;
  const FacetRequest& request_;
  std::string events_;
  Facets out_;
};

}  // namespace

Answer<Facets> facets(query::Engine& engine, const Question& question, const FacetRequest& request) {
  auto events = engine.events_part(question.query);
  if (auto* failure = std::get_if<Failure>(&events)) return *failure;
  FacetRun facets(engine, question, request, std::get<std::string>(std::move(events)));
  if (auto failure = facets.count()) return *failure;
  for (const std::string& field : request.fields) {
    if (auto failure = facets.add(field)) return *failure;
  }
  return facets.take();
}

}  // namespace clew::explore
