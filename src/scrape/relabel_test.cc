#include "scrape/relabel.h"

#include <gtest/gtest.h>

namespace clew::scrape {
namespace {

std::string text_of(const LabelSet& labels) { return model::to_text(labels.build()); }

LabelSet some() { return LabelSet(LabelSet::Pairs{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}}); }

// The labels behind the rule, or "dropped".
std::string ruled(RelabelOptions options, LabelSet labels = some()) {
  Result<RelabelRule> rule = RelabelRule::make(std::move(options));
  if (!rule.ok()) return rule.error().message();
  return rule->apply(labels) ? text_of(labels) : "dropped";
}

using A = RelabelAction;

TEST(Relabel, Replace) {
  EXPECT_EQ(ruled({.source_labels = {"a"}, .target_label = "d", .regex = "f(.*)", .replacement = "ch${1}-ch$1"}),
            "{a=\"foo\", b=\"bar\", c=\"baz\", d=\"choo-choo\"}");
  EXPECT_EQ(
      ruled({.source_labels = {"a", "b"}, .target_label = "a", .regex = "f(.*);(.*)r", .replacement = "b${1}${2}m"}),
      "{a=\"boobam\", b=\"bar\", c=\"baz\"}");
  EXPECT_EQ(ruled({.source_labels = {"a"}, .target_label = "d", .regex = "oo", .replacement = "x"}),
            "{a=\"foo\", b=\"bar\", c=\"baz\"}");
  EXPECT_EQ(ruled({.source_labels = {"a"}, .target_label = "b", .regex = "(f).*", .replacement = "$2"}),
            "{a=\"foo\", c=\"baz\"}");
  EXPECT_EQ(ruled({.source_labels = {"a"}, .target_label = "${1}_x", .regex = "(?P<n>f).*", .replacement = "$n$$1$1x"}),
            "{a=\"foo\", b=\"bar\", c=\"baz\", f_x=\"f$1\"}");
}

TEST(Relabel, KeepAndDrop) {
  EXPECT_EQ(ruled({.source_labels = {"a"}, .regex = "fo", .action = A::kKeep}), "dropped");
  EXPECT_NE(ruled({.source_labels = {"a"}, .regex = "fo.", .action = A::kKeep}), "dropped");
  EXPECT_EQ(ruled({.source_labels = {"a"}, .regex = ".*o.*", .action = A::kDrop}), "dropped");
  EXPECT_NE(ruled({.source_labels = {"none"}, .regex = "x?y", .action = A::kDrop}), "dropped");
  LabelSet same(LabelSet::Pairs{{"a", "x"}, {"b", "x"}});
  EXPECT_EQ(ruled({.source_labels = {"a"}, .target_label = "b", .action = A::kDropEqual}, same), "dropped");
  EXPECT_NE(ruled({.source_labels = {"a"}, .target_label = "b", .action = A::kKeepEqual}, same), "dropped");
  EXPECT_EQ(ruled({.source_labels = {"a"}, .target_label = "b", .action = A::kKeepEqual}), "dropped");
}

TEST(Relabel, NamesOfLabels) {
  EXPECT_EQ(ruled({.regex = "(b.*|c)", .replacement = "new_$1", .action = A::kLabelMap}),
            "{a=\"foo\", b=\"bar\", c=\"baz\", new_b=\"bar\", new_c=\"baz\"}");
  EXPECT_EQ(ruled({.regex = "b|c", .action = A::kLabelDrop}), "{a=\"foo\"}");
  EXPECT_EQ(ruled({.regex = "b|c", .action = A::kLabelKeep}), "{b=\"bar\", c=\"baz\"}");
}

TEST(Relabel, CaseAndShards) {
  LabelSet mixed(LabelSet::Pairs{{"foo", "bAr123Foo"}});
  EXPECT_EQ(ruled({.source_labels = {"foo"}, .target_label = "l", .action = A::kLowercase}, mixed),
            "{foo=\"bAr123Foo\", l=\"bar123foo\"}");
  EXPECT_EQ(ruled({.source_labels = {"foo"}, .target_label = "l", .action = A::kUppercase}, mixed),
            "{foo=\"bAr123Foo\", l=\"BAR123FOO\"}");
  // As Prometheus has it: MD5 of "baz".
  EXPECT_EQ(ruled({.source_labels = {"c"}, .target_label = "d", .modulus = 1000, .action = A::kHashMod},
                  LabelSet(LabelSet::Pairs{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}})),
            "{a=\"foo\", b=\"bar\", c=\"baz\", d=\"976\"}");
}

TEST(Relabel, WhatAnActionLacksIsTold) {
  EXPECT_EQ(ruled({.action = A::kReplace}), "the relabel action replace needs target_label");
  EXPECT_EQ(ruled({.target_label = "x", .action = A::kHashMod}), "the relabel action hashmod needs modulus");
  EXPECT_NE(ruled({.target_label = "x", .regex = "("}).find("missing )"), std::string::npos);
}

}  // namespace
}  // namespace clew::scrape
