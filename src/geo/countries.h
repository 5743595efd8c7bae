// What a country's code says without any database: its name and its continent.
#pragma once

#include <span>
#include <string_view>

namespace clew::geo {

struct Country {
  std::string_view iso_code;   // two capitals, ISO 3166-1
  std::string_view name;       // English
  std::string_view continent;  // AF AN AS EU NA OC SA
};

// Null when there is no such country. `iso_code` in capitals.
const Country* find_country(std::string_view iso_code);
// English; empty for a code that is none.
std::string_view continent_name(std::string_view code);
// All of them, rising by code.
std::span<const Country> countries();

}  // namespace clew::geo
