#include "query/exec/group.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "base/hash.h"
#include "expr/coerce.h"
#include "query/exec/block.h"

namespace clew::query::exec {

using model::Layout;
using model::Type;
using model::Value;
using model::Vector;

namespace {

constexpr uint32_t kUnknown = UINT32_MAX;
constexpr uint32_t kPrefetchRows = 12;  // as far ahead of its use a place of a hash table is fetched
constexpr size_t kTextChunkMin = 16u << 10;
constexpr size_t kTextChunkMax = 1u << 20;
constexpr size_t kTableMin = 64;
constexpr double kTwo63 = 9223372036854775808.0;
constexpr uint64_t kMapEntryBytes = 24;  // of a hash map of numbers, room for growth included

void append_i64(char tag, int64_t v, std::string& out) {
  out.push_back(tag);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

// The integer that a number is, of whatever type.
std::optional<int64_t> whole(const Value& v) {
  switch (v.type()) {
    case Type::kInt:
    case Type::kLong: return v.i64();
    case Type::kULong: return v.i64() < 0 ? std::nullopt : std::optional<int64_t>(v.i64());
    case Type::kDouble:
    case Type::kFloat: {
      bool fits = v.f64() == std::floor(v.f64()) && v.f64() >= -kTwo63 && v.f64() < kTwo63;
      return fits ? std::optional<int64_t>(static_cast<int64_t>(v.f64())) : std::nullopt;
    }
    case Type::kDecimal: {
      int64_t one = expr::kPowersOfTen[v.scale()];
      return v.i64() % one == 0 ? std::optional<int64_t>(v.i64() / one) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

void append_number_key(const Value& v, std::string& out) {
  if (std::optional<int64_t> integer = whole(v)) return append_i64('i', *integer, out);
  if (v.type() == Type::kULong) return append_i64('u', v.i64(), out);
  double real = v.type() == Type::kDecimal ? expr::decimal_to_double(v.i64(), v.scale()) : v.f64();
  if (real >= kTwo63 && real < 2 * kTwo63) {
    return append_i64('u', static_cast<int64_t>(static_cast<uint64_t>(real)), out);
  }
  append_i64('d', std::bit_cast<int64_t>(std::isnan(real) ? std::nan("") : real), out);
}

void append_text_key(char tag, std::string_view text, std::string& out) {
  append_i64(tag, static_cast<int64_t>(text.size()), out);
  out.append(text);
}

void append_value_key(const Value& v, std::string& out) {
  switch (v.type()) {
    case Type::kNull: out.push_back('n'); return;
    case Type::kBool: return append_i64('b', v.i64(), out);
    case Type::kInt:
    case Type::kLong:
    case Type::kULong:
    case Type::kDouble:
    case Type::kFloat:
    case Type::kDecimal: return append_number_key(v, out);
    case Type::kString: return append_text_key('s', v.text(), out);
    case Type::kIp: return append_text_key('p', v.text(), out);
    case Type::kTimestamp: return append_i64('t', v.i64(), out);
    case Type::kDate: return append_i64('D', v.i64(), out);
    case Type::kTime: return append_i64('T', v.i64(), out);
    case Type::kInterval: return append_i64('I', v.i64(), out);
    case Type::kArray:
      append_i64('a', static_cast<int64_t>(v.items().size()), out);
      for (const Value& item : v.items()) append_value_key(item, out);
      return;
    case Type::kStruct:
      append_i64('o', static_cast<int64_t>(v.members().size()), out);
      for (const auto& [name, member] : v.members()) {
        append_text_key('k', name, out);
        append_value_key(member, out);
      }
      return;
    case Type::kMixed: return;
  }
}

bool plain_int(Type type) {
  return type == Type::kInt || type == Type::kLong || type == Type::kTimestamp || type == Type::kDate ||
         type == Type::kBool;
}

}  // namespace

void append_key(const Vector& vector, uint32_t row, std::string& out) {
  if (vector.is_null(row)) {
    out.push_back('n');
    return;
  }
  if (vector.type == Type::kString && vector.layout != Layout::kValues) {
    bool dict = vector.layout == Layout::kDict;
    return append_text_key('s', dict ? vector.dict->strings[vector.codes[row]] : vector.strings[vector.at(row)], out);
  }
  append_value_key(vector.value(row), out);
}

uint32_t KeyColumn::add_entry(Entry entry) {
  entries_.push_back(entry);
  return static_cast<uint32_t>(entries_.size() - 1);
}

uint32_t KeyColumn::add(const Value& value) {
  if (value.is_null() || plain_int(value.type())) return add_entry({value.i64(), 0, value.type(), false});
  bytes_ += sizeof(Value) + 2 * value.text().size() + 48;
  others_.push_back(value);
  return add_entry({static_cast<int64_t>(others_.size() - 1), 0, value.type(), true});
}

std::string_view KeyColumn::text_of(const Entry& entry) const {
  return {reinterpret_cast<const char*>(entry.lane), entry.size};
}

std::string_view KeyColumn::keep_text(std::string_view text) {
  if (text.size() > free_bytes_) {
    size_t chunk = std::clamp<size_t>(text_bytes_, kTextChunkMin, kTextChunkMax);
    free_bytes_ = std::max(text.size(), chunk);
    auto bytes = std::make_shared<std::vector<char>>(free_bytes_);
    free_ = bytes->data();
    text_bytes_ += free_bytes_;
    bytes_ += free_bytes_;
    owners_.push_back(std::move(bytes));
  }
  char* begin = free_;
  std::copy(text.begin(), text.end(), begin);
  free_ += text.size();
  free_bytes_ -= text.size();
  return {begin, text.size()};
}

Value KeyColumn::value(uint32_t id) const {
  const Entry& entry = entries_[id];
  if (entry.other) return others_[static_cast<size_t>(entry.lane)];
  if (entry.type == Type::kNull) return {};
  if (entry.type == Type::kString) return Value::string(std::string(text_of(entry)));
  return Value::of_lane(entry.type, entry.lane);
}

model::VectorPtr KeyColumn::values(std::span<const uint32_t> ids) const {
  Type type = Type::kNull;
  bool nulls = false;
  for (uint32_t id : ids) {
    const Entry& entry = entries_[id];
    nulls = nulls || entry.type == Type::kNull;
    if (entry.type == Type::kNull) continue;
    if (entry.other || (type != Type::kNull && entry.type != type)) {
      std::vector<Value> list;
      list.reserve(ids.size());
      for (uint32_t each : ids) list.push_back(value(each));
      return vector_of(list);
    }
    type = entry.type;
  }
  auto size = static_cast<uint32_t>(ids.size());
  if (type == Type::kNull) return null_vector(size);
  Vector out;
  out.type = type;
  out.layout = Layout::kFlat;
  out.size = size;
  if (nulls) out.nulls.resize(size);
  bool texts = type == Type::kString;
  texts ? out.strings.resize(size) : out.i64.resize(size);
  for (uint32_t i = 0; i < size; ++i) {
    const Entry& entry = entries_[ids[i]];
    if (entry.type == Type::kNull)
      out.nulls[i] = 1;
    else if (texts)
      out.strings[i] = text_of(entry);
    else
      out.i64[i] = entry.lane;
  }
  if (texts) out.owners = owners_;
  return std::make_shared<const Vector>(std::move(out));
}

uint32_t KeyColumn::intern_null() {
  if (null_id_ == kUnknown) null_id_ = add({});
  return null_id_;
}

uint32_t KeyColumn::intern_int(Type type, int64_t v) {
  auto [it, fresh] = ints_.try_emplace(v, 0);
  if (!fresh) return others_.empty() ? it->second : shown_as(it->second, Value::of_lane(type, v));
  bytes_ += kMapEntryBytes;
  if (!keys_.empty()) {
    // The same number may have come before as a double.
    scratch_.clear();
    append_value_key(Value::of_lane(type, v), scratch_);
    auto same = keys_.find(scratch_);
    if (same != keys_.end()) return it->second = shown_as(same->second, Value::of_lane(type, v));
  }
  return it->second = add_entry({v, 0, type, false});
}

// Equal numbers of a key are shown as one: an integer if there is one, else 0.0 rather than -0.0. Which of them came
// first no worker knows.
uint32_t KeyColumn::shown_as(uint32_t id, const Value& value) {
  auto place = [](const Value& v) {
    if (!expr::is_number(v.type())) return 0;
    if (expr::is_integer(v.type()) || v.type() == Type::kULong) return 1;
    return expr::is_real(v.type()) && v.f64() == 0 && std::signbit(v.f64()) ? 3 : 2;
  };
  const Entry& entry = entries_[id];
  if (!entry.other) return id;
  Value& shown = others_[static_cast<size_t>(entry.lane)];
  if (place(value) < place(shown)) {
    shown = value;
    entries_[id].type = value.type();
  }
  return id;
}

// A number of another type that is the integer `v`.
uint32_t KeyColumn::intern_whole(const Value& value, int64_t v) {
  auto it = ints_.find(v);
  if (it != ints_.end()) return shown_as(it->second, value);
  scratch_.clear();
  append_i64('i', v, scratch_);
  auto same = keys_.find(scratch_);
  uint32_t id = same != keys_.end() ? shown_as(same->second, value) : add(value);
  ints_.emplace(v, id);
  bytes_ += kMapEntryBytes;
  return id;
}

// `kept`: the text lies in owners_ already.
uint32_t KeyColumn::intern_text(const TextKey& key, bool kept) {
  auto it = texts_.find(key);
  if (it != texts_.end()) return it->second;
  std::string_view text = kept ? key.text : keep_text(key.text);
  uint32_t id =
      add_entry({reinterpret_cast<int64_t>(text.data()), static_cast<uint32_t>(text.size()), Type::kString, false});
  texts_.emplace(TextKey{text, key.hash}, id);
  bytes_ += kMapEntryBytes + sizeof(TextKey);
  return id;
}

uint32_t KeyColumn::intern_value(const Value& value) {
  if (value.is_null()) return intern_null();
  if (value.type() == Type::kString) return intern_text({value.text(), base::hash64(value.text())}, false);
  if (plain_int(value.type()) && (int_type_ == Type::kNull || int_type_ == value.type())) {
    int_type_ = value.type();
    return intern_int(value.type(), value.i64());
  }
  // Integers of a type other than the first share the byte map, so 1 and 1.0 must meet there or not at all: numbers
  // that are integers go to the integers' map when that is of kInt or kLong.
  if (int_type_ == Type::kInt || int_type_ == Type::kLong) {
    if (std::optional<int64_t> integer = whole(value)) {
      bool own = value.type() == Type::kInt || value.type() == Type::kLong;
      return own ? intern_int(int_type_, *integer) : intern_whole(value, *integer);
    }
  }
  scratch_.clear();
  append_value_key(value, scratch_);
  auto it = keys_.find(scratch_);
  if (it != keys_.end()) return shown_as(it->second, value);
  uint32_t id = add(value);
  keys_.emplace(scratch_, id);
  return id;
}

uint32_t KeyColumn::intern_row(const Vector& vector, uint32_t row) {
  if (vector.is_null(row)) return intern_null();
  if (vector.layout != Layout::kValues && vector.type == Type::kString) {
    std::string_view text = vector.strings[vector.at(row)];
    return intern_text({text, base::hash64(text)}, false);
  }
  return intern_value(vector.value(row));
}

void KeyColumn::intern_dict(const Vector& vector, uint32_t rows, uint32_t* ids) {
  if (dict_ != vector.dict) {
    dict_ = vector.dict;
    dict_ids_.assign(vector.dict->size, kUnknown);
  }
  for (uint32_t row = 0; row < rows; ++row) {
    if (!vector.nulls.empty() && vector.nulls[row] != 0) {
      ids[row] = intern_null();
      continue;
    }
    uint32_t& id = dict_ids_[vector.codes[row]];
    if (id == kUnknown) id = intern_row(*vector.dict, vector.codes[row]);
    ids[row] = id;
  }
}

void KeyColumn::intern_ints(const Vector& vector, uint32_t rows, uint32_t* ids) {
  int_type_ = vector.type;
  // Neighbours are often equal (time buckets, sorted columns).
  int64_t last = 0;
  uint32_t last_id = kUnknown;
  for (uint32_t row = 0; row < rows; ++row) {
    if (row + kPrefetchRows < rows) ints_.prefetch(vector.i64[row + kPrefetchRows]);
    if (!vector.nulls.empty() && vector.nulls[row] != 0) {
      ids[row] = intern_null();
      continue;
    }
    int64_t v = vector.i64[row];
    if (last_id == kUnknown || v != last) {
      last = v;
      last_id = intern_int(vector.type, v);
    }
    ids[row] = last_id;
  }
}

void KeyColumn::intern_texts(const Vector& vector, uint32_t rows, uint32_t* ids) {
  hashes_.resize(rows);
  auto null = [&](uint32_t row) { return !vector.nulls.empty() && vector.nulls[row] != 0; };
  for (uint32_t row = 0; row < rows; ++row) hashes_[row] = null(row) ? 0 : base::hash64(vector.strings[row]);
  for (uint32_t row = 0; row < rows; ++row) {
    uint32_t ahead = row + kPrefetchRows;
    if (ahead < rows) texts_.prefetch(TextKey{std::string_view(), hashes_[ahead]});
    ids[row] = null(row) ? intern_null() : intern_text({vector.strings[row], hashes_[row]}, false);
  }
}

void KeyColumn::intern(const Vector& vector, uint32_t rows, uint32_t* ids) {
  if (rows == 0) return;
  if (vector.type == Type::kNull || vector.layout == Layout::kConst) {
    uint32_t id = intern_row(vector, 0);
    for (uint32_t row = 0; row < rows; ++row) ids[row] = id;
    return;
  }
  if (vector.layout == Layout::kDict) return intern_dict(vector, rows, ids);
  bool flat = vector.layout == Layout::kFlat;
  if (flat && vector.type == Type::kString) return intern_texts(vector, rows, ids);
  if (flat && plain_int(vector.type) && (int_type_ == Type::kNull || int_type_ == vector.type)) {
    return intern_ints(vector, rows, ids);
  }
  for (uint32_t row = 0; row < rows; ++row) ids[row] = intern_row(vector, row);
}

std::vector<uint32_t> KeyColumn::absorb(const KeyColumn& other) {
  std::vector<uint32_t> map;
  map.reserve(other.size());
  owners_.insert(owners_.begin(), other.owners_.begin(), other.owners_.end());  // the last stays ours
  text_bytes_ += other.text_bytes_;
  bytes_ += other.text_bytes_;
  for (size_t i = 0; i < other.entries_.size(); ++i) {
    const Entry& entry = other.entries_[i];
    if (i + kPrefetchRows < other.entries_.size()) {
      const Entry& ahead = other.entries_[i + kPrefetchRows];
      if (!ahead.other && ahead.type != Type::kString) ints_.prefetch(ahead.lane);
    }
    bool same_ints = int_type_ == Type::kNull || other.int_type_ == int_type_;
    if (entry.type == Type::kString && !entry.other) {
      std::string_view text = text_of(entry);
      map.push_back(intern_text({text, base::hash64(text)}, true));
    } else if (same_ints && !entry.other && entry.type != Type::kNull && entry.type == other.int_type_) {
      int_type_ = entry.type;
      map.push_back(intern_int(entry.type, entry.lane));
    } else {
      map.push_back(intern_value(other.value(static_cast<uint32_t>(i))));
    }
  }
  return map;
}

uint64_t Grouper::hash_of(const uint32_t* ids) const {
  uint64_t hash = 0;
  for (size_t k = 0; k < columns_.size(); ++k) hash = base::hash_mix(hash, ids[k]);
  return hash;
}

void Grouper::grow() {
  size_t places = std::max(kTableMin, std::bit_ceil(size_t{groups_} * 4));
  table_.assign(places, kUnknown);
  for (uint32_t g = 0; g < groups_; ++g) {
    size_t at = group_hashes_[g] & (places - 1);
    while (table_[at] != kUnknown) at = (at + 1) & (places - 1);
    table_[at] = g;
  }
}

uint32_t Grouper::group_of(const uint32_t* ids, uint64_t hash) {
  if (size_t{groups_} * 2 >= table_.size()) grow();
  size_t keys = columns_.size();
  size_t at = hash & (table_.size() - 1);
  while (table_[at] != kUnknown) {
    uint32_t g = table_[at];
    if (group_hashes_[g] == hash && std::equal(ids, ids + keys, group_ids_.data() + g * keys)) return g;
    at = (at + 1) & (table_.size() - 1);
  }
  table_[at] = groups_;
  group_hashes_.push_back(hash);
  group_ids_.insert(group_ids_.end(), ids, ids + keys);
  return groups_++;
}

void Grouper::assign(const std::vector<model::VectorPtr>& keys, uint32_t rows, std::vector<uint32_t>& groups) {
  groups.resize(rows);
  size_t count = columns_.size();
  if (count == 1) return columns_[0].intern(*keys[0], rows, groups.data());
  ids_.resize(count);
  tuples_.resize(rows * count);
  for (size_t k = 0; k < count; ++k) {
    ids_[k].resize(rows);
    columns_[k].intern(*keys[k], rows, ids_[k].data());
    for (uint32_t row = 0; row < rows; ++row) tuples_[row * count + k] = ids_[k][row];
  }
  hashes_.resize(rows);
  for (uint32_t row = 0; row < rows; ++row) hashes_[row] = hash_of(&tuples_[row * count]);
  for (uint32_t row = 0; row < rows; ++row) {
    if (row + kPrefetchRows < rows && !table_.empty()) {
      __builtin_prefetch(&table_[hashes_[row + kPrefetchRows] & (table_.size() - 1)]);
    }
    const uint32_t* ids = &tuples_[row * count];
    bool again = row > 0 && hashes_[row] == hashes_[row - 1] && std::equal(ids, ids + count, ids - count);
    groups[row] = again ? groups[row - 1] : group_of(ids, hashes_[row]);
  }
}

std::vector<Value> Grouper::key_values(size_t key) const {
  std::vector<Value> out;
  out.reserve(groups());
  for (uint32_t g = 0; g < groups(); ++g) {
    out.push_back(columns_[key].value(columns_.size() == 1 ? g : group_ids_[g * columns_.size() + key]));
  }
  return out;
}

model::VectorPtr Grouper::key_column(size_t key, std::span<const uint32_t> groups) const {
  if (columns_.size() == 1) return columns_[0].values(groups);
  std::vector<uint32_t> ids;
  ids.reserve(groups.size());
  for (uint32_t g : groups) ids.push_back(group_ids_[g * columns_.size() + key]);
  return columns_[key].values(ids);
}

std::vector<uint32_t> Grouper::absorb(const Grouper& other) {
  size_t keys = columns_.size();
  std::vector<std::vector<uint32_t>> maps(keys);
  for (size_t k = 0; k < keys; ++k) maps[k] = columns_[k].absorb(other.columns_[k]);
  if (keys == 1) return std::move(maps[0]);
  std::vector<uint32_t> tuples(other.group_ids_.size());
  std::vector<uint64_t> hashes(other.groups_);
  for (uint32_t g = 0; g < other.groups_; ++g) {
    for (size_t k = 0; k < keys; ++k) tuples[g * keys + k] = maps[k][other.group_ids_[g * keys + k]];
    hashes[g] = hash_of(&tuples[g * keys]);
  }
  std::vector<uint32_t> out(other.groups_);
  for (uint32_t g = 0; g < other.groups_; ++g) {
    if (g + kPrefetchRows < other.groups_ && !table_.empty()) {
      __builtin_prefetch(&table_[hashes[g + kPrefetchRows] & (table_.size() - 1)]);
    }
    out[g] = group_of(&tuples[g * keys], hashes[g]);
  }
  return out;
}

uint64_t Grouper::memory_bytes() const {
  uint64_t bytes =
      (group_ids_.capacity() + table_.capacity()) * sizeof(uint32_t) + group_hashes_.capacity() * sizeof(uint64_t);
  for (const KeyColumn& column : columns_) bytes += column.memory_bytes();
  return bytes;
}

}  // namespace clew::query::exec
