// The request and its answer, as a handler sees them.
#include "net/http_connection.h"

namespace clew::net {
namespace {

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
