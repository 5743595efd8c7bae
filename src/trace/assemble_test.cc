// Traces out of records made by hand: the tree, outcomes, clocks, critical path.
#include "trace/assemble.h"

#include <gtest/gtest.h>

#include "trace/critical_path.h"
#include "trace/test_trace.h"

namespace clew::trace {
namespace {

using testing::Builder;
using testing::tree_of;
constexpr int64_t kMs = 1'000'000;

TEST(Assemble, FiveServersOfOneRequest) {
  Builder b;
  b.span("a", "", "A", 0, 500).span("b", "a", "B", 10, 200).span("c", "b", "C", 15, 50).span("d", "b", "D", 55, 180);
  b.span("e", "a", "E", 250, 480).line("e", 365, "working");
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t),
            "A\n"
            "  B\n"
            "    C\n"
            "    D\n"
            "  E\n"
            "    - working\n");
  std::string path;
  for (const Stretch& s : t.critical_path) {
    path += std::string(t.steps[s.step].name) + std::to_string((s.to - s.from) / kMs) + " ";
  }
  EXPECT_EQ(path, "A10 B5 C35 B5 D125 B20 A50 E230 A20 ");
  std::vector<Bottleneck> slow = bottlenecks(t, 2);
  ASSERT_EQ(slow.size(), 2u);
  EXPECT_EQ(t.steps[slow[0].step].name, "E");
  EXPECT_DOUBLE_EQ(slow[0].share, 0.46);
  EXPECT_EQ(t.steps[slow[1].step].name, "D");
  EXPECT_DOUBLE_EQ(slow[1].share, 0.25);
  std::string self;
  for (const Step& s : t.steps) self += std::string(s.name) + std::to_string(s.self / kMs) + " ";
  EXPECT_EQ(self, "A80 B30 C35 D125 E230 ");
}

TEST(Assemble, WhatRanBesideThePathIsNotOnIt) {
  Builder b;
  b.span("a", "", "A", 0, 100).span("b", "a", "B", 10, 90).span("c", "a", "C", 20, 60).span("d", "a", "late", 95, 150);
  Trace t = b.assemble();
  std::string path;
  for (const Stretch& s : t.critical_path) {
    path += std::string(t.steps[s.step].name) + std::to_string((s.to - s.from) / kMs) + " ";
  }
  EXPECT_EQ(path, "A10 B80 A5 late5 ");
}

TEST(Assemble, CopiesCollapseAndAreCounted) {
  Builder b;
  b.span("a", "", "A", 0, 10).span("a", "", "A", 0, 10).span("b", "a", "B", 1, 2);
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t), "A\n  B\n");
  EXPECT_EQ(t.steps[0].copies, 2u);
  EXPECT_EQ(t.spans_received, 3u);
}

TEST(Assemble, MissingParentsStandAsSuch) {
  Builder b;
  b.span("a", "", "A", 0, 100)
      .span("c", "gone", "C", 5, 20)
      .span("d", "gone", "D", 30, 40)
      .line("lost", 7, "who wrote this");
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t),
            "A\n"
            "? gone\n"
            "  C !orphan\n"
            "  D !orphan\n"
            "? lost\n"
            "  - who wrote this\n");
  EXPECT_EQ(t.steps[t.main_root].name, "A");
}

TEST(Assemble, ParentsInACircleLoseOneLink) {
  Builder b;
  b.span("a", "b", "A", 0, 10).span("b", "a", "B", 0, 10);
  Trace t = b.assemble();
  ASSERT_EQ(t.roots.size(), 1u);
  EXPECT_EQ(t.steps[t.roots[0]].children.size(), 1u);
  EXPECT_TRUE(t.steps[t.roots[0]].has(Problem::kCycle));
}

TEST(Assemble, GoalsOutOfTwoLines) {
  Builder b;
  b.goal_start("1", "", "place order", 0).goal_start("2", "1", "charge card", 10).line("2", 15, "asking");
  b.goal_end("2", "1", "charge card", 300, "failed", "gateway: no answer");
  b.goal_start("3", "1", "notify", 301).goal_end("3", "1", "notify", 310, "ok", "");
  b.goal_end("1", "", "place order", 320, "failed", "");
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t),
            "place order failed (gateway: no answer)\n"
            "  charge card failed (gateway: no answer) <- cause\n"
            "    - asking\n"
            "  notify ok\n");
  EXPECT_EQ(t.steps[0].duration(), 320 * kMs);
}

TEST(Assemble, AGoalWithoutAnEndIsOpen) {
  Builder b;
  b.goal_start("1", "", "place order", 0).goal_start("2", "1", "charge card", 10).line("2", 90, "last words");
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t),
            "place order open !no end\n"
            "  charge card open !no end\n"
            "    - last words\n");
  EXPECT_EQ(t.steps[0].end - t.steps[0].start, 90 * kMs);
}

TEST(Assemble, AnEndAloneIsAGoal) {
  Builder b;
  b.goal_end("1", "", "place order", 320, "ok", "", 320);
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t), "place order ok\n");
  EXPECT_EQ(t.steps[0].duration(), 320 * kMs);
}

TEST(Assemble, RetriesFold) {
  Builder b;
  b.goal("r", "", "send mail", 0, 100, "ok", "");
  b.goal("1", "r", "connect", 1, 10, "failed", "refused").goal("2", "r", "connect", 20, 30, "failed", "refused");
  b.goal("3", "r", "connect", 40, 50, "ok", "");
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t),
            "send mail ok\n"
            "  connect failed (refused) <- cause [folded]\n"
            "  connect failed (refused) <- cause [folded]\n"
            "  connect ok x3\n");
}

TEST(Assemble, AHandledFailureDoesNotBreakItsGoal) {
  Builder b;
  b.goal("r", "", "show page", 0, 100, "ok", "").goal("1", "r", "read cache", 1, 10, "failed", "timeout");
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t), "show page ok\n  read cache failed (timeout) <- cause\n");
}

TEST(Goals, HaveTheNameThatTheyEndedWith) {
  for (bool end_first : {false, true}) {
    Builder b;
    if (!end_first) b.goal_start("1", "", "GET /users/frank", 0);
    b.goal_end("1", "", "GET /users/{id}", 10, "ok", "", 10);
    if (end_first) b.goal_start("1", "", "GET /users/frank", 0);
    EXPECT_EQ(tree_of(b.assemble()), "GET /users/{id} ok\n");
  }
}

// A caller whose callee died, with and without a word about it.
Trace lost_callee(const std::string& reason, const std::string& service) {
  Builder b;
  b.goal("1", "", "place order", 0, 100, "failed", reason).goal("2", "1", "look up user", 1, 5, "ok", "");
  b.goal_start("3", "1", "POST /charges", 10).records->rows.back().service = b.records->keep(service);
  b.goal_start("4", "3", "charge card", 11).records->rows.back().service = b.records->keep(service);
  return b.assemble();
}

TEST(Goals, AProcessThatDiedIsTheCause) {
  EXPECT_EQ(tree_of(lost_callee("the connection broke", "payment")),
            "place order failed (the connection broke)\n"
            "  look up user ok\n"
            "  POST /charges open !no end\n"
            "    charge card open <- cause !no end\n");
  EXPECT_EQ(tree_of(lost_callee("", "payment")).substr(0, 60),
            std::string("place order failed (charge card was never seen to end)\n  look").substr(0, 60));
  // What its own process left open broke nothing.
  EXPECT_EQ(tree_of(lost_callee("card declined", "")).substr(0, 44), "place order failed (card declined) <- cause\n");
}

TEST(Assemble, LinesWithoutASpanHangUnderWhatRan) {
  Builder b;
  b.span("a", "", "A", 0, 100).span("b", "a", "A2", 20, 60);
  b.records->rows[0].service = b.records->rows[1].service = "shop";
  b.line("", 30, "inside").line("", 80, "after").line("", 200, "too late");
  for (size_t i = 2; i < 5; ++i) b.records->rows[i].service = "shop";
  Trace t = b.assemble();
  EXPECT_EQ(tree_of(t), "A\n  A2\n    ~ inside\n  ~ after\n- too late\n");
}

TEST(Assemble, ClocksOfOtherHostsAreSetRight) {
  Builder b;
  b.span("a", "", "A", 0, 100).span("b", "a", "B", -500, -430).span("c", "b", "C", -490, -450);
  b.records->rows[0].host = "one";
  b.records->rows[1].host = b.records->rows[2].host = "two";
  b.line("c", -470, "ahead of its time");
  b.records->rows[3].host = "two";
  Trace t = b.assemble();
  ASSERT_EQ(t.clocks.size(), 1u);
  EXPECT_EQ(t.clocks[0].host, "two");
  EXPECT_EQ(t.clocks[0].shift, 515 * kMs);
  EXPECT_EQ((t.steps[1].start - t.steps[0].start) / kMs, 15);
  EXPECT_EQ((t.steps[2].start - t.steps[0].start) / kMs, 25);
  EXPECT_EQ((t.lines[0].time - t.steps[0].start) / kMs, 45);
}

TEST(Assemble, StepsThatOutliveTheirCallerAreNoSignOfAWrongClock) {
  Builder b;
  b.span("a", "", "A", 0, 100).span("b", "a", "B", 50, 130);
  b.records->rows[0].host = "one";
  b.records->rows[1].host = "two";
  Trace t = b.assemble();
  EXPECT_TRUE(t.clocks.empty());
  EXPECT_TRUE(t.steps[1].has(Problem::kOutlives));
}

TEST(Assemble, BothSidesOfAZipkinCall) {
  Builder b;
  b.span("a", "", "get", 0, 100)
      .span("b", "a", "post", 10, 90)
      .span("b", "a", "post", 20, 80)
      .span("c", "b", "async", 30, 60);
  b.records->rows[0].kind = "server";
  b.records->rows[1].kind = "client";
  b.records->rows[2].kind = "server";
  b.records->rows[0].service = b.records->rows[1].service = "one";
  b.records->rows[2].service = b.records->rows[3].service = "two";
  EXPECT_EQ(tree_of(b.assemble()), "get\n  post\n    post\n      async\n");
}

TEST(Assemble, DeepAndWideTracesNeedNoRecursion) {
  Builder b;
  b.span("0", "", "root", 0, 100'000);
  for (int i = 1; i < 20'000; ++i) {
    b.span(std::to_string(i), std::to_string(i - 1), "deep", i, 100'000 - i);
    b.span("w" + std::to_string(i), "0", "wide", i, i + 1);
  }
  Trace t = b.assemble();
  EXPECT_EQ(t.steps.size(), 39'999u);
  int64_t sum = 0;
  for (const Stretch& s : t.critical_path) sum += s.to - s.from;
  EXPECT_EQ(sum, t.steps[t.main_root].duration());
}

TEST(Assemble, DistlogTasks) {
  Builder b;
  b.task("0@t", 0, "place order 12345").task("0@t/1", 10, "charge card").task("0@t/1/1", 15, "ask the gateway");
  b.task("1@t/1/1", 300, "FAILED ask the gateway")
      .task("1@t/1", 310, "FAILED charge card")
      .task("0@t/2", 311, "notify");
  b.task("1@t/2", 315, "mail queued")
      .task("2@t/2", 320, "customer notified")
      .task("1@t", 330, "FAILED place order 12345");
  b.records->rows[2].process = b.records->rows[3].process = "9002";
  EXPECT_EQ(tree_of(b.assemble()),
            "place order 12345 failed (ask the gateway failed)\n"
            "  charge card failed (ask the gateway failed)\n"
            "    ask the gateway failed <- cause\n"
            "  notify ok\n"
            "    - mail queued\n"
            "    - customer notified\n");
}

TEST(Assemble, EliotActions) {
  Builder b;
  b.action("[1]", "order", "started", 0)
      .action("[2,1]", "charge", "started", 10)
      .action("[2,2]", "charge", "failed", 300);
  b.records->rows.back().error_type = "gateway.Timeout";
  b.records->rows.back().reason = "no answer after 30 s";
  b.action("[3,1]", "notify", "started", 301)
      .action("[3,2]", "notify", "succeeded", 310)
      .action("[4]", "order", "failed", 320);
  EXPECT_EQ(tree_of(b.assemble()),
            "order failed (gateway.Timeout: no answer after 30 s)\n"
            "  charge failed (gateway.Timeout: no answer after 30 s) <- cause\n"
            "  notify ok\n");
}

TEST(Assemble, FreeRadiusSections) {
  Builder b;
  for (const char* text :
       {"(0) Received Access-Request Id 104 from 127.0.0.1:33278 to 127.0.0.1:1812 length 73",
        "(0)   User-Name = \"bob\"", "(0) # Executing section authorize from file /etc/raddb/sites-enabled/default",
        "(0)   authorize {", "(0)     policy filter_username {", "(0)       if (&User-Name) {",
        "(0)       if (&User-Name)  -> TRUE", "(0)       if (&User-Name)  {",
        "(0)       } # if (&User-Name)  = notfound", "(0)     } # policy filter_username = notfound",
        "(0) pap: WARNING: No \"known good\" password found for the user", "(0)     [pap] = noop",
        "(0)   } # authorize = ok", "(0) ERROR: No Auth-Type found: rejecting the user via Post-Auth-Type = Reject",
        "(0) Sent Access-Reject Id 104 from 127.0.0.1:1812 to 127.0.0.1:33278 length 20"}) {
    b.line("", 0, text);
    b.records->rows.back().seq = b.records->rows.size();
  }
  std::string tree = tree_of(b.assemble());
  EXPECT_NE(tree.find("  authorize ok\n    policy filter_username ok\n"), tree.npos) << tree;
  EXPECT_NE(tree.find("    pap ok\n"), tree.npos) << tree;
  EXPECT_EQ(tree.find("request 0: Access-Request Id 104 from 127.0.0.1:33278 to 127.0.0.1:1812 length 73 failed (No "
                      "Auth-Type found: rejecting the user via Post-Auth-Type = Reject) <- cause\n"),
            0u)
      << tree;
}

TEST(Assemble, LinesThatOnlyARequestBinds) {
  Builder b;
  b.line("", 0, "in").line("", 5, "pay").line("", 9, "out");
  b.records->rows[0].service = b.records->rows[2].service = "web";
  b.records->rows[1].service = "pay";
  EXPECT_EQ(tree_of(b.assemble("r-1")),
            "r-1 !inferred\n  web !inferred\n    - in\n    - out\n  pay !inferred\n    - pay\n");
}

}  // namespace
}  // namespace clew::trace
