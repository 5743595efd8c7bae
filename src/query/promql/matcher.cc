#include "query/promql/matcher.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace clew::query::promql {
namespace {
constexpr int64_t kRegexMemoryMax = 8 << 20;
}

Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kRegexMemoryMax);
  auto regex = std::make_shared<const re2::RE2>("^(?s:" + std::string(pattern) + ")$", options);
  if (!regex->ok()) return Error(Code::kInvalid, fmt::format("error parsing regexp: {}", regex->error()));
  return std::shared_ptr<const re2::RE2>(std::move(regex));
}

Result<Matcher> Matcher::make(const contract::LabelMatcher& matcher) {
  Matcher made;
  made.of_ = matcher;
  if (matcher.op == contract::MatchOp::kRegex || matcher.op == contract::MatchOp::kNotRegex) {
    made.regex_ = CLEW_TRY(compile_regex(matcher.value));
  }
  return made;
}

bool Matcher::matches(std::string_view value) const {
  switch (of_.op) {
    case contract::MatchOp::kEqual: return value == of_.value;
    case contract::MatchOp::kNotEqual: return value != of_.value;
    case contract::MatchOp::kRegex: return re2::RE2::FullMatch({value.data(), value.size()}, *regex_);
    case contract::MatchOp::kNotRegex: return !re2::RE2::FullMatch({value.data(), value.size()}, *regex_);
  }
  return false;
}

}  // namespace clew::query::promql
