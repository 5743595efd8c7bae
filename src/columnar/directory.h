// Directory: what a part or row group says about its columns, and where their bytes lie. Format: docs/formats/batch.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/compress.h"
#include "contract/event_source.h"
#include "model/column.h"

namespace clew::columnar {

constexpr uint32_t kBlockRows = contract::kBlockRows;
constexpr uint32_t kRowGroupRowsMax = contract::kGranuleRowsMax;
constexpr uint32_t kPartRowsMax = 1u << 20;  // rows of one part
constexpr uint32_t kColumnsInDirectoryMax = 1u << 17;
constexpr uint32_t kDictionaryEntriesMax = 65536;
constexpr uint32_t kInlineDictionaryBytes = 512;  // smaller dictionaries lie in the directory itself
constexpr uint32_t kCountedEntriesMax = 256;      // dictionaries of more entries have no counts
constexpr size_t kStatsTextBytes = 64;            // longer texts have no minimum and maximum

constexpr uint32_t blocks_of(uint32_t rows) { return (rows + kBlockRows - 1) / kBlockRows; }
constexpr uint32_t block_rows(uint32_t rows, uint32_t block) {
  uint32_t begin = block * kBlockRows;
  return rows - begin < kBlockRows ? rows - begin : kBlockRows;
}

// How the texts of a block are written; on disk. kComposed is of chunks only: their blocks hold skeletons of lines in
// one of the other forms (composed.h). kWords is of blocks only: plain texts of a chunk may have it (words_block.h).
enum class TextForm : uint8_t {
  kPlain = 0,
  kCodes = 1,
  kHex = 2,
  kUuid = 3,
  kIp4 = 4,
  kTime = 5,
  kTemplates = 6,
  kComposed = 7,
  kWords = 8,
};

constexpr size_t kReferencesMax = 32;              // of one composed chunk
constexpr size_t kLineBlockBytesMax = 256u << 20;  // of the lines of one block that are composed

// What composed lines refer to: what a column prints, or `_time` in some layout. On disk.
struct Reference {
  enum class Of : uint8_t { kColumn = 0, kTime = 1 };
  Of of = Of::kColumn;
  std::string name;            // the column, or the layout's pattern
  int32_t offset_seconds = 0;  // of the layout
  int64_t shift = 0;           // the line's time less `_time`, cut to the layout's digits
};

// Minimum and maximum of a column's values; on disk.
enum class StatsForm : uint8_t { kNone = 0, kInts = 1, kNumbers = 2, kTexts = 3 };

struct ChunkStats {
  StatsForm form = StatsForm::kNone;
  int64_t int_min = 0;
  int64_t int_max = 0;
  double number_min = 0;
  double number_max = 0;
  std::string text_min;
  std::string text_max;
};

struct BlockPlace {
  uint64_t offset = 0;  // from the begin of the row group's bytes
  uint32_t bytes = 0;   // 0: no row of the block has the field
  uint32_t crc = 0;
};

// Where a dictionary (of texts or of templates) lies; written twice when it is not inline.
enum class DictionaryForm : uint8_t { kNone = 0, kTexts = 1, kTemplates = 2 };
struct DictionaryPlace {
  DictionaryForm form = DictionaryForm::kNone;
  uint32_t entries = 0;
  std::string inlined;  // its bytes, when not empty
  uint32_t bytes = 0;
  uint32_t crc = 0;
  uint64_t offsets[2] = {0, 0};
};

// One column's part of the directory.
struct Chunk {
  std::string name;
  uint16_t kinds = 0;                     // bit k: values of model::Kind k occur
  uint32_t values = 0;                    // rows that have the field, nulls included
  uint32_t nulls = 0;                     // of them null
  model::Origins origins = 0;             // of all values; 0 in files from before they were kept
  TextForm text_form = TextForm::kPlain;  // other than kPlain: all texts have that form, without exception
  std::vector<Reference> references;      // of kComposed
  ChunkStats stats;
  DictionaryPlace dictionary;
  std::vector<uint32_t> entry_rows;  // rows with each entry of a dictionary of texts; empty when not kept
  std::vector<BlockPlace> blocks;

  bool only(model::Kind kind) const { return kinds == (1u << static_cast<int>(kind)); }
  uint64_t stored_bytes() const;
};

// A field in `_rest`; bit k of `kinds`: values of model::Kind k occur.
struct RestName {
  std::string name;
  uint16_t kinds = 0;
};

// Moves, but does not copy: the name table points into `chunks`.
struct Directory {
  Directory() = default;
  Directory(Directory&&) noexcept = default;
  Directory& operator=(Directory&&) noexcept = default;

  uint32_t rows = 0;
  int64_t time_min = 0;
  int64_t time_max = 0;
  uint64_t data_bytes = 0;  // of the row group
  std::vector<Chunk> chunks;
  std::vector<contract::MinuteCount> minutes;  // empty when not kept
  std::vector<uint32_t> rest_names;            // rising low halves of hash64 of the names in `_rest`
  std::string rest_table;                      // the names themselves, packed; few ask for them

  const Chunk* find(std::string_view name) const;
  // Requires: called after `chunks` is complete.
  void index_names();

 private:
  std::unordered_map<std::string_view, uint32_t> by_name_;
};

// `names` rising. Errors of the reader: kCorrupt.
void write_rest_table(const std::vector<RestName>& names, codec::Method method, std::string& out);
Result<std::vector<RestName>> read_rest_table(std::string_view table);

void write_directory(const Directory& directory, std::string& out);
// Errors: kCorrupt when the bytes break a rule; every offset lies inside data_bytes afterwards.
Result<Directory> read_directory(std::string_view bytes, uint32_t rows_max);

}  // namespace clew::columnar
