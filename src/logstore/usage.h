// Who uses the disk: bytes and events by dataset, service, field and day.
//
// Bytes are those of files: the segments', and of what only the journal holds the parts'. A column's bytes are known
// from directories, by block; a block that rows of several services or days share is split by their number. What is no
// column's (directories, token index, counts) goes to the field kUsageOverhead and is split by rows. So the sums are
// exact, whatever they are taken by. Events that are deleted count until their bytes go.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "logstore/catalog.h"

namespace clew::logstore {

constexpr const char* kUsageOverhead = "(index)";
constexpr const char* kUsageDamaged = "(damaged)";  // service, or field, of what cannot be read

// What to tell apart. Service and field exclude each other.
struct UsageBy {
  bool dataset = false;
  bool service = false;
  bool field = false;
  bool day = false;
};

struct UsageRequest {
  UsageBy by;
  int64_t day_from = INT64_MIN;  // days since the epoch, UTC, of @timestamp; both inclusive
  int64_t day_to = INT64_MAX;
};

// Texts are empty and the day 0 where they are not told apart; a service is empty too where events have none.
struct UsageRow {
  std::string dataset;
  std::string service;
  std::string field;
  int64_t day = 0;
  uint64_t events = 0;  // with `field`: that have it
  uint64_t bytes = 0;
};

struct Usage {
  std::vector<UsageRow> rows;  // by day, then most bytes first
  uint64_t events = 0;
  uint64_t bytes = 0;
  uint64_t journal_bytes = 0;  // of them in parts that only the journal holds
};

// Of all that the view holds.
// Cost: by dataset, by field and by day of what is in segments none; by service it reads that column.
// Errors: kInvalid for service with field; kCancelled; kIo. Damaged blocks are told as kUsageDamaged.
Result<Usage> usage_of(const Catalog::View& view, const UsageRequest& request, const std::stop_token& stop);

}  // namespace clew::logstore
