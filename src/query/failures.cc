#include "query/failures.h"

#include <fmt/format.h>

#include "query/engine.h"

namespace clew::query {
namespace {

FailureKind kind_of_code(std::string_view code) {
  if (code == expr::kSyntaxError) return FailureKind::kSyntax;
  if (code == expr::kFieldNotFound) return FailureKind::kFieldNotFound;
  if (code == expr::kTypeError) return FailureKind::kType;
  if (code == expr::kEvaluationError) return FailureKind::kEvaluation;
  if (code == expr::kUnsupportedOperation) return FailureKind::kUnsupported;
  if (code == expr::kResourceLimitExceeded) return FailureKind::kResourceLimit;
  if (code == ppl::kDatasetNotFoundCode) return FailureKind::kDatasetNotFound;
  return FailureKind::kSemantic;
}

Failure failure_at(std::string_view text, FailureKind kind, std::string reason, const expr::SourceSpan* span,
                   const std::string& suggestion) {
  Failure out;
  out.kind = kind;
  out.reason = std::move(reason);
  if (span != nullptr) {
    expr::LineColumn at = expr::locate(text, span->begin);
    out.line = at.line;
    out.column = at.column;
    out.length = span->end > span->begin ? span->end - span->begin : 0;
  }
  if (!suggestion.empty()) out.suggestions.push_back(suggestion);
  return out;
}

}  // namespace

Failure syntax_failure(std::string_view text, const expr::TokenStream& tokens, const Error& error) {
  const expr::Diagnostic& d = tokens.diagnostic();
  if (d.code.empty()) return failure_at(text, FailureKind::kSyntax, error.message(), nullptr, "");
  return failure_at(text, kind_of_code(d.code), d.message, &d.span, d.suggestion);
}

Failure plan_failure(std::string_view text, const ppl::Context& context, const Error& error) {
  if (!context.fault()) {
    FailureKind kind = error.code() == Code::kForbidden ? FailureKind::kForbidden : FailureKind::kInternal;
    return failure_at(text, kind, error.message(), nullptr, "");
  }
  const ppl::Fault& fault = *context.fault();
  return failure_at(text, kind_of_code(fault.code), fault.message, fault.placed ? &fault.span : nullptr,
                    fault.suggestion);
}

Failure run_failure(const Error& error) {
  Failure out;
  out.reason = error.message();
  switch (error.code()) {
    case Code::kCancelled: out.kind = FailureKind::kCancelled; break;
    case Code::kDeadline:
      out.kind = FailureKind::kResourceLimit;
      out.suggestions.push_back("ask for a shorter time range (earliest=-1h), or filter before the aggregation");
      break;
    case Code::kLimit:
      out.kind = FailureKind::kResourceLimit;
      out.suggestions.push_back(
          "group by fewer or coarser fields, filter first, or ask for a shorter time range (earliest=-1h)");
      break;
    case Code::kInvalid: out.kind = FailureKind::kEvaluation; break;
    case Code::kForbidden: out.kind = FailureKind::kForbidden; break;
    default: out.kind = FailureKind::kInternal;
  }
  return out;
}

Failure too_long_failure() {
  Failure out;
  out.kind = FailureKind::kSyntax;
  out.reason = fmt::format("the query is longer than {} bytes", kQueryTextBytesMax);
  return out;
}

}  // namespace clew::query
