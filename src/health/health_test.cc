#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "health/answer.h"
#include "health/target.h"

namespace clew::health {
namespace {

// "down: db, disk", "up", "up: cache".
std::string read(std::string_view body) {
  Answer answer = read_answer(body);
  std::string failed = fmt::format("{}", fmt::join(answer.failed, ", "));
  return std::string(answer.says_down ? "down" : "up") + (failed.empty() ? "" : ": " + failed);
}

TEST(Answer, SpringBoot) {
  EXPECT_EQ(read(R"({"status":"UP"})"), "up");
  EXPECT_EQ(read(R"({"status":"UP","components":{"db":{"status":"UP","details":{"database":"PostgreSQL"}},)"
                 R"("diskSpace":{"status":"UP","details":{"total":1,"free":1,"exists":true}}}})"),
            "up");
  EXPECT_EQ(read(R"({"status":"DOWN","components":{"db":{"status":"DOWN","details":{"error":"no connection"}},)"
                 R"("diskSpace":{"status":"UP","details":{"exists":false}},"redis":{"status":"OUT_OF_SERVICE"}}})"),
            "down: db, redis");
  EXPECT_EQ(read(R"({"status":"DOWN","components":{"db":{"status":"DOWN","components":{"primary":{"status":"UP"},)"
                 R"("replica":{"status":"DOWN"}}}}})"),
            "down: db.replica");
  EXPECT_EQ(read(R"({"status":"DOWN","details":{"rabbit":{"status":"DOWN"},"mail":{"status":"UP"}}})"), "down: rabbit")
      << "version 2.0 called the components details";
}

TEST(Answer, MicroProfile) {
  EXPECT_EQ(
      read(
          R"({"status":"DOWN","checks":[{"name":"jms","status":"DOWN","data":{"queue":"q"}},{"name":"x","status":"UP"}]})"),
      "down: jms");
  EXPECT_EQ(read(R"({"outcome":"UP","checks":[]})"), "up");
}

TEST(Answer, AspNet) {
  EXPECT_EQ(read("Healthy"), "up");
  EXPECT_EQ(read("Degraded"), "up");
  EXPECT_EQ(read("Unhealthy\n"), "down");
  EXPECT_EQ(
      read(
          R"({"status":"Unhealthy","totalDuration":"00:00:00.05","entries":{"sql":{"status":"Unhealthy","tags":["db"]},"api":{"status":"Healthy"}}})"),
      "down: sql");
  EXPECT_EQ(read(R"({"status":"Unhealthy","results":{"queue":{"status":"Unhealthy","description":null,"data":{}}}})"),
            "down: queue");
  EXPECT_EQ(
      read(
          R"({"status":"Unhealthy","checks":[{"component":"x","key":"cache","value":"Unhealthy","status":"Unhealthy"}]})"),
      "down: cache");
}

TEST(Answer, OfClewAndOthers) {
  EXPECT_EQ(read(R"({"status":"not ready","disk":false,"reason":"full"})"), "down: disk");
  EXPECT_EQ(read(R"({"ready":false,"disk":true,"queue":false})"), "down: queue");
  EXPECT_EQ(read(R"({"disk":false})"), "up: disk");
  EXPECT_EQ(read(R"({"db":"down","cache":"ok"})"), "up: db");
  EXPECT_EQ(read(R"({"status":"error","info":{"disk":{"status":"up"}},"error":{"db":{"status":"down","message":"x"}},)"
                 R"("details":{"disk":{"status":"up"},"db":{"status":"down"}}})"),
            "down: db")
      << "named once";
  EXPECT_EQ(
      read(
          R"({"status":"fail","checks":{"db:connections":[{"status":"pass"},{"status":"fail"}],"cpu":[{"status":"warn"}]}})"),
      "down: db:connections");
  EXPECT_EQ(read(R"({"healthy":false})"), "down");
  EXPECT_EQ(read("false"), "down");
  EXPECT_EQ(read("\"DOWN\""), "down");
}

TEST(Answer, KubernetesVerbose) {
  EXPECT_EQ(read("[+]ping ok\n[+]log ok\nhealthz check passed\n"), "up");
  EXPECT_EQ(read("[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/x failed: reason withheld\nreadyz "
                 "check failed"),
            "down: etcd, poststarthook/x");
}

TEST(Answer, WhatItDoesNotKnowSaysNothing) {
  for (const char* body :
       {"", "ok", "<html>down</html>", "[]", "{}", "17", "null", R"({"status":17})", R"({"status":["DOWN"]})",
        R"({"version":"1","uptime":3,"debug":"failed to parse nothing"})", R"({"checks":17})", "{\"status\":\"UP\""}) {
    EXPECT_EQ(read(body), "up") << body;
  }
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += R"({"status":"UP","components":{"a":)";
  EXPECT_EQ(read(deep), "up");
  for (int i = 0; i < 2000; ++i) deep += "}}";
  EXPECT_EQ(read(deep.substr(0, deep.find("}}")) + "{\"status\":\"DOWN\"}" + deep.substr(deep.find("}}"))), "up")
      << "deeper than is looked";
  std::string many = R"({"status":"DOWN")";
  for (int i = 0; i < 100; ++i) many += fmt::format(R"(,"d{}":false)", i);
  EXPECT_EQ(read_answer(many + "}").failed.size(), kFailedMax);
}

TEST(Endpoints, OfAServiceAndOfAPage) {
  auto of = [](const std::string& url) {
    std::string out;
    for (const Endpoint& endpoint : endpoints_of(url)) out += endpoint.check + "=" + endpoint.url + " ";
    return out;
  };
  EXPECT_EQ(of("http://a:80"), "live=http://a:80/health/live ready=http://a:80/health/ready ");
  EXPECT_EQ(of("https://a/"), "live=https://a/health/live ready=https://a/health/ready ");
  EXPECT_EQ(of("http://a/actuator/health"), "health=http://a/actuator/health ");
  EXPECT_EQ(of("http://a/readyz?verbose"), "readyz=http://a/readyz?verbose ");
  EXPECT_EQ(of("http://a/x/"), "x=http://a/x/ ");
}

constexpr int64_t kBegin = 1'795'171'025'000'000'000;  // 2026-11-20T10:37:05Z
constexpr int64_t kSecond = 1'000'000'000;

class TargetTest : public testing::Test {
 protected:
  // The event of the next poll, ten seconds after the last.
  nlohmann::json poll(int status, const std::string& body, const std::string& error = {}) {
    Poll poll{UnixNanos(kBegin + 10 * kSecond * polls_++), status, body, error, 12'345'678};
    std::optional<std::string> line = target_.take(poll);
    return line ? nlohmann::json::parse(*line) : nlohmann::json();
  }
  Target target_{"shop", {"http://a/health/ready", "ready"}};
  int64_t polls_ = 0;
};

TEST_F(TargetTest, TheFirstPollIsAnEvent) {
  EXPECT_EQ(poll(200, R"({"status":"UP"})"), nlohmann::json({{"timestamp", "2026-11-20T10:37:05Z"},
                                                             {"level", "info"},
                                                             {"service.name", "shop"},
                                                             {"message", "shop is ready"},
                                                             {"outcome", "ok"},
                                                             {"health.check", "ready"},
                                                             {"health.event", "start"},
                                                             {"url.full", "http://a/health/ready"},
                                                             {"duration_ms", 12.345},
                                                             {"http.response.status_code", 200}}));
  EXPECT_TRUE(poll(200, "").is_null());
}

TEST_F(TargetTest, EachFailureAndTheReturn) {
  poll(200, "");
  nlohmann::json first =
      poll(503, R"({"status":"DOWN","components":{"db":{"status":"DOWN"},"redis":{"status":"DOWN"}}})");
  EXPECT_EQ(first["message"], "shop is not ready: db, redis fail");
  EXPECT_EQ(first["health.event"], "change");
  EXPECT_EQ(first["health.failed"], "db, redis");
  EXPECT_EQ(first["level"], "error");
  EXPECT_EQ(first["outcome"], "failed");
  EXPECT_EQ(first["health.failed_polls"], 1);
  nlohmann::json second = poll(0, "", "Connection refused");
  EXPECT_EQ(second["message"], "shop is not ready: no answer: Connection refused");
  EXPECT_EQ(second["health.event"], "failure");
  EXPECT_EQ(second["error.message"], "Connection refused");
  EXPECT_FALSE(second.contains("http.response.status_code"));
  EXPECT_FALSE(second.contains("health.failed"));
  EXPECT_EQ(second["health.failed_polls"], 2);
  nlohmann::json back = poll(200, "");
  EXPECT_EQ(back["message"], "shop is ready again after 20.0 s, 2 failed polls");
  EXPECT_EQ(back["health.event"], "change");
  EXPECT_EQ(back["outcome"], "ok");
  EXPECT_TRUE(poll(200, "").is_null());
}

TEST_F(TargetTest, ABeatWhileNothingHappens) {
  poll(200, "");
  for (uint32_t i = 1; i < kBeatPolls; ++i) EXPECT_TRUE(poll(200, "").is_null()) << i;
  EXPECT_EQ(poll(200, "")["health.event"], "beat");
  for (uint32_t i = 1; i < kBeatPolls; ++i) EXPECT_TRUE(poll(200, "").is_null()) << i;
  EXPECT_EQ(poll(200, "")["health.event"], "beat");
}

TEST_F(TargetTest, SaysWhatIsWrong) {
  EXPECT_EQ(poll(200, R"({"status":"DOWN"})")["message"], "shop is not ready: its answer says so");
  EXPECT_EQ(poll(500, "oops")["message"], "shop is not ready: status 500");
  EXPECT_EQ(poll(404, "")["message"],
            "shop is not ready: there is no such page: name the whole URL of its health page");
  EXPECT_EQ(poll(302, "")["message"], "shop is not ready: it sends to another URL: name that one");
  EXPECT_EQ(poll(503, R"({"disk":false})")["message"], "shop is not ready: disk fails");
  EXPECT_EQ(poll(0, "", std::string(5000, 'x'))["error.message"].get<std::string>().size(), 300u);
  EXPECT_EQ(poll(503, "{\"\xff\":false}")["outcome"], "failed") << "what is no UTF-8 breaks nothing";
}

TEST(Target, SaysWhatWasAskedFor) {
  auto first = [](const char* check) {
    return nlohmann::json::parse(
        *Target("pay", {"http://a/x", check}).take({UnixNanos(kBegin), 200, "", "", 1}))["message"];
  };
  EXPECT_EQ(first("live"), "pay is alive");
  EXPECT_EQ(first("readyz"), "pay is ready");
  EXPECT_EQ(first("health"), "pay is healthy");
}

}  // namespace
}  // namespace clew::health
