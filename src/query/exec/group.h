// Grouping: rows to dense group numbers by their key columns.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
  uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }
  model::Value value(uint32_t id) const;
  // The values numbered `ids`, as a column.
  model::VectorPtr values(std::span<const uint32_t> ids) const;
  uint32_t intern_value(const model::Value& value);
  // Numbers here of all values of `other`, whose texts are shared.
  std::vector<uint32_t> absorb(const KeyColumn& other);
  uint64_t memory_bytes() const { return bytes_ + entries_.capacity() * sizeof(Entry); }

 private:
  // A value: integers and times in the lane, texts by address and size, anything else by its place in others_.
  struct Entry {
    int64_t lane = 0;
    uint32_t size = 0;
    model::Type type = model::Type::kNull;
    bool other = false;
  };
  struct TextKey {
    std::string_view text;
    uint64_t hash;
    bool operator==(const TextKey& b) const { return hash == b.hash && text == b.text; }
    template <class H>
    friend H AbslHashValue(H h, const TextKey& key) {
      return H::combine(std::move(h), key.hash);
    }
  };

  uint32_t intern_row(const model::Vector& vector, uint32_t row);
  uint32_t intern_int(model::Type type, int64_t v);
  uint32_t shown_as(uint32_t id, const model::Value& value);
  uint32_t intern_whole(const model::Value& value, int64_t v);
  uint32_t intern_text(const TextKey& key, bool kept);
  uint32_t intern_null();
  uint32_t add(const model::Value& value);
  uint32_t add_entry(Entry entry);
  std::string_view text_of(const Entry& entry) const;
  std::string_view keep_text(std::string_view text);
  void intern_dict(const model::Vector& vector, uint32_t rows, uint32_t* ids);
  void intern_ints(const model::Vector& vector, uint32_t rows, uint32_t* ids);
  void intern_texts(const model::Vector& vector, uint32_t rows, uint32_t* ids);

  std::vector<Entry> entries_;
  std::vector<model::Value> others_;
  std::vector<std::shared_ptr<const void>> owners_;  // what texts lie in
  char* free_ = nullptr;                             // room in the last of our own
  size_t free_bytes_ = 0;
  uint32_t null_id_ = UINT32_MAX;
  absl::flat_hash_map<int64_t, uint32_t> ints_;  // of int_type_
  model::Type int_type_ = model::Type::kNull;
  absl::flat_hash_map<TextKey, uint32_t> texts_;     // strings
  absl::flat_hash_map<std::string, uint32_t> keys_;  // the rest: append_key() bytes
  // The dictionary met last and what its codes became; the vector is kept so that its address is not taken again.
  std::shared_ptr<const model::Vector> dict_;
  std::vector<uint32_t> dict_ids_;
  std::vector<uint64_t> hashes_;  // scratch
  std::string scratch_;
  uint64_t text_bytes_ = 0;  // of owners_
  uint64_t bytes_ = 0;       // of everything but entries_
};

// Groups by several key columns.
//
// Threads: one at a time.
class Grouper {
 public:
  explicit Grouper(size_t keys) : columns_(keys) {}

  // Group numbers of the rows; groups are numbered in order of appearance.
  void assign(const std::vector<model::VectorPtr>& keys, uint32_t rows, std::vector<uint32_t>& groups);
  uint32_t groups() const { return columns_.size() == 1 ? columns_[0].size() : groups_; }
  // Values of key column `key` by group.
  std::vector<model::Value> key_values(size_t key) const;
  // Values of key column `key` of the groups chosen.
  model::VectorPtr key_column(size_t key, std::span<const uint32_t> groups) const;
  // Numbers here of all groups of `other`, which is of the same keys.
  std::vector<uint32_t> absorb(const Grouper& other);
  uint64_t memory_bytes() const;

 private:
  uint64_t hash_of(const uint32_t* ids) const;
  uint32_t group_of(const uint32_t* ids, uint64_t hash);
  void grow();

  std::vector<KeyColumn> columns_;
  // With one key a group is a value. With more: the groups by open addressing, their value numbers and hashes.
  uint32_t groups_ = 0;
  std::vector<uint32_t> group_ids_;  // keys x groups
  std::vector<uint64_t> group_hashes_;
  std::vector<uint32_t> table_;             // group, or none; a power of two, at most half full
  std::vector<std::vector<uint32_t>> ids_;  // scratch: by key, by row
  std::vector<uint32_t> tuples_;            // scratch: keys x rows
  std::vector<uint64_t> hashes_;            // scratch: by row
};

}  // namespace clew::query::exec
