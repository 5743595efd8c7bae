#include "trace/narrow.h"

#include <algorithm>
#include <iterator>

#include "expr/print.h"

namespace clew::trace {
namespace {

using contract::Granule;
using contract::Predicate;
using contract::ScanStats;
using model::Selection;
using model::Type;
using model::Vector;
using model::VectorPtr;

bool meets_number(const Predicate& leaf, double v) {
  std::optional<double> bound = number_of(leaf.values[0]);
  if (!bound) return false;
  switch (leaf.op) {
    case Predicate::Op::kLess: return v < *bound;
    case Predicate::Op::kLessEq: return v <= *bound;
    case Predicate::Op::kGreater: return v > *bound;
    default: return v >= *bound;
  }
}

bool is_order(Predicate::Op op) {
  return op == Predicate::Op::kLess || op == Predicate::Op::kLessEq || op == Predicate::Op::kGreater ||
         op == Predicate::Op::kGreaterEq;
}

// The plain form of what Granule::filter does on encoded columns.
bool meets(const Predicate& leaf, const Vector& values, uint32_t row, Records& keeper) {
  if (values.is_null(row)) return false;
  if (leaf.op == Predicate::Op::kExists) return true;
  if (is_order(leaf.op)) {
    std::optional<double> number = number_of(values.value(row));
    return number && meets_number(leaf, *number);
  }
  std::string_view text = text_at(values, row, keeper);
  return std::any_of(leaf.values.begin(), leaf.values.end(), [&](const model::Value& v) {
    if (v.type() == Type::kBool) return text == (v.i64() != 0 ? "true" : "false");
    bool part = leaf.op == Predicate::Op::kContains || leaf.op == Predicate::Op::kPhrase;
    if (part) return text.find(v.text()) != text.npos;
    return text == v.text();
  });
}

Status narrow_any(const Granule& granule, uint32_t block, const Predicate& p, Selection& rows, ScanStats& stats) {
  Selection kept;
  for (const Predicate& child : p.children) {
    Selection some;
    std::set_difference(rows.begin(), rows.end(), kept.begin(), kept.end(), std::back_inserter(some));
    CLEW_TRY(narrow(granule, block, child, some, stats));
    Selection both;
    std::merge(kept.begin(), kept.end(), some.begin(), some.end(), std::back_inserter(both));
    kept = std::move(both);
  }
  rows = std::move(kept);
  return {};
}

Predicate leaf(Predicate::Op op, std::string field, model::Values values) {
  Predicate p;
  p.op = op;
  p.field = std::move(field);
  p.values = std::move(values);
  return p;
}

Predicate group(Predicate::Op op, std::vector<Predicate> children) {
  Predicate p;
  p.op = op;
  p.children = std::move(children);
  return p;
}

}  // namespace

Status narrow(const Granule& granule, uint32_t block, const Predicate& p, Selection& rows, ScanStats& stats) {
  if (rows.empty()) return {};
  if (p.op == Predicate::Op::kAll) {
    for (const Predicate& child : p.children) CLEW_TRY(narrow(granule, block, child, rows, stats));
    return {};
  }
  if (p.op == Predicate::Op::kAny) return narrow_any(granule, block, p, rows, stats);
  bool done = CLEW_TRY(granule.filter(p, block, rows, stats));
  if (done) return {};
  VectorPtr values = CLEW_TRY(granule.column(p.field, block, rows, stats));
  Selection kept;
  if (values->type != Type::kNull) {
    Records keeper;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      if (meets(p, *values, i, keeper)) kept.push_back(rows[i]);
    }
  }
  rows = std::move(kept);
  return {};
}

Status narrow_time(const Granule& granule, uint32_t block, const contract::TimeRange& range, Selection& rows,
                   ScanStats& stats) {
  if (rows.empty() || (granule.time_min() >= range.from && granule.time_max() < range.to)) return {};
  VectorPtr times = CLEW_TRY(granule.column("@timestamp", block, rows, stats));
  Selection kept;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (!times->is_null(i) && range.contains(times->i64[times->at(i)])) kept.push_back(rows[i]);
  }
  rows = std::move(kept);
  return {};
}

Predicate equals(std::string field, std::string value) {
  return leaf(Predicate::Op::kEquals, std::move(field), {model::Value::string(std::move(value))});
}
Predicate one_of(std::string field, const std::vector<std::string>& values) {
  model::Values list;
  for (const std::string& v : values) list.push_back(model::Value::string(v));
  return leaf(values.size() == 1 ? Predicate::Op::kEquals : Predicate::Op::kIn, std::move(field), std::move(list));
}
Predicate contains(std::string field, std::string part) {
  return leaf(Predicate::Op::kContains, std::move(field), {model::Value::string(std::move(part))});
}
Predicate exists(std::string field) { return leaf(Predicate::Op::kExists, std::move(field), {}); }
Predicate at_least(std::string field, double value) {
  return leaf(Predicate::Op::kGreaterEq, std::move(field), {model::Value::real(value)});
}
Predicate at_most(std::string field, double value) {
  return leaf(Predicate::Op::kLessEq, std::move(field), {model::Value::real(value)});
}
Predicate any_of(std::vector<Predicate> children) { return group(Predicate::Op::kAny, std::move(children)); }
Predicate all_of(std::vector<Predicate> children) { return group(Predicate::Op::kAll, std::move(children)); }
Predicate phrase(std::string text) { return phrase_in("", std::move(text)); }
Predicate phrase_in(std::string field, std::string text) {
  return leaf(Predicate::Op::kPhrase, std::move(field), {model::Value::string(std::move(text))});
}

std::string_view text_at(const Vector& column, uint32_t row, Records& keeper) {
  if (column.is_null(row)) return {};
  if (column.type == Type::kString || column.type == Type::kIp) {
    if (column.layout == model::Layout::kDict) return column.dict->strings[column.codes[row]];
    if (column.layout != model::Layout::kValues) return column.strings[column.at(row)];
  }
  model::Value v = column.value(row);
  if (v.type() == Type::kString) return keeper.keep(v.text());
  if (v.type() == Type::kBool) return v.i64() != 0 ? "true" : "false";
  std::string json;
  if (v.type() == Type::kArray || v.type() == Type::kStruct)
    expr::append_json(v, json);
  else
    json = expr::print_value(v);
  return keeper.keep(std::move(json));
}

std::optional<double> number_of(const model::Value& v) {
  switch (v.type()) {
    case Type::kInt:
    case Type::kLong:
    case Type::kULong: return static_cast<double>(v.i64());
    case Type::kDouble:
    case Type::kFloat: return v.f64();
    case Type::kDecimal: {
      double out = static_cast<double>(v.i64());
      for (uint8_t i = 0; i < v.scale(); ++i) out /= 10;
      return out;
    }
    default: return std::nullopt;
  }
}

}  // namespace clew::trace
