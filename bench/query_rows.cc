// clew_query_rows writes rows for `bench.py queries` to standard output, one JSON object a line.
//
//   clew_query_rows --shape big5|hits --rows N [--seed N] --start UNIX_SECONDS --seconds N
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "big5_rows.h"
#include "hits_rows.h"

namespace clew::bench {
namespace {

template <typename Rows>
int write_rows(Rows rows, uint64_t count) {
  std::string out;
  for (uint64_t i = 0; i < count; ++i) {
    rows.append(out);
    if (out.size() < (1 << 20) && i + 1 < count) continue;
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size()) return 1;
    out.clear();
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}

int usage() {
  std::fprintf(stderr,
               "usage: clew_query_rows --shape big5|hits --rows N [--seed N] --start UNIX_SECONDS --seconds N\n");
  return 2;
}

}  // namespace
}  // namespace clew::bench

int main(int argc, char** argv) {
  using namespace clew::bench;
  std::string shape;
  uint64_t rows = 0;
  uint64_t seed = 1;
  int64_t start = 0;
  int64_t seconds = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const char* v = argv[i + 1];
    if (std::strcmp(argv[i], "--shape") == 0)
      shape = v;
    else if (std::strcmp(argv[i], "--rows") == 0)
      rows = std::strtoull(v, nullptr, 10);
    else if (std::strcmp(argv[i], "--seed") == 0)
      seed = std::strtoull(v, nullptr, 10);
    else if (std::strcmp(argv[i], "--start") == 0)
      start = std::strtoll(v, nullptr, 10);
    else if (std::strcmp(argv[i], "--seconds") == 0)
      seconds = std::strtoll(v, nullptr, 10);
    else
      return usage();
  }
  if (rows == 0 || start <= 0 || seconds <= 0) return usage();
  if (shape == "big5") return write_rows(Big5Rows(seed, {rows, start, seconds}), rows);
  if (shape == "hits") return write_rows(HitsRows(seed, {rows, start, seconds}), rows);
  return usage();
}
