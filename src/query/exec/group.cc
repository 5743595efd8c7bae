#include "query/exec/group.h"

#include <cmath>
#include <cstring>

namespace clew::query::exec {

using model::Layout;
using model::Type;
using model::Value;
using model::Vector;

namespace {

constexpr uint32_t kUnknown = UINT32_MAX;

void append_i64(char tag, int64_t v, std::string& out) {
  out.push_back(tag);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

void append_double_key(double v, std::string& out) {
  // An integral double is the same key as the integer.
  if (v == std::floor(v) && std::abs(v) < 9.0e18) return append_i64('i', static_cast<int64_t>(v), out);
  if (std::isnan(v)) v = std::nan("");
  int64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  append_i64('d', bits, out);
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
    case Type::kLong: return append_i64('i', v.i64(), out);
    case Type::kULong:
      if (v.i64() >= 0) return append_i64('i', v.i64(), out);
      return append_i64('u', v.i64(), out);
    case Type::kDouble:
    case Type::kFloat: return append_double_key(v.f64(), out);
    case Type::kDecimal: {
      double d = static_cast<double>(v.i64()) / std::pow(10.0, v.scale());
      return append_double_key(d, out);
    }
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

uint32_t KeyColumn::add(Value value) {
  bytes_ += sizeof(Value) + 2 * value.text().size() + 48;
  values_.push_back(std::move(value));
  return static_cast<uint32_t>(values_.size() - 1);
}

uint32_t KeyColumn::intern_null() {
  if (null_id_ == kUnknown) null_id_ = add({});
  return null_id_;
}

uint32_t KeyColumn::intern_int(Type type, int64_t v) {
  auto [it, fresh] = ints_.try_emplace(v, 0);
  if (!fresh) return it->second;
  if (!keys_.empty()) {
    // The same number may have come before as a double.
    scratch_.clear();
    append_value_key(Value::of_lane(type, v), scratch_);
    auto same = keys_.find(scratch_);
    if (same != keys_.end()) return it->second = same->second;
  }
  return it->second = add(Value::of_lane(type, v));
}

uint32_t KeyColumn::intern_text(Type type, std::string_view v) {
  scratch_.clear();
  append_text_key(type == Type::kIp ? 'p' : 's', v, scratch_);
  auto it = keys_.find(scratch_);
  if (it != keys_.end()) return it->second;
  Value value = Value::string(std::string(v));
  value.set_type(type);
  uint32_t id = add(std::move(value));
  keys_.emplace(scratch_, id);
  return id;
}

uint32_t KeyColumn::intern_value(const Value& value) {
  if (value.is_null()) return intern_null();
  if (plain_int(value.type()) && (int_type_ == Type::kNull || int_type_ == value.type())) {
    int_type_ = value.type();
    return intern_int(value.type(), value.i64());
  }
  // Integers of a type other than the first share the byte map, so 1 and 1.0 must meet there or not at all: doubles
  // that are integral go to the integers' map when that is of kInt or kLong.
  if (int_type_ == Type::kInt || int_type_ == Type::kLong) {
    bool integer = value.type() == Type::kInt || value.type() == Type::kLong;
    if (integer) return intern_int(int_type_, value.i64());
    if (value.type() == Type::kDouble || value.type() == Type::kFloat) {
      double d = value.f64();
      if (d == std::floor(d) && std::abs(d) < 9.0e18) return intern_int(int_type_, static_cast<int64_t>(d));
    }
  }
  scratch_.clear();
  append_value_key(value, scratch_);
  auto it = keys_.find(scratch_);
  if (it != keys_.end()) return it->second;
  uint32_t id = add(value);
  keys_.emplace(scratch_, id);
  return id;
}

uint32_t KeyColumn::intern_row(const Vector& vector, uint32_t row) {
  if (vector.is_null(row)) return intern_null();
  if (vector.layout != Layout::kValues && (vector.type == Type::kString || vector.type == Type::kIp)) {
    return intern_text(vector.type, vector.strings[vector.at(row)]);
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

void KeyColumn::intern(const Vector& vector, uint32_t rows, uint32_t* ids) {
  if (rows == 0) return;
  if (vector.type == Type::kNull || vector.layout == Layout::kConst) {
    uint32_t id = intern_row(vector, 0);
    for (uint32_t row = 0; row < rows; ++row) ids[row] = id;
    return;
  }
  if (vector.layout == Layout::kDict) return intern_dict(vector, rows, ids);
  bool ints = plain_int(vector.type) && vector.layout == Layout::kFlat &&
              (int_type_ == Type::kNull || int_type_ == vector.type);
  if (!ints) {
    for (uint32_t row = 0; row < rows; ++row) ids[row] = intern_row(vector, row);
    return;
  }
  int_type_ = vector.type;
  // Neighbours are often equal (time buckets, sorted columns).
  int64_t last = 0;
  uint32_t last_id = kUnknown;
  for (uint32_t row = 0; row < rows; ++row) {
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

uint32_t Grouper::group_of(const uint32_t* ids) {
  size_t keys = columns_.size();
  uint32_t* found = nullptr;
  if (keys == 1) {
    if (ids[0] >= by_first_.size()) by_first_.resize(ids[0] + 1, kUnknown);
    found = &by_first_[ids[0]];
  } else if (keys == 2) {
    found = &pairs_.try_emplace((static_cast<uint64_t>(ids[0]) << 32) | ids[1], kUnknown).first->second;
  } else {
    std::string key(reinterpret_cast<const char*>(ids), keys * sizeof(uint32_t));
    found = &tuples_.try_emplace(std::move(key), kUnknown).first->second;
  }
  if (*found == kUnknown) {
    *found = groups_++;
    group_ids_.insert(group_ids_.end(), ids, ids + keys);
  }
  return *found;
}

void Grouper::assign(const std::vector<model::VectorPtr>& keys, uint32_t rows, std::vector<uint32_t>& groups) {
  groups.resize(rows);
  ids_.resize(columns_.size());
  for (size_t k = 0; k < columns_.size(); ++k) {
    ids_[k].resize(rows);
    columns_[k].intern(*keys[k], rows, ids_[k].data());
  }
  if (columns_.size() == 1) {
    for (uint32_t row = 0; row < rows; ++row) groups[row] = group_of(&ids_[0][row]);
    return;
  }
  std::vector<uint32_t> tuple(columns_.size());
  std::vector<uint32_t> last(columns_.size(), kUnknown);
  uint32_t last_group = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    for (size_t k = 0; k < columns_.size(); ++k) tuple[k] = ids_[k][row];
    if (tuple != last) {
      last_group = group_of(tuple.data());
      last = tuple;
    }
    groups[row] = last_group;
  }
}

std::vector<Value> Grouper::key_values(size_t key) const {
  std::vector<Value> out;
  out.reserve(groups_);
  for (uint32_t g = 0; g < groups_; ++g) out.push_back(columns_[key].value(group_ids_[g * columns_.size() + key]));
  return out;
}

std::vector<uint32_t> Grouper::absorb(const Grouper& other) {
  size_t keys = columns_.size();
  std::vector<std::vector<uint32_t>> maps(keys);
  for (size_t k = 0; k < keys; ++k) {
    maps[k].reserve(other.columns_[k].size());
    for (uint32_t id = 0; id < other.columns_[k].size(); ++id) {
      maps[k].push_back(columns_[k].intern_value(other.columns_[k].value(id)));
    }
  }
  std::vector<uint32_t> out;
  out.reserve(other.groups_);
  std::vector<uint32_t> tuple(keys);
  for (uint32_t g = 0; g < other.groups_; ++g) {
    for (size_t k = 0; k < keys; ++k) tuple[k] = maps[k][other.group_ids_[g * keys + k]];
    out.push_back(group_of(tuple.data()));
  }
  return out;
}

uint64_t Grouper::memory_bytes() const {
  uint64_t bytes = group_ids_.size() * 4 + by_first_.size() * 4 + pairs_.size() * 24 + tuples_.size() * 64;
  for (const KeyColumn& column : columns_) bytes += column.memory_bytes();
  return bytes;
}

}  // namespace clew::query::exec
