#include "columnar/lanes.h"

#include <algorithm>

namespace clew::columnar {

ColumnView Lanes::view_of(const model::Column& column, uint32_t rows) {
  ColumnView view;
  view.name = column.name();
  view.rows = rows;
  view.origins = column.origins();
  const std::vector<uint8_t>& scales = column.scales();
  bool one_scale = std::all_of(scales.begin(), scales.end(), [&](uint8_t s) { return s == scales[0]; });
  if (one_scale && !scales.empty()) view.scale = scales[0];
  const std::vector<model::KindRun>& runs = column.runs();
  if (runs.size() == 1 && runs[0].count == rows && one_scale) {
    view.kind = static_cast<uint8_t>(runs[0].kind);
    view.ints = column.ints().data();
    texts_.clear();
    texts_.reserve(column.text_ends().size());
    uint32_t begin = 0;
    for (uint32_t end : column.text_ends()) {
      texts_.emplace_back(column.text().data() + begin, end - begin);
      begin = end;
    }
    view.texts = texts_.data();
    return view;
  }
  spread(column, rows);
  view.kinds = kinds_.data();
  view.ints = ints_.data();
  view.texts = texts_.data();
  if (!one_scale) view.scales = scales_.data();
  return view;
}

void Lanes::spread(const model::Column& column, uint32_t rows) {
  kinds_.assign(rows, kAbsent);
  ints_.assign(column.ints().empty() ? 0 : rows, 0);
  scales_.assign(column.scales().empty() ? 0 : rows, 0);
  texts_.assign(column.text_ends().empty() ? 0 : rows, {});
  size_t at_int = 0;
  size_t at_scale = 0;
  size_t at_text = 0;
  for (const model::KindRun& run : column.runs()) {
    for (uint32_t row = run.row; row < run.row + run.count && row < rows; ++row) {
      kinds_[row] = static_cast<uint8_t>(run.kind);
      if (model::kind_has_int(run.kind)) ints_[row] = column.ints()[at_int++];
      if (run.kind == model::Kind::kDecimal) scales_[row] = column.scales()[at_scale++];
      if (model::kind_has_text(run.kind)) texts_[row] = column.text_at(at_text++);
    }
  }
}

}  // namespace clew::columnar
