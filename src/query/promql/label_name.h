// Which names labels may have.
#pragma once

#include <string_view>

namespace clew::query::promql {

// UTF-8, not empty.
inline bool is_utf8_label_name(std::string_view name) {
  for (size_t i = 0; i < name.size();) {
    auto byte = static_cast<unsigned char>(name[i]);
    size_t length = byte < 0x80 ? 1 : byte >= 0xF5 ? 0 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0;
    if (length == 0 || i + length > name.size()) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(name[i + k]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return !name.empty();
}

}  // namespace clew::query::promql
