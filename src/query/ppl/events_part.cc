#include "query/ppl/events_part.h"

#include <algorithm>

#include "base/check.h"

namespace clew::query::ppl {

namespace {

// By the word their text begins with.
constexpr std::string_view kKeep[] = {"where", "regex",    "eval",    "rex",    "parse",   "grok",
                                      "spath", "fillnull", "replace", "rename", "convert", "flatten"};
constexpr std::string_view kSkip[] = {"fields", "table", "sort", "reverse", "fieldformat"};

template <class Words>
bool has(const Words& words, std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

}  // namespace

const Query& innermost(const Query& query) { return query.from == nullptr ? query : innermost(*query.from); }

std::string events_part(const Query& query) {
  if (query.from != nullptr) return events_part(*query.from);
  CHECK(!query.own_rows);
  std::string search = print(query.search);
  std::string out = search.empty() ? "search" : "search " + search;
  for (const CommandPtr& command : query.commands) {
    std::string text = command->print();
    std::string_view word = std::string_view(text).substr(0, text.find(' '));
    if (has(kSkip, word)) continue;
    if (!has(kKeep, word)) break;
    out += " | " + text;
  }
  return out;
}

}  // namespace clew::query::ppl
