// Names of metrics and labels for those who know only letters, digits, `_` and `:`.
//
// Source: https://prometheus.io/docs/instrumenting/escaping_schemes/
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clew::wire {

enum class NameEscaping : uint8_t {
  kAllowUtf8,    // as they are, quoted where they need it
  kUnderscores,  // any other character is `_`
  kDots,         // `.` is `_dot_`, `_` is `__`, any other `__`
  kValues,       // U__ and code points, `_2e_`: it can be undone
};

// What an Accept header asks for (`escaping=`); underscores where it asks for nothing.
NameEscaping name_escaping_of(std::string_view accept);
// As it stands in a Content-Type.
std::string_view name_escaping_text(NameEscaping escaping);
std::string escape_name(std::string_view name, NameEscaping escaping);

}  // namespace clew::wire
