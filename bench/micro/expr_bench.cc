// Rows per second of the loops that queries spend their time in: filters, arithmetic, aggregates. One block of 4,096
// rows at a time, as the executor hands them over.
#include <benchmark/benchmark.h>

#include <random>

#include "expr/aggregate.h"
#include "expr/builder.h"
#include "expr/eval.h"
#include "expr/parse.h"

namespace {

using namespace clew;
using model::Type;
using model::Vector;
using model::VectorPtr;

constexpr uint32_t kRows = 4096;

VectorPtr integers(int64_t below) {
  std::mt19937_64 random(1);
  Vector v;
  v.type = Type::kLong;
  v.layout = model::Layout::kFlat;
  v.size = kRows;
  for (uint32_t i = 0; i < kRows; ++i) v.i64.push_back(static_cast<int64_t>(random()) % below);
  return std::make_shared<const Vector>(std::move(v));
}

VectorPtr reals() {
  std::mt19937_64 random(2);
  Vector v;
  v.type = Type::kDouble;
  v.layout = model::Layout::kFlat;
  v.size = kRows;
  for (uint32_t i = 0; i < kRows; ++i) v.f64.push_back(static_cast<double>(random() % 10000) / 7);
  return std::make_shared<const Vector>(std::move(v));
}

VectorPtr levels() {
  std::mt19937_64 random(3);
  expr::VectorBuilder entries;
  for (const char* level : {"INFO", "WARN", "ERROR", "DEBUG"}) entries.add_string(level);
  Vector v;
  v.type = Type::kString;
  v.layout = model::Layout::kDict;
  v.size = kRows;
  v.dict = entries.finish();
  for (uint32_t i = 0; i < kRows; ++i) v.codes.push_back(static_cast<uint32_t>(random() % 4));
  return std::make_shared<const Vector>(std::move(v));
}

VectorPtr messages() {
  std::mt19937_64 random(4);
  expr::VectorBuilder out;
  for (uint32_t i = 0; i < kRows; ++i) {
    std::string text = "Payment request for order " + std::to_string(random() % 1000000);
    text +=
        random() % 50 == 0 ? " failed: upstream timed out after 3000 ms" : " completed by gateway eu-central in 12 ms";
    out.add_string(text);
  }
  return out.finish();
}

std::vector<VectorPtr> columns() { return {integers(1000), integers(1 << 30), reals(), levels(), messages()}; }

expr::ListSchema schema() {
  return expr::ListSchema({{"latency_ms", Type::kLong},
                           {"bytes", Type::kLong},
                           {"amount", Type::kDouble},
                           {"level", Type::kString},
                           {"message", Type::kString}});
}

void filter(benchmark::State& state, const char* source) {
  expr::ListSchema names = schema();
  expr::Binder binder(names, {});
  expr::BoundPtr bound = *binder.bind(**expr::parse_expression_text(source));
  expr::VectorInputs inputs(columns(), kRows);
  expr::Evaluator evaluator;
  model::Selection all = expr::all_rows(kRows);
  size_t kept = 0;
  for (auto _ : state) {
    model::Selection rows = all;
    if (!evaluator.filter(*bound, inputs, rows).ok()) state.SkipWithError("filter failed");
    kept += rows.size();
  }
  benchmark::DoNotOptimize(kept);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kRows);
}

void evaluate(benchmark::State& state, const char* source) {
  expr::ListSchema names = schema();
  expr::Binder binder(names, {});
  expr::BoundPtr bound = *binder.bind(**expr::parse_expression_text(source));
  expr::VectorInputs inputs(columns(), kRows);
  expr::Evaluator evaluator;
  for (auto _ : state) benchmark::DoNotOptimize(*evaluator.eval(*bound, inputs));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kRows);
}

void aggregate(benchmark::State& state, const char* source, uint32_t groups_count) {
  expr::ListSchema names = schema();
  expr::Binder binder(names, {});
  expr::BoundAggregate bound = *expr::bind_aggregate(binder, **expr::parse_expression_text(source));
  expr::VectorInputs inputs(columns(), kRows);
  expr::Evaluator evaluator;
  std::vector<VectorPtr> args;
  for (const expr::BoundPtr& arg : bound.args) args.push_back(*evaluator.eval(*arg, inputs));
  std::mt19937_64 random(5);
  std::vector<uint32_t> groups(groups_count > 1 ? kRows : 0);
  for (uint32_t& group : groups) group = static_cast<uint32_t>(random() % groups_count);
  std::unique_ptr<expr::Aggregate> totals = expr::make_aggregate(bound);
  for (auto _ : state) {
    if (!totals->update(args, kRows, groups, groups_count).ok()) state.SkipWithError("update failed");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kRows);
}

BENCHMARK_CAPTURE(filter, number, "latency_ms > 500");
BENCHMARK_CAPTURE(filter, number_rare, "latency_ms > 990");
BENCHMARK_CAPTURE(filter, real, "amount >= 700.5");
BENCHMARK_CAPTURE(filter, level_and_number, "level = 'error' and latency_ms > 500");
BENCHMARK_CAPTURE(filter, level_in, "level in ('error', 'warn')");
BENCHMARK_CAPTURE(filter, two_columns, "latency_ms * 1000 > bytes");
BENCHMARK_CAPTURE(filter, contains, "message contains 'timed out'");
BENCHMARK_CAPTURE(filter, like, "message like '%timed out%'");
BENCHMARK_CAPTURE(filter, like_case, "like(message, '%timed out%', true)");
BENCHMARK_CAPTURE(filter, regex, "message regexp 'timed out after [0-9]+ ms'");
BENCHMARK_CAPTURE(evaluate, sum, "latency_ms + bytes");
BENCHMARK_CAPTURE(evaluate, product, "amount * 1.5d");
BENCHMARK_CAPTURE(evaluate, lower_dictionary, "lower(level)");
BENCHMARK_CAPTURE(evaluate, upper_text, "upper(message)");
BENCHMARK_CAPTURE(evaluate, branch, "if(latency_ms > 500, 'slow', 'fast')");
BENCHMARK_CAPTURE(evaluate, span, "span(bytes, 1000)");
BENCHMARK_CAPTURE(aggregate, count_one, "count()", 1);
BENCHMARK_CAPTURE(aggregate, count_16, "count()", 16);
BENCHMARK_CAPTURE(aggregate, sum_one, "sum(latency_ms)", 1);
BENCHMARK_CAPTURE(aggregate, sum_16, "sum(latency_ms)", 16);
BENCHMARK_CAPTURE(aggregate, sum_real_16, "sum(amount)", 16);
BENCHMARK_CAPTURE(aggregate, max_one, "max(latency_ms)", 1);
BENCHMARK_CAPTURE(aggregate, max_16, "max(latency_ms)", 16);
BENCHMARK_CAPTURE(aggregate, max_real_16, "max(amount)", 16);
BENCHMARK_CAPTURE(aggregate, distinct_level, "dc(level)", 16);
BENCHMARK_CAPTURE(aggregate, distinct_number, "dc(latency_ms)", 16);
BENCHMARK_CAPTURE(aggregate, p95, "p95(latency_ms)", 16);
BENCHMARK_CAPTURE(aggregate, min_text, "min(message)", 16);

}  // namespace
