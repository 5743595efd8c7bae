#include "expr/diagnostic.h"

#include <algorithm>
#include <vector>

namespace clew::expr {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

LineColumn locate(std::string_view text, uint32_t offset) {
  LineColumn at;
  for (size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++at.line;
      at.column = 1;
    } else if ((static_cast<uint8_t>(text[i]) & 0xc0) != 0x80) {
      ++at.column;
    }
  }
  return at;
}

Error to_error(const Diagnostic& diagnostic) {
  Code code = Code::kInvalid;
  if (diagnostic.code == kUnsupportedOperation) code = Code::kUnsupported;
  if (diagnostic.code == kResourceLimitExceeded) code = Code::kTooLarge;
  std::string message =
      std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column) + ": " + diagnostic.message;
  if (!diagnostic.suggestion.empty()) message += "; " + diagnostic.suggestion;
  return Error(code, std::move(message));
}

// Letters changed, left out, put in, or swapped with their neighbour.
size_t edit_distance(std::string_view a, std::string_view b, size_t max) {
  size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > max) return max + 1;
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::vector<size_t> next(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      bool same = lower(a[i - 1]) == lower(b[j - 1]);
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (same ? 0 : 1)});
      bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

}  // namespace clew::expr
