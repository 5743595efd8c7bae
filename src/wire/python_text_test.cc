#include "wire/python_text.h"

#include <gtest/gtest.h>

namespace clew::wire {
namespace {

std::string formatted(std::string_view format, std::string_view args) {
  std::optional<std::vector<PythonValue>> values = parse_python_tuple(args);
  if (!values) return "(no tuple)";
  return python_format(format, *values).value_or("(no format)");
}

std::string as_json(std::string_view repr) {
  std::optional<std::vector<PythonValue>> values = parse_python_tuple(repr);
  if (!values) return "(no tuple)";
  std::string out;
  for (const PythonValue& v : *values) v.append_json(out), out += ' ';
  return out;
}

TEST(PythonText, TuplesOfPlainValues) {
  EXPECT_EQ(as_json("()"), "");
  EXPECT_EQ(as_json("('a',)"), "\"a\" ");
  EXPECT_EQ(as_json(R"(('it\'s', "a\n", '\x41\u00e9\U0001f600', 1, -2.5, 1e+16, True, False, None, nan, -inf))"),
            "\"it's\" \"a\\n\" \"A\xC3\xA9\xF0\x9F\x98\x80\" 1 -2.5 1e+16 true false null \"nan\" \"-inf\" ");
  for (std::string_view other : {"", "(", "(1", "(1,", "1", "('a'", "({'a': 1},)", "([1],)", "(<x>,)", "(1) ",
                                 "('\\q',)", "('\\x4',)", "('\\ud800',)", "(1 2)", "(1,2)", "(1j,)"}) {
    EXPECT_EQ(as_json(other), "(no tuple)") << other;
  }
}

// What CPython 3.11 gives for the same.
TEST(PythonText, Formats) {
  EXPECT_EQ(formatted("%s %r %d%%", "('a', 'b', 3)"), "a 'b' 3%");
  EXPECT_EQ(formatted("[%5s|%-5s|%.2s]", "('ab', 'ab', 'abc')"), "[   ab|ab   |ab]");
  EXPECT_EQ(formatted("%05d %+d %x %X %o", "(42, 42, 255, 255, 8)"), "00042 +42 ff FF 10");
  EXPECT_EQ(formatted("%f %.2f %e %g", "(1.5, 2.345, 12345.678, 0.0001)"), "1.500000 2.35 1.234568e+04 0.0001");
  EXPECT_EQ(formatted("%d %d", "(3.9, True)"), "3 1");
  EXPECT_EQ(formatted("%s %s %s", "(None, True, 1.0)"), "None True 1.0");
  EXPECT_EQ(formatted("%r", "(\"it's\",)"), "\"it's\"");
  EXPECT_EQ(formatted("%c", "('x',)"), "x");
  EXPECT_EQ(formatted("\xC3\xA9|%3s|", "('\\xe9',)"), "\xC3\xA9|  \xC3\xA9|");
}

TEST(PythonText, WhatPythonWouldNotFormatIsLeft) {
  EXPECT_EQ(formatted("%d", "('x',)"), "(no format)");
  EXPECT_EQ(formatted("%s %s", "(1,)"), "(no format)");
  EXPECT_EQ(formatted("%s", "(1, 2)"), "(no format)");
  EXPECT_EQ(formatted("%(a)s", "(1,)"), "(no format)");
  EXPECT_EQ(formatted("%*d", "(1, 2)"), "(no format)");
  EXPECT_EQ(formatted("100%", "(1,)"), "(no format)");
  EXPECT_EQ(formatted("%99999s", "(1,)"), "(no format)");
}

}  // namespace
}  // namespace clew::wire
