#include "wire/thrift.h"

#include <bit>

namespace clew::wire {
namespace {

constexpr uint8_t kCompactMark = 0x82;
constexpr uint32_t kBinaryVersion = 0x8001;

}  // namespace

uint8_t ThriftReader::type_of_compact(uint8_t compact) {
  constexpr uint8_t kTypes[] = {kStop,   kBool, kBool, kByte, kI16, kI32,   kI64,
                                kDouble, kText, kList, kSet,  kMap, kStruct};
  return compact < sizeof kTypes ? kTypes[compact] : uint8_t{0xff};
}

uint8_t ThriftReader::byte() {
  if (at_ == end_) {
    fail();
    return 0;
  }
  return static_cast<uint8_t>(*at_++);
}

uint64_t ThriftReader::fixed(size_t bytes, bool big) {
  if (static_cast<size_t>(end_ - at_) < bytes) {
    fail();
    return 0;
  }
  uint64_t v = 0;
  for (size_t i = 0; i < bytes; ++i) {
    uint64_t b = static_cast<uint8_t>(at_[i]);
    v |= b << (8 * (big ? bytes - 1 - i : i));
  }
  at_ += bytes;
  return v;
}

uint64_t ThriftReader::varint() {
  uint64_t v = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    uint64_t b = byte();
    if (failed_) return 0;
    if (shift < 64) v |= (b & 0x7f) << shift;
    if (b < 0x80) return v;
  }
  fail();
  return 0;
}

std::string_view ThriftReader::bytes() {
  uint64_t n = form_ == ThriftForm::kCompact ? varint() : fixed(4, true);
  if (n > static_cast<uint64_t>(end_ - at_)) {
    fail();
    return {};
  }
  std::string_view out(at_, n);
  at_ += n;
  return out;
}

std::string_view ThriftReader::message() {
  if (form_ == ThriftForm::kCompact) {
    if (byte() != kCompactMark) fail();
    (void)byte();    // version and kind of call
    (void)varint();  // its number
    return bytes();
  }
  if (fixed(4, true) >> 16 != kBinaryVersion) fail();
  std::string_view name = bytes();
  (void)fixed(4, true);
  return name;
}

void ThriftReader::begin_struct() {
  if (depth_ >= kDepthMax) return fail();
  last_[++depth_] = 0;
}

bool ThriftReader::next_field() {
  if (failed_) return false;
  uint8_t head = byte();
  if (failed_) return false;
  if (head == kStop) {
    if (depth_ > 0) --depth_;
    return false;
  }
  if (form_ == ThriftForm::kBinary) {
    type_ = head;
    field_ = static_cast<int16_t>(fixed(2, true));
    return !failed_;
  }
  uint8_t compact = head & 0x0f;
  uint8_t step = static_cast<uint8_t>(head >> 4);
  field_ = static_cast<int16_t>(step != 0 ? last_[depth_] + step : zigzag());
  last_[depth_] = field_;
  type_ = type_of_compact(compact);
  value_ = compact == 1;
  if (type_ == 0xff) fail();
  return !failed_;
}

int64_t ThriftReader::integer_of(uint8_t type) {
  if (type == kByte) return static_cast<int8_t>(byte());
  if (form_ == ThriftForm::kCompact) return zigzag();
  if (type == kI16) return static_cast<int16_t>(fixed(2, true));
  if (type == kI32) return static_cast<int32_t>(fixed(4, true));
  return static_cast<int64_t>(fixed(8, true));
}

int64_t ThriftReader::integer() {
  if (type_ == kByte || type_ == kI16 || type_ == kI32 || type_ == kI64) return integer_of(type_);
  skip(type_);
  return 0;
}

double ThriftReader::real() {
  if (type_ == kDouble) return std::bit_cast<double>(fixed(8, form_ == ThriftForm::kBinary));
  skip(type_);
  return 0;
}

bool ThriftReader::boolean() {
  if (type_ == kBool) return form_ == ThriftForm::kCompact ? value_ : byte() != 0;
  skip(type_);
  return false;
}

std::string_view ThriftReader::text() {
  if (type_ == kText) return bytes();
  skip(type_);
  return {};
}

uint32_t ThriftReader::list(uint8_t& element) {
  uint64_t count = 0;
  if (form_ == ThriftForm::kCompact) {
    uint8_t head = byte();
    element = type_of_compact(head & 0x0f);
    count = head >> 4;
    if (count == 15) count = varint();
  } else {
    element = byte();
    count = fixed(4, true);
  }
  // The smallest element is a byte.
  if (count > static_cast<uint64_t>(end_ - at_)) {
    fail();
    return 0;
  }
  return static_cast<uint32_t>(count);
}

uint32_t ThriftReader::structs() {
  if (type_ != kList && type_ != kSet) {
    skip(type_);
    return 0;
  }
  uint8_t element = 0;
  uint32_t count = list(element);
  if (element == kStruct) return count;
  for (uint32_t i = 0; i < count && !failed_; ++i) skip_value(element, depth_);
  return 0;
}

bool ThriftReader::structure() {
  if (type_ != kStruct) {
    skip(type_);
    return false;
  }
  begin_struct();
  return !failed_;
}

void ThriftReader::skip(uint8_t type) {
  // A compact boolean that is a field has no bytes of its own.
  if (type == kBool && form_ == ThriftForm::kCompact) return;
  skip_value(type, depth_);
}

void ThriftReader::skip_value(uint8_t type, int depth) {
  if (depth >= kDepthMax) return fail();
  switch (type) {
    case kBool:
    case kByte: (void)byte(); return;
    case kI16:
    case kI32:
    case kI64: (void)integer_of(type); return;
    case kDouble: (void)fixed(8, true); return;
    case kText: (void)bytes(); return;
    case kStruct: {
      int open = depth_;
      begin_struct();
      while (next_field()) {
        if (type_ != kBool || form_ == ThriftForm::kBinary) skip_value(type_, depth_);
      }
      depth_ = open;
      return;
    }
    case kList:
    case kSet: {
      uint8_t element = 0;
      uint32_t count = list(element);
      for (uint32_t i = 0; i < count && !failed_; ++i) skip_value(element, depth + 1);
      return;
    }
    case kMap: {
      uint64_t count = form_ == ThriftForm::kCompact ? varint() : 0;
      uint8_t key = 0;
      uint8_t value = 0;
      if (form_ == ThriftForm::kCompact) {
        uint8_t kinds = count == 0 ? uint8_t{0} : byte();
        key = type_of_compact(kinds >> 4);
        value = type_of_compact(kinds & 0x0f);
      } else {
        key = byte();
        value = byte();
        count = fixed(4, true);
      }
      if (count > static_cast<uint64_t>(end_ - at_)) return fail();
      for (uint64_t i = 0; i < count && !failed_; ++i) {
        skip_value(key, depth + 1);
        skip_value(value, depth + 1);
      }
      return;
    }
    default: fail();
  }
}

}  // namespace clew::wire
