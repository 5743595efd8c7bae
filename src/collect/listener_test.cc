#include "collect/listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "model/batch_text.h"
#include "net/socket.h"

namespace clew::collect {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Keeps the rows that it is given; answers at once, or holds its answers until it is told.
class TestSink final : public ListenerSink {
 public:
  void write(contract::Write write, Done done) override {
    std::unique_lock lock(mutex_);
    ++writes_;
    for (const model::Batch& batch : write.batches) {
      for (uint32_t row = 0; row < batch.rows(); ++row) rows_.push_back(model::row_text(batch, row));
    }
    changed_.notify_all();
    if (hold) return held_.push_back(std::move(done));
    lock.unlock();
    answer(done);
  }
  void stop() override { stopped = true; }

  void answer(const Done& done) const {
    if (refuse)
      done(Error(Code::kIo, "the disk is gone"));
    else
      done(contract::Ack());
  }
  void release() {
    std::vector<Done> held;
    {
      std::lock_guard lock(mutex_);
      hold = false;
      held.swap(held_);
    }
    for (const Done& done : held) answer(done);
  }
  std::vector<std::string> wait_rows(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return rows_.size() >= count; });
    return rows_;
  }
  void wait_writes(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return writes_ >= count; });
  }
  size_t writes() {
    std::lock_guard lock(mutex_);
    return writes_;
  }

  std::atomic<bool> hold{false};
  std::atomic<bool> refuse{false};
  std::atomic<bool> stopped{false};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> rows_;
  std::vector<Done> held_;
  size_t writes_ = 0;
};

class ListenerTest : public testing::Test {
 public:
  ~ListenerTest() override { stop(); }

  void start(const std::string& type, ListenerOptions options = {}) {
    options.type = type;
    options.batch.source = "net";
    options.protocol.own_host = "me";
    if (options.endpoints.empty()) {
      options.endpoints = {{.transport = net::Transport::kTcp, .address = {"127.0.0.1", 0}, .path = {}}};
    }
    auto made = std::make_unique<TestSink>();
    sink = made.get();
    Result<std::unique_ptr<Listener>> opened = Listener::open(std::move(options), std::move(made), *clock, metrics);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    listener = std::move(opened).take();
    thread = std::jthread([this] { EXPECT_TRUE(listener->run().ok()); });
  }
  void stop() {
    if (!thread.joinable()) return;
    listener->stop();
    thread.join();
  }
  net::Descriptor connect() {
    net::Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(listener->endpoints().front().address.port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    return socket;
  }
  static void send(const net::Descriptor& to, std::string_view text) {
    while (!text.empty()) {
      ssize_t sent = ::send(to.fd(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // At least so many bytes, or what comes before the other side ends.
  static std::string receive(const net::Descriptor& from, size_t bytes) {
    std::string out;
    char buffer[4096];
    while (out.size() < bytes) {
      ssize_t got = ::read(from.fd(), buffer, sizeof buffer);
      if (got <= 0) break;
      out.append(buffer, static_cast<size_t>(got));
    }
    return out;
  }
  uint64_t rejected(const char* reason) {
    return metrics.sum("clew_events_rejected_total", {{"source", "net"}, {"reason", reason}});
  }

  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  base::Registry metrics;
  TestSink* sink = nullptr;
  std::unique_ptr<Listener> listener;
  std::jthread thread;
};

std::string line(int n) { return "<13>1 2026-11-30T10:00:00Z h a - - - line" + std::to_string(n) + "\n"; }

TEST_F(ListenerTest, ManyPeersShareABatch) {
  start("syslog");
  std::vector<net::Descriptor> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(connect());
    send(peers.back(), line(i));
  }
  EXPECT_EQ(sink->wait_rows(20).size(), 20u);
  EXPECT_LT(sink->writes(), 10u);
}

TEST_F(ListenerTest, WhileTheSinkDoesNotAnswerNothingMoreIsRead) {
  ListenerOptions options;
  options.batch.rows_max = 10;
  start("syslog", std::move(options));
  sink->hold = true;
  net::Descriptor peer = connect();
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += line(i);
  std::string many;
  for (int i = 0; i < 200; ++i) many += lines;
  std::jthread sender([&] { send(peer, many); });
  sink->wait_writes(EventBatcher::kInFlightMax);
  EXPECT_EQ(sink->writes(), EventBatcher::kInFlightMax);
  uint64_t read = metrics.sum("clew_listener_bytes_total");
  EXPECT_LT(read, many.size() / 4) << "the sender waits";
  sink->release();
  EXPECT_EQ(sink->wait_rows(400'000).size(), 400'000u);
}

TEST_F(ListenerTest, AStopKeepsWhatHasCome) {
  start("syslog");
  sink->hold = true;
  net::Descriptor peer = connect();
  for (int i = 0; i < 100; ++i) send(peer, line(i));
  sink->wait_writes(1);
  listener->stop();
  sink->release();
  thread.join();
  EXPECT_TRUE(sink->stopped);
  EXPECT_EQ(sink->wait_rows(100).size(), 100u);
}

TEST_F(ListenerTest, CountedFramesWhereverTheyAreCut) {
  start("syslog");
  std::string frames;
  for (int i = 0; i < 5; ++i) {
    std::string message = "<13>1 - - - - - - with\nnewline" + std::to_string(i);
    frames += std::to_string(message.size()) + " " + message;
  }
  size_t want = 0;
  for (size_t cut = 1; cut < frames.size(); cut += 3) {
    net::Descriptor peer = connect();
    send(peer, std::string_view(frames).substr(0, cut));
    send(peer, std::string_view(frames).substr(cut));
    want += 5;
    ::shutdown(peer.fd(), SHUT_WR);
    EXPECT_EQ(receive(peer, 1), "");
  }
  std::vector<std::string> rows = sink->wait_rows(want);
  EXPECT_EQ(rows.size(), want);
  for (const std::string& row : rows) EXPECT_THAT(row, HasSubstr("with\\nnewline"));
}

TEST_F(ListenerTest, AFrameWithoutItsLengthEndsTheConnection) {
  start("syslog");
  net::Descriptor peer = connect();
  send(peer, "5 <13>a<13>b");
  EXPECT_EQ(receive(peer, 1), "");
  EXPECT_EQ(rejected("syntax"), 1u);
  EXPECT_EQ(sink->wait_rows(1).size(), 1u);
}

TEST_F(ListenerTest, ACountedMessageOverTheLimitIsCutAndTheNextIsWhole) {
  ListenerOptions options;
  options.protocol.message_bytes_max = 1000;
  start("syslog", std::move(options));
  net::Descriptor peer = connect();
  send(peer, "300000 <13>" + std::string(299'996, 'x') + "8 <13>next");
  std::vector<std::string> rows = sink->wait_rows(2);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_LT(rows[0].size(), 4000u);
  EXPECT_THAT(rows[1], HasSubstr("next"));
}

// A forward message of one event with a chunk to acknowledge, {"a":N}.
std::string forward_message(int n, std::string_view chunk) {
  std::string out(
      "\x94\xa1t\xce\x69\x2d\x5b\x80\x81\xa1"
      "a",
      11);
  out.push_back(static_cast<char>(n));
  out.append(
         "\x81\xa5"
         "chunk")
      .push_back(static_cast<char>(0xa0 + chunk.size()));
  return out.append(chunk);
}
std::string forward_ack(std::string_view chunk) {
  std::string out(
      "\x81\xdb\0\0\0\x03"
      "ack\xdb\0\0\0",
      13);
  out.push_back(static_cast<char>(chunk.size()));
  return out.append(chunk);
}

TEST_F(ListenerTest, AnAcknowledgementComesAfterTheEventsAreStored) {
  start("forward");
  sink->hold = true;
  net::Descriptor peer = connect();
  send(peer, forward_message(1, "c1") + forward_message(2, "c2"));
  EXPECT_EQ(sink->wait_rows(1).size(), 2u);
  char byte = 0;
  EXPECT_EQ(::recv(peer.fd(), &byte, 1, MSG_DONTWAIT), -1) << "before the sink has answered";
  sink->release();
  EXPECT_EQ(receive(peer, 2 * forward_ack("c1").size()), forward_ack("c1") + forward_ack("c2"));
}

TEST_F(ListenerTest, APeerThatSaysNothingMoreStillGetsItsAcknowledgement) {
  start("forward");
  sink->hold = true;
  net::Descriptor peer = connect();
  send(peer, forward_message(1, "c1"));
  ::shutdown(peer.fd(), SHUT_WR);
  sink->wait_writes(1);
  sink->release();
  EXPECT_EQ(receive(peer, 1000), forward_ack("c1"));
}

TEST_F(ListenerTest, WhatIsNotStoredIsNotAcknowledged) {
  start("forward");
  sink->refuse = true;
  net::Descriptor peer = connect();
  send(peer, forward_message(1, "c1"));
  EXPECT_EQ(receive(peer, 1), "") << "the connection ends, the peer sends it again";
}

TEST_F(ListenerTest, ForwardMessagesThatCannotBe) {
  start("forward");
  const std::string_view bad[] = {"\xc1",
                                  "\x90",
                                  "\x91\xa1t",
                                  "\x93\xa1t\x01\x01\x01\x01\x01",
                                  "GET / HTTP/1.1\r\n\r\n",
                                  "\x92\xa1t\xc4\x02\xc1\xc1",
                                  "\xdd\xff\xff\xff\xff"};
  size_t closed = 0;
  for (std::string_view bytes : bad) {
    net::Descriptor peer = connect();
    send(peer, bytes);
    ::shutdown(peer.fd(), SHUT_WR);
    EXPECT_EQ(receive(peer, 1), "");
    ++closed;
  }
  net::Descriptor large = connect();
  send(large, std::string("\x92\xa1t\xc6\x7f\xff\xff\xff", 8));
  EXPECT_EQ(receive(large, 1), "") << "2 GiB are announced";
  net::Descriptor good = connect();
  send(good, forward_message(7, "c"));
  EXPECT_EQ(receive(good, 1).empty(), false);
  EXPECT_EQ(sink->wait_rows(1).size(), 1u);
  EXPECT_EQ(rejected("too_large"), 1u);
  EXPECT_GE(rejected("invalid"), 5u);
}

TEST_F(ListenerTest, OfATypeThatIsNone) {
  ListenerOptions options;
  options.type = "gopher";
  Result<std::unique_ptr<Listener>> opened =
      Listener::open(std::move(options), std::make_unique<TestSink>(), *clock, metrics);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message(), HasSubstr("syslog"));
}

}  // namespace
}  // namespace clew::collect
