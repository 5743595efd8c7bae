#include "model/value.h"

namespace clew::model {

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kNull: return "undefined";
    case Type::kBool: return "boolean";
    case Type::kInt: return "int";
    case Type::kLong: return "bigint";
    case Type::kULong: return "bigint";
    case Type::kDouble: return "double";
    case Type::kFloat: return "float";
    case Type::kDecimal: return "double";
    case Type::kString: return "string";
    case Type::kTimestamp: return "timestamp";
    case Type::kDate: return "date";
    case Type::kTime: return "time";
    case Type::kInterval: return "interval";
    case Type::kIp: return "ip";
    case Type::kArray: return "array";
    case Type::kStruct: return "struct";
    case Type::kMixed: return "string";
  }
  return "undefined";
}

}  // namespace clew::model
