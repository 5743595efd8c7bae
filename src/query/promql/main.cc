// promqltest FILE...: runs files of Prometheus' test language and says what failed.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "query/promql/test_script.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: promqltest FILE...\n");
    return 2;
  }
  uint64_t passed = 0;
  uint64_t failed = 0;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      fmt::print(stderr, "promqltest: cannot read {}\n", argv[i]);
      return 2;
    }
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    clew::query::promql::ScriptOutcome outcome = clew::query::promql::run_script(text);
    passed += outcome.passed;
    failed += outcome.failures.size();
    for (const auto& failure : outcome.failures) fmt::print("{}:{}: {}\n", argv[i], failure.line, failure.message);
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
