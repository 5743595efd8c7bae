#include "text/message_shape.h"

#include <gtest/gtest.h>

namespace clew::text {
namespace {

TEST(MessageShape, VariablesAreDigitsAndQuotes) {
  EXPECT_EQ(message_shape("user 17 of \"shop a\" at 10.0.0.1:80."), "user <*> of \"<*>\" at <*>.");
  EXPECT_EQ(message_shape("took 1.5s, id=7f3a-b2 path /api/users/42/orders"),
            "took <*>, id=<*> path /api/users/<*>/orders");
  EXPECT_EQ(message_shape("can't open 'x y' for John's"), "can't open '<*>' for John's");
  EXPECT_EQ(message_shape("no variables here: none"), "no variables here: none");
  EXPECT_EQ(message_shape("an \"open quote"), "an \"open quote");
  EXPECT_EQ(message_shape(""), "");
}

TEST(MessageShape, LongTextsAreCut) { EXPECT_EQ(message_shape(std::string(10'000, 'x')).size(), kShapeBytesMax); }

TEST(MessagePattern, IsTheShapeOfTheWholeText) {
  for (const char* text : {"user 17 of \"shop a\" at 10.0.0.1:80.", "can't open 'x y' for John's", "", "none"}) {
    EXPECT_EQ(message_pattern(text), message_shape(text));
  }
  std::string behind = std::string(2000, '7') + " rows";
  EXPECT_EQ(message_pattern(behind), "<*> rows");
  EXPECT_EQ(message_pattern(std::string(10'000, 'x')).size(), kPatternBytesMax);
  std::string wide = "x";
  for (int i = 0; i < 1000; ++i) wide += "\xc3\xa4";
  EXPECT_EQ(message_pattern(wide).size(), kPatternBytesMax - 1);
}

TEST(MessageShape, IsItsOwnShape) {
  for (const char* text : {"user 17", "a \"b\" 3", "x=1,y='2' 2026-11-20T10:00:00Z", "don't 5"}) {
    EXPECT_EQ(message_shape(message_shape(text)), message_shape(text));
  }
}

TEST(StackFrames, OfManyLanguages) {
  EXPECT_EQ(stack_frames("Traceback (most recent call last):\n  File \"a.py\", line 3, in main\n    run()\n"
                         "  File \"b.py\", line 9, in run\n    raise X\nX: no\n"),
            (std::vector<std::string>{"b.py run", "a.py main"}));
  EXPECT_EQ(stack_frames("java.lang.NullPointerException: x\r\n\tat com.shop.Cart.add(Cart.java:17)\r\n\tat "
                         "com.shop.Main.main(Main.java:3)\r\n"),
            (std::vector<std::string>{"com.shop.Cart.add", "com.shop.Main.main"}));
  EXPECT_EQ(stack_frames("TypeError: x\n    at add (/srv/cart.js:1:2)\n    at /srv/main.js:3:4\n"),
            (std::vector<std::string>{"add", "/srv/<*>"}));
  EXPECT_EQ(stack_frames("goroutine 1 [running]:\nmain.run(0xc000012345)\n\t/src/main.go:17 +0x1d\nmain.main()\n"
                         "\t/src/main.go:9 +0x20\n"),
            (std::vector<std::string>{"main.run", "main.main"}));
  EXPECT_TRUE(stack_frames("just a message\nwith two lines").empty());
}

TEST(StackFrames, AreTheNearestFew) {
  std::string stack = "E: x\n";
  for (int i = 0; i < 50; ++i) stack += "\tat a.b.c" + std::string(1, static_cast<char>('a' + i % 26)) + "(x.java:1)\n";
  EXPECT_EQ(stack_frames(stack).size(), kFramesMax);
  EXPECT_EQ(stack_frames(stack)[0], "a.b.ca");
}

}  // namespace
}  // namespace clew::text
