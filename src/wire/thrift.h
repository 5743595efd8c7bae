// A pull parser for Thrift's binary and compact encodings: fields in the order in which they stand, views instead of
// copies.
#pragma once

#include <cstdint>
#include <string_view>

namespace clew::wire {

enum class ThriftForm : uint8_t { kBinary, kCompact };

// Reads one struct and what it holds. Sticky: after the first malformed byte every call gives an empty value, and
// failed() says so. A field of another type than the one asked for is skipped.
//
//   in.begin_struct();
//   while (in.next_field()) {
//     switch (in.field()) {
//       case 1: name = in.text(); break;
//       default: in.skip_field();
//     }
//   }
//
// Structs nest at most kDepthMax deep; counts of lists are checked against the bytes that are left.
class ThriftReader {
 public:
  static constexpr int kDepthMax = 32;

  ThriftReader(std::string_view bytes, ThriftForm form)
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()), form_(form) {}

  // The head of a call; gives its name. What follows is the struct of its arguments.
  std::string_view message();

  void begin_struct();
  // False at the end of the struct, which it closes, and after a failure.
  bool next_field();
  int16_t field() const { return field_; }

  // The value of the field.
  int64_t integer();  // of i8 to i64
  double real();
  bool boolean();
  std::string_view text();
  // Elements of the list; each is then a struct (begin_struct, next_field).
  uint32_t structs();
  // True when the field is a struct, which is then begun.
  bool structure();
  void skip_field() { skip(type_); }

  bool failed() const { return failed_; }
  size_t position() const { return failed_ ? failed_at_ : static_cast<size_t>(at_ - begin_); }

 private:
  // Types of the binary form; those of the compact one are turned into them.
  enum Type : uint8_t {
    kStop = 0,
    kBool = 2,
    kByte = 3,
    kDouble = 4,
    kI16 = 6,
    kI32 = 8,
    kI64 = 10,
    kText = 11,
    kStruct = 12,
    kMap = 13,
    kSet = 14,
    kList = 15
  };
  static uint8_t type_of_compact(uint8_t compact);

  uint8_t byte();
  uint64_t fixed(size_t bytes, bool big);
  uint64_t varint();
  int64_t zigzag() {
    uint64_t v = varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  int64_t integer_of(uint8_t type);
  std::string_view bytes();
  uint32_t list(uint8_t& element);
  void skip(uint8_t type);
  void skip_value(uint8_t type, int depth);
  void fail() {
    if (!failed_) failed_at_ = static_cast<size_t>(at_ - begin_);
    failed_ = true;
    at_ = end_;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  const ThriftForm form_;
  bool failed_ = false;
  size_t failed_at_ = 0;
  uint8_t type_ = kStop;  // of the field
  bool value_ = false;    // of a compact boolean, which stands in its head
  int16_t field_ = 0;
  int16_t last_[kDepthMax + 1] = {};  // field numbers of the structs that are open
  int depth_ = 0;
};

}  // namespace clew::wire
