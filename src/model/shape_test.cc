#include "model/shape.h"

#include <gtest/gtest.h>

#include <map>

#include "model/batch.h"
#include "model/json_text.h"
#include "model/rest.h"

namespace clew::model {
namespace {

using Leaves = std::map<std::string, std::string, std::less<>>;

std::string rebuild(const std::string& shape, const Leaves& leaves) {
  std::string out;
  LeafText text = [&](std::string_view column, std::string& to) {
    auto it = leaves.find(column);
    if (it == leaves.end()) return false;
    to += it->second;
    return true;
  };
  Status s = rebuild_document(shape, text, out);
  return s.ok() ? out : s.error().message();
}

std::string member(std::string_view key, char mark) {
  std::string out;
  append_shape_key(key, mark, out);
  return out;
}
const std::string kEnd(1, shape::kEnd);

TEST(Shape, MembersInOrderAndNested) {
  std::string s = member("b", shape::kLeaf) + member("a", shape::kObject) + member("x.y", shape::kLeaf) + kEnd +
                  member("gone", shape::kLeaf);
  EXPECT_EQ(rebuild(s, {{"b", "1"}, {"a.x.y", "\"t\""}}), R"({"b":1,"a":{"x.y":"t"}})");
}

TEST(Shape, ArraysOfObjects) {
  std::string s = member("e", shape::kObjects) + member("n", shape::kLeaf) + member("a", shape::kObject) +
                  member("k", shape::kLeaf) + kEnd + kEnd + member("z", shape::kLeaf);
  EXPECT_EQ(rebuild(s, {{"e.n", R"(["x",,null])"}, {"e.a.k", "[[1,2],3]"}, {"z", "0"}}),
            R"({"e":[{"n":"x","a":{"k":[1,2]}},{"a":{"k":3}},{"n":null}],"z":0})");
}

TEST(Shape, KeysMayHoldAnyByte) {
  std::string key("a\x01\n\"", 4);
  EXPECT_EQ(rebuild(member(key, shape::kLeaf), {{key, "1"}}), R"({"a\u0001\n\"":1})");
}

TEST(Shape, DamagedTextsAreErrors) {
  EXPECT_EQ(rebuild("abc", {}), "damaged shape");
  EXPECT_EQ(rebuild(kEnd, {}), "damaged shape");
  EXPECT_EQ(rebuild(member("a", 0x07), {}), "damaged shape");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += member("a", shape::kObject);
  EXPECT_EQ(rebuild(deep, {}), "damaged shape");
  EXPECT_FALSE(for_each_leaf(deep, [](std::string_view) {}).ok());
}

TEST(Shape, LeavesAreListed) {
  std::string s = member("a", shape::kObject) + member("b", shape::kLeaf) + kEnd + member("_id", shape::kLeaf);
  std::vector<std::string> seen;
  ASSERT_TRUE(for_each_leaf(s, [&](std::string_view c) { seen.emplace_back(c); }).ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"a.b", "_source._id"}));
}

TEST(Shape, NamesAreCutAtTheLimit) {
  std::string buffer;
  std::string longest(kFieldNameBytesMax, 'n');
  EXPECT_EQ(column_name(longest, buffer), longest);
  std::string cut(column_name(longest + "x", buffer));
  EXPECT_EQ(cut.size(), kFieldNameBytesMax);
  EXPECT_NE(cut, column_name(longest + "y", buffer));
  EXPECT_EQ(column_name("", buffer), "(empty)");
}

TEST(Rest, EveryKindComesBack) {
  Column column("c");
  std::string rest;
  const RestField fields[] = {
      {"null", Kind::kNull, 0, 0, {}},
      {"bool", Kind::kBool, 0, 1, {}},
      {"int", Kind::kInt, 0, -5, {}},
      {"uint", Kind::kUint, 0, INT64_MIN, {}},
      {"dec", Kind::kDecimal, 2, 150, {}},
      {"num", Kind::kNumberText, 0, 0, "1e400"},
      {"str", Kind::kString, 0, 0, "a\nb"},
      {"time", Kind::kTime, 0, 1'500'000'000, {}},
      {"arr", Kind::kArray, 0, 0, "[1,]"},
      {"obj", Kind::kEmptyObject, 0, 0, {}},
      {"bytes", Kind::kBytes, 0, 0, "\x01\xff"},
  };
  for (const RestField& f : fields) append_rest(f, rest);
  RestReader reader(rest);
  RestField got;
  std::string json;
  for (uint32_t row = 0; reader.next(got); ++row) {
    EXPECT_EQ(got.name, fields[row].name);
    EXPECT_EQ(got.kind, fields[row].kind);
    add_value(column, row, got);
    append_json_value(got, json);
    json += ' ';
  }
  EXPECT_TRUE(reader.status().ok());
  EXPECT_EQ(column.values_count(), std::size(fields));
  EXPECT_EQ(json, R"(null true -5 9223372036854775808 1.50 1e400 "a\nb" "1970-01-01T00:00:01.500Z" [1,] {} "Af8=" )");
  for (size_t cut = 1; cut < rest.size(); ++cut) {
    RestReader short_reader(std::string_view(rest).substr(0, cut));
    while (short_reader.next(got)) {
    }
  }
}

TEST(JsonText, TimesAndArrays) {
  std::string out;
  append_rfc3339(-1, out);
  EXPECT_EQ(out, "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(split_array(R"([1,"a,]\"",[2,3],,{"x":[1]}])").size(), 5u);
  EXPECT_TRUE(split_array("[]").empty());
}

}  // namespace
}  // namespace clew::model
