#include "adapters/remote_writer.h"

#include <snappy.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "queue/disk_queue.h"
#include "wire/write_request.h"

namespace clew::adapters {
namespace {

constexpr auto kWait = std::chrono::milliseconds(200);
// A request is made of queued pieces until it has so many bytes.
constexpr size_t kRequestBytesMost = 8u << 20;

}  // namespace

RemoteWriter::RemoteWriter(RemoteWriteOptions options, std::unique_ptr<contract::Queue> queue, base::Registry& metrics,
                           const MakeClient& make_client)
    : options_(std::move(options)),
      queue_(std::move(queue)),
      client_(make_client(options_.tls)),
      sent_(metrics.counter("clew_remote_write_samples_sent_total", "Samples that a receiver took",
                            {{"remote", options_.name}})),
      refused_(metrics.counter("clew_remote_write_samples_refused_total", "Samples that a receiver will never take",
                               {{"remote", options_.name}})),
      dropped_(metrics.counter("clew_remote_write_samples_dropped_total", "Samples that did not fit into the queue",
                               {{"remote", options_.name}})),
      retries_(metrics.counter("clew_remote_write_retries_total", "Requests that are tried again",
                               {{"remote", options_.name}})) {
  contract::Queue* held = queue_.get();
  metrics.gauge("clew_remote_write_samples_waiting", "Samples that wait to be sent", {{"remote", options_.name}},
                [held] { return static_cast<double>(held->stats().waiting_rows); });
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

RemoteWriter::~RemoteWriter() {
  thread_.request_stop();
  {
    base::MutexLock lock(mutex_);
    wake_.notify_all();
  }
  queue_->close();
  thread_.join();
}

// Waits, but not beyond a stop.
void RemoteWriter::pause(uint32_t millis, const std::stop_token& stop) {
  base::MutexLock lock(mutex_);
  if (!stop.stop_requested()) wake_.wait_for(mutex_, std::chrono::milliseconds(millis));
}

void RemoteWriter::push(std::span<const model::MetricBatch* const> batches) {
  std::string piece;
  uint32_t samples = 0;
  auto flush = [&] {
    if (piece.empty()) return;
    if (!queue_->append(std::move(piece), std::max(samples, 1u), {}).ok()) dropped_.add(samples);
    piece.clear();
    samples = 0;
  };
  for (const model::MetricBatch* batch : batches) {
    if (options_.metadata) wire::append_write_metadata(*batch, piece);
    for (const model::MetricBatch::Series& series : batch->series()) {
      samples += wire::append_write_series(*batch, series, options_.external_labels, options_.histograms, piece);
      if (samples >= options_.samples_max) flush();
    }
  }
  flush();
}

RemoteWriter::Sent RemoteWriter::send(const std::string& request, uint64_t samples, uint32_t& wait_ms,
                                      const std::stop_token& stop) {
  std::string body;
  snappy::Compress(request.data(), request.size(), &body);
  net::HttpCall call;
  call.method = "POST";
  call.url = options_.url;
  call.headers = options_.headers;
  call.headers.emplace_back("Content-Type", "application/x-protobuf");
  call.headers.emplace_back("Content-Encoding", "snappy");
  call.headers.emplace_back("X-Prometheus-Remote-Write-Version", "0.1.0");
  call.headers.emplace_back("User-Agent", "clew");
  call.body = body;
  call.timeout_ms = options_.timeout_ms;
  call.kept_bytes_max = 4096;
  call.go_on = [&stop] { return !stop.stop_requested(); };
  Result<net::HttpReply> reply = client_->call(call);
  if (reply.ok() && reply->status / 100 == 2) {
    sent_.add(samples);
    return Sent::kYes;
  }
  bool final = reply.ok() && reply->status / 100 == 4 && reply->status != 429 && reply->status != 408;
  if (final) {
    refused_.add(samples);
    return Sent::kRefused;
  }
  retries_.add();
  if (reply.ok()) {
    std::string_view after = reply->header("retry-after");
    uint32_t seconds = 0;
    std::from_chars(after.data(), after.data() + after.size(), seconds);
    if (seconds > 0) wait_ms = std::max(wait_ms, std::min(seconds * 1000, options_.backoff_max_ms));
  }
  return Sent::kLater;
}

void RemoteWriter::run(const std::stop_token& stop) {
  uint64_t from = 1;
  uint32_t wait_ms = options_.backoff_min_ms;
  std::string request;
  uint64_t samples = 0, last = 0;
  while (!stop.stop_requested()) {
    if (request.empty()) {
      if (!queue_->wait_readable(from, kWait)) continue;
      // As many pieces as one request takes.
      while (samples < options_.samples_max && request.size() < kRequestBytesMost) {
        Result<std::optional<contract::QueueEntry>> entry = queue_->read(from);
        if (!entry.ok() || !*entry) break;
        request += (*entry)->batch;
        samples += (*entry)->rows;
        last = (*entry)->offset;
        from = last + 1;
      }
      if (request.empty()) {
        pause(options_.backoff_min_ms, stop);
        continue;
      }
    }
    Sent sent = send(request, samples, wait_ms, stop);
    if (sent == Sent::kLater) {
      pause(wait_ms, stop);
      wait_ms = std::min(wait_ms * 2, options_.backoff_max_ms);
      continue;
    }
    // What could not be removed now is removed with the next.
    (void)queue_->acknowledge(last);
    request.clear();
    samples = 0;
    wait_ms = options_.backoff_min_ms;
  }
}

Result<std::unique_ptr<RemoteWriters>> RemoteWriters::open(os::Disk& disk, const os::Clock& clock, os::Rng& rng,
                                                           base::Registry& metrics, const std::string& dir,
                                                           const std::vector<RemoteWriteOptions>& options) {
  auto all = std::make_unique<RemoteWriters>();
  for (const RemoteWriteOptions& one : options) {
    queue::DiskQueueOptions how;
    how.disk_bytes_max = one.queue_bytes_max;
    std::unique_ptr<queue::DiskQueue> made =
        CLEW_TRY(queue::DiskQueue::open(disk, clock, rng, dir + "/" + one.name, how));
    all->writers_.push_back(std::make_unique<RemoteWriter>(
        one, std::move(made), metrics, [](const net::TlsClientFiles& files) { return net::make_https_client(files); }));
  }
  return all;
}

}  // namespace clew::adapters
