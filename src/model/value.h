// The read side of the data model: types and single values as queries see them (docs/PPL.md section 3).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::model {

// Type of a value in a query. Stored kinds map so: kBool to kBool, kInt to kLong, kUint to kULong, kDecimal, kFloat and
// kNumberText to kDouble, kString and kBytes to kString, kTime to kTimestamp, kArray to kArray.
enum class Type : uint8_t {
  kNull,
  kBool,       // i64 lane
  kInt,        // i64 lane, 32-bit range ("int")
  kLong,       // i64 lane ("bigint")
  kULong,      // i64 lane, bits of a uint64
  kDouble,     // f64 lane
  kFloat,      // f64 lane, prints as a float
  kDecimal,    // i64 lane: mantissa; Vector::scale or Value::scale
  kString,     // text lane
  kTimestamp,  // i64 lane: ns since the epoch, UTC
  kDate,       // i64 lane: days since the epoch
  kTime,       // i64 lane: ns since midnight
  kInterval,   // i64 lane: months in `scale_months`, else ns; literals only
  kIp,         // text lane: canonical text
  kArray,      // items
  kStruct,     // items with names
  kMixed,      // of a vector only: values of several types
};
std::string_view type_name(Type type);  // "bigint", "timestamp" ...: the names of PPL's protocol

class Value;
using Values = std::vector<Value>;
using Members = std::vector<std::pair<std::string, Value>>;

// One value. Copies share arrays and structs, which are frozen.
class Value {
 public:
  Value() = default;
  static Value boolean(bool v) { return Value(Type::kBool, v ? 1 : 0); }
  static Value integer(int64_t v) { return Value(Type::kInt, v); }
  static Value bigint(int64_t v) { return Value(Type::kLong, v); }
  static Value ubigint(uint64_t v) { return Value(Type::kULong, static_cast<int64_t>(v)); }
  static Value real(double v) {
    Value out(Type::kDouble, 0);
    out.f64_ = v;
    return out;
  }
  static Value decimal(int64_t mantissa, uint8_t scale) {
    Value out(Type::kDecimal, mantissa);
    out.scale_ = scale;
    return out;
  }
  static Value string(std::string v) {
    Value out(Type::kString, 0);
    out.text_ = std::move(v);
    return out;
  }
  static Value timestamp(int64_t unix_nanos) { return Value(Type::kTimestamp, unix_nanos); }
  static Value of_lane(Type type, int64_t v) { return Value(type, v); }
  static Value array(Values items) {
    Value out(Type::kArray, 0);
    out.items_ = std::make_shared<const Values>(std::move(items));
    return out;
  }
  static Value structure(Members members) {
    Value out(Type::kStruct, 0);
    out.members_ = std::make_shared<const Members>(std::move(members));
    return out;
  }

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::kNull; }
  // Requires: a type of that lane.
  int64_t i64() const { return i64_; }
  double f64() const { return f64_; }
  uint8_t scale() const { return scale_; }
  const std::string& text() const { return text_; }
  const Values& items() const { return *items_; }
  const Members& members() const { return *members_; }

  void set_type(Type type) { type_ = type; }  // to another type of the same lane

 private:
  Value(Type type, int64_t v) : type_(type), i64_(v) {}

  Type type_ = Type::kNull;
  uint8_t scale_ = 0;
  int64_t i64_ = 0;
  double f64_ = 0;
  std::string text_;
  std::shared_ptr<const Values> items_;
  std::shared_ptr<const Members> members_;
};

}  // namespace clew::model
