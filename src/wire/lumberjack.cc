#include "wire/lumberjack.h"

#include "model/json_text.h"

namespace clew::wire {
namespace {

constexpr size_t kWordBytes = 4;

// Big endian. Requires: four bytes at `at`.
uint32_t word(std::string_view bytes, size_t at) {
  uint32_t v = 0;
  for (size_t i = 0; i < kWordBytes; ++i) v = v << 8 | static_cast<uint8_t>(bytes[at + i]);
  return v;
}

// The bytes of `pairs` keys and values, each with its length before; 0 when they have not all come.
Result<size_t> pairs_bytes(std::string_view bytes, uint64_t pairs, size_t bytes_max) {
  size_t at = 0;
  for (uint64_t i = 0; i < 2 * pairs; ++i) {
    if (bytes.size() - at < kWordBytes) return size_t{0};
    uint32_t length = word(bytes, at);
    if (length > bytes_max || at > bytes_max) return Error(Code::kTooLarge, "an event over the limit");
    at += kWordBytes;
    if (bytes.size() - at < length) return size_t{0};
    at += length;
  }
  return at;
}

}  // namespace

Result<std::optional<LumberjackFrame>> read_lumberjack_frame(std::string_view bytes, size_t bytes_max) {
  using Kind = LumberjackFrame::Kind;
  using Maybe = std::optional<LumberjackFrame>;
  constexpr size_t kShortHead = 2 + kWordBytes;
  constexpr size_t kLongHead = 2 + 2 * kWordBytes;
  if (bytes.size() < 2) return Maybe();
  if (bytes[0] != '2' && bytes[0] != '1')
    return Error(Code::kInvalid, "no lumberjack frame: " + quoted(bytes.substr(0, 2)));
  char type = bytes[1];
  if (type != 'W' && type != 'J' && type != 'C' && type != 'D') {
    return Error(Code::kInvalid, "no lumberjack frame: " + quoted(bytes.substr(0, 2)));
  }
  bool is_long = type == 'J' || type == 'D';
  if (bytes.size() < (is_long ? kLongHead : kShortHead)) return Maybe();
  LumberjackFrame frame;
  frame.number = word(bytes, 2);
  if (type == 'W') {
    frame.bytes = kShortHead;
    return Maybe(frame);
  }
  frame.kind = type == 'J' ? Kind::kJson : type == 'D' ? Kind::kData : Kind::kCompressed;
  if (type == 'D') {
    size_t pairs = word(bytes, 2 + kWordBytes);
    if (pairs == 0) {
      frame.bytes = kLongHead;
      return Maybe(frame);
    }
    size_t length = CLEW_TRY(pairs_bytes(bytes.substr(kLongHead), pairs, bytes_max));
    if (length == 0) return Maybe();
    frame.payload = bytes.substr(kLongHead, length);
    frame.bytes = kLongHead + length;
    return Maybe(frame);
  }
  size_t head = is_long ? kLongHead : kShortHead;
  uint32_t length = word(bytes, head - kWordBytes);
  if (length > bytes_max) return Error(Code::kTooLarge, "a frame of " + std::to_string(length) + " bytes");
  if (bytes.size() - head < length) return Maybe();
  frame.payload = bytes.substr(head, length);
  frame.bytes = head + length;
  return Maybe(frame);
}

void append_lumberjack_pairs(std::string_view payload, std::string& out) {
  out.push_back('{');
  bool key = true;
  for (size_t at = 0; payload.size() - at >= kWordBytes; key = !key) {
    uint32_t length = word(payload, at);
    at += kWordBytes;
    if (key && at > kWordBytes) out.push_back(',');
    model::append_json_string(payload.substr(at, length), out);
    if (key) out.push_back(':');
    at += length;
  }
  out.push_back('}');
}

std::string lumberjack_acknowledgement(uint32_t number) {
  std::string out("2A");
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift & 0xff));
  return out;
}

}  // namespace clew::wire
