// The shipper between a real disk queue and real HTTP servers that answer as a test says.
#include "collect/shipper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "net/http_server.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"
#include "queue/disk_queue.h"

namespace clew::collect {
namespace {

using net::Response;

constexpr auto kPatience = std::chrono::seconds(30);

void wait_until(const std::function<bool()>& condition) {
  auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  ASSERT_TRUE(condition());
}

Response stored() { return {.headers = {}, .body = R"({"stored":1,"duplicate":0,"rejected":0})"}; }
Response status(int code, const std::string& retry_after = {}) {
  Response response{.status = code, .headers = {}, .body = R"({"error":{"reason":"as scripted"}})"};
  if (!retry_after.empty()) response.headers.emplace_back("Retry-After", retry_after);
  return response;
}

// A server that answers the n-th request (from 1) for a batch as the script says; without an answer it is held.
class Scripted {
 public:
  using Script = std::function<std::optional<Response>(uint64_t sequence, const std::string& batch)>;
  explicit Scripted(Script script) : script_(std::move(script)) {
    auto handler = [this](net::ExchangePtr exchange) { take(std::move(exchange)); };
    auto refuse = [](const net::Request&, const Error& error) {
      return Response{.status = 400, .headers = {}, .body = error.message()};
    };
    auto started = net::start_http_server({"127.0.0.1", 0}, 2, {}, {*clock_, budget_, metrics_, handler, refuse});
    EXPECT_TRUE(started.ok());
    server_ = std::move(started).take();
  }
  ~Scripted() {
    {
      base::MutexLock lock(mutex_);
      held_.clear();  // an exchange does not outlive its server
    }
    server_.reset();
  }

  std::string url() const { return "http://" + server_->address().text(); }
  // Batches in the order they came, each time they came.
  std::vector<std::string> batches() {
    base::MutexLock lock(mutex_);
    return batches_;
  }
  size_t count() { return batches().size(); }
  std::set<std::string> distinct() {
    std::vector<std::string> all = batches();
    return {all.begin(), all.end()};
  }
  void answer_held(const Response& response) {
    std::vector<net::ExchangePtr> held;
    {
      base::MutexLock lock(mutex_);
      held.swap(held_);
    }
    for (auto& exchange : held) exchange->answer(response);
  }
  void set_script(Script script) {
    base::MutexLock lock(mutex_);
    script_ = std::move(script);
  }

 private:
  void take(net::ExchangePtr exchange) {
    const net::Request& request = exchange->request();
    EXPECT_EQ(request.path, "/clew/v1/batches");
    std::string key(request.header("clew-batch"));
    uint64_t sequence = std::stoull(key.substr(key.rfind(':') + 1));
    std::string batch(request.body.substr(4));
    std::optional<Response> response;
    {
      base::MutexLock lock(mutex_);
      batches_.push_back(batch);
      response = script_(sequence, batch);
      if (!response) held_.push_back(exchange);
    }
    if (response) exchange->answer(std::move(*response));
  }

  std::unique_ptr<os::Clock> clock_ = os::make_real_clock();
  net::MemoryBudget budget_{64u << 20};
  base::Registry metrics_;
  base::Mutex mutex_;
  Script script_;
  std::vector<std::string> batches_;
  std::vector<net::ExchangePtr> held_;
  std::unique_ptr<net::HttpServer> server_;
};

Scripted::Script always(const std::function<Response()>& response) {
  return [response](uint64_t, const std::string&) { return std::optional<Response>(response()); };
}

class ShipperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = queue::DiskQueue::open(disk_, *clock_, rng_, "/agent/queue", {});
    ASSERT_TRUE(opened.ok());
    queue_ = std::move(opened).take();
  }
  void append(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(queue_->append("batch " + std::to_string(++appended_), 1, {}).ok());
    }
  }
  void ship(std::vector<std::string> urls, ShipTo to = ShipTo::kFirst) {
    ShipperOptions options{.endpoints = {},
                           .to = to,
                           .limits = {.backoff_first_ms = 1, .backoff_max_ms = 8},
                           .refused_dir = "/agent/refused"};
    for (std::string& url : urls) options.endpoints.push_back({.url = std::move(url), .headers = {}});
    shipper_ = std::make_unique<Shipper>(ShipParts{.queue = *queue_,
                                                   .clock = *clock_,
                                                   .rng = rng_,
                                                   .metrics = metrics_,
                                                   .say =
                                                       [this](const std::string& line) {
                                                         base::MutexLock lock(said_mutex_);
                                                         said_.push_back(line);
                                                       }},
                                         disk_, std::move(options));
    shipper_->start();
  }
  std::vector<std::string> said() {
    base::MutexLock lock(said_mutex_);
    return said_;
  }
  void wait_empty() {
    wait_until([&] { return queue_->stats().waiting_entries == 0; });
  }
  uint64_t sum(const std::string& what, const base::MetricLabels& labels = {}) {
    return metrics_.sum("clew_ship_" + what + "_total", labels);
  }

  base::Mutex said_mutex_;
  std::vector<std::string> said_;
  std::unique_ptr<os::Clock> clock_ = os::make_real_clock();
  os::SeededRng rng_{5};
  os::SimDisk disk_{1, uint64_t{4} << 30};
  base::Registry metrics_;
  std::unique_ptr<queue::DiskQueue> queue_;
  std::unique_ptr<Shipper> shipper_;
  uint64_t appended_ = 0;
};

TEST_F(ShipperTest, EveryEntryIsSentOnceAndAcknowledged) {
  Scripted server(always(stored));
  append(50);
  ship({server.url()});
  append(50);
  wait_empty();
  EXPECT_EQ(server.count(), 100u);
  EXPECT_EQ(server.distinct().size(), 100u);
  EXPECT_EQ(sum("stored_events"), 100u);
  EXPECT_EQ(sum("sent_events"), 100u);
  EXPECT_EQ(queue_->stats().acknowledged_rows, 100u);
}

TEST_F(ShipperTest, WhatIsNotTakenIsSentAgain) {
  std::atomic<int> asked{0};
  Scripted server([&](uint64_t, const std::string&) -> std::optional<Response> {
    constexpr int kFailures[] = {429, 503, 500, 401, 403, 302, 404};
    int n = asked++;
    return n < 7 ? status(kFailures[n]) : stored();
  });
  append(1);
  ship({server.url()});
  wait_empty();
  EXPECT_EQ(server.count(), 8u);
  EXPECT_EQ(sum("retries"), 7u);
  EXPECT_EQ(sum("retries", {{"reason", "status_429"}}), 1u);
  EXPECT_EQ(sum("stored_events"), 1u);
  EXPECT_TRUE(shipper_->endpoints()[0].answers);
}

TEST_F(ShipperTest, RetryAfterIsHonoured) {
  std::atomic<int> asked{0};
  std::atomic<uint64_t> first_ns{0}, second_ns{0};
  Scripted server([&](uint64_t, const std::string&) -> std::optional<Response> {
    (asked == 0 ? first_ns : second_ns) = clock_->monotonic_ns();
    return asked++ == 0 ? status(503, "1") : stored();
  });
  append(1);
  ship({server.url()});
  wait_empty();
  EXPECT_GE(second_ns - first_ns, 1'000'000'000u);
}

TEST_F(ShipperTest, ABadBatchIsSetAsideAndHoldsUpNothing) {
  Scripted server([](uint64_t, const std::string& batch) -> std::optional<Response> {
    if (batch == "batch 2") return status(400);
    return batch == "batch 4" ? status(413) : stored();
  });
  append(5);
  ship({server.url()});
  wait_empty();
  EXPECT_EQ(server.count(), 5u);
  EXPECT_EQ(sum("rejected_events", {{"reason", "status_400"}}), 1u);
  EXPECT_EQ(sum("rejected_events", {{"reason", "status_413"}}), 1u);
  std::string name = "/agent/refused/" + queue_->producer() + "-2";
  EXPECT_EQ(disk_.contents(name + ".part"), "batch 2");
  EXPECT_NE(disk_.contents(name + ".txt").find("as scripted"), std::string::npos);
  EXPECT_EQ(shipper_->refused_events(), 2u);
}

TEST_F(ShipperTest, RefusedBatchesAreCountedOnceOverRestarts) {
  auto refused = std::make_unique<RefusedBatches>(disk_, "/agent/refused", 1 << 20);
  ASSERT_TRUE(refused->count("p-2", "app", 7).ok());
  ASSERT_TRUE(refused->count("p-3", "app", 5).ok());
  refused = std::make_unique<RefusedBatches>(disk_, "/agent/refused", 1 << 20);
  EXPECT_EQ(refused->events(), 12u);
  ASSERT_TRUE(refused->count("p-3", "app", 5).ok());
  ASSERT_TRUE(refused->count("p-4", "app", 1).ok());
  disk_.crash();
  RefusedBatches after(disk_, "/agent/refused", 1 << 20);
  EXPECT_EQ(after.events(), 13u);
  EXPECT_EQ(after.events_by_source(), (std::map<std::string, uint64_t>{{"app", 13}}));
}

TEST_F(ShipperTest, WhatASecondSendFindsStoredIsCountedAsDuplicate) {
  Scripted server(always([] { return Response{.headers = {}, .body = R"({"stored":0,"duplicate":1,"rejected":0})"}; }));
  append(3);
  ship({server.url()});
  wait_empty();
  EXPECT_EQ(sum("duplicate_events"), 3u);
  EXPECT_EQ(sum("stored_events"), 0u);
}

TEST_F(ShipperTest, AnswersOutOfOrderAcknowledgeInOrder) {
  constexpr uint64_t kHeld = 150;
  Scripted server([](uint64_t sequence, const std::string&) -> std::optional<Response> {
    if (sequence == kHeld) return std::nullopt;
    return stored();
  });
  append(300);
  ship({server.url()});
  wait_until([&] { return server.count() == 300; });
  wait_until([&] { return sum("stored_events") == 299; });
  EXPECT_GE(queue_->stats().waiting_entries, 300 - kHeld + 1);
  server.answer_held(stored());
  wait_empty();
  EXPECT_EQ(server.count(), 300u);
}

TEST_F(ShipperTest, MoreAtATimeWhileItGoesWellFewerWhenItDoesNot) {
  std::atomic<bool> busy{false};
  Scripted server(
      [&](uint64_t, const std::string&) -> std::optional<Response> { return busy ? status(429) : stored(); });
  append(3'000);
  ship({server.url()});
  wait_until([&] { return shipper_->in_flight_limit() >= 4; });
  busy = true;
  append(20);
  wait_until([&] { return shipper_->in_flight_limit() == 1; });
  EXPECT_FALSE(shipper_->endpoints()[0].answers);
  busy = false;
  wait_empty();
  EXPECT_EQ(server.distinct().size(), 3'020u);
  EXPECT_LE(shipper_->in_flight_limit(), 16u);
}

// A server far away: nothing is answered before everything that may be on its way is there.
TEST_F(ShipperTest, AFarServerGetsManyAtATime) {
  constexpr uint64_t kBatches = 200;
  Scripted server([](uint64_t, const std::string&) { return std::optional<Response>(); });
  append(kBatches);
  ship({server.url()});
  size_t answered = 0;
  size_t most = 0;
  uint64_t rounds = 0;
  while (answered < kBatches) {
    size_t wanted = std::min<size_t>(kBatches, answered + shipper_->in_flight_limit());
    wait_until([&] { return server.count() >= wanted; });
    most = std::max(most, server.count() - answered);
    answered = server.count();
    server.answer_held(stored());
    wait_until([&] { return sum("stored_events") >= answered; });
    ++rounds;
  }
  wait_empty();
  EXPECT_EQ(server.count(), kBatches);
  EXPECT_EQ(most, 16u);
  EXPECT_LE(rounds, 32u);  // round trips: one by one it would be 200
}

// Time that goes by faster.
class FastClock final : public os::Clock {
 public:
  static constexpr uint64_t kTimes = 200;
  UnixNanos now() const override { return UnixNanos(static_cast<int64_t>(monotonic_ns())); }
  uint64_t monotonic_ns() const override { return real_->monotonic_ns() * kTimes; }

 private:
  std::unique_ptr<os::Clock> real_ = os::make_real_clock();
};

// Ten minutes without a server, on a clock that is 200 times as fast; whose answers get lost now and then afterwards.
TEST_F(ShipperTest, TenMinutesWithoutAServerLoseAndRepeatNothing) {
  constexpr uint64_t kOutageNs = 600'000'000'000;
  FastClock clock;
  uint64_t up_at = clock.monotonic_ns() + kOutageNs;
  std::atomic<uint64_t> attempts{0}, answers{0};
  base::Mutex mutex;
  std::map<uint64_t, std::string> stored_batches;  // by sequence, as a server knows them
  std::atomic<uint64_t> duplicates{0};
  Scripted server([&](uint64_t sequence, const std::string& batch) -> std::optional<Response> {
    if (clock.monotonic_ns() < up_at) {
      ++attempts;
      return status(503);
    }
    base::MutexLock lock(mutex);
    auto [known, is_new] = stored_batches.emplace(sequence, batch);
    EXPECT_EQ(known->second, batch);
    if (!is_new) ++duplicates;
    bool lost = ++answers % 100 == 0;
    if (lost) return status(500);  // stored, and nobody hears of it
    return is_new ? stored() : Response{.headers = {}, .body = R"({"stored":0,"duplicate":1,"rejected":0})"};
  });
  ShipperOptions options{
      .endpoints = {{.url = server.url(), .headers = {}}}, .limits = {}, .refused_dir = "/agent/refused"};
  shipper_ = std::make_unique<Shipper>(ShipParts{.queue = *queue_, .clock = clock, .rng = rng_, .metrics = metrics_},
                                       disk_, std::move(options));
  shipper_->start();
  append(1'500);
  wait_until([&] { return clock.monotonic_ns() >= up_at; });
  append(100);
  wait_empty();
  // 0.2 s doubled up to 30 s: a server that is away is not stormed.
  EXPECT_LE(attempts, 60u);
  EXPECT_EQ(stored_batches.size(), appended_);
  EXPECT_EQ(queue_->stats().acknowledged_rows, appended_);
  EXPECT_EQ(sum("stored_events") + sum("duplicate_events"), appended_);
  EXPECT_GT(duplicates, 0u);
  shipper_.reset();  // before its clock
}

TEST_F(ShipperTest, TheNextEndpointTakesOverAndTheFirstComesBack) {
  std::atomic<bool> broken{true};
  Scripted first(
      [&](uint64_t, const std::string&) -> std::optional<Response> { return broken ? status(500) : stored(); });
  Scripted second(always(stored));
  append(20);
  ship({first.url(), second.url()});
  wait_empty();
  EXPECT_EQ(second.distinct().size(), 20u);
  broken = false;
  wait_until([&] {
    append(1);
    wait_empty();
    return shipper_->endpoints()[0].answers;
  });
  size_t taken = second.count();
  append(20);
  wait_empty();
  EXPECT_EQ(second.count(), taken);
}

TEST_F(ShipperTest, AnEndpointThatNobodyListensAtIsPassedBy) {
  std::string nobody;
  {
    Scripted gone(always(stored));
    nobody = gone.url();
  }
  Scripted second(always(stored));
  append(5);
  ship({nobody, second.url()});
  wait_empty();
  EXPECT_EQ(second.distinct().size(), 5u);
  EXPECT_GE(sum("retries", {{"reason", "unreachable"}}), 1u);
}

TEST_F(ShipperTest, AServerThatSaysNoGetsNothingLosesNothingAndIsTold) {
  std::atomic<int> code{401};
  Scripted server(always([&] { return code == 200 ? stored() : status(code); }));
  append(3);
  ship({server.url()});
  wait_until([&] { return server.count() >= 5; });
  ShipEndpointState state = shipper_->endpoints().at(0);
  EXPECT_FALSE(state.answers);
  EXPECT_TRUE(state.refuses);
  EXPECT_TRUE(state.last_error.starts_with("401 ")) << state.last_error;
  EXPECT_NE(metrics_.prometheus_text().find("clew_ship_endpoint_refuses{endpoint=\"" + server.url() + "\"} 1"),
            std::string::npos);
  std::vector<std::string> told = said();
  ASSERT_EQ(told.size(), 1u) << "once, not once a try";
  EXPECT_NE(told[0].find("REFUSES"), std::string::npos) << told[0];
  EXPECT_NE(told[0].find("as scripted"), std::string::npos) << "the reason: " << told[0];
  EXPECT_EQ(queue_->stats().waiting_entries, 3u);
  code = 200;
  wait_empty();
  EXPECT_FALSE(shipper_->endpoints().at(0).refuses);
  EXPECT_EQ(said().size(), 2u) << "that it takes events again";
  EXPECT_EQ(server.distinct().size(), 3u);
}

TEST_F(ShipperTest, MirroredItIsAcknowledgedWhenAllHaveIt) {
  std::atomic<bool> down{true};
  Scripted first(always(stored));
  Scripted second(
      [&](uint64_t, const std::string&) -> std::optional<Response> { return down ? status(503) : stored(); });
  append(10);
  ship({first.url(), second.url()}, ShipTo::kAll);
  wait_until([&] { return first.distinct().size() == 10 && second.count() > 1; });
  EXPECT_EQ(queue_->stats().waiting_entries, 10u);
  down = false;
  wait_empty();
  EXPECT_EQ(second.distinct().size(), 10u);
  EXPECT_EQ(first.count(), 10u);
}

TEST_F(ShipperTest, StoppingWaitsForAnswersAndGivesUpInTime) {
  Scripted server([](uint64_t, const std::string&) { return std::optional<Response>(); });
  append(1);
  ship({server.url()});
  wait_until([&] { return server.count() == 1; });
  std::jthread answers([&] { server.answer_held(stored()); });
  shipper_->stop(20'000);
  EXPECT_EQ(queue_->stats().waiting_entries, 0u);

  append(1);
  ship({server.url()});
  wait_until([&] { return server.count() == 2; });
  auto begun = std::chrono::steady_clock::now();
  shipper_->stop(10);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
  EXPECT_EQ(queue_->stats().waiting_entries, 1u);  // it is there for the next process
}

}  // namespace
}  // namespace clew::collect
