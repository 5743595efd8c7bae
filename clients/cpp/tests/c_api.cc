#define CLEW_C_IMPLEMENTATION
#include "clew/clew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

extern "C" int c_program(FILE* file);

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(std::FILE* file) {
  std::rewind(file);
  std::vector<std::string> lines;
  char text[4096];
  while (std::fgets(text, sizeof text, file) != nullptr) lines.emplace_back(text);
  return lines;
}

TEST(ClewC, GoalsAndLines) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(c_program(file), 0);
  const std::vector<std::string> lines = lines_of(file);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_THAT(lines[0],
              AllOf(HasSubstr(R"("event":"goal.start")"), HasSubstr(R"("parent_span_id":"00f067aa0ba902b7")")));
  EXPECT_THAT(lines[2], AllOf(HasSubstr(R"("message":"slow \"gateway\"")"), HasSubstr(R"("trace_id":"4bf92f35)")));
  EXPECT_THAT(lines[3], AllOf(HasSubstr(R"("outcome":"failed")"), HasSubstr(R"("reason":"declined")"),
                              HasSubstr(R"("card":"visa")")));
  EXPECT_THAT(lines[4], HasSubstr(R"("outcome":"ok")"));
  EXPECT_THAT(lines[5], AllOf(HasSubstr(R"("message":"outside")"), Not(HasSubstr("trace_id"))));
  std::fclose(file);
}

}  // namespace
