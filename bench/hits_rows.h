// Rows shaped like ClickBench's `hits`, page views of a web analytics service: the columns that its 43 queries name and
// some that they do not, with shares and numbers of distinct values near those of the real table.
#pragma once

#include <string>

#include "row_text.h"

namespace clew::bench {

// Threads: one at a time. Two generators with the same arguments give the same rows.
class HitsRows {
 public:
  struct Span {
    uint64_t rows = 0;
    int64_t start_unix_seconds = 0;
    int64_t seconds = 0;
  };
  HitsRows(uint64_t seed, Span span) : dice_(seed), span_(span) {}
  // Appends the next row as a line of JSON; EventTime goes by the name @timestamp.
  void append(std::string& out);

 private:
  void append_visitor(uint64_t user, std::string& out);
  void append_search(std::string& out);

  Dice dice_;
  Span span_;
  uint64_t count_ = 0;
  TimeText time_;
  std::string url_;  // scratch
};

}  // namespace clew::bench
