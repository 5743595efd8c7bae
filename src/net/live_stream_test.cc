// Live streams against raw sockets: a client that takes nothing, one that comes back, one that goes.
#include "net/live_stream.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "base/mutex.h"
#include "net/http_server.h"
#include "net/status.h"

namespace clew::net {
namespace {

// A socket that takes little until it is read from.
class SmallClient {
 public:
  explicit SmallClient(const Address& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    int bytes = 4096;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    timeval limit{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~SmallClient() { close(); }
  SmallClient(const SmallClient&) = delete;
  SmallClient& operator=(const SmallClient&) = delete;

  void send(std::string_view bytes) { EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), 0), std::ssize(bytes)); }
  std::string read_until(std::string_view marker) {
    char chunk[65536];
    while (got_.find(marker) == std::string::npos) {
      ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
      if (n <= 0) break;
      got_.append(chunk, static_cast<size_t>(n));
    }
    size_t end = got_.find(marker);
    end = end == std::string::npos ? got_.size() : end + marker.size();
    std::string out = got_.substr(0, end);
    got_.erase(0, end);
    return out;
  }
  std::string read_bytes(size_t count) {
    while (got_.size() < count) {
      char chunk[4096];
      ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
      if (n <= 0) break;
      got_.append(chunk, static_cast<size_t>(n));
    }
    std::string out = got_.substr(0, count);
    got_.erase(0, out.size());
    return out;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  std::string got_;
};

class LiveStreamTest : public testing::Test {
 protected:
  void serve() {
    auto handler = [this](ExchangePtr exchange) {
      if (exchange->request().path == "/ws") {
        Result<LiveStreamPtr> made = exchange->accept_websocket("hello\n");
        if (!made.ok()) return exchange->answer({.status = 400, .headers = {}, .body = made.error().message()});
        return put(std::move(made).take());
      }
      put(exchange->begin_live({.content_type = "text/event-stream", .headers = {}, .body = "hello\n"}));
    };
    auto refuse = [](const Request&, const Error& error) {
      return Response{.status = http_status(error.code()), .headers = {}, .body = error.message()};
    };
    auto started = start_http_server({"127.0.0.1", 0}, 2, {}, {*clock_, budget_, metrics_, handler, refuse});
    ASSERT_TRUE(started.ok());
    server_ = std::move(started).take();
  }
  void put(LiveStreamPtr stream) {
    base::MutexLock lock(mutex_);
    stream_ = std::move(stream);
    stream_->on_change([this] {
      base::MutexLock inner(changes_mutex_);
      ++changes_;
      changed_.notify_all();
    });
    begun_.notify_all();
  }
  LiveStreamPtr stream() {
    base::MutexLock lock(mutex_);
    while (stream_ == nullptr) begun_.wait_for(mutex_, std::chrono::seconds(1));
    return stream_;
  }
  // Offers pieces until one is refused; gives how many were taken.
  static size_t fill(LiveStream& stream, size_t most) {
    size_t taken = 0;
    while (taken < most && stream.offer("piece " + std::to_string(taken) + std::string(10'000, '.') + "\n")) ++taken;
    return taken;
  }
  // Waits until on_change has told so often.
  bool wait_for_changes(int count) {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    base::MutexLock lock(changes_mutex_);
    while (changes_ < count && std::chrono::steady_clock::now() < until) {
      changed_.wait_for(changes_mutex_, std::chrono::seconds(1));
    }
    return changes_ >= count;
  }

  std::unique_ptr<os::Clock> clock_ = os::make_real_clock();
  MemoryBudget budget_{kBodyBudgetBytes};
  base::Registry metrics_;
  base::Mutex changes_mutex_;
  base::CondVar changed_;
  int changes_ = 0;
  std::unique_ptr<HttpServer> server_;  // goes before what its threads tell, and after the stream
  base::Mutex mutex_;
  base::CondVar begun_;
  LiveStreamPtr stream_;
};

constexpr const char* kGet = "GET /live HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr const char* kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

TEST_F(LiveStreamTest, PiecesArriveAndTheEndIsSent) {
  serve();
  SmallClient client(server_->address());
  client.send(kGet);
  EXPECT_NE(client.read_until("hello\n").find("text/event-stream"), std::string::npos);
  EXPECT_TRUE(stream()->offer("one\n"));
  client.read_until("one\n");
  stream()->end();
  EXPECT_NE(client.read_until("0\r\n\r\n").find("0\r\n\r\n"), std::string::npos);
}

TEST_F(LiveStreamTest, ASlowClientIsRefusedWhatItHasNoRoomForAndToldWhenThereIs) {
  serve();
  SmallClient client(server_->address());
  client.send(kGet);
  client.read_until("hello\n");
  size_t taken = fill(*stream(), 10'000);
  ASSERT_LT(taken, 10'000u);  // 100 MB is more than all buffers hold
  EXPECT_FALSE(stream()->has_room());
  EXPECT_FALSE(stream()->gone());
  client.read_until("piece " + std::to_string(taken - 1) + ".");
  EXPECT_TRUE(wait_for_changes(1));
  EXPECT_TRUE(stream()->has_room());
  EXPECT_TRUE(stream()->offer("again\n"));
  client.read_until("again\n");
}

TEST_F(LiveStreamTest, AClientThatGoesIsNoticed) {
  serve();
  SmallClient client(server_->address());
  client.send(kGet);
  client.read_until("hello\n");
  LiveStreamPtr held = stream();
  client.close();
  EXPECT_TRUE(wait_for_changes(1));
  EXPECT_TRUE(held->gone());
  EXPECT_FALSE(held->offer("x"));
}

TEST_F(LiveStreamTest, LettingGoCuts) {
  serve();
  SmallClient client(server_->address());
  client.send(kGet);
  client.read_until("hello\n");
  (void)stream();
  {
    base::MutexLock lock(mutex_);
    stream_.reset();
  }
  EXPECT_EQ(client.read_until("0\r\n\r\n").find("0\r\n\r\n"), std::string::npos);
}

TEST_F(LiveStreamTest, AWebSocketSpeaksTheProtocol) {
  serve();
  SmallClient client(server_->address());
  client.send(kUpgrade);
  std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("101 Switching Protocols"), std::string::npos) << head;
  EXPECT_NE(head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos) << head;  // RFC 6455's own example
  EXPECT_EQ(client.read_bytes(8), "\x81\x06hello\n");
  EXPECT_TRUE(stream()->offer("one"));
  EXPECT_EQ(client.read_bytes(5), "\x81\x03one");
  client.send(std::string("\x89\x82\0\0\0\0hi", 8));  // a ping, masked by nothing
  EXPECT_EQ(client.read_bytes(4), "\x8a\x02hi");
  stream()->end();
  EXPECT_EQ(client.read_bytes(1), "\x88");
}

TEST_F(LiveStreamTest, ASlowWebSocketIsToldWhenThereIsRoom) {
  serve();
  SmallClient client(server_->address());
  client.send(kUpgrade);
  client.read_until("hello\n");
  size_t taken = fill(*stream(), 10'000);
  ASSERT_LT(taken, 10'000u);
  client.read_until("piece " + std::to_string(taken - 1) + ".");
  EXPECT_TRUE(wait_for_changes(1));
  EXPECT_TRUE(stream()->has_room());
}

TEST_F(LiveStreamTest, AWebSocketThatGoesIsNoticed) {
  serve();
  SmallClient client(server_->address());
  client.send(kUpgrade);
  client.read_until("hello\n");
  LiveStreamPtr held = stream();
  client.close();
  EXPECT_TRUE(wait_for_changes(1));
  EXPECT_TRUE(held->gone());
}

TEST_F(LiveStreamTest, WhatIsNoWebSocketRequestIsRefused) {
  serve();
  SmallClient client(server_->address());
  client.send("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.read_until("Sec-WebSocket-Key").find("400"), std::string::npos);
}

TEST_F(LiveStreamTest, TheServerEndsWithStreamsOpen) {
  serve();
  SmallClient http(server_->address());
  http.send(kGet);
  http.read_until("hello\n");
  LiveStreamPtr first = stream();
  {
    base::MutexLock lock(mutex_);
    stream_.reset();
  }
  SmallClient socket(server_->address());
  socket.send(kUpgrade);
  socket.read_until("hello\n");
  LiveStreamPtr second = stream();
  server_->drain(0);
  EXPECT_TRUE(wait_for_changes(2));
  EXPECT_TRUE(first->gone() && second->gone());
}

}  // namespace
}  // namespace clew::net
