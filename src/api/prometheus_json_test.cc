#include "api/prometheus_json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace clew::api {
namespace {

TEST(PrometheusJson, NumbersArePrintedInFullAndShortest) {
  EXPECT_EQ(prometheus_number(0), "0");
  EXPECT_EQ(prometheus_number(-0.0), "-0");
  EXPECT_EQ(prometheus_number(-17), "-17");
  EXPECT_EQ(prometheus_number(0.1), "0.1");
  EXPECT_EQ(prometheus_number(1e15), "1000000000000000");
  EXPECT_EQ(prometheus_number(999999999999999), "999999999999999");
  EXPECT_EQ(prometheus_number(1e21), "1000000000000000000000");
  EXPECT_EQ(prometheus_number(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(prometheus_number(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(prometheus_number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(prometheus_number(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(prometheus_number(std::numeric_limits<double>::max()).size(), 309U);
  EXPECT_EQ(prometheus_number(-std::numeric_limits<double>::denorm_min()).substr(0, 5), "-0.00");
}

TEST(PrometheusJson, TimesAreSecondsWithTheMillisecondsThatThereAre) {
  EXPECT_EQ(prometheus_time(0), "0");
  EXPECT_EQ(prometheus_time(1795996800500), "1795996800.5");
  EXPECT_EQ(prometheus_time(1005), "1.005");
  EXPECT_EQ(prometheus_time(-1), "-0.001");
  EXPECT_EQ(prometheus_time(-60'000), "-60");
  EXPECT_EQ(prometheus_time(std::numeric_limits<int64_t>::min()), "-9223372036854775.808");
}

}  // namespace
}  // namespace clew::api
