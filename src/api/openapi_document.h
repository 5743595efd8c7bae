// The text of openapi.json, written into the program by CMake.
#pragma once

#include <string_view>

namespace clew::api {

std::string_view openapi_document();

}  // namespace clew::api
