#include "ledger.h"

#include <fmt/format.h>

namespace clew::crash {

uint64_t Ledger::begin(uint32_t rows, std::optional<uint64_t> key) {
  uint64_t first = next_;
  next_ += rows;
  batches_[first] = BatchEntry{.rows = rows, .key = key};
  return first;
}

void Ledger::answered(uint64_t first, uint64_t first_seq) {
  batches_[first].fate = Fate::kStored;
  batches_[first].first_seq = first_seq;
}

void Ledger::delete_begin(const std::vector<uint64_t>& batches) {
  for (uint64_t first : batches) batches_[first].delete_open = true;
}

void Ledger::delete_answered(const std::vector<uint64_t>& batches) {
  for (uint64_t first : batches) {
    batches_[first].delete_open = false;
    batches_[first].fate = Fate::kDeleted;
  }
}

std::string Ledger::check_batch(uint64_t first, BatchEntry& batch, const logstore::testing::Seen& seen, Adopt adopt) {
  uint64_t there = 0;
  for (auto it = seen.seq_by_number.lower_bound(first);
       it != seen.seq_by_number.end() && it->first < first + batch.rows; ++it) {
    ++there;
    bool known = batch.first_seq != 0;
    if (known && it->second != batch.first_seq + (it->first - first))
      return fmt::format("event {} has _seq {}", it->first, it->second);
  }
  std::string name = fmt::format("batch {}..{}", first, first + batch.rows);
  if (there > batch.rows) return name + " is there twice";
  if (there != 0 && there != batch.rows) return fmt::format("{} is there in part: {} rows", name, there);
  bool must = batch.fate == Fate::kStored && !batch.delete_open;
  bool must_not = batch.fate == Fate::kAbsent || batch.fate == Fate::kDeleted;
  if (must && there == 0) return name + " was acknowledged and is lost";
  if (must_not && there != 0) return name + " came back";
  if (adopt == Adopt::kNo) return "";
  if (batch.fate == Fate::kOpen) batch.fate = there > 0 ? Fate::kStored : Fate::kAbsent;
  if (batch.delete_open) batch.fate = there > 0 ? batch.fate : Fate::kDeleted;
  batch.delete_open = false;
  if (there > 0) batch.first_seq = seen.seq_by_number.find(first)->second;
  return "";
}

std::string Ledger::check(const logstore::testing::Seen& seen, Adopt adopt) {
  if (!seen.wrong.empty()) return seen.wrong.front();
  if (seen.damaged_rows > 0) return fmt::format("{} rows are damaged", seen.damaged_rows);
  int deleted = -1;  // of an open delete: all or none
  uint64_t known = 0;
  for (auto& [first, batch] : batches_) {
    if (batch.delete_open && batch.fate == Fate::kStored) {
      int gone = seen.seq_by_number.count(first) == 0 ? 1 : 0;
      if (deleted >= 0 && gone != deleted) return "a delete happened in part";
      deleted = gone;
    }
    known += seen.seq_by_number.count(first) > 0 ? batch.rows : 0;
    std::string wrong = check_batch(first, batch, seen, adopt);
    if (!wrong.empty()) return wrong;
  }
  if (known != seen.seq_by_number.size()) return "events that nobody wrote";
  return "";
}

}  // namespace clew::crash
