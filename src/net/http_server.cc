// Accepts connections and lets them go. A sweep once in 250 ms closes those whose deadline passed, so that no timer is
// armed per read.
#include "net/http_server.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "net/http_connection.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;

constexpr uint32_t kSweepMs = 250;

class Server final : public HttpServer {
 public:
  Server(HttpLimits limits, HttpServerParts parts)
      : all_(limits, std::move(parts)),
        refused_connections_(all_.parts().metrics.counter("clew_http_connections_refused_total",
                                                          "connections closed because there were too many")),
        acceptor_(io_),
        sweep_(io_) {}
  ~Server() override {
    drain(0);
    io_.stop();
    threads_.clear();
  }

  Status listen(const Address& address, uint32_t threads);
  const Address& address() const override { return address_; }
  void drain(uint32_t ms) override;

 private:
  void accept_next();
  void on_accept(ErrorCode error, Socket socket);
  void start(Connection& connection);
  void sweep_next();

  Connections all_;
  Address address_;
  base::Counter& refused_connections_;
  // Below everything that connections use: pending handlers hold connections and go with io_.
  asio::io_context io_;
  Tcp::acceptor acceptor_;
  asio::steady_timer sweep_;
  std::vector<std::jthread> threads_;
};

Error listen_error(const Address& address, const ErrorCode& error) {
  Code code = Code::kIo;
  if (error == asio::error::address_in_use) code = Code::kExists;
  if (error == asio::error::access_denied) code = Code::kForbidden;
  return Error(code, "cannot listen on " + address.text() + ": " + error.message());
}

Status Server::listen(const Address& address, uint32_t threads) {
  ErrorCode error;
  Tcp::resolver resolver(io_);
  auto found = resolver.resolve(address.host, std::to_string(address.port), Tcp::resolver::passive, error);
  if (error || found.empty()) {
    return Error(Code::kInvalid, "listen address " + quoted(address.host) + " does not resolve: " + error.message());
  }
  Tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(address, error);
  address_ = {address.host, acceptor_.local_endpoint(error).port()};
  accept_next();
  sweep_next();
  for (uint32_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "clew-http");
      io_.run();
    });
  }
  return {};
}

void Server::accept_next() {
  acceptor_.async_accept(asio::make_strand(io_),
                         [this](ErrorCode error, Socket socket) { on_accept(error, std::move(socket)); });
}

void Server::on_accept(ErrorCode error, Socket socket) {
  if (all_.draining() || error == asio::error::operation_aborted) return;
  if (!error) {
    ErrorCode ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    auto remote = socket.remote_endpoint(ignored);
    auto connection = std::make_shared<Connection>(all_, std::move(socket), remote.address().to_string());
    if (all_.add(connection)) {
      start(*connection);
    } else {
      refused_connections_.add();
    }
    accept_next();
    return;
  }
  // Out of descriptors and the like: a pause, or this would spin.
  auto pause = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(kSweepMs));
  pause->async_wait([this, pause](ErrorCode stopped) {
    if (!stopped) accept_next();
  });
}

void Server::start(Connection& connection) {
  if (all_.parts().tls == nullptr) return connection.start();
  if (ssl_st* session = all_.parts().tls->new_session()) connection.start_tls(session);
}

void Server::sweep_next() {
  sweep_.expires_after(std::chrono::milliseconds(kSweepMs));
  sweep_.async_wait([this](ErrorCode error) {
    if (error) return;
    uint64_t now = all_.now_ns();
    for (const ConnectionPtr& connection : all_.open()) connection->close_if_late(now);
    sweep_next();
  });
}

void Server::drain(uint32_t ms) {
  if (all_.begin_draining()) {
    asio::post(io_, [this] {
      ErrorCode ignored;
      acceptor_.close(ignored);
    });
  }
  uint64_t until = all_.now_ns() + uint64_t{ms} * 1'000'000;
  base::Mutex wait_mutex;
  base::CondVar never;
  while (true) {
    std::vector<ConnectionPtr> live = all_.open();
    if (live.empty()) return;
    bool late = all_.now_ns() >= until;
    for (const ConnectionPtr& connection : live) late ? connection->close_now() : connection->close_if_idle();
    if (late) return;
    live.clear();
    base::MutexLock lock(wait_mutex);
    never.wait_for(wait_mutex, std::chrono::milliseconds(20));
  }
}

}  // namespace

Result<std::unique_ptr<HttpServer>> start_http_server(const Address& listen, uint32_t threads, HttpLimits limits,
                                                      HttpServerParts parts) {
  auto server = std::make_unique<Server>(limits, std::move(parts));
  CLEW_TRY(server->listen(listen, threads));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace clew::net
