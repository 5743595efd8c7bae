// Rows like those of OpenSearch Benchmark's big5 workload: wide log documents of cloud hosts, in order of time.
#pragma once

#include <string>

#include "row_text.h"

namespace clew::bench {

// Threads: one at a time. Two generators with the same arguments give the same rows.
class Big5Rows {
 public:
  // `rows` rows spread evenly over `seconds`, the first at `start`.
  struct Span {
    uint64_t rows = 0;
    int64_t start_unix_seconds = 0;
    int64_t seconds = 0;
  };
  Big5Rows(uint64_t seed, Span span) : dice_(seed), span_(span) {}
  // Appends the next row as a line of JSON with flat, dotted names.
  void append(std::string& out);

 private:
  void append_message(std::string_view time, std::string_view host, std::string_view process, std::string& out);

  Dice dice_;
  Span span_;
  uint64_t count_ = 0;
  TimeText time_;
  TimeText ingested_;
};

}  // namespace clew::bench
