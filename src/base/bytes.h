// Cursors over bytes. Integers are little endian; varints are LEB128; a string is a varint length and its bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::base {

static_assert(std::endian::native == std::endian::little, "clew's formats are written by memcpy");

constexpr uint64_t zigzag(int64_t v) { return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63); }
constexpr int64_t unzigzag(uint64_t v) { return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1); }

// Writer appends to a string that it does not own.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void u8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u16(uint16_t v) { raw(&v, sizeof v); }
  void u32(uint32_t v) { raw(&v, sizeof v); }
  void u64(uint64_t v) { raw(&v, sizeof v); }
  void i64(int64_t v) { raw(&v, sizeof v); }
  void f64(double v) { raw(&v, sizeof v); }
  void varint(uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<uint8_t>(v | 0x80));
      v >>= 7;
    }
    u8(static_cast<uint8_t>(v));
  }
  void varint_signed(int64_t v) { varint(zigzag(v)); }
  void bytes(std::string_view v) { out_.append(v); }
  void string(std::string_view v) {
    varint(v.size());
    bytes(v);
  }

  size_t size() const { return out_.size(); }
  std::string& out() { return out_; }
  // Overwrites a u32 written before.  Requires: offset + 4 <= size().
  void patch_u32(size_t offset, uint32_t v) { std::memcpy(out_.data() + offset, &v, sizeof v); }

 private:
  void raw(const void* p, size_t n) { out_.append(static_cast<const char*>(p), n); }
  std::string& out_;
};

// Reader is sticky: after the first short or malformed read every later one gives zero or empty, and finish() or
// status() says so once.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  uint8_t u8() { return fixed<uint8_t>(); }
  uint16_t u16() { return fixed<uint16_t>(); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  int64_t i64() { return fixed<int64_t>(); }
  double f64() { return fixed<double>(); }
  uint64_t varint() {
    uint64_t v = 0;
    for (int shift = 0; shift < 70 && at_ < in_.size(); shift += 7) {
      uint8_t b = static_cast<uint8_t>(in_[at_++]);
      if (shift == 63 && b > 1) break;
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return v;
    }
    fail();
    return 0;
  }
  int64_t varint_signed() { return unzigzag(varint()); }
  // A varint that must not exceed `max`; more fails the reader.
  uint64_t varint_max(uint64_t max) {
    uint64_t v = varint();
    if (v > max) {
      fail();
      return 0;
    }
    return v;
  }
  std::string_view bytes(uint64_t n) {
    if (n > remaining()) {
      fail();
      return {};
    }
    std::string_view v = in_.substr(at_, n);
    at_ += n;
    return v;
  }
  std::string_view string() { return bytes(varint()); }
  void skip(uint64_t n) { (void)bytes(n); }

  size_t position() const { return at_; }
  size_t remaining() const { return in_.size() - at_; }
  bool failed() const { return failed_; }
  void fail() {
    failed_ = true;
    at_ = in_.size();
  }

  // Errors: kCorrupt if any read was short or malformed.
  Status status() const {
    if (failed_) return Error(Code::kCorrupt, "shorter than its own lengths say");
    return {};
  }
  // As status(), and also kCorrupt when bytes are left over.
  Status finish() const {
    if (!failed_ && at_ != in_.size()) return Error(Code::kCorrupt, "bytes left over");
    return status();
  }

 private:
  template <class T>
  T fixed() {
    T v{};
    if (remaining() < sizeof v) {
      fail();
      return v;
    }
    std::memcpy(&v, in_.data() + at_, sizeof v);
    at_ += sizeof v;
    return v;
  }

  std::string_view in_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace clew::base
