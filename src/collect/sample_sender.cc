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
constexpr auto kIdleWait = std::chrono::milliseconds(1'000);
constexpr auto kDrainLooks = std::chrono::milliseconds(50);
constexpr size_t kDropsMax = 10'000;  // entries that go to make room for one

model::MetricType type_of(host::FamilyType type) {
  switch (type) {
    case host::FamilyType::kGauge: return model::MetricType::kGauge;
    case host::FamilyType::kCounter: return model::MetricType::kCounter;
    case host::FamilyType::kUntyped: break;
  }
  return model::MetricType::kUnknown;
}

}  // namespace

SampleSender::SampleSender(SampleSenderOptions options, contract::Queue& queue, const os::Clock& clock,
                           base::Registry& metrics)
    : options_(std::move(options)),
      queue_(queue),
      clock_(clock),
      sent_(metrics.counter("clew_agent_measurements_sent_total", "Writes of samples that a server took", {})),
      failed_(metrics.counter("clew_agent_measurements_failed_total", "Attempts that no server took", {})),
      refused_(metrics.counter("clew_agent_measurements_refused_total",
                               "Writes of which a server refused samples for good", {})),
      dropped_(metrics.counter("clew_agent_measurements_dropped_total",
                               "Samples that were dropped because the queue was full", {})) {
  metrics.gauge("clew_agent_measurements_waiting", "Samples that wait for a server", {},
                [this] { return static_cast<double>(queue_.stats().waiting_rows); });
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
  {
    base::MutexLock lock(mutex_);
    changed_.notify_all();
  }
  for (const auto& lane : lanes_) lane->thread.join();
}

void SampleSender::write(const contract::Access&, const model::MetricBatch& batch, Done done) {
  std::string plain, body;
  wire::encode_remote_write(batch, plain);
  snappy::Compress(plain.data(), plain.size(), &body);
  auto samples = static_cast<uint32_t>(std::max<size_t>(batch.samples_count(), 1));
  Status kept = keep(std::move(body), samples);
  if (!kept.ok()) return done(kept.error());
  contract::MetricAck ack;
  ack.stored = batch.samples_count();
  done(ack);
}

Status SampleSender::keep(std::string body, uint32_t samples) {
  for (size_t drops = 0; drops < kDropsMax; ++drops) {
    Result<uint64_t> offset = queue_.append(body, samples, {});
    if (offset.ok()) return {};
    if (offset.error().code() != Code::kOverloaded) return offset.error();
    CLEW_TRY(make_room());
  }
  return Error(Code::kTooLarge, "samples of one write that the queue has no room for");
}

// The oldest entry goes: what is new tells more.
Status SampleSender::make_room() {
  base::MutexLock lock(mutex_);
  std::optional<contract::QueueEntry> oldest = CLEW_TRY(queue_.read(0));
  if (!oldest) return Error(Code::kTooLarge, "samples of one write that the queue has no room for");
  dropped_.add(oldest->rows);
  for (const auto& lane : lanes_) lane->next = std::max(lane->next, oldest->offset + 1);
  // A file that cannot be removed now is removed later.
  [[maybe_unused]] Status acknowledged = queue_.acknowledge(oldest->offset);
  return {};
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

// What all lanes are done with leaves the queue.
void SampleSender::done_with(Lane& lane, uint64_t offset) {
  base::MutexLock lock(mutex_);
  lane.next = std::max(lane.next, offset + 1);
  lane.failing = false;
  changed_.notify_all();
  uint64_t least = lane.next;
  for (const auto& other : lanes_) least = std::min(least, other->next);
  if (least == 0) return;
  // What is not acknowledged now is with a later one; after a crash it is sent again, and known.
  [[maybe_unused]] Status acknowledged = queue_.acknowledge(least - 1);
}

void SampleSender::run(Lane& lane, const std::stop_token& stop) {
  std::unique_ptr<net::HttpClient> client = options_.make_client();
  std::chrono::nanoseconds retry = kRetryFirst;
  while (!stop.stop_requested()) {
    uint64_t from = 0;
    {
      base::MutexLock lock(mutex_);
      from = lane.next;
    }
    Result<std::optional<contract::QueueEntry>> entry = queue_.read(from);
    bool done = false;
    if (entry.ok()) {
      if (!entry->has_value()) {
        (void)queue_.wait_readable(from, kIdleWait);
        continue;
      }
      done = deliver(*client, lane.urls, (*entry)->batch, stop);
    }
    if (done) {
      retry = kRetryFirst;
      done_with(lane, (*entry)->offset);
      continue;
    }
    // Whatever wakes: the server, or the disk, is left alone for so long.
    base::MutexLock lock(mutex_);
    lane.failing = true;
    changed_.notify_all();
    uint64_t until = clock_.monotonic_ns() + static_cast<uint64_t>(retry.count());
    while (!stop.stop_requested() && clock_.monotonic_ns() < until) {
      changed_.wait_for(mutex_, std::chrono::nanoseconds(until - clock_.monotonic_ns()));
    }
    retry = std::min<std::chrono::nanoseconds>(retry * 2, kRetryMost);
  }
}

void SampleSender::drain(std::chrono::milliseconds at_most) {
  uint64_t until = clock_.monotonic_ns() + static_cast<uint64_t>(std::chrono::nanoseconds(at_most).count());
  base::MutexLock lock(mutex_);
  while (queue_.stats().waiting_entries > 0 && clock_.monotonic_ns() < until) {
    for (const auto& lane : lanes_) {
      if (lane->failing) return;
    }
    changed_.wait_for(mutex_, kDrainLooks);
  }
}

void append_host_samples(const host::Samples& samples, const std::vector<std::pair<std::string, std::string>>& labels,
                         int64_t unix_millis, model::MetricBatch& batch) {
  std::string metric;
  samples.visit(
      [&](std::string_view name, host::FamilyType type, std::string_view help) {
        metric = name;
        batch.set_metadata(name, {type_of(type), "", std::string(help)});
      },
      [&](std::span<const host::Label> own, double value) {
        model::LabelsBuilder all;
        for (const auto& [name, text] : labels) all.set(name, text);
        for (const host::Label& label : own) all.set(label.name, label.value);
        all.set(model::kMetricNameLabel, metric);
        batch.begin_series(all.build());
        batch.add_sample(unix_millis, value);
      });
}

}  // namespace clew::collect
