// RowWriter fills the columns of one batch row by row: names, limits, duplicates, time and flags, the same for every
// protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/batch.h"
#include "model/canonical.h"
#include "wire/intake.h"
#include "wire/row_time.h"

namespace clew::wire {

constexpr uint32_t kFieldsPerEventMax = 10'000;
// Columns of a batch that documents may take; clew's own come on top.
constexpr size_t kDocumentColumnsMax = model::kColumnsMax - 16;

// A field by its name, found once and kept from batch to batch.
struct Field {
  std::string name;  // of the column
  model::TimeRole role = model::TimeRole::kNone;
  bool names_trace = false;         // a trace or span id: the event is part of a trace
  bool cut = false;                 // the name was longer than a name may be
  bool special = false;             // one of the two
  model::Column* column = nullptr;  // in the batch numbered `batch_no`; null: the values go to `_rest`
  uint64_t batch_no = 0;
  model::Origins origins = 0;  // noted in that batch
  uint64_t row_no = 0;         // of the last row that has a value, counted over all batches
  model::Column::Sizes held;   // by the batch before: the next one is mostly like it
};

// Threads:  one.
// Lifetime: fields live until forget_fields(); a batch given to attach() outlives the rows written.
// Usage:    attach(batch, intake); for each event begin_row(), add_...(), then end_row() or abandon_row().
class RowWriter {
 public:
  // `input_bytes` is how much is about to be read, 0 when unknown: columns get room by what they held of the batch
  // before.
  void attach(model::Batch& batch, const Intake& intake, size_t input_bytes = 0);

  // To be called before a value that is not the event's own is added: where it comes from.
  void note_origin(Field* f, model::Origin origin) {
    if (f->batch_no == batch_no_ && (f->origins & model::bit(origin)) != 0) [[likely]]
      return;
    note_new_origin(f, origin);
  }

  // Before the batch goes: notes how much its fields hold.
  void note_sizes();

  // The field for a dotted path (model::column_name applies).
  Field* field(std::string_view path);
  size_t fields_count() const { return fields_.size(); }
  // Frees all fields. Requires: nobody keeps a Field.
  void forget_fields() {
    fields_.clear();
    bound_.clear();
    ++generation_;
  }
  // Changes when fields were forgotten: whoever keeps some looks them up again.
  uint64_t fields_generation() const { return generation_; }

  uint32_t begin_row() {
    ++row_no_;
    fields_in_row_ = 0;
    replaced_in_row_ = 0;
    return row_ = batch_->begin_row();
  }
  uint32_t row() const { return row_; }
  model::Batch& batch() { return *batch_; }
  RowTime& time() { return time_; }
  void flag(model::Flag flag) { batch_->flag(flag); }

  // Values of the row. Of two for one field the last stays, and the event is flagged. Time roles are noted; the texts
  // must live until end_row().
  void add_string(Field* f, std::string_view v) {
    open(f)->add_string(target_row_, v);
    if (f->role != model::TimeRole::kNone) time_.note_text(f->role, v);
    close(f);
  }
  // A JSON number token.
  void add_number(Field* f, std::string_view token) {
    open(f)->add_number(target_row_, token);
    if (f->role != model::TimeRole::kNone) time_.note_number(f->role, token);
    close(f);
  }
  // For readers that scan and copy at once: a column and row to put the value of `f` into, then close(f).
  model::Column* open(Field* f) {
    if (f->row_no == row_no_) [[unlikely]]
      replace(f);
    f->row_no = row_no_;
    ++fields_in_row_;
    if (f->batch_no != batch_no_) [[unlikely]]
      bind(f);
    if (f->special) [[unlikely]]
      open_special(f);
    if (f->column == nullptr) [[unlikely]]
      return open_rest();
    target_row_ = row_;
    return f->column;
  }
  uint32_t open_row() const { return target_row_; }
  void close(Field* f) {
    if (f->column == nullptr) [[unlikely]]
      close_rest(f);
  }
  // Instead of close(): the column was not touched after all.
  void take_back(Field* f) {
    f->row_no = 0;
    --fields_in_row_;
  }

  void add_decimal(Field* f, int64_t mantissa, uint8_t scale) {
    open(f)->add_decimal(target_row_, mantissa, scale);
    close(f);
  }
  void add_int(Field* f, int64_t v) {
    open(f)->add_int(target_row_, v);
    close(f);
  }
  void add_uint(Field* f, uint64_t v) {
    open(f)->add_uint(target_row_, v);
    close(f);
  }
  void add_float(Field* f, double v) {
    open(f)->add_float(target_row_, v);
    close(f);
  }
  void add_bool(Field* f, bool v) {
    open(f)->add_bool(target_row_, v);
    close(f);
  }
  void add_time(Field* f, int64_t unix_nanos) {
    open(f)->add_time(target_row_, unix_nanos);
    if (f->role != model::TimeRole::kNone) time_.note_nanos(f->role, unix_nanos);
    close(f);
  }
  void add_null(Field* f) {
    open(f)->add_null(target_row_);
    close(f);
  }
  void add_empty_object(Field* f) {
    open(f)->add_empty_object(target_row_);
    close(f);
  }
  // kArray, kBytes, kNumberText.
  void add_text(Field* f, model::Kind kind, std::string_view v) {
    open(f)->add_text(target_row_, kind, v);
    close(f);
  }
  // The row has a value for the field.
  bool has(const Field* f) const { return f->row_no == row_no_; }
  void remove(Field* f);
  uint32_t fields_in_row() const { return fields_in_row_; }
  // Values of the row that a later one for the same field took away.
  uint32_t replaced_in_row() const { return replaced_in_row_; }

  // clew's own columns of the row.
  void set_raw(std::string_view line) { own(raw_, model::kRawField)->add_string(row_, line); }
  void set_shape(std::string_view shape) { own(shape_, model::kShapeField)->add_string(row_, shape); }
  void set_id(std::string_view id) { own(id_, model::kIdField)->add_string(row_, id); }
  void set_index(std::string_view index) { own(index_, model::kIndexField)->add_string(row_, index); }

  // Decides the time, writes `_time`, `_rest` and `_flags`, and gives the time.
  int64_t end_row() {
    int64_t unix_nanos = time_.decide(*batch_);
    end_row_at(unix_nanos);
    return unix_nanos;
  }
  // For wires that know the time; what the fields say of it is not looked at.
  void end_row_at(int64_t unix_nanos);
  void abandon_row();

 private:
  model::Column* own(model::Column*& column, std::string_view name) {
    if (column == nullptr) column = batch_->column(name);
    return column;
  }
  void open_special(const Field* f) {
    if (f->cut) batch_->flag(model::Flag::kTruncated);
    if (f->names_trace) time_.note_trace();
  }
  void bind(Field* f);
  void note_new_origin(Field* f, model::Origin origin);
  void replace(Field* f);
  model::Column* open_rest();
  void close_rest(Field* f);

  model::Batch* batch_ = nullptr;
  uint64_t batch_no_ = 0;
  size_t input_bytes_ = 0;
  size_t noted_bytes_ = 0;     // input_bytes_ when sizes were noted last
  std::vector<Field*> bound_;  // fields with a column in this batch
  uint64_t row_no_ = 0;
  uint32_t row_ = 0;
  uint32_t target_row_ = 0;
  uint32_t fields_in_row_ = 0;
  uint32_t replaced_in_row_ = 0;
  size_t document_columns_ = 0;
  RowTime time_;
  model::Column* time_column_ = nullptr;
  model::Column* raw_ = nullptr;
  model::Column* shape_ = nullptr;
  model::Column* id_ = nullptr;
  model::Column* index_ = nullptr;
  model::Column* rest_column_ = nullptr;
  model::Column spill_{"_spill"};  // one value on its way to rest_
  std::string rest_;               // of this row
  uint64_t generation_ = 0;
  std::string name_buffer_;
  std::unordered_map<std::string, std::unique_ptr<Field>> fields_;  // by path
};

}  // namespace clew::wire
