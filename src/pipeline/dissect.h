// Dissect: a text taken apart at fixed delimiters: `%{client} - %{user} [%{time}] "%{method} %{url}"`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clew::pipeline {

constexpr size_t kDissectKeysMax = 200;

// Keys: `%{name}`; `%{}` and `%{?name}` are passed over; `%{+name}` and `%{+name/2}` are joined to `name` with the
// delimiter before them; `%{name->}` takes its delimiter as often as it stands there; `%{*n}` and `%{&n}` are the name
// and the value of one field; `%{name|int}` is a number.
//
// Threads: const functions on any thread.
class Dissect {
 public:
  struct Value {
    std::string_view name;
    std::string_view view;  // into the text
    std::string text;       // where `joined`
    bool joined = false;
    bool number = false;
  };
  // Errors: kInvalid: a key that does not close, two keys without a delimiter between them, no key at all.
  static Result<Dissect> make(std::string_view pattern);
  // False when the text is another; `out` then holds anything. Views last as long as text and pattern.
  bool read(std::string_view text, std::vector<Value>& out) const;
  // Of the fields that it gives; those named by the text are not among them.
  std::vector<std::string> names() const;

 private:
  enum class Use : uint8_t { kField, kSkip, kAppend, kName, kValue };
  struct Key {
    std::string name;
    Use use = Use::kField;
    int order = 0;
    bool padded = false;
    bool number = false;
    std::string before;  // the delimiter before it
    std::string after;   // empty: the rest of the text
  };
  static Result<Key> parse_key(std::string_view inside);
  void join(std::vector<std::string_view>& parts, std::vector<Value>& out) const;

  std::string start_;  // what stands before the first key
  std::vector<Key> keys_;
};

}  // namespace clew::pipeline
