// SeriesLabels puts the labels of a series together from several places, some stronger than others.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/labels.h"

namespace clew::wire {

// Threads:  one; keeps its memory.
// Lifetime: names and values that are added are views: they live until pack() was called.
class SeriesLabels {
 public:
  // Which place a label came from: of one name the first of these wins.
  enum class From : uint8_t { kOwn, kIdentity, kScope, kAttribute, kPromoted };

  void clear() { entries_.clear(); }
  size_t size() const { return entries_.size(); }
  // Back to what there was when size() was `entries`.
  void cut(size_t entries) { entries_.resize(entries); }
  // `original` is the name before it was made one of Prometheus': values of two attributes that share a name then are
  // joined by ";" in the order of their originals. Empty names and values are left out.
  void add(From from, std::string_view name, std::string_view value, std::string_view original = {});

  // The labels with the metric's name, and one more unless its name is empty; lives until the next call.
  model::LabelsView pack(std::string_view metric, std::string_view name = {}, std::string_view value = {});

 private:
  struct Entry {
    std::string_view name;
    std::string_view value;
    std::string_view original;
    From from;
  };
  std::vector<Entry> entries_;
  std::vector<Entry> sorted_;
  std::string joined_;
  std::string packed_;
};

}  // namespace clew::wire
