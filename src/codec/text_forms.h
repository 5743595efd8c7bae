// Texts that are something else: hex digits, UUIDs, IPv4 addresses. Each parser accepts exactly the texts that its
// printer gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace clew::codec {

// Lower-case hex digits, an even number, to text.size() / 2 bytes at `out`. False, with anything at `out`, for others.
bool parse_hex(std::string_view text, char* out);
// 2 * bytes characters.
void print_hex(const char* bytes, size_t count, char* out);

constexpr size_t kUuidChars = 36;
constexpr size_t kUuidBytes = 16;
// 8-4-4-4-12 lower-case hex digits.
bool parse_uuid(std::string_view text, char* out);
void print_uuid(const char* bytes, char* out);

constexpr size_t kIp4CharsMax = 15;
// Four decimal numbers up to 255 without leading zeros.
bool parse_ip4(std::string_view text, uint32_t& out);
// Gives the number of characters.
size_t print_ip4(uint32_t ip, char* out);

}  // namespace clew::codec
