// Values of templates: what Go's text/template has, as far as rules see it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace clew::alert {

struct Value;
using ValueList = std::vector<Value>;
using ValueMap = std::map<std::string, Value, std::less<>>;

struct Value {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,
    kFloat,
    kText,
    kList,
    kMap,       // a key that is missing gives ""
    kStruct,    // a field that is missing is a mistake
    kDuration,  // integer: nanoseconds
    kTime,      // integer: nanoseconds since 1970
  };
  Kind kind = Kind::kNone;
  bool truth = false;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::shared_ptr<const ValueList> list;
  std::shared_ptr<const ValueMap> map;

  static Value of(bool value);
  static Value of(int64_t value);
  static Value of(double value);
  static Value of(std::string value);
  static Value of(ValueList values);
  static Value map_of(ValueMap values);
  static Value struct_of(ValueMap values);

  bool is_text() const { return kind == Kind::kText; }
  bool is_number() const { return kind == Kind::kInt || kind == Kind::kFloat; }
  // What `if` takes for true: not zero, not empty.
  bool is_true() const;
  // As Go's type is called in messages: "float64", "string".
  std::string_view type_text() const;
};

// As Go's %v prints it.
std::string print_value(const Value& value);
// As Go's fmt.Print joins values: a blank between two where neither is a text.
std::string print_values(const ValueList& values);
// Go's fmt.Sprintf; a verb that does not fit prints as Go's does: "%!d(string=x)".
std::string format_values(std::string_view format, const ValueList& values);

// "1h2m3.5s", as Go prints a duration.
std::string duration_value_text(int64_t nanos);
// "2006-01-02 15:04:05.999 +0000 UTC".
std::string time_value_text(int64_t nanos);
// A number as %g prints it with a precision; -1: the shortest that reads back.
std::string general_text(double value, int precision);

}  // namespace clew::alert
