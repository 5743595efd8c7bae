#include "query/promql/stream.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>

#include "query/promql/label_pack.h"

namespace clew::query::promql {
namespace {

// Series of one piece of work.
constexpr size_t kGrainMost = 64;
constexpr size_t kPieces = 16;

// Puts the values of `from` where `into` has none; false when both have one.
bool merge_columns(Column& into, Column& from) {
  for (size_t i = 0; i < from.values.size(); ++i) {
    if (!from.present(i)) continue;
    if (into.present(i)) return false;
    if (from.has_histogram(i)) {
      into.set(i, from.histograms[i]);
    } else {
      into.values[i] = from.values[i];
    }
  }
  return true;
}

}  // namespace

Status Block::read(size_t series, Column& out, Scratch&) const {
  out = rows[series].column;
  return ok_status();
}

Result<BlockPtr> collect(Context& context, const Stream& stream) {
  CLEW_TRY(context.check_series(stream.size()));
  std::vector<Block::Row> rows(stream.size());
  size_t grain = std::clamp<size_t>(stream.size() / kPieces, 1, kGrainMost);
  std::vector<Held> held((stream.size() + grain - 1) / grain);
  auto read = [&](size_t lane, size_t begin, size_t end) -> Status {
    Scratch scratch;
    for (size_t i = begin; i < end; ++i) {
      Block::Row& row = rows[i];
      CLEW_TRY(stream.read(i, row.column, scratch));
      if (!row.column.any()) {
        row.column = {};
        continue;
      }
      row.labels = model::Labels(stream.labels(i));
      row.drops_name = stream.drops_name(i);
      CLEW_TRY(held[lane].add(context, row.column.bytes() + row.labels.packed().size()));
    }
    return ok_status();
  };
  CLEW_TRY(context.parallel(stream.size(), grain, read));
  auto block = std::make_unique<Block>();
  std::erase_if(rows, [](const Block::Row& row) { return row.column.values.empty(); });
  block->rows = std::move(rows);
  uint64_t bytes = 0;
  for (const Block::Row& row : block->rows) bytes += row.column.bytes() + row.labels.packed().size();
  held.clear();
  CLEW_TRY(block->held.add(context, bytes));
  return block;
}

Status join_same_labels(Block& block) {
  absl::flat_hash_map<std::string_view, size_t> places;
  places.reserve(block.rows.size());
  std::vector<size_t> gone;
  for (size_t i = 0; i < block.rows.size(); ++i) {
    auto [at, fresh] = places.emplace(block.rows[i].labels.packed(), i);
    if (fresh) continue;
    if (!merge_columns(block.rows[at->second].column, block.rows[i].column)) {
      return Error(Code::kInvalid, "vector cannot contain metrics with the same labelset");
    }
    gone.push_back(i);
  }
  if (gone.empty()) return ok_status();
  std::vector<Block::Row> kept;
  kept.reserve(block.rows.size() - gone.size());
  auto next_gone = gone.begin();
  for (size_t i = 0; i < block.rows.size(); ++i) {
    if (next_gone != gone.end() && *next_gone == i) {
      ++next_gone;
    } else {
      kept.push_back(std::move(block.rows[i]));
    }
  }
  block.rows = std::move(kept);
  return ok_status();
}

model::Labels without_name(model::LabelsView labels) {
  std::string packed;
  for (model::Label label : labels) {
    if (!is_metadata_label(label.name)) model::append_packed(label, packed);
  }
  return model::Labels(model::LabelsView(packed));
}

Status drop_names(Block& block) {
  for (Block::Row& row : block.rows) {
    if (!row.drops_name) continue;
    row.labels = without_name(row.labels);
    row.drops_name = false;
  }
  return join_same_labels(block);
}

}  // namespace clew::query::promql
