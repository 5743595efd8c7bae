// Text for those who take UTF-8 only.
#pragma once

#include <string>

namespace clew::text {

// The text with each byte that is no UTF-8 as U+FFFD; the text itself where there is none.
std::string valid_utf8(std::string text);

}  // namespace clew::text
