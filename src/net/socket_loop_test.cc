#include "net/socket_loop.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "net/socket.h"
#include "net/test_certificates.h"
#include "os/clock.h"

namespace clew::net {
namespace {

using testing::ElementsAre;

// What the loop's callbacks saw, waited for by the test.
class Seen {
 public:
  void add(std::string text) {
    std::lock_guard lock(mutex_);
    texts_.push_back(std::move(text));
    changed_.notify_all();
  }
  std::vector<std::string> wait(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return texts_.size() >= count; });
    return texts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;
};

// Words that end in a blank; answers each with its length where asked.
class Words final : public Conversation {
 public:
  Words(PeerPtr peer, Seen& seen) : peer_(std::move(peer)), seen_(seen) {}
  ~Words() override { seen_.add("(gone)"); }
  Result<size_t> take(std::string_view bytes, bool end) override {
    size_t at = 0;
    for (size_t blank = bytes.find(' '); blank != std::string_view::npos; blank = bytes.find(' ', at)) {
      std::string word(bytes.substr(at, blank - at));
      if (word == "bad") return Error(Code::kInvalid, "a bad word");
      seen_.add(word);
      peer_->send(std::to_string(word.size()) + ";");
      at = blank + 1;
    }
    if (end) seen_.add("(end)");
    return at;
  }

 private:
  PeerPtr peer_;
  Seen& seen_;
};

class LoopTest : public testing::Test {
 public:
  ~LoopTest() override { stop(); }
  void start(SocketLimits limits = {}, Transport transport = Transport::kTcp) {
    loop = make_socket_loop(limits, "test", metrics);
    Endpoint endpoint{.transport = transport, .address = {"127.0.0.1", 0}, .path = {}};
    if (endpoint.is_unix()) endpoint.path = path();
    Status bound =
        endpoint.is_stream()
            ? loop->listen(endpoint, [this](const PeerPtr& peer) { return std::make_unique<Words>(peer, seen); })
            : loop->listen(endpoint, [this](std::string_view bytes, const std::string& from) {
                seen.add(from + ":" + std::string(bytes));
              });
    ASSERT_TRUE(bound.ok()) << bound.error().message();
    thread = std::jthread([this] { loop->run(); });
  }
  void stop() {
    if (!thread.joinable()) return;
    loop->stop();
    thread.join();
  }
  static std::string path() { return "/tmp/clew_loop_test_" + std::to_string(::getpid()) + ".sock"; }
  Descriptor connect(int type = SOCK_STREAM) {
    Endpoint at = loop->endpoints().front();
    if (at.is_unix()) {
      Descriptor socket(::socket(AF_UNIX, type, 0));
      sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
      at.path.copy(name.sun_path, sizeof name.sun_path - 1);
      EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
      return socket;
    }
    Descriptor socket(::socket(AF_INET, type, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(at.address.port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    return socket;
  }
  static void send(const Descriptor& to, std::string_view text) {
    while (!text.empty()) {
      ssize_t sent = ::send(to.fd(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // Everything that comes until the other side ends.
  static std::string read_all(const Descriptor& from) {
    std::string out(1 << 16, '\0');
    size_t have = 0;
    for (ssize_t got = 1; got > 0; have += static_cast<size_t>(std::max<ssize_t>(got, 0))) {
      got = ::read(from.fd(), out.data() + have, out.size() - have);
    }
    out.resize(have);
    return out;
  }
  uint64_t closed(const char* reason) {
    return metrics.sum("clew_listener_connections_closed_total", {{"reason", reason}});
  }

  base::Registry metrics;
  Seen seen;
  std::unique_ptr<SocketLoop> loop;
  std::jthread thread;
};

TEST_F(LoopTest, WordsComeInOrderWhereverTheyAreCut) {
  start();
  Descriptor peer = connect();
  send(peer, "one tw");
  seen.wait(1);
  send(peer, "o three ");
  ::shutdown(peer.fd(), SHUT_WR);
  EXPECT_EQ(read_all(peer), "3;3;5;");
  EXPECT_THAT(seen.wait(5), ElementsAre("one", "two", "three", "(end)", "(gone)"));
}

TEST_F(LoopTest, AMistakeEndsItsConnectionAndNoOther) {
  start();
  Descriptor good = connect();
  Descriptor bad = connect();
  send(bad, "bad ");
  EXPECT_EQ(read_all(bad), "");
  EXPECT_EQ(closed("invalid"), 1u);
  send(good, "fine ");
  EXPECT_THAT(seen.wait(2), ElementsAre("(gone)", "fine"));
}

TEST_F(LoopTest, WhatIsHeldHasALimitByConnection) {
  start({.held_bytes_max = 1000});
  Descriptor peer = connect();
  send(peer, std::string(1000, 'x'));
  send(peer, "x");
  EXPECT_EQ(read_all(peer), "");
  EXPECT_EQ(closed("too_large"), 1u);
}

TEST_F(LoopTest, WhatIsHeldHasALimitInAll) {
  start({.held_bytes_max = 200'000, .held_bytes_all_max = 300'000});
  Descriptor first = connect();
  Descriptor second = connect();
  send(first, "a " + std::string(200'000, 'x'));
  seen.wait(1);
  send(second, "b " + std::string(150'000, 'x'));
  EXPECT_EQ(seen.wait(3).back(), "(gone)");
  EXPECT_EQ(closed("overloaded"), 1u);
}

TEST_F(LoopTest, AFrameLargerThanTheReadBufferComesWhole) {
  start();
  Descriptor peer = connect();
  std::string word(1'500'000, 'w');
  send(peer, word + " end ");
  std::vector<std::string> got = seen.wait(2);
  EXPECT_EQ(got[0], word);
  EXPECT_EQ(got[1], "end");
}

TEST_F(LoopTest, OneConnectionTooManyIsClosedAtOnce) {
  start({.connections_max = 1});
  Descriptor first = connect();
  send(first, "a ");
  seen.wait(1);
  Descriptor second = connect();
  EXPECT_EQ(read_all(second), "");
  EXPECT_EQ(metrics.sum("clew_listener_connections_refused_total"), 1u);
  send(first, "b ");
  EXPECT_EQ(seen.wait(2).back(), "b");
}

TEST_F(LoopTest, ASilentConnectionIsClosed) {
  start({.idle_timeout_ms = 1});
  Descriptor peer = connect();
  EXPECT_EQ(read_all(peer), "");
  EXPECT_EQ(closed("idle"), 1u);
}

TEST_F(LoopTest, AnswersThatNobodyReadsHaveALimit) {
  start({.unsent_bytes_max = 1000});
  Descriptor peer = connect();
  int small = 4096;
  ::setsockopt(peer.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  std::string words;
  for (int i = 0; i < 4'000'000; ++i) words += "a ";
  send(peer, words);
  while (closed("unsent") == 0) std::this_thread::yield();
  EXPECT_EQ(closed("unsent"), 1u);
}

TEST_F(LoopTest, NothingIsReadWhileReadingIsOff) {
  start();
  Descriptor peer = connect();
  send(peer, "a ");
  seen.wait(1);
  loop->post([this] {
    loop->set_reading(false);
    seen.add("(off)");
  });
  seen.wait(2);
  send(peer, "b ");
  loop->after(30, [this] { seen.add("(later)"); });
  EXPECT_EQ(seen.wait(3).back(), "(later)");
  loop->post([this] { loop->set_reading(true); });
  EXPECT_EQ(seen.wait(4).back(), "b");
}

TEST_F(LoopTest, DatagramsComeWithTheirSender) {
  start({}, Transport::kUdp);
  Descriptor peer = connect(SOCK_DGRAM);
  for (int i = 0; i < 200; ++i) send(peer, std::to_string(i));
  std::vector<std::string> got = seen.wait(200);
  ASSERT_EQ(got.size(), 200u);
  EXPECT_EQ(got[0], "127.0.0.1:0");
  EXPECT_EQ(got[199], "127.0.0.1:199");
}

TEST_F(LoopTest, DatagramsThatTheSystemDropsAreCounted) {
  start({.receive_buffer_bytes = 4096}, Transport::kUdp);
  loop->post([this] { loop->set_reading(false); });
  Descriptor peer = connect(SOCK_DGRAM);
  send(peer, "first");
  std::string full(1000, 'x');
  for (int i = 0; i < 300; ++i) send(peer, full);
  stop();
  uint64_t came = metrics.sum("clew_listener_datagrams_total");
  EXPECT_EQ(came + metrics.sum("clew_listener_datagrams_dropped_total") > 200, true);
  EXPECT_GT(metrics.sum("clew_listener_datagrams_dropped_total"), 200u);
}

TEST_F(LoopTest, UnixSockets) {
  start({}, Transport::kUnixDatagram);
  send(connect(SOCK_DGRAM), "hello");
  EXPECT_THAT(seen.wait(1), ElementsAre(":hello"));
  SocketLimits none;
  std::unique_ptr<SocketLoop> other = make_socket_loop(none, "other", metrics);
  Endpoint same = loop->endpoints().front();
  TakeDatagram nobody = [](std::string_view, const std::string&) {};
  Status taken = other->listen(same, nobody);
  ASSERT_FALSE(taken.ok()) << "somebody listens there";
  EXPECT_EQ(taken.error().code(), Code::kExists);
  stop();
  loop.reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
  // One that a killed program left behind is in nobody's way.
  Descriptor dead(::socket(AF_UNIX, SOCK_DGRAM, 0));
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  path().copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(dead.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  dead.reset();
  EXPECT_TRUE(other->listen(same, nobody).ok());
}

// A client of TLS on a socket that blocks.
class TlsPeer {
 public:
  explicit TlsPeer(Descriptor socket) : socket_(std::move(socket)), context_(SSL_CTX_new(TLS_client_method())) {
    session_ = SSL_new(context_);
    SSL_set_fd(session_, socket_.fd());
  }
  ~TlsPeer() {
    SSL_free(session_);
    SSL_CTX_free(context_);
  }
  bool connect() { return SSL_connect(session_) == 1; }
  void send(std::string_view text) { EXPECT_GT(SSL_write(session_, text.data(), static_cast<int>(text.size())), 0); }
  std::string receive(size_t bytes) {
    std::string out(bytes, '\0');
    size_t have = 0;
    for (int got = 1; got > 0 && have < bytes; have += static_cast<size_t>(std::max(got, 0))) {
      got = SSL_read(session_, out.data() + have, static_cast<int>(bytes - have));
    }
    out.resize(have);
    return out;
  }

 private:
  Descriptor socket_;
  SSL_CTX* context_;
  SSL* session_;
};

TEST_F(LoopTest, TlsCarriesFramesLargerThanItsRecordsAndAnswers) {
  std::filesystem::path dir = std::filesystem::temp_directory_path() / ("clew_loop_tls_" + std::to_string(::getpid()));
  std::filesystem::create_directories(dir);
  TestAuthority authority(dir.string());
  authority.issue("server");
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  loop = make_socket_loop({.handshake_timeout_ms = 1}, "test", metrics);
  Endpoint endpoint{.transport = Transport::kTcp, .address = {"127.0.0.1", 0}, .path = {}};
  endpoint.tls = *TlsServer::open({.cert = authority.cert("server"), .key = authority.key("server"), .client_ca = {}},
                                  *clock, metrics);
  Accept words = [this](const PeerPtr& peer) { return std::make_unique<Words>(peer, seen); };
  ASSERT_TRUE(loop->listen(endpoint, words).ok());
  thread = std::jthread([this] { loop->run(); });
  TlsPeer peer(connect());
  ASSERT_TRUE(peer.connect());
  std::string word(400'000, 'w');
  peer.send(word + " short ");
  EXPECT_EQ(peer.receive(9), "400000;5;");
  EXPECT_EQ(seen.wait(2), (std::vector<std::string>{word, "short"}));
  Descriptor plain = connect();
  send(plain, "no handshake at all, only words ");
  (void)read_all(plain);
  Descriptor silent = connect();
  EXPECT_EQ(read_all(silent), "");
  EXPECT_EQ(closed("handshake"), 1u);
  EXPECT_EQ(closed("idle"), 1u);
  stop();
  std::filesystem::remove_all(dir);
}

TEST_F(LoopTest, ATakenOrImpossibleAddressIsAnError) {
  start();
  std::unique_ptr<SocketLoop> other = make_socket_loop({}, "other", metrics);
  Accept nobody = [](const PeerPtr&) { return nullptr; };
  EXPECT_EQ(other->listen(loop->endpoints().front(), nobody).error().code(), Code::kExists);
  Endpoint named{.transport = Transport::kTcp, .address = {"no.ip.address", 1}, .path = {}};
  EXPECT_EQ(other->listen(named, nobody).error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace clew::net
