#include "clew/http_output.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace clew {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// Answers posts on a free port with `statuses` in turn, then 200; keeps the heads and bodies of those it took.
class FakeServer {
 public:
  explicit FakeServer(std::vector<int> statuses) : statuses_(std::move(statuses)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~FakeServer() {
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }
  void listen() {
    EXPECT_EQ(::listen(listener_, 8), 0);
    thread_ = std::thread([this] { serve(); });
  }
  HttpOutput::Options options() const {
    HttpOutput::Options made;
    made.port = std::to_string(port_);
    made.linger = milliseconds(1);
    made.exit = milliseconds(200);
    return made;
  }
  std::vector<std::string> taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  void serve() {
    while (!ending_) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      while (serve_one(connection)) {
      }
      ::close(connection);
    }
  }

  bool serve_one(int connection) {
    std::string text;
    size_t whole = 0;
    while (whole == 0 || text.size() < whole) {
      char piece[65536];
      const ssize_t got = ::recv(connection, piece, sizeof piece, 0);
      if (got <= 0) return false;
      text.append(piece, static_cast<size_t>(got));
      const size_t head = text.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      whole = head + 4 + std::stoul(text.substr(text.find("Content-Length: ") + 16));
    }
    const int status = answered_ < statuses_.size() ? statuses_[answered_] : 200;
    answered_++;
    if (status == 200) {
      const std::lock_guard lock(mutex_);
      taken_.push_back(text);
    }
    if (status == 0) return false;  // closes without an answer
    const std::string answer = "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 2\r\n\r\n{}";
    return ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) > 0;
  }

  const std::vector<int> statuses_;
  size_t answered_ = 0;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> taken_;
  std::thread thread_;
};

TEST(ClewHttpOutput, SendsLinesInBatchesWithKeys) {
  FakeServer server({});
  server.listen();
  HttpOutput output(server.options());
  output.write(R"({"n":1})");
  ASSERT_TRUE(output.flush(milliseconds(10'000)));
  output.write(R"({"n":2})");
  output.write(R"({"n":3})");
  ASSERT_TRUE(output.flush(milliseconds(10'000)));
  const auto taken = server.taken();
  ASSERT_GE(taken.size(), 2u);
  EXPECT_THAT(taken[0], HasSubstr(":1\r\n"));
  EXPECT_THAT(taken[0], testing::EndsWith("\r\n\r\n{\"n\":1}\n"));
  EXPECT_THAT(taken[0], HasSubstr("Clew-Batch: cpp-"));
  EXPECT_EQ(output.counts().sent, 3u);
  EXPECT_EQ(output.counts().waiting + output.counts().dropped, 0u);
}

TEST(ClewHttpOutput, TriesAgainWithTheSameKey) {
  FakeServer server({503, 0, 429});
  server.listen();
  HttpOutput output(server.options());
  output.write("{}");
  ASSERT_TRUE(output.flush(milliseconds(20'000)));
  ASSERT_EQ(server.taken().size(), 1u);
  EXPECT_THAT(server.taken()[0], HasSubstr(":1\r\n"));
}

TEST(ClewHttpOutput, WhatIsRefusedIsDropped) {
  FakeServer server({400});
  server.listen();
  HttpOutput output(server.options());
  output.write("{}");
  ASSERT_TRUE(output.flush(milliseconds(10'000)));
  EXPECT_EQ(output.counts().dropped, 1u);
}

TEST(ClewHttpOutput, WithoutAServerItIsBoundedAndCounts) {
  const FakeServer server({});  // bound, never listening
  HttpOutput::Options options = server.options();
  options.queue_bytes_max = 1'000;
  HttpOutput output(options);
  const std::string line(99, 'x');
  for (int i = 0; i < 1'000; i++) output.write(line);
  const HttpCounts counts = output.counts();
  EXPECT_EQ(counts.accepted, 1'000u);
  EXPECT_EQ(counts.sent, 0u);
  EXPECT_LE(counts.waiting, 2 * 10u);  // a queue and a batch
  EXPECT_EQ(counts.waiting + counts.dropped, 1'000u);
}

TEST(ClewHttpOutput, ManyThreadsLoseNothing) {
  FakeServer server({});
  server.listen();
  HttpOutput::Options options = server.options();
  options.batch_bytes_max = 10'000;
  HttpOutput output(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; i++) output.write(R"({"message":"a line of some length"})");
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(output.flush(milliseconds(20'000)));
  size_t lines = 0;
  for (const std::string& text : server.taken()) {
    const std::string body = text.substr(text.find("\r\n\r\n") + 4);
    lines += static_cast<size_t>(std::count(body.begin(), body.end(), '\n'));
    EXPECT_LE(body.size(), options.batch_bytes_max);
  }
  EXPECT_EQ(lines, 4'000u);
  EXPECT_EQ(output.counts().sent, 4'000u);
}

}  // namespace
}  // namespace clew
