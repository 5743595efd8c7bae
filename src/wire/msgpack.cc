#include "wire/msgpack.h"

namespace clew::wire {

using Type = MsgpackReader::Type;

Type MsgpackReader::type() const {
  if (at_ == end_) return Type::kNone;
  uint8_t b = static_cast<uint8_t>(*at_);
  if (b < 0x80 || b >= 0xe0) return Type::kInt;
  if (b < 0x90) return Type::kMap;
  if (b < 0xa0) return Type::kArray;
  if (b < 0xc0) return Type::kText;
  switch (b) {
    case 0xc0: return Type::kNil;
    case 0xc2:
    case 0xc3: return Type::kBool;
    case 0xc4:
    case 0xc5:
    case 0xc6: return Type::kBytes;
    case 0xca:
    case 0xcb: return Type::kFloat;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: return Type::kUint;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: return Type::kInt;
    case 0xd9:
    case 0xda:
    case 0xdb: return Type::kText;
    case 0xdc:
    case 0xdd: return Type::kArray;
    case 0xde:
    case 0xdf: return Type::kMap;
    default: return Type::kOther;
  }
}

uint8_t MsgpackReader::lead() {
  if (at_ == end_) {
    fail();
    return 0xc0;
  }
  return static_cast<uint8_t>(*at_++);
}

uint64_t MsgpackReader::big_endian(size_t bytes) {
  if (static_cast<size_t>(end_ - at_) < bytes) {
    fail();
    return 0;
  }
  uint64_t v = 0;
  for (size_t i = 0; i < bytes; ++i) v = v << 8 | static_cast<uint8_t>(*at_++);
  return v;
}

std::string_view MsgpackReader::take(uint64_t bytes) {
  if (static_cast<uint64_t>(end_ - at_) < bytes) {
    fail();
    return {};
  }
  std::string_view out(at_, bytes);
  at_ += bytes;
  return out;
}

uint32_t MsgpackReader::checked_count(uint64_t count, uint64_t bytes_each) {
  if (count * bytes_each > static_cast<uint64_t>(end_ - at_)) {
    fail();
    return 0;
  }
  return static_cast<uint32_t>(count);
}

uint32_t MsgpackReader::array() {
  if (type() != Type::kArray) {
    skip();
    return 0;
  }
  uint8_t b = lead();
  uint64_t count = b < 0xa0 ? b & 0x0fu : big_endian(b == 0xdc ? 2 : 4);
  return checked_count(count, 1);
}

uint32_t MsgpackReader::map() {
  if (type() != Type::kMap) {
    skip();
    return 0;
  }
  uint8_t b = lead();
  uint64_t count = b < 0x90 ? b & 0x0fu : big_endian(b == 0xde ? 2 : 4);
  return checked_count(count, 2);
}

std::string_view MsgpackReader::text() {
  Type t = type();
  if (t != Type::kText && t != Type::kBytes) {
    skip();
    return {};
  }
  uint8_t b = lead();
  if (b < 0xc0) return take(b & 0x1fu);
  size_t width = b == 0xc4 || b == 0xd9 ? 1 : b == 0xc5 || b == 0xda ? 2 : 4;
  return take(big_endian(width));
}

int64_t MsgpackReader::integer() {
  Type t = type();
  if (t == Type::kFloat) {
    double v = real();
    return v > -9.2e18 && v < 9.2e18 ? static_cast<int64_t>(v) : 0;
  }
  if (t != Type::kInt && t != Type::kUint) {
    skip();
    return 0;
  }
  uint8_t b = lead();
  if (b < 0x80) return b;
  if (b >= 0xe0) return static_cast<int8_t>(b);
  size_t width = size_t{1} << (b & 3u);
  uint64_t v = big_endian(width);
  if (t == Type::kUint || width == 8) return static_cast<int64_t>(v);
  uint64_t sign = uint64_t{1} << (8 * width - 1);
  return static_cast<int64_t>((v ^ sign) - sign);
}

double MsgpackReader::real() {
  Type t = type();
  if (t != Type::kFloat)
    return t == Type::kUint ? static_cast<double>(static_cast<uint64_t>(integer())) : static_cast<double>(integer());
  if (lead() == 0xca) return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(big_endian(4))));
  return std::bit_cast<double>(big_endian(8));
}

bool MsgpackReader::boolean() {
  if (type() == Type::kBool) return lead() == 0xc3;
  return integer() != 0;
}

// Passes over one value; what it holds is added to `left`.
void MsgpackReader::skip_one(uint64_t& left) {
  switch (type()) {
    case Type::kNone: return fail();
    case Type::kNil:
    case Type::kBool: (void)lead(); return;
    case Type::kInt:
    case Type::kUint: (void)integer(); return;
    case Type::kFloat: (void)real(); return;
    case Type::kText:
    case Type::kBytes: (void)text(); return;
    case Type::kArray: left += array(); return;
    case Type::kMap: left += 2 * uint64_t{map()}; return;
    case Type::kOther: break;
  }
  int8_t type_of_extension = 0;
  (void)extension(type_of_extension);
}

// A type, then 1, 2, 4, 8, 16 bytes or as many as are said.
std::string_view MsgpackReader::extension(int8_t& type_out) {
  if (type() != Type::kOther) {
    skip();
    return {};
  }
  uint8_t b = lead();
  uint64_t bytes = 0;
  if (b >= 0xd4 && b <= 0xd8) {
    bytes = uint64_t{1} << (b - 0xd4);
  } else if (b >= 0xc7 && b <= 0xc9) {
    bytes = big_endian(size_t{1} << (b - 0xc7));
  } else {
    fail();  // 0xc1 is never used
    return {};
  }
  type_out = static_cast<int8_t>(big_endian(1));
  return take(bytes);
}

void MsgpackReader::skip() {
  if (at_ == end_) return fail();
  for (uint64_t left = 1; left > 0 && !failed_; --left) skip_one(left);
}

}  // namespace clew::wire
