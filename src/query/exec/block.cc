#include "query/exec/block.h"

#include <algorithm>
#include <unordered_set>

namespace clew::query::exec {

using model::Layout;
using model::Type;
using model::Vector;
using model::VectorPtr;

Result<VectorPtr> BlockInputs::column(uint32_t slot, const model::Selection* rows) {
  if (slot >= block_.slots.size() || block_.slots[slot] == nullptr) {
    return null_vector(rows ? static_cast<uint32_t>(rows->size()) : block_.rows);
  }
  const VectorPtr& vector = block_.slots[slot];
  if (rows == nullptr) return vector;
  return expr::gather(vector, *rows);
}

VectorPtr null_vector(uint32_t rows) { return std::make_shared<const Vector>(Vector::all_null(rows)); }

Block gather(const Block& block, const model::Selection& rows) {
  if (rows.size() == block.rows) return block;
  Block out;
  out.rows = static_cast<uint32_t>(rows.size());
  out.slots.resize(block.slots.size());
  for (size_t i = 0; i < block.slots.size(); ++i) {
    if (block.slots[i] != nullptr) out.slots[i] = expr::gather(block.slots[i], rows);
  }
  return out;
}

namespace {

bool is_double_lane(Type type) { return type == Type::kDouble || type == Type::kFloat; }
bool is_text_lane(Type type) { return type == Type::kString || type == Type::kIp; }

// The lane entry of a row that is not null, below its dictionary.
const Vector& entry(const Vector& vector, uint32_t row, uint32_t& at) {
  if (vector.layout == Layout::kDict) {
    at = vector.codes[row];
    return *vector.dict;
  }
  at = vector.at(row);
  return vector;
}

// What the columns have in common: their type when there is one and no column is kValues, else kMixed.
Type common_type(std::span<const VectorPtr> columns, uint8_t& scale) {
  Type type = Type::kNull;
  for (const VectorPtr& column : columns) {
    if (column == nullptr || column->type == Type::kNull) continue;
    if (column->layout == Layout::kValues) return Type::kMixed;
    if (type != Type::kNull && (column->type != type || column->scale != scale)) return Type::kMixed;
    type = column->type;
    scale = column->scale;
  }
  return type;
}

VectorPtr gather_values(std::span<const VectorPtr> columns, std::span<const RowRef> rows) {
  Vector out;
  out.layout = Layout::kValues;
  out.size = static_cast<uint32_t>(rows.size());
  out.values.reserve(rows.size());
  Type type = Type::kNull;
  for (RowRef ref : rows) {
    out.values.push_back(columns[ref.block] ? columns[ref.block]->value(ref.row) : model::Value());
    Type t = out.values.back().type();
    if (t != Type::kNull) type = type == Type::kNull || type == t ? t : Type::kMixed;
  }
  if (type == Type::kNull) return null_vector(out.size);
  out.type = type;
  return std::make_shared<const Vector>(std::move(out));
}

void take_owners(std::span<const VectorPtr> columns, std::span<const RowRef> rows, Vector& out) {
  std::vector<bool> used(columns.size());
  for (RowRef ref : rows) used[ref.block] = true;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!used[i] || columns[i] == nullptr) continue;
    const Vector& from = columns[i]->layout == Layout::kDict ? *columns[i]->dict : *columns[i];
    out.owners.insert(out.owners.end(), from.owners.begin(), from.owners.end());
    if (columns[i]->layout == Layout::kDict) out.owners.push_back(columns[i]->dict);
  }
}

}  // namespace

VectorPtr gather_column(std::span<const VectorPtr> columns, std::span<const RowRef> rows) {
  uint8_t scale = 0;
  Type type = common_type(columns, scale);
  uint32_t count = static_cast<uint32_t>(rows.size());
  if (type == Type::kNull) return null_vector(count);
  if (type == Type::kMixed) return gather_values(columns, rows);
  Vector out;
  out.type = type;
  out.layout = Layout::kFlat;
  out.size = count;
  out.scale = scale;
  bool nulls = false;
  for (const VectorPtr& column : columns) nulls = nulls || column == nullptr || column->has_nulls();
  if (nulls) out.nulls.resize(count);
  if (is_double_lane(type))
    out.f64.resize(count);
  else if (is_text_lane(type))
    out.strings.resize(count);
  else
    out.i64.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    const VectorPtr& column = columns[rows[i].block];
    if (column == nullptr || column->is_null(rows[i].row)) {
      out.nulls[i] = 1;
      continue;
    }
    uint32_t at = 0;
    const Vector& from = entry(*column, rows[i].row, at);
    if (is_double_lane(type))
      out.f64[i] = from.f64[at];
    else if (is_text_lane(type))
      out.strings[i] = from.strings[at];
    else
      out.i64[i] = from.i64[at];
  }
  if (is_text_lane(type)) take_owners(columns, rows, out);
  return std::make_shared<const Vector>(std::move(out));
}

Block gather(std::span<const Block> blocks, std::span<const RowRef> rows) {
  Block out;
  out.rows = static_cast<uint32_t>(rows.size());
  size_t slots = 0;
  for (const Block& block : blocks) slots = std::max(slots, block.slots.size());
  out.slots.resize(slots);
  std::vector<VectorPtr> columns(blocks.size());
  for (size_t slot = 0; slot < slots; ++slot) {
    bool any = false;
    for (size_t b = 0; b < blocks.size(); ++b) {
      columns[b] = slot < blocks[b].slots.size() ? blocks[b].slots[slot] : nullptr;
      any = any || columns[b] != nullptr;
    }
    if (any) out.slots[slot] = gather_column(columns, rows);
  }
  return out;
}

VectorPtr vector_of(const std::vector<model::Value>& values) {
  uint32_t count = static_cast<uint32_t>(values.size());
  Type type = Type::kNull;
  uint8_t scale = 0;
  for (const model::Value& v : values) {
    if (v.is_null()) continue;
    if (type != Type::kNull && (v.type() != type || v.scale() != scale)) type = Type::kMixed;
    if (type == Type::kMixed) break;
    type = v.type();
    scale = v.scale();
  }
  if (type == Type::kNull) return null_vector(count);
  Vector out;
  out.type = type;
  out.size = count;
  if (type == Type::kMixed || type == Type::kArray || type == Type::kStruct) {
    out.layout = Layout::kValues;
    out.values = values;
    return std::make_shared<const Vector>(std::move(out));
  }
  out.layout = Layout::kFlat;
  out.scale = scale;
  out.nulls.resize(count);
  auto texts = std::make_shared<std::vector<std::string>>();
  if (is_text_lane(type)) texts->reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    bool null = values[i].is_null();
    out.nulls[i] = null ? 1 : 0;
    if (is_double_lane(type)) {
      out.f64.push_back(null ? 0 : values[i].f64());
    } else if (is_text_lane(type)) {
      texts->push_back(null ? std::string() : values[i].text());
      out.strings.push_back(texts->back());
    } else {
      out.i64.push_back(null ? 0 : values[i].i64());
    }
  }
  if (is_text_lane(type)) out.owners.push_back(std::move(texts));
  return std::make_shared<const Vector>(std::move(out));
}

namespace {

VectorPtr own_texts(const VectorPtr& vector) {
  bool text = vector != nullptr && (vector->type == Type::kString || vector->type == Type::kIp);
  if (!text || vector->layout == Layout::kValues) return vector;
  const Vector& from = vector->layout == Layout::kDict ? *vector->dict : *vector;
  auto view = [&](uint32_t row) {
    return from.strings[vector->layout == Layout::kDict ? vector->codes[row] : vector->at(row)];
  };
  auto bytes = std::make_shared<std::string>();
  size_t size = 0;
  for (uint32_t row = 0; row < vector->size; ++row) size += vector->is_null(row) ? 0 : view(row).size();
  bytes->reserve(size);
  Vector out;
  out.type = vector->type;
  out.layout = Layout::kFlat;
  out.size = vector->size;
  for (uint32_t row = 0; row < vector->size; ++row) {
    bool null = vector->is_null(row);
    if (null) out.nulls.resize(vector->size, 0);
    if (null) out.nulls[row] = 1;
    size_t begin = bytes->size();
    if (!null) bytes->append(view(row));
    out.strings.push_back(std::string_view(*bytes).substr(begin));
  }
  out.owners.push_back(std::move(bytes));
  return std::make_shared<const Vector>(std::move(out));
}

}  // namespace

Block with_own_texts(Block block) {
  for (VectorPtr& vector : block.slots) vector = own_texts(vector);
  return block;
}

uint64_t memory_bytes(const Vector& vector) {
  uint64_t bytes = vector.nulls.size() + vector.i64.size() * 8 + vector.f64.size() * 8 + vector.codes.size() * 4;
  bytes += vector.strings.size() * sizeof(std::string_view);
  for (std::string_view text : vector.strings) bytes += text.size();
  for (const model::Value& value : vector.values) bytes += sizeof(model::Value) + value.text().size();
  return bytes + sizeof(Vector);
}

uint64_t memory_bytes(const Block& block) {
  uint64_t bytes = 0;
  std::unordered_set<const Vector*> dicts;
  for (const VectorPtr& vector : block.slots) {
    if (vector == nullptr) continue;
    bytes += memory_bytes(*vector);
    if (vector->dict != nullptr && dicts.insert(vector->dict.get()).second) bytes += memory_bytes(*vector->dict);
  }
  return bytes;
}

}  // namespace clew::query::exec
