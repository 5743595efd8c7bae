// What is known of where an address is, under the names that OpenSearch's geoip() and ip2geo processor use.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace clew::geo {

enum class Property : uint8_t {
  kCountryIsoCode,
  kCountryName,
  kContinentCode,
  kContinentName,
  kRegionIsoCode,  // "GB-ENG"
  kRegionName,
  kCityName,
  kPostalCode,
  kTimeZone,
  kLocation,  // "latitude,longitude"
};
constexpr size_t kPropertyCount = 10;
constexpr size_t kCountryPropertyCount = 4;  // the first ones; every database has them

constexpr std::array<std::string_view, kPropertyCount> kPropertyNames = {
    "country_iso_code", "country_name", "continent_code", "continent_name", "region_iso_code",
    "region_name",      "city_name",    "postal_code",    "time_zone",      "location"};

constexpr std::optional<Property> find_property(std::string_view name) {
  for (size_t i = 0; i < kPropertyCount; ++i) {
    if (kPropertyNames[i] == name) return static_cast<Property>(i);
  }
  return std::nullopt;
}

// Empty texts are unknown.
struct Place {
  std::array<std::string, kPropertyCount> texts;

  std::string& at(Property property) { return texts[static_cast<size_t>(property)]; }
  const std::string& at(Property property) const { return texts[static_cast<size_t>(property)]; }
};

}  // namespace clew::geo
