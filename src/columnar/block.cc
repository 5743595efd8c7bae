#include "columnar/block.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "base/check.h"
#include "columnar/text_block.h"

namespace clew::columnar {
namespace {

using model::Kind;

constexpr uint8_t kKindCount = static_cast<uint8_t>(Kind::kBytes) + 1;
constexpr uint8_t kScaleMax = 18;
constexpr uint8_t kScalesListed = 255;
constexpr uint8_t kNoRelation = 255;
constexpr std::array<int64_t, 10> kPowersOfTen = {1,      10,      100,      1000,      10000,
                                                  100000, 1000000, 10000000, 100000000, 1000000000};

int64_t floor_divide(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b > a ? q - 1 : q;
}

uint32_t count_present(const ColumnView& column, uint32_t begin, uint32_t rows) {
  if (!column.kinds) return column.kind == kAbsent ? 0 : rows;
  uint32_t n = 0;
  for (uint32_t i = 0; i < rows; ++i) n += column.kinds[begin + i] != kAbsent;
  return n;
}

uint8_t write_presence(const ColumnView& column, uint32_t begin, uint32_t rows, uint32_t present, BlockScratch& scratch,
                       std::string& out) {
  if (present == rows) return 0;
  base::Writer w(out);
  if (present * 32 > rows) {
    std::string bitmap((rows + 7) / 8, '\0');
    for (uint32_t i = 0; i < rows; ++i) {
      if (column.kinds[begin + i] != kAbsent) bitmap[i / 8] = static_cast<char>(bitmap[i / 8] | 1 << (i % 8));
    }
    w.bytes(bitmap);
    return 1;
  }
  w.varint(present);
  scratch.numbers.clear();
  for (uint32_t i = 0; i < rows; ++i) {
    if (column.kinds[begin + i] != kAbsent) scratch.numbers.push_back(i);
  }
  scratch.ints.encode(scratch.numbers, codec::Effort::kFast, out);
  return 2;
}

// The rows of a block without gaps.
constexpr std::array<uint32_t, kBlockRows> kAllRows = [] {
  std::array<uint32_t, kBlockRows> rows{};
  for (uint32_t i = 0; i < kBlockRows; ++i) rows[i] = i;
  return rows;
}();

// The rows of the block that have the field, rising, where some have not.
Status read_listed(base::Reader& in, uint8_t form, uint32_t rows, std::vector<uint32_t>& present) {
  if (form == 1) {
    std::string_view bitmap = in.bytes((rows + 7) / 8);
    CLEW_TRY(in.status());
    for (uint32_t i = 0; i < rows; ++i) {
      if (static_cast<uint8_t>(bitmap[i / 8]) >> (i % 8) & 1) present.push_back(i);
    }
    return {};
  }
  if (form != 2) return Error(Code::kUnsupported, "unknown form of presence");
  uint64_t count = in.varint_max(rows);
  std::vector<int64_t> listed(count);
  CLEW_TRY(codec::decode_ints(in, count, listed.data()));
  int64_t last = -1;
  for (int64_t row : listed) {
    if (row <= last || row >= rows) return Error(Code::kCorrupt, "rows out of order");
    present.push_back(static_cast<uint32_t>(row));
    last = row;
  }
  return {};
}

// The rows of the block that have the field, rising; `listed` keeps them where they are not all.
Status read_presence(base::Reader& in, uint8_t form, uint32_t rows, std::vector<uint32_t>& listed,
                     std::span<const uint32_t>& present) {
  if (rows > kBlockRows) return Error(Code::kCorrupt, "a block of too many rows");
  if (form == 0) {
    present = std::span(kAllRows).first(rows);
    return {};
  }
  CLEW_TRY(read_listed(in, form, rows, listed));
  present = listed;
  return {};
}

void write_kinds(const ColumnView& column, uint32_t begin, uint32_t rows, std::string& out) {
  std::vector<std::pair<uint8_t, uint32_t>> runs;
  for (uint32_t i = 0; i < rows; ++i) {
    uint8_t kind = column.kind_at(begin + i);
    if (kind == kAbsent) continue;
    if (runs.empty() || runs.back().first != kind) runs.emplace_back(kind, 0);
    ++runs.back().second;
  }
  base::Writer w(out);
  w.varint(runs.size());
  for (auto [kind, count] : runs) {
    w.u8(kind);
    w.varint(count);
  }
}

Status read_kinds(base::Reader& in, uint16_t allowed, std::span<const uint32_t> present, BlockValues& out) {
  uint64_t runs = in.varint_max(present.size());
  size_t at = 0;
  for (uint64_t r = 0; r < runs; ++r) {
    uint8_t kind = in.u8();
    uint64_t count = in.varint_max(present.size() - at);
    if (in.failed() || kind >= kKindCount || !(allowed >> kind & 1))
      return Error(Code::kCorrupt, "a kind not announced");
    for (uint64_t i = 0; i < count; ++i) out.kinds[present[at++]] = kind;
  }
  if (at != present.size()) return Error(Code::kCorrupt, "kinds for fewer rows");
  return {};
}

void write_scales(const ColumnView& column, std::span<const uint32_t> decimals, BlockScratch& scratch,
                  std::string& out) {
  base::Writer w(out);
  auto scale_at = [&](uint32_t row) { return column.scales ? column.scales[row] : column.scale; };
  uint8_t first = scale_at(decimals[0]);
  bool same = std::all_of(decimals.begin(), decimals.end(), [&](uint32_t row) { return scale_at(row) == first; });
  w.u8(same ? first : kScalesListed);
  if (same) return;
  scratch.lengths.resize(decimals.size());
  for (size_t i = 0; i < decimals.size(); ++i) scratch.lengths[i] = scale_at(decimals[i]);
  scratch.ints.encode(scratch.lengths, codec::Effort::kFast, out);
}

// The exponent e so that every number is floor(_time / 10^e), or kNoRelation.
uint8_t find_relation(std::span<const int64_t> numbers, const int64_t* times) {
  if (!times || numbers.size() < 2 || numbers[0] == 0) return kNoRelation;
  for (uint8_t e = 0; e < kPowersOfTen.size(); ++e) {
    if (floor_divide(times[0], kPowersOfTen[e]) != numbers[0]) continue;
    for (size_t i = 1; i < numbers.size(); ++i) {
      if (floor_divide(times[i], kPowersOfTen[e]) != numbers[i]) return kNoRelation;
    }
    return e;
  }
  return kNoRelation;
}

// Every row has a number: the lane is encoded where it lies.
bool write_all_ints(const ColumnView& column, uint32_t begin, uint32_t rows, const BlockPlan& plan,
                    BlockScratch& scratch, std::string& out) {
  base::Writer w(out);
  if (column.kind == static_cast<uint8_t>(Kind::kDecimal)) w.u8(column.scale);
  std::span<const int64_t> numbers(column.ints + begin, rows);
  uint8_t relation = find_relation(numbers, plan.times ? plan.times + begin : nullptr);
  w.u8(relation);
  if (relation != kNoRelation) return true;
  scratch.ints.encode(numbers, plan.effort, out);
  return false;
}

// Gives true when the numbers are written by their relation to `_time`.
bool write_ints(const ColumnView& column, uint32_t begin, uint32_t rows, const BlockPlan& plan, BlockScratch& scratch,
                std::string& out) {
  if (!column.kinds && !lane_is_int(column.kind)) return false;
  if (!column.kinds && !column.scales) return write_all_ints(column, begin, rows, plan, scratch, out);
  std::vector<uint32_t> decimals;
  std::vector<uint32_t>& where = scratch.text_rows;
  where.clear();
  scratch.numbers.clear();
  for (uint32_t row = begin; row < begin + rows; ++row) {
    uint8_t kind = column.kind_at(row);
    if (!lane_is_int(kind)) continue;
    where.push_back(row);
    scratch.numbers.push_back(column.ints[row]);
    if (kind == static_cast<uint8_t>(Kind::kDecimal)) decimals.push_back(row);
  }
  if (where.empty()) return false;
  if (!decimals.empty()) write_scales(column, decimals, scratch, out);
  std::vector<int64_t> times;
  for (size_t i = 0; plan.times && i < where.size(); ++i) times.push_back(plan.times[where[i]]);
  uint8_t relation = find_relation(scratch.numbers, plan.times ? times.data() : nullptr);
  base::Writer(out).u8(relation);
  if (relation != kNoRelation) return true;
  scratch.ints.encode(scratch.numbers, plan.effort, out);
  return false;
}

Status read_scales(base::Reader& in, std::span<const uint32_t> decimals, BlockValues& out) {
  uint8_t scale = in.u8();
  CLEW_TRY(in.status());
  if (scale != kScalesListed) {
    if (scale > kScaleMax) return Error(Code::kCorrupt, "a scale above 18");
    out.scale = scale;
    return {};
  }
  std::vector<int64_t> listed(decimals.size());
  CLEW_TRY(codec::decode_ints(in, listed.size(), listed.data()));
  out.scales.assign(out.rows, 0);
  for (size_t i = 0; i < listed.size(); ++i) {
    if (listed[i] < 0 || listed[i] > kScaleMax) return Error(Code::kCorrupt, "a scale above 18");
    out.scales[decimals[i]] = static_cast<uint8_t>(listed[i]);
  }
  return {};
}

Status read_ints(base::Reader& in, std::span<const uint32_t> where, const BlockContext& context, BlockValues& out) {
  uint8_t relation = in.u8();
  CLEW_TRY(in.status());
  out.ints.resize(out.rows);
  if (relation != kNoRelation) {
    if (relation >= kPowersOfTen.size()) return Error(Code::kUnsupported, "unknown relation to _time");
    if (!context.times) return Error(Code::kCorrupt, "_time is not there");
    for (uint32_t row : where) out.ints[row] = floor_divide(context.times[row], kPowersOfTen[relation]);
    return {};
  }
  if (where.size() == out.rows) return codec::decode_ints(in, out.rows, out.ints.data());
  std::vector<int64_t> dense(where.size());
  CLEW_TRY(codec::decode_ints(in, dense.size(), dense.data()));
  for (size_t i = 0; i < dense.size(); ++i) out.ints[where[i]] = dense[i];
  return {};
}

bool write_texts(const ColumnView& column, uint32_t begin, uint32_t rows, const BlockPlan& plan, BlockScratch& scratch,
                 std::string& out) {
  if (!column.kinds && !lane_is_text(column.kind)) return false;
  bool coded = plan.text_form == TextForm::kCodes;
  scratch.texts.clear();
  scratch.text_rows.clear();
  if (!column.kinds) {
    scratch.text_rows.resize(rows);
    for (uint32_t i = 0; i < rows; ++i) scratch.text_rows[i] = begin + i;
    std::span<const std::string_view> texts;
    if (!coded && !column.typed) texts = {column.texts + begin, rows};
    return encode_texts({texts, scratch.text_rows, column.typed}, plan, scratch, out);
  }
  for (uint32_t row = begin; row < begin + rows; ++row) {
    if (!lane_is_text(column.kind_at(row))) continue;
    scratch.text_rows.push_back(row);
    if (!coded && !column.typed) scratch.texts.push_back(column.text_at(row));
  }
  if (scratch.text_rows.empty()) return false;
  return encode_texts({scratch.texts, scratch.text_rows, column.typed}, plan, scratch, out);
}

// From text by text to row by row.
void spread(TypedValues& values, std::span<const uint32_t> where, uint32_t rows) {
  if (values.each == 0) {
    std::vector<int64_t> numbers(rows, 0);
    for (size_t i = 0; i < where.size(); ++i) numbers[where[i]] = values.numbers[i];
    values.numbers = std::move(numbers);
    return;
  }
  std::string bytes(rows * values.each, '\0');
  for (size_t i = 0; i < where.size(); ++i) {
    std::memcpy(bytes.data() + where[i] * values.each, values.bytes.data() + i * values.each, values.each);
  }
  values.bytes = std::move(bytes);
}

Status read_texts(base::Reader& in, std::span<const uint32_t> where, const BlockContext& context, BlockValues& out) {
  DecodedTexts texts = CLEW_TRY(decode_texts(in, where, out.rows, context));
  if (texts.coded) {
    out.dictionary = context.dictionary;
    if (where.size() == out.rows) {
      out.codes = std::move(texts.codes);
      return {};
    }
    out.codes.assign(out.rows, 0);
    for (size_t i = 0; i < where.size(); ++i) out.codes[where[i]] = texts.codes[i];
    return {};
  }
  if (texts.templates) {
    out.templates = std::move(texts.templates);
    return {};
  }
  if (texts.typed) {
    if (where.size() < out.rows) spread(*texts.typed, where, out.rows);
    out.typed = std::move(texts.typed);
    return {};
  }
  out.owners.push_back(texts.bytes);
  if (where.size() == out.rows) {
    out.texts = std::move(texts.texts);
    return {};
  }
  out.texts.resize(out.rows);
  for (size_t i = 0; i < where.size(); ++i) out.texts[where[i]] = texts.texts[i];
  return {};
}

uint8_t one_kind(uint16_t kinds) { return static_cast<uint8_t>(__builtin_ctz(kinds)); }

}  // namespace

void encode_block(const ColumnView& column, uint32_t begin, uint32_t rows, const BlockPlan& plan, BlockScratch& scratch,
                  std::string& out) {
  CHECK(rows > 0 && rows <= 4096 && begin + rows <= column.rows, begin, rows);
  uint32_t present = count_present(column, begin, rows);
  if (present == 0) return;
  size_t flags_at = out.size();
  base::Writer(out).u8(0);
  uint8_t flags = write_presence(column, begin, rows, present, scratch, out);
  if (!plan.one_kind) write_kinds(column, begin, rows, out);
  if (write_ints(column, begin, rows, plan, scratch, out)) flags |= kNeedsTimes;
  if (write_texts(column, begin, rows, plan, scratch, out)) flags |= kNeedsTimes;
  out[flags_at] = static_cast<char>(flags);
}

bool block_needs_times(std::string_view bytes) { return !bytes.empty() && (bytes[0] & kNeedsTimes) != 0; }

Status with_texts(std::string_view bytes, uint32_t rows, uint16_t kinds,
                  const std::function<Status(base::Reader& in, std::span<const uint32_t> rows)>& read) {
  if (bytes.empty()) return {};
  if (kinds != 1u << static_cast<int>(Kind::kString)) return Error(Code::kCorrupt, "not a block of strings only");
  base::Reader in(bytes);
  uint8_t flags = in.u8();
  std::vector<uint32_t> listed;
  std::span<const uint32_t> present;
  CLEW_TRY(read_presence(in, flags & kPresenceMask, rows, listed, present));
  CLEW_TRY(in.status());
  return read(in, present);
}

Result<BlockValues> decode_block(std::string_view bytes, uint32_t rows, const BlockContext& context) {
  BlockValues out;
  out.rows = rows;
  if (bytes.empty()) return out;
  if (context.kinds == 0) return Error(Code::kCorrupt, "values of no kind");
  base::Reader in(bytes);
  uint8_t flags = in.u8();
  std::vector<uint32_t> listed;
  std::span<const uint32_t> present;
  CLEW_TRY(read_presence(in, flags & kPresenceMask, rows, listed, present));
  bool uniform = (context.kinds & (context.kinds - 1)) == 0;
  out.kind = uniform ? one_kind(context.kinds) : kAbsent;
  if (out.kind != kAbsent && out.kind >= kKindCount) return Error(Code::kUnsupported, "unknown kind");
  if (!uniform || present.size() < rows) {
    out.kinds.assign(rows, kAbsent);
    if (uniform) {
      for (uint32_t row : present) out.kinds[row] = out.kind;
    } else {
      CLEW_TRY(read_kinds(in, context.kinds, present, out));
    }
  }
  if (out.kinds.empty()) {
    if (out.kind == static_cast<uint8_t>(Kind::kDecimal)) CLEW_TRY(read_scales(in, present, out));
    if (lane_is_int(out.kind)) CLEW_TRY(read_ints(in, present, context, out));
    if (lane_is_text(out.kind)) CLEW_TRY(read_texts(in, present, context, out));
    CLEW_TRY(in.finish());
    return out;
  }
  std::vector<uint32_t> with_ints;
  std::vector<uint32_t> with_texts;
  std::vector<uint32_t> decimals;
  for (uint32_t row : present) {
    uint8_t kind = out.kind_at(row);
    if (lane_is_int(kind)) with_ints.push_back(row);
    if (lane_is_text(kind)) with_texts.push_back(row);
    if (kind == static_cast<uint8_t>(Kind::kDecimal)) decimals.push_back(row);
  }
  if (!decimals.empty()) CLEW_TRY(read_scales(in, decimals, out));
  if (!with_ints.empty()) CLEW_TRY(read_ints(in, with_ints, context, out));
  if (!with_texts.empty()) CLEW_TRY(read_texts(in, with_texts, context, out));
  CLEW_TRY(in.finish());
  return out;
}

}  // namespace clew::columnar
