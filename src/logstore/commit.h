// What the log engine writes into the meta of a journal record: one commit (docs/formats/journal.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "contract/event_sink.h"

namespace clew::logstore {

constexpr uint8_t kCommitVersion = 1;
constexpr size_t kProducerBytesMax = 256;
constexpr size_t kDatasetNameBytesMax = 512;
constexpr size_t kTenantNameBytesMax = 256;

// A part of the commit; its bytes are the record's blob of the same place in order.
struct CommitPart {
  std::string dataset;
  uint32_t rows = 0;
};

struct Commit {
  std::string tenant;
  contract::BatchKey key;
  bool keyed = false;  // the client gave the key, so that a repetition is known
  uint64_t first_seq = 0;
  uint64_t first_row = 0;  // row number in `_id` of the first event
  uint32_t rows = 0;
  int64_t commit_time = 0;
  std::vector<CommitPart> parts;               // rows in order of _seq
  std::vector<contract::CreateRow> conflicts;  // part of the first answer
};

std::string encode_commit(const Commit& commit);
// Errors: kCorrupt, kUnsupported.
Result<Commit> decode_commit(std::string_view meta);
// One line for `clew inspect`.
std::string describe_commit(std::string_view meta);

}  // namespace clew::logstore
