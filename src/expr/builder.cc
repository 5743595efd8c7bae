#include "expr/builder.h"

#include <algorithm>
#include <cstring>

#include "expr/coerce.h"

namespace clew::expr {

using model::Layout;
using model::Type;
using model::Value;

Cell cell_of(const Value& value) {
  Cell cell;
  cell.type = value.type();
  cell.scale = value.scale();
  switch (cell.type) {
    case Type::kNull: break;
    case Type::kDouble:
    case Type::kFloat: cell.f64 = value.f64(); break;
    case Type::kString:
    case Type::kIp: cell.text = value.text(); break;
    case Type::kArray:
    case Type::kStruct: cell.value = &value; break;
    default: cell.i64 = value.i64();
  }
  return cell;
}

Cell cell_of(const model::Vector& vector, uint32_t row) {
  if (vector.is_null(row)) return {};
  if (vector.layout == Layout::kValues) return cell_of(vector.values[row]);
  if (vector.layout == Layout::kDict) return cell_of(*vector.dict, vector.codes[row]);
  uint32_t i = vector.at(row);
  Cell cell;
  cell.type = vector.type;
  cell.scale = vector.scale;
  switch (vector.type) {
    case Type::kDouble:
    case Type::kFloat: cell.f64 = vector.f64[i]; break;
    case Type::kString:
    case Type::kIp: cell.text = vector.strings[i]; break;
    default: cell.i64 = vector.i64[i];
  }
  return cell;
}

Value value_of(const Cell& cell) {
  switch (cell.type) {
    case Type::kNull: return {};
    case Type::kDouble:
    case Type::kFloat: {
      Value v = Value::real(cell.f64);
      v.set_type(cell.type);
      return v;
    }
    case Type::kString:
    case Type::kIp: {
      Value v = Value::string(std::string(cell.text));
      v.set_type(cell.type);
      return v;
    }
    case Type::kArray:
    case Type::kStruct: return *cell.value;
    default: {
      Value v = Value::decimal(cell.i64, cell.scale);
      v.set_type(cell.type);
      return v;
    }
  }
}

char* TextArena::room(size_t bytes) {
  if (bytes > left_) {
    size_t chunk = std::max(kChunkBytes, bytes);
    chunks_.push_back(std::make_unique<char[]>(chunk));
    at_ = chunks_.back().get();
    left_ = chunk;
    bytes_ += chunk;
  }
  char* begin = at_;
  at_ += bytes;
  left_ -= bytes;
  return begin;
}

std::string_view TextArena::add(std::string_view text) {
  if (text.empty()) return {};
  char* to = room(text.size());
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void VectorBuilder::mark(bool null) {
  if (null && out_.nulls.empty()) out_.nulls.assign(rows_, 0);
  if (!out_.nulls.empty() || null) out_.nulls.push_back(null ? 1 : 0);
  ++rows_;
}

void VectorBuilder::add_null() {
  if (mixed_) {
    out_.values.emplace_back();
    ++rows_;
    return;
  }
  switch (out_.type) {
    case Type::kNull: break;
    case Type::kDouble:
    case Type::kFloat: out_.f64.push_back(0); break;
    case Type::kString:
    case Type::kIp: out_.strings.emplace_back(); break;
    default: out_.i64.push_back(0);
  }
  mark(true);
}

// Makes the vector ready for a value of `type`; false when it holds Values by now.
bool VectorBuilder::prepare(Type type) {
  if (mixed_) return false;
  if (out_.type == type) return true;
  if (out_.type == Type::kNull) {
    out_.type = type;
    if (is_nested(type)) {
      become_values();
      return false;
    }
    if (is_real(type)) {
      out_.f64.assign(rows_, 0);
    } else if (is_text(type)) {
      out_.strings.assign(rows_, {});
    } else {
      out_.i64.assign(rows_, 0);
    }
    return true;
  }
  if (is_integer(out_.type) && is_integer(type)) {
    out_.type = Type::kLong;
    return true;
  }
  become_values();
  return false;
}

void VectorBuilder::become_values() {
  std::vector<Value> values(rows_);
  out_.size = rows_;
  out_.layout = Layout::kFlat;
  for (uint32_t i = 0; i < rows_; ++i) {
    bool null = !out_.nulls.empty() && out_.nulls[i] != 0;
    if (!null && !is_nested(out_.type)) values[i] = out_.value(i);
  }
  Type type = is_nested(out_.type) ? out_.type : Type::kMixed;
  out_ = model::Vector();
  out_.type = type;
  out_.layout = Layout::kValues;
  out_.values = std::move(values);
  mixed_ = true;
}

void VectorBuilder::add_lane(Type type, int64_t v) {
  if (!prepare(type)) return add_value(Value::of_lane(type, v));
  out_.i64.push_back(v);
  mark(false);
}

void VectorBuilder::add_real(double v, Type type) {
  if (!prepare(type)) {
    Value value = Value::real(v);
    value.set_type(type);
    return add_value(std::move(value));
  }
  out_.f64.push_back(v);
  mark(false);
}

// Brings the vector and `mantissa` to the larger scale; false, with nothing changed, when that needs more than 64 bits.
bool VectorBuilder::rescale_all(int64_t& mantissa, uint8_t scale) {
  uint8_t wide = std::max(out_.scale, scale);
  int64_t widened = mantissa;
  bool fits = rescale(widened, scale, wide);
  for (int64_t v : out_.i64) fits = fits && rescale(v, out_.scale, wide);
  if (!fits) return false;
  for (int64_t& v : out_.i64) (void)rescale(v, out_.scale, wide);
  mantissa = widened;
  out_.scale = wide;
  return true;
}

void VectorBuilder::add_decimal(int64_t mantissa, uint8_t scale) {
  bool first = out_.type == Type::kNull;
  if (!prepare(Type::kDecimal)) return add_value(Value::decimal(mantissa, scale));
  if (first) out_.scale = scale;
  if (out_.scale != scale && !rescale_all(mantissa, scale)) {
    become_values();
    return add_value(Value::decimal(mantissa, scale));
  }
  out_.i64.push_back(mantissa);
  mark(false);
}

void VectorBuilder::add_text(Type type, std::string_view v) {
  bytes_ += v.size();
  if (!prepare(type)) {
    Value value = Value::string(std::string(v));
    value.set_type(type);
    return add_value(std::move(value));
  }
  if (arena_ == nullptr) arena_ = std::make_shared<TextArena>();
  out_.strings.push_back(arena_->add(v));
  mark(false);
}

void VectorBuilder::add_value(Value v) {
  if (!mixed_) {
    if (!is_nested(v.type())) return add(cell_of(v));
    if (out_.type == Type::kNull) out_.type = v.type();
    become_values();
  }
  if (v.type() == Type::kArray) {
    for (const Value& item : v.items()) bytes_ += sizeof(Value) + (is_text(item.type()) ? item.text().size() : 0);
  }
  if (!v.is_null() && v.type() != out_.type) out_.type = Type::kMixed;
  out_.values.push_back(std::move(v));
  ++rows_;
}

void VectorBuilder::add(const Cell& cell) {
  switch (cell.type) {
    case Type::kNull: return add_null();
    case Type::kDouble:
    case Type::kFloat: return add_real(cell.f64, cell.type);
    case Type::kDecimal: return add_decimal(cell.i64, cell.scale);
    case Type::kString:
    case Type::kIp: return add_text(cell.type, cell.text);
    case Type::kArray:
    case Type::kStruct: return add_value(*cell.value);
    case Type::kInterval:
      add_lane(cell.type, cell.i64);
      if (!mixed_) out_.scale = cell.scale;
      return;
    default: return add_lane(cell.type, cell.i64);
  }
}

model::VectorPtr VectorBuilder::finish() {
  out_.size = rows_;
  if (out_.type == Type::kNull) {
    out_ = model::Vector::all_null(rows_);
  } else if (!mixed_) {
    out_.layout = Layout::kFlat;
    if (arena_ != nullptr) out_.owners.push_back(arena_);
  }
  return std::make_shared<const model::Vector>(std::move(out_));
}

}  // namespace clew::expr
