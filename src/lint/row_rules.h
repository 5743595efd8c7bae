// The rules that look at what the parser found in events.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lint/lint.h"
#include "model/batch.h"

namespace clew::lint {

using RuleBits = uint32_t;
constexpr RuleBits bit(Rule rule) { return RuleBits{1} << static_cast<uint32_t>(rule); }

struct RowFindings {
  RuleBits broken = 0;
  // What a person reads; empty where the event has no such text, as a line of an access log. Views into the batch.
  std::string_view message;
  std::string_view service;
};

// Of each row of the batch. Requires: the batch was filled by a process::LineParser that flags lines of another format.
std::vector<RowFindings> check_rows(const model::Batch& batch);

}  // namespace clew::lint
