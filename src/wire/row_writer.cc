#include "wire/row_writer.h"

#include <algorithm>

#include "base/check.h"
#include "model/rest.h"
#include "model/shape.h"

namespace clew::wire {
namespace {

constexpr double kRoomFactor = 1.06;
constexpr uint32_t kScanBytes = 512;         // that a text being scanned may need behind its column's last one
constexpr uint32_t kTextBytesMax = 1 << 20;  // of room made ahead for one field

// trace_id, traceId, trace.id, dd.span_id ...
bool names_trace_or_span(std::string_view name) {
  std::string letters;
  for (char c : name) {
    char l = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (l >= 'a' && l <= 'z') letters.push_back(l);
  }
  return letters == "traceid" || letters == "spanid";
}

bool is_own(std::string_view name) {
  return name == model::kTimeField || name == model::kRawField || name == model::kShapeField ||
         name == model::kIdField || name == model::kIndexField || name == model::kFlagsField ||
         name == model::kRestField;
}

model::RestField only_value(const model::Column& column) {
  model::RestField v;
  v.kind = column.runs().front().kind;
  if (!column.ints().empty()) v.lane = column.ints().front();
  if (!column.scales().empty()) v.scale = column.scales().front();
  if (!column.text_ends().empty()) v.text = column.text_at(0);
  return v;
}

}  // namespace

void RowWriter::attach(model::Batch& batch, const Intake& intake, size_t input_bytes) {
  batch_ = &batch;
  input_bytes_ = input_bytes;
  bound_.clear();
  ++batch_no_;
  document_columns_ = 0;
  for (const auto& c : batch.columns()) document_columns_ += is_own(c->name()) ? 0 : 1;
  time_column_ = batch.column(model::kTimeField);
  raw_ = shape_ = id_ = index_ = rest_column_ = nullptr;
  time_.begin(intake.arrival.get(), intake.zone);
}

Field* RowWriter::field(std::string_view path) {
  // A map of strings has no lookup by view before C++20's heterogeneous hashing; the buffer avoids an allocation a
  // call.
  name_buffer_.assign(path);
  auto it = fields_.find(name_buffer_);
  if (it != fields_.end()) return it->second.get();
  auto made = std::make_unique<Field>();
  std::string buffer;
  made->name = std::string(model::column_name(path, buffer));
  made->cut = path.size() > model::kFieldNameBytesMax;
  made->role = model::time_role(path);
  made->names_trace = names_trace_or_span(path);
  made->special = made->cut || made->names_trace;
  Field* out = made.get();
  fields_.emplace(std::string(path), std::move(made));
  return out;
}

void RowWriter::note_new_origin(Field* f, model::Origin origin) {
  if (f->batch_no != batch_no_) bind(f);
  f->origins |= model::bit(origin);
  if (f->column != nullptr) f->column->note_origins(model::bit(origin));
}

void RowWriter::bind(Field* f) {
  f->batch_no = batch_no_;
  f->origins = 0;
  f->column = batch_->find(f->name);
  if (f->column != nullptr || document_columns_ >= kDocumentColumnsMax) return;
  f->column = batch_->column(f->name);
  ++document_columns_;
  bound_.push_back(f);
  if (noted_bytes_ == 0 || input_bytes_ == 0) return;
  // A little more than before: bodies of one size hold a few events more or less.
  double share = std::min(1.0, static_cast<double>(input_bytes_) / static_cast<double>(noted_bytes_)) * kRoomFactor;
  auto scaled = [share](uint32_t n) { return static_cast<uint32_t>(static_cast<double>(n) * share) + 1; };
  const model::Column::Sizes& held = f->held;
  model::Column::Sizes room;
  if (held.ints > 0) room.ints = scaled(held.ints);
  if (held.scales > 0) room.scales = scaled(held.scales);
  if (held.texts > 0) room.texts = scaled(held.texts);
  if (held.texts > 0) room.text_bytes = std::min(scaled(held.text_bytes) + kScanBytes, kTextBytesMax);
  f->column->reserve(room);
}

void RowWriter::note_sizes() {
  noted_bytes_ = input_bytes_;
  for (Field* f : bound_) f->held = f->column->sizes();
}

// The field has a value in this row already: the last one wins.
void RowWriter::replace(Field* f) {
  remove(f);
  ++replaced_in_row_;
  flag(model::Flag::kDuplicateKey);
}

void RowWriter::remove(Field* f) {
  if (!has(f)) return;
  f->row_no = 0;
  --fields_in_row_;
  if (f->role != model::TimeRole::kNone) time_.forget(f->role);
  if (f->column != nullptr) {
    f->column->truncate_rows(row_);
    return;
  }
  std::string kept;
  model::RestReader reader(rest_);
  model::RestField v;
  while (reader.next(v)) {
    if (v.name != f->name) model::append_rest(v, kept);
  }
  rest_ = std::move(kept);
}

model::Column* RowWriter::open_rest() {
  spill_.clear();
  target_row_ = 0;
  return &spill_;
}

void RowWriter::close_rest(Field* f) {
  model::RestField v = only_value(spill_);
  v.name = f->name;
  model::append_rest(v, rest_);
}

void RowWriter::end_row_at(int64_t unix_nanos) {
  time_.reset();
  time_column_->add_time(row_, unix_nanos);
  if (!rest_.empty()) {
    own(rest_column_, model::kRestField)->add_string(row_, rest_);
    rest_.clear();
  }
  batch_->end_row();
}

void RowWriter::abandon_row() {
  batch_->truncate_rows(row_);
  time_.reset();
  rest_.clear();
}

}  // namespace clew::wire
