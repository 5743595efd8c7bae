// The sender of samples between a real disk queue and real HTTP servers that answer as a test says.
#include "collect/sample_sender.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <atomic>
#include <thread>

#include "net/http_server.h"
#include "os/clock.h"
#include "os/sim_disk.h"
#include "queue/disk_queue.h"
#include "wire/metric_text.h"
#include "wire/remote_write.h"

namespace clew::collect {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

void wait_until(const std::function<bool()>& condition) {
  auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  ASSERT_TRUE(condition());
}

// A server of remote write that keeps what it took, as text.
class Taker {
 public:
  explicit Taker(int status) : status_(status) {
    auto handler = [this](const net::ExchangePtr& exchange) { take(exchange); };
    auto refuse = [](const net::Request&, const Error& error) {
      return net::Response{.status = 400, .headers = {}, .body = error.message()};
    };
    auto started = net::start_http_server({"127.0.0.1", 0}, 1, {}, {*clock_, budget_, metrics_, handler, refuse});
    EXPECT_TRUE(started.ok());
    server_ = std::move(started).take();
  }
  std::string url() const { return "http://" + server_->address().text(); }
  void set_status(int status) { status_ = status; }
  uint64_t asked() const { return asked_; }
  std::string taken() {
    base::MutexLock lock(mutex_);
    return taken_;
  }

 private:
  void take(const net::ExchangePtr& exchange) {
    wire::RemoteWriteDecoder decoder;
    Result<const model::MetricBatch*> batch = decoder.decode_v1(exchange->request().body);
    EXPECT_TRUE(batch.ok());
    int status = status_;
    if (status < 300) {
      base::MutexLock lock(mutex_);
      taken_ += wire::metric_text(**batch);
    }
    ++asked_;
    exchange->answer({.status = status, .headers = {}, .body = {}});
  }

  std::unique_ptr<os::Clock> clock_ = os::make_real_clock();
  net::MemoryBudget budget_{64u << 20};
  base::Registry metrics_;
  std::atomic<int> status_;
  std::atomic<uint64_t> asked_{0};
  base::Mutex mutex_;
  std::string taken_ CLEW_GUARDED_BY(mutex_);
  std::unique_ptr<net::HttpServer> server_;
};

class SampleSenderTest : public ::testing::Test {
 protected:
  std::unique_ptr<queue::DiskQueue> open_queue(uint64_t bytes = 64u << 20) {
    auto opened = queue::DiskQueue::open(disk_, *real_, *rng_, "/agent/samples", {.disk_bytes_max = bytes});
    EXPECT_TRUE(opened.ok());
    return std::move(opened).take();
  }
  SampleSenderOptions to(std::vector<std::string> urls, bool mirror = false) {
    return {.urls = std::move(urls), .mirror = mirror, .headers = {}, .make_client = net::make_http_client};
  }
  static void write(SampleSender& sender, int64_t millis, size_t series = 1) {
    model::MetricBatch batch;
    for (size_t i = 0; i < series; ++i) {
      batch.begin_series(model::Labels::of({{"__name__", "x"}, {"i", std::to_string(i)}}));
      batch.add_sample(millis, static_cast<double>(millis));
    }
    bool ok = false;
    sender.write({}, batch, [&ok](const Result<contract::MetricAck>& ack) { ok = ack.ok(); });
    EXPECT_TRUE(ok);
  }

  std::unique_ptr<os::Clock> real_ = os::make_real_clock();
  os::SimDisk disk_{1};
  std::unique_ptr<os::Rng> rng_ = os::make_real_rng();
  base::Registry metrics_;
};

std::string lines(std::initializer_list<int> times) {
  std::string out;
  for (int t : times) out += "x{i=\"0\"} " + std::to_string(t) + " @" + std::to_string(t) + "\n";
  return out;
}

TEST_F(SampleSenderTest, GoInOrder) {
  Taker server(204);
  auto queue = open_queue();
  SampleSender sender(to({server.url()}), *queue, *real_, metrics_);
  for (int t = 1; t <= 3; ++t) write(sender, t);
  wait_until([&] { return queue->stats().waiting_entries == 0; });
  EXPECT_EQ(server.taken(), lines({1, 2, 3}));
}

TEST_F(SampleSenderTest, WaitForAServerOverARestart) {
  Taker server(503);
  {
    auto queue = open_queue();
    SampleSender sender(to({server.url()}), *queue, *real_, metrics_);
    for (int t = 1; t <= 3; ++t) write(sender, t);
    wait_until([&] { return server.asked() > 0; });
    queue->close();
  }
  server.set_status(204);
  auto queue = open_queue();
  EXPECT_EQ(queue->stats().waiting_entries, 3u);
  SampleSender sender(to({server.url()}), *queue, *real_, metrics_);
  wait_until([&] { return queue->stats().waiting_entries == 0; });
  EXPECT_EQ(server.taken(), lines({1, 2, 3}));
}

TEST_F(SampleSenderTest, MirrorsEachGetAll) {
  Taker first(204), second(503);
  auto queue = open_queue();
  SampleSender sender(to({first.url(), second.url()}, true), *queue, *real_, metrics_);
  for (int t = 1; t <= 2; ++t) write(sender, t);
  wait_until([&] { return first.taken() == lines({1, 2}); });
  EXPECT_EQ(queue->stats().waiting_entries, 2u) << "the other one lacks them";
  second.set_status(204);
  wait_until([&] { return queue->stats().waiting_entries == 0; });
  EXPECT_EQ(second.taken(), lines({1, 2}));
}

TEST_F(SampleSenderTest, WhatIsRefusedForGoodDoesNotHoldUpTheRest) {
  Taker server(400);
  auto queue = open_queue();
  SampleSender sender(to({server.url()}), *queue, *real_, metrics_);
  write(sender, 1);
  wait_until([&] { return queue->stats().waiting_entries == 0; });
  server.set_status(204);
  write(sender, 2);
  wait_until([&] { return server.taken() == lines({2}); });
}

TEST_F(SampleSenderTest, TheEndWaitsForAServerThatIsThere) {
  Taker server(204);
  auto queue = open_queue();
  SampleSender sender(to({server.url()}), *queue, *real_, metrics_);
  for (int t = 1; t <= 5; ++t) write(sender, t);
  sender.drain(kPatience);
  EXPECT_EQ(server.taken(), lines({1, 2, 3, 4, 5}));
  server.set_status(503);
  write(sender, 6);
  wait_until([&] { return metrics_.sum("clew_agent_measurements_failed_total") > 0; });
  sender.drain(kPatience);  // returns: nobody takes it
  EXPECT_EQ(queue->stats().waiting_entries, 1u);
}

TEST_F(SampleSenderTest, TheOldestMakeRoom) {
  Taker server(503);
  auto queue = open_queue(4u << 20);
  uint64_t written = 0;
  {
    SampleSender sender(to({server.url()}), *queue, *real_, metrics_);
    for (int t = 1; t <= 60; ++t, ++written) write(sender, t, 20'000);
    EXPECT_LT(queue->stats().waiting_entries, written) << "not all have room";
    EXPECT_GT(queue->stats().waiting_entries, 0u);
    server.set_status(204);
    wait_until([&] { return queue->stats().waiting_entries == 0; });
  }
  std::string taken = server.taken();
  EXPECT_NE(taken.find("x{i=\"0\"} 60 @60\n"), std::string::npos) << "the newest is there";
  EXPECT_EQ(taken.find("x{i=\"0\"} 1 @1\n"), std::string::npos) << "the oldest went";
}

}  // namespace
}  // namespace clew::collect
