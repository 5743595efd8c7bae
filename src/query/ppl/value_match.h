// Comparison of stored values with what a search says: `field=value`, `field>value` (docs/PPL.md section 0).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/vector.h"
#include "query/ppl/search.h"
#include "text/words.h"

namespace clew::query::ppl {

// One literal made ready.
//
// Threads: any.
class ValueMatch {
 public:
  // `level`: the field's values are severities.
  ValueMatch(SearchNode::Op op, std::string literal, bool level, int64_t now);

  // Keeps those positions i of 0..rows-1 whose value matches. kNe: the value is there and does not equal.
  void matching(const model::Vector& vector, uint32_t rows, std::vector<uint32_t>& positions) const;

 private:
  bool matches(const model::Vector& vector, uint32_t at) const;  // of a flat entry that is not null
  bool matches_value(const model::Value& value) const;
  bool matches_text(std::string_view text) const;
  bool matches_number(double number, std::optional<int64_t> exact) const;
  bool equals_text(std::string_view text) const;
  bool words_match(std::string_view text) const;
  bool by_order(int c) const;  // c: the stored value compared with the literal

  SearchNode::Op op_;
  std::string literal_;
  bool level_;
  int level_rank_ = 0;
  bool anything_ = false;  // `*`
  bool wildcards_ = false;
  std::optional<int64_t> integer_;
  std::optional<double> number_;
  std::optional<int64_t> time_;
  std::string ip_low_;  // bounds in 16 bytes when the literal is an address or a network
  std::string ip_high_;
  std::vector<std::string> words_;  // folded, wildcards kept
};

// Sixteen bytes, IPv4 mapped; empty when it is no address.
std::string ip_key(std::string_view text);

}  // namespace clew::query::ppl
