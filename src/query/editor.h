// What an editor of queries needs: what each piece of a text is, where a cursor stands, the text laid out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clew::query {

enum class PieceKind : uint8_t {
  kCommand,   // stats
  kFunction,  // avg, of an expression or an aggregate
  kField,     // a name of a field
  kKeyword,   // by, as, and, source
  kOperator,  // = > + ( , |
  kString,
  kNumber,
  kSpan,  // 5m
  kWord,  // a term of a search
  kBad,   // what cannot be read
};
std::string_view piece_name(PieceKind kind);  // "command" ...

// Bytes [begin, end) of the text.
struct Piece {
  PieceKind kind = PieceKind::kWord;
  uint32_t begin = 0;
  uint32_t end = 0;
};

// What may stand where the cursor is.
struct Site {
  bool commands = false;
  bool fields = false;
  bool functions = false;   // of expressions
  bool aggregates = false;  // of stats and the like
  bool datasets = false;
  std::string values_of;     // values of this field; empty: none
  bool bare_values = false;  // texts may stand without quotes, as in a search
  std::string begun;         // what is written already, to be replaced by a completion
  uint32_t begin = 0;        // where it stands
  uint32_t end = 0;
};

struct NameAndHelp {
  std::string_view name;
  std::string_view help;
};

// Any text, right or wrong.
std::vector<Piece> pieces_of(std::string_view text);
// Requires: cursor <= text.size().
Site site_at(std::string_view text, uint32_t cursor);

std::vector<NameAndHelp> command_names();
std::vector<std::string_view> function_names();
std::vector<std::string_view> aggregate_names();

// The query with one command a line, or nothing when it does not parse.
std::string laid_out(std::string_view text);

}  // namespace clew::query
