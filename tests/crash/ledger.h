// The ledger: what a store must hold, kept in plain maps beside it. Events are numbered; a batch is a range of numbers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "logstore/test_store.h"

namespace clew::crash {

enum class Fate : uint8_t {
  kOpen,     // asked for, not answered: there whole or not at all
  kStored,   // answered: there, once
  kAbsent,   // found to be absent after a recovery: stays so
  kDeleted,  // deleted and answered: absent
};

struct BatchEntry {
  uint32_t rows = 0;
  std::optional<uint64_t> key;
  uint64_t first_seq = 0;  // 0 when unknown
  Fate fate = Fate::kOpen;
  bool delete_open = false;  // a delete of it was asked for, not answered
};

class Ledger {
 public:
  // Numbers the events of a new batch.
  uint64_t begin(uint32_t rows, std::optional<uint64_t> key);
  void answered(uint64_t first, uint64_t first_seq);
  // A delete of batches by their first number; all or none of it happens.
  void delete_begin(const std::vector<uint64_t>& batches);
  void delete_answered(const std::vector<uint64_t>& batches);

  // What is wrong with what a store shows; empty when nothing is. `adopt` settles what was open by what is seen.
  enum class Adopt : uint8_t { kNo, kYes };
  std::string check(const logstore::testing::Seen& seen, Adopt adopt);

  std::map<uint64_t, BatchEntry>& batches() { return batches_; }
  uint64_t next_number() const { return next_; }

 private:
  std::string check_batch(uint64_t first, BatchEntry& batch, const logstore::testing::Seen& seen, Adopt adopt);

  std::map<uint64_t, BatchEntry> batches_;
  uint64_t next_ = 0;
};

}  // namespace clew::crash
