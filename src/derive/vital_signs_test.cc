// How we are doing: the six metrics out of what there is.
#include "derive/vital_signs.h"

#include <gmock/gmock.h>

#include "derive/test_world.h"

namespace clew::derive {
namespace {

using ::testing::IsEmpty;
using testing::World;

class VitalSignsTest : public ::testing::Test {
 protected:
  void SetUp() override { world_.start(); }
  int64_t now() const { return world_.logs.clock.now().get() / 1'000'000; }
  void put(std::vector<std::pair<std::string, std::string>> labels, double value) {
    model::MetricBatch batch;
    batch.begin_series(model::Labels::of(std::move(labels)));
    batch.add_sample(now(), value);
    world_.metrics->write({}, batch, [](const Result<contract::MetricAck>& ack) { ASSERT_TRUE(ack.ok()); });
  }
  // A tick, and the signs as a server writes them.
  void tick() {
    world_.tick();
    Status written = signs().write();
    ASSERT_TRUE(written.ok()) << written.error().message();
    EXPECT_EQ(world_.logs.registry->sum("clew_vital_signs_failures_total"), 0u);
  }
  VitalSigns& signs() {
    if (signs_ == nullptr) {
      signs_ = std::make_unique<VitalSigns>(*world_.metrics, *world_.metrics, world_.logs.clock, *world_.logs.registry,
                                            world_.options.interval_millis);
    }
    return *signs_;
  }
  World world_;
  std::unique_ptr<VitalSigns> signs_;
};

TEST_F(VitalSignsTest, HostMetricsAreUsage) {
  for (int i = 0; i < 4; ++i) {
    // Of two cores one is busy, the other idle for half of the time.
    for (auto [cpu, idle] : {std::pair("0", 0.0), std::pair("1", 7.5)}) {
      put({{"__name__", "node_cpu_seconds_total"}, {"instance", "h1"}, {"cpu", cpu}, {"mode", "idle"}}, i * idle);
      put({{"__name__", "node_cpu_seconds_total"}, {"instance", "h1"}, {"cpu", cpu}, {"mode", "user"}},
          i * (15 - idle));
    }
    put({{"__name__", "node_memory_MemTotal_bytes"}, {"instance", "h1"}}, 8e9);
    put({{"__name__", "node_memory_MemAvailable_bytes"}, {"instance", "h1"}}, 5.5e9);
    for (auto [type, name, value] : {std::tuple("ext4", "size", 100.0),
                                     {"ext4", "free", 25.0},
                                     {"ext4", "avail", 20.0},
                                     {"tmpfs", "size", 10.0},
                                     {"tmpfs", "free", 10.0},
                                     {"tmpfs", "avail", 10.0}}) {
      put({{"__name__", "node_filesystem_" + std::string(name) + "_bytes"},
           {"instance", "h1:9100"},
           {"fstype", type},
           {"mountpoint", std::string("/") + type}},
          value);
    }
    tick();
  }
  EXPECT_NEAR(world_.only(R"(cpu_usage{host="h1"})"), 75, 0.01);
  EXPECT_NEAR(world_.only(R"(memory_usage{host="h1"})"), 31.25, 1e-9);
  EXPECT_NEAR(world_.only(R"(disk_usage{host="h1"})"), 100 * 75.0 / 95.0, 1e-9) << "as df reckons, without tmpfs";
}

TEST_F(VitalSignsTest, SpansGoBeforeAccessLogsAndThoseBeforeHttpMetrics) {
  int next = 0;
  for (int i = 0; i < 5; ++i) {
    std::vector<testing::TestSpan> spans;
    for (int n = 0; n < 30; ++n, ++next) {
      spans.push_back({.trace = "t",
                       .id = std::to_string(next),
                       .service = "cart",
                       .status = n < 3 ? "error" : "",
                       .seconds = n == 0 ? 1.5 : 0.01,
                       .fields = {{"host.name", "h1"}}});
    }
    world_.add(spans);
    testing::Fields line = {{"http.request.method", "GET"}, {"http.response.status_code", "200"}, {"host.name", "h1"}};
    testing::Fields failed = {
        {"http.request.method", "GET"}, {"http.response.status_code", "500"}, {"host.name", "h1"}};
    world_.log({line, line, failed}, "web");
    world_.log({line, line, failed}, "cart");  // the same requests, as its access log has them
    put({{"__name__", "http_requests_total"}, {"job", "web"}, {"instance", "h1:80"}, {"code", "200"}}, i * 1000);
    put({{"__name__", "http_requests_total"}, {"job", "shop"}, {"instance", "h2:80"}, {"code", "200"}}, i * 45);
    put({{"__name__", "http_requests_total"}, {"job", "shop"}, {"instance", "h2:80"}, {"code", "503"}}, i * 15);
    put({{"__name__", "http_requests_total"}, {"job", "calm"}, {"instance", "h2:80"}, {"code", "200"}}, i * 15);
    tick();
  }
  EXPECT_NEAR(world_.only(R"(requests_per_second{host="h1",service="cart"})"), 2, 0.01);
  EXPECT_NEAR(world_.only(R"(error_rate{host="h1",service="cart"})"), 10, 0.01);
  double p99 = world_.only(R"(p99_latency{host="h1",service="cart"})");
  EXPECT_GT(p99, 1.024);
  EXPECT_LE(p99, 2.048);
  EXPECT_NEAR(world_.only(R"(requests_per_second{host="h1",service="web"})"), 0.2, 0.01);
  EXPECT_NEAR(world_.only(R"(error_rate{host="h1",service="web"})"), 100.0 / 3, 0.01);
  EXPECT_NEAR(world_.only(R"(requests_per_second{host="h2",service="shop"})"), 4, 0.01);
  EXPECT_NEAR(world_.only(R"(error_rate{host="h2",service="shop"})"), 25, 0.01);
  EXPECT_EQ(world_.only(R"(error_rate{host="h2",service="calm"})"), 0);
  EXPECT_THAT(world_.ask(R"(p99_latency{service="web"})"), IsEmpty()) << "its log tells no durations";
}

TEST_F(VitalSignsTest, WhatIsNoLongerThereEnds) {
  put({{"__name__", "node_memory_MemTotal_bytes"}, {"instance", "h1"}}, 8e9);
  put({{"__name__", "node_memory_MemAvailable_bytes"}, {"instance", "h1"}}, 2e9);
  tick();
  EXPECT_EQ(world_.only("memory_usage"), 75);
  for (int i = 0; i < 20; ++i) tick();  // 5 minutes: PromQL looks no further back
  EXPECT_THAT(world_.ask("memory_usage"), IsEmpty());
}

TEST_F(VitalSignsTest, NothingIsThereWhereNothingIsKnown) {
  tick();
  EXPECT_THAT(world_.ask("{__name__=~\"cpu_usage|error_rate|p99_latency\"}"), IsEmpty());
}

}  // namespace
}  // namespace clew::derive
