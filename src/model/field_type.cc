#include "model/field_type.h"

namespace clew::model {

Type type_of(Kind kind) {
  switch (kind) {
    case Kind::kNull: return Type::kNull;
    case Kind::kBool: return Type::kBool;
    case Kind::kInt: return Type::kLong;
    case Kind::kUint: return Type::kULong;
    case Kind::kDecimal:
    case Kind::kFloat:
    case Kind::kNumberText: return Type::kDouble;
    case Kind::kString:
    case Kind::kBytes: return Type::kString;
    case Kind::kTime: return Type::kTimestamp;
    case Kind::kArray: return Type::kArray;
    case Kind::kEmptyObject: return Type::kStruct;
  }
  return Type::kNull;
}

}  // namespace clew::model
