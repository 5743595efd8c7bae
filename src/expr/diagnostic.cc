#include "expr/diagnostic.h"

#include <algorithm>
#include <vector>

namespace clew::expr {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

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

size_t edit_distance(std::string_view a, std::string_view b, size_t max) {
  size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > max) return max + 1;
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replace = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

}  // namespace clew::expr
