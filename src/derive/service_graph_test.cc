// Who calls whom, in whatever order the sides of calls come.
#include "derive/service_graph.h"

#include <gmock/gmock.h>

#include "derive/test_world.h"

namespace clew::derive {
namespace {

using ::testing::IsEmpty;
using testing::TestSpan;
using testing::World;

class ServiceGraphTest : public ::testing::Test {
 protected:
  void SetUp() override { world_.start(); }
  // Until every side that waits has waited long enough.
  void settle() {
    world_.tick();
    world_.tick();
  }
  double requests(const std::string& labels) {
    auto found = world_.ask("traces_service_graph_request_total{" + labels + "}");
    return found.empty() ? 0 : found.begin()->second;
  }
  World world_;
};

TEST_F(ServiceGraphTest, BothSidesOfACallAreOneEdgeWhicheverComesFirst) {
  world_.add({{.trace = "t3", .id = "c", .parent = "r", .service = "web", .kind = "client", .seconds = 0.5},
              {.trace = "t3", .id = "s", .parent = "c", .service = "cart", .status = "error", .seconds = 0.15},
              {.trace = "t4", .id = "s", .parent = "c", .service = "cart", .seconds = 0.15},
              {.trace = "t4", .id = "c", .parent = "r", .service = "web", .kind = "client", .seconds = 0.5}});
  world_.tick();
  EXPECT_EQ(requests(R"(client="web",server="cart",connection_type="")"), 2);
}

TEST_F(ServiceGraphTest, SecondsAndFailuresAreOfTheirSides) {
  world_.add({{.id = "c", .parent = "r", .service = "web", .kind = "client", .seconds = 0.5},
              {.id = "s", .parent = "c", .service = "cart", .status = "error", .seconds = 0.15}});
  world_.tick();
  EXPECT_EQ(world_.only("traces_service_graph_request_failed_total"), 1);
  EXPECT_NEAR(world_.only("traces_service_graph_request_server_seconds_sum"), 0.15, 1e-9);
  EXPECT_NEAR(world_.only("traces_service_graph_request_client_seconds_sum"), 0.5, 1e-9);
  EXPECT_EQ(world_.only(R"(traces_service_graph_request_server_seconds_bucket{le="0.1"})"), 0);
  EXPECT_EQ(world_.only(R"(traces_service_graph_request_server_seconds_bucket{le="0.2"})"), 1);
}

TEST_F(ServiceGraphTest, OneCallThatTwoAnswerIsTwoEdges) {
  world_.add({{.id = "c", .parent = "r", .service = "web", .kind = "producer"},
              {.id = "s1", .parent = "c", .service = "mail", .kind = "consumer"},
              {.id = "s2", .parent = "c", .service = "stock", .kind = "consumer"}});
  world_.tick();
  EXPECT_EQ(requests(R"(client="web",server="mail",connection_type="messaging_system")"), 1);
  EXPECT_EQ(requests(R"(client="web",server="stock",connection_type="messaging_system")"), 1);
}

TEST_F(ServiceGraphTest, ZipkinsSharedIdsAreBothSides) {
  world_.add({{.id = "x", .parent = "r", .service = "cart", .kind = "server", .fields = {{"shared", "true"}}},
              {.id = "x", .parent = "r", .service = "web", .kind = "client"}});
  world_.tick();
  EXPECT_EQ(requests(R"(client="web",server="cart")"), 1);
}

TEST_F(ServiceGraphTest, DatabasesAndPeersWithoutSpansAreNodesToo) {
  world_.add({{.id = "d",
               .parent = "r",
               .service = "cart",
               .kind = "client",
               .fields = {{"db.system.name", "postgresql"}, {"db.namespace", "orders"}}},
              {.id = "p", .parent = "r", .service = "cart", .kind = "client", .fields = {{"peer.service", "bank"}}},
              {.id = "n", .parent = "r", .service = "cart", .kind = "client"},
              {.id = "u", .service = "web", .kind = "server"},
              {.id = "o", .parent = "lost", .service = "mail", .kind = "server"}});
  settle();
  EXPECT_EQ(requests(R"(client="cart",server="orders",connection_type="database")"), 1);
  EXPECT_EQ(requests(R"(client="cart",server="bank",connection_type="virtual_node")"), 1);
  EXPECT_EQ(requests(R"(client="user",server="web",connection_type="virtual_node")"), 1);
  EXPECT_EQ(world_.only(R"(traces_service_graph_unpaired_spans_total{client="cart"})"), 1);
  EXPECT_EQ(world_.only(R"(traces_service_graph_unpaired_spans_total{server="mail"})"), 1);
}

TEST_F(ServiceGraphTest, ASideWaitsAcrossARestart) {
  world_.options.graph_wait_millis = 120'000;
  world_.stop();
  world_.start();
  world_.add({{.id = "c", .parent = "r", .service = "web", .kind = "client"}});
  world_.tick();
  world_.stop();
  world_.start();
  world_.add({{.id = "s", .parent = "c", .service = "cart"}});
  world_.tick();
  EXPECT_EQ(requests(R"(client="web",server="cart")"), 1);
}

TEST(ServiceGraph, WhatFindsNoRoomToWaitIsCounted) {
  base::Registry registry;
  base::Counter& refused = registry.counter("refused", "");
  SeriesBudget budget(1'000, refused);
  ServiceGraph graph({.wait_millis = 1'000, .waiting_max = 2, .bounds = {1}}, budget, registry);
  for (const char* id : {"a", "b", "c"}) {
    SpanView span;
    span.trace_id = "t";
    span.span_id = id;
    span.service = "web";
    span.kind = SpanKind::kClient;
    graph.take(span, 0);
  }
  EXPECT_EQ(graph.waiting(), 2u);
  EXPECT_EQ(registry.sum("clew_service_graph_dropped_spans_total"), 1u);
  graph.expire(2'000);
  EXPECT_EQ(graph.waiting(), 0u);
}

}  // namespace
}  // namespace clew::derive
