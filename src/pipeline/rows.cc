#include "pipeline/rows.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "columnar/to_vector.h"
#include "expr/print.h"
#include "model/canonical.h"
#include "model/json_text.h"
#include "model/own_fields.h"
#include "model/shape.h"

namespace clew::pipeline {
namespace {

using model::Column;
using model::Kind;
using model::kWeightField;
using model::Layout;
using model::Selection;
using model::Type;
using model::Vector;

constexpr size_t kFieldsKept = 4096;  // between batches

bool has_text(uint8_t kind) { return kind != kNoValue && model::kind_has_text(static_cast<Kind>(kind)); }

constexpr uint32_t bit(Kind kind) { return 1u << static_cast<int>(kind); }

// Type of a vector of these kinds.
Type type_of(uint32_t kinds) {
  constexpr uint32_t kReals = bit(Kind::kDecimal) | bit(Kind::kFloat) | bit(Kind::kNumberText);
  if (kinds == 0) return Type::kNull;
  if (kinds == bit(Kind::kString)) return Type::kString;
  if (kinds == bit(Kind::kBool)) return Type::kBool;
  if (kinds == bit(Kind::kInt)) return Type::kLong;
  if (kinds == bit(Kind::kTime)) return Type::kTimestamp;
  if ((kinds & ~kReals) == 0) return Type::kDouble;
  return Type::kMixed;
}

// Makes a vector of the cells that `at(i)` gives for i below `size`.
template <class At>
model::VectorPtr vector_of(uint32_t size, At at) {
  auto out = std::make_shared<Vector>();
  out->size = size;
  uint32_t kinds = 0;
  bool nulls = false;
  for (uint32_t i = 0; i < size; ++i) {
    const Cell& cell = at(i);
    if (cell.is_null())
      nulls = true;
    else
      kinds |= 1u << cell.kind;
  }
  out->type = type_of(kinds);
  if (out->type == Type::kNull) return out;
  out->layout = Layout::kFlat;
  if (out->type == Type::kMixed) {
    out->layout = Layout::kValues;
    out->values.resize(size);
    for (uint32_t i = 0; i < size; ++i) {
      if (!at(i).is_null()) out->values[i] = columnar::to_value(at(i).field({}));
    }
    return out;
  }
  if (nulls) {
    out->nulls.resize(size);
    for (uint32_t i = 0; i < size; ++i) out->nulls[i] = at(i).is_null();
  }
  if (out->type == Type::kString) {
    out->strings.resize(size);
    for (uint32_t i = 0; i < size; ++i) out->strings[i] = at(i).is_null() ? std::string_view() : at(i).text();
  } else if (out->type == Type::kDouble) {
    out->f64.resize(size);
    for (uint32_t i = 0; i < size; ++i) {
      if (!at(i).is_null()) out->f64[i] = columnar::to_value(at(i).field({})).f64();
    }
  } else {
    out->i64.resize(size);
    for (uint32_t i = 0; i < size; ++i) out->i64[i] = at(i).lane;
  }
  return out;
}

}  // namespace

Cell Cell::real(double value) { return integer(std::bit_cast<int64_t>(value), Kind::kFloat); }

model::RestField Cell::field(std::string_view name) const {
  model::RestField out{.name = name, .kind = static_cast<Kind>(kind), .scale = scale, .lane = 0, .text = {}};
  if (has_text(kind))
    out.text = text();
  else
    out.lane = lane;
  return out;
}

char* TextArena::room(size_t bytes) {
  while (chunk_ < chunks_.size() && chunks_[chunk_].size - used_ < bytes) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    size_t size = std::max(kChunkBytes, bytes);
    chunks_.push_back({std::make_unique<char[]>(size), size});
    used_ = 0;
  }
  char* at = chunks_[chunk_].bytes.get() + used_;
  used_ += bytes;
  return at;
}

std::string_view TextArena::keep(std::string_view text) {
  if (text.empty()) return {"", 0};
  char* to = room(text.size());
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void TextArena::clear() {
  // One batch of huge texts must not be paid for ever.
  constexpr size_t kChunksKept = 64;
  std::erase_if(chunks_, [](const Chunk& chunk) { return chunk.size > kChunkBytes; });
  if (chunks_.size() > kChunksKept) chunks_.resize(kChunksKept);
  chunk_ = used_ = 0;
}

void Rows::attach(model::Batch& batch) {
  batch_ = &batch;
  count_ = batch.rows();
  ++batch_no_;
  if (fields_.size() > kFieldsKept) fields_.clear();
  arena_.clear();
  alive_.clear();
  targets_.clear();
  datasets_.clear();
  dropped_ = false;
  left_.resize(count_);
  for (uint32_t i = 0; i < count_; ++i) left_[i] = i;
  time_ = &make(model::kTimeField);
}

void Rows::load(Field& field, const Column& column) {
  field.origins = column.origins();
  size_t ints = 0;
  size_t scales = 0;
  size_t texts = 0;
  for (const model::KindRun& run : column.runs()) {
    bool is_int = model::kind_has_int(run.kind);
    bool is_text = model::kind_has_text(run.kind);
    for (uint32_t row = run.row; row < run.row + run.count; ++row) {
      Cell& cell = field.cells[row];
      cell.kind = static_cast<uint8_t>(run.kind);
      if (is_int) cell.lane = column.ints()[ints++];
      if (run.kind == Kind::kDecimal) cell.scale = column.scales()[scales++];
      if (is_text) {
        std::string_view text = column.text_at(texts++);
        cell.bytes = text.data();
        cell.lane = static_cast<int64_t>(text.size());
      }
    }
  }
}

Field* Rows::find(std::string_view name) {
  auto known = fields_.find(name);
  if (known != fields_.end() && known->second->batch_no == batch_no_) return known->second.get();
  const Column* column = batch_->find(name);
  if (column == nullptr || column->values_count() == 0) return nullptr;
  return &make(name);
}

Field& Rows::make(std::string_view name) {
  auto known = fields_.find(name);
  if (known == fields_.end()) {
    known = fields_.emplace(std::string(name), std::make_unique<Field>()).first;
    known->second->name = std::string(name);
  }
  Field& field = *known->second;
  if (field.batch_no == batch_no_) return field;
  field.batch_no = batch_no_;
  field.changed = false;
  field.origins = 0;
  field.cells.assign(count_, Cell{});
  const Column* column = batch_->find(name);
  if (column != nullptr && column->values_count() > 0) load(field, *column);
  return field;
}

Field& Rows::make_named(std::string_view path) {
  std::string buffer;
  Field& field = make(model::column_name(path, buffer));
  if (field.origins == 0) field.origins = model::bit(model::Origin::kParser);
  return field;
}

bool Rows::has(std::string_view name, uint32_t row) {
  Field* field = find(name);
  return field != nullptr && field->cells[row].any();
}

Cell Rows::number(std::string_view token) {
  Column spill("_spill");
  spill.add_number(0, token);
  auto kind = spill.runs()[0].kind;
  if (model::kind_has_text(kind)) return Cell::string(token, kind);
  Cell cell = Cell::integer(spill.ints()[0], kind);
  if (kind == Kind::kDecimal) cell.scale = spill.scales()[0];
  return cell;
}

std::vector<std::string> Rows::names() const {
  std::vector<std::string> out;
  for (const auto& column : batch_->columns()) {
    if (column->values_count() > 0) out.push_back(column->name());
  }
  for (const auto& [name, field] : fields_) {
    if (field->batch_no != batch_no_) continue;
    const Column* column = batch_->find(name);
    if (column == nullptr || column->values_count() == 0) out.push_back(name);
  }
  return out;
}

Cell Rows::cell_of(const Vector& vector, uint32_t row) {
  if (vector.is_null(row)) return {};
  if (vector.layout == Layout::kDict) return cell_of(*vector.dict, vector.codes[row]);
  uint32_t at = vector.at(row);
  model::Value value;
  Type type = vector.type;
  if (vector.layout == Layout::kValues) {
    value = vector.values[row];
    type = value.type();
  }
  bool held = vector.layout == Layout::kValues;
  auto lane = [&] { return held ? value.i64() : vector.i64[at]; };
  switch (type) {
    case Type::kNull: return {};
    case Type::kBool: return Cell::boolean(lane() != 0);
    case Type::kInt:
    case Type::kLong: return Cell::integer(lane());
    case Type::kULong: return Cell::integer(lane(), lane() < 0 ? Kind::kUint : Kind::kInt);
    case Type::kDouble:
    case Type::kFloat: return Cell::real(held ? value.f64() : vector.f64[at]);
    case Type::kTimestamp: return Cell::integer(lane(), Kind::kTime);
    case Type::kString:
    case Type::kIp: return Cell::string(held ? keep(value.text()) : vector.strings[at]);
    case Type::kArray:
    case Type::kStruct: {
      std::string json;
      expr::append_json(held ? value : vector.value(row), json);
      return Cell::string(keep(json), type == Type::kArray ? Kind::kArray : Kind::kString);
    }
    default: return Cell::string(keep(expr::print_value(held ? value : vector.value(row))));
  }
}

std::string_view Rows::text_of(const Cell& cell) {
  if (cell.is_null()) return {};
  if (cell.is_text()) return cell.text();
  std::string text;
  model::append_json_value(cell.field({}), text);
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return keep(text);
}

// The first source that has something, row by row.
std::vector<Cell> Rows::canonical(std::string_view name) {
  std::vector<Cell> out(count_);
  for (const model::CanonicalStep& step : model::canonical_steps(name, names())) {
    Field* field = find(step.source);
    if (field == nullptr) continue;
    if (step.how == model::Derive::kCopy) {
      for (uint32_t row = 0; row < count_; ++row) {
        if (out[row].is_null()) out[row] = field->cells[row];
      }
      continue;
    }
    model::VectorPtr source = vector_of(count_, [&](uint32_t i) -> const Cell& { return field->cells[i]; });
    model::VectorPtr derived = model::derive(step.how, source);
    alive_.push_back(source);
    alive_.push_back(derived);
    for (uint32_t row = 0; row < count_; ++row) {
      if (out[row].is_null()) out[row] = cell_of(*derived, row);
    }
  }
  return out;
}

model::VectorPtr Rows::vector(std::string_view name, const Selection* rows) {
  if (name == "@timestamp") name = model::kTimeField;
  auto make_vector = [&](const std::vector<Cell>& cells) {
    if (rows == nullptr) return vector_of(count_, [&](uint32_t i) -> const Cell& { return cells[i]; });
    return vector_of(static_cast<uint32_t>(rows->size()), [&](uint32_t i) -> const Cell& { return cells[(*rows)[i]]; });
  };
  if (model::is_canonical(name)) return make_vector(canonical(name));
  Field* field = find(name);
  if (field != nullptr) return make_vector(field->cells);
  auto none = std::make_shared<Vector>();
  none->size = rows == nullptr ? count_ : static_cast<uint32_t>(rows->size());
  return none;
}

const std::vector<std::string_view>& Rows::texts(std::string_view name) {
  texts_.assign(count_, {});
  auto add = [&](const std::vector<Cell>& cells) {
    for (uint32_t row = 0; row < count_; ++row) {
      const Cell& cell = cells[row];
      if (texts_[row].data() == nullptr && !cell.is_null()) texts_[row] = cell.is_text() ? cell.text() : text_of(cell);
    }
  };
  Field* own = find(name);
  if (own != nullptr) add(own->cells);
  if (!model::is_canonical(name)) return texts_;
  bool whole = std::all_of(left_.begin(), left_.end(), [&](uint32_t row) { return texts_[row].data() != nullptr; });
  if (!whole) add(canonical(name));
  return texts_;
}

void Rows::set_time(uint32_t row, int64_t unix_nanos) { set(*time_, row, Cell::integer(unix_nanos, Kind::kTime)); }

uint32_t Rows::flags(uint32_t row) {
  Field* field = find(model::kFlagsField);
  return field == nullptr || !field->cells[row].any() ? 0 : static_cast<uint32_t>(field->cells[row].lane);
}
void Rows::flag(uint32_t row, model::Flag flag) {
  uint32_t now = flags(row);
  if ((now & static_cast<uint32_t>(flag)) != 0) return;
  set(make(model::kFlagsField), row, Cell::integer(now | static_cast<uint32_t>(flag)));
}
void Rows::unflag(uint32_t row, model::Flag flag) {
  uint32_t now = flags(row);
  if ((now & static_cast<uint32_t>(flag)) == 0) return;
  uint32_t then = now & ~static_cast<uint32_t>(flag);
  Field& field = make(model::kFlagsField);
  if (then == 0)
    remove(field, row);
  else
    set(field, row, Cell::integer(then));
}

void Rows::drop(const Selection& rows) {
  if (rows.empty()) return;
  dropped_ = true;
  Selection kept;
  kept.reserve(left_.size());
  std::set_difference(left_.begin(), left_.end(), rows.begin(), rows.end(), std::back_inserter(kept));
  left_ = std::move(kept);
}

void Rows::send_to(uint32_t row, const std::string& dataset) {
  if (targets_.empty()) {
    targets_.assign(count_, 0);
    datasets_.assign(1, batch_->dataset());
  }
  auto known = std::find(datasets_.begin(), datasets_.end(), dataset);
  targets_[row] = static_cast<uint16_t>(known - datasets_.begin());
  if (known == datasets_.end()) datasets_.push_back(dataset);
}

int64_t Rows::weight(uint32_t row) {
  Field* field = find(kWeightField);
  return field == nullptr || !field->cells[row].any() ? 1 : field->cells[row].lane;
}
void Rows::add_weight(uint32_t row, int64_t more) { set(make(kWeightField), row, Cell::integer(weight(row) + more)); }
void Rows::weigh_all() {
  Field& field = make(kWeightField);
  for (uint32_t row : left_) {
    if (!field.cells[row].any()) set(field, row, Cell::integer(1));
  }
}

}  // namespace clew::pipeline
