#include "api/cursor.h"

#include <array>
#include <cstring>

#include "base/hash.h"

namespace clew::api {
namespace {

// A version, ten numbers of 8 bytes, and a checksum of what is before it.
constexpr uint64_t kVersion = 1;
constexpr size_t kNumbers = 10;
constexpr size_t kBytes = kNumbers * 8 + 4;
constexpr size_t kTextBytes = kBytes / 3 * 4;
static_assert(kBytes % 3 == 0, "no padding");
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint64_t kHasPlace = 1u << 8;  // beside the version

using Numbers = std::array<uint64_t, kNumbers>;
using Packed = std::array<uint8_t, kBytes>;

Packed pack(const Numbers& numbers) {
  Packed out{};
  for (size_t i = 0; i < kNumbers; ++i) {
    for (size_t byte = 0; byte < 8; ++byte) out[i * 8 + byte] = static_cast<uint8_t>(numbers[i] >> (8 * byte));
  }
  uint32_t crc = base::crc32c({reinterpret_cast<const char*>(out.data()), kNumbers * 8});
  for (size_t byte = 0; byte < 4; ++byte) out[kNumbers * 8 + byte] = static_cast<uint8_t>(crc >> (8 * byte));
  return out;
}

Numbers unpack(const Packed& bytes) {
  Numbers out{};
  for (size_t i = 0; i < kNumbers; ++i) {
    for (size_t byte = 0; byte < 8; ++byte) out[i] |= uint64_t{bytes[i * 8 + byte]} << (8 * byte);
  }
  return out;
}

std::string to_text(const Packed& bytes) {
  std::string out;
  out.reserve(kTextBytes);
  for (size_t i = 0; i < kBytes; i += 3) {
    uint32_t three = uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) out += kDigits[three >> shift & 63];
  }
  return out;
}

bool to_bytes(std::string_view text, Packed& out) {
  if (text.size() != kTextBytes) return false;
  for (size_t i = 0; i < kBytes; i += 3) {
    uint32_t three = 0;
    for (char c : text.substr(i / 3 * 4, 4)) {
      size_t digit = kDigits.find(c);
      if (digit == std::string_view::npos) return false;
      three = three << 6 | static_cast<uint32_t>(digit);
    }
    out[i] = static_cast<uint8_t>(three >> 16);
    out[i + 1] = static_cast<uint8_t>(three >> 8);
    out[i + 2] = static_cast<uint8_t>(three);
  }
  return true;
}

}  // namespace

std::string Cursor::text() const {
  query::Place place = page.after.value_or(query::Place{});
  Numbers numbers = {kVersion | (page.after ? kHasPlace : 0),
                     question,
                     columns,
                     static_cast<uint64_t>(range.from),
                     static_cast<uint64_t>(range.to),
                     static_cast<uint64_t>(page.now_nanos),
                     page.up_to,
                     static_cast<uint64_t>(place.time),
                     place.seq,
                     page.rows_before};
  return to_text(pack(numbers));
}

Result<Cursor> Cursor::parse(std::string_view text, uint64_t question) {
  Packed bytes{};
  if (!to_bytes(text, bytes) || pack(unpack(bytes)) != bytes) {
    return Error(Code::kInvalid,
                 "cursor: " + clew::quoted(text) +
                     " is none: give it back as the answer gave it, every letter, or leave it out to begin anew");
  }
  Numbers numbers = unpack(bytes);
  if ((numbers[0] & ~kHasPlace) != kVersion) {
    return Error(Code::kInvalid, "cursor: it is of another version of clew: leave it out to begin anew");
  }
  if (numbers[1] != question) {
    return Error(Code::kInvalid,
                 "cursor: it continues another question: ask with the query, from, to, since, order and raw that the "
                 "answer it came with was asked with");
  }
  Cursor out;
  out.question = numbers[1];
  out.columns = numbers[2];
  out.range = {static_cast<int64_t>(numbers[3]), static_cast<int64_t>(numbers[4])};
  out.page.now_nanos = static_cast<int64_t>(numbers[5]);
  out.page.up_to = numbers[6];
  if ((numbers[0] & kHasPlace) != 0) out.page.after = query::Place{static_cast<int64_t>(numbers[7]), numbers[8]};
  out.page.rows_before = numbers[9];
  return out;
}

}  // namespace clew::api
