// RowGroup reads the columns of a part or of a row group of a segment: both are a directory and chunks of blocks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "columnar/block.h"
#include "columnar/byte_source.h"
#include "columnar/directory.h"
#include "columnar/id_filter.h"
#include "columnar/names.h"
#include "columnar/row_source.h"

namespace clew::columnar {

using CommitsPtr = std::shared_ptr<const std::vector<CommitRange>>;

// How the rows of a row group get their _seq.
enum class Seqs : uint8_t {
  kFromCommits,  // a part: row by row as the commits follow each other
  kColumn,       // a segment: column `_seq`
};

constexpr std::string_view kSeqColumn = "_seq";

// A chunk's dictionary, read: of texts or of templates.
struct ChunkEntries {
  DictionaryPtr dictionary;
  TemplatesPtr templates;
};

// Threads: all functions on any thread.
class RowGroup final : public RowSource, public std::enable_shared_from_this<RowGroup> {
 public:
  // `data` begins where the directory's offsets count from.
  RowGroup(std::shared_ptr<const std::string> dataset, Directory directory, ByteSource data, Seqs seqs,
           CommitsPtr commits, IdFiltersPtr ids = nullptr);

  const std::string& dataset() const override { return *dataset_; }
  uint32_t rows() const override { return directory_.rows; }
  int64_t time_min() const override { return directory_.time_min; }
  int64_t time_max() const override { return directory_.time_max; }
  uint64_t bytes() const override { return directory_.data_bytes; }
  Result<std::vector<int64_t>> times() const override;
  Result<std::vector<uint64_t>> seqs() const override;
  SeqBounds seq_bounds() const override;
  contract::GranulePtr granule(Seq up_to, DeletedRows deleted, Reading reading) const override;
  bool may_match(const contract::Predicate& where) const override;
  bool stores(std::string_view column) const override { return directory_.find(column) != nullptr; }
  std::vector<contract::FieldInfo> fields() const override;
  Status verify() const override;

  const Directory& directory() const { return directory_; }
  const Names& names() const { return names_; }
  const ByteSource& data() const { return data_; }
  const std::vector<CommitRange>& commits() const { return *commits_; }
  Seqs seqs_form() const { return seqs_; }

  // Errors: kCorrupt (checksum or contents), kUnsupported, kIo. `stats` may be null.
  Result<ChunkEntries> entries(const Chunk& chunk, contract::ScanStats* stats) const;
  Result<Bytes> block_bytes(const Chunk& chunk, uint32_t block, contract::ScanStats* stats) const;
  Result<BlockValues> block(const Chunk& chunk, uint32_t block, const ChunkEntries& entries, contract::ScanStats* stats,
                            TextsAs texts_as = TextsAs::kTexts) const;
  // The same of what block_bytes() gave.
  Result<BlockValues> block_of_bytes(const Chunk& chunk, uint32_t block, const Bytes& bytes,
                                     const ChunkEntries& entries, contract::ScanStats* stats) const;
  // The same where only some rows are asked for (positions in the row group, all in the block); others may lack texts.
  Result<BlockValues> block_rows_of(const Chunk& chunk, uint32_t block, const ChunkEntries& entries,
                                    const model::Selection& rows, contract::ScanStats* stats) const;
  Result<std::vector<int64_t>> block_times(uint32_t block, contract::ScanStats* stats) const;
  Result<std::vector<uint64_t>> block_seqs(uint32_t block, contract::ScanStats* stats = nullptr) const;

  // All bytes, read at once. While somebody holds them every other function takes its bytes from there.
  Result<std::shared_ptr<const void>> hold_whole(contract::ScanStats& stats) const;

 private:
  Result<BlockValues> decode(const Chunk& chunk, uint32_t block, const Bytes& bytes, BlockContext context,
                             contract::ScanStats* stats) const;
  Result<Bytes> read(uint64_t offset, uint64_t bytes, contract::ScanStats* stats) const;

  Result<ChunkEntries> entries_copy(const DictionaryPlace& place, int copy, contract::ScanStats* stats) const;

  std::shared_ptr<const std::string> dataset_;
  Directory directory_;
  ByteSource data_;
  Seqs seqs_;
  CommitsPtr commits_;
  IdFiltersPtr ids_;
  Names names_;
  mutable base::Mutex mutex_;
  mutable std::weak_ptr<const Bytes> whole_ CLEW_GUARDED_BY(mutex_);
};

// Value by value the same: _seq of the rows that `commits` name in order, at most `rows` of them.
std::vector<uint64_t> seqs_of_commits(const std::vector<CommitRange>& commits, uint32_t rows);

}  // namespace clew::columnar
