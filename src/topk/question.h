// What is asked for: "10 by endpoint where status >= 500 last 5m".
//
//   [K] [WEIGHT] by FIELD, ... [of METRIC] [in DATASET, ...] [where CONDITION] [last DURATION]
//
// WEIGHT is count (which need not be said) or sum(FIELD); CONDITION is PPL's, up to the end or `last`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clew::topk {

constexpr uint64_t kRowsMax = 10'000;
constexpr size_t kFieldsMax = 10;
constexpr size_t kDatasetsMax = 100;
constexpr size_t kQuestionBytesMax = 16u << 10;
constexpr int64_t kLastDefaultNanos = 3'600'000'000'000;

struct Question {
  uint64_t rows = 10;
  std::string weight;                 // a field whose values are added up; empty: events are counted
  std::vector<std::string> by;        // one at least
  std::string metric;                 // a PromQL selector; empty: events
  std::vector<std::string> datasets;  // empty: all
  std::string where;                  // empty: every event
  int64_t last_nanos = 0;             // 0: not said
  // "count()" or "sum(bytes)".
  std::string weight_text() const { return weight.empty() ? "count()" : "sum(" + weight + ")"; }
};

// Errors: kInvalid, naming the word; kTooLarge.
Result<Question> parse_question(std::string_view text);
// What a parsed question, or one put together, has to keep to. Errors: the same.
Status check_question(const Question& question);

// Texts of several fields as one key, and back.
constexpr char kPartEnd = '\x1f';  // between the texts
std::string join_key(const std::vector<std::string>& parts);
std::vector<std::string> key_parts(std::string_view key);

}  // namespace clew::topk
