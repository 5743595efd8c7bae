#include "expr/parse.h"

#include <gtest/gtest.h>

#include "expr/bind.h"

namespace clew::expr {
namespace {

std::string printed(const std::string& source) {
  Result<ExprPtr> expr = parse_expression_text(source);
  if (!expr.ok()) return "error " + expr.error().message();
  std::string text = print(**expr);
  Result<ExprPtr> again = parse_expression_text(text);
  EXPECT_TRUE(again.ok()) << text;
  if (again.ok()) {
    EXPECT_TRUE(equal(**expr, **again)) << text;
    EXPECT_EQ(print(**again), text);
  }
  return text;
}

TEST(Lexer, TokensWithPlaces) {
  TokenStream tokens("where a.b >= 1.5 -- x\n  'it''s' `x y`.z // rest\n 5m /* c */ 1.5f 4bf92f");
  std::vector<std::string> seen;
  while (!tokens.at_end()) {
    Token token = tokens.next();
    LineColumn at = locate(tokens.text(), token.span.begin);
    seen.push_back(std::to_string(at.line) + ":" + std::to_string(at.column) + " " + token.text);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"1:1 where", "1:7 a.b", "1:11 >=", "1:14 1.5", "1:18 -", "1:19 -", "1:21 x",
                                            "2:3 it's", "2:11 x y.z", "3:2 5m", "3:13 1.5", "3:18 4bf92f"}));
}

TEST(Lexer, WordsOfSearchExpressions) {
  TokenStream tokens("  trace-id:4bf92f35 | head");
  EXPECT_EQ(tokens.next_word("|()").text, "trace-id:4bf92f35");
  EXPECT_TRUE(tokens.accept("|"));
  EXPECT_TRUE(tokens.accept_word("head"));
  EXPECT_EQ(tokens.next_word("|").text, "");
}

TEST(Lexer, TimeSpans) {
  EXPECT_EQ(parse_time_span("5m")->nanos(), 300'000'000'000);
  EXPECT_EQ(parse_time_span("1.5d")->nanos(), 129'600'000'000'000);
  EXPECT_EQ(parse_time_span("2M")->months(), 2);
  EXPECT_EQ(parse_time_span("1Q")->months(), 3);
  EXPECT_EQ(parse_time_span("30seconds")->nanos(), 30'000'000'000);
  EXPECT_FALSE(parse_time_span("5parsecs").ok());
}

TEST(Parse, PrintsWithFewParentheses) {
  EXPECT_EQ(printed("a AND (b OR c)"), "a and (b or c)");
  EXPECT_EQ(printed("(a and b) and c"), "a and b and c");
  EXPECT_EQ(printed("(a + b) * c - (d - e)"), "(a + b) * c - (d - e)");
  EXPECT_EQ(printed("((a * b)) + c"), "a * b + c");
  EXPECT_EQ(printed("not (a = 1)"), "not a = 1");
  EXPECT_EQ(printed("(not a) = b"), "(not a) = b");
  EXPECT_EQ(printed("a == 1 or b <> 2 xor c"), "a = 1 or b != 2 xor c");
  EXPECT_EQ(printed("a NOT IN (1,2)"), "not a in (1, 2)");
  EXPECT_EQ(printed("-x - -1"), "-x - -1");
  EXPECT_EQ(printed("- -x"), "- -x");
  EXPECT_EQ(printed("COUNT(*)"), "count()");
  EXPECT_EQ(printed("cast(x AS int)"), "cast(x as INT)");
  EXPECT_EQ(printed("CASE(a, 1, b, 2 ELSE 3)"), "case(a, 1, b, 2 else 3)");
  EXPECT_EQ(printed("case when a then 1 end"), "case(a, 1)");
  EXPECT_EQ(printed("interval 5 minute"), "interval 5 MINUTE");
  EXPECT_EQ(printed("span(@timestamp, 5m)"), "span(@timestamp, 5m)");
  EXPECT_EQ(printed("span(1e2, 2.5e0) + span(a, 1d)"), "span(100e0, 2.5e0) + span(a, 1d)");
  EXPECT_EQ(printed("x -> x > 1"), "x -> x > 1");
  EXPECT_EQ(printed("f((a, b) -> a + b, c)"), "f((a, b) -> a + b, c)");
  EXPECT_EQ(printed("`and` + `x y` + `a`.`b`"), "`and` + `x y` + a.b");
  EXPECT_EQ(printed("'it''s \\\\ \\d'"), "'it\\'s \\\\ \\\\d'");
  EXPECT_EQ(printed("1.50 + 2d + 1e30 + 1.5f"), "1.50 + 2e0 + 1e+30 + 1.5f");
  EXPECT_EQ(printed("DATE '2020-01-01'"), "date('2020-01-01')");
  EXPECT_EQ(printed("a is null and b is not null"), "a is null and b is not null");
  EXPECT_EQ(printed("isnull(a, b)"), "isnull(a, b)");
  EXPECT_EQ(printed("status-code = 5"), "status-code = 5");
}

TEST(Parse, ErrorsSayWhereAndWhat) {
  EXPECT_EQ(printed("1 +"), "error 1:4: expected an expression, found the end of the query");
  EXPECT_EQ(printed("avg(x"), "error 1:6: expected `)`, found the end of the query");
  EXPECT_EQ(printed("a = 'x"), "error 1:5: a string that is not closed");
  EXPECT_EQ(printed("a and and b"), "error 1:7: expected an expression, found \"and\"");
  EXPECT_EQ(printed("a b"), "error 1:3: expected the end of the expression, found \"b\"");
  EXPECT_EQ(printed("a = 1 /* open"), "error 1:7: a comment that is not closed by `*/`");
  EXPECT_EQ(printed("x in [search a]"), "error 1:6: a subsearch cannot stand here");
  EXPECT_EQ(printed("interval 5 5"), "error 1:12: expected a unit of time, found \"5\"");
  EXPECT_EQ(printed("a\n =\n )"), "error 3:2: expected an expression, found \")\"");
  EXPECT_EQ(printed("`open"), "error 1:1: a name in backticks that is not closed");
}

TEST(Parse, LimitsAreErrors) {
  auto nested = [](int levels) {
    return std::string(static_cast<size_t>(levels), '(') + "1" + std::string(static_cast<size_t>(levels), ')');
  };
  EXPECT_EQ(printed(nested(kExprDepthMax - 1)), "1");
  EXPECT_NE(printed(nested(kExprDepthMax)).find("nested deeper than 64"), std::string::npos);
  std::string chain = "1";
  for (int i = 0; i < kExprTreeDepthMax; ++i) chain += " + 1";
  EXPECT_NE(printed(chain).find("more than 256 operators"), std::string::npos);
  std::string wide = "a = 1";
  for (int i = 0; i < 5000; ++i) wide += " or a = 1";
  EXPECT_NE(printed(wide).find("a = 1 or"), std::string::npos);
  for (int i = 0; i < 5000; ++i) wide += " or a = 1";
  EXPECT_NE(printed(wide).find("more than 20000 parts"), std::string::npos);
  EXPECT_NE(printed("'" + std::string(kQueryBytesMax, 'x') + "'").find("more than 1048576 bytes"), std::string::npos);
  EXPECT_NE(printed(std::string(100000, '-') + "x").find("nested deeper"), std::string::npos);
}

TEST(Parse, FieldPatterns) {
  TokenStream tokens("severity* , *Id `a*`b.* logs-2024.01.* x");
  EXPECT_EQ(*parse_field_pattern(tokens), "severity*");
  EXPECT_TRUE(tokens.accept(","));
  EXPECT_EQ(*parse_field_pattern(tokens), "*Id");
  EXPECT_EQ(*parse_field_pattern(tokens), "a*b.*");
  EXPECT_EQ(*parse_field_pattern(tokens), "logs-2024.01.*");
  EXPECT_EQ(*parse_field_pattern(tokens), "x");
  EXPECT_FALSE(parse_field_pattern(tokens).ok());
}

TEST(Parse, SourceTextNamesColumns) {
  TokenStream tokens("stats  avg( age )\n  , count()");
  EXPECT_EQ(source_text(tokens, {7, 17}), "avg( age )");
  TokenStream broken("sum(a +\n      b)");
  EXPECT_EQ(source_text(broken, {0, 16}), "sum(a + b)");
}

TEST(Ast, FieldsAndConjuncts) {
  ExprPtr expr = *parse_expression_text("a > 1 and filter(b, x -> x > c) and (d or a)");
  EXPECT_EQ(fields_of(*expr), (std::vector<std::string>{"a", "b", "c", "d"}));
  std::vector<ExprPtr> parts;
  split_conjuncts(expr, parts);
  EXPECT_EQ(parts.size(), 3u);
}

TEST(Diagnostic, SuggestsTheClosestName) {
  std::vector<std::string> names{"host.name", "service.name", "status"};
  EXPECT_EQ(closest_name("sevrice.name", names), "service.name");
  EXPECT_EQ(closest_name("STATUS", names), "status");
  EXPECT_EQ(closest_name("something", names), "");
}

}  // namespace
}  // namespace clew::expr
