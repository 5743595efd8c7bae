// A long run in pieces, on all processors.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace clew::crash {

// Does piece `number` and says in `wrong` what is wrong with it; false when there is no such piece any more. A piece
// depends on its number and the seed alone, so that it can be run again.
using Piece = std::function<bool(uint64_t number, std::string& wrong)>;

// Runs pieces 0, 1, 2 ... until there are no more or one is wrong. Gives what is wrong with the first such piece.
std::string run_pieces(const Piece& piece);

}  // namespace clew::crash
