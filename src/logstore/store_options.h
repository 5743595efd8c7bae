// Limits and policies of a log store. Defaults suit a machine of two cores; tests make them small.
#pragma once

#include <cstdint>

#include "contract/event_source.h"
#include "logstore/manifest.h"

namespace clew::logstore {

struct StoreOptions {
  uint64_t journal_file_bytes = 64u << 20;
  uint64_t journal_budget_bytes = 512u << 20;  // more than this in the journal is flushed at once; twice it is overload
  uint64_t pending_bytes_max = 64u << 20;      // encoded writes that wait for the journal
  uint32_t flush_rows = 1u << 20;              // rows of a dataset in the journal that make a segment
  uint32_t flush_parts = 512;                  // parts of a dataset in the journal that make a segment
  uint32_t parts_max = 4096;                   // of all datasets; beyond it the dataset with most is flushed
  uint64_t flush_age_ns = 300'000'000'000;     // rows do not stay in the journal longer
  uint32_t row_group_rows = contract::kGranuleRowsMax;
  uint64_t segment_rows_max = 8u << 20;  // merges stop here
  uint32_t merge_fan_in = 8;             // segments of like size that are merged
  uint32_t merge_large_fan_in = 64;      // segments of flush_rows or more in one day that are merged before it rests
  uint64_t merge_idle_ns = 600'000'000'000;  // a day that nobody wrote to for so long is merged whatever the sizes
  uint64_t delete_rewrite_ns = 3'600'000'000'000;  // deleted bytes go after so long
  uint32_t dedupe_keys_max = 1u << 20;             // keys of clients kept in memory, newest first
  uint32_t created_ids_max = 1u << 20;             // `_id`s kept for `create`, newest first
  uint32_t background_threads = 2;                 // 0: none at all; write() commits and work_once() does the rest
  RetentionRule retention;                         // of datasets without a rule of their own
};

constexpr uint32_t kDatasetsMax = 10'000;                 // per tenant
constexpr uint32_t kCatalogueNamesMax = 100'000;          // fields per dataset
constexpr uint64_t kCreateWindowNs = 86'400'000'000'000;  // how long a `create` finds an earlier `_id`
constexpr uint64_t kReserveBytesMax = uint64_t{1} << 30;  // writes stop under min(this, 5 % of the disk)
constexpr uint64_t kReserveShare = 20;
constexpr int64_t kDayNs = 86'400'000'000'000;

}  // namespace clew::logstore
