// Python's own spellings, as far as logging sends them: repr() of plain values, and %-formatting.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clew::wire {

// A plain Python value out of its repr().
struct PythonValue {
  enum class Type : uint8_t { kNone, kBool, kNumber, kText };
  Type type = Type::kNone;
  std::string text;  // of a text unescaped, else as it stands

  // str(value).
  const std::string& str() const { return text; }
  // As JSON; numbers that JSON does not have become texts.
  void append_json(std::string& out) const;
};

// The elements of the repr() of a tuple of plain values: "('a', 1)"; nothing for anything else.
std::optional<std::vector<PythonValue>> parse_python_tuple(std::string_view repr);

// `format` % `args`: %s %r %a %d %i %u %x %X %o %c %e %E %f %F %g %G and %%, with flags, width and precision. Nothing
// when the format or an argument is not like that, or there are too many or too few.
std::optional<std::string> python_format(std::string_view format, const std::vector<PythonValue>& args);

}  // namespace clew::wire
