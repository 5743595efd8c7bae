// Rules that change labels, as Prometheus' relabel_config has them.
//
// Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scrape/label_set.h"

namespace re2 {
class RE2;
}

namespace clew::scrape {

enum class RelabelAction : uint8_t {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};
std::optional<RelabelAction> relabel_action_of(std::string_view name);

struct RelabelOptions {
  std::vector<std::string> source_labels{};
  std::string separator = ";";
  std::string target_label{};
  std::string regex = "(.*)";
  uint64_t modulus = 0;
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::kReplace;
  friend bool operator==(const RelabelOptions&, const RelabelOptions&) = default;
};

// Threads: any number; it does not change.
class RelabelRule {
 public:
  // Errors: kInvalid for a regular expression that is none and for what an action lacks.
  static Result<RelabelRule> make(RelabelOptions options);

  // False when what has these labels is to be dropped.
  bool apply(LabelSet& labels) const;
  const RelabelOptions& options() const { return options_; }
  friend bool operator==(const RelabelRule& a, const RelabelRule& b) { return a.options_ == b.options_; }

 private:
  RelabelRule(RelabelOptions options, std::shared_ptr<const re2::RE2> regex)
      : options_(std::move(options)), regex_(std::move(regex)) {}
  std::string joined(const LabelSet& labels) const;
  void replace(LabelSet& labels, const std::string& value) const;
  void map_names(LabelSet& labels) const;

  RelabelOptions options_;
  std::shared_ptr<const re2::RE2> regex_;  // of the whole text
};

// One rule after the other; false as soon as one drops.
bool relabel(const std::vector<RelabelRule>& rules, LabelSet& labels);

}  // namespace clew::scrape
