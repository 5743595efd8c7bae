#include <gtest/gtest.h>

#include "yaml/tree.h"

namespace clew::yaml {
namespace {

TEST(Tree, KnowsTheLineOfEverything) {
  Mistakes mistakes;
  Tree tree = parse_yaml("a: 1\nb:\n  - x\n  - {c: 'y'}\n", mistakes);
  ASSERT_TRUE(mistakes.empty());
  const Tree* list = tree.find("b");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[0].line, 3u);
  const Tree* inner = list->items[1].find("c");
  ASSERT_NE(inner, nullptr);
  EXPECT_EQ(inner->line, 4u);
  EXPECT_TRUE(inner->quoted);
  EXPECT_FALSE(list->items[0].quoted);
}

TEST(Tree, MergeKeysGiveWhatTheMapLacks) {
  Mistakes mistakes;
  Tree tree = parse_yaml("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nmade:\n  <<: [*b, *o]\n  x: 9\n", mistakes);
  ASSERT_TRUE(mistakes.empty());
  const Tree* made = tree.find("made");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->members.size(), 3u);
  EXPECT_EQ(made->find("x")->text, "9");
  EXPECT_EQ(made->find("y")->text, "2") << "the first map of the list holds";
  EXPECT_EQ(made->find("z")->text, "4");
}

TEST(Tree, TellsWhatIsWrongByLine) {
  Mistakes mistakes;
  (void)parse_yaml("a: 1\na: 2\nm:\n  <<: 5\n", mistakes);
  ASSERT_EQ(mistakes.size(), 2u);
  EXPECT_EQ(mistakes[0].line, 2u);
  EXPECT_EQ(mistakes[0].message, "a stands here twice");
  EXPECT_EQ(mistakes[1].line, 4u);
  mistakes.clear();
  (void)parse_yaml("a: [1\n", mistakes);
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_TRUE(mistakes[0].message.starts_with("no YAML: "));
}

}  // namespace
}  // namespace clew::yaml
