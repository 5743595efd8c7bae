// label_replace, label_join, sort_by_label.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "query/promql/evaluator.h"
#include "query/promql/label_name.h"
#include "query/promql/lexer.h"
#include "query/promql/matcher.h"

namespace clew::query::promql {
namespace {

const std::string& text_of(const Expr& expr) { return as<StringExpr>(without_parens(expr)).value; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// `$1`, `${name}`, `$$` replaced by what the groups matched; unknown groups are empty.
std::string expand(std::string_view pattern, const re2::RE2& regex, const std::vector<re2::StringPiece>& groups) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '$' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    if (pattern[i + 1] == '$') {
      out += pattern[++i];
      continue;
    }
    bool braces = pattern[i + 1] == '{';
    size_t begin = i + (braces ? 2 : 1);
    size_t end = begin;
    while (end < pattern.size() && is_word(pattern[end])) ++end;
    bool good = end > begin && (!braces || (end < pattern.size() && pattern[end] == '}'));
    if (!good) {
      out += '$';
      continue;
    }
    std::string name(pattern.substr(begin, end - begin));
    size_t group = groups.size();
    if (std::all_of(name.begin(), name.end(), is_digit)) {
      group = name.size() > 4 ? groups.size() : static_cast<size_t>(std::stoul(name));
    } else if (auto at = regex.NamedCapturingGroups().find(name); at != regex.NamedCapturingGroups().end()) {
      group = static_cast<size_t>(at->second);
    }
    if (group < groups.size() && groups[group].data() != nullptr)
      out.append(groups[group].data(), groups[group].size());
    i = braces ? end : end - 1;
  }
  return out;
}

void set_label(Block::Row& row, const std::string& name, std::string_view value) {
  row.labels = model::LabelsBuilder(row.labels).set(name, value).build();
  // A name that was set on purpose stays.
  if (name == model::kMetricNameLabel) row.drops_name = false;
}

// Numbers inside texts compare as numbers: "cpu2" before "cpu10".
int natural_order(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]) ? -1 : 1;
      ++i;
      ++j;
      continue;
    }
    auto number = [](std::string_view text, size_t& at) {
      size_t begin = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      while (begin + 1 < at && text[begin] == '0') ++begin;
      return text.substr(begin, at - begin);
    };
    std::string_view x = number(a, i);
    std::string_view y = number(b, j);
    if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
    if (int order = x.compare(y); order != 0) return order;
  }
  bool a_done = i == a.size();
  bool b_done = j == b.size();
  return a_done == b_done ? 0 : a_done ? -1 : 1;
}

}  // namespace

Result<StreamPtr> Evaluator::label_replace(const CallExpr& expr, const Grid& grid) {
  const std::string& to = text_of(*expr.args[1]);
  const std::string& replacement = text_of(*expr.args[2]);
  const std::string& from = text_of(*expr.args[3]);
  const std::string& pattern = text_of(*expr.args[4]);
  auto regex = compile_regex(pattern);
  if (!regex.ok())
    return Error(Code::kInvalid, fmt::format("invalid regular expression in label_replace(): {}", pattern));
  if (!is_utf8_label_name(to)) {
    return Error(Code::kInvalid, fmt::format("invalid destination label name in label_replace(): {}", to));
  }
  BlockPtr made = CLEW_TRY(block(*expr.args[0], grid));
  std::vector<re2::StringPiece> groups(static_cast<size_t>((*regex)->NumberOfCapturingGroups()) + 1);
  for (Block::Row& row : made->rows) {
    std::string value(row.labels.get(from));
    re2::StringPiece text(value);
    bool matched =
        (*regex)->Match(text, 0, value.size(), re2::RE2::ANCHOR_BOTH, groups.data(), static_cast<int>(groups.size()));
    if (matched) set_label(row, to, expand(replacement, **regex, groups));
  }
  CLEW_TRY(join_same_labels(*made));
  return StreamPtr(std::move(made));
}

Result<StreamPtr> Evaluator::label_join(const CallExpr& expr, const Grid& grid) {
  const std::string& to = text_of(*expr.args[1]);
  const std::string& separator = text_of(*expr.args[2]);
  if (!is_utf8_label_name(to)) {
    return Error(Code::kInvalid, fmt::format("invalid destination label name in label_join(): {}", to));
  }
  for (size_t i = 3; i < expr.args.size(); ++i) {
    const std::string& name = text_of(*expr.args[i]);
    if (!is_utf8_label_name(name))
      return Error(Code::kInvalid, fmt::format("invalid source label name in label_join(): {}", name));
  }
  BlockPtr made = CLEW_TRY(block(*expr.args[0], grid));
  for (Block::Row& row : made->rows) {
    std::string joined;
    for (size_t i = 3; i < expr.args.size(); ++i) {
      if (i > 3) joined += separator;
      joined += row.labels.get(text_of(*expr.args[i]));
    }
    set_label(row, to, joined);
  }
  CLEW_TRY(join_same_labels(*made));
  return StreamPtr(std::move(made));
}

Result<StreamPtr> Evaluator::sorted_by_label(const CallExpr& expr, const Grid& grid) {
  BlockPtr made = CLEW_TRY(block(*expr.args[0], grid));
  if (grid.count > 1) return StreamPtr(std::move(made));
  int direction = expr.function->id == FunctionId::kSortByLabelDesc ? -1 : 1;
  std::stable_sort(made->rows.begin(), made->rows.end(), [&](const Block::Row& a, const Block::Row& b) {
    for (size_t i = 1; i < expr.args.size(); ++i) {
      const std::string& name = text_of(*expr.args[i]);
      int order = natural_order(a.labels.get(name), b.labels.get(name));
      if (order != 0) return order * direction < 0;
    }
    return direction > 0 ? a.labels < b.labels : b.labels < a.labels;
  });
  return StreamPtr(std::move(made));
}

}  // namespace clew::query::promql
