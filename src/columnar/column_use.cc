#include "columnar/column_use.h"

#include "columnar/row_group.h"

namespace clew::columnar {

uint64_t ColumnUse::bytes() const {
  uint64_t sum = shared_bytes;
  for (uint64_t bytes : block_bytes) sum += bytes;
  return sum;
}

std::vector<ColumnUse> column_use(const RowSource& source) {
  std::vector<ColumnUse> out;
  const auto* group = dynamic_cast<const RowGroup*>(&source);
  if (group == nullptr) return out;
  for (const Chunk& chunk : group->directory().chunks) {
    ColumnUse& use = out.emplace_back();
    use.name = chunk.name;
    use.values = chunk.values;
    for (const BlockPlace& block : chunk.blocks) use.block_bytes.push_back(block.bytes);
    use.shared_bytes = chunk.stored_bytes() - (use.bytes() - use.shared_bytes);
  }
  return out;
}

Result<std::vector<bool>> rows_with(const RowSource& source, std::string_view column, uint32_t block) {
  const auto* group = dynamic_cast<const RowGroup*>(&source);
  const Chunk* chunk = group == nullptr ? nullptr : group->directory().find(column);
  if (chunk == nullptr) return Error(Code::kNotFound, "no column " + clew::quoted(column));
  std::vector<bool> out(block_rows(group->rows(), block));
  ChunkEntries entries = CLEW_TRY(group->entries(*chunk, nullptr));
  BlockValues values = CLEW_TRY(group->block(*chunk, block, entries, nullptr));
  for (uint32_t row = 0; row < out.size(); ++row) out[row] = values.kind_at(row) != kAbsent;
  return out;
}

}  // namespace clew::columnar
