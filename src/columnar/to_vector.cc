#include "columnar/to_vector.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "columnar/json_value.h"
#include "columnar/stats.h"
#include "model/json_text.h"

namespace clew::columnar {
namespace {

using model::Kind;
using model::Layout;
using model::RestField;
using model::Selection;
using model::Type;
using model::Value;
using model::Vector;

constexpr uint32_t bit(Kind kind) { return 1u << static_cast<int>(kind); }
constexpr uint32_t kDoubleKinds = bit(Kind::kDecimal) | bit(Kind::kFloat) | bit(Kind::kNumberText);

double number_of_text(std::string_view text) {
  double v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error == std::errc::result_out_of_range) return std::strtod(std::string(text).c_str(), nullptr);
  return v;
}

double double_at(const BlockValues& values, uint32_t row) {
  auto kind = static_cast<Kind>(values.kind_at(row));
  if (kind == Kind::kNumberText) return number_of_text(values.text_at(row));
  return number_of(kind, values.ints[row], values.scale_at(row));
}

// Which kinds the rows have (bits), and whether some have no value.
struct Seen {
  uint32_t kinds = 0;
  bool nulls = false;
};

Seen see(const BlockValues& values, uint32_t begin, const Selection& rows) {
  Seen seen;
  auto note = [&](uint8_t kind) {
    if (kind == kAbsent || kind == static_cast<uint8_t>(Kind::kNull)) {
      seen.nulls = true;
    } else {
      seen.kinds |= 1u << kind;
    }
  };
  if (values.kinds.empty()) {
    note(values.kind);
  } else {
    for (uint32_t row : rows) note(values.kinds[row - begin]);
  }
  return seen;
}

bool null_at(const BlockValues& values, uint32_t row) {
  uint8_t kind = values.kind_at(row);
  return kind == kAbsent || kind == static_cast<uint8_t>(Kind::kNull);
}

void fill_nulls(const BlockValues& values, uint32_t begin, const Selection& rows, Vector& out) {
  out.nulls.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out.nulls[i] = null_at(values, rows[i] - begin);
}

void fill_ints(BlockValues& values, uint32_t begin, const Selection& rows, Vector& out) {
  if (rows.size() == values.rows) {
    out.i64 = std::move(values.ints);
    return;
  }
  out.i64.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out.i64[i] = values.ints[rows[i] - begin];
}

void fill_doubles(const BlockValues& values, uint32_t begin, const Selection& rows, Vector& out) {
  out.f64.resize(rows.size());
  constexpr int64_t kExact = int64_t{1} << 53;
  bool plain = values.kinds.empty() && values.kind == static_cast<uint8_t>(Kind::kDecimal) && values.scales.empty();
  double power = plain ? number_of(Kind::kInt, 1, 0) / number_of(Kind::kDecimal, 1, values.scale) : 1;
  plain = plain && values.scale <= 15;
  power = std::nearbyint(power);
  for (size_t i = 0; i < rows.size(); ++i) {
    uint32_t row = rows[i] - begin;
    if (plain && values.ints[row] < kExact && values.ints[row] > -kExact) {
      out.f64[i] = static_cast<double>(values.ints[row]) / power;
    } else {
      out.f64[i] = null_at(values, row) ? 0 : double_at(values, row);
    }
  }
}

void fill_strings(BlockValues& values, uint32_t begin, const Selection& rows, const model::VectorPtr& dictionary,
                  Vector& out) {
  if (dictionary) {
    out.layout = Layout::kDict;
    out.dict = dictionary;
    if (rows.size() == values.rows) {
      out.codes = std::move(values.codes);
      return;
    }
    out.codes.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) out.codes[i] = values.codes[rows[i] - begin];
    return;
  }
  out.owners = values.owners;
  out.strings.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out.strings[i] = values.texts[rows[i] - begin];
}

Type type_of(uint32_t kinds) {
  if (kinds == bit(Kind::kString)) return Type::kString;
  if (kinds == bit(Kind::kBool)) return Type::kBool;
  if (kinds == bit(Kind::kInt)) return Type::kLong;
  if (kinds == bit(Kind::kUint)) return Type::kULong;
  if (kinds == bit(Kind::kTime)) return Type::kTimestamp;
  if ((kinds & ~kDoubleKinds) == 0) return Type::kDouble;
  if (kinds == bit(Kind::kArray)) return Type::kArray;
  if (kinds == bit(Kind::kEmptyObject)) return Type::kStruct;
  return Type::kMixed;
}

}  // namespace

model::VectorPtr dictionary_vector(const DictionaryPtr& dictionary) {
  if (!dictionary) return nullptr;
  auto v = std::make_shared<Vector>();
  v->type = Type::kString;
  v->layout = Layout::kFlat;
  v->size = static_cast<uint32_t>(dictionary->entries.size());
  v->strings = dictionary->entries;
  v->owners.push_back(dictionary);
  return v;
}

model::VectorPtr to_vector(BlockValues values, uint32_t begin, const Selection& rows,
                           const model::VectorPtr& dictionary) {
  auto size = static_cast<uint32_t>(rows.size());
  Seen seen = see(values, begin, rows);
  auto out = std::make_shared<Vector>();
  out->size = size;
  if (seen.kinds == 0) return out;
  out->layout = Layout::kFlat;
  out->type = type_of(seen.kinds);
  if (seen.nulls) fill_nulls(values, begin, rows, *out);
  switch (out->type) {
    case Type::kString: fill_strings(values, begin, rows, values.dictionary ? dictionary : nullptr, *out); break;
    case Type::kDouble: fill_doubles(values, begin, rows, *out); break;
    case Type::kArray:
    case Type::kStruct:
    case Type::kMixed:
      out->layout = Layout::kValues;
      out->nulls.clear();
      out->values.resize(size);
      for (uint32_t i = 0; i < size; ++i) {
        if (!null_at(values, rows[i] - begin)) out->values[i] = to_value(field_at(values, rows[i] - begin));
      }
      break;
    default: fill_ints(values, begin, rows, *out);
  }
  return out;
}

RestField field_at(const BlockValues& values, uint32_t row) {
  RestField field;
  uint8_t kind = values.kind_at(row);
  field.kind = static_cast<Kind>(kind);
  if (lane_is_int(kind)) field.lane = values.ints[row];
  if (field.kind == Kind::kDecimal) field.scale = values.scale_at(row);
  if (lane_is_text(kind)) field.text = values.text_at(row);
  return field;
}

Value to_value(const RestField& field) {
  switch (field.kind) {
    case Kind::kNull: return {};
    case Kind::kBool: return Value::boolean(field.lane != 0);
    case Kind::kInt: return Value::bigint(field.lane);
    case Kind::kUint: return Value::ubigint(static_cast<uint64_t>(field.lane));
    case Kind::kDecimal:
    case Kind::kFloat: return Value::real(number_of(field.kind, field.lane, field.scale));
    case Kind::kNumberText: return Value::real(number_of_text(field.text));
    case Kind::kString: return Value::string(std::string(field.text));
    case Kind::kTime: return Value::timestamp(field.lane);
    case Kind::kArray: return Value::array(array_items(field.text));
    case Kind::kEmptyObject: return Value::structure({});
    case Kind::kBytes: {
      std::string text;
      model::append_base64(field.text, text);
      return Value::string(std::move(text));
    }
  }
  return {};
}

model::Values array_items(std::string_view text) {
  model::Values items;
  for (std::string_view item : model::split_array(text)) items.push_back(json_value(item));
  return items;
}

}  // namespace clew::columnar
