// TargetSeries: makes samples of a target's pages, and knows which series were there before.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/result.h"
#include "model/metric_batch.h"
#include "scrape/config.h"
#include "wire/exposition.h"

namespace clew::scrape {

// What is said of one scrape, as Prometheus' series of the same names have it.
struct ScrapeCounts {
  uint64_t scraped = 0;          // scrape_samples_scraped
  uint64_t post_relabeling = 0;  // scrape_samples_post_metric_relabeling
  uint64_t added = 0;            // scrape_series_added
  uint64_t bad_lines = 0;        // of the page, passed over
  std::string first_mistake;
};

// A page's text of a series is read and relabelled once; on later pages it is found again by its bytes.
//
// Threads: one.
class TargetSeries {
 public:
  // Adds the page's samples to `batch`, and markers for series that the page before had and this one lacks.
  // Errors: kTooLarge for a limit of the configuration, kInvalid for a page that cannot be read. `batch` is then of no
  // use: take fail().
  Result<ScrapeCounts> take(wire::Exposition& page, const ScrapeConfig& config, const model::Labels& target_labels,
                            int64_t millis, model::MetricBatch& batch);
  // There was no page, or none that could be used: markers for all that the page before had.
  void fail(int64_t millis, model::MetricBatch& batch);
  // The rules have changed: labels are made anew, and what does not come back is marked by the next page.
  void forget_labels();

  const std::map<std::string, model::MetricMetadata, std::less<>>& metadata() const { return metadata_; }

 private:
  struct Entry {
    model::Labels labels;       // empty: a rule drops it
    uint64_t seen = 0;          // the number of the page that had it last
    bool wants_marker = false;  // when it is gone
    bool live = false;          // was stored, and has no marker yet
  };
  Result<Entry*> entry_of(wire::Exposition& page, const ScrapeConfig& config, const model::Labels& target_labels,
                          ScrapeCounts& counts);
  void take_told(wire::ExpositionKind kind, const wire::ExpositionTold& told);
  void mark_gone(int64_t millis, model::MetricBatch& batch);

  absl::flat_hash_map<std::string, Entry> entries_;  // by the page's bytes of a series
  std::vector<model::Labels> leaving_;               // series whose labels were made by rules of before
  std::map<std::string, model::MetricMetadata, std::less<>> metadata_;
  std::map<std::string, model::MetricMetadata, std::less<>> told_;  // by the page at hand
  uint64_t page_ = 0;
  wire::LabelPairs pairs_;
};

}  // namespace clew::scrape
