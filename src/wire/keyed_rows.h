// KeyedRows writes events that are made of named values from several levels: the record itself, its attributes, and
// what it shares with its neighbours (resource, scope, stream labels). A name that a stronger level has taken in this
// event moves below the name of its own level: `resource.host.name`.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/rest.h"
#include "wire/object_lists.h"
#include "wire/row_writer.h"

namespace clew::wire {

// Levels, strongest first. The name is the prefix that a weaker one gets: "attributes.", "body." ...
enum class Level : uint8_t { kRecord, kAttribute, kBody, kMetadata, kLabel, kScope, kResource };
constexpr size_t kLevels = 7;

constexpr size_t kValueBytesMax = 1u << 20;           // of one text; longer ones are cut and flagged
constexpr uint64_t kExpandedBytesMax = 256ull << 20;  // of one request, shared values counted once per event
// Names remembered from one request to the next.
constexpr uint32_t kKeysMax = 50'000;
constexpr size_t kKeyBytesMax = 4u << 20;

// Where fields beyond kFieldsPerEventMax go, as one JSON text.
constexpr std::string_view kOverflowField = "_more";

// A name as a sender writes it, with what came after it last time.
struct Key {
  std::string text;
  Field* field = nullptr;
  Key* after = nullptr;
  uint64_t mark = 0;         // the row that had it last, and the level there
  Key* below[kLevels] = {};  // the same name below that of a level, when it was needed
};

// Texts up to here are looked at by two overlapping loads.
constexpr size_t kShortBytes = 16;

template <class Word>
inline Word load_word(const char* p) {
  Word v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Requires: at most kShortBytes bytes.
inline bool is_short_ascii(std::string_view v) {
  const char* p = v.data();
  size_t n = v.size();
  if (n >= 8) return ((load_word<uint64_t>(p) | load_word<uint64_t>(p + n - 8)) & 0x8080808080808080u) == 0;
  if (n >= 4) return ((load_word<uint32_t>(p) | load_word<uint32_t>(p + n - 4)) & 0x80808080u) == 0;
  unsigned char seen = 0;
  for (char c : v) seen = static_cast<unsigned char>(seen | static_cast<unsigned char>(c));
  return seen < 0x80;
}

inline bool same_text(std::string_view a, std::string_view b) {
  size_t n = a.size();
  if (n != b.size()) return false;
  const char* p = a.data();
  const char* q = b.data();
  if (n > kShortBytes) return std::memcmp(p, q, n) == 0;
  if (n >= 8) {
    return load_word<uint64_t>(p) == load_word<uint64_t>(q) &&
           load_word<uint64_t>(p + n - 8) == load_word<uint64_t>(q + n - 8);
  }
  if (n >= 4) {
    return load_word<uint32_t>(p) == load_word<uint32_t>(q) &&
           load_word<uint32_t>(p + n - 4) == load_word<uint32_t>(q + n - 4);
  }
  for (size_t i = 0; i < n; ++i) {
    if (p[i] != q[i]) return false;
  }
  return true;
}

constexpr model::Origin origin_of(Level level) {
  switch (level) {
    case Level::kLabel: return model::Origin::kLabel;
    case Level::kScope: return model::Origin::kScope;
    case Level::kResource: return model::Origin::kResource;
    default: return model::Origin::kRecord;
  }
}

// A value that every event of a run has.
struct SharedValue {
  std::string name;
  Level level = Level::kResource;
  model::Kind kind = model::Kind::kNull;
  int64_t lane = 0;
  std::string text;
};

// Threads:  one.
// Lifetime: a Key lives until the next begin_request(); batches are the caller's.
// Usage:    begin_request(); then select(batch), share(), and for each event begin_row(), values, end_row() or
// abandon_row().
class KeyedRows {
 public:
  // Forgets what no longer pays to remember.
  void begin_request();
  // Events go to `batch` from now on.
  void select(model::Batch& batch, const Intake& intake);
  // What the following events share, strongest level first.
  void share(const std::vector<SharedValue>& values);

  Key* key(std::string_view name);
  // To be called after someone else used writer(), who may have made it forget its fields.
  void find_fields_again();

  // False when the request has grown over kExpandedBytesMax: then no row was begun.
  bool begin_row();
  uint32_t row() const { return writer_.row(); }
  RowWriter& writer() { return writer_; }

  // The field to which a value of this name and level goes; the next call is expected to come with the name that
  // followed it last time. Null when the event has kFieldsPerEventMax fields: then add through overflow().
  Field* open(std::string_view name, Level level) {
    Key* k = last_->after;
    if (k == nullptr || !same_text(k->text, name)) [[unlikely]]
      k = last_->after = key(name);
    last_ = k;
    return claim(k, level);
  }
  // The same for a key that the caller keeps.
  Field* claim(Key* k, Level level) {
    if (writer_.fields_in_row() >= kFieldsPerEventMax) [[unlikely]]
      return nullptr;
    if (writer_.has(k->field)) [[unlikely]]
      return contended(k, level);
    k->mark = mark(level);
    writer_.note_origin(k->field, origin_of(level));
    return k->field;
  }

  // Values; long texts are cut, bytes that are no UTF-8 flagged.
  void put_string(std::string_view name, Level level, std::string_view v) {
    if (v.size() > kShortBytes || !is_short_ascii(v)) [[unlikely]]
      v = checked(v);
    Field* f = open(name, level);
    if (f == nullptr) [[unlikely]]
      return overflow(name, {{}, model::Kind::kString, 0, 0, v});
    writer_.add_string(f, v);
  }
  void put_int(std::string_view name, Level level, int64_t v) {
    Field* f = open(name, level);
    if (f == nullptr) [[unlikely]]
      return overflow(name, {{}, model::Kind::kInt, 0, v, {}});
    writer_.add_int(f, v);
  }
  void put(std::string_view name, Level level, const model::RestField& v);
  // The same for fields of the record itself; a text is given back as it is kept.
  std::string_view put_string(Key* k, std::string_view v);
  void put_count(Key* k, uint64_t v);
  void put_int(Key* k, int64_t v);
  // Nanoseconds since the epoch, 0 for none; what no int64 holds stays a number.
  void put_nanos(Key* k, uint64_t unix_nanos);
  void put_double(std::string_view name, Level level, double v) {
    if (v - v != 0) [[unlikely]]
      return put_odd_double(name, level, v);
    Field* f = open(name, level);
    if (f == nullptr) [[unlikely]]
      return overflow(name, {{}, model::Kind::kFloat, 0, std::bit_cast<int64_t>(v), {}});
    writer_.add_float(f, v);
  }
  // The lists of an array of objects, each below `prefix` (which ends in a dot); they go into the shape of the event.
  void put_lists(std::string_view prefix, Level level, ObjectLists& lists);

  // Writes what is shared, and the row's own columns. `unix_nanos` 0: no time.
  void end_row(uint64_t unix_nanos);
  void abandon_row();
  // Takes back the values of the row, which goes on.
  void restart_row();

 private:
  struct Shared {
    Key* key;
    Level level;
    model::RestField value;
  };
  // A row number that no batch repeats, with a level.
  uint64_t mark(Level level) const { return serial_ << 3 | static_cast<uint64_t>(level); }
  void put_odd_double(std::string_view name, Level level, double v);
  Field* contended(Key* k, Level level);
  void put_to(Field* f, const model::RestField& v);
  std::string_view checked(std::string_view v);
  void overflow(std::string_view name, const model::RestField& v);
  void write_shared();
  void write_shape();
  int64_t event_time(uint64_t unix_nanos);

  RowWriter writer_;
  Intake intake_;
  std::deque<Key> keys_;
  std::unordered_map<std::string_view, Key*> by_text_;
  Key first_;  // stands before the first key of a row
  Key* last_ = &first_;
  std::vector<Shared> shared_;
  std::vector<SharedValue> shared_values_;
  size_t key_bytes_ = 0;
  uint64_t serial_ = 0;
  uint64_t fields_generation_ = 0;  // of writer_, when the keys' fields were found
  uint64_t shared_bytes_ = 0;
  uint64_t expanded_bytes_ = 0;
  std::string overflow_;                    // members of a JSON object
  std::vector<std::string> list_prefixes_;  // of the arrays of objects in this row
  std::string scratch_;
};

}  // namespace clew::wire
