// The write side of the data model: what receivers fill and what the encoders of columnar/ read.
//
// A Column holds the values of one dotted field name for the rows of one batch, each with its Kind, in row order,
// without an object per value. A row that has no entry lacks the field.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/origin.h"

namespace clew::model {

// What one stored value is. The numbers are on disk (docs/formats/batch.md) and never reused.
enum class Kind : uint8_t {
  kNull = 0,        // JSON null: the key was there without a value
  kBool = 1,        // ints lane: 0 or 1
  kInt = 2,         // ints lane
  kUint = 3,        // ints lane: bits of a uint64 above 2^63 - 1; smaller ones are kInt
  kDecimal = 4,     // ints lane: mantissa; scales lane: digits after the point, 1 to 18. Prints as the text it came as
  kFloat = 5,       // ints lane: bits of a double that prints, shortest form, as the text it came as
  kNumberText = 6,  // text lane: a JSON number that none of the above gives back ("1e400", "1.50e3", "-0")
  kString = 7,      // text lane
  kTime = 8,        // ints lane: nanoseconds since the epoch; only from wires that have times of their own (OTLP)
  kArray = 9,       // text lane: compact JSON text, see below
  kEmptyObject = 10,  // {}: a path that was an object without members
  kBytes = 11,        // text lane: raw bytes; only from wires that have bytes (OTLP); shown as base64
};
// Arrays: `[1,"a",null]`. An array of objects becomes one array per leaf, with an empty element where an object lacks
// the leaf: [{"a":1},{"b":2}] gives a=`[1,]` and b=`[,2]`. Anything less regular keeps its JSON text whole.

constexpr bool kind_has_int(Kind k) {
  return k == Kind::kBool || k == Kind::kInt || k == Kind::kUint || k == Kind::kDecimal || k == Kind::kFloat ||
         k == Kind::kTime;
}
constexpr bool kind_has_text(Kind k) {
  return k == Kind::kNumberText || k == Kind::kString || k == Kind::kArray || k == Kind::kBytes;
}

// Bytes that grow at the end. A writer may fill room behind them before it knows how many bytes it will keep.
class TextBuffer {
 public:
  std::string_view view() const { return {bytes_.get(), size_}; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

  // At least `n` writable bytes behind the end; they count once used() says so.
  char* room(size_t n) {
    if (capacity_ - size_ < n) [[unlikely]]
      grow(n);
    return bytes_.get() + size_;
  }
  // Requires: n bytes of room() were filled.
  void used(size_t n) { size_ += n; }
  void append(std::string_view v) {
    char* to = room(v.size() + 1);
    if (!v.empty()) std::memcpy(to, v.data(), v.size());
    size_ += v.size();
  }
  // Requires: n <= size().
  void shrink(size_t n) { size_ = n; }

 private:
  void grow(size_t n);

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// `count` rows from `row` on, each with a value of `kind`.
struct KindRun {
  uint32_t row = 0;
  uint32_t count = 0;
  Kind kind = Kind::kNull;
};

// Threads: one at a time.
class Column {
 public:
  explicit Column(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  // Where the values came from; the event itself when nothing was noted.
  Origins origins() const { return origins_ != 0 ? origins_ : bit(Origin::kRecord); }
  void note_origins(Origins origins) { origins_ |= origins; }

  // Appends a value for `row`.  Requires: row above every row appended before.
  void add_null(uint32_t row) { note(row, Kind::kNull); }
  void add_empty_object(uint32_t row) { note(row, Kind::kEmptyObject); }
  void add_bool(uint32_t row, bool v) { add_int_lane(row, Kind::kBool, v ? 1 : 0); }
  void add_int(uint32_t row, int64_t v) { add_int_lane(row, Kind::kInt, v); }
  void add_uint(uint32_t row, uint64_t v) {
    add_int_lane(row, v >> 63 ? Kind::kUint : Kind::kInt, static_cast<int64_t>(v));
  }
  void add_decimal(uint32_t row, int64_t mantissa, uint8_t scale) {
    add_int_lane(row, Kind::kDecimal, mantissa);
    scales_.push_back(scale);
  }
  void add_float(uint32_t row, double v);
  void add_time(uint32_t row, int64_t unix_nanos) { add_int_lane(row, Kind::kTime, unix_nanos); }
  void add_text(uint32_t row, Kind kind, std::string_view v) {
    note(row, kind);
    text_.append(v);
    text_ends_.push_back(static_cast<uint32_t>(text_.size()));
  }
  // The same in two steps, for writers that copy while they scan: fill text_room(), then add what was kept.
  char* text_room(size_t bytes_max) { return text_.room(bytes_max); }
  void add_filled_text(uint32_t row, Kind kind, size_t bytes) {
    note(row, kind);
    text_.used(bytes);
    text_ends_.push_back(static_cast<uint32_t>(text_.size()));
  }
  void add_string(uint32_t row, std::string_view v) { add_text(row, Kind::kString, v); }
  // A JSON number token as it stands; picks the kind that gives the same text back.
  void add_number(uint32_t row, std::string_view token);

  // Lanes, in row order. A kind uses the ints lane, the text lane, or none.
  const std::vector<KindRun>& runs() const { return runs_; }
  const std::vector<int64_t>& ints() const { return ints_; }
  const std::vector<uint8_t>& scales() const { return scales_; }
  std::string_view text() const { return text_.view(); }
  const std::vector<uint32_t>& text_ends() const { return text_ends_; }
  uint32_t values_count() const { return values_; }
  std::string_view text_at(size_t i) const {
    uint32_t begin = i == 0 ? 0 : text_ends_[i - 1];
    return text_.view().substr(begin, text_ends_[i] - begin);
  }
  // The row after the last one with a value; 0 when empty.
  uint32_t rows_end() const { return runs_.empty() ? 0 : runs_.back().row + runs_.back().count; }

  // Makes room for as many values as another column holds, so that filling this one need not grow.
  struct Sizes {
    uint32_t ints = 0;
    uint32_t scales = 0;
    uint32_t texts = 0;
    uint32_t text_bytes = 0;
  };
  Sizes sizes() const {
    return {static_cast<uint32_t>(ints_.size()), static_cast<uint32_t>(scales_.size()),
            static_cast<uint32_t>(text_ends_.size()), static_cast<uint32_t>(text_.size())};
  }
  void reserve(const Sizes& sizes);

  // Forgets the values, keeps the memory.
  void clear();
  // Takes back everything from `row` on (a bad line's half-built event).
  void truncate_rows(uint32_t row);
  size_t memory_bytes() const;

 private:
  [[gnu::always_inline]] void note(uint32_t row, Kind kind) {
    ++values_;
    if (!runs_.empty()) [[likely]] {
      KindRun& last = runs_.back();
      if (last.kind == kind && last.row + last.count == row) [[likely]] {
        ++last.count;
        return;
      }
    }
    begin_run(row, kind);
  }
  void begin_run(uint32_t row, Kind kind);
  void add_int_lane(uint32_t row, Kind kind, int64_t v) {
    note(row, kind);
    ints_.push_back(v);
  }

  std::string name_;
  Origins origins_ = 0;
  std::vector<KindRun> runs_;
  std::vector<int64_t> ints_;
  std::vector<uint8_t> scales_;  // one per kDecimal
  TextBuffer text_;
  std::vector<uint32_t> text_ends_;
  uint32_t values_ = 0;
};

// The JSON text of a number that a kind of the ints lane stands for.
void print_number(Kind kind, int64_t lane, uint8_t scale, std::string& out);

}  // namespace clew::model
