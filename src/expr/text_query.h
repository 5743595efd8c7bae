// Text queries: what match(), match_phrase(), query_string() and their like ask of the words of some fields.
//
// A word is what text/words.h says. A query is a tree of clauses over numbered fields; whether a row matches is decided
// from the words of its fields, in their places.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/cell.h"

namespace clew::expr {

constexpr size_t kTextClausesMax = 1024;  // of one query
constexpr int kTextDepthMax = 32;         // parentheses
constexpr int kPositionGap = 100;         // between the elements of an array: no phrase reaches over

struct TextClause;
using TextClausePtr = std::unique_ptr<const TextClause>;

struct TextClause {
  enum class Kind : uint8_t {
    kNone,    // nothing matches
    kEvery,   // everything matches
    kWord,    // a word is there
    kPhrase,  // words stand in order
    kRange,   // the value lies between
    kExists,  // the field has a value
    kBool,    // must, should, must not
  };
  enum class Form : uint8_t { kExact, kPrefix, kWildcard, kFuzzy };
  Kind kind = Kind::kNone;
  std::vector<uint32_t> fields;    // any of these
  std::vector<std::string> words;  // kWord: one; kPhrase: two or more
  Form form = Form::kExact;        // kWord; kPhrase: of the last word, exact or prefix
  int distance = 0;                // kFuzzy: letters; kPhrase: slop
  size_t prefix_length = 0;        // kFuzzy: letters that must be equal
  std::string low, high;           // kRange, empty: open
  bool low_included = true;
  bool high_included = true;
  std::vector<TextClausePtr> must, should, must_not;  // kBool
  size_t should_least = 0;                            // of `should`; 0: one when there is no `must`
};

// Options of the functions, as far as they say what matches.
struct TextOptions {
  bool all = false;  // operator=AND: every word
  int slop = 0;
  std::string fuzziness;  // "", "AUTO" or a number of letters
  size_t prefix_length = 0;
  std::string least;              // minimum_should_match: "2", "-1", "75%"
  bool every_when_empty = false;  // zero_terms_query=ALL
};

enum class TextForm : uint8_t { kMatch, kPhrase, kPhrasePrefix, kBoolPrefix };

// Words of `text`, as the form takes them, in any of the fields together.
TextClausePtr match_clause(TextForm form, std::string_view text, std::vector<uint32_t> fields,
                           const TextOptions& options);
// Each word in any of the fields (cross_fields).
TextClausePtr cross_fields_clause(std::string_view text, std::vector<uint32_t> fields, const TextOptions& options);

// The number of a field named in the query (`title:pooh`); none: there is no such field, and nothing matches it.
using FieldNumber = std::function<std::optional<uint32_t>(std::string_view name)>;
// Errors: kInvalid for a query that cannot be read, kTooLarge beyond the limits.
Result<TextClausePtr> parse_query_string(std::string_view text, std::vector<uint32_t> fields,
                                         const TextOptions& options, const FieldNumber& field);
// Of a query that is never wrong: what cannot be read counts as text.
TextClausePtr parse_simple_query(std::string_view text, std::vector<uint32_t> fields, const TextOptions& options);

// True when the row whose fields are `cells` matches.
bool text_matches(const TextClause& clause, std::span<const Cell> cells, int64_t now);

// Words that every matching row has, or one of: for an index.
struct WordNeed {
  enum class Kind : uint8_t { kAll, kAny, kWord } kind = Kind::kAll;
  uint32_t field = 0;  // kWord
  std::string word;
  std::vector<WordNeed> children;
};
std::optional<WordNeed> need_of(const TextClause& clause);
// True when rows that meet need_of(clause) match the clause: it asks for whole words only, wherever they stand.
bool need_suffices(const TextClause& clause);

}  // namespace clew::expr
