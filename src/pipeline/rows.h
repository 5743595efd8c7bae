// Rows: the events of one batch while a pipeline works on them. A field that a step names is taken out of its column
// into one cell per row, which may be read and written in any order; columns that nobody names stay as they are.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/batch.h"
#include "model/rest.h"
#include "model/vector.h"
#include "process/redact.h"

namespace clew::pipeline {

constexpr uint8_t kNoValue = 0xff;  // in place of a model::Kind

// One value; texts are not owned.
struct Cell {
  const char* bytes = nullptr;  // of kinds with a text
  int64_t lane = 0;             // of kinds with an integer; else how many bytes
  uint8_t kind = kNoValue;
  uint8_t scale = 0;

  bool any() const { return kind != kNoValue; }
  bool is_text() const { return kind == static_cast<uint8_t>(model::Kind::kString); }
  bool is_null() const { return kind == kNoValue || kind == static_cast<uint8_t>(model::Kind::kNull); }
  // Requires: a kind with a text.
  std::string_view text() const { return {bytes, static_cast<size_t>(lane)}; }
  static Cell string(std::string_view text, model::Kind kind = model::Kind::kString) {
    return {text.data() == nullptr ? "" : text.data(), static_cast<int64_t>(text.size()), static_cast<uint8_t>(kind),
            0};
  }
  static Cell integer(int64_t value, model::Kind kind = model::Kind::kInt) {
    return {nullptr, value, static_cast<uint8_t>(kind), 0};
  }
  static Cell boolean(bool value) { return integer(value ? 1 : 0, model::Kind::kBool); }
  static Cell real(double value);
  model::RestField field(std::string_view name) const;
};

// Text that lives as long as the batch is worked on.
class TextArena {
 public:
  std::string_view keep(std::string_view text);
  // Room for `bytes`, to be written at once.
  char* room(size_t bytes);
  void clear();

 private:
  static constexpr size_t kChunkBytes = 256 << 10;
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  size_t chunk_ = 0;
  size_t used_ = 0;
};

struct Field {
  std::string name;
  std::vector<Cell> cells;  // one per row
  model::Origins origins = 0;
  uint64_t batch_no = 0;  // of the batch whose values the cells are
  bool changed = false;
};

// Adds the rows of `from` behind those of `to`.
void append_rows(model::Batch& to, const model::Batch& from);

// Threads: one at a time. Reused from batch to batch.
class Rows {
 public:
  // Requires: the batch outlives the work on it; every row has a `_time`.
  void attach(model::Batch& batch);
  uint32_t rows() const { return count_; }
  const std::string& dataset() const { return batch_->dataset(); }

  // Null where no row ever had it. A field may still lack a value in every row.
  Field* find(std::string_view name);
  // The field, made when it is not there. Names of clew's own columns are taken as they stand.
  Field& make(std::string_view name);
  // As make(), for a name that came from outside.
  Field& make_named(std::string_view path);
  bool has(std::string_view name, uint32_t row);
  void set(Field& field, uint32_t row, const Cell& cell) {
    field.cells[row] = cell;
    field.changed = true;
  }
  // A number's token: the kind that gives the same text back; a string where it is no number.
  Cell number(std::string_view token);
  void remove(Field& field, uint32_t row) {
    field.changed = field.changed || field.cells[row].any();
    field.cells[row].kind = kNoValue;
  }
  // Of the batch's columns and of what was made; some may have no value left.
  std::vector<std::string> names() const;

  // Values as queries see them: canonical fields are derived from what there is, `message` at last from `_raw`.
  model::VectorPtr vector(std::string_view name, const model::Selection* rows);
  // The same as texts, one per row; null data where a row has none. Numbers are printed.
  const std::vector<std::string_view>& texts(std::string_view name);
  Cell cell_of(const model::Vector& vector, uint32_t row);
  std::string_view text_of(const Cell& cell);

  TextArena& arena() { return arena_; }
  std::string_view keep(std::string_view text) { return arena_.keep(text); }
  void keep_alive(model::VectorPtr vector) { alive_.push_back(std::move(vector)); }

  int64_t time(uint32_t row) { return time_->cells[row].lane; }
  void set_time(uint32_t row, int64_t unix_nanos);
  void flag(uint32_t row, model::Flag flag);
  void unflag(uint32_t row, model::Flag flag);
  uint32_t flags(uint32_t row);

  // Takes secrets out of these rows. Cells and texts that were read before are read anew.
  void redact(const process::Redactor& redactor, const model::Selection& rows, process::RedactionCounts& counts);

  // Rows that are still there.
  const model::Selection& left() const { return left_; }
  void drop(const model::Selection& rows);
  void send_to(uint32_t row, const std::string& dataset);
  // How many events the row stands for.
  int64_t weight(uint32_t row);
  void add_weight(uint32_t row, int64_t more);
  void weigh_all();

  // Writes what is left to batches by dataset, the first one that of the batch. They live until the next attach();
  // empty ones are left out. When nothing was changed it is the batch itself.
  std::vector<model::Batch*> finish();
  // Puts the cells back into the attached batch, for who works on columns; fields are then read anew.
  void write_back();

 private:
  void load(Field& field, const model::Column& column);
  std::vector<Cell> canonical(std::string_view name);
  void extend_shapes();
  void copy_to(model::Batch& out, const model::Selection& rows);
  bool untouched() const;

  model::Batch* batch_ = nullptr;
  uint32_t count_ = 0;
  uint64_t batch_no_ = 0;
  std::map<std::string, std::unique_ptr<Field>, std::less<>> fields_;
  Field* time_ = nullptr;
  model::Selection left_;
  bool dropped_ = false;
  TextArena arena_;
  std::vector<model::VectorPtr> alive_;
  std::vector<uint16_t> targets_;      // dataset per row, when any was sent elsewhere
  std::vector<std::string> datasets_;  // of targets_
  std::vector<std::string_view> texts_;
  std::vector<std::unique_ptr<model::Batch>> out_;  // reused
  model::Batch swap_;
};

}  // namespace clew::pipeline
