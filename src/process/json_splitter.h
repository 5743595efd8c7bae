// JsonSplitter cuts a stream of bytes into JSON objects: one after the other, in an array, or in the array of a wrapper
// ({"Records":[...]}).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace clew::process {

constexpr size_t kObjectBytesMax = 16 << 20;  // of one object; beyond it its lines are taken as text

// Threads: one.
class JsonSplitter {
 public:
  enum class Piece : uint8_t { kObject, kText };
  // `text` lives until the call returns. kText: a line that is no part of an object.
  using Emit = std::function<void(Piece, std::string_view text)>;

  void feed(std::string_view bytes, const Emit& emit);
  // The end of the stream: what is left is text.
  void finish(const Emit& emit);

 private:
  void outside(char c, const Emit& emit);
  void inside(char c, const Emit& emit);
  bool is_wrapper() const;
  void give_up(const Emit& emit);

  std::string held_;    // of the object or text being read
  uint32_t depth_ = 0;  // of brackets inside the object
  bool in_string_ = false;
  bool escaped_ = false;
  bool unwrapped_ = false;  // inside a wrapper, whose closing brackets are passed over
};

}  // namespace clew::process
