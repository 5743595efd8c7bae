// Writes MMDB files, and the two that tests of geoip() ask.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "geo/address.h"
#include "geo/sources.h"

namespace clew::geo::testing {

// Values as the format's data section holds them.
inline std::string big_endian(uint64_t value, size_t bytes) {
  std::string out;
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
  return out;
}
inline std::string control(int type, size_t size) {
  CHECK(size < 285);
  size_t shown = size < 29 ? size : 29;
  std::string out;
  out += static_cast<char>(((type <= 7 ? type : 0) << 5) | static_cast<int>(shown));
  if (type > 7) out += static_cast<char>(type - 7);
  if (shown == 29) out += static_cast<char>(size - 29);
  return out;
}
inline std::string text(std::string_view value) { return control(2, value.size()) + std::string(value); }
inline std::string number(double value) { return control(3, 8) + big_endian(std::bit_cast<uint64_t>(value), 8); }
inline std::string real(float value) { return control(15, 4) + big_endian(std::bit_cast<uint32_t>(value), 4); }
inline std::string u16(uint16_t value) { return control(5, 2) + big_endian(value, 2); }
inline std::string u32(uint32_t value) { return control(6, 4) + big_endian(value, 4); }
inline std::string u64(uint64_t value) { return control(9, 8) + big_endian(value, 8); }
inline std::string map(std::initializer_list<std::pair<std::string_view, std::string>> members) {
  std::string out = control(7, members.size());
  for (const auto& [key, value] : members) out += text(key) + value;
  return out;
}
inline std::string list(std::initializer_list<std::string> items) {
  std::string out = control(11, items.size());
  for (const std::string& item : items) out += item;
  return out;
}

// A tree for both kinds of addresses. Networks do not overlap.
class DatabaseWriter {
 public:
  void add(std::string_view network, unsigned bits, const std::string& value) {
    Address address = *parse_address(network);
    std::array<uint8_t, 16> key{};
    for (size_t i = 0; i < 16; ++i) {
      if (!address.v4) {
        key[i] = address.bytes[i];
      } else if (i >= 12) {
        key[i] = address.bytes[i - 12];
      }
    }
    size_t node = 0;
    unsigned all = address.v4 ? 96 + bits : bits;
    for (unsigned bit = 0;; ++bit) {
      size_t side = (key[bit / 8] >> (7 - bit % 8)) & 1;
      int64_t& next = nodes_[node][side];
      if (bit + 1 == all) {
        CHECK(next == kEmpty);
        next = -static_cast<int64_t>(data_.size()) - 2;
        break;
      }
      CHECK(next >= 0 || next == kEmpty);
      if (next == kEmpty) {
        next = static_cast<int64_t>(nodes_.size());
        nodes_.push_back({kEmpty, kEmpty});
        node = nodes_.size() - 1;
      } else {
        node = static_cast<size_t>(next);
      }
    }
    data_ += value;
  }

  std::string bytes(std::string_view type) const {
    std::string out;
    size_t count = nodes_.size();
    for (const auto& sides : nodes_) {
      for (int64_t side : sides) {
        uint64_t record = side == kEmpty  ? count
                          : side < kEmpty ? count + 16 + static_cast<uint64_t>(-side - 2)
                                          : static_cast<uint64_t>(side);
        out += big_endian(record, 3);
      }
    }
    out += std::string(16, '\0') + data_ + "\xab\xcd\xefMaxMind.com";
    return out + map({{"node_count", u32(static_cast<uint32_t>(count))},
                      {"record_size", u16(24)},
                      {"ip_version", u16(6)},
                      {"database_type", text(type)},
                      {"languages", list({text("en")})},
                      {"binary_format_major_version", u16(2)},
                      {"binary_format_minor_version", u16(0)},
                      {"build_epoch", u64(1'772'000'000)},
                      {"description", map({{"en", text("a test")}})}});
  }

 private:
  static constexpr int64_t kEmpty = -1;  // below it: -2 - offset of the value
  std::vector<std::array<int64_t, 2>> nodes_{{kEmpty, kEmpty}};
  std::string data_;
};

// The flat schema, as the country database that comes with clew has it.
inline std::string country_database() {
  DatabaseWriter out;
  auto country = [](std::string_view code) { return map({{"country_code", text(code)}}); };
  out.add("81.2.69.0", 24, country("GB"));
  out.add("89.160.20.0", 24, country("SE"));
  out.add("8.8.8.0", 24, country("US"));
  out.add("192.168.0.0", 16, country("AU"));  // such files are wrong about private addresses now and then
  out.add("2001:4860::", 32, country("US"));
  return out.bytes("country ipvAll");
}

// MaxMind's schema.
inline std::string city_database() {
  DatabaseWriter out;
  auto named = [](std::string_view name) { return map({{"en", text(name)}}); };
  out.add(
      "81.2.69.0", 24,
      map({{"city", map({{"names", named("London")}})},
           {"continent", map({{"code", text("EU")}, {"names", named("Europe")}})},
           {"country", map({{"iso_code", text("GB")}, {"names", named("United Kingdom")}})},
           {"location",
            map({{"latitude", number(51.5142)}, {"longitude", number(-0.0931)}, {"time_zone", text("Europe/London")}})},
           {"postal", map({{"code", text("EC1")}})},
           {"subdivisions", list({map({{"iso_code", text("ENG")}, {"names", named("England")}})})}}));
  out.add("8.8.8.0", 24, map({{"country", map({{"iso_code", text("US")}, {"names", named("United States")}})}}));
  out.add("10.1.0.0", 16, map({{"city", map({{"names", named("Office")}})}}));  // an own network
  return out.bytes("GeoIP2-City");
}

// `country` and `city` of above, kept on `disk`.
inline std::unique_ptr<Sources> test_sources(os::Disk& disk) {
  for (const auto& [path, bytes] : {std::pair{"/country.mmdb", country_database()}, {"/city.mmdb", city_database()}}) {
    auto file = disk.open(path, os::OpenMode::kReplace);
    CHECK(file.ok());
    CHECK((*file)->write_at(0, bytes).ok());
  }
  auto sources = std::make_unique<Sources>(disk);
  CHECK(sources->set({.bundled = "/country.mmdb", .named = {{"city", "/city.mmdb"}}}).ok());
  return sources;
}

}  // namespace clew::geo::testing
