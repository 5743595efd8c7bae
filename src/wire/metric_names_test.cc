#include "wire/metric_names.h"

#include <gtest/gtest.h>

namespace clew::wire {
namespace {

using enum NameStyle;
using enum NamedKind;

TEST(MetricNames, Suffixes) {
  auto name = [](std::string_view n, std::string_view unit, NamedKind kind) {
    return metric_name_of(kSuffixes, n, unit, kind);
  };
  EXPECT_EQ(name("http.server.request.duration", "s", kOther), "http_server_request_duration_seconds");
  EXPECT_EQ(name("system.network.io", "By", kCounter), "system_network_io_bytes_total");
  EXPECT_EQ(name("requests", "{request}", kCounter), "requests_total");
  EXPECT_EQ(name("already_total", "1", kCounter), "already_total");
  EXPECT_EQ(name("total.things", "", kCounter), "things_total");
  EXPECT_EQ(name("cpu.utilization", "1", kGauge), "cpu_utilization_ratio");
  EXPECT_EQ(name("disk.speed", "By/s", kGauge), "disk_speed_bytes_per_second");
  EXPECT_EQ(name("errors", "{error}/min", kGauge), "errors_per_min");
  EXPECT_EQ(name("errors", "1/m", kGauge), "errors_per_minute");
  EXPECT_EQ(name("queue.seconds.waited", "s", kOther), "queue_seconds_waited");
  EXPECT_EQ(name("a..b--c", "", kOther), "a_b_c");
  EXPECT_EQ(name("2nd.try", "", kOther), "_2nd_try");
  EXPECT_EQ(name("job:rate", "", kOther), "job:rate");
  EXPECT_EQ(name("temperature", "°C", kGauge), "temperature_C");
  EXPECT_EQ(name("...", "s", kOther), "");
  EXPECT_EQ(name("", "s", kOther), "");
}

TEST(MetricNames, OtherStyles) {
  EXPECT_EQ(metric_name_of(kUnderscores, "http.server.duration", "ms", kOther), "http_server_duration");
  EXPECT_EQ(metric_name_of(kUnderscores, "1.duration", "ms", kCounter), "_1_duration");
  EXPECT_EQ(metric_name_of(kUtf8Suffixes, "http.server.duration", "ms", kOther), "http.server.duration_milliseconds");
  EXPECT_EQ(metric_name_of(kUtf8Suffixes, "io.total", "By", kCounter), "io_bytes_total");
  EXPECT_EQ(metric_name_of(kUtf8Suffixes, "load", "1", kGauge), "load_ratio");
  EXPECT_EQ(metric_name_of(kUnchanged, "http.server.duration", "ms", kCounter), "http.server.duration");
}

TEST(MetricNames, Units) {
  EXPECT_EQ(metric_unit_of(kSuffixes, "By/s"), "bytes_per_second");
  EXPECT_EQ(metric_unit_of(kSuffixes, "{thing}"), "");
  EXPECT_EQ(metric_unit_of(kUnchanged, "By/s"), "By/s");
}

TEST(MetricNames, Labels) {
  EXPECT_EQ(label_name_of(kSuffixes, "http.method"), "http_method");
  EXPECT_EQ(label_name_of(kSuffixes, "1st"), "key_1st");
  EXPECT_EQ(label_name_of(kSuffixes, "_private"), "key_private");
  EXPECT_EQ(label_name_of(kSuffixes, "__own"), "__own");
  EXPECT_EQ(label_name_of(kUnchanged, "http.method"), "http.method");
}

TEST(MetricNames, Bounds) {
  EXPECT_EQ(bound_text(1), "1");
  EXPECT_EQ(bound_text(0.005), "0.005");
  EXPECT_EQ(bound_text(1e6), "1000000");
  EXPECT_EQ(bound_text(-2.5), "-2.5");
  EXPECT_EQ(bound_text(1.0 / 0.0), "+Inf");
}

}  // namespace
}  // namespace clew::wire
