// The shipper before servers that are not clew: what they get by OTLP, and what their answers do.
#include "collect/otlp_output.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "collect/queue_entry.h"
#include "collect/shipper.h"
#include "columnar/part.h"
#include "net/http_server.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"
#include "queue/disk_queue.h"
#include "wire/otlp_logs.h"
#include "wire/otlp_reply.h"

namespace clew::collect {
namespace {

using net::Response;

void wait_until(const std::function<bool()>& condition) {
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  ASSERT_TRUE(condition());
}

// Decodes what it gets and answers as the script says.
class Collector {
 public:
  using Script = std::function<Response(uint64_t number)>;
  explicit Collector(Script script) : script_(std::move(script)) {
    auto handler = [this](const net::ExchangePtr& exchange) { exchange->answer(take(exchange->request())); };
    auto refuse = [](const net::Request&, const Error& error) {
      return Response{.status = 400, .headers = {}, .body = error.message()};
    };
    auto started = net::start_http_server({"127.0.0.1", 0}, 1, {}, {*clock_, budget_, metrics_, handler, refuse});
    EXPECT_TRUE(started.ok());
    server_ = std::move(started).take();
  }
  std::string url() const { return "http://" + server_->address().text(); }
  std::multiset<std::string> messages() {
    base::MutexLock lock(mutex_);
    return messages_;
  }
  uint64_t requests() const { return requests_; }
  std::string header(const std::string& name) {
    base::MutexLock lock(mutex_);
    return headers_[name];
  }

 private:
  Response take(const net::Request& request) {
    EXPECT_EQ(request.path, "/v1/logs");
    Response response = script_(++requests_);
    base::MutexLock lock(mutex_);
    for (const auto& [name, value] : request.headers) headers_[name] = value;
    if (response.status != 200) return response;
    wire::OtlpLogsDecoder decoder;
    Result<wire::Events> events =
        decoder.decode_protobuf(request.body, {.arrival = UnixNanos(1), .dataset = "logs", .zone = {}});
    EXPECT_TRUE(events.ok());
    for (const model::Batch& batch : events->batches) {
      const model::Column* messages = batch.find("message");
      for (uint32_t row = 0; row < batch.rows(); ++row) messages_.emplace(messages->text_at(row));
    }
    return response;
  }

  Script script_;
  std::unique_ptr<os::Clock> clock_ = os::make_real_clock();
  net::MemoryBudget budget_{64u << 20};
  base::Registry metrics_;
  std::atomic<uint64_t> requests_{0};
  base::Mutex mutex_;
  std::multiset<std::string> messages_;
  std::map<std::string, std::string> headers_;
  std::unique_ptr<net::HttpServer> server_;
};

Response taken() { return {.content_type = "application/x-protobuf", .headers = {}, .body = {}}; }
Response status(int code, const std::string& retry_after = {}) {
  Response response{.status = code, .headers = {}, .body = "as scripted"};
  if (!retry_after.empty()) response.headers.emplace_back("Retry-After", retry_after);
  return response;
}

class OtlpOutputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = queue::DiskQueue::open(disk_, *clock_, rng_, "/agent/queue", {});
    ASSERT_TRUE(opened.ok());
    queue_ = std::move(opened).take();
  }
  void append(uint32_t events, Compression compression = Compression::kLz4, size_t padding = 0) {
    model::Batch batch("shop");
    for (uint32_t i = 0; i < events; ++i) {
      uint32_t row = batch.begin_row();
      batch.column(model::kTimeField)->add_time(row, 1'763'719'200'000'000'000 + i);
      batch.column("message")->add_string(row, "event " + std::to_string(appended_++));
      if (padding > 0) batch.column("padding")->add_string(row, std::string(padding, 'x'));
      batch.end_row();
    }
    std::string part = columnar::BatchEncoder(encoder_use(compression)).encode(batch);
    ASSERT_TRUE(queue_->append(make_entry({part}, compression), events, {{"source/app", "1"}}).ok());
  }
  void ship(std::string url, bool gzip = true) {
    ShipperOptions options{
        .endpoints = {}, .limits = {.backoff_first_ms = 1, .backoff_max_ms = 8}, .refused_dir = "/agent/refused"};
    options.besides.push_back(
        {.url = std::move(url), .headers = {{"Authorization", "Bearer abc"}}, .otlp = true, .gzip = gzip});
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
  void wait_empty() {
    wait_until([&] { return queue_->stats().waiting_entries == 0; });
  }
  uint64_t sum(const std::string& what) { return metrics_.sum("clew_ship_" + what + "_total"); }
  std::multiset<std::string> all() const {
    std::multiset<std::string> out;
    for (uint64_t i = 0; i < appended_; ++i) out.insert("event " + std::to_string(i));
    return out;
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

TEST_F(OtlpOutputTest, EveryEventArrivesOnceWhateverTheEntriesAre) {
  Collector collector([](uint64_t) { return taken(); });
  append(10);
  append(20, Compression::kZstd);
  append(30, Compression::kNone);
  ship(collector.url());
  wait_empty();
  EXPECT_EQ(collector.messages(), all());
  EXPECT_EQ(collector.header("authorization"), "Bearer abc");
  EXPECT_EQ(collector.header("content-type"), "application/x-protobuf");
  EXPECT_EQ(sum("stored_events"), 60u);
  EXPECT_EQ(shipper_->deliveries()["app"].done, 60u);
}

TEST_F(OtlpOutputTest, WhatIsNotTakenComesAgainAndALongBatchGoesOnWhereItWas) {
  Collector collector([](uint64_t number) {
    constexpr int kFailures[] = {429, 502, 503, 504, 500};
    return number % 2 == 0 && number <= 10 ? status(kFailures[number / 2 - 1], number == 2 ? "1" : "") : taken();
  });
  append(4000, Compression::kLz4, 8'000);  // 32 MB of records: several requests
  ship(collector.url(), false);
  wait_empty();
  EXPECT_EQ(collector.messages(), all());
  EXPECT_GE(collector.requests(), 13u);
  EXPECT_EQ(sum("retries"), 5u);
}

TEST_F(OtlpOutputTest, APartialSuccessIsCountedAndNotRepeated) {
  wire::Events rejected;
  rejected.reject({1, wire::Reason::kSyntax, "too old"});
  Collector collector([&](uint64_t) {
    Response response = taken();
    response.body = wire::otlp_reply(wire::OtlpSignal::kLogs, wire::OtlpForm::kProtobuf, rejected);
    return response;
  });
  append(5);
  append(5);
  ship(collector.url());
  wait_empty();
  EXPECT_EQ(collector.requests(), 2u);
  EXPECT_EQ(sum("left_out_events"), 2u);
  base::MutexLock lock(said_mutex_);
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_NE(said_[0].find("too old"), std::string::npos) << said_[0];
}

TEST_F(OtlpOutputTest, WhatIsRefusedForWhatItIsHoldsUpNothing) {
  Collector collector([](uint64_t number) { return number == 1 ? status(400) : taken(); });
  append(3);
  append(4);
  ASSERT_TRUE(queue_->append("no part", 1, {}).ok());
  ship(collector.url());
  wait_empty();
  EXPECT_EQ(collector.messages().size(), 4u);
  EXPECT_EQ(shipper_->refused_events(), 4u);
  EXPECT_EQ(shipper_->refused_by_source()["app"], 3u);
}

TEST(OtlpLogsUrl, TakesABaseOrTheWhole) {
  EXPECT_EQ(otlp_logs_url("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/logs");
  EXPECT_EQ(otlp_logs_url("https://otlp.example/"), "https://otlp.example/v1/logs");
  EXPECT_EQ(otlp_logs_url("https://logs.example/otlp/v1/logs"), "https://logs.example/otlp/v1/logs");
}

}  // namespace
}  // namespace clew::collect
