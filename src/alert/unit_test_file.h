// A file of unit tests as it stands.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "alert/options.h"
#include "query/promql/series_text.h"
#include "yaml/tree.h"

namespace clew::alert {

struct InputSeries {
  std::string text;  // `up{job="a"}`
  query::promql::SeriesText series;
};

struct ExpectedAlert {
  NamedTexts labels;
  NamedTexts annotations;
};

struct AlertCase {
  int64_t at_millis = 0;  // since the test's start
  std::string alert;
  std::vector<ExpectedAlert> expected;
};

struct ExpectedSample {
  model::Labels labels;
  double value = 0;
  model::HistogramPtr histogram;
  bool hint_given = false;
};

struct QueryCase {
  int64_t at_millis = 0;
  std::string expr;
  std::vector<ExpectedSample> expected;
  std::string mistake;  // of the expectation, as it is told when the case runs; empty when there is none
};

struct UnitTest {
  std::string name;
  uint32_t line = 0;
  int64_t interval_millis = 0;  // of the input series
  int64_t start_millis = 0;
  std::vector<InputSeries> input;
  std::vector<AlertCase> alerts;
  std::vector<QueryCase> queries;
  Externals externals;
  std::string mistake;  // of the input, as it is told when the test runs
};

struct UnitTestFile {
  std::vector<std::string> rule_files;  // as they stand there: from the file's directory
  int64_t interval_millis = 60'000;     // between evaluations
  std::vector<std::string> group_order;
  bool fuzzy = false;  // values may differ by the last bit
  std::vector<UnitTest> tests;
};

// What is wrong with the form goes to `mistakes`.
UnitTestFile read_unit_tests(const std::string& text, yaml::Mistakes& mistakes);

}  // namespace clew::alert
