// For tests: sources and a store joined by a queue on a simulated disk, and what must hold between them.
//
// A source has lines 1, 2, 3 ...; a batch holds the next line of some sources and moves their places to it. After each
// start a source goes on behind the place that the queue gives it, as a file source does. The store keeps each line
// with the key it came under, and takes a key once. So whatever happens to disk and process between:
//   - a place never goes back behind the last append that was answered ok;
//   - when all is delivered the store has every line up to the place of its source, each under one key: none lost, none
//     twice, no key given out for two batches.
#pragma once

#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "os/sim_clock.h"
#include "os/sim_disk.h"
#include "queue/disk_queue.h"

namespace clew::queue::testing {

class TestFeed {
 public:
  static constexpr uint32_t kSources = 3;  // the last one moves its place without batches
  explicit TestFeed(uint64_t seed, DiskQueueOptions options = {.disk_bytes_max = 1u << 20, .file_bytes = 64u << 10})
      : rng(seed), disk(seed, 64u << 20), options_(options) {}

  os::SeededRng rng;
  os::SimDisk disk;
  os::SimClock clock;
  std::unique_ptr<DiskQueue> queue;

  // Opens the queue and takes up the sources where it says. Gives what is wrong; an error of the disk is not.
  std::string reopen() {
    queue.reset();
    auto opened = DiskQueue::open(disk, clock, rng, "/agent/queue", options_);
    if (!opened.ok()) return disk_failed(opened.error()) ? std::string() : opened.error().message();
    queue = std::move(opened).take();
    read_from_ = 0;
    std::map<std::string, std::string> places = queue->places();
    for (uint32_t s = 0; s < kSources; ++s) {
      auto it = places.find(name(s));
      uint64_t place = it == places.end() ? 0 : std::stoull(it->second);
      if (place < answered_[s] || place > attempted_[s]) {
        return fmt::format("{} is at {}, answered {}, attempted {}", name(s), place, answered_[s], attempted_[s]);
      }
      next_[s] = place + 1;
      answered_[s] = place;
    }
    Status whole = queue->verify();
    return whole.ok() ? std::string() : whole.error().message();
  }

  // An append, a delivery, or an acknowledgement. Gives what is wrong.
  std::string step() {
    if (!queue) return reopen();
    uint64_t what = rng.below(10);
    if (what < 5) return append();
    if (what < 8) return deliver();
    if (sent_ > 0) (void)queue->acknowledge(sent_ - rng.below(std::min<uint64_t>(sent_, 3)));
    if (rng.one_in(40)) return reopen();
    return {};
  }

  std::string append() {
    std::string batch;
    std::vector<contract::QueuePlace> places;
    std::array<uint64_t, kSources> lines = {};
    bool only_places = rng.one_in(6);
    for (uint32_t s = only_places ? kSources - 1 : 0; s < (only_places ? kSources : kSources - 1); ++s) {
      if (!only_places && s > 0 && rng.one_in(2)) continue;
      lines[s] = next_[s];
      if (!only_places) batch += fmt::format("{} {};", name(s), lines[s]);
      places.push_back({name(s), std::to_string(lines[s])});
      attempted_[s] = std::max(attempted_[s], lines[s]);
    }
    if (!only_places) batch += std::string(rng.below(rng.one_in(8) ? 40'000 : 2'000), 'x');
    auto appended = queue->append(std::move(batch), only_places ? 0 : 1, std::move(places));
    if (!appended.ok()) {
      // A restart helps, or the next try.
      if (!queue->health().ok()) return reopen();
      return disk_failed(appended.error()) || appended.error().code() == Code::kOverloaded ? std::string()
                                                                                           : appended.error().message();
    }
    for (uint32_t s = 0; s < kSources; ++s) {
      if (lines[s] == 0) continue;
      answered_[s] = lines[s];
      next_[s] = lines[s] + 1;
    }
    return {};
  }

  // Reads one entry and stores it.
  std::string deliver() {
    auto read = queue->read(read_from_);
    if (!read.ok()) return disk_failed(read.error()) ? std::string() : read.error().message();
    if (!read->has_value()) {
      read_from_ = 0;  // again from the beginning: a sender that was restarted
      return {};
    }
    const contract::QueueEntry& entry = **read;
    read_from_ = entry.offset + 1;
    sent_ = entry.offset;
    std::string lines = entry.batch.substr(0, entry.batch.rfind(';') + 1);
    auto [it, fresh] = keys_.emplace(queue->producer() + ":" + std::to_string(entry.offset), lines);
    if (it->second != lines) return fmt::format("key {} has '{}' and '{}'", it->first, it->second, lines);
    if (!fresh) return {};
    for (size_t at = 0, end = lines.find(';'); end != std::string::npos; at = end + 1, end = lines.find(';', at)) {
      std::string line = lines.substr(at, end - at);
      auto [stored, first] = stored_.emplace(line, it->first);
      if (!first) return fmt::format("line '{}' under {} and {}", line, stored->second, it->first);
    }
    return {};
  }

  // Delivers all that waits; then every line up to its source's place must be stored.
  std::string drain_and_check() {
    if (!queue) return "no queue";
    read_from_ = 0;
    for (;;) {
      auto next = queue->read(read_from_);
      if (!next.ok()) return next.error().message();
      if (!next->has_value()) break;
      std::string wrong = deliver();
      if (!wrong.empty()) return wrong;
    }
    (void)queue->acknowledge(UINT64_MAX);
    if (queue->stats().waiting_entries != 0) return "entries wait that were acknowledged";
    for (uint32_t s = 0; s + 1 < kSources; ++s) {
      for (uint64_t line = 1; line <= answered_[s]; ++line) {
        if (!stored_.contains(fmt::format("{} {}", name(s), line))) {
          return fmt::format("line {} of {} was lost, its place is {}", line, name(s), answered_[s]);
        }
      }
    }
    Status whole = queue->verify();
    return whole.ok() ? std::string() : whole.error().message();
  }

  uint64_t lines_stored() const { return stored_.size(); }
  const std::map<std::string, std::string>& keys() const { return keys_; }

 private:
  static std::string name(uint32_t source) { return fmt::format("file{}", source); }
  static bool disk_failed(const Error& error) {
    Code code = error.code();
    return code == Code::kIo || code == Code::kFull || code == Code::kUnavailable;
  }

  const DiskQueueOptions options_;
  std::array<uint64_t, kSources> next_ = {1, 1, 1};
  std::array<uint64_t, kSources> answered_ = {};
  std::array<uint64_t, kSources> attempted_ = {};
  uint64_t read_from_ = 0;
  uint64_t sent_ = 0;
  std::map<std::string, std::string> keys_;    // with the lines of its batch
  std::map<std::string, std::string> stored_;  // line, with its key
};

}  // namespace clew::queue::testing
