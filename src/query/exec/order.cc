#include "query/exec/order.h"

#include <charconv>
#include <cmath>
#include <optional>

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

// Its text becomes a key of addresses in sort_cells().
SortCell address_cell(std::string_view text) {
  SortCell cell = text_cell(text);
  cell.rank = SortCell::Rank::kAddress;
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

// Bytes in the order of addresses; what is no address comes last.
std::string address_key(std::string_view text) {
  std::optional<expr::IpAddress> ip = expr::parse_ip(text);
  if (!ip) return "\x01" + std::string(text);
  std::string out(1, '\0');
  out.append(reinterpret_cast<const char*>(ip->bytes), sizeof ip->bytes);
  return out.append(text);
}

SortCell time_cell(SortCell::Rank rank, int64_t v, double second) {
  SortCell cell = int_cell(v);
  cell.rank = rank;
  cell.f64 = second;
  return cell;
}

// A time, or an integer.
SortCell lane_cell(Type type, int64_t v, uint8_t scale) {
  using Rank = SortCell::Rank;
  switch (type) {
    case Type::kBool: return bool_cell(v);
    case Type::kULong: return unsigned_cell(v);
    case Type::kTime: return time_cell(Rank::kTimeOfDay, v, 0);
    case Type::kInterval: return time_cell(Rank::kInterval, scale, static_cast<double>(v));
    case Type::kTimestamp: return time_cell(Rank::kMoment, v, 0);
    case Type::kDate: {
      expr::Moment moment = expr::moment_of(type, v);
      return time_cell(Rank::kMoment, moment.nanos, static_cast<double>(moment.beyond));
    }
    default: return int_cell(v);
  }
}

SortCell cell_of(const Value& value) {
  switch (value.type()) {
    case Type::kDouble:
    case Type::kFloat: return double_cell(value.f64());
    case Type::kDecimal: return double_cell(expr::decimal_to_double(value.i64(), value.scale()));
    case Type::kString: return text_cell(value.text());
    case Type::kIp: return address_cell(value.text());
    case Type::kArray:
    case Type::kStruct: {
      SortCell cell;
      cell.rank = SortCell::Rank::kNested;
      cell.value = &value;
      return cell;
    }
    default: return lane_cell(value.type(), value.i64(), value.scale());
  }
}

SortCell cell_of(const Vector& vector, uint32_t row) {
  if (vector.is_null(row)) return {};
  if (vector.layout == Layout::kValues) return cell_of(vector.values[row]);
  const Vector& from = vector.layout == Layout::kDict ? *vector.dict : vector;
  uint32_t at = vector.layout == Layout::kDict ? vector.codes[row] : vector.at(row);
  switch (vector.type) {
    case Type::kDouble:
    case Type::kFloat: return double_cell(from.f64[at]);
    case Type::kDecimal: return double_cell(expr::decimal_to_double(from.i64[at], from.scale));
    case Type::kString: return text_cell(from.strings[at]);
    case Type::kIp: return address_cell(from.strings[at]);
    default: return lane_cell(vector.type, from.i64[at], from.scale);
  }
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
  // Integers and moments are what is sorted most.
  bool lane = a.rank == b.rank && (a.rank == Rank::kInt || a.rank == Rank::kMoment);
  if (lane && a.i64 != b.i64) return a.i64 < b.i64 ? -1 : 1;
  if (is_number(a) && is_number(b)) return compare_numbers(a, b);
  if (a.rank != b.rank) return a.rank < b.rank ? -1 : 1;
  switch (a.rank) {
    case Rank::kBool:
    case Rank::kTimeOfDay:
    case Rank::kMoment:
    case Rank::kInterval: return a.i64 != b.i64 ? sign(a.i64<b.i64, a.i64> b.i64) : sign(a.f64<b.f64, a.f64> b.f64);
    case Rank::kText:
    case Rank::kAddress: return sign(a.text < b.text, b.text < a.text);
    case Rank::kNested: return compare(*a.value, *b.value);
    default: return 0;
  }
}

int compare(const Value& a, const Value& b) { return expr::total_order(expr::cell_of(a), expr::cell_of(b)); }

void sort_cells(const Vector& vector, SortAs as, std::vector<SortCell>& out,
                std::vector<std::shared_ptr<const std::string>>& texts) {
  using Rank = SortCell::Rank;
  auto keep = [&](std::string text) {
    texts.push_back(std::make_shared<const std::string>(std::move(text)));
    return std::string_view(*texts.back());
  };
  for (uint32_t row = 0; row < vector.size; ++row) {
    SortCell cell = cell_of(vector, row);
    if (as == SortAs::kNumber && cell.rank == Rank::kText) cell = number_of_text(cell.text);
    if (as == SortAs::kText && cell.rank != Rank::kText && cell.rank != Rank::kNull) {
      cell = text_cell(keep(expr::print_value(vector.value(row))));
    }
    if (as == SortAs::kIp && cell.rank == Rank::kText && expr::parse_ip(cell.text)) cell = address_cell(cell.text);
    if (cell.rank == Rank::kAddress) cell.text = keep(address_key(cell.text));
    if (as == SortAs::kLevel && cell.rank == Rank::kText) {
      if (int rank = model::level_rank(cell.text); rank != 0) cell = int_cell(rank);
    }
    out.push_back(cell);
  }
}

}  // namespace clew::query::exec
