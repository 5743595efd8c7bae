#include "query/exec/row_fetch.h"

#include <algorithm>

namespace clew::query::exec {
namespace {

using contract::kBlockRows;

// What is read of one block.
struct Fetch {
  uint32_t granule = 0;
  uint32_t block = 0;
  model::Selection rows;         // in the block
  std::vector<uint32_t> places;  // in the output
  Block columns;
  bool damaged = false;
};

std::vector<Fetch> plan_fetches(std::span<const RowPlace> found) {
  std::vector<uint32_t> order(found.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(found[a].granule, found[a].row) < std::pair(found[b].granule, found[b].row);
  });
  std::vector<Fetch> fetches;
  for (uint32_t i : order) {
    uint32_t block = found[i].row / kBlockRows;
    if (fetches.empty() || fetches.back().granule != found[i].granule || fetches.back().block != block) {
      fetches.push_back({found[i].granule, block, {}, {}, {}, false});
    }
    fetches.back().rows.push_back(found[i].row % kBlockRows);
    fetches.back().places.push_back(i);
  }
  return fetches;
}

Status read(Run& run, const ScanSpec& spec, const contract::Granule& granule, Fetch& fetch) {
  CLEW_TRY(run.check());
  expr::Evaluator evaluator;
  BlockReader reader(granule, fetch.block, spec.columns, evaluator, run.scan);
  Result<Block> columns = read_output(spec, reader, fetch.rows);
  if (columns.ok()) {
    fetch.columns = std::move(columns).take();
    return {};
  }
  fetch.damaged = columns.error().code() == Code::kCorrupt;
  return leave_out_damaged(run, std::move(columns).error(), fetch.rows.size());
}

}  // namespace

Result<Block> read_output(const ScanSpec& spec, BlockReader& reader, const model::Selection& rows) {
  Block block;
  block.rows = static_cast<uint32_t>(rows.size());
  for (Slot slot : spec.output) {
    model::VectorPtr vector = CLEW_TRY(reader.column(slot, &rows));
    block.set(slot, std::move(vector));
  }
  return block;
}

Status leave_out_damaged(Run& run, Status status, size_t rows) {
  if (status.ok() || status.error().code() != Code::kCorrupt) return status;
  run.scan.damaged_rows.fetch_add(rows);
  return {};
}

Status push_rows(Run& run, const ScanSpec& spec, std::span<const contract::GranulePtr> granules,
                 std::span<const RowPlace> places, Operator& sink, const Touch& touch) {
  std::vector<Fetch> fetches = plan_fetches(places);
  std::vector<Status> statuses(fetches.size());
  run.pool().run(static_cast<uint32_t>(fetches.size()),
                 [&](uint32_t i) { statuses[i] = read(run, spec, *granules[fetches[i].granule], fetches[i]); });
  for (Status& status : statuses) CLEW_TRY(std::move(status));
  constexpr uint32_t kDamaged = UINT32_MAX;
  std::vector<RowRef> refs(places.size(), RowRef{kDamaged, 0});
  std::vector<Block> blocks;
  for (Fetch& f : fetches) {
    if (f.damaged) continue;
    for (uint32_t i = 0; i < f.rows.size(); ++i) refs[f.places[i]] = {static_cast<uint32_t>(blocks.size()), i};
    blocks.push_back(std::move(f.columns));
  }
  std::vector<uint32_t> kept;  // which of `places` the refs are of
  for (uint32_t i = 0; i < refs.size(); ++i) {
    if (refs[i].block != kDamaged) kept.push_back(i);
  }
  std::erase_if(refs, [](const RowRef& ref) { return ref.block == kDamaged; });
  for (size_t at = 0; at < refs.size() && sink.wants_more(); at += run.options().block_rows) {
    size_t rows = std::min<size_t>(run.options().block_rows, refs.size() - at);
    CLEW_TRY(run.check());
    Block block = gather(blocks, std::span<const RowRef>(refs).subspan(at, rows));
    if (touch) touch(std::span<const uint32_t>(kept).subspan(at, rows), block);
    CLEW_TRY(sink.push(std::move(block)));
  }
  return {};
}

}  // namespace clew::query::exec
