#include "adapters/remote_writer.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <chrono>

#include "base/mutex.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"
#include "queue/disk_queue.h"
#include "wire/remote_write.h"

namespace clew::adapters {
namespace {

// A receiver that answers as it is told and keeps what it took.
class Receiver {
 public:
  int status_for(const net::HttpCall& call) {
    base::MutexLock lock(mutex_);
    ++calls_;
    int status = calls_ <= first_answers_.size() ? first_answers_[calls_ - 1] : 204;
    if (status == 204) {
      std::string plain;
      EXPECT_TRUE(snappy::Uncompress(call.body.data(), call.body.size(), &plain));
      wire::RemoteWriteDecoder decoder;
      Result<const model::MetricBatch*> batch = decoder.decode_v1(plain);
      EXPECT_TRUE(batch.ok());
      for (const auto& series : (*batch)->series()) {
        for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
          taken_.push_back(to_text((*batch)->labels_of(series)) + " " + std::to_string((*batch)->samples()[i].millis));
        }
      }
      metadata_ += (*batch)->metadata().size();
    }
    changed_.notify_all();
    return status;
  }
  // Waits until so much was taken.
  std::vector<std::string> taken(size_t count) {
    base::MutexLock lock(mutex_);
    for (int i = 0; i < 200 && taken_.size() < count; ++i) changed_.wait_for(mutex_, std::chrono::milliseconds(50));
    return taken_;
  }
  size_t calls(size_t count) {
    base::MutexLock lock(mutex_);
    for (int i = 0; i < 200 && calls_ < count; ++i) changed_.wait_for(mutex_, std::chrono::milliseconds(50));
    return calls_;
  }
  size_t metadata() {
    base::MutexLock lock(mutex_);
    return metadata_;
  }
  std::vector<int> first_answers_;  // set before the first call

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  size_t calls_ = 0;
  size_t metadata_ = 0;
  std::vector<std::string> taken_;
};

class Client final : public net::HttpClient {
 public:
  explicit Client(Receiver& receiver) : receiver_(receiver) {}
  Result<net::HttpReply> call(const net::HttpCall& call) override {
    int status = receiver_.status_for(call);
    if (status == 0) return Error(Code::kUnavailable, "nobody there");
    net::HttpReply reply;
    reply.status = status;
    return reply;
  }

 private:
  Receiver& receiver_;
};

class RemoteWriterTest : public testing::Test {
 protected:
  std::unique_ptr<RemoteWriter> open() {
    RemoteWriteOptions options;
    options.name = "one";
    options.url = "http://receiver/api/v1/write";
    options.external_labels = {{"region", "eu"}};
    options.samples_max = 3;
    options.backoff_min_ms = 1;
    options.backoff_max_ms = 4;
    auto queue = queue::DiskQueue::open(disk_, clock_, rng_, "queue", {});
    EXPECT_TRUE(queue.ok()) << queue.error().message();
    return std::make_unique<RemoteWriter>(
        options, std::move(queue).take(), metrics_,
        [this](const net::TlsClientFiles&) { return std::make_unique<Client>(receiver_); });
  }
  static void push(RemoteWriter& writer, int64_t millis) {
    model::MetricBatch batch;
    batch.begin_series(model::Labels::of({{"__name__", "up"}, {"job", "a"}}));
    batch.add_sample(millis, 1);
    batch.set_metadata("up", {model::MetricType::kGauge, "", "whether it is there"});
    const model::MetricBatch* one = &batch;
    writer.push(std::span(&one, 1));
  }
  static std::string text(int64_t millis) { return R"(up{job="a", region="eu"} )" + std::to_string(millis); }

  os::SimDisk disk_{1};
  os::SimClock clock_;
  os::SeededRng rng_{1};
  base::Registry metrics_;
  Receiver receiver_;
};

TEST_F(RemoteWriterTest, EverythingArrivesInOrderWhateverTheReceiverSaysFirst) {
  receiver_.first_answers_ = {0, 500, 503, 429};
  std::unique_ptr<RemoteWriter> writer = open();
  std::vector<std::string> expected;
  for (int64_t i = 1; i <= 20; ++i) {
    push(*writer, i);
    expected.push_back(text(i));
  }
  EXPECT_EQ(receiver_.taken(20), expected);
  EXPECT_EQ(receiver_.metadata() > 0, true);
  EXPECT_EQ(metrics_.sum("clew_remote_write_retries_total"), 4u);
  EXPECT_EQ(metrics_.sum("clew_remote_write_samples_dropped_total"), 0u);
}

TEST_F(RemoteWriterTest, WhatAReceiverWillNeverTakeIsCountedAndTheRestGoesOn) {
  receiver_.first_answers_ = {400};
  std::unique_ptr<RemoteWriter> writer = open();
  push(*writer, 1);
  EXPECT_GE(receiver_.calls(1), 1u);
  push(*writer, 2);
  std::vector<std::string> taken = receiver_.taken(1);
  ASSERT_FALSE(taken.empty());
  EXPECT_EQ(taken.back(), text(2));
  EXPECT_EQ(metrics_.sum("clew_remote_write_samples_refused_total"), 1u);
}

TEST_F(RemoteWriterTest, ARestartGoesOn) {
  receiver_.first_answers_.assign(1000, 503);
  std::unique_ptr<RemoteWriter> writer = open();
  for (int64_t i = 1; i <= 10; ++i) push(*writer, i);
  EXPECT_GE(receiver_.calls(2), 2u);
  writer.reset();
  Receiver& receiver = receiver_;
  receiver.first_answers_.clear();
  writer = open();
  std::vector<std::string> taken = receiver.taken(10);
  ASSERT_EQ(taken.size(), 10u);
  EXPECT_EQ(taken.front(), text(1));
  EXPECT_EQ(taken.back(), text(10));
}

TEST(RemoteWriteOptions, ReadsPrometheusSection) {
  yaml::Mistakes mistakes;
  yaml::Tree tree = yaml::parse_yaml(R"(
- url: http://a:9090/api/v1/write
  name: far
  remote_timeout: 10s
  basic_auth: {username: u, password: p}
  queue_config: {max_samples_per_send: 500, max_shards: 10, capacity: 2500, max_backoff: 1m}
- url: https://b/api/v1/write
  headers: {X-Scope-OrgID: '7'}
)",
                                     mistakes);
  std::vector<RemoteWriteOptions> all = read_remote_writes(tree, mistakes);
  ASSERT_TRUE(mistakes.empty()) << mistakes[0].message;
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "far");
  EXPECT_EQ(all[0].timeout_ms, 10'000u);
  EXPECT_EQ(all[0].samples_max, 500u);
  EXPECT_EQ(all[0].backoff_max_ms, 60'000u);
  EXPECT_EQ(all[0].headers[0].second, "Basic dTpw");
  EXPECT_EQ(all[1].headers[0].first, "X-Scope-OrgID");
  EXPECT_EQ(all[1].name.size(), 6u);

  (void)read_remote_writes(yaml::parse_yaml("- url: nowhere\n  urls: x\n- url: http://a\n  name: ../x\n", mistakes),
                           mistakes);
  ASSERT_EQ(mistakes.size(), 3u);
  EXPECT_EQ(mistakes[0].line, 1u);
  EXPECT_EQ(mistakes[1].line, 2u);
  EXPECT_EQ(mistakes[2].line, 3u);
}

}  // namespace
}  // namespace clew::adapters
