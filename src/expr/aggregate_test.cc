#include "expr/aggregate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "expr/builder.h"
#include "expr/coerce.h"
#include "expr/eval.h"
#include "expr/parse.h"
#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;
using model::VectorPtr;

struct Rows {
  std::vector<Value> values;
  std::vector<Value> times;
  std::vector<uint32_t> groups;
  uint32_t groups_count = 1;
};

VectorPtr vector_of(const std::vector<Value>& values, size_t from, size_t to) {
  VectorBuilder out;
  for (size_t i = from; i < to; ++i) {
    if (is_nested(values[i].type())) {
      out.add_value(values[i]);
    } else {
      out.add(cell_of(values[i]));
    }
  }
  return out.finish();
}

BoundAggregate bound(const std::string& source) {
  ListSchema schema({{"x", Type::kMixed}, {"@timestamp", Type::kTimestamp}});
  Binder binder(schema, {}, source);
  Result<ExprPtr> expr = parse_expression_text(source);
  EXPECT_TRUE(expr.ok()) << source;
  Result<BoundAggregate> made = bind_aggregate(binder, **expr);
  EXPECT_TRUE(made.ok()) << made.error().message();
  return *made;
}

void feed(Aggregate& state, const BoundAggregate& call, const Rows& rows, size_t from, size_t to, bool grouped) {
  auto count = static_cast<uint32_t>(to - from);
  VectorInputs inputs({vector_of(rows.values, from, to), vector_of(rows.times, from, to)}, count);
  Evaluator evaluator;
  std::vector<VectorPtr> args;
  for (const BoundPtr& arg : call.args) args.push_back(*evaluator.eval(*arg, inputs));
  std::span<const uint32_t> groups(rows.groups);
  ASSERT_TRUE(
      state.update(args, count, grouped ? groups.subspan(from, count) : std::span<const uint32_t>(), rows.groups_count)
          .ok());
}

// The answer in one piece, and from three partial states that are merged; both must agree.
std::vector<std::string> answer(const std::string& source, const Rows& rows, bool grouped = true) {
  BoundAggregate call = bound(source);
  auto whole = make_aggregate(call);
  for (size_t from = 0; from < rows.values.size(); from += 50) {
    feed(*whole, call, rows, from, std::min(from + 50, rows.values.size()), grouped);
  }
  auto merged = make_aggregate(call);
  std::vector<uint32_t> map(rows.groups_count);
  for (uint32_t g = 0; g < rows.groups_count; ++g) map[g] = g;
  size_t third = rows.values.size() / 3;
  for (size_t part = 0; part < 3; ++part) {
    auto partial = make_aggregate(call);
    feed(*partial, call, rows, part * third, part == 2 ? rows.values.size() : (part + 1) * third, grouped);
    EXPECT_TRUE(merged->merge(*partial, map, rows.groups_count).ok());
  }
  EXPECT_GT(whole->memory_bytes(), 0u);
  VectorPtr one = *whole->finish(rows.groups_count);
  VectorPtr other = *merged->finish(rows.groups_count);
  std::vector<std::string> texts;
  for (uint32_t g = 0; g < rows.groups_count; ++g) {
    texts.push_back(print_value(value_of(cell_of(*one, g))));
    Cell a = cell_of(*one, g);
    Cell b = cell_of(*other, g);
    if (a.type == Type::kDouble && b.type == Type::kDouble) {
      EXPECT_NEAR(a.f64, b.f64, 1e-9 * std::max(1.0, std::fabs(a.f64))) << source;
    } else {
      EXPECT_EQ(texts.back(), print_value(value_of(b))) << source << ", merged";
    }
  }
  return texts;
}

Rows of(std::vector<Value> values) {
  Rows rows;
  rows.values = std::move(values);
  for (size_t i = 0; i < rows.values.size(); ++i)
    rows.times.push_back(Value::timestamp(static_cast<int64_t>(i) * 1000));
  rows.groups.assign(rows.values.size(), 0);
  return rows;
}

Rows ages() { return of({Value::bigint(32), Value::bigint(36), Value::bigint(28), Value::bigint(33)}); }

using Texts = std::vector<std::string>;

TEST(Aggregate, Numbers) {
  EXPECT_EQ(answer("count()", ages()), Texts{"4"});
  EXPECT_EQ(answer("count", ages()), Texts{"4"});
  EXPECT_EQ(answer("c()", ages(), false), Texts{"4"});
  EXPECT_EQ(answer("sum(x)", ages()), Texts{"129"});
  EXPECT_EQ(answer("sum(x)", ages(), false), Texts{"129"});
  EXPECT_EQ(answer("avg(x)", ages()), Texts{"32.25"});
  EXPECT_EQ(answer("min(x)", ages()), Texts{"28"});
  EXPECT_EQ(answer("max(x)", ages(), false), Texts{"36"});
  EXPECT_EQ(answer("var_pop(x)", ages()), Texts{"8.1875"});
  EXPECT_EQ(answer("stddev_samp(x)", ages()), Texts{"3.304037933599835"});
  EXPECT_EQ(answer("percentile(x, 50)", ages()), Texts{"33"});
  EXPECT_EQ(answer("p90(x)", ages()), Texts{"36"});
  EXPECT_EQ(answer("perc0(x)", ages()), Texts{"28"});
  EXPECT_EQ(answer("median(x)", ages()), Texts{"33"});
  EXPECT_EQ(answer("count(eval(x > 30))", ages()), Texts{"3"});
  EXPECT_EQ(answer("sum(x * 1.5)", ages()), Texts{"193.5"});
}

TEST(Aggregate, PercentilesOfManyNumbers) {
  std::mt19937_64 rng(7);
  for (uint64_t range :
       {uint64_t{10}, uint64_t{5000}, uint64_t{1} << 22, uint64_t{1} << 33, uint64_t{1} << 40, UINT64_MAX}) {
    std::vector<int64_t> numbers;
    std::vector<Value> values;
    for (size_t i = 0; i < 9000; ++i) {
      numbers.push_back(static_cast<int64_t>(rng() % range - range / 2));
      values.push_back(Value::bigint(numbers.back()));
    }
    std::sort(numbers.begin(), numbers.end());
    Rows rows = of(values);
    for (size_t percent : {0u, 1u, 50u, 99u, 100u}) {
      size_t place = std::min(numbers.size() - 1, numbers.size() * percent / 100);
      EXPECT_EQ(answer("p" + std::to_string(percent) + "(x)", rows), Texts{std::to_string(numbers[place])}) << range;
    }
  }
}

TEST(Aggregate, NothingButNulls) {
  Rows rows = of({Value(), Value()});
  EXPECT_EQ(answer("count(x)", rows), Texts{"0"});
  EXPECT_EQ(answer("count()", rows), Texts{"2"});
  for (const char* source :
       {"sum(x)", "avg(x)", "min(x)", "max(x)", "stddev_pop(x)", "p50(x)", "first(x)", "mode(x)"}) {
    EXPECT_EQ(answer(source, rows), Texts{"null"}) << source;
  }
  EXPECT_EQ(answer("dc(x)", rows), Texts{"0"});
  EXPECT_EQ(answer("values(x)", rows), Texts{"[]"});
  EXPECT_EQ(answer("stddev_samp(x)", of({Value::integer(1)})), Texts{"null"});
}

TEST(Aggregate, SumsAreExact) {
  Rows rows = of({Value::bigint(INT64_MAX), Value::bigint(INT64_MAX), Value::bigint(-INT64_MAX), Value::bigint(-1)});
  EXPECT_EQ(answer("sum(x)", rows), Texts{"9223372036854775806"});
  Rows over = of({Value::bigint(INT64_MAX), Value::bigint(1)});
  BoundAggregate call = bound("sum(x)");
  auto state = make_aggregate(call);
  feed(*state, call, over, 0, 2, false);
  EXPECT_FALSE(state->finish(1).ok());
}

TEST(Aggregate, Texts) {
  Rows rows =
      of({Value::string("Amber"), Value::string("Hattie"), Value(), Value::string("Dale"), Value::string("Dale")});
  EXPECT_EQ(answer("min(x)", rows), Texts{"Amber"});
  EXPECT_EQ(answer("max(x)", rows), Texts{"Hattie"});
  EXPECT_EQ(answer("dc(x)", rows), Texts{"3"});
  EXPECT_EQ(answer("list(x)", rows), Texts{R"(["Amber","Hattie","Dale","Dale"])"});
  EXPECT_EQ(answer("values(x)", rows), Texts{R"(["Amber","Dale","Hattie"])"});
  EXPECT_EQ(answer("take(x, 2)", rows), Texts{R"(["Amber","Hattie"])"});
  EXPECT_EQ(answer("first(x)", rows), Texts{"Amber"});
  EXPECT_EQ(answer("last(x)", rows), Texts{"Dale"});
  EXPECT_EQ(answer("earliest(x)", rows), Texts{"Amber"});
  EXPECT_EQ(answer("latest(x, 0 - x)", of({Value::integer(3), Value::integer(1), Value::integer(2)})), Texts{"1"});
  EXPECT_EQ(answer("mode(x)", rows), Texts{"Dale"});
}

TEST(Aggregate, MixedTypes) {
  Rows rows = of({Value::integer(1), Value::real(1.0), Value::string("1"), Value::string("x"), Value::real(2.5)});
  EXPECT_EQ(answer("dc(x)", rows), Texts{"4"});  // 1 and 1.0 are one value, "1" is another
  EXPECT_EQ(answer("sum(x)", rows), Texts{"5.5"});
  EXPECT_EQ(answer("max(x)", rows), Texts{"x"});
  EXPECT_EQ(answer("p100(x)", rows), Texts{"2.5"});
}

TEST(Aggregate, Errors) {
  auto error_of = [](const std::string& source) {
    ListSchema schema({{"x", Type::kMixed}});
    Binder binder(schema, {}, source);
    Result<BoundAggregate> made = bind_aggregate(binder, **parse_expression_text(source));
    return made.ok() ? std::string() : made.error().message();
  };
  EXPECT_EQ(error_of("conut(x)"), "1:1: unknown aggregate \"conut\"; did you mean count()?");
  EXPECT_EQ(error_of("sum()"), "1:1: sum() takes 1 arguments, not 0");
  EXPECT_EQ(error_of("percentile(x, 101)"), "1:15: a percentage is between 0 and 100");
  EXPECT_EQ(error_of("sum(y)"), "1:5: Field [y] not found.");
  EXPECT_EQ(error_of("earliest(x)"), "1:1: Field [@timestamp] not found.");
  EXPECT_EQ(error_of("1 + 2"), "1:1: unknown aggregate \"+\"");
}

// Random rows in random groups against the plainest code.
TEST(Aggregate, AgreesWithPlainCode) {
  std::mt19937_64 random(42);
  for (int round = 0; round < 20; ++round) {
    Rows rows = of({});
    rows.groups_count = 1 + static_cast<uint32_t>(random() % 7);
    for (int i = 0; i < 500; ++i) {
      int64_t v = static_cast<int64_t>(random() % 200) - 100;
      bool real = round % 3 == 1 || (round % 3 == 2 && random() % 4 == 0);
      rows.values.push_back(random() % 10 == 0 ? Value()
                            : real             ? Value::real(static_cast<double>(v) / 4)
                                               : Value::bigint(v));
      rows.times.push_back(Value::timestamp(i));
      rows.groups.push_back(static_cast<uint32_t>(random() % rows.groups_count));
    }
    std::vector<std::vector<double>> by_group(rows.groups_count);
    for (size_t i = 0; i < rows.values.size(); ++i) {
      if (!rows.values[i].is_null()) by_group[rows.groups[i]].push_back(*to_double(cell_of(rows.values[i])));
    }
    Texts counts = answer("count(x)", rows);
    Texts sums = answer("sum(x)", rows);
    Texts p90 = answer("p90(x)", rows);
    Texts distinct = answer("dc(x)", rows);
    Texts largest = answer("max(x)", rows);
    for (uint32_t g = 0; g < rows.groups_count; ++g) {
      std::vector<double> v = by_group[g];
      ASSERT_FALSE(v.empty());
      double sum = 0;
      for (double x : v) sum += x;
      std::sort(v.begin(), v.end());
      size_t at = std::min(v.size() - 1, static_cast<size_t>(std::floor(0.9 * static_cast<double>(v.size()))));
      EXPECT_EQ(counts[g], std::to_string(v.size()));
      EXPECT_NEAR(*parse_double(sums[g]), sum, 1e-9);
      EXPECT_EQ(*parse_double(p90[g]), v[at]);
      EXPECT_EQ(distinct[g], std::to_string(std::set<double>(v.begin(), v.end()).size()));
      EXPECT_EQ(*parse_double(largest[g]), v.back());
    }
  }
}

}  // namespace
}  // namespace clew::expr
