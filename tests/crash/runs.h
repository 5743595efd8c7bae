// The runs of the crash harness. Each runs on all processors, gives its line of the table and stops at the first thing
// that is wrong.
#pragma once

#include <cstdint>
#include <string>

namespace clew::crash {

struct Outcome {
  std::string name;
  uint64_t cases = 0;
  std::string detail;
  std::string wrong;  // empty: all is well
};

// With a broken variant of what is tested every run must find something wrong: that it does is a test of the harness.
enum class Variant : uint8_t { kWhole, kBroken };

// Seeded power losses at any operation, of a store that writes, flushes, merges, deletes. Broken: sync does nothing.
Outcome run_power_loss(uint64_t seed, uint64_t states, Variant variant);
// The n-th disk operation fails, for every n, until a run is clean. Broken: sync does nothing.
Outcome run_fail_nth(uint64_t seed, uint64_t every, Variant variant);
// The journal's last 64 KiB cut at every offset (or every `every`-th), zero-filled, or overwritten by garbage.
// Broken: a record before the cut is lost.
Outcome run_journal_cuts(uint64_t seed, uint64_t every, Variant variant);
// Every (or every `every`-th) byte of a store of `bytes` in segments, of its journal and manifest flipped.
// Broken: a segment holds the bytes of another.
Outcome run_flips(uint64_t seed, uint64_t bytes, uint64_t every, Variant variant);
// A disk that is filled and freed. Broken: sync does nothing.
Outcome run_disk_full(uint64_t seed, uint64_t cycles, Variant variant);
// Disk queues between sources and a store, through power losses, kills, failing operations and full disks. Broken: sync
// does nothing.
Outcome run_disk_queue(uint64_t seed, uint64_t queues, Variant variant);
// Real processes killed under concurrent ingest into `dir`, which is emptied before. Broken: the
// child acknowledges before it writes.
Outcome run_kills(const std::string& program, const std::string& dir, uint64_t seed, uint64_t cycles, Variant variant);
// The child of run_kills.
int run_kill_child(const std::string& dir, const std::string& progress, Variant variant);

}  // namespace clew::crash
