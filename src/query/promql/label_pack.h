// Packed labels made without a builder: what is done once per series of a query.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"

namespace clew::query::promql {

inline bool is_metadata_label(std::string_view name) {
  return name == model::kMetricNameLabel || name == "__type__" || name == "__unit__";
}

// Which labels of a series say to which group, or to which partner, it belongs.
class LabelChoice {
 public:
  // Those named, or all but those (and then never the metric's name).
  LabelChoice(std::vector<std::string> names, bool only_these) : names_(std::move(names)), only_these_(only_these) {
    std::sort(names_.begin(), names_.end());
  }
  bool has(std::string_view name) const {
    bool named = std::binary_search(names_.begin(), names_.end(), name);
    return only_these_ ? named : !named && !is_metadata_label(name);
  }
  // Replaces `packed`.
  void pack(model::LabelsView labels, std::string& packed) const {
    packed.clear();
    for (model::Label label : labels) {
      if (has(label.name)) model::append_packed(label, packed);
    }
  }

 private:
  std::vector<std::string> names_;  // in order
  bool only_these_;
};

}  // namespace clew::query::promql
