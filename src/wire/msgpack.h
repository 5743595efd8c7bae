// A pull parser for MessagePack: values in the order in which they stand, views instead of copies.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace clew::wire {

// Sticky: after the first malformed byte every call gives an empty value and failed() says so. What is asked for and is
// not there (a text where a number stands) is skipped and gives an empty value, which is no failure.
//
// Counts of arrays and maps are checked against the bytes that are left, so that a loop over one ends.
class MsgpackReader {
 public:
  explicit MsgpackReader(std::string_view bytes)
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool at_end() const { return at_ == end_; }
  bool failed() const { return failed_; }
  // Where reading stopped.
  size_t position() const { return failed_ ? failed_at_ : static_cast<size_t>(at_ - begin_); }

  enum class Type : uint8_t { kNone, kNil, kBool, kInt, kUint, kFloat, kText, kBytes, kArray, kMap, kOther };
  // Of the next value; kNone at the end and after a failure.
  Type type() const;

  // Elements of the array that begins here; pairs of the map.
  uint32_t array();
  uint32_t map();
  // Text or bytes.
  std::string_view text();
  int64_t integer();  // of any number; a float is cut, an unsigned one keeps its bits
  double real();
  bool boolean();
  // The bytes of an extension, and its type.
  std::string_view extension(int8_t& type);
  // Passes over the next value, whatever it holds.
  void skip();

 private:
  uint8_t lead();
  uint64_t big_endian(size_t bytes);
  std::string_view take(uint64_t bytes);
  uint32_t checked_count(uint64_t count, uint64_t bytes_each);
  void skip_one(uint64_t& left);
  void fail() {
    if (!failed_) failed_at_ = static_cast<size_t>(at_ - begin_);
    failed_ = true;
    at_ = end_;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  bool failed_ = false;
  size_t failed_at_ = 0;
};

}  // namespace clew::wire
