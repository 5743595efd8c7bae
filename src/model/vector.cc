#include "model/vector.h"

namespace clew::model {

Value Vector::value(uint32_t row) const {
  if (is_null(row)) return {};
  if (layout == Layout::kValues) return values[row];
  if (layout == Layout::kDict) return dict->value(codes[row]);
  uint32_t i = at(row);
  switch (type) {
    case Type::kDouble:
    case Type::kFloat: {
      Value v = Value::real(f64[i]);
      v.set_type(type);
      return v;
    }
    case Type::kString:
    case Type::kIp: {
      Value v = Value::string(std::string(strings[i]));
      v.set_type(type);
      return v;
    }
    case Type::kDecimal: return Value::decimal(i64[i], scale);
    default: return Value::of_lane(type, i64[i]);
  }
}

Vector Vector::all_null(uint32_t size) {
  Vector v;
  v.size = size;
  return v;
}

Vector Vector::constant(const Value& value, uint32_t size) {
  Vector v;
  v.size = size;
  v.type = value.type();
  switch (value.type()) {
    case Type::kNull: break;
    case Type::kDouble:
    case Type::kFloat: v.f64.push_back(value.f64()); break;
    case Type::kString:
    case Type::kIp: {
      auto text = std::make_shared<const std::string>(value.text());
      v.strings.push_back(*text);
      v.owners.push_back(text);
      break;
    }
    case Type::kArray:
    case Type::kStruct:
    case Type::kMixed:
      v.layout = Layout::kValues;
      v.values.assign(size, value);
      break;
    default: v.i64.push_back(value.i64()); v.scale = value.scale();
  }
  return v;
}

}  // namespace clew::model
