// Hashes of contents.
#pragma once

#include <string>
#include <string_view>

namespace clew::pipeline {

std::string sha256_hex(std::string_view bytes);

}  // namespace clew::pipeline
