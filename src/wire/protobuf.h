// A pull parser for protocol buffers: fields in the order in which they stand, views instead of copies.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace clew::wire {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kGroup = 3, kGroupEnd = 4, kFixed32 = 5 };

constexpr uint32_t proto_tag(uint32_t field, WireType type) { return field << 3 | static_cast<uint32_t>(type); }

// Reads the fields of one message. Sticky: after the first malformed byte next() gives 0 and failed() says so.
//
//   while (uint32_t tag = in.next()) {
//     switch (tag) {
//       case proto_tag(1, WireType::kBytes): name = in.bytes(); break;
//       default: in.skip(tag);   // unknown fields, and known ones of another wire type
//     }
//   }
//   if (in.failed()) ...
class ProtoReader {
 public:
  ProtoReader() = default;
  explicit ProtoReader(std::string_view message) : at_(message.data()), end_(message.data() + message.size()) {}

  // The tag of the next field; 0 at the end of the message and after a failure.
  uint32_t next() {
    if (at_ == end_) return 0;
    uint64_t tag = varint();
    if (tag < 8 || tag > UINT32_MAX) [[unlikely]] {
      fail();
      return 0;
    }
    return static_cast<uint32_t>(tag);
  }

  uint64_t varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) [[likely]]
      return static_cast<uint8_t>(*at_++);
    return long_varint();
  }
  uint64_t fixed64() { return fixed<uint64_t>(); }
  uint32_t fixed32() { return fixed<uint32_t>(); }
  double real() { return fixed<double>(); }
  std::string_view bytes() {
    uint64_t n = varint();
    if (n > static_cast<uint64_t>(end_ - at_)) [[unlikely]] {
      fail();
      return {};
    }
    std::string_view v(at_, n);
    at_ += n;
    return v;
  }

  // Goes to the next field of that tag, passing over others; false at the end and after a failure.
  bool find(uint32_t wanted) {
    while (uint32_t tag = next()) {
      if (tag == wanted) return true;
      skip(tag);
    }
    return false;
  }

  // Passes over the value of a field.
  void skip(uint32_t tag) {
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::kVarint: (void)varint(); return;
      case WireType::kFixed64: (void)fixed64(); return;
      case WireType::kBytes: (void)bytes(); return;
      case WireType::kGroup: skip_group(); return;
      case WireType::kFixed32: (void)fixed32(); return;
      default: fail();
    }
  }

  bool failed() const { return failed_at_ != nullptr; }
  // Where reading stopped; the start of the value that could not be read after a failure.
  const char* position() const { return failed() ? failed_at_ : at_; }

 private:
  void fail() {
    if (failed_at_ == nullptr) failed_at_ = at_;
    at_ = end_;
  }

  uint64_t long_varint() {
    uint64_t v = 0;
    const char* p = at_;
    for (int shift = 0; shift < 64 && p != end_; shift += 7) {
      uint64_t b = static_cast<uint8_t>(*p++);
      if (shift == 63 && b > 1) break;
      v |= (b & 0x7f) << shift;
      if (b < 0x80) {
        at_ = p;
        return v;
      }
    }
    fail();
    return 0;
  }

  template <class T>
  T fixed() {
    T v{};
    if (static_cast<size_t>(end_ - at_) < sizeof v) [[unlikely]] {
      fail();
      return v;
    }
    std::memcpy(&v, at_, sizeof v);
    at_ += sizeof v;
    return v;
  }

  // Groups are of old; nobody sends them, so their end marks are only counted.
  void skip_group() {
    constexpr int kGroupDepthMax = 64;
    int depth = 1;
    while (depth > 0) {
      uint32_t tag = next();
      if (tag == 0) {
        fail();
        return;
      }
      WireType type = static_cast<WireType>(tag & 7);
      if (type == WireType::kGroupEnd)
        --depth;
      else if (type != WireType::kGroup)
        skip(tag);
      else if (++depth > kGroupDepthMax)
        fail();
    }
  }

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  const char* failed_at_ = nullptr;
};

}  // namespace clew::wire
