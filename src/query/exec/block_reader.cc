#include <algorithm>

#include "model/selection.h"
#include "query/exec/json_value.h"
#include "query/exec/scan.h"

namespace clew::query::exec {

using contract::kBlockRows;
using model::Selection;
using model::VectorPtr;

BlockReader::BlockReader(const contract::Granule& granule, uint32_t block, const std::vector<SourceColumn>& columns,
                         expr::Evaluator& evaluator, contract::ScanStats& stats)
    : granule_(granule),
      block_(block),
      first_(block * kBlockRows),
      rows_(std::min(kBlockRows, granule.rows() - first_)),
      columns_(columns),
      evaluator_(evaluator),
      stats_(stats) {}

Selection BlockReader::in_granule(const Selection& rows) const {
  Selection out(rows);
  if (first_ != 0) {
    for (uint32_t& row : out) row += first_;
  }
  return out;
}

void BlockReader::alive(Selection& rows) const {
  rows.clear();
  granule_.alive(block_, rows);
  if (first_ != 0) {
    for (uint32_t& row : rows) row -= first_;
  }
}

Result<VectorPtr> BlockReader::field(const std::string& name, const Selection& rows) {
  return granule_.column(name, block_, in_granule(rows), stats_);
}

Result<bool> BlockReader::filter(const contract::Predicate& leaf, Selection& rows) {
  if (first_ != 0) {
    for (uint32_t& row : rows) row += first_;
  }
  Result<bool> narrowed = granule_.filter(leaf, block_, rows, stats_);
  if (first_ != 0) {
    for (uint32_t& row : rows) row -= first_;
  }
  return narrowed;
}

Result<bool> BlockReader::narrow(const contract::Predicate& predicate, Selection& rows) {
  // Of a list a granule knows some: one that asks for several words of a text reads it once.
  bool narrowed = CLEW_TRY(filter(predicate, rows));
  bool list = predicate.op == contract::Predicate::Op::kAll || predicate.op == contract::Predicate::Op::kAny;
  if (narrowed || !list) return narrowed;
  if (predicate.op == contract::Predicate::Op::kAny) return narrow_any(predicate, rows);
  bool all_meet = true;
  for (const contract::Predicate& child : predicate.children) {
    if (rows.empty()) return true;
    bool meet = CLEW_TRY(narrow(child, rows));
    all_meet = all_meet && meet;
  }
  return all_meet;
}

Result<bool> BlockReader::narrow_any(const contract::Predicate& predicate, Selection& rows) {
  Selection left = rows;  // no child has them yet
  bool all_meet = true;
  for (const contract::Predicate& child : predicate.children) {
    if (left.empty()) break;
    Selection some = left;
    bool meet = CLEW_TRY(narrow(child, some));
    all_meet = all_meet && meet;
    if (some.empty()) continue;
    left = model::without(left, some);
  }
  if (!left.empty()) rows = model::without(rows, left);
  return all_meet;
}

Result<VectorPtr> BlockReader::documents(const Selection& rows) {
  std::vector<std::string> texts = CLEW_TRY(granule_.documents(block_, in_granule(rows), stats_));
  auto kept = std::make_shared<const std::vector<std::string>>(std::move(texts));
  model::Vector out;
  out.type = model::Type::kString;
  out.layout = model::Layout::kFlat;
  out.size = static_cast<uint32_t>(rows.size());
  out.strings.assign(kept->begin(), kept->end());
  out.owners.push_back(kept);
  return VectorPtr(std::make_shared<const model::Vector>(std::move(out)));
}

namespace {

// What an event says of one object. Its members may stand in it or, with dots in their names, anywhere around it.
struct ObjectParts {
  std::vector<const model::Value*> whole;  // values at just this path
  model::Members members;                  // of names that go on behind it
};

void find_parts(const model::Value& value, std::string_view path, ObjectParts& out) {
  if (path.empty()) return out.whole.push_back(&value);
  if (value.type() != model::Type::kStruct) return;
  for (const auto& [key, member] : value.members()) {
    if (path.starts_with(key)) {
      std::string_view rest = path.substr(key.size());
      if (rest.empty() || rest[0] == '.') find_parts(member, rest.empty() ? rest : rest.substr(1), out);
    } else if (key.size() > path.size() + 1 && key.starts_with(path) && key[path.size()] == '.') {
      out.members.emplace_back(key.substr(path.size() + 1), member);
    }
  }
}

// The object at a dotted path; null where there is none.
model::Value object_at(const model::Value& document, std::string_view path) {
  ObjectParts parts;
  find_parts(document, path, parts);
  if (parts.members.empty() && parts.whole.size() == 1) return *parts.whole[0];
  for (const model::Value* whole : parts.whole) {
    if (whole->type() != model::Type::kStruct) continue;
    parts.members.insert(parts.members.end(), whole->members().begin(), whole->members().end());
  }
  if (!parts.members.empty()) return model::Value::structure(std::move(parts.members));
  return parts.whole.empty() ? model::Value() : *parts.whole[0];
}

}  // namespace

Result<VectorPtr> BlockReader::objects(const std::string& path, const Selection& rows) {
  std::vector<std::string> texts = CLEW_TRY(granule_.documents(block_, in_granule(rows), stats_));
  std::vector<model::Value> values;
  values.reserve(texts.size());
  for (const std::string& text : texts) {
    Result<model::Value> document = parse_json(text);
    values.push_back(document.ok() ? object_at(*document, path) : model::Value());
  }
  return vector_of(values);
}

Result<VectorPtr> BlockReader::load(const SourceColumn& source, const Selection& rows) {
  switch (source.from) {
    case SourceColumn::From::kDocument: return documents(rows);
    case SourceColumn::From::kObject: return objects(source.field, rows);
    case SourceColumn::From::kConverted: return evaluator_.eval(*source.convert, *this, &rows);
    case SourceColumn::From::kField: break;
  }
  return field(source.field, rows);
}

Result<VectorPtr> BlockReader::column(uint32_t slot, const Selection* rows) {
  Selection all;
  if (rows == nullptr) {
    all = expr::all_rows(rows_);
    rows = &all;
  }
  if (slot < cache_.size() && cache_[slot].vector != nullptr) {
    const Cached& cached = cache_[slot];
    if (cached.rows == *rows) return cached.vector;
    if (std::includes(cached.rows.begin(), cached.rows.end(), rows->begin(), rows->end())) {
      Selection positions;
      positions.reserve(rows->size());
      size_t at = 0;
      for (uint32_t row : *rows) {
        while (cached.rows[at] != row) ++at;
        positions.push_back(static_cast<uint32_t>(at));
      }
      return expr::gather(cached.vector, positions);
    }
  }
  auto source = std::find_if(columns_.begin(), columns_.end(), [&](const SourceColumn& c) { return c.slot == slot; });
  if (source == columns_.end()) return null_vector(static_cast<uint32_t>(rows->size()));
  VectorPtr vector = CLEW_TRY(load(*source, *rows));
  if (slot >= cache_.size()) cache_.resize(slot + 1);
  cache_[slot] = {*rows, vector};
  return vector;
}

Status ExprCondition::narrow(BlockReader& reader, Selection& rows) const {
  if (hint_) {
    bool all_meet = CLEW_TRY(reader.narrow(hint_->where, rows));
    if (all_meet && hint_->whole) return {};
  }
  if (rows.empty()) return {};
  return reader.evaluator().filter(*expr_, reader, rows);
}

}  // namespace clew::query::exec
