#include "query/ppl/value_match.h"

#include <arpa/inet.h>

#include <charconv>
#include <cmath>

#include "expr/print.h"
#include "model/canonical.h"
#include "query/ppl/times.h"

namespace clew::query::ppl {

using model::Layout;
using model::Type;
using model::Value;
using model::Vector;

namespace {

using Op = SearchNode::Op;

constexpr uint32_t kRowsOfAnEntryMin = 16;

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

template <class T>
std::optional<T> number_of(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Words of a pattern, where `*` and `?` belong to the words.
std::vector<std::string> pattern_words(std::string_view pattern) {
  std::string folded = text::fold(pattern);
  std::vector<std::string> out;
  std::string part;
  auto flush = [&] {
    if (!part.empty()) out.push_back(std::move(part));
    part.clear();
  };
  for (char c : folded) {
    bool word = c == '_' || c == '*' || c == '?' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                (static_cast<unsigned char>(c) & 0x80) != 0;
    if (word)
      part.push_back(c);
    else
      flush();
  }
  flush();
  return out;
}

void network(std::string_view literal, std::string& low, std::string& high) {
  size_t slash = literal.find('/');
  std::string_view address = literal.substr(0, slash);
  low = ip_key(address);
  if (low.empty()) return;
  high = low;
  if (slash == std::string_view::npos) return;
  auto bits = number_of<int>(literal.substr(slash + 1));
  bool v4 = address.find(':') == std::string_view::npos;
  int most = v4 ? 32 : 128;
  if (!bits || *bits < 0 || *bits > most) {
    low.clear();
    return;
  }
  for (int bit = *bits + (v4 ? 96 : 0); bit < 128; ++bit) {
    auto byte = static_cast<size_t>(bit / 8);
    int mask = 0x80 >> (bit % 8);
    low[byte] = static_cast<char>(low[byte] & ~mask);
    high[byte] = static_cast<char>(high[byte] | mask);
  }
}

}  // namespace

std::string ip_key(std::string_view text) {
  bool address = text.size() >= 2 && text.size() <= 45 &&
                 text.find_first_not_of("0123456789abcdefABCDEF.:") == std::string_view::npos;
  if (!address) return {};
  std::string name(text);
  unsigned char out[16] = {};
  if (inet_pton(AF_INET6, name.c_str(), out) == 1) return std::string(reinterpret_cast<char*>(out), 16);
  out[10] = out[11] = 0xff;
  if (inet_pton(AF_INET, name.c_str(), out + 12) == 1) return std::string(reinterpret_cast<char*>(out), 16);
  return {};
}

ValueMatch::ValueMatch(Op op, std::string literal, bool level, int64_t now)
    : op_(op), literal_(std::move(literal)), level_(level) {
  anything_ = literal_ == "*";
  wildcards_ = literal_.find_first_of("*?") != std::string::npos;
  integer_ = number_of<int64_t>(literal_);
  number_ = number_of<double>(literal_);
  if (level_) level_rank_ = model::level_rank(literal_);
  if (!wildcards_) {
    time_ = parse_date_time(literal_);
    if (!time_ && !number_) time_ = parse_time_word(literal_, now);
    network(literal_, ip_low_, ip_high_);
  }
  words_ = pattern_words(literal_);
}

bool ValueMatch::by_order(int c) const {
  switch (op_) {
    case Op::kEq: return c == 0;
    case Op::kNe: return c != 0;
    case Op::kLt: return c < 0;
    case Op::kLe: return c <= 0;
    case Op::kGt: return c > 0;
    case Op::kGe: return c >= 0;
  }
  return false;
}

bool ValueMatch::matches_number(double number, std::optional<int64_t> exact) const {
  if (level_ && level_rank_ != 0) {
    std::string text = exact ? std::to_string(*exact) : expr::print_value(Value::real(number));
    int rank = model::level_rank(text);
    if (rank != 0) return by_order(rank < level_rank_ ? -1 : rank > level_rank_ ? 1 : 0);
  }
  if (integer_ && exact) return by_order(*exact < *integer_ ? -1 : *exact > *integer_ ? 1 : 0);
  if (number_) {
    if (std::isnan(number)) return op_ == Op::kNe;
    return by_order(number < *number_ ? -1 : number > *number_ ? 1 : 0);
  }
  if (op_ != Op::kEq && op_ != Op::kNe) return false;
  std::string text = exact ? std::to_string(*exact) : expr::print_value(Value::real(number));
  return (wildcards_ && text::wildcard_match(literal_, text)) == (op_ == Op::kEq);
}

bool ValueMatch::words_match(std::string_view text) const {
  std::vector<std::string> have = text::words_of(text);
  if (words_.empty() || have.size() < words_.size()) return false;
  for (size_t at = 0; at + words_.size() <= have.size(); ++at) {
    size_t i = 0;
    while (i < words_.size() && text::wildcard_match(words_[i], have[at + i])) ++i;
    if (i == words_.size()) return true;
  }
  return false;
}

bool ValueMatch::equals_text(std::string_view text) const {
  if (anything_) return true;
  if (wildcards_ ? text::wildcard_match(literal_, text) : text == literal_) return true;
  bool prose = false;
  for (char c : text) prose = prose || blank(c);
  if (prose && words_match(text)) return true;
  if (ip_low_.empty() || ip_low_ == ip_high_) return false;
  std::string key = ip_key(text);
  return !key.empty() && key >= ip_low_ && key <= ip_high_;
}

bool ValueMatch::matches_text(std::string_view text) const {
  if (level_) {
    int rank = model::level_rank(text);
    if (rank != 0 && level_rank_ != 0) return by_order(rank < level_rank_ ? -1 : rank > level_rank_ ? 1 : 0);
    bool equal = wildcards_ ? text::wildcard_match(literal_, text, text::CaseRule::kFolded)
                            : text::fold(text) == text::fold(literal_);
    if (op_ == Op::kEq) return equal;
    return op_ == Op::kNe && !equal;
  }
  if (op_ == Op::kEq) return equals_text(text);
  if (op_ == Op::kNe) return !equals_text(text);
  if (number_) {
    auto number = number_of<double>(text);
    return number && by_order(*number < *number_ ? -1 : *number > *number_ ? 1 : 0);
  }
  int c = text.compare(literal_);
  return by_order(c < 0 ? -1 : c > 0 ? 1 : 0);
}

bool ValueMatch::matches_value(const Value& value) const {
  switch (value.type()) {
    case Type::kNull: return false;
    case Type::kBool: {
      bool same = text::fold(literal_) == (value.i64() != 0 ? "true" : "false") || anything_;
      return op_ == Op::kEq ? same : op_ == Op::kNe && !same;
    }
    case Type::kDouble:
    case Type::kFloat: return anything_ ? op_ == Op::kEq : matches_number(value.f64(), std::nullopt);
    case Type::kDecimal: {
      double number = static_cast<double>(value.i64()) / std::pow(10.0, value.scale());
      return anything_ ? op_ == Op::kEq : matches_number(number, std::nullopt);
    }
    case Type::kInt:
    case Type::kLong: return anything_ ? op_ == Op::kEq : matches_number(static_cast<double>(value.i64()), value.i64());
    case Type::kULong:
      return anything_ ? op_ == Op::kEq
                       : matches_number(static_cast<double>(static_cast<uint64_t>(value.i64())), std::nullopt);
    case Type::kTimestamp:
    case Type::kDate: {
      int64_t t = value.type() == Type::kDate ? value.i64() * 86'400'000'000'000 : value.i64();
      if (time_) return by_order(t < *time_ ? -1 : t > *time_ ? 1 : 0);
      if (op_ != Op::kEq && op_ != Op::kNe) return false;
      return equals_text(expr::print_value(value)) == (op_ == Op::kEq);
    }
    case Type::kIp: {
      std::string key = ip_key(value.text());
      if (key.empty() || ip_low_.empty()) return matches_text(value.text());
      return by_order(key < ip_low_ ? -1 : key > ip_high_ ? 1 : 0);
    }
    case Type::kArray: {
      for (const Value& item : value.items()) {
        if (matches_value(item)) return true;
      }
      return false;
    }
    case Type::kStruct: return anything_ && op_ == Op::kEq;
    default: return matches_text(value.type() == Type::kString ? value.text() : expr::print_value(value));
  }
}

bool ValueMatch::matches(const Vector& vector, uint32_t at) const {
  if (vector.layout == Layout::kValues) return matches_value(vector.values[at]);
  switch (vector.type) {
    case Type::kString: return matches_text(vector.strings[at]);
    case Type::kInt:
    case Type::kLong:
      return anything_ ? op_ == Op::kEq : matches_number(static_cast<double>(vector.i64[at]), vector.i64[at]);
    case Type::kDouble:
    case Type::kFloat: return anything_ ? op_ == Op::kEq : matches_number(vector.f64[at], std::nullopt);
    default: return matches_value(vector.value(at));
  }
}

void ValueMatch::matching(const Vector& vector, uint32_t rows, std::vector<uint32_t>& positions) const {
  if (vector.type == Type::kNull || rows == 0) return;
  if (vector.layout == Layout::kConst) {
    if (vector.is_null(0) || !matches(vector, 0)) return;
    for (uint32_t i = 0; i < rows; ++i) positions.push_back(i);
    return;
  }
  if (vector.layout != Layout::kDict) {
    for (uint32_t i = 0; i < rows; ++i) {
      if (!vector.is_null(i) && matches(vector, i)) positions.push_back(i);
    }
    return;
  }
  if (vector.nulls.empty() && vector.dict->size <= rows / kRowsOfAnEntryMin) {
    // Few entries: all are asked, then rows are taken without a branch, which would be guessed wrong as often as right.
    std::vector<uint8_t> matching(vector.dict->size);
    for (uint32_t code = 0; code < vector.dict->size; ++code) {
      matching[code] = !vector.dict->is_null(code) && matches(*vector.dict, code) ? 1 : 0;
    }
    size_t taken = positions.size();
    positions.resize(taken + rows);
    for (uint32_t i = 0; i < rows; ++i) {
      positions[taken] = i;
      taken += matching[vector.codes[i]];
    }
    positions.resize(taken);
    return;
  }
  constexpr uint8_t kUnasked = 2;
  std::vector<uint8_t> known(vector.dict->size, kUnasked);
  for (uint32_t i = 0; i < rows; ++i) {
    if (!vector.nulls.empty() && vector.nulls[i] != 0) continue;
    uint8_t& answer = known[vector.codes[i]];
    if (answer == kUnasked) answer = matches(*vector.dict, vector.codes[i]) ? 1 : 0;
    if (answer == 1) positions.push_back(i);
  }
}

}  // namespace clew::query::ppl
