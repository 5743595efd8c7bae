// The names that a live query is planned over: those of the source, and those that the query expects and that no event
// has had yet.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "contract/event_feed.h"
#include "contract/event_source.h"

namespace clew::query {

// Threads:  one at a time.
// Lifetime: the source outlives it.
class LiveNames final : public contract::EventSource {
 public:
  explicit LiveNames(contract::EventSource& source) : source_(source) {}

  void expect_dataset(std::string name) { datasets_.push_back(std::move(name)); }
  void expect_field(std::string name) { fields_.push_back(std::move(name)); }
  const std::vector<std::string>& expected_datasets() const { return datasets_; }
  const std::vector<std::string>& expected_fields() const { return fields_; }
  // Events by whose values the planner may judge what a field holds.
  void set_samples(std::vector<contract::GranulePtr> samples) { samples_ = std::move(samples); }

  Result<contract::Snapshot> snapshot(const contract::Access& access, const contract::Scan& scan,
                                      contract::ScanStats& stats) override;
  Result<std::vector<contract::DatasetInfo>> datasets(const contract::Access& access) override;
  Result<std::vector<contract::FieldInfo>> fields(const contract::Access& access, const std::string& dataset) override;
  std::vector<std::pair<std::string, model::Type>> declared_types(const contract::Access& access,
                                                                  const std::string& dataset) override {
    return source_.declared_types(access, dataset);
  }

 private:
  contract::EventSource& source_;
  std::vector<std::string> datasets_;
  std::vector<std::string> fields_;
  std::vector<contract::GranulePtr> samples_;
};

}  // namespace clew::query
