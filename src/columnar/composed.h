// Composed texts: a line as literal pieces and references to what other columns of its row print.
//
// In place of the line its chunk holds a skeleton: the line with each part that another column gives back replaced by
// kReference and a byte of kReferenceNames; a kReference of the line itself stands twice. Skeletons are texts like
// others and mostly the same few. Format: docs/formats/batch.md.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/time_layout.h"
#include "columnar/column_view.h"
#include "columnar/directory.h"
#include "text/time_format.h"

namespace clew::columnar {

class RowGroup;
struct ChunkEntries;

// Threads: one at a time.
class Composer {
 public:
  // `columns` may be referred to; rows and times are those of the lines.  Requires: columns.size() <= kReferencesMax
  // - 4. Lifetime: all outlive the composer.
  Composer(const ColumnView& lines, std::vector<ColumnView> columns, const int64_t* times);

  // Makes the skeletons; false when they are no gain.
  bool run();

  // One per row; and what they refer to.
  const std::vector<std::string_view>& skeletons() const { return skeletons_; }
  std::vector<Reference> references() const;

 private:
  struct TimeReference {
    codec::TimeLayout layout;
    int64_t shift = 0;
  };
  // Where a reference stands in the line that is looked at.
  struct Found {
    size_t at = 0;
    size_t bytes = 0;
    size_t reference = 0;
  };
  // Lines that differ in nothing but what is referred to.
  struct Layout {
    std::vector<std::string> literals;  // one more than references
    std::vector<size_t> references;
    std::string skeleton;
  };

  void print_values(uint32_t row);
  std::string_view print_column(size_t column, uint32_t row);
  void find_time(std::string_view line, uint32_t row);
  void find_values(std::string_view line);
  bool matches(const Layout& layout, std::string_view line) const;
  std::string_view learn(std::string_view line);

  const ColumnView lines_;
  const std::vector<ColumnView> columns_;
  const int64_t* times_;
  text::TimeReader reader_;
  std::vector<TimeReference> time_references_;
  uint32_t time_trials_left_;
  std::vector<std::string> printed_;      // by reference: columns, then times
  std::vector<std::string_view> values_;  // the same; empty where the row has none
  std::vector<size_t> by_length_;
  std::vector<Found> found_;
  std::deque<Layout> layouts_;
  size_t last_layout_ = 0;
  std::deque<std::string> own_;  // skeletons of lines that no layout was kept for
  std::vector<std::string_view> skeletons_;
};

// Replaces the skeletons of a block by the lines.
// Errors: kCorrupt, and what reading the other columns gives.
Status expand_lines(const RowGroup& group, const Chunk& chunk, uint32_t block, BlockValues& values,
                    contract::ScanStats* stats);

}  // namespace clew::columnar
