// Functions of text.
#include <locale.h>
#include <clocale>
#include <cwctype>

#include <algorithm>

#include "expr/coerce.h"
#include "expr/functions.h"
#include "expr/lexer.h"
#include "expr/pattern.h"
#include "text/message_shape.h"
#include "text/utf8.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Vector;
using model::VectorPtr;

size_t code_points(std::string_view text) {
  size_t n = 0;
  for (char c : text) n += (static_cast<uint8_t>(c) & 0xc0) != 0x80 ? 1 : 0;
  return n;
}

// Byte position of code point `index`, or the end.
size_t byte_of(std::string_view text, size_t index) {
  size_t at = 0;
  while (at < text.size() && index > 0) {
    ++at;
    while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) ++at;
    --index;
  }
  return at;
}

// Letters by the C library's Unicode tables; made once and never freed.
locale_t unicode_locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

std::string in_case(std::string_view text, bool upper) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    if (static_cast<uint8_t>(c) < 0x80) {
      bool change = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
      out += change ? static_cast<char>(c ^ 0x20) : c;
      ++at;
      continue;
    }
    text::Decoded decoded = text::decode_utf8(text, at);
    locale_t locale = unicode_locale();
    if (decoded.c == text::kInvalid || locale == locale_t()) {
      out.append(text.substr(at, decoded.bytes));
    } else {
      auto wide = static_cast<wint_t>(decoded.c);
      text::append_utf8(static_cast<char32_t>(upper ? towupper_l(wide, locale) : towlower_l(wide, locale)), out);
    }
    at += decoded.bytes;
  }
  return out;
}

Status concat(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string joined;
  std::string buffer;
  for (const Cell& arg : args) joined += text_of(arg, buffer);
  out.add_string(joined);
  return {};
}

// Nulls are left out; a null separator gives null.
Status concat_with(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  if (args[0].is_null()) {
    out.add_null();
    return {};
  }
  std::string separator_buffer;
  std::string_view separator = text_of(args[0], separator_buffer);
  std::string joined;
  std::string buffer;
  bool first = true;
  for (const Cell& arg : args.subspan(1)) {
    if (arg.is_null()) continue;
    if (!first) joined += separator;
    first = false;
    joined += text_of(arg, buffer);
  }
  out.add_string(joined);
  return {};
}

Status length(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  out.add_lane(Type::kInt, static_cast<int64_t>(code_points(text_of(args[0], buffer))));
  return {};
}

Result<VectorPtr> length_vector(const Bound&, std::span<const VectorPtr> args, uint32_t rows) {
  const Vector& v = *args[0];
  if (v.type != Type::kString || v.layout != model::Layout::kFlat) return VectorPtr();
  Vector out;
  out.type = Type::kInt;
  out.layout = model::Layout::kFlat;
  out.size = rows;
  out.nulls = v.nulls;
  out.i64.resize(rows);
  for (uint32_t i = 0; i < rows; ++i) {
    bool null = !v.nulls.empty() && v.nulls[i] != 0;
    out.i64[i] = null ? 0 : static_cast<int64_t>(code_points(v.strings[i]));
  }
  return std::make_shared<const Vector>(std::move(out));
}

Status lower(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  out.add_string(in_case(text_of(args[0], buffer), false));
  return {};
}

Status upper(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  out.add_string(in_case(text_of(args[0], buffer), true));
  return {};
}

enum Side : int { kLeft = 1, kRight = 2, kBoth = 3 };

template <int kSides>
Status trim(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string_view text = text_of(args[0], buffer);
  while ((kSides & kLeft) != 0 && !text.empty() && text.front() == ' ') text.remove_prefix(1);
  while ((kSides & kRight) != 0 && !text.empty() && text.back() == ' ') text.remove_suffix(1);
  out.add_string(text);
  return {};
}

// locate(part, text [, start]): from 1, 0 when it is not there.
Status locate(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string part_buffer;
  std::string text_buffer;
  std::string_view part = text_of(args[0], part_buffer);
  std::string_view text = text_of(args[1], text_buffer);
  std::optional<int64_t> start = args.size() > 2 ? to_integer(args[2]) : 1;
  if (!start || *start < 1) {
    out.add_lane(Type::kInt, 0);
    return {};
  }
  size_t found = text.find(part, byte_of(text, static_cast<size_t>(*start - 1)));
  out.add_lane(Type::kInt,
               found == std::string_view::npos ? 0 : static_cast<int64_t>(code_points(text.substr(0, found))) + 1);
  return {};
}

Status reverse(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string_view text = text_of(args[0], buffer);
  std::string reversed;
  reversed.reserve(text.size());
  for (size_t end = text.size(); end > 0;) {
    size_t begin = end - 1;
    while (begin > 0 && (static_cast<uint8_t>(text[begin]) & 0xc0) == 0x80) --begin;
    reversed += text.substr(begin, end - begin);
    end = begin;
  }
  out.add_string(reversed);
  return {};
}

Status left(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string_view text = text_of(args[0], buffer);
  std::optional<int64_t> count = to_integer(args[1]);
  if (!count) {
    out.add_null();
  } else {
    out.add_string(text.substr(0, byte_of(text, static_cast<size_t>(std::max<int64_t>(*count, 0)))));
  }
  return {};
}

Status right(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string_view text = text_of(args[0], buffer);
  std::optional<int64_t> count = to_integer(args[1]);
  if (!count) {
    out.add_null();
    return {};
  }
  auto all = static_cast<int64_t>(code_points(text));
  int64_t kept = std::clamp<int64_t>(*count, 0, all);
  out.add_string(text.substr(byte_of(text, static_cast<size_t>(all - kept))));
  return {};
}

// substring(text, start [, length]): from 1; a negative start counts from the end; 0 gives nothing.
Status substring(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string_view text = text_of(args[0], buffer);
  std::optional<int64_t> start = to_integer(args[1]);
  std::optional<int64_t> count = args.size() > 2 ? to_integer(args[2]) : INT64_MAX;
  if (!start || !count) {
    out.add_null();
    return {};
  }
  auto all = static_cast<int64_t>(code_points(text));
  int64_t first = *start > 0 ? *start - 1 : *start < 0 ? all + *start : all;
  if (first < 0 || first >= all || *count <= 0) {
    out.add_string("");
    return {};
  }
  std::string_view rest = text.substr(byte_of(text, static_cast<size_t>(first)));
  out.add_string(rest.substr(0, byte_of(rest, static_cast<size_t>(std::min(*count, all - first)))));
  return {};
}

Status compare_texts(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string a_buffer;
  std::string b_buffer;
  int order = text_of(args[0], a_buffer).compare(text_of(args[1], b_buffer));
  out.add_lane(Type::kInt, order < 0 ? -1 : order > 0 ? 1 : 0);
  return {};
}

// What texts that differ only in their variables have in common; the same as the derived field `_pattern`.
Status pattern(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  out.add_string(text::message_pattern(text_of(args[0], buffer)));
  return {};
}

Status ascii(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string_view text = text_of(args[0], buffer);
  out.add_lane(Type::kInt, text.empty() ? 0 : static_cast<uint8_t>(text[0]));
  return {};
}

// A compiled expression with its replacement.
struct Replacement {
  std::shared_ptr<const re2::RE2> regex;
  std::string rewrite;
};

Result<Replacement> compile_replacement(std::string_view pattern, std::string_view replacement) {
  Replacement made;
  made.regex = CLEW_TRY(compile_regex(pattern));
  made.rewrite = CLEW_TRY(rewrite_of(*made.regex, replacement));
  return made;
}

Result<std::shared_ptr<const void>> prepare_replace(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  bool fixed = is_constant(*args[1]) && is_constant(*args[2]) && args[1]->type == Type::kString &&
               args[2]->type == Type::kString;
  if (!fixed) return std::shared_ptr<const void>();
  Result<Replacement> made = compile_replacement(args[1]->constant.text(), args[2]->constant.text());
  if (!made.ok()) return binder.fail(args[1]->span, kSemanticError, made.error().message());
  return std::shared_ptr<const void>(std::make_shared<const Replacement>(std::move(made).take()));
}

Status replace(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  Replacement made;
  auto replacement = static_cast<const Replacement*>(call.prepared.get());
  std::string buffer;
  if (replacement == nullptr) {
    std::string pattern_buffer;
    made = CLEW_TRY(compile_replacement(text_of(args[1], pattern_buffer), text_of(args[2], buffer)));
    replacement = &made;
  }
  out.add_string(regex_replace_all(*replacement->regex, text_of(args[0], buffer), replacement->rewrite));
  return {};
}

constexpr TypeRule kText = always<Type::kString>;
constexpr TypeRule kInteger = always<Type::kInt>;

constexpr FunctionDef kTable[] = {
    {"ascii", 1, 1, kInteger, ascii},
    {"concat", 1, kAnyCount, kText, concat},
    {"concat_ws", 2, kAnyCount, kText, concat_with, kNullsToo},
    {"left", 2, 2, kText, left},
    {"len", 1, 1, kInteger, length, 0, length_vector},
    {"length", 1, 1, kInteger, length, 0, length_vector},
    {"char_length", 1, 1, kInteger, length, 0, length_vector},
    {"locate", 2, 3, kInteger, locate},
    {"position", 2, 2, kInteger, locate},
    {"lower", 1, 1, kText, lower},
    {"ltrim", 1, 1, kText, trim<kLeft>},
    {"regexp_replace", 3, 3, kText, replace, 0, nullptr, prepare_replace},
    {"replace", 3, 3, kText, replace, 0, nullptr, prepare_replace},
    {"reverse", 1, 1, kText, reverse},
    {"pattern", 1, 1, kText, pattern},
    {"right", 2, 2, kText, right},
    {"rtrim", 1, 1, kText, trim<kRight>},
    {"strcmp", 2, 2, kInteger, compare_texts},
    {"substr", 2, 3, kText, substring},
    {"substring", 2, 3, kText, substring},
    {"trim", 1, 1, kText, trim<kBoth>},
    {"upper", 1, 1, kText, upper},
};

}  // namespace

std::span<const FunctionDef> text_functions() { return kTable; }

}  // namespace clew::expr
