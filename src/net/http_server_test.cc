// The server against raw sockets: what a client may send, in any pieces, and what it gets.
#include "net/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libdeflate.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zstd.h>

#include <atomic>
#include <deque>
#include <thread>

#include "base/mutex.h"
#include "net/http_client.h"
#include "net/status.h"

namespace clew::net {
namespace {

// A clock that stands until the test lets it go.
class ManualClock final : public os::Clock {
 public:
  UnixNanos now() const override { return UnixNanos(static_cast<int64_t>(ns_.load())); }
  uint64_t monotonic_ns() const override { return ns_.fetch_add(step_ns_); }
  // From now on every look at the clock finds it so much later.
  void pass_ms_per_look(uint64_t ms) { step_ns_ = ms * 1'000'000; }

 private:
  mutable std::atomic<uint64_t> ns_{1'000'000'000};
  std::atomic<uint64_t> step_ns_{0};
};

// A blocking socket with a receive timeout, so that a test that is wrong ends.
class RawClient {
 public:
  explicit RawClient(const Address& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  // Reads until `marker` has come or the server closes.
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
  std::string read_all() { return read_until(std::string_view("\0no such marker\0", 16)); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  std::string got_;
};

class HttpServerTest : public testing::Test {
 protected:
  // Answers "METHOD PATH BODYBYTES BODY".
  void serve(HttpHandler handler = {}, HttpLimits limits = {}, uint32_t threads = 2) {
    if (!handler) {
      handler = [](ExchangePtr exchange) {
        const Request& r = exchange->request();
        std::string body = r.method + " " + r.path + " " + std::to_string(r.body.size()) + " ";
        body += r.body.substr(0, 100);
        exchange->answer({.content_type = "text/plain", .headers = {}, .body = body + "<end>"});
      };
    }
    auto refuse = [](const Request&, const Error& error) {
      return Response{.status = http_status(error.code()), .headers = {}, .body = error.message() + "<end>"};
    };
    auto started = start_http_server({"127.0.0.1", 0}, threads, limits, {clock_, budget_, metrics_, handler, refuse});
    ASSERT_TRUE(started.ok()) << started.error().message();
    server_ = std::move(started).take();
  }
  std::string ask(std::string_view request, std::string_view until = "<end>") {
    RawClient client(server_->address());
    client.send(request);
    return client.read_until(until);
  }
  static std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }

  ManualClock clock_;
  MemoryBudget budget_{kBodyBudgetBytes};
  base::Registry metrics_;
  std::unique_ptr<HttpServer> server_;
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string gzip_of(std::string_view text) {
  libdeflate_compressor* c = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(c, text.size()), '\0');
  out.resize(libdeflate_gzip_compress(c, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(c);
  return out;
}

std::string zstd_of(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

TEST_F(HttpServerTest, AnswersInTurnOnOneConnection) {
  serve();
  RawClient client(server_->address());
  client.send("GET /a%20b?x=1 HTTP/1.1\r\nHost: x\r\n\r\n" + post("/c", "hello"));
  EXPECT_TRUE(contains(client.read_until("<end>"), "GET /a b 0 "));
  EXPECT_TRUE(contains(client.read_until("<end>"), "POST /c 5 hello"));
}

TEST_F(HttpServerTest, BodyInAnyPieces) {
  serve();
  std::string request = post("/p", "0123456789");
  for (size_t cut = 1; cut < request.size(); ++cut) {
    RawClient client(server_->address());
    client.send(std::string_view(request).substr(0, cut));
    client.send(std::string_view(request).substr(cut));
    ASSERT_TRUE(contains(client.read_until("<end>"), "POST /p 10 0123456789")) << cut;
  }
}

TEST_F(HttpServerTest, ChunkedBodyInAnyPieces) {
  serve();
  std::string request =
      "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6;ext=1\r\n456789\r\n0\r\nT: "
      "v\r\n\r\n";
  for (size_t cut = 1; cut < request.size(); ++cut) {
    RawClient client(server_->address());
    client.send(std::string_view(request).substr(0, cut));
    client.send(std::string_view(request).substr(cut));
    ASSERT_TRUE(contains(client.read_until("<end>"), "POST /p 10 0123456789")) << cut;
  }
}

TEST_F(HttpServerTest, MalformedChunkIsRefused) {
  serve();
  std::string head = "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(contains(ask(head + "zz\r\nab\r\n"), " 400 "));
  EXPECT_TRUE(contains(ask(head + "2\r\nabX\r\n"), " 400 "));
  EXPECT_TRUE(contains(ask(head + "ffffffffffff\r\nab"), " 413 "));
}

TEST_F(HttpServerTest, LargeBodiesArriveWhole) {
  std::atomic<uint64_t> sum{0};
  serve([&](ExchangePtr exchange) {
    for (char c : exchange->request().body) sum += static_cast<unsigned char>(c);
    EXPECT_EQ(exchange->request().body.data()[exchange->request().body.size()], '\0');
    exchange->answer({.headers = {}, .body = "<end>"});
  });
  RawClient client(server_->address());
  std::string body(5'000'000, '\1');
  client.send(post("/", body) + post("/", body));
  client.read_until("<end>");
  client.read_until("<end>");
  EXPECT_EQ(sum.load(), 10'000'000u);
}

TEST_F(HttpServerTest, EncodingsAreUndone) {
  serve();
  std::string text(300'000, 'a');
  EXPECT_TRUE(contains(ask(post("/", gzip_of(text), "Content-Encoding: gzip\r\n")), "POST / 300000 aaa"));
  EXPECT_TRUE(contains(ask(post("/", zstd_of(text), "Content-Encoding: zstd\r\n")), "POST / 300000 aaa"));
  EXPECT_TRUE(contains(ask(post("/", gzip_of("a") + gzip_of("b"), "Content-Encoding: gzip\r\n")), "POST / 2 ab"));
  EXPECT_TRUE(contains(ask(post("/", "xx", "Content-Encoding: br\r\n")), " 415 "));
  EXPECT_TRUE(contains(ask(post("/", "not gzip at all, no", "Content-Encoding: gzip\r\n")), " 400 "));
}

TEST_F(HttpServerTest, BombsAreRefusedAndTheBudgetComesBack) {
  serve();
  std::string zeros(200u << 20, '\0');
  std::string gzip = gzip_of(zeros);
  std::string zstd = zstd_of(zeros);
  zeros = {};
  EXPECT_TRUE(contains(ask(post("/", gzip, "Content-Encoding: gzip\r\n")), " 413 "));
  EXPECT_TRUE(contains(ask(post("/", zstd, "Content-Encoding: zstd\r\n")), " 413 "));
  server_.reset();
  EXPECT_EQ(budget_.used_bytes(), 0u);
}

TEST_F(HttpServerTest, SpentBudgetAnswers429) {
  serve();
  ASSERT_TRUE(budget_.try_take(kBodyBudgetBytes));
  EXPECT_TRUE(contains(ask(post("/", "x")), " 429 "));
  budget_.give_back(kBodyBudgetBytes);
  EXPECT_TRUE(contains(ask(post("/", "x")), "POST / 1 x"));
}

TEST_F(HttpServerTest, BodyOverTheLimitIsRefusedBeforeItIsRead) {
  HttpLimits limits;
  limits.body_bytes_max = 1000;
  serve({}, limits);
  EXPECT_TRUE(
      contains(ask("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n"), " 413 "));
  EXPECT_TRUE(contains(ask(post("/", std::string(1000, 'x'))), "POST / 1000 "));
  EXPECT_TRUE(contains(ask(post("/", std::string(5'000'000, 'x'))), " 413 "));
}

TEST_F(HttpServerTest, ExpectContinue) {
  serve();
  RawClient client(server_->address());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_TRUE(contains(client.read_until("<end>"), "POST / 3 abc"));
}

TEST_F(HttpServerTest, HeaderLimit) {
  serve();
  std::string fits = "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(60'000, 'x') + "\r\n\r\n";
  EXPECT_TRUE(contains(ask(fits), " 200 "));
  EXPECT_TRUE(contains(ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n"), " 413 "));
  EXPECT_TRUE(contains(ask("nonsense\r\n\r\n"), " 400 "));
}

TEST_F(HttpServerTest, SlowHeaderAndStalledBodyAreClosed) {
  serve();
  RawClient slow_header(server_->address());
  RawClient slow_body(server_->address());
  RawClient idle(server_->address());
  slow_header.send("GET / HTTP/1.1\r\nHo");
  slow_body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  RawClient probe(server_->address());  // answered only after the server has seen the bytes sent before
  probe.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  probe.read_until("<end>");
  clock_.pass_ms_per_look(20'000);
  EXPECT_EQ(slow_header.read_all(), "");
  EXPECT_EQ(slow_body.read_all(), "");
  EXPECT_EQ(idle.read_all(), "");
}

TEST_F(HttpServerTest, StreamWaitsForTheClientAndEndsWhole) {
  std::jthread writer;
  serve([&](ExchangePtr exchange) {
    exchange->begin_stream({.content_type = "text/plain", .headers = {}, .body = "begin"});
    writer = std::jthread([exchange] {
      for (int i = 0; i < 200; ++i) {
        if (!exchange->stream_write(std::string(100'000, 'x'))) return;
      }
      exchange->stream_end();
    });
  });
  auto client = make_http_client();
  uint64_t bytes = 0;
  HttpCall call{.url = "http://" + server_->address().text() + "/",
                .headers = {},
                .body = {},
                .on_body = [&](std::string_view got) {
                  bytes += got.size();
                  return true;
                }};
  auto reply = client->call(call);
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  EXPECT_EQ(bytes, 5u + 200u * 100'000u);
}

TEST_F(HttpServerTest, StreamLearnsThatTheClientHasGone) {
  std::atomic<bool> told{false};
  std::atomic<bool> stopped{false};
  std::jthread writer;
  serve([&](ExchangePtr exchange) {
    exchange->on_disconnect([&] { told = true; });
    exchange->begin_stream({.headers = {}, .body = "begin"});
    writer = std::jthread([&, exchange] {
      while (exchange->stream_write(std::string(10'000, 'x'))) {
      }
      stopped = true;
    });
  });
  RawClient client(server_->address());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.read_until("begin");
  client.close();
  while (!stopped) std::this_thread::yield();
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(told);
}

TEST_F(HttpServerTest, WatchDoesNotEatTheNextRequest) {
  serve([](ExchangePtr exchange) {
    exchange->on_disconnect([] {});
    exchange->answer({.headers = {}, .body = exchange->request().path + "<end>"});
  });
  RawClient client(server_->address());
  for (int i = 0; i < 100; ++i) {
    std::string path = "/" + std::to_string(i);
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(contains(client.read_until("<end>"), path + "<end>"));
  }
}

// Answers exchanges on threads of its own, as a pool of queries does.
class Answerers {
 public:
  explicit Answerers(int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    }
  }
  void take(ExchangePtr exchange) {
    base::MutexLock lock(mutex_);
    waiting_.push_back(std::move(exchange));
    wake_.notify_one();
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      ExchangePtr exchange;
      {
        base::MutexLock lock(mutex_);
        if (waiting_.empty()) wake_.wait_for(mutex_, std::chrono::milliseconds(10));
        if (waiting_.empty()) continue;
        exchange = std::move(waiting_.front());
        waiting_.pop_front();
      }
      exchange->on_disconnect([] {});
      exchange->answer({.headers = {}, .body = exchange->request().path + "<end>"});
    }
  }

  base::Mutex mutex_;
  base::CondVar wake_;
  std::deque<ExchangePtr> waiting_;
  std::vector<std::jthread> threads_;
};

// A watch that fires late, when the request that woke it has been read already, must neither wait for more bytes nor
// end the next request's watch. Once a thread waited there for ever, and the server with it.
TEST_F(HttpServerTest, WatchesOfManyRequestsInARowNeverWait) {
  constexpr int kClients = 16;
  constexpr int kRequests = 2'000;
  Answerers answerers(4);
  serve([&](ExchangePtr exchange) { answerers.take(std::move(exchange)); }, {}, 8);
  std::atomic<int> answered{0};
  std::vector<std::jthread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&] {
      RawClient client(server_->address());
      for (int i = 0; i < kRequests; ++i) {
        std::string path = "/" + std::to_string(i);
        client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
        if (!contains(client.read_until("<end>"), path + "<end>")) return;
        answered.fetch_add(1);
      }
    });
  }
  clients.clear();
  EXPECT_EQ(answered.load(), kClients * kRequests);
}

// A client that is lost before its request is looked at is lost to whoever begins to watch then.
TEST_F(HttpServerTest, WatchOfAClientAlreadyGoneSaysSo) {
  std::atomic<bool> held{false};
  ExchangePtr exchange;
  serve([&](ExchangePtr e) {
    exchange = std::move(e);
    held = true;
  });
  RawClient client(server_->address());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!held) std::this_thread::yield();
  server_->drain(0);
  while (!exchange->disconnected()) std::this_thread::yield();
  bool told = false;
  exchange->on_disconnect([&] { told = true; });
  EXPECT_TRUE(told);
  exchange.reset();
}

TEST_F(HttpServerTest, ForgottenExchangeAnswers500) {
  serve([](ExchangePtr) {});
  EXPECT_TRUE(contains(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "no answer"), " 500 "));
}

TEST_F(HttpServerTest, HeadHasLengthAndNoBody) {
  serve();
  std::string got = ask("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "never");
  EXPECT_TRUE(contains(got, "Content-Length: 15\r\n"));
  EXPECT_TRUE(got.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, DrainFinishesWhatIsInFlight) {
  std::atomic<bool> go{false};
  std::atomic<bool> began{false};
  std::vector<std::jthread> threads;
  serve([&](ExchangePtr exchange) {
    threads.emplace_back([&, exchange] {
      while (!go) std::this_thread::yield();
      exchange->answer({.headers = {}, .body = "late<end>"});
    });
    began = true;
  });
  RawClient idle(server_->address());
  RawClient busy(server_->address());
  busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!began) std::this_thread::yield();
  std::jthread drainer([&] { server_->drain(60'000); });
  EXPECT_EQ(idle.read_all(), "");
  go = true;
  std::string answer = busy.read_until("<end>");
  EXPECT_TRUE(contains(answer, "late"));
  EXPECT_TRUE(contains(answer, "Connection: close"));
  drainer.join();
}

TEST_F(HttpServerTest, ConnectionsBeyondTheLimitAreClosed) {
  HttpLimits limits;
  limits.connections_max = 2;
  serve({}, limits);
  RawClient first(server_->address());
  RawClient second(server_->address());
  for (RawClient* client : {&first, &second}) {
    client->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(contains(client->read_until("<end>"), " 200 "));
  }
  RawClient third(server_->address());
  EXPECT_EQ(third.read_all(), "");
  EXPECT_EQ(metrics_.sum("clew_http_connections_refused_total"), 1u);
}

TEST(HttpListen, AddressInUseIsSaid) {
  ManualClock clock;
  MemoryBudget budget(1 << 20);
  base::Registry metrics;
  auto first = start_http_server({"127.0.0.1", 0}, 1, {}, {clock, budget, metrics, {}, {}});
  ASSERT_TRUE(first.ok());
  auto second = start_http_server((*first)->address(), 1, {}, {clock, budget, metrics, {}, {}});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Code::kExists);
}

}  // namespace
}  // namespace clew::net
