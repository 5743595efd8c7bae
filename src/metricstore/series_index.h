// SeriesIndex: which series there are, by their labels, in memory.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "base/result.h"
#include "contract/metric_source.h"
#include "metricstore/part_format.h"
#include "model/labels.h"

namespace clew::metricstore {

class ValueMatcher;

// A series is given an id when it is added: one that is free again, else the next. The strings behind views stay until
// the series is removed.
//
// Threads: one at a time, also of those that read: lists are put in order when they are read. The caller locks.
class SeriesIndex {
 public:
  SeriesIndex();

  // Ids are below; some of them may be free.
  size_t end() const { return begins_.size(); }
  size_t size() const { return begins_.size() - free_.size(); }
  bool is_free(SeriesId series) const { return lengths_[series] == kFree; }
  std::optional<SeriesId> find(model::LabelsView labels) const;
  // Requires: not there yet.
  SeriesId add(model::LabelsView labels);
  // Under this id; ids before it that are not there yet become free. Requires: labels not there, id free or not there.
  void add_at(SeriesId series, model::LabelsView labels);
  // Their ids become free. Requires: rising, none free.
  void remove(const std::vector<SeriesId>& series);
  // Appends the series' packed labels.
  void append_labels(SeriesId series, std::string& packed) const;
  std::string_view label_value(SeriesId series, std::string_view name) const;

  // Series that all matchers match, rising by id.
  // Errors: kInvalid for a regular expression that is none.
  Result<std::vector<SeriesId>> select(const std::vector<contract::LabelMatcher>& matchers) const;

  // Of all series, in order.
  std::vector<std::string> label_names() const;
  std::vector<std::string> label_values(std::string_view name) const;

  // How many series have each label, each value of a name, each pair: for finding what makes many series.
  struct Count {
    std::string name;
    uint64_t count = 0;
  };
  std::vector<Count> series_by_metric() const;  // most first
  std::vector<Count> values_by_label() const;
  std::vector<Count> series_by_pair() const;  // "name=value"

  // Of one metric, and of one label: 0 when there is none.
  size_t series_of_metric(std::string_view metric) const;
  size_t values_of_label(std::string_view name) const;
  bool has_value(std::string_view name, std::string_view value) const { return find_pair(name, value).has_value(); }

  size_t memory_bytes() const;

 private:
  static constexpr uint16_t kFree = UINT16_MAX;
  using PairId = uint32_t;
  struct Pair {
    uint32_t name = 0;  // in names_
    std::string value;
    mutable std::vector<SeriesId> series;  // that have it; the first `sorted` rise
    mutable uint32_t sorted = 0;
  };
  struct Name {
    std::string name;
    std::map<std::string_view, PairId> values;
  };

  PairId pair_of(model::Label label);
  std::optional<PairId> find_pair(std::string_view name, std::string_view value) const;
  const Name* find_name(std::string_view name) const;
  std::pair<size_t, size_t> pairs_of(SeriesId series) const {
    return {begins_[series], begins_[series] + (is_free(series) ? 0u : lengths_[series])};
  }
  // The series of a pair, rising.
  static const std::vector<SeriesId>& series_of(const Pair& pair);
  void put(SeriesId series, model::LabelsView labels);
  void drop_garbage();
  uint64_t hash_of(SeriesId series) const;
  bool is(SeriesId series, model::LabelsView labels) const;
  // The series whose value for the matcher's label matches, rising, when `matching`, else those whose value does not.
  std::vector<SeriesId> with_value(const contract::LabelMatcher& matcher, const ValueMatcher& values,
                                   bool matching) const;

  // The set keeps ids; hash and equality look into the index.
  struct Hash {
    using is_transparent = void;
    const SeriesIndex* index;
    size_t operator()(SeriesId series) const { return index->hashes_[series]; }
    size_t operator()(model::LabelsView labels) const { return model::hash_of(labels); }
  };
  struct Equal {
    using is_transparent = void;
    const SeriesIndex* index;
    bool operator()(SeriesId a, SeriesId b) const { return a == b; }
    bool operator()(SeriesId a, model::LabelsView b) const { return index->is(a, b); }
    bool operator()(model::LabelsView a, SeriesId b) const { return index->is(b, a); }
  };

  std::deque<Pair> pairs_;  // where views into them stay
  std::deque<Name> names_;
  std::map<std::string_view, uint32_t> names_by_text_;
  std::vector<PairId> free_pairs_;
  std::vector<PairId> series_pairs_;  // of all series, each one's together
  size_t garbage_ = 0;                // of series_pairs_, of series that were removed
  std::vector<uint32_t> begins_;      // where each series' pairs begin
  std::vector<uint16_t> lengths_;     // how many it has
  std::vector<SeriesId> free_;
  std::vector<uint64_t> hashes_;  // of the packed labels
  absl::flat_hash_set<SeriesId, Hash, Equal> by_labels_;
};

// Whether a value matches; regular expressions are compiled once.
class ValueMatcher {
 public:
  // Errors: kInvalid.
  static Result<ValueMatcher> make(const contract::LabelMatcher& matcher);
  ~ValueMatcher();
  ValueMatcher(ValueMatcher&&) noexcept;
  ValueMatcher& operator=(ValueMatcher&&) noexcept;
  bool matches(std::string_view value) const;

 private:
  ValueMatcher();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::metricstore
