#include "base/result.h"

namespace clew {

namespace {
constexpr size_t kQuotedBytesMax = 80;  // STYLE.md section 6
}

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kInvalid: return "invalid";
    case Code::kNotFound: return "not_found";
    case Code::kExists: return "exists";
    case Code::kTooLarge: return "too_large";
    case Code::kOverloaded: return "overloaded";
    case Code::kUnsupported: return "unsupported";
    case Code::kCorrupt: return "corrupt";
    case Code::kIo: return "io";
    case Code::kFull: return "full";
    case Code::kCancelled: return "cancelled";
    case Code::kDeadline: return "deadline";
    case Code::kLimit: return "limit";
    case Code::kForbidden: return "forbidden";
    case Code::kUnavailable: return "unavailable";
    case Code::kInternal: return "internal";
  }
  return "unknown";
}

std::string quoted(std::string_view value) {
  std::string out = "\"";
  out.append(value.substr(0, kQuotedBytesMax));
  if (value.size() > kQuotedBytesMax) out.append("...");
  out.push_back('"');
  return out;
}

}  // namespace clew
