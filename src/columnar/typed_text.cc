#include "columnar/typed_text.h"

#include <algorithm>
#include <cstring>

#include "codec/compress.h"
#include "codec/text_forms.h"
#include "codec/time_layout.h"

namespace clew::columnar {
namespace {

constexpr size_t kExceptionsShare = 16;  // one text in so many may be something else
constexpr size_t kHexCharsMin = 8;
constexpr size_t kHexCharsMax = 128;
constexpr size_t kTrialBytes = 4096;

// Positions of the texts that are something else, and the texts.
struct Exceptions {
  std::vector<int64_t> positions;
  std::vector<std::string_view> texts;

  void add(size_t i, std::string_view text) {
    positions.push_back(static_cast<int64_t>(i));
    texts.push_back(text);
  }
  bool too_many(size_t count) const { return positions.size() > count / kExceptionsShare; }
};

void write_exceptions(const Exceptions& e, const BlockPlan& plan, BlockScratch& scratch, std::string& out) {
  base::Writer(out).varint(e.positions.size());
  scratch.mixed = scratch.mixed || !e.positions.empty();
  if (e.positions.empty()) return;
  scratch.ints.encode(e.positions, codec::Effort::kFast, out);
  encode_plain(e.texts, plan.effort, scratch, out);
}

struct ReadExceptions {
  std::vector<int64_t> positions;
  std::string bytes;
  std::vector<std::string_view> texts;
};

Status read_exceptions(base::Reader& in, size_t count, ReadExceptions& e) {
  uint64_t n = in.varint_max(count);
  CLEW_TRY(in.status());
  if (n == 0) return {};
  e.positions.resize(n);
  CLEW_TRY(codec::decode_ints(in, n, e.positions.data()));
  CLEW_TRY(decode_plain(in, n, e.bytes, e.texts));
  for (int64_t p : e.positions) {
    if (p < 0 || static_cast<uint64_t>(p) >= count) return Error(Code::kCorrupt, "an exception outside of its block");
  }
  return {};
}

// Texts all of one length at `texts` bytes, exceptions put in their places; `out.bytes` holds all of them afterwards.
void place(size_t count, size_t text_bytes, ReadExceptions& e, DecodedTexts& out) {
  size_t fixed = out.bytes->size();
  out.bytes->append(e.bytes);
  out.texts.resize(count);
  const char* p = out.bytes->data();
  for (size_t i = 0; i < count; ++i) out.texts[i] = {p + i * text_bytes, text_bytes};
  size_t at = fixed;
  for (size_t i = 0; i < e.positions.size(); ++i) {
    out.texts[static_cast<size_t>(e.positions[i])] = {p + at, e.texts[i].size()};
    at += e.texts[i].size();
  }
}

// Random digits do not compress; a look at the first ones saves trying all.
void write_digits(std::string_view bytes, const BlockPlan& plan, std::string& out) {
  codec::Method method = codec::Method::kStored;
  if (plan.effort == codec::Effort::kFull) {
    std::string trial;
    std::string_view some = bytes.substr(0, kTrialBytes);
    codec::write_packed(some, codec::Method::kZstd, trial);
    if (trial.size() < some.size()) method = codec::Method::kZstd;
  }
  codec::write_packed(bytes, method, out);
}

// The texts' values; those of another form become exceptions. False when these are too many.
bool parse_hex_texts(std::span<const std::string_view> texts, TypedValues& values, Exceptions& e) {
  size_t chars = 0;
  for (size_t i = 0; i < texts.size() && chars == 0; ++i) {
    if (form_of_text(texts[i]) == TextForm::kHex) chars = texts[i].size();
  }
  if (chars == 0) return false;
  values.each = chars / 2;
  values.bytes.assign(texts.size() * values.each, '\0');
  for (size_t i = 0; i < texts.size(); ++i) {
    char* to = values.bytes.data() + i * values.each;
    if (texts[i].size() == chars && codec::parse_hex(texts[i], to)) continue;
    std::memset(to, 0, values.each);
    e.add(i, texts[i]);
    if (e.too_many(texts.size())) return false;
  }
  return true;
}

bool parse_uuid_texts(std::span<const std::string_view> texts, TypedValues& values, Exceptions& e) {
  values.each = codec::kUuidBytes;
  values.bytes.assign(texts.size() * codec::kUuidBytes, '\0');
  for (size_t i = 0; i < texts.size(); ++i) {
    char* to = values.bytes.data() + i * codec::kUuidBytes;
    if (codec::parse_uuid(texts[i], to)) continue;
    std::memset(to, 0, codec::kUuidBytes);
    e.add(i, texts[i]);
    if (e.too_many(texts.size())) return false;
  }
  return true;
}

bool parse_ip4_texts(std::span<const std::string_view> texts, TypedValues& values, Exceptions& e) {
  values.numbers.resize(texts.size());
  uint32_t last = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!codec::parse_ip4(texts[i], last)) {
      e.add(i, texts[i]);
      if (e.too_many(texts.size())) return false;
    }
    values.numbers[i] = last;
  }
  return true;
}

bool parse_time_texts(std::span<const std::string_view> texts, TypedValues& values, Exceptions& e) {
  for (size_t i = 0; i < texts.size() && i <= texts.size() / kExceptionsShare && !values.layout; ++i) {
    values.layout = codec::TimeLayout::of_example(texts[i]);
  }
  if (!values.layout) return false;
  values.numbers.resize(texts.size());
  int64_t last = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!values.layout->parse(texts[i], last)) {
      e.add(i, texts[i]);
      if (e.too_many(texts.size())) return false;
    }
    values.numbers[i] = last;
  }
  return true;
}

bool parse_texts(TextForm form, std::span<const std::string_view> texts, TypedValues& values, Exceptions& e) {
  switch (form) {
    case TextForm::kHex: return parse_hex_texts(texts, values, e);
    case TextForm::kUuid: return parse_uuid_texts(texts, values, e);
    case TextForm::kIp4: return parse_ip4_texts(texts, values, e);
    case TextForm::kTime: return parse_time_texts(texts, values, e);
    default: return false;
  }
}

// The values of those rows.
TypedValues taken(const TypedLane& lane, std::span<const uint32_t> rows) {
  TypedValues values;
  values.each = lane.values->each;
  values.layout = lane.values->layout;
  if (values.each == 0) {
    values.numbers.reserve(rows.size());
    for (uint32_t row : rows) values.numbers.push_back(lane.values->numbers[row]);
    return values;
  }
  values.bytes.reserve(rows.size() * values.each);
  for (uint32_t row : rows) values.bytes.append(lane.values->bytes, row * values.each, values.each);
  return values;
}

int64_t floor_to(int64_t v, int64_t unit) {
  int64_t rest = v % unit;
  return rest < 0 ? v - rest - unit : v - rest;
}

constexpr uint8_t kOwnTimes = 0;
constexpr uint8_t kTimesOfRows = 1;  // all of them `_time`, cut to the layout's digits, plus one constant

// The constant that every time is ahead of its row's `_time`.
bool find_shift(const std::vector<int64_t>& times, const Exceptions& e, std::span<const uint32_t> rows,
                const int64_t* row_times, int64_t unit, int64_t& shift) {
  if (!row_times || times.size() < 2) return false;
  size_t next = 0;
  bool known = false;
  for (size_t i = 0; i < times.size(); ++i) {
    if (next < e.positions.size() && static_cast<size_t>(e.positions[next]) == i) {
      ++next;
      continue;
    }
    int64_t d = times[i] - floor_to(row_times[rows[i]], unit);
    if (known && d != shift) return false;
    shift = d;
    known = true;
  }
  return known;
}

// Gives true when decoding needs `_time`.
bool write_times(const TypedValues& values, const Exceptions& e, std::span<const uint32_t> rows, const BlockPlan& plan,
                 BlockScratch& scratch, std::string& out) {
  base::Writer w(out);
  w.string(values.layout->pattern());
  w.varint_signed(values.layout->offset_seconds());
  int64_t shift = 0;
  if (find_shift(values.numbers, e, rows, plan.times, values.layout->unit_ns(), shift)) {
    w.u8(kTimesOfRows);
    w.varint_signed(shift);
    return true;
  }
  w.u8(kOwnTimes);
  scratch.ints.encode(values.numbers, plan.effort, out);
  return false;
}

Status read_digits(base::Reader& in, size_t count, size_t each, TypedValues& values) {
  values.each = each;
  CLEW_TRY(codec::read_packed(in, values.bytes));
  if (values.bytes.size() != count * each) return Error(Code::kCorrupt, "digits of another count");
  return {};
}

Status read_ip4(base::Reader& in, size_t count, TypedValues& values) {
  values.numbers.resize(count);
  CLEW_TRY(codec::decode_ints(in, count, values.numbers.data()));
  for (int64_t ip : values.numbers) {
    if (ip < 0 || ip > UINT32_MAX) return Error(Code::kCorrupt, "an address above 32 bits");
  }
  return {};
}

Status read_times(base::Reader& in, std::span<const uint32_t> rows, const int64_t* row_times, TypedValues& values) {
  std::string pattern(in.string());
  int64_t offset = in.varint_signed();
  uint8_t form = in.u8();
  CLEW_TRY(in.status());
  if (offset != static_cast<int32_t>(offset)) return Error(Code::kCorrupt, "a zone beyond a day");
  values.layout = codec::TimeLayout::of_pattern(std::move(pattern), static_cast<int32_t>(offset));
  if (!values.layout) return Error(Code::kCorrupt, "no layout of times");
  values.numbers.resize(rows.size());
  if (form == kOwnTimes) return codec::decode_ints(in, rows.size(), values.numbers.data());
  if (form != kTimesOfRows) return Error(Code::kUnsupported, "unknown form of times");
  int64_t shift = in.varint_signed();
  if (!row_times) return Error(Code::kCorrupt, "_time is not there");
  for (size_t i = 0; i < rows.size(); ++i) {
    int64_t time = floor_to(row_times[rows[i]], values.layout->unit_ns());
    values.numbers[i] = static_cast<int64_t>(static_cast<uint64_t>(time) + static_cast<uint64_t>(shift));
  }
  return {};
}

Status read_values(TextForm form, base::Reader& in, std::span<const uint32_t> rows, const int64_t* row_times,
                   TypedValues& values) {
  switch (form) {
    case TextForm::kHex: return read_digits(in, rows.size(), in.u8(), values);
    case TextForm::kUuid: return read_digits(in, rows.size(), codec::kUuidBytes, values);
    case TextForm::kIp4: return read_ip4(in, rows.size(), values);
    case TextForm::kTime: return read_times(in, rows, row_times, values);
    default: return Error(Code::kUnsupported, "unknown form of texts");
  }
}

// Prints those texts that are asked for; the others come empty or with anything in them.
void print_values(TextForm form, TypedValues& values, std::span<const uint32_t> rows, const BlockContext& context,
                  ReadExceptions& e, DecodedTexts& out) {
  size_t count = rows.size();
  size_t chars = typed_chars_max(form, values);
  out.bytes = std::make_shared<std::string>(count * chars, '\0');
  char* p = out.bytes->data();
  std::vector<uint8_t> lengths(form == TextForm::kIp4 ? count : 0);
  if (form == TextForm::kHex) {
    codec::print_hex(values.bytes.data(), values.bytes.size(), p);
  } else {
    for (size_t i = 0; i < count; ++i) {
      if (!context.is_wanted(rows[i])) continue;
      size_t length = print_typed(form, values, i, p + i * chars);
      if (!lengths.empty()) lengths[i] = static_cast<uint8_t>(length);
    }
  }
  place(count, chars, e, out);
  if (lengths.empty()) return;
  std::vector<bool> other(e.positions.empty() ? 0 : count, false);
  for (int64_t i : e.positions) other[static_cast<size_t>(i)] = true;
  for (size_t i = 0; i < count; ++i) {
    if (other.empty() || !other[i]) out.texts[i] = out.texts[i].substr(0, lengths[i]);
  }
}

}  // namespace

TextForm form_of_text(std::string_view text) {
  char bytes[kHexCharsMax / 2];
  uint32_t ip;
  if (text.size() == codec::kUuidChars && codec::parse_uuid(text, bytes)) return TextForm::kUuid;
  if (text.size() >= kHexCharsMin && text.size() <= kHexCharsMax && codec::parse_hex(text, bytes))
    return TextForm::kHex;
  if (codec::parse_ip4(text, ip)) return TextForm::kIp4;
  if (codec::TimeLayout::of_example(text)) return TextForm::kTime;
  return TextForm::kPlain;
}

void encode_plain(std::span<const std::string_view> texts, codec::Effort effort, BlockScratch& scratch,
                  std::string& out) {
  scratch.lengths.resize(texts.size());
  size_t bytes = 0;
  bool one_lane = true;  // as a batch has them: each begins where the one before ends
  for (size_t i = 0; i < texts.size(); ++i) {
    scratch.lengths[i] = static_cast<int64_t>(texts[i].size());
    one_lane = one_lane && texts[i].data() == texts[0].data() + bytes;
    bytes += texts[i].size();
  }
  scratch.ints.encode(scratch.lengths, effort, out);
  scratch.bytes.clear();
  if (!one_lane) {
    for (std::string_view text : texts) scratch.bytes.append(text);
  }
  std::string_view lane = one_lane && bytes > 0 ? std::string_view(texts[0].data(), bytes) : scratch.bytes;
  codec::write_packed(lane, codec::method_of(effort), out);
}

Status decode_plain(base::Reader& in, size_t count, std::string& bytes, std::vector<std::string_view>& texts) {
  std::vector<int64_t> lengths(count);
  CLEW_TRY(codec::decode_ints(in, count, lengths.data()));
  CLEW_TRY(codec::read_packed(in, bytes));
  texts.reserve(count);
  std::string_view left = bytes;
  for (int64_t length : lengths) {
    if (length < 0 || static_cast<uint64_t>(length) > left.size()) return Error(Code::kCorrupt, "texts too long");
    texts.push_back(left.substr(0, static_cast<size_t>(length)));
    left.remove_prefix(static_cast<size_t>(length));
  }
  if (!left.empty()) return Error(Code::kCorrupt, "texts too short");
  return {};
}

size_t typed_chars_max(TextForm form, const TypedValues& values) {
  switch (form) {
    case TextForm::kHex: return values.each * 2;
    case TextForm::kUuid: return codec::kUuidChars;
    case TextForm::kIp4: return codec::kIp4CharsMax;
    case TextForm::kTime: return values.layout->text_bytes();
    default: return 0;
  }
}

size_t print_typed(TextForm form, TypedValues& values, size_t i, char* out) {
  switch (form) {
    case TextForm::kHex: codec::print_hex(values.bytes.data() + i * values.each, values.each, out); break;
    case TextForm::kUuid: codec::print_uuid(values.bytes.data() + i * values.each, out); break;
    case TextForm::kIp4: return codec::print_ip4(static_cast<uint32_t>(values.numbers[i]), out);
    case TextForm::kTime: values.layout->print(values.numbers[i], out); break;
    default: break;
  }
  return typed_chars_max(form, values);
}

bool encode_typed(TextForm form, const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out,
                  bool& needs_times) {
  TypedValues values;
  Exceptions e;
  if (in.typed) {
    values = taken(*in.typed, in.rows);
  } else if (!parse_texts(form, in.texts, values, e)) {
    return false;
  }
  write_exceptions(e, plan, scratch, out);
  switch (form) {
    case TextForm::kHex: base::Writer(out).u8(static_cast<uint8_t>(values.each)); [[fallthrough]];
    case TextForm::kUuid: write_digits(values.bytes, plan, out); break;
    case TextForm::kIp4: scratch.ints.encode(values.numbers, plan.effort, out); break;
    default: needs_times = write_times(values, e, in.rows, plan, scratch, out);
  }
  return true;
}

Status decode_typed(TextForm form, base::Reader& in, std::span<const uint32_t> rows, const BlockContext& context,
                    DecodedTexts& out) {
  ReadExceptions e;
  CLEW_TRY(read_exceptions(in, rows.size(), e));
  auto values = std::make_shared<TypedValues>();
  CLEW_TRY(read_values(form, in, rows, context.times, *values));
  if (context.texts_as == TextsAs::kStored && e.positions.empty()) {
    out.typed = std::move(values);
  } else {
    print_values(form, *values, rows, context, e, out);
  }
  return {};
}

}  // namespace clew::columnar
