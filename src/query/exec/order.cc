#include "query/exec/order.h"

#include <arpa/inet.h>

#include <charconv>
#include <cmath>
#include <cstring>

#include "expr/coerce.h"
#include "expr/print.h"
#include "model/canonical.h"

namespace clew::query::exec {

using model::Layout;
using model::Type;
using model::Value;
using model::Vector;

namespace {

int sign(bool less, bool more) { return less ? -1 : more ? 1 : 0; }

SortCell int_cell(int64_t v) {
  SortCell cell;
  cell.rank = SortCell::Rank::kInt;
  cell.i64 = v;
  return cell;
}

SortCell bool_cell(int64_t v) {
  SortCell cell = int_cell(v);
  cell.rank = SortCell::Rank::kBool;
  return cell;
}

SortCell unsigned_cell(int64_t bits) {
  SortCell cell = int_cell(bits);
  if (bits < 0) cell.rank = SortCell::Rank::kBig;
  return cell;
}

SortCell double_cell(double v) {
  SortCell cell;
  cell.rank = SortCell::Rank::kDouble;
  cell.f64 = v;
  return cell;
}

SortCell text_cell(std::string_view text) {
  SortCell cell;
  cell.rank = SortCell::Rank::kText;
  cell.text = text;
  return cell;
}

SortCell number_of_text(std::string_view text) {
  int64_t i = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), i);
  if (error == std::errc() && end == text.data() + text.size()) return int_cell(i);
  double d = 0;
  auto [dend, derror] = std::from_chars(text.data(), text.data() + text.size(), d);
  if (derror == std::errc() && dend == text.data() + text.size()) return double_cell(d);
  return {};
}

// Sixteen bytes in network order, an IPv4 address mapped; empty when it is no address.
std::string ip_bytes(std::string_view text) {
  std::string name(text);
  unsigned char out[16] = {};
  if (inet_pton(AF_INET6, name.c_str(), out) == 1) return std::string(reinterpret_cast<char*>(out), 16);
  out[10] = out[11] = 0xff;
  if (inet_pton(AF_INET, name.c_str(), out + 12) == 1) return std::string(reinterpret_cast<char*>(out), 16);
  return {};
}

SortCell cell_of(const Vector& vector, uint32_t row, const Value* value) {
  if (vector.is_null(row)) return {};
  if (vector.layout == Layout::kValues) {
    switch (value->type()) {
      case Type::kDouble:
      case Type::kFloat: return double_cell(value->f64());
      case Type::kDecimal: return double_cell(static_cast<double>(value->i64()) / std::pow(10.0, value->scale()));
      case Type::kString: return text_cell(value->text());
      case Type::kArray:
      case Type::kStruct:
      case Type::kIp: {
        SortCell cell;
        cell.rank = SortCell::Rank::kOther;
        cell.value = value;
        return cell;
      }
      case Type::kBool: return bool_cell(value->i64());
      case Type::kULong: return unsigned_cell(value->i64());
      default: return int_cell(value->i64());
    }
  }
  const Vector& from = vector.layout == Layout::kDict ? *vector.dict : vector;
  uint32_t at = vector.layout == Layout::kDict ? vector.codes[row] : vector.at(row);
  switch (vector.type) {
    case Type::kDouble:
    case Type::kFloat: return double_cell(from.f64[at]);
    case Type::kDecimal: return double_cell(static_cast<double>(from.i64[at]) / std::pow(10.0, from.scale));
    case Type::kString:
    case Type::kIp: return text_cell(from.strings[at]);
    case Type::kBool: return bool_cell(from.i64[at]);
    case Type::kULong: return unsigned_cell(from.i64[at]);
    default: return int_cell(from.i64[at]);
  }
}

int compare_items(const model::Values& a, const model::Values& b) {
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (int c = compare(a[i], b[i]); c != 0) return c;
  }
  return sign(a.size() < b.size(), a.size() > b.size());
}

bool is_number(const SortCell& cell) {
  using Rank = SortCell::Rank;
  return cell.rank == Rank::kInt || cell.rank == Rank::kBig || cell.rank == Rank::kDouble;
}

int compare_reals(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return sign(std::isnan(b) && !std::isnan(a), std::isnan(a) && !std::isnan(b));
  return sign(a<b, a> b);
}

int compare_big_real(uint64_t a, double b) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (std::isnan(b) || b >= 2 * kTwo63) return -1;
  if (b < kTwo63) return 1;
  auto whole = static_cast<uint64_t>(b);  // a double of that size has no fraction
  return sign(a<whole, a> whole);
}

int compare_integer_real(const SortCell& a, double b) {
  if (a.rank == SortCell::Rank::kBig) return compare_big_real(static_cast<uint64_t>(a.i64), b);
  return std::isnan(b) ? -1 : static_cast<int>(expr::compare_integer_double(a.i64, b));
}

int compare_numbers(const SortCell& a, const SortCell& b) {
  using Rank = SortCell::Rank;
  if (a.rank == Rank::kDouble) {
    return b.rank == Rank::kDouble ? compare_reals(a.f64, b.f64) : -compare_integer_real(b, a.f64);
  }
  if (b.rank == Rank::kDouble) return compare_integer_real(a, b.f64);
  if (a.rank != b.rank) return a.rank < b.rank ? -1 : 1;
  auto x = static_cast<uint64_t>(a.i64);
  auto y = static_cast<uint64_t>(b.i64);
  return sign(x<y, x> y);
}

}  // namespace

int compare(const SortCell& a, const SortCell& b) {
  using Rank = SortCell::Rank;
  if (a.rank == b.rank && (a.rank == Rank::kInt || a.rank == Rank::kBool)) return sign(a.i64<b.i64, a.i64> b.i64);
  if (is_number(a) && is_number(b)) return compare_numbers(a, b);
  if (a.rank != b.rank) return a.rank < b.rank ? -1 : 1;
  if (a.rank == Rank::kText) return sign(a.text < b.text, b.text < a.text);
  if (a.rank == Rank::kOther) return compare(*a.value, *b.value);
  return 0;
}

int compare(const Value& a, const Value& b) {
  if (a.type() == Type::kArray && b.type() == Type::kArray) return compare_items(a.items(), b.items());
  bool deep = a.type() == Type::kArray || a.type() == Type::kStruct || a.type() == Type::kIp ||
              b.type() == Type::kArray || b.type() == Type::kStruct || b.type() == Type::kIp;
  if (deep) {
    if (a.type() != b.type()) return a.type() < b.type() ? -1 : 1;
    if (a.type() == Type::kIp) {
      std::string x = ip_bytes(a.text());
      std::string y = ip_bytes(b.text());
      return sign(x < y, y < x);
    }
    std::string x = expr::print_value(a);
    std::string y = expr::print_value(b);
    return sign(x < y, y < x);
  }
  Vector va = Vector::constant(a, 1);
  Vector vb = Vector::constant(b, 1);
  return compare(cell_of(va, 0, &a), cell_of(vb, 0, &b));
}

void sort_cells(const Vector& vector, SortAs as, std::vector<SortCell>& out,
                std::vector<std::shared_ptr<const std::string>>& texts) {
  auto keep = [&](std::string text) {
    texts.push_back(std::make_shared<const std::string>(std::move(text)));
    return std::string_view(*texts.back());
  };
  if (vector.type == Type::kIp && as == SortAs::kAuto) as = SortAs::kIp;
  for (uint32_t row = 0; row < vector.size; ++row) {
    const Value* value = vector.layout == Layout::kValues ? &vector.values[row] : nullptr;
    SortCell cell = cell_of(vector, row, value);
    bool null = cell.rank == SortCell::Rank::kNull;
    if (!null && as == SortAs::kNumber && cell.rank == SortCell::Rank::kText) cell = number_of_text(cell.text);
    if (!null && as == SortAs::kText && cell.rank != SortCell::Rank::kText) {
      cell = text_cell(keep(expr::print_value(vector.value(row))));
    }
    if (!null && as == SortAs::kIp) {
      std::string bytes = ip_bytes(expr::print_value(vector.value(row)));
      if (!bytes.empty()) cell = text_cell(keep(std::move(bytes)));
    }
    if (!null && as == SortAs::kLevel && cell.rank == SortCell::Rank::kText) {
      if (int rank = model::level_rank(cell.text); rank != 0) cell = int_cell(rank);
    }
    out.push_back(cell);
  }
}

}  // namespace clew::query::exec
