// Writes JSON text piece by piece: for answers of many objects, where a tree of values would cost more than the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/value.h"

namespace clew::api {

// Threads: one. Members and elements are put in order; bytes that are no UTF-8 are replaced.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void text(std::string_view value);
  void number(int64_t value);
  void real(double value);  // at most 15 digits; NaN and infinities as null
  void boolean(bool value);
  void null();
  void value(const model::Value& value);
  // JSON text as it is.
  void raw(std::string_view json);

  void member(std::string_view name, std::string_view value) { key(name), text(value); }
  void member(std::string_view name, int64_t value) { key(name), number(value); }
  void member_real(std::string_view name, double value) { key(name), real(value); }
  void member_flag(std::string_view name, bool value) { key(name), boolean(value); }
  // Leaves an empty text, zero or false out.
  void optional(std::string_view name, std::string_view value) {
    if (!value.empty()) member(name, value);
  }
  void optional(std::string_view name, int64_t value) {
    if (value != 0) member(name, value);
  }
  void optional_flag(std::string_view name, bool value) {
    if (value) member_flag(name, true);
  }

 private:
  void separate();
  void open(char c);
  void close(char c);

  std::string& out_;
  bool first_ = true;  // nothing was put into what is open
};

}  // namespace clew::api
