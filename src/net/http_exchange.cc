// The request and its answer, as a handler sees them.
#include "net/http_connection.h"

namespace clew::net {
namespace {

class LiveStreamOf final : public LiveStream {
 public:
  explicit LiveStreamOf(ConnectionPtr connection) : connection_(std::move(connection)) {}
  ~LiveStreamOf() override {
    if (!ended_.load()) connection_->close_now();
  }
  bool offer(std::string piece) override { return connection_->live_offer(std::move(piece)); }
  bool has_room() override { return connection_->live_has_room(); }
  bool gone() const override { return connection_->gone(); }
  void on_change(std::function<void()> changed) override {
    connection_->on_live_room(changed);
    connection_->watch(std::move(changed));
  }
  void end() override {
    if (!ended_.exchange(true)) connection_->stream_end();
  }
  void cut() override { connection_->close_now(); }

 private:
  ConnectionPtr connection_;
  std::atomic<bool> ended_{false};
};

class ExchangeOf final : public Exchange {
 public:
  explicit ExchangeOf(ConnectionPtr connection) : connection_(std::move(connection)) {}
  ~ExchangeOf() override {
    if (!answered_)
      connection_->send({.status = 500, .headers = {}, .body = "{\"error\":\"no answer\"}\n"}, false);
    else if (streaming_)
      connection_->stream_end();
  }
  const Request& request() const override { return connection_->request(); }
  void release_body() override { connection_->release_body(); }
  void answer(Response response) override {
    answered_ = true;
    connection_->send(std::move(response), false);
  }
  void begin_stream(Response response) override {
    answered_ = true;
    streaming_ = true;
    connection_->send(std::move(response), true);
  }
  bool stream_write(std::string bytes) override { return connection_->stream_write(std::move(bytes)); }
  void stream_end() override {
    streaming_ = false;
    connection_->stream_end();
  }
  LiveStreamPtr begin_live(Response response) override {
    answered_ = true;
    connection_->send(std::move(response), true);
    return std::make_shared<LiveStreamOf>(connection_);
  }
  Result<LiveStreamPtr> accept_websocket(std::string first) override {
    LiveStreamPtr stream = CLEW_TRY(net::accept_websocket(connection_, std::move(first)));
    answered_ = true;
    return stream;
  }
  void on_disconnect(std::function<void()> gone) override { connection_->watch(std::move(gone)); }
  bool disconnected() const override { return connection_->gone(); }

 private:
  ConnectionPtr connection_;
  bool answered_ = false;
  bool streaming_ = false;
};

}  // namespace

ExchangePtr exchange_of(ConnectionPtr connection) { return std::make_shared<ExchangeOf>(std::move(connection)); }

}  // namespace clew::net
