#include "collect/sample_sender.h"

#include <pthread.h>
#include <snappy.h>

#include <algorithm>
#include <chrono>

#include "model/metric_batch.h"
#include "wire/remote_write.h"

namespace clew::collect {
namespace {

constexpr uint32_t kCallMillis = 10'000;
constexpr auto kRetryFirst = std::chrono::milliseconds(500);
constexpr auto kRetryMost = std::chrono::seconds(30);
constexpr auto kIdleWait = std::chrono::seconds(1);

model::MetricType type_of(host::FamilyType type) {
  switch (type) {
    case host::FamilyType::kGauge: return model::MetricType::kGauge;
    case host::FamilyType::kCounter: return model::MetricType::kCounter;
    case host::FamilyType::kUntyped: break;
  }
  return model::MetricType::kUnknown;
}

base::Counter& counter(base::Registry& metrics, const char* name, const char* help, const std::string& source) {
  return metrics.counter(name, help, {{"source", source}});
}

}  // namespace

SampleSender::SampleSender(SampleSenderOptions options, const os::Clock& clock, base::Registry& metrics)
    : options_(std::move(options)),
      clock_(clock),
      sent_(counter(metrics, "clew_agent_measurements_sent_total", "Measurements that a server took", options_.source)),
      failed_(
          counter(metrics, "clew_agent_measurements_failed_total", "Attempts that no server took", options_.source)),
      refused_(counter(metrics, "clew_agent_measurements_refused_total", "Measurements that a server refused for good",
                       options_.source)),
      dropped_(counter(metrics, "clew_agent_measurements_dropped_total", "Measurements that waited too long",
                       options_.source)) {
  auto add = [this](std::vector<std::string> urls) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->urls = std::move(urls);
  };
  if (options_.mirror) {
    for (const std::string& url : options_.urls) add({url});
  } else {
    add(options_.urls);
  }
  for (const auto& lane : lanes_) {
    lane->thread = std::jthread([this, lane = lane.get()](const std::stop_token& stop) { run(*lane, stop); });
    pthread_setname_np(lane->thread.native_handle(), "clew-samples");
  }
}

SampleSender::~SampleSender() {
  for (const auto& lane : lanes_) lane->thread.request_stop();
  changed_.notify_all();
  for (const auto& lane : lanes_) lane->thread.join();
}

void SampleSender::send(const host::Samples& samples, int64_t unix_millis) {
  model::MetricBatch batch;
  std::string metric;
  samples.visit(
      [&](std::string_view name, host::FamilyType type, std::string_view help) {
        metric = name;
        batch.set_metadata(name, {type_of(type), "", std::string(help)});
      },
      [&](std::span<const host::Label> labels, double value) {
        model::LabelsBuilder all;
        for (const auto& [name, text] : options_.labels) all.set(name, text);
        for (const host::Label& label : labels) all.set(label.name, label.value);
        all.set(model::kMetricNameLabel, metric);
        batch.begin_series(all.build());
        batch.add_sample(unix_millis, value);
      });
  std::string plain;
  wire::encode_remote_write(batch, plain);
  auto body = std::make_shared<std::string>();
  snappy::Compress(plain.data(), plain.size(), body.get());
  base::MutexLock lock(mutex_);
  for (const auto& lane : lanes_) {
    if (lane->waiting.size() >= options_.waiting_max) {
      lane->waiting.pop_front();
      dropped_.add();
    }
    lane->waiting.push_back(body);
  }
  changed_.notify_all();
}

// Whether it is done with: a server took it, or none ever will.
bool SampleSender::deliver(net::HttpClient& client, const std::vector<std::string>& urls, const std::string& body,
                           const std::stop_token& stop) {
  for (const std::string& url : urls) {
    net::HttpCall call;
    call.method = "POST";
    call.url = url + "/api/v1/write";
    call.headers = options_.headers;
    call.headers.emplace_back("Content-Type", "application/x-protobuf");
    call.headers.emplace_back("Content-Encoding", "snappy");
    call.headers.emplace_back("X-Prometheus-Remote-Write-Version", "0.1.0");
    call.body = body;
    call.timeout_ms = kCallMillis;
    call.go_on = [&stop] { return !stop.stop_requested(); };
    Result<net::HttpReply> reply = client.call(call);
    if (reply.ok() && reply->status < 300) {
      sent_.add();
      return true;
    }
    if (reply.ok() && (reply->status == 400 || reply->status == 413 || reply->status == 415)) {
      refused_.add();  // for what it is: no other server would take it
      return true;
    }
  }
  failed_.add();
  return false;
}

void SampleSender::run(Lane& lane, const std::stop_token& stop) {
  std::unique_ptr<net::HttpClient> client = options_.make_client();
  std::chrono::nanoseconds retry = kRetryFirst;
  while (!stop.stop_requested()) {
    std::shared_ptr<const std::string> body;
    {
      base::MutexLock lock(mutex_);
      if (lane.waiting.empty()) {
        changed_.wait_for(mutex_, kIdleWait);
        continue;
      }
      body = lane.waiting.front();
    }
    bool done = deliver(*client, lane.urls, *body, stop);
    base::MutexLock lock(mutex_);
    if (done) {
      retry = kRetryFirst;
      if (!lane.waiting.empty() && lane.waiting.front() == body) lane.waiting.pop_front();
      continue;
    }
    // Whatever wakes: the server is left alone for so long.
    uint64_t until = clock_.monotonic_ns() + static_cast<uint64_t>(retry.count());
    while (!stop.stop_requested() && clock_.monotonic_ns() < until) {
      changed_.wait_for(mutex_, std::chrono::nanoseconds(until - clock_.monotonic_ns()));
    }
    retry = std::min<std::chrono::nanoseconds>(retry * 2, kRetryMost);
  }
}

}  // namespace clew::collect
