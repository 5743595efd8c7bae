// The token index of a segment: which row groups have a word. Format: docs/formats/segment.md.
//
// An entry is (hash, row group); entries are sorted by hash and lie in pages, so that a word costs one read. A word of
// more than half of the row groups has one entry for all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "columnar/segment_format.h"
#include "columnar/word_set.h"

namespace clew::columnar {

constexpr uint32_t kIndexPageEntries = 4096;  // about 8 KiB

// Threads: one.
class IndexBuilder {
 public:
  // The words of the next row group.
  void add_row_group(GroupWords words) { groups_.push_back(std::move(words)); }
  // Appends the pages to `out`, which begins at `offset` in the file.
  IndexPlace finish(uint64_t offset, std::string& out);

 private:
  std::vector<GroupWords> groups_;
};

// The row groups (bits) that may have the word of that index_hash().
// Errors: kCorrupt, kIo: then any may.
Result<std::vector<bool>> look_up(const os::File& file, const IndexPlace& index, uint64_t hash, size_t row_groups,
                                  contract::ScanStats& stats);

// The words of each row group. Errors: kCorrupt, kIo; kNotFound when there is no index.
Result<std::vector<GroupWords>> words_of_groups(const os::File& file, const IndexPlace& index, size_t row_groups);

// Checks a page's checksum and order.
Status verify_index(const os::File& file, const IndexPlace& index, size_t row_groups);

}  // namespace clew::columnar
