#include "logstore/rows.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace clew::logstore {
namespace {

using model::Column;
using model::Kind;
using model::KindRun;

// Positions in the lanes of a column while its runs are walked.
struct Lanes {
  size_t ints = 0;
  size_t scales = 0;
  size_t texts = 0;
};

void add_value(const Column& from, Kind kind, const Lanes& at, Column& to, uint32_t row) {
  switch (kind) {
    case Kind::kNull: to.add_null(row); return;
    case Kind::kEmptyObject: to.add_empty_object(row); return;
    case Kind::kBool: to.add_bool(row, from.ints()[at.ints] != 0); return;
    case Kind::kInt: to.add_int(row, from.ints()[at.ints]); return;
    case Kind::kUint: to.add_uint(row, static_cast<uint64_t>(from.ints()[at.ints])); return;
    case Kind::kDecimal: to.add_decimal(row, from.ints()[at.ints], from.scales()[at.scales]); return;
    case Kind::kFloat: to.add_float(row, std::bit_cast<double>(from.ints()[at.ints])); return;
    case Kind::kTime: to.add_time(row, from.ints()[at.ints]); return;
    case Kind::kNumberText:
    case Kind::kString:
    case Kind::kArray:
    case Kind::kBytes: to.add_text(row, kind, from.text_at(at.texts)); return;
  }
}

void skip(Kind kind, size_t count, Lanes& at) {
  if (model::kind_has_int(kind)) at.ints += count;
  if (kind == Kind::kDecimal) at.scales += count;
  if (model::kind_has_text(kind)) at.texts += count;
}

}  // namespace

void append_rows(const model::Batch& from, uint32_t begin, uint32_t end, model::Batch& to) {
  CHECK(begin <= end && end <= from.rows(), begin, end, from.rows());
  uint32_t base = to.rows();
  for (uint32_t i = begin; i < end; ++i) to.begin_row();
  for (const auto& column : from.columns()) {
    if (column->values_count() == 0) continue;
    Column* target = nullptr;
    Lanes at;
    for (const KindRun& run : column->runs()) {
      if (run.row >= end) break;
      for (uint32_t row = run.row; row < run.row + run.count; ++row) {
        if (row >= begin && row < end) {
          if (target == nullptr) {
            target = to.column(column->name());
            target->note_origins(column->origins());
          }
          add_value(*column, run.kind, at, *target, base + row - begin);
        }
        skip(run.kind, 1, at);
      }
    }
  }
}

}  // namespace clew::logstore
