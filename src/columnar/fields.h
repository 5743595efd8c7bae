// Fields answers for names: stored columns, fields of `_rest`, canonical names and the columns that clew derives.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "columnar/patterns.h"
#include "columnar/row_group.h"
#include "columnar/text_query.h"
#include "model/canonical.h"
#include "model/vector.h"

namespace clew::columnar {

// Threads:  all functions on any thread.
// Lifetime: the row group outlives it.
class Fields {
 public:
  explicit Fields(const RowGroup& group) : group_(group) {}

  const RowGroup& group() const { return group_; }

  Result<model::VectorPtr> column(std::string_view field, uint32_t block, const model::Selection& rows,
                                  contract::ScanStats& stats) const;
  Result<contract::ColumnStats> column_stats(std::string_view field) const;
  // Of all rows, whoever may see them; empty when not kept.
  Result<std::vector<contract::ValueCount>> value_counts(std::string_view field, contract::ScanStats& stats) const;

  // The chunk's dictionary and its vector; remembered.
  struct Entries {
    ChunkEntries read;
    model::VectorPtr vector;  // of a dictionary of texts
  };
  Result<Entries> entries(const Chunk& chunk, contract::ScanStats* stats) const;

  // What the query says of the entries or templates of a chunk; the last one asked of each chunk is remembered.
  Result<Verdicts> verdicts(const Chunk& chunk, const TextQuery& query) const;

  // The values of a block, all of them. What keep_block() was given last is taken back instead of read again: what a
  // condition has read is often asked for next.
  Result<BlockValues> read_block(const Chunk& chunk, uint32_t block, const ChunkEntries& entries,
                                 contract::ScanStats& stats) const;
  void keep_block(const Chunk& chunk, uint32_t block, BlockValues values) const;

  // A stored field's values, in a column of its own or in `_rest`. With `wanted`, rows of the block that are not among
  // those may lack their texts.
  Result<BlockValues> values(std::string_view name, uint32_t block, contract::ScanStats& stats,
                             const model::Selection* wanted = nullptr) const;

 private:
  Result<model::VectorPtr> stored_column(std::string_view name, uint32_t block, const model::Selection& rows,
                                         contract::ScanStats& stats) const;
  Result<model::VectorPtr> derived_id(uint32_t block, const model::Selection& rows, contract::ScanStats& stats) const;
  Result<model::VectorPtr> ingest_times(uint32_t block, const model::Selection& rows, contract::ScanStats& stats) const;
  // `_pattern` and `_pattern.FIELD`: the patterns of a field's texts (patterns.h); of `_pattern` those of `message`.
  Result<model::VectorPtr> pattern_column(std::string_view of, uint32_t block, const model::Selection& rows,
                                          contract::ScanStats& stats) const;
  // Made by `make` for whatever `of` is the address of, kept alive by `owner`; remembered.
  PatternEntriesPtr pattern_entries(const void* of, std::shared_ptr<const void> owner,
                                    const std::function<PatternEntriesPtr()>& make) const;
  Result<model::VectorPtr> seq_column(uint32_t block, const model::Selection& rows, contract::ScanStats& stats) const;
  Result<model::VectorPtr> index_column(uint32_t block, const model::Selection& rows, contract::ScanStats& stats) const;
  std::optional<BlockValues> kept_block(const Chunk& chunk, uint32_t block) const;
  Status add_rest(std::string_view name, uint32_t block, BlockValues& values, contract::ScanStats& stats) const;
  contract::ColumnStats seq_stats() const;

  const RowGroup& group_;
  mutable base::Mutex mutex_;
  struct KnownPatterns {
    std::shared_ptr<const void> owner;  // so that its address is not taken again
    PatternEntriesPtr entries;
  };
  struct KeptBlock {
    const Chunk* chunk = nullptr;  // null: none is kept
    uint32_t block = 0;
    BlockValues values;
  };
  mutable KeptBlock kept_ CLEW_GUARDED_BY(mutex_);
  mutable std::unordered_map<const void*, KnownPatterns> patterns_ CLEW_GUARDED_BY(mutex_);
  mutable std::unordered_map<const Chunk*, Entries> entries_ CLEW_GUARDED_BY(mutex_);
  mutable std::unordered_map<const Chunk*, std::pair<std::string, Verdicts>> verdicts_ CLEW_GUARDED_BY(mutex_);
};

// The range that an event of that _seq came with; null when none names it. `commits` rise by first_seq.
const CommitRange* find_commit(const std::vector<CommitRange>& commits, uint64_t seq);

}  // namespace clew::columnar
