// Fetches the columns of rows that were found before, wherever they lie, in the order in which they are wanted.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "query/exec/scan.h"

namespace clew::query::exec {

// A row of a list of granules.
struct RowPlace {
  uint32_t granule = 0;
  uint32_t row = 0;  // in the granule
};

// Looks at a block before it is pushed, and may add columns; `rows` are those of the places that it has the rows of.
using Touch = std::function<void(std::span<const uint32_t> rows, Block& block)>;

// Pushes the rows into `sink` in their order, in blocks of the run's size, until it wants no more; rows of damaged
// blocks are left out and counted.
Status push_rows(Run& run, const ScanSpec& spec, std::span<const contract::GranulePtr> granules,
                 std::span<const RowPlace> places, Operator& sink, const Touch& touch = {});

// The output columns of rows of one block.
Result<Block> read_output(const ScanSpec& spec, BlockReader& reader, const model::Selection& rows);

// A damaged block costs the rows that needed it, which are counted; anything else ends the query.
Status leave_out_damaged(Run& run, Status status, size_t rows);

}  // namespace clew::query::exec
