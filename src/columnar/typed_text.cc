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

codec::Method method_of(codec::Effort effort) {
  return effort == codec::Effort::kFull ? codec::Method::kZstd : codec::Method::kLz4;
}

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

bool encode_hex(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out) {
  size_t chars = 0;
  for (size_t i = 0; i < in.texts.size() && chars == 0; ++i) {
    if (form_of_text(in.texts[i]) == TextForm::kHex) chars = in.texts[i].size();
  }
  if (chars == 0) return false;
  Exceptions e;
  std::string& bytes = scratch.bytes;
  bytes.assign(in.texts.size() * chars / 2, '\0');
  for (size_t i = 0; i < in.texts.size(); ++i) {
    char* to = bytes.data() + i * chars / 2;
    if (in.texts[i].size() == chars && codec::parse_hex(in.texts[i], to)) continue;
    std::memset(to, 0, chars / 2);
    e.add(i, in.texts[i]);
    if (e.too_many(in.texts.size())) return false;
  }
  std::string digits;
  digits.swap(bytes);
  write_exceptions(e, plan, scratch, out);
  base::Writer(out).u8(static_cast<uint8_t>(chars / 2));
  write_digits(digits, plan, out);
  bytes.swap(digits);
  return true;
}

Status decode_hex(base::Reader& in, size_t count, DecodedTexts& out) {
  ReadExceptions e;
  CLEW_TRY(read_exceptions(in, count, e));
  size_t each = in.u8();
  std::string bytes;
  CLEW_TRY(codec::read_packed(in, bytes));
  if (bytes.size() != count * each) return Error(Code::kCorrupt, "digits of another count");
  out.bytes = std::make_shared<std::string>(count * each * 2, '\0');
  codec::print_hex(bytes.data(), bytes.size(), out.bytes->data());
  place(count, each * 2, e, out);
  return {};
}

bool encode_uuid(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out) {
  Exceptions e;
  std::string bytes(in.texts.size() * codec::kUuidBytes, '\0');
  for (size_t i = 0; i < in.texts.size(); ++i) {
    char* to = bytes.data() + i * codec::kUuidBytes;
    if (codec::parse_uuid(in.texts[i], to)) continue;
    std::memset(to, 0, codec::kUuidBytes);
    e.add(i, in.texts[i]);
    if (e.too_many(in.texts.size())) return false;
  }
  write_exceptions(e, plan, scratch, out);
  write_digits(bytes, plan, out);
  return true;
}

Status decode_uuid(base::Reader& in, size_t count, DecodedTexts& out) {
  ReadExceptions e;
  CLEW_TRY(read_exceptions(in, count, e));
  std::string bytes;
  CLEW_TRY(codec::read_packed(in, bytes));
  if (bytes.size() != count * codec::kUuidBytes) return Error(Code::kCorrupt, "digits of another count");
  out.bytes = std::make_shared<std::string>(count * codec::kUuidChars, '\0');
  for (size_t i = 0; i < count; ++i) {
    codec::print_uuid(bytes.data() + i * codec::kUuidBytes, out.bytes->data() + i * codec::kUuidChars);
  }
  place(count, codec::kUuidChars, e, out);
  return {};
}

bool encode_ip4(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out) {
  Exceptions e;
  std::vector<int64_t> ips(in.texts.size());
  uint32_t last = 0;
  for (size_t i = 0; i < in.texts.size(); ++i) {
    if (!codec::parse_ip4(in.texts[i], last)) {
      e.add(i, in.texts[i]);
      if (e.too_many(in.texts.size())) return false;
    }
    ips[i] = last;
  }
  write_exceptions(e, plan, scratch, out);
  scratch.ints.encode(ips, plan.effort, out);
  return true;
}

Status decode_ip4(base::Reader& in, std::span<const uint32_t> rows, const BlockContext& context, DecodedTexts& out) {
  ReadExceptions e;
  size_t count = rows.size();
  CLEW_TRY(read_exceptions(in, count, e));
  std::vector<int64_t> ips(count);
  CLEW_TRY(codec::decode_ints(in, count, ips.data()));
  out.bytes = std::make_shared<std::string>(count * codec::kIp4CharsMax, '\0');
  std::vector<uint8_t> chars(count);
  char* p = out.bytes->data();
  for (size_t i = 0; i < count; ++i) {
    if (ips[i] < 0 || ips[i] > UINT32_MAX) return Error(Code::kCorrupt, "an address above 32 bits");
    if (!context.is_wanted(rows[i])) continue;
    chars[i] = static_cast<uint8_t>(codec::print_ip4(static_cast<uint32_t>(ips[i]), p + i * codec::kIp4CharsMax));
  }
  place(count, codec::kIp4CharsMax, e, out);
  std::vector<bool> other(e.positions.empty() ? 0 : count, false);
  for (int64_t i : e.positions) other[static_cast<size_t>(i)] = true;
  for (size_t i = 0; i < count; ++i) {
    if (other.empty() || !other[i]) out.texts[i] = out.texts[i].substr(0, chars[i]);
  }
  return {};
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

bool encode_times(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out,
                  bool& needs_times) {
  std::optional<codec::TimeLayout> layout;
  for (size_t i = 0; i < in.texts.size() && i <= in.texts.size() / kExceptionsShare && !layout; ++i) {
    layout = codec::TimeLayout::of_example(in.texts[i]);
  }
  if (!layout) return false;
  Exceptions e;
  std::vector<int64_t> times(in.texts.size());
  int64_t last = 0;
  for (size_t i = 0; i < in.texts.size(); ++i) {
    if (!layout->parse(in.texts[i], last)) {
      e.add(i, in.texts[i]);
      if (e.too_many(in.texts.size())) return false;
    }
    times[i] = last;
  }
  write_exceptions(e, plan, scratch, out);
  base::Writer w(out);
  w.string(layout->pattern());
  w.varint_signed(layout->offset_seconds());
  int64_t shift = 0;
  if (find_shift(times, e, in.rows, plan.times, layout->unit_ns(), shift)) {
    w.u8(kTimesOfRows);
    w.varint_signed(shift);
    needs_times = true;
    return true;
  }
  w.u8(kOwnTimes);
  scratch.ints.encode(times, plan.effort, out);
  return true;
}

Status decode_times(base::Reader& in, std::span<const uint32_t> rows, const BlockContext& context, DecodedTexts& out) {
  ReadExceptions e;
  size_t count = rows.size();
  CLEW_TRY(read_exceptions(in, count, e));
  std::string pattern(in.string());
  int64_t offset = in.varint_signed();
  uint8_t form = in.u8();
  CLEW_TRY(in.status());
  if (offset != static_cast<int32_t>(offset)) return Error(Code::kCorrupt, "a zone beyond a day");
  auto layout = codec::TimeLayout::of_pattern(std::move(pattern), static_cast<int32_t>(offset));
  if (!layout) return Error(Code::kCorrupt, "no layout of times");
  std::vector<int64_t> times(count);
  if (form == kOwnTimes) {
    CLEW_TRY(codec::decode_ints(in, count, times.data()));
  } else if (form == kTimesOfRows) {
    int64_t shift = in.varint_signed();
    if (!context.times) return Error(Code::kCorrupt, "_time is not there");
    for (size_t i = 0; i < count; ++i) {
      int64_t time = floor_to(context.times[rows[i]], layout->unit_ns());
      times[i] = static_cast<int64_t>(static_cast<uint64_t>(time) + static_cast<uint64_t>(shift));
    }
  } else {
    return Error(Code::kUnsupported, "unknown form of times");
  }
  out.bytes = std::make_shared<std::string>(count * layout->text_bytes(), '\0');
  for (size_t i = 0; i < count; ++i) {
    if (context.is_wanted(rows[i])) layout->print(times[i], out.bytes->data() + i * layout->text_bytes());
  }
  place(count, layout->text_bytes(), e, out);
  return {};
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
  scratch.bytes.clear();
  for (size_t i = 0; i < texts.size(); ++i) {
    scratch.lengths[i] = static_cast<int64_t>(texts[i].size());
    scratch.bytes.append(texts[i]);
  }
  scratch.ints.encode(scratch.lengths, effort, out);
  codec::write_packed(scratch.bytes, method_of(effort), out);
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

bool encode_typed(TextForm form, const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out,
                  bool& needs_times) {
  switch (form) {
    case TextForm::kHex: return encode_hex(in, plan, scratch, out);
    case TextForm::kUuid: return encode_uuid(in, plan, scratch, out);
    case TextForm::kIp4: return encode_ip4(in, plan, scratch, out);
    case TextForm::kTime: return encode_times(in, plan, scratch, out, needs_times);
    default: return false;
  }
}

Status decode_typed(TextForm form, base::Reader& in, std::span<const uint32_t> rows, const BlockContext& context,
                    DecodedTexts& out) {
  switch (form) {
    case TextForm::kHex: return decode_hex(in, rows.size(), out);
    case TextForm::kUuid: return decode_uuid(in, rows.size(), out);
    case TextForm::kIp4: return decode_ip4(in, rows, context, out);
    case TextForm::kTime: return decode_times(in, rows, context, out);
    default: return Error(Code::kUnsupported, "unknown form of texts");
  }
}

}  // namespace clew::columnar
