#include "model/rest.h"

#include <cstring>

namespace clew::model {

void append_rest(const RestField& field, std::string& out) {
  base::Writer w(out);
  w.string(field.name);
  w.u8(static_cast<uint8_t>(field.kind));
  if (field.kind == Kind::kDecimal) w.u8(field.scale);
  if (field.kind == Kind::kFloat)
    w.i64(field.lane);
  else if (kind_has_int(field.kind))
    w.varint_signed(field.lane);
  else if (kind_has_text(field.kind))
    w.string(field.text);
}

void add_value(Column& column, uint32_t row, const RestField& field) {
  switch (field.kind) {
    case Kind::kNull: column.add_null(row); return;
    case Kind::kEmptyObject: column.add_empty_object(row); return;
    case Kind::kBool: column.add_bool(row, field.lane != 0); return;
    case Kind::kInt: column.add_int(row, field.lane); return;
    case Kind::kUint: column.add_uint(row, static_cast<uint64_t>(field.lane)); return;
    case Kind::kDecimal: column.add_decimal(row, field.lane, field.scale); return;
    case Kind::kFloat: {
      double v;
      std::memcpy(&v, &field.lane, sizeof v);
      column.add_float(row, v);
      return;
    }
    case Kind::kTime: column.add_time(row, field.lane); return;
    case Kind::kNumberText:
    case Kind::kString:
    case Kind::kArray:
    case Kind::kBytes: column.add_text(row, field.kind, field.text); return;
  }
}

bool RestReader::next(RestField& field) {
  if (in_.failed() || in_.remaining() == 0) return false;
  field = {};
  field.name = in_.string();
  uint8_t kind = in_.u8();
  if (kind > static_cast<uint8_t>(Kind::kBytes)) in_.fail();
  field.kind = static_cast<Kind>(kind);
  if (field.kind == Kind::kDecimal) field.scale = in_.u8();
  if (field.kind == Kind::kFloat)
    field.lane = in_.i64();
  else if (kind_has_int(field.kind))
    field.lane = in_.varint_signed();
  else if (kind_has_text(field.kind))
    field.text = in_.string();
  return !in_.failed();
}

}  // namespace clew::model
