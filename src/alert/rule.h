// Rules as a file has them: recording rules and alerting rules in groups (Prometheus' rule-file format).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert/options.h"
#include "query/promql/parse.h"
#include "yaml/tree.h"

namespace clew::alert {

enum class RuleKind : uint8_t { kRecord, kAlert };

struct Rule {
  RuleKind kind = RuleKind::kRecord;
  std::string name;  // of the metric, or of the alert
  std::string expr;  // as it stands in the file, without blanks around
  int64_t for_millis = 0;
  int64_t keep_firing_millis = 0;
  NamedTexts labels;       // those of the group among them; of an alert their values are templates
  NamedTexts annotations;  // templates
  uint32_t line = 0;       // of the rule in its file, from 1

  // All but the place in the file.
  bool same_as(const Rule& other) const;
};

struct RuleGroup {
  std::string file;
  std::string name;
  std::optional<int64_t> interval_millis;      // without: that of all groups
  std::optional<int64_t> query_offset_millis;  // how far before its time a rule asks; without: that of all groups
  uint64_t limit = 0;                          // most series or alerts of one rule; 0: no limit
  std::vector<Rule> rules;                     // run one behind the other
  uint32_t line = 0;

  bool same_as(const RuleGroup& other) const;
};

// How the expressions of rules are read: the same way as those of the query API.
query::promql::ParseOptions rule_parse_options();

struct RuleFileOptions {
  bool ignore_unknown = false;  // keys that no rule has are passed over
};

constexpr size_t kRuleFileBytesMax = 16u << 20;

// Reads a file of rules. What is wrong goes to `mistakes`, by line and with what is right; then the groups are not to
// be used.
std::vector<RuleGroup> read_rules(const std::string& text, const std::string& file, const RuleFileOptions& options,
                                  yaml::Mistakes& mistakes);

}  // namespace clew::alert
