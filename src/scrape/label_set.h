// Labels while they are being changed.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/labels.h"

namespace clew::scrape {

// Threads: one.
class LabelSet {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  LabelSet() = default;
  explicit LabelSet(Pairs pairs) {
    for (auto& [name, value] : pairs) set(name, std::move(value));
  }

  // Empty when there is none.
  std::string_view get(std::string_view name) const {
    for (const auto& [label, value] : pairs_) {
      if (label == name) return value;
    }
    return {};
  }
  bool has(std::string_view name) const { return !get(name).empty(); }
  // An empty value takes the label away.
  void set(std::string_view name, std::string value) {
    auto at = std::find_if(pairs_.begin(), pairs_.end(), [&](const auto& label) { return label.first == name; });
    if (at == pairs_.end()) {
      if (!value.empty()) pairs_.emplace_back(std::string(name), std::move(value));
    } else if (value.empty()) {
      pairs_.erase(at);
    } else {
      at->second = std::move(value);
    }
  }
  void set_if_absent(std::string_view name, std::string value) {
    if (!has(name)) set(name, std::move(value));
  }
  template <class Test>
  void remove_if(Test test) {
    std::erase_if(pairs_, [&](const auto& label) { return test(label.first); });
  }
  const Pairs& pairs() const { return pairs_; }
  model::Labels build() const { return model::Labels::of(pairs_); }

 private:
  Pairs pairs_;  // in the order of their coming, each name once, none empty
};

}  // namespace clew::scrape
