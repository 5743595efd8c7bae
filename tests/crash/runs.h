// The runs of the crash harness. Each gives its line of the table and stops at the first thing that is wrong.
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

// Seeded power losses at any operation, of a store that writes, flushes, merges, deletes. On a lying disk, where sync
// does nothing, something must be wrong: that the harness sees it is a test of its own.
Outcome run_power_loss(uint64_t seed, uint64_t states, bool lying_disk);
// The n-th disk operation fails, for every n, until a run is clean.
Outcome run_fail_nth(uint64_t seed, uint64_t every);
// The journal's last 64 KiB cut at every offset (or every `every`-th), zero-filled, or overwritten by garbage.
Outcome run_journal_cuts(uint64_t seed, uint64_t every);
// Every (or every `every`-th) byte of stores of `bytes` in all flipped.
Outcome run_flips(uint64_t seed, uint64_t bytes, uint64_t every);
// A disk that is filled and freed.
Outcome run_disk_full(uint64_t seed, uint64_t cycles);
// Real processes killed under concurrent ingest into `dir`, which is emptied before.
Outcome run_kills(const std::string& program, const std::string& dir, uint64_t seed, uint64_t cycles);
// The child of run_kills.
int run_kill_child(const std::string& dir, const std::string& progress);

}  // namespace clew::crash
