// Runs tests/expr/*.ct. A line is `expression => value : type` or `expression !! part of the error`.
//
// Every expression is evaluated in several faces that must answer the same: folded at binding, with its literals as
// flat columns, with them as dictionaries, and after printing and parsing it again.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "expr/builder.h"
#include "expr/coerce.h"
#include "expr/eval.h"
#include "expr/parse.h"
#include "expr/print.h"
#include "geo/test_database.h"
#include "os/sim_disk.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;
using model::VectorPtr;

// 2024-02-01 09:10:11.5
constexpr int64_t kNow = 1706778611500000000;
constexpr uint32_t kRows = 3;

struct Field {
  std::string name;
  Value value;
};

Value list(std::vector<Value> items) { return Value::array(std::move(items)); }

// What the lines may name.
std::vector<Field> fields() {
  return {
      {"n", Value::bigint(7)},
      {"x", Value::real(2.5)},
      {"s", Value::string("Hello")},
      {"num", Value::string("12.5")},
      {"yes", Value::boolean(true)},
      {"no", Value::boolean(false)},
      {"nothing", Value()},
      {"t", Value::timestamp(kNow)},
      {"level", Value::string("Warning")},
      {"severityText", Value::string("INFO")},
      {"tags", list({Value::string("red"), Value::string("green")})},
      {"ints", list({Value::integer(3), Value::integer(1), Value::integer(2)})},
      {"my-field", Value::integer(40)},
      {"big", Value::bigint(INT64_MAX)},
      {"unsigned", Value::ubigint(UINT64_MAX)},
      {"doc", Value::structure({{"user", Value::structure({{"name", Value::string("ann")}})}, {"tags{}", list({})}})},
  };
}

enum class Face { kFolded, kFlat, kDict, kReparsed };

VectorPtr column(const Value& value, Face face) {
  if (face == Face::kDict && value.type() == Type::kString) {
    VectorBuilder entries;
    entries.add_string("another");
    entries.add(cell_of(value));
    model::Vector v;
    v.type = Type::kString;
    v.layout = model::Layout::kDict;
    v.size = kRows;
    v.codes = {1, 0, 1};
    v.dict = entries.finish();
    return std::make_shared<const model::Vector>(std::move(v));
  }
  VectorBuilder out;
  for (uint32_t i = 0; i < kRows; ++i) out.add(cell_of(value));
  return out.finish();
}

struct Columns {
  std::vector<ListSchema::Column> schema;
  std::vector<VectorPtr> vectors;
  void add(std::string name, const Value& value, Face face) {
    schema.push_back({std::move(name), value.is_null() ? Type::kMixed : value.type()});
    vectors.push_back(column(value, face));
  }
};

// The expression with every literal turned into a column.
ExprPtr without_literals(const ExprPtr& expr, Face face, Columns& columns) {
  if (expr->kind == ExprKind::kLiteral) {
    std::string name = "literal" + std::to_string(columns.schema.size());
    columns.add(name, expr->literal, face);
    return make_field(name, expr->span);
  }
  auto copy = std::make_shared<Expr>(*expr);
  for (ExprPtr& arg : copy->args) arg = without_literals(arg, face, columns);
  return copy;
}

struct Answer {
  bool bound = false;
  std::string text;  // "value : type", or the error
};

const geo::Sources& places() {
  static os::SimDisk disk(1);
  static const std::unique_ptr<geo::Sources> sources = geo::testing::test_sources(disk);
  return *sources;
}

Answer ask(const std::string& source, Face face) {
  Diagnostic diagnostic;
  Result<ExprPtr> parsed = parse_expression_text(source, &diagnostic);
  if (!parsed.ok()) return {false, parsed.error().message()};
  ExprPtr expr = *parsed;
  Columns columns;
  for (const Field& field : fields()) columns.add(field.name, field.value, face);
  if (face == Face::kReparsed) {
    std::string printed = print(*expr);
    Result<ExprPtr> again = parse_expression_text(printed);
    if (!again.ok()) return {false, "printed as " + printed + ": " + again.error().message()};
    if (!equal(*expr, **again)) return {false, "printed as " + printed + ", which is another tree"};
    expr = *again;
  }
  if (face == Face::kFlat || face == Face::kDict) expr = without_literals(expr, face, columns);
  ListSchema schema(columns.schema);
  Binder binder(schema, {.now = kNow, .geo = &places()}, source);
  Result<BoundPtr> bound = binder.bind(*expr);
  if (!bound.ok()) return {false, bound.error().message()};
  VectorInputs inputs(columns.vectors, kRows);
  Evaluator evaluator;
  for (int run = 0; run < 2; ++run) {
    Result<VectorPtr> values = evaluator.eval(**bound, inputs);
    if (!values.ok()) return {true, values.error().message()};
    if ((*values)->size != kRows) return {true, "wrong number of rows"};
    Value value = value_of(cell_of(**values, 2));
    Answer answer{true, print_value(value) + " : " + std::string(model::type_name(value.type()))};
    if (run == 1) return answer;
  }
  return {};
}

std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  while (!text.empty() && text.front() == ' ') text.erase(0, 1);
  return text;
}

void check_line(const std::string& line, const std::string& where) {
  SCOPED_TRACE(where + " " + line);
  size_t arrow = line.rfind(" => ");
  size_t error = line.rfind(" !! ");
  if (error != std::string::npos && (arrow == std::string::npos || error > arrow)) {
    Answer answer = ask(line.substr(0, error), Face::kFolded);
    EXPECT_NE(answer.text.find(trimmed(line.substr(error + 4))), std::string::npos) << answer.text;
    return;
  }
  ASSERT_NE(arrow, std::string::npos) << "neither `=>` nor `!!`";
  std::string source = line.substr(0, arrow);
  std::string want = line.substr(arrow + 4);
  EXPECT_EQ(ask(source, Face::kFolded).text, want);
  EXPECT_EQ(ask(source, Face::kReparsed).text, want);
  for (Face face : {Face::kFlat, Face::kDict}) {
    Answer answer = ask(source, face);
    // Some arguments have to be constants; with columns in their place the call is refused.
    if (answer.bound) {
      EXPECT_EQ(answer.text, want) << (face == Face::kFlat ? "flat columns" : "dictionaries");
    }
  }
}

TEST(ExprSpec, Files) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator("tests/expr")) {
    if (entry.path().extension() == ".ct") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  size_t lines = 0;
  for (const auto& path : files) {
    std::ifstream in(path);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      if (trimmed(line).empty() || line[0] == '#') continue;
      check_line(line, path.string() + ":" + std::to_string(number));
      ++lines;
    }
  }
  EXPECT_GT(lines, 100u);
}

}  // namespace
}  // namespace clew::expr
