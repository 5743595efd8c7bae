#include "query/exec/group.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "os/sim_clock.h"
#include "query/exec/block.h"

namespace clew::query::exec {
namespace {

using model::Value;

// What a group is, in plain code: the keys' bytes, numbered in order of appearance.
class Reference {
 public:
  uint32_t group(const std::vector<model::VectorPtr>& keys, uint32_t row) {
    std::string bytes;
    for (const model::VectorPtr& key : keys) append_key(*key, row, bytes);
    return groups_.try_emplace(bytes, static_cast<uint32_t>(groups_.size())).first->second;
  }
  size_t size() const { return groups_.size(); }

 private:
  std::map<std::string, uint32_t> groups_;
};

Value any_value(os::SeededRng& rng, uint64_t kinds) {
  auto small = static_cast<int64_t>(rng.next() % 50);
  switch (rng.next() % kinds) {
    case 0: return Value::bigint(small);
    case 1: return {};
    case 2: return Value::string("text " + std::to_string(small));
    case 3: return Value::string(std::string(static_cast<size_t>(small) * 1000, 'x'));
    case 4: return Value::real(static_cast<double>(small));
    case 5: return Value::real(static_cast<double>(small) + 0.5);
    case 6: return Value::timestamp(small);
    case 7: return Value::array({Value::bigint(small)});
    default: return Value::boolean(small % 2 == 0);
  }
}

model::VectorPtr column(os::SeededRng& rng, uint32_t rows, uint64_t kinds) {
  std::vector<Value> values;
  for (uint32_t row = 0; row < rows; ++row) values.push_back(any_value(rng, kinds));
  model::VectorPtr flat = vector_of(values);
  if (rng.next() % 3 != 0 || flat->type != model::Type::kString || flat->has_nulls()) return flat;
  model::Vector coded;
  coded.type = flat->type;
  coded.layout = model::Layout::kDict;
  coded.size = rows;
  coded.dict = flat;
  for (uint32_t row = 0; row < rows; ++row) coded.codes.push_back(row);
  return std::make_shared<const model::Vector>(std::move(coded));
}

std::vector<model::VectorPtr> columns(os::SeededRng& rng, size_t keys, uint32_t rows) {
  std::vector<model::VectorPtr> out;
  for (size_t k = 0; k < keys; ++k) out.push_back(column(rng, rows, 1 + rng.next() % 9));
  return out;
}

// A group's keys as bytes.
std::string bytes_of(const Grouper& grouper, size_t keys, uint32_t group) {
  std::string bytes;
  for (size_t k = 0; k < keys; ++k) append_key(*grouper.key_column(k, std::vector<uint32_t>{group}), 0, bytes);
  return bytes;
}

TEST(Grouper, NumbersRowsAsPlainCodeDoes) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    os::SeededRng rng(seed);
    size_t keys = 1 + rng.next() % 4;
    Grouper grouper(keys);
    Reference reference;
    for (int block = 0; block < 6; ++block) {
      auto rows = static_cast<uint32_t>(1 + rng.next() % 300);
      std::vector<model::VectorPtr> keyed = columns(rng, keys, rows);
      std::vector<uint32_t> groups;
      grouper.assign(keyed, rows, groups);
      for (uint32_t row = 0; row < rows; ++row) {
        ASSERT_EQ(groups[row], reference.group(keyed, row)) << "seed " << seed << " block " << block << " row " << row;
        std::string own;
        for (const model::VectorPtr& key : keyed) append_key(*key, row, own);
        ASSERT_EQ(bytes_of(grouper, keys, groups[row]), own) << "seed " << seed;
      }
    }
    EXPECT_EQ(grouper.groups(), reference.size());
  }
}

TEST(Grouper, AbsorbsTheGroupsOfAnother) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    os::SeededRng rng(seed);
    size_t keys = 1 + rng.next() % 4;
    Grouper target(keys);
    Reference reference;
    for (int part = 0; part < 4; ++part) {
      std::vector<std::string> keyed;
      std::vector<uint32_t> map;
      {
        Grouper other(keys);  // its texts outlive it
        auto rows = static_cast<uint32_t>(1 + rng.next() % 300);
        std::vector<uint32_t> groups;
        other.assign(columns(rng, keys, rows), rows, groups);
        for (uint32_t g = 0; g < other.groups(); ++g) keyed.push_back(bytes_of(other, keys, g));
        map = target.absorb(other);
      }
      ASSERT_EQ(map.size(), keyed.size());
      for (uint32_t g = 0; g < map.size(); ++g) ASSERT_EQ(bytes_of(target, keys, map[g]), keyed[g]) << "seed " << seed;
    }
    std::map<std::string, uint32_t> seen;
    for (uint32_t g = 0; g < target.groups(); ++g) ++seen[bytes_of(target, keys, g)];
    EXPECT_EQ(seen.size(), target.groups()) << "seed " << seed;
    EXPECT_EQ(target.key_values(0).size(), target.groups());
  }
}

}  // namespace
}  // namespace clew::query::exec
