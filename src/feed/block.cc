#include "feed/block.h"

#include <cmath>
#include <cstdlib>

#include "expr/print.h"

namespace clew::feed {
namespace {

using model::Layout;
using model::Type;

constexpr size_t kNumberBytesMax = 64;  // of a number that is written as a text

std::optional<double> number_of_text(std::string_view text) {
  if (text.empty() || text.size() > kNumberBytesMax) return std::nullopt;
  std::string copy(text);
  char* end = nullptr;
  double value = std::strtod(copy.c_str(), &end);
  bool whole = end == copy.c_str() + copy.size() && end != copy.c_str();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<double> number_of(const model::Value& v) {
  switch (v.type()) {
    case Type::kInt:
    case Type::kLong: return static_cast<double>(v.i64());
    case Type::kULong: return static_cast<double>(static_cast<uint64_t>(v.i64()));
    case Type::kDouble:
    case Type::kFloat: return v.f64();
    case Type::kDecimal: return static_cast<double>(v.i64()) / std::pow(10.0, v.scale());
    case Type::kString: return number_of_text(v.text());
    default: return std::nullopt;
  }
}

}  // namespace

Result<model::VectorPtr> Block::column(std::string_view field) {
  auto known = columns_.find(field);
  if (known != columns_.end()) return known->second;
  contract::ScanStats stats;
  model::VectorPtr values = CLEW_TRY(granule_.column(field, block_, rows_, stats));
  columns_.emplace(std::string(field), values);
  return values;
}

Block Block::narrowed(const model::Selection& kept) const {
  model::Selection rows;
  rows.reserve(kept.size());
  for (uint32_t row : kept) rows.push_back(rows_[row]);
  return Block(granule_, block_, std::move(rows));
}

std::string_view Texts::at(uint32_t row) {
  const model::Vector& column = *column_;
  if (column.is_null(row)) return {};
  if (column.type == Type::kString || column.type == Type::kIp) {
    if (column.layout == Layout::kDict) return column.dict->strings[column.codes[row]];
    if (column.layout != Layout::kValues) return column.strings[column.at(row)];
  }
  model::Value value = column.value(row);
  if (value.type() == Type::kString) return made_.emplace_back(value.text());
  if (value.type() == Type::kBool) return value.i64() != 0 ? "true" : "false";
  std::string text;
  if (value.type() == Type::kArray || value.type() == Type::kStruct)
    expr::append_json(value, text);
  else
    text = expr::print_value(value);
  return made_.emplace_back(std::move(text));
}

std::optional<double> number_at(const model::Vector& column, uint32_t row) {
  if (column.is_null(row)) return std::nullopt;
  if (column.layout == Layout::kFlat || column.layout == Layout::kConst) {
    if (column.type == Type::kLong || column.type == Type::kInt) return static_cast<double>(column.i64[column.at(row)]);
    if (column.type == Type::kDouble) return column.f64[column.at(row)];
  }
  return number_of(column.value(row));
}

Result<Visited> visit(const contract::FeedPiece& piece, const std::function<Status(Block& block)>& take) {
  Visited visited;
  for (const contract::FedGranule& fed : piece.granules) {
    const contract::Granule& granule = *fed.granule;
    for (uint32_t block = 0; block * contract::kBlockRows < granule.rows(); ++block) {
      model::Selection rows;
      granule.alive(block, rows);
      if (rows.empty()) continue;
      Status taken;
      if (!fed.whole) {
        contract::ScanStats stats;
        Result<model::VectorPtr> seqs = granule.column("_seq", block, rows, stats);
        if (seqs.ok()) {
          model::Selection inside;
          for (uint32_t i = 0; i < rows.size(); ++i) {
            if (piece.range.contains(static_cast<uint64_t>((*seqs)->i64[(*seqs)->at(i)]))) inside.push_back(rows[i]);
          }
          rows = std::move(inside);
        } else {
          taken = seqs.error();
        }
      }
      if (rows.empty()) continue;
      auto count = rows.size();
      if (taken.ok()) {
        Block one(granule, block, std::move(rows));
        taken = take(one);
      }
      if (taken.ok()) {
        visited.rows += count;
      } else if (taken.error().code() == Code::kCorrupt) {
        visited.damaged_rows += count;
      } else {
        return std::move(taken).error();
      }
    }
  }
  return visited;
}

}  // namespace clew::feed
