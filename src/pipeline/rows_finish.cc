// What a pipeline has made of a batch, as batches again.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "model/shape.h"
#include "pipeline/rows.h"

namespace clew::pipeline {
namespace {

using model::Column;
using model::Kind;
using model::Selection;

constexpr uint32_t kGone = UINT32_MAX;

// The values of those rows that `to` gives a new number.
void copy_column(const Column& from, Column& out, const std::vector<uint32_t>& to) {
  out.note_origins(from.origins());
  out.reserve(from.sizes());
  size_t ints = 0;
  size_t scales = 0;
  size_t texts = 0;
  for (const model::KindRun& run : from.runs()) {
    bool is_int = model::kind_has_int(run.kind);
    bool is_text = model::kind_has_text(run.kind);
    bool decimal = run.kind == Kind::kDecimal;
    for (uint32_t row = run.row; row < run.row + run.count; ++row) {
      int64_t lane = is_int ? from.ints()[ints++] : 0;
      uint8_t scale = decimal ? from.scales()[scales++] : uint8_t{0};
      std::string_view text = is_text ? from.text_at(texts++) : std::string_view();
      if (to[row] == kGone) continue;
      if (run.kind == Kind::kString)
        out.add_string(to[row], text);
      else
        model::add_value(out, to[row], {.name = {}, .kind = run.kind, .scale = scale, .lane = lane, .text = text});
    }
  }
}

void add_cell(const Cell& cell, Column& out, uint32_t row) {
  switch (static_cast<Kind>(cell.kind)) {
    case Kind::kString: out.add_string(row, cell.text()); break;
    case Kind::kInt: out.add_int(row, cell.lane); break;
    case Kind::kTime: out.add_time(row, cell.lane); break;
    default: model::add_value(out, row, cell.field({}));
  }
}

// What a document's shape lacks of the fields that were added to it.
class ShapeExtender {
 public:
  // Leaves of `shape`, read once.
  const std::unordered_set<std::string>& leaves(std::string_view shape) {
    auto known = known_.find(std::string(shape));
    if (known == known_.end()) {
      known = known_.emplace(std::string(shape), std::unordered_set<std::string>()).first;
      (void)model::for_each_leaf(shape, [&](std::string_view column) { known->second.emplace(column); });
    }
    return known->second;
  }

 private:
  std::unordered_map<std::string, std::unordered_set<std::string>> known_;
};

}  // namespace

void append_rows(model::Batch& to, const model::Batch& from) {
  std::vector<uint32_t> places(from.rows());
  for (uint32_t row = 0; row < from.rows(); ++row) places[row] = to.begin_row();
  for (const auto& column : from.columns()) {
    if (column->values_count() > 0) copy_column(*column, *to.column(column->name()), places);
  }
}

bool Rows::untouched() const {
  if (dropped_ || !datasets_.empty()) return false;
  for (const auto& [name, field] : fields_) {
    if (field->batch_no == batch_no_ && field->changed) return false;
  }
  return true;
}

void Rows::extend_shapes() {
  Field* shapes = find(model::kShapeField);
  if (shapes == nullptr) return;
  std::vector<Field*> changed;
  for (const auto& [name, field] : fields_) {
    if (field->batch_no == batch_no_ && field->changed && !name.starts_with('_')) changed.push_back(field.get());
  }
  if (changed.empty()) return;
  ShapeExtender extender;
  std::string made;
  for (uint32_t row : left_) {
    if (!shapes->cells[row].is_text()) continue;
    std::string_view shape = shapes->cells[row].text();
    made.clear();
    for (Field* field : changed) {
      if (!field->cells[row].any() || extender.leaves(shape).contains(field->name)) continue;
      if (made.empty()) made = shape;
      model::append_shape_key(field->name, model::shape::kLeaf, made);
    }
    if (!made.empty()) set(*shapes, row, Cell::string(keep(made)));
  }
}

void Rows::copy_to(model::Batch& out, const Selection& rows) {
  std::vector<uint32_t> to(count_, kGone);
  for (uint32_t row : rows) to[row] = out.begin_row();
  for (const auto& column : batch_->columns()) {
    if (column->values_count() == 0) continue;
    auto known = fields_.find(column->name());
    bool loaded = known != fields_.end() && known->second->batch_no == batch_no_;
    if (loaded && known->second->changed) continue;
    copy_column(*column, *out.column(column->name()), to);
  }
  for (const auto& [name, field] : fields_) {
    if (field->batch_no != batch_no_ || !field->changed) continue;
    Column* column = nullptr;
    for (uint32_t row : rows) {
      if (!field->cells[row].any()) continue;
      if (column == nullptr) {
        column = out.column(name);
        if (field->origins != 0) column->note_origins(field->origins);
      }
      add_cell(field->cells[row], *column, to[row]);
    }
  }
}

std::vector<model::Batch*> Rows::finish() {
  if (untouched()) return {batch_};
  extend_shapes();
  std::vector<model::Batch*> out;
  size_t targets = std::max<size_t>(datasets_.size(), 1);
  while (out_.size() < targets) out_.push_back(std::make_unique<model::Batch>());
  for (size_t i = 0; i < targets; ++i) {
    Selection rows;
    for (uint32_t row : left_) {
      if (targets_.empty() || targets_[row] == i) rows.push_back(row);
    }
    if (rows.empty()) continue;
    model::Batch& batch = *out_[i];
    batch.clear();
    batch.set_dataset(i == 0 ? batch_->dataset() : datasets_[i]);
    copy_to(batch, rows);
    out.push_back(&batch);
  }
  return out;
}

void Rows::redact(const process::Redactor& redactor, const Selection& rows, process::RedactionCounts& counts) {
  if (rows.size() == left_.size()) {
    write_back();
    redactor.redact(*batch_, counts);
    return;
  }
  std::string changed;
  for (const std::string& name : names()) {
    Field* field = find(name);
    for (size_t i = 0; field != nullptr && i < rows.size(); ++i) {
      const Cell& cell = field->cells[rows[i]];
      bool own = name.starts_with('_') && name != model::kRawField;
      if (own || !cell.is_text() || !redactor.redact(cell.text(), changed, counts)) continue;
      set(*field, rows[i], Cell::string(keep(changed)));
      flag(rows[i], model::Flag::kRedacted);
    }
  }
}

void Rows::write_back() {
  if (untouched()) {
    ++batch_no_;
    return;
  }
  Selection all(count_);
  for (uint32_t i = 0; i < count_; ++i) all[i] = i;
  swap_.clear();
  swap_.set_dataset(batch_->dataset());
  copy_to(swap_, all);
  std::swap(swap_, *batch_);
  ++batch_no_;
  time_ = &make(model::kTimeField);
}

}  // namespace clew::pipeline
