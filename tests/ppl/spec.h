// Spec files: what is fed, what is asked, what is answered (tests/ppl/*.ct).
//
//   # comment
//   feed [DATASET]           indented lines: one JSON event each; "t":"5s" is the time 5 s after the start
//   ask QUERY                indented lines: the header and the rows; columns are apart by two blanks, null is `-`
//   deny QUERY               one indented line: LINE:COLUMN and a part of the reason
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace clew::query::testing {

struct SpecItem {
  enum class Kind { kComment, kFeed, kAsk, kDeny };
  Kind kind = Kind::kComment;
  int line = 0;
  std::string text;                // the comment, dataset or query
  std::vector<std::string> lines;  // without their indent
};

Result<std::vector<SpecItem>> read_spec(const std::string& path);
Status write_spec(const std::string& path, const std::vector<SpecItem>& items);

// Cells of a table line.
std::vector<std::string> cells_of(const std::string& line);
// Rows with columns aligned, two blanks between.
std::vector<std::string> table_of(const std::vector<std::vector<std::string>>& rows);
// `"t":"5s"` as a time.
std::string with_times(std::string line);

}  // namespace clew::query::testing
