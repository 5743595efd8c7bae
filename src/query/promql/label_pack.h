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

// Appends a label; to be called in the order of names.
inline void append_label(std::string& packed, model::Label label) {
  for (std::string_view text : {label.name, label.value}) {
    auto length = static_cast<uint16_t>(text.size());
    packed.append(reinterpret_cast<const char*>(&length), 2);
    packed.append(text);
  }
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
      if (has(label.name)) append_label(packed, label);
    }
  }

 private:
  std::vector<std::string> names_;  // in order
  bool only_these_;
};

}  // namespace clew::query::promql
