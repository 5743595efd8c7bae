#include "query/answer.h"

#include <fmt/format.h>

namespace clew::query {

namespace {

struct KindText {
  std::string_view code;
  int status;
};

KindText kind_text(FailureKind kind) {
  switch (kind) {
    case FailureKind::kSyntax: return {"SYNTAX_ERROR", 400};
    case FailureKind::kFieldNotFound: return {"FIELD_NOT_FOUND", 400};
    case FailureKind::kSemantic: return {"SEMANTIC_ERROR", 400};
    case FailureKind::kType: return {"TYPE_ERROR", 400};
    case FailureKind::kUnsupported: return {"UNSUPPORTED_OPERATION", 400};
    case FailureKind::kDatasetNotFound: return {"INDEX_NOT_FOUND", 404};
    case FailureKind::kForbidden: return {"PERMISSION_DENIED", 403};
    case FailureKind::kEvaluation: return {"EVALUATION_ERROR", 400};
    case FailureKind::kResourceLimit: return {"RESOURCE_LIMIT_EXCEEDED", 400};
    case FailureKind::kCancelled: return {"EXECUTION_ERROR", 499};
    case FailureKind::kInternal: return {"EXECUTION_ERROR", 500};
  }
  return {"UNKNOWN", 500};
}

}  // namespace

std::string_view failure_code(FailureKind kind) { return kind_text(kind).code; }
int failure_status(FailureKind kind) { return kind_text(kind).status; }

std::string Exactness::text() const {
  switch (kind) {
    case Kind::kExact: return "exact";
    case Kind::kCut:
      if (damaged_rows != 0) return fmt::format("cut; limit={}; value={}; damaged={}", limit, value, damaged_rows);
      return fmt::format("cut; limit={}; value={}", limit, value);
    case Kind::kDamaged: break;
  }
  return fmt::format("damaged; rows={}", damaged_rows);
}

}  // namespace clew::query
