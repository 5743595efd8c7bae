// What messages of one kind have in common: the text without its variables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clew::text {

constexpr size_t kShapeBytesMax = 512;  // of the text that is looked at; what follows seldom tells kinds apart
constexpr size_t kFramesMax = 5;
constexpr std::string_view kVariable = "<*>";

// The text with every variable as <*>: a run of letters, digits and `.:-_@+%` with a digit in it, and what stands in
// quotes. `user 17 of "shop" at 10.0.0.1:80` gives `user <*> of "<*>" at <*>`.
std::string message_shape(std::string_view message);

constexpr size_t kPatternBytesMax = 512;

// As message_shape, of the whole text, and of that the first kPatternBytesMax bytes (whole characters). What stands in
// a word with a digit does not matter, nor how long it is: of the text with `0` in place of any such word it is the
// same.
std::string message_pattern(std::string_view text);

// The frames nearest to the failure in a stack trace of Python, Java, JavaScript, .NET, Go or Ruby, without line
// numbers and addresses, nearest first, at most kFramesMax. Empty when the text is no stack trace.
std::vector<std::string> stack_frames(std::string_view stack);

}  // namespace clew::text
