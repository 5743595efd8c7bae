// The vectorised evaluator against one that takes a row at a time, on random expressions over random columns of every
// layout.
#include "expr/eval.h"

#include <gtest/gtest.h>

#include <random>

#include "expr/builder.h"
#include "expr/coerce.h"
#include "expr/functions.h"
#include "expr/parse.h"
#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Layout;
using model::Selection;
using model::Type;
using model::Value;
using model::Vector;
using model::VectorPtr;

constexpr int64_t kNow = 1706778611500000000;

struct Plain {
  const std::vector<VectorPtr>& columns;
  uint32_t row;
  bool failed = false;

  Value value(const Bound& expr) {
    switch (expr.op) {
      case Bound::Op::kConst: return expr.constant;
      case Bound::Op::kField: return value_of(cell_of(*columns[expr.slot], row));
      case Bound::Op::kCall: return call(expr);
      case Bound::Op::kLambda: break;
    }
    return {};
  }

  Value call(const Bound& expr) {
    std::string_view name = expr.function->name;
    if (name == "and" || name == "or") return connective(expr, name == "and");
    if (name == "case" || name == "if") return of_type(expr.type, choice(expr));
    if (name == "coalesce" || name == "ifnull") return of_type(expr.type, first_of(expr));
    std::vector<Value> args;
    std::vector<Cell> cells;
    for (const BoundPtr& arg : expr.args) args.push_back(value(*arg));
    bool null = false;
    for (const Value& arg : args) {
      cells.push_back(cell_of(arg));
      null = null || arg.is_null();
    }
    if (failed || (null && (expr.function->flags & kNullsToo) == 0)) return {};
    VectorBuilder out;
    if (!expr.function->scalar(expr, cells, out).ok()) {
      failed = true;
      return {};
    }
    return value_of(cell_of(*out.finish(), 0));
  }

  static Value of_type(Type type, const Value& v) {
    return type == Type::kDouble && is_number(v.type()) ? Value::real(*to_double(cell_of(v))) : v;
  }

  Value first_of(const Bound& expr) {
    for (const BoundPtr& arg : expr.args) {
      Value v = value(*arg);
      if (!v.is_null()) return v;
    }
    return {};
  }

  Value connective(const Bound& expr, bool conjunction) {
    bool null = false;
    for (const BoundPtr& arg : expr.args) {
      Value v = value(*arg);
      if (v.type() != Type::kBool) {
        null = true;
      } else if ((v.i64() != 0) != conjunction) {
        return v;
      }
    }
    return null ? Value() : Value::boolean(conjunction);
  }

  Value choice(const Bound& expr) {
    for (size_t i = 0; i + 1 < expr.args.size(); i += 2) {
      Value condition = value(*expr.args[i]);
      if (condition.type() == Type::kBool && condition.i64() != 0) return value(*expr.args[i + 1]);
    }
    return expr.args.size() % 2 == 1 ? value(*expr.args.back()) : Value();
  }
};

using Random = std::mt19937_64;

Value random_value(Random& random, Type type) {
  auto small = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  static const std::string kTexts[] = {"",      "a",    "Ab",         "abc",   "7",    "-2.5",
                                       "error", "warn", "2024-02-01", "x%y_z", "größe"};
  switch (type) {
    case Type::kBool: return Value::boolean(small(2) == 1);
    case Type::kLong: return small(20) == 0 ? Value::bigint(INT64_MAX - small(3)) : Value::bigint(small(20) - 10);
    case Type::kDouble: return Value::real(static_cast<double>(small(40) - 20) / 4);
    case Type::kString: return Value::string(kTexts[small(std::size(kTexts))]);
    case Type::kTimestamp: return Value::timestamp(kNow + (small(100) - 50) * 3'600'000'000'000);
    default: break;
  }
  constexpr Type kTypes[] = {Type::kBool, Type::kLong, Type::kDouble, Type::kString, Type::kTimestamp, Type::kArray};
  Type picked = kTypes[small(6)];
  if (picked != Type::kArray) return random_value(random, picked);
  model::Values items;
  for (int64_t i = small(3); i >= 0; --i) items.push_back(random_value(random, Type::kLong));
  return Value::array(std::move(items));
}

VectorPtr with_values(const std::vector<Value>& values) {
  Vector v;
  v.type = Type::kMixed;
  v.layout = Layout::kValues;
  v.size = static_cast<uint32_t>(values.size());
  v.values = values;
  return std::make_shared<const Vector>(std::move(v));
}

VectorPtr random_dictionary(Random& random, uint32_t rows, bool nulls) {
  VectorBuilder entries;
  uint32_t count = 1 + static_cast<uint32_t>(random() % 12);
  for (uint32_t i = 0; i < count; ++i) entries.add(cell_of(random_value(random, Type::kString)));
  Vector v;
  v.type = Type::kString;
  v.layout = Layout::kDict;
  v.size = rows;
  v.dict = entries.finish();
  for (uint32_t i = 0; i < rows; ++i) {
    bool null = nulls && random() % 4 == 0;
    v.codes.push_back(null ? 999 : static_cast<uint32_t>(random() % count));
    if (nulls) v.nulls.push_back(null ? 1 : 0);
  }
  return std::make_shared<const Vector>(std::move(v));
}

VectorPtr random_column(Random& random, uint32_t rows, Type type) {
  bool nulls = random() % 2 == 0;
  if (type == Type::kString && random() % 2 == 0) return random_dictionary(random, rows, nulls);
  if (random() % 8 == 0) {
    Value value = nulls ? Value() : random_value(random, type);
    return std::make_shared<const Vector>(Vector::constant(value, rows));
  }
  std::vector<Value> values;
  for (uint32_t i = 0; i < rows; ++i) {
    values.push_back(nulls && random() % 4 == 0 ? Value() : random_value(random, type));
  }
  if (type == Type::kMixed) return with_values(values);
  VectorBuilder out;
  for (const Value& value : values) out.add(cell_of(value));
  return out.finish();
}

struct Grammar {
  Random& random;

  std::string any(const std::vector<std::string>& of) { return of[random() % of.size()]; }

  std::string number(int depth) {
    switch (depth <= 0 ? random() % 3 : random() % 9) {
      case 0: return any({"l1", "l2", "d1", "m1"});
      case 1: return any({"0", "1", "-3", "7", "2.5", "0.5d", "1e2", "null"});
      case 2: return any({"l1", "d1", "s1"});
      case 3: return "(" + number(depth - 1) + any({" + ", " - ", " * ", " / ", " % "}) + number(depth - 1) + ")";
      case 4: return "if(" + condition(depth - 1) + ", " + number(depth - 1) + ", " + number(depth - 1) + ")";
      case 5: return "coalesce(" + number(depth - 1) + ", " + number(depth - 1) + ")";
      case 6: return any({"abs(", "ceil(", "sqrt(", "round(", "sign("}) + number(depth - 1) + ")";
      case 7: return "length(" + text(depth - 1) + ")";
      default: return "span(" + number(depth - 1) + ", " + any({"5", "2.5", "10"}) + ")";
    }
  }

  std::string text(int depth) {
    switch (depth <= 0 ? random() % 2 : random() % 6) {
      case 0: return any({"s1", "s2", "m1", "level"});
      case 1: return any({"'a'", "'abc'", "'7'", "''", "null", "'größe'"});
      case 2: return any({"lower(", "upper(", "trim(", "reverse("}) + text(depth - 1) + ")";
      case 3: return "concat(" + text(depth - 1) + ", " + text(depth - 1) + ")";
      case 4: return "case(" + condition(depth - 1) + ", " + text(depth - 1) + " else " + text(depth - 1) + ")";
      default: return "substring(" + text(depth - 1) + ", " + any({"1", "2", "-1", "l1"}) + ")";
    }
  }

  std::string condition(int depth) {
    std::string compare = any({" = ", " != ", " < ", " <= ", " > ", " >= "});
    switch (depth <= 0 ? random() % 4 : random() % 11) {
      case 0: return number(depth - 1) + compare + number(depth - 1);
      case 1: return text(depth - 1) + compare + text(depth - 1);
      case 2: return "t1" + compare + any({"'2024-02-01'", "t2", "'2024-02-01 09:10:11.5'", "'nonsense'"});
      case 3: return any({"b1", "level" + compare + "'warn'", "m1" + compare + number(0), "true"});
      case 4: return "(" + condition(depth - 1) + any({" and ", " or ", " xor "}) + condition(depth - 1) + ")";
      case 5: return "not (" + condition(depth - 1) + ")";
      case 6: return number(depth - 1) + any({"", " not"}) + " in (" + number(depth - 1) + ", 1, 2)";
      case 7: return number(depth - 1) + " between " + number(depth - 1) + " and " + number(depth - 1);
      case 8: return text(depth - 1) + any({" like ", " not like ", " ilike "}) + any({"'a%'", "'%b%'", "'_'", "s2"});
      case 9: return text(depth - 1) + any({" is null", " is not null", " contains 'B'", " regexp '[0-9]'"});
      default: return any({"isempty(", "isblank(", "isnull("}) + text(depth - 1) + ")";
    }
  }
};

ListSchema schema() {
  return ListSchema({{"l1", Type::kLong},
                     {"l2", Type::kLong},
                     {"d1", Type::kDouble},
                     {"s1", Type::kString},
                     {"s2", Type::kString},
                     {"b1", Type::kBool},
                     {"t1", Type::kTimestamp},
                     {"t2", Type::kTimestamp},
                     {"m1", Type::kMixed},
                     {"level", Type::kString}});
}

std::string shown(const Value& v) {
  // Widening inside a vector may turn 1 into 1.0; equal numbers count as equal.
  if (is_number(v.type())) {
    std::string out;
    append_double(*to_double(cell_of(v)), out);
    return out;
  }
  return print_value(v);
}

struct Case {
  std::vector<VectorPtr> columns;
  uint32_t rows = 0;
  Selection selection;
};

Case random_case(Random& random) {
  Case made;
  made.rows = 1 + static_cast<uint32_t>(random() % 40);
  for (Type type : {Type::kLong, Type::kLong, Type::kDouble, Type::kString, Type::kString, Type::kBool,
                    Type::kTimestamp, Type::kTimestamp, Type::kMixed, Type::kString}) {
    made.columns.push_back(random_column(random, made.rows, type));
  }
  for (uint32_t i = 0; i < made.rows; ++i) {
    if (random() % 3 != 0) made.selection.push_back(i);
  }
  return made;
}

TEST(Eval, AgreesWithThePlainEvaluator) {
  Random random(7);
  size_t compared = 0;
  for (int round = 0; round < 4000; ++round) {
    Case data = random_case(random);
    Grammar grammar{random};
    std::string source = round % 2 == 0 ? grammar.condition(3) : round % 4 == 1 ? grammar.number(3) : grammar.text(3);
    SCOPED_TRACE("round " + std::to_string(round) + ": " + source);
    Result<ExprPtr> expr = parse_expression_text(source);
    ASSERT_TRUE(expr.ok()) << expr.error().message();
    ListSchema columns = schema();
    Binder binder(columns, {.now = kNow}, source);
    Result<BoundPtr> bound = binder.bind(**expr);
    if (!bound.ok()) continue;  // an overflow or a type error among constants
    Evaluator evaluator;
    for (const Selection* rows :
         {static_cast<const Selection*>(nullptr), static_cast<const Selection*>(&data.selection)}) {
      VectorInputs inputs(data.columns, data.rows);
      Result<VectorPtr> values = evaluator.eval(**bound, inputs, rows);
      bool failed = false;
      uint32_t count = rows == nullptr ? data.rows : static_cast<uint32_t>(rows->size());
      for (uint32_t i = 0; i < count; ++i) {
        Plain plain{data.columns, rows == nullptr ? i : (*rows)[i]};
        Value want = plain.value(**bound);
        failed = failed || plain.failed;
        if (!values.ok() || plain.failed) continue;
        ASSERT_EQ((*values)->size, count);
        ASSERT_EQ(shown(value_of(cell_of(**values, i))), shown(want)) << "row " << i;
        ++compared;
      }
      EXPECT_TRUE(values.ok() || failed);
    }
  }
  EXPECT_GT(compared, 50000u);
}

TEST(Eval, FilterKeepsWhatIsTrue) {
  Random random(11);
  for (int round = 0; round < 3000; ++round) {
    Case data = random_case(random);
    Grammar grammar{random};
    std::string source = grammar.condition(3);
    SCOPED_TRACE("round " + std::to_string(round) + ": " + source);
    ListSchema columns = schema();
    Binder binder(columns, {.now = kNow}, source);
    Result<BoundPtr> bound = binder.bind_condition(**parse_expression_text(source));
    if (!bound.ok()) continue;
    VectorInputs inputs(data.columns, data.rows);
    Evaluator evaluator;
    Selection rows = data.selection;
    Status filtered = evaluator.filter(**bound, inputs, rows);
    Selection want;
    bool failed = false;
    for (uint32_t row : data.selection) {
      Plain plain{data.columns, row};
      Value v = plain.value(**bound);
      failed = failed || plain.failed;
      if (v.type() == Type::kBool && v.i64() != 0) want.push_back(row);
    }
    if (failed || !filtered.ok()) continue;
    EXPECT_EQ(rows, want);
  }
}

TEST(Eval, DictionariesAreEvaluatedOncePerEntry) {
  VectorBuilder entries;
  entries.add_string("error");
  entries.add_string("info");
  Vector v;
  v.type = Type::kString;
  v.layout = Layout::kDict;
  v.size = 1000;
  v.dict = entries.finish();
  for (uint32_t i = 0; i < v.size; ++i) v.codes.push_back(i % 2);
  ListSchema columns({{"s", Type::kString}});
  Binder binder(columns, {}, "upper(s)");
  BoundPtr bound = *binder.bind(**parse_expression_text("upper(s)"));
  VectorInputs inputs({std::make_shared<const Vector>(std::move(v))}, 1000);
  Evaluator evaluator;
  VectorPtr first = *evaluator.eval(*bound, inputs);
  EXPECT_EQ(first->layout, Layout::kDict);
  EXPECT_EQ(first->dict->size, 2u);
  Selection some{1, 4, 5};
  VectorPtr second = *evaluator.eval(*bound, inputs, &some);
  EXPECT_EQ(second->dict, first->dict);  // remembered
  EXPECT_EQ(print_value(second->value(0)), "INFO");
  EXPECT_EQ(print_value(second->value(1)), "ERROR");
}

// The message of evaluating the source again and again, with its result as the field `a`.
std::string error_of_repeating(const std::string& source, Value a) {
  for (int i = 0; i < 100; ++i) {
    ListSchema columns({{"a", Type::kMixed}});
    Binder binder(columns, {}, source);
    BoundPtr bound = *binder.bind(**parse_expression_text(source));
    VectorBuilder values;
    if (is_nested(a.type())) {
      values.add_value(a);
    } else {
      values.add(cell_of(a));
    }
    VectorInputs inputs({values.finish()}, 1);
    Evaluator evaluator;
    Result<VectorPtr> result = evaluator.eval(*bound, inputs);
    if (!result.ok()) return result.error().message();
    a = value_of(cell_of(**result, 0));
  }
  return "";
}

TEST(Eval, GrowthIsLimited) {
  Value megabyte = Value::string(std::string(1 << 20, 'x'));
  EXPECT_EQ(error_of_repeating("concat(a, a)", megabyte), "concat() makes more than 128 MiB of values at once");
  EXPECT_EQ(error_of_repeating("mvappend(a, a)", Value::integer(1)),
            "mvappend() makes more than 128 MiB of values at once");
  EXPECT_EQ(error_of_repeating("array(a)", Value::integer(1)), "arrays nested deeper than 64 levels");
}

TEST(Eval, RegularExpressionsAreLimited) {
  auto error_of = [](const std::string& pattern) {
    ListSchema columns({{"a", Type::kString}});
    std::string source = "a regexp '" + pattern + "'";
    Binder binder(columns, {}, source);
    Result<BoundPtr> bound = binder.bind(**parse_expression_text(source));
    return bound.ok() ? std::string() : bound.error().message();
  };
  EXPECT_EQ(error_of(std::string(4096, 'x')), "");
  EXPECT_NE(error_of(std::string(4097, 'x')).find("more than 4096 bytes"), std::string::npos);
  EXPECT_NE(error_of("a{1001}").find("invalid repetition"), std::string::npos);
  EXPECT_NE(error_of("(\\pL{500}){2}x").find("pattern too large"), std::string::npos);
}

TEST(Eval, BranchesThatAreNotTakenAreNotEvaluated) {
  ListSchema columns({{"n", Type::kLong}});
  std::string source = "if(n > 5, 9223372036854775807 - n + 100, n)";
  Binder binder(columns, {}, source);
  BoundPtr bound = *binder.bind(**parse_expression_text(source));
  VectorBuilder n;
  for (int64_t i = 0; i < 4; ++i) n.add_long(i);
  VectorInputs inputs({n.finish()}, 4);
  Evaluator evaluator;
  EXPECT_TRUE(evaluator.eval(*bound, inputs).ok());
}

}  // namespace
}  // namespace clew::expr
