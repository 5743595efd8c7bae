#include "wire/intake.h"

namespace clew::wire {

std::string_view reason_name(Reason reason) {
  switch (reason) {
    case Reason::kSyntax: return "syntax";
    case Reason::kNotAnObject: return "not_an_object";
    case Reason::kTooLarge: return "too_large";
    case Reason::kUnsupported: return "unsupported";
    case Reason::kBadName: return "bad_name";
  }
  return "syntax";
}

void Events::reject(Rejection rejection) {
  ++rejected;
  ++rejected_by_reason[static_cast<size_t>(rejection.reason)];
  if (rejections.size() < kRejectionsMax) rejections.push_back(std::move(rejection));
}

}  // namespace clew::wire
