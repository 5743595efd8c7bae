// A workload: seeded steps against a store on a simulated disk, with a ledger beside it.
#pragma once

#include <cstdint>
#include <string>

#include "ledger.h"
#include "logstore/test_store.h"

namespace clew::crash {

class Workload {
 public:
  explicit Workload(uint64_t seed);

  // One step: a write, a repeated write, a flush, a merge, a delete, a setting, a step of time. What the store answers
  // goes to the ledger. Gives what is wrong, if anything.
  std::string step();
  // Opens the store and checks it; what was open in the ledger is settled. Fails only by what is wrong, not by the
  // disk.
  std::string reopen();
  // Opens a copy of the disk after a power loss or kill and checks it, leaving everything here as it is.
  enum class Loss : uint8_t { kPower, kProcess };
  std::string check_copy(uint64_t seed, Loss loss);

  // Checks the open store.
  std::string check_open();
  // A write must succeed now, and everything be there.
  std::string write_and_check();

  logstore::testing::TestStore& store() { return store_; }
  Ledger& ledger() { return ledger_; }
  os::SeededRng& rng() { return rng_; }

 private:
  std::string write_new();
  std::string write_again();
  std::string delete_some();

  os::SeededRng rng_;
  logstore::testing::TestStore store_;
  Ledger ledger_;
  uint64_t next_key_ = 1;
};

}  // namespace clew::crash
