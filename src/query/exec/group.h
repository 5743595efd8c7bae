// Grouping: rows to dense group numbers by their key columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "model/vector.h"

namespace clew::query::exec {

// A value as bytes such that equal values, and only they, have equal bytes: 1, 1.0 and the decimal 1.0 are equal; a
// number and its text are not. Null is a value of its own.
void append_key(const model::Vector& vector, uint32_t row, std::string& out);

// The distinct values of one key column, numbered from 0 in order of appearance.
//
// Threads: one at a time.
class KeyColumn {
 public:
  // Numbers of the rows' values, into `ids`.
  void intern(const model::Vector& vector, uint32_t rows, uint32_t* ids);
  uint32_t size() const { return static_cast<uint32_t>(values_.size()); }
  const model::Value& value(uint32_t id) const { return values_[id]; }
  uint32_t intern_value(const model::Value& value);
  uint64_t memory_bytes() const { return bytes_; }

 private:
  uint32_t intern_row(const model::Vector& vector, uint32_t row);
  uint32_t intern_int(model::Type type, int64_t v);
  uint32_t intern_text(model::Type type, std::string_view v);
  uint32_t intern_null();
  uint32_t add(model::Value value);
  void intern_dict(const model::Vector& vector, uint32_t rows, uint32_t* ids);

  std::vector<model::Value> values_;
  uint32_t null_id_ = UINT32_MAX;
  absl::flat_hash_map<int64_t, uint32_t> ints_;  // of int_type_
  model::Type int_type_ = model::Type::kNull;
  absl::flat_hash_map<std::string, uint32_t> keys_;  // append_key() bytes
  // The dictionary met last and what its codes became; the vector is kept so that its address is not taken again.
  std::shared_ptr<const model::Vector> dict_;
  std::vector<uint32_t> dict_ids_;
  std::string scratch_;
  uint64_t bytes_ = 0;
};

// Groups by several key columns.
//
// Threads: one at a time.
class Grouper {
 public:
  explicit Grouper(size_t keys) : columns_(keys) {}

  // Group numbers of the rows; groups are numbered in order of appearance.
  void assign(const std::vector<model::VectorPtr>& keys, uint32_t rows, std::vector<uint32_t>& groups);
  uint32_t groups() const { return groups_; }
  // Values of key column `key` by group.
  std::vector<model::Value> key_values(size_t key) const;
  // Numbers here of all groups of `other`, which is of the same keys.
  std::vector<uint32_t> absorb(const Grouper& other);
  uint64_t memory_bytes() const;

 private:
  uint32_t group_of(const uint32_t* ids);

  std::vector<KeyColumn> columns_;
  uint32_t groups_ = 0;
  std::vector<uint32_t> group_ids_;                    // keys x groups: value numbers of each group
  std::vector<uint32_t> by_first_;                     // one key: group by value number
  absl::flat_hash_map<uint64_t, uint32_t> pairs_;      // two keys
  absl::flat_hash_map<std::string, uint32_t> tuples_;  // more
  std::vector<std::vector<uint32_t>> ids_;             // scratch: by key, by row
};

}  // namespace clew::query::exec
