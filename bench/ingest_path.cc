// Where the time of an event goes between its bytes and its segment: decode, redact, encode, journal, flush. One JSON
// line each.
//   clew_ingest_path [EVENTS] [DIR]
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "columnar/part.h"
#include "event_gen.h"
#include "logstore/log_store.h"
#include "os/clock.h"
#include "os/disk.h"
#include "process/redact.h"
#include "wire/es_bulk.h"

namespace {

using namespace clew;

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  auto s = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return s(u.ru_utime) + s(u.ru_stime);
}

void print(const char* stage, double cpu, uint64_t events, uint64_t bytes) {
  std::printf("{\"stage\":\"%s\",\"cpu_ns_per_event\":%.1f,\"bytes_per_event\":%.1f}\n", stage,
              cpu * 1e9 / static_cast<double>(events), static_cast<double>(bytes) / static_cast<double>(events));
  std::fflush(stdout);
}

std::vector<std::string> make_bodies(uint64_t events) {
  std::vector<std::string> bodies;
  int64_t start = 1'795'000'000'000'000;
  bench::EventGenerator generator(1, bench::Shape::kTwelve, start, 100'000);
  std::string body;
  for (uint64_t i = 0; i < events; ++i) {
    body += "{\"create\":{}}\n";
    generator.append_json(generator.next(), body);
    if (body.size() >= 1 << 20 || i + 1 == events) bodies.push_back(std::exchange(body, {}));
  }
  return bodies;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 400'000;
  std::string dir = argc > 2 ? argv[2] : "/tmp/clew-ingest-path-bench";
  std::vector<std::string> bodies = make_bodies(events);
  uint64_t raw = 0;
  for (const std::string& b : bodies) raw += b.size();
  auto clock = os::make_real_clock();
  auto rng = os::make_real_rng();
  auto disk = os::make_real_disk();
  wire::Intake intake;
  intake.arrival = UnixNanos(1'795'000'100'000'000'000);
  wire::BulkDecoder decoder;

  double begun = cpu_seconds();
  uint64_t rows = 0;
  for (const std::string& b : bodies) {
    auto request = decoder.decode(b, "bench", intake);
    if (!request) return 1;
    rows += request->events.batches[0].rows();
  }
  print("decode", cpu_seconds() - begun, rows, raw);

  std::vector<wire::BulkRequest> requests;
  for (const std::string& b : bodies) requests.push_back(decoder.decode(b, "bench", intake).take());
  auto redactor = process::Redactor::make({});
  if (!redactor) return 1;
  process::RedactionCounts counts = (*redactor)->no_counts();
  uint64_t redacted = 0;
  begun = cpu_seconds();
  for (auto& r : requests) redacted += (*redactor)->redact(r.events.batches[0], counts);
  print("redact", cpu_seconds() - begun, rows, redacted);  // of clean events no row changes

  columnar::BatchEncoder encoder;
  begun = cpu_seconds();
  uint64_t encoded = 0;
  for (const auto& r : requests) encoded += encoder.encode(r.events.batches[0]).size();
  print("encode", cpu_seconds() - begun, rows, encoded);

  std::string remove = "rm -rf " + dir;
  if (std::system(remove.c_str()) != 0) return 1;
  base::Registry registry;
  auto store = logstore::LogStore::open(*disk, *clock, *rng, dir, {}, registry);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message().c_str());
    return 1;
  }
  std::mutex mutex;
  std::condition_variable changed;
  size_t done = 0;
  begun = cpu_seconds();
  for (auto& r : requests) {
    contract::Write write;
    write.batches = std::move(r.events.batches);
    (*store)->write(std::move(write), [&](Result<contract::Ack> ack) {
      std::lock_guard lock(mutex);
      if (!ack) std::fprintf(stderr, "%s\n", ack.error().message().c_str());
      ++done;
      changed.notify_one();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done + 8 > static_cast<size_t>(&r - requests.data()); });
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done == requests.size(); });
  }
  print("encode and journal", cpu_seconds() - begun, rows, encoded);
  begun = cpu_seconds();
  if (Status flushed = (*store)->flush_now(); !flushed) std::fprintf(stderr, "%s\n", flushed.error().message().c_str());
  uint64_t bytes = 0;
  auto datasets = (*store)->datasets({});
  if (!datasets) return 1;
  for (const auto& d : *datasets) bytes += d.bytes;
  print("flush", cpu_seconds() - begun, rows, bytes);
  (*store)->close();
  return 0;
}
