// The lines in which container runtimes keep what a program wrote: when, on which of its outputs, and the line itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::collect {

enum class Wrapping : uint8_t {
  kNone,
  kDocker,  // {"log":"text\n","stream":"stdout","time":"2026-11-30T10:00:00.123456789Z"}: Docker's json-file driver
  kCri,     // 2026-11-30T10:00:00.123456789Z stdout F text: the Kubernetes CRI logging format of containerd and CRI-O
};

struct WrappedLine {
  std::string_view text;  // without its newline; may point into the buffer
  std::string_view stream;
  int64_t unix_nanos = 0;
  bool partial = false;  // more of the line follows
};

// Nothing when the line is not of the wrapping. `buffer` holds the text where it had to be unescaped.
std::optional<WrappedLine> unwrap_line(Wrapping wrapping, std::string_view line, std::string& buffer);

// What wraps the lines of a file that begins so.
Wrapping wrapping_of(std::string_view begin);

}  // namespace clew::collect
