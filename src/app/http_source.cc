#include "app/http_source.h"

#include <fmt/format.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "api/access_gate.h"
#include "api/routes.h"
#include "api/source_book.h"
#include "api/work_pool.h"
#include "app/command.h"
#include "base/mutex.h"
#include "model/own_fields.h"
#include "net/http_server.h"
#include "pipeline/rows.h"

namespace clew::app {
namespace {

constexpr uint32_t kThreads = 2;
constexpr uint32_t kDrainMs = 3'000;
constexpr uint64_t kBodiesBytesMax = 64u << 20;  // of all requests
constexpr size_t kWaitingMax = 256;              // writes that wait for the queue
constexpr std::chrono::seconds kLook{1};

// Gathers what requests bring while the queue syncs, so that they share the next sync: one batch of each dataset, one
// write. Answers when it is durable; says kOverloaded at once where the queue has no room.
//
// Threads: write on any; one of its own, named clew-gather.
class Gatherer final : public contract::EventSink {
 public:
  Gatherer(contract::Queue& queue, collect::QueueSink::Steps steps, base::Registry& metrics, const std::string& name)
      : queue_(queue), sink_(queue, std::move(steps), metrics, name) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    pthread_setname_np(thread_.native_handle(), "clew-gather");
  }
  ~Gatherer() override {
    thread_.request_stop();
    sink_.stop();
    base::MutexLock lock(mutex_);
    wake_.notify_all();
  }

  // A full queue is not waited for any more.
  void stop() { sink_.stop(); }

  void write(contract::Write write, Done done) override {
    bool room = queue_.wait_room(0, std::chrono::milliseconds(0));
    {
      base::MutexLock lock(mutex_);
      if (room && waiting_.size() < kWaitingMax) {
        waiting_.push_back({std::move(write), std::move(done)});
        wake_.notify_one();
        return;
      }
    }
    done(Error(Code::kOverloaded, "the agent's queue is full: try again later"));
  }

 private:
  struct Waiting {
    contract::Write write;
    Done done;
    uint32_t rows = 0;
  };

  void run(const std::stop_token& stop) {
    while (true) {
      std::deque<Waiting> taken;
      {
        base::MutexLock lock(mutex_);
        while (waiting_.empty() && !stop.stop_requested()) wake_.wait_for(mutex_, kLook);
        if (waiting_.empty()) return;
        taken.swap(waiting_);
      }
      keep(taken);
    }
  }

  void keep(std::deque<Waiting>& taken) {
    contract::Write all;
    std::map<std::string, size_t> places;  // of datasets in all.batches
    for (Waiting& one : taken) {
      for (model::Batch& batch : one.write.batches) {
        one.rows += batch.rows();
        // What the server adds, it adds itself.
        if (model::Column* group = batch.find(model::kErrorGroupField)) group->clear();
        auto [place, is_new] = places.emplace(batch.dataset(), all.batches.size());
        if (is_new) {
          all.batches.push_back(std::move(batch));
        } else {
          pipeline::append_rows(all.batches[place->second], batch);
        }
      }
    }
    Status kept;
    sink_.write(std::move(all), [&kept](Result<contract::Ack> ack) {
      if (!ack.ok()) kept = ack.error();
    });
    for (Waiting& one : taken) {
      if (kept.ok()) {
        one.done(contract::Ack{.key = {}, .first_seq = Seq(0), .rows = one.rows, .conflicts = {}});
      } else {
        one.done(kept.error());
      }
    }
  }

  contract::Queue& queue_;
  collect::QueueSink sink_;
  base::Mutex mutex_;
  base::CondVar wake_;
  std::deque<Waiting> waiting_ CLEW_GUARDED_BY(mutex_);
  std::jthread thread_;  // last: it uses the others
};

class Listening final : public HttpSource {
 public:
  Listening(std::string name, HttpSourceParts parts)
      : name_(std::move(name)),
        gatherer_(parts.queue, std::move(parts.steps), parts.metrics, name_),
        ingest_(gatherer_, parts.clock),
        router_(gate_, pool_, parts.metrics) {
    ingest_.set_redaction(parts.redaction);
  }
  ~Listening() override { http_.reset(); }

  Status listen(const SourceOptions& source, const HttpSourceParts& parts, net::Address address) {
    if (!source.listener.shared_key.empty()) gate_.set_keys({source.listener.shared_key});
    book_ = CLEW_TRY(api::SourceBook::open(parts.disk, parts.clock, parts.metrics, parts.dir + "/received." + name_));
    receivers_ = std::make_unique<api::ReceiverParts>(api::ReceiverParts{.ingest = ingest_,
                                                                         .sources = *book_,
                                                                         .metrics = parts.metrics,
                                                                         .body_budget = budget_,
                                                                         .clock = parts.clock,
                                                                         .version = std::string(kVersion),
                                                                         .settings = settings_,
                                                                         .ready = ready_});
    api::ReceiverParts& to = *receivers_;
    for (auto routes : {api::es_greeting_routes, api::es_write_routes, api::import_routes, api::logrecord_routes,
                        api::push_routes, api::span_routes, api::collector_routes, api::otlp_event_routes}) {
      router_.add(routes(to));
    }
    net::HttpLimits limits;
    limits.body_bytes_max = std::min<uint64_t>(limits.body_bytes_max, kBodiesBytesMax);
    limits.connections_max = source.listener.connections_max;
    http_ = CLEW_TRY(
        net::start_http_server(address, kThreads, limits,
                               {.clock = parts.clock,
                                .budget = budget_,
                                .metrics = parts.metrics,
                                .handler = [this](net::ExchangePtr exchange) { router_.dispatch(std::move(exchange)); },
                                .refuse = [this](const net::Request& request,
                                                 const Error& error) { return router_.refuse(request, error); }}));
    address_ = http_->address();
    ready_ = true;
    return {};
  }

  const std::string& name() const override { return name_; }
  const net::Address& address() const override { return address_; }

  Status run() override {
    base::MutexLock lock(mutex_);
    while (!stopped_) stop_asked_.wait_for(mutex_, kLook);
    mutex_.unlock();
    ready_ = false;
    http_->drain(kDrainMs);
    mutex_.lock();
    return {};
  }
  void stop() override {
    gatherer_.stop();
    base::MutexLock lock(mutex_);
    stopped_ = true;
    stop_asked_.notify_all();
  }

 private:
  const std::string name_;
  std::atomic<bool> ready_{false};
  net::MemoryBudget budget_{kBodiesBytesMax};
  api::LiveSettings settings_{api::Settings()};
  api::AccessGate gate_;
  std::unique_ptr<api::SourceBook> book_;
  Gatherer gatherer_;
  api::Ingest ingest_;
  std::unique_ptr<api::ReceiverParts> receivers_;
  api::WorkPool pool_{"clew-received", 1, 16};
  api::Router router_;
  net::Address address_;
  base::Mutex mutex_;
  base::CondVar stop_asked_;
  bool stopped_ CLEW_GUARDED_BY(mutex_) = false;
  std::unique_ptr<net::HttpServer> http_;
};

}  // namespace

Status check_http_source(const std::string& name, const SourceOptions& source) {
  if (source.listener.listen.empty()) {
    return Error(Code::kInvalid, fmt::format("sources.{} lacks listen: write listen: 127.0.0.1:14318", name));
  }
  Result<net::Address> address = net::parse_address(source.listener.listen);
  if (!address.ok()) return Error(Code::kInvalid, fmt::format("sources.{}: {}", name, address.error().message()));
  if (!source.files.empty()) {
    return Error(Code::kInvalid, fmt::format("sources.{}: a source of type http listens and has no files", name));
  }
  if (!source.listener.tls.cert.empty()) {
    return Error(Code::kInvalid, fmt::format("sources.{}: a source of type http speaks no TLS", name));
  }
  return {};
}

Result<std::unique_ptr<HttpSource>> HttpSource::open(const std::string& name, const SourceOptions& source,
                                                     HttpSourceParts parts) {
  CLEW_TRY(check_http_source(name, source));
  net::Address address = CLEW_TRY(net::parse_address(source.listener.listen));
  if (!address.is_loopback() && source.listener.shared_key.empty() && !source.listener.insecure) {
    return Error(Code::kForbidden,
                 fmt::format("sources.{}: {} can be reached from other machines and nobody has to authenticate: listen "
                             "on 127.0.0.1, or write a shared_key, or insecure: yes",
                             name, address.text()));
  }
  HttpSourceParts all = std::move(parts);
  HttpSourceParts rest{.queue = all.queue,
                       .clock = all.clock,
                       .metrics = all.metrics,
                       .disk = all.disk,
                       .dir = all.dir,
                       .redaction = all.redaction,
                       .steps = {}};
  auto made = std::make_unique<Listening>(name, std::move(all));
  CLEW_TRY(made->listen(source, rest, std::move(address)));
  return std::unique_ptr<HttpSource>(std::move(made));
}

}  // namespace clew::app
