// LIKE, CONTAINS and regular expressions as conditions.
#include "expr/eval.h"
#include "expr/functions.h"
#include "expr/pattern.h"
#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;
using model::Vector;
using model::VectorPtr;

template <class Test>
bool any_text(const Cell& cell, Test matches) {
  std::string buffer;
  if (cell.type != Type::kArray) return matches(text_of(cell, buffer));
  for (const Value& item : cell.value->items()) {
    if (!item.is_null() && any_text(cell_of(item), matches)) return true;
  }
  return false;
}

// like(x, pattern [, case_sensitive]) ignores case unless told otherwise, as the LIKE operator does.
bool ignores_case(std::string_view name, std::span<const Cell> args) {
  if (name == "ilike") return true;
  return args.size() < 3 || truth_of(args[2]) != 1;
}

Result<std::shared_ptr<const void>> prepare_like(Binder& binder, std::span<const BoundPtr> args, SourceSpan span) {
  if (!is_constant(*args[1]) || args[1]->constant.type() != Type::kString) return std::shared_ptr<const void>();
  bool sensitive = args.size() == 3 && is_constant(*args[2]) && truth_of(cell_of(args[2]->constant)) == 1;
  if (args.size() == 3 && !is_constant(*args[2])) return std::shared_ptr<const void>();
  Result<std::shared_ptr<const LikePattern>> like = LikePattern::compile(args[1]->constant.text(), !sensitive);
  if (!like.ok()) return binder.fail(span, kSemanticError, like.error().message());
  return std::shared_ptr<const void>(*like);
}

Status like(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::shared_ptr<const LikePattern> made;
  auto pattern = static_cast<const LikePattern*>(call.prepared.get());
  if (pattern == nullptr) {
    std::string buffer;
    made = CLEW_TRY(LikePattern::compile(text_of(args[1], buffer), ignores_case(call.function->name, args)));
    pattern = made.get();
  }
  out.add_bool(any_text(args[0], [pattern](std::string_view text) { return pattern->matches(text); }));
  return {};
}

// Loops of patterns over a flat lane of strings.
template <class Test>
VectorPtr match_strings(const Vector& v, uint32_t rows, Test matches) {
  if (v.type != Type::kString || v.layout != model::Layout::kFlat) return nullptr;
  Vector out;
  out.type = Type::kBool;
  out.layout = model::Layout::kFlat;
  out.size = rows;
  out.nulls = v.nulls;
  out.i64.resize(rows);
  for (uint32_t i = 0; i < rows; ++i) {
    bool null = !v.nulls.empty() && v.nulls[i] != 0;
    out.i64[i] = !null && matches(v.strings[i]) ? 1 : 0;
  }
  return std::make_shared<const Vector>(std::move(out));
}

Result<VectorPtr> like_vector(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  auto pattern = static_cast<const LikePattern*>(call.prepared.get());
  if (pattern == nullptr) return VectorPtr();
  return match_strings(*args[0], rows, [pattern](std::string_view text) { return pattern->matches(text); });
}

Result<std::shared_ptr<const void>> prepare_contains(Binder&, std::span<const BoundPtr> args, SourceSpan) {
  if (!is_constant(*args[1]) || args[1]->constant.type() != Type::kString) return std::shared_ptr<const void>();
  std::string escaped = "%";
  for (char c : args[1]->constant.text()) {
    if (c == '%' || c == '_' || c == '\\') escaped += '\\';
    escaped += c;
  }
  std::shared_ptr<const LikePattern> pattern = CLEW_TRY(LikePattern::compile(escaped + "%", true));
  return std::shared_ptr<const void>(pattern);
}

Status contains(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (call.prepared != nullptr) return like(call, args, out);
  std::string buffer;
  std::string needle = to_lower_ascii(text_of(args[1], buffer));
  out.add_bool(
      any_text(args[0], [&](std::string_view text) { return find_folded(text, needle, 0) != std::string_view::npos; }));
  return {};
}

Result<std::shared_ptr<const void>> prepare_regexp(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  if (!is_constant(*args[1]) || args[1]->constant.type() != Type::kString) return std::shared_ptr<const void>();
  auto regex = compile_regex(args[1]->constant.text());
  if (!regex.ok()) return binder.fail(args[1]->span, kSemanticError, regex.error().message());
  return std::shared_ptr<const void>(*regex);
}

Status regexp(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::shared_ptr<const re2::RE2> made;
  auto regex = static_cast<const re2::RE2*>(call.prepared.get());
  if (regex == nullptr) {
    std::string buffer;
    made = CLEW_TRY(compile_regex(text_of(args[1], buffer)));
    regex = made.get();
  }
  out.add_bool(any_text(args[0], [regex](std::string_view text) { return regex_found(*regex, text); }));
  return {};
}

Result<VectorPtr> regexp_vector(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  auto regex = static_cast<const re2::RE2*>(call.prepared.get());
  if (regex == nullptr) return VectorPtr();
  return match_strings(*args[0], rows, [regex](std::string_view text) { return regex_found(*regex, text); });
}

constexpr TypeRule kBoolean = always<Type::kBool>;

constexpr FunctionDef kTable[] = {
    {"like", 2, 3, kBoolean, like, 0, like_vector, prepare_like},
    {"ilike", 2, 2, kBoolean, like, 0, like_vector, prepare_like},
    {"contains", 2, 2, kBoolean, contains, 0, like_vector, prepare_contains},
    {"regexp", 2, 2, kBoolean, regexp, 0, regexp_vector, prepare_regexp},
    {"regexp_match", 2, 2, kBoolean, regexp, 0, regexp_vector, prepare_regexp},
    {"regex_match", 2, 2, kBoolean, regexp, 0, regexp_vector, prepare_regexp},
};

}  // namespace

std::span<const FunctionDef> pattern_functions() { return kTable; }

}  // namespace clew::expr
