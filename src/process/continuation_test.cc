#include "process/continuation.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace clew::process {
namespace {

// The lines of each event, joined.
std::vector<std::string> events(const std::string& text) {
  std::vector<std::string> out;
  Continuation continuation;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (continuation.continues(line)) {
      out.back() += "\n" + line;
    } else {
      out.push_back(line);
    }
  }
  return out;
}

size_t count(const std::string& text) { return events(text).size(); }

TEST(Continuation, LinesOfTheirOwnStayApart) {
  EXPECT_EQ(count("one\ntwo\n2026-11-30 10:00:00 three\nkey=value four\nError: five\n"), 5u);
  EXPECT_EQ(count("  PID USER\n    1 root\n    2 root\n"), 3u) << "a table is no trace";
}

TEST(Continuation, JavaUnderTheLineThatWasLogged) {
  std::string trace =
      "2026-11-30 10:00:00,123 ERROR [main] Pay - declined\n"
      "java.lang.IllegalStateException: no funds\n"
      "\tat com.example.Pay.charge(Pay.java:12)\n"
      "\t... 3 more\n"
      "Caused by: java.io.IOException: broken pipe\n"
      "\tat com.example.Net.send(Net.java:7)\n"
      "\tSuppressed: java.lang.Exception\n";
  EXPECT_EQ(count(trace + "2026-11-30 10:00:01,000 INFO next\n" + trace), 3u);
  EXPECT_EQ(count("Exception in thread \"main\" java.lang.Error: x\n\tat A.b(A.java:1)\nnext\n"), 2u);
}

TEST(Continuation, PythonWithItsCauses) {
  std::string trace =
      "ERROR:app:failed\n"
      "Traceback (most recent call last):\n"
      "  File \"a.py\", line 3, in f\n"
      "    g()\n"
      "KeyError: 'x'\n"
      "\n"
      "During handling of the above exception, another exception occurred:\n"
      "\n"
      "Traceback (most recent call last):\n"
      "  File \"a.py\", line 9, in <module>\n"
      "app.errors.Declined: no\n";
  EXPECT_EQ(count(trace), 1u);
  EXPECT_EQ(count(trace + "INFO:app:next\n" + trace), 3u);
  EXPECT_EQ(count("Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError\nnext line\n"), 2u);
}

TEST(Continuation, GoPanics) {
  std::string trace =
      "panic: runtime error: index out of range [5] with length 3\n"
      "\n"
      "goroutine 1 [running]:\n"
      "main.(*Server).handle(0xc000010000, {0x1, 0x2})\n"
      "\t/src/main.go:12 +0x1d\n"
      "main.main()\n"
      "\t/src/main.go:5 +0x20\n"
      "exit status 2\n";
  EXPECT_EQ(count(trace), 1u);
  EXPECT_EQ(count("start\n" + trace + "next\n"), 3u);
}

TEST(Continuation, NodeDotNetRuby) {
  EXPECT_EQ(count("TypeError: x is not a function\n    at f (/app/a.js:1:2)\n    at g (/app/b.js:3:4) {\n  code: 'E'\n"
                  "next\n"),
            2u);
  EXPECT_EQ(count("fail: Web[0]\n      Unhandled\nSystem.InvalidOperationException: no\n ---> System.Exception: in\n"
                  "   at A.B() in /a.cs:line 3\n   --- End of inner exception stack trace ---\nnext\n"),
            2u);
  EXPECT_EQ(count("app.rb:3:in `f': no (RuntimeError)\n\tfrom app.rb:9:in `<main>'\nnext\n"), 2u);
}

TEST(Continuation, AnEventEndsAtTheLimit) {
  std::string text = "first\n";
  for (uint32_t i = 0; i < kEventLinesMax + 10; ++i) text += " more\n";
  EXPECT_EQ(count(text), 2u);
  EXPECT_EQ(count("first\n " + std::string(kEventBytesMax, 'x') + "\n second\n"), 2u);
}

}  // namespace
}  // namespace clew::process
