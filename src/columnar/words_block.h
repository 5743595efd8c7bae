// The texts of a block as the pieces they are made of, for texts whose words come again and again.
//
// A piece is a word and the bytes between the word before and it, or what stands behind the last word of a text. A word
// is here a run of ASCII letters, digits, `_` and bytes above 0x7f, so that the words of text/words.h lie inside of one
// piece, and an ASCII piece has at most one. A question for a word is asked of the pieces, each of which is kept once,
// and then of their codes: texts are put together only where more than pieces is asked. Format: docs/formats/batch.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/ints.h"

namespace clew::columnar {

constexpr size_t kPiecesMax = 65'535;           // distinct ones of a block
constexpr size_t kWordsBytesMax = 256u << 20;   // of the texts of a block
constexpr size_t kWordsTextsMin = 1024;         // fewer texts repeat too little
constexpr uint32_t kPiecesOfOneByteMax = 256u;  // the most frequent ones, whose codes have a high byte of 0

// The longest run of bytes of words; empty when there is none.
std::string_view longest_run(std::string_view text);

// Appends the texts. False, with nothing appended, when their pieces do not repeat enough for a gain.
bool encode_words(std::span<const std::string_view> texts, codec::IntEncoder& ints, std::string& out);

// Threads: all functions on any thread.
class WordsBlock {
 public:
  // Errors: kCorrupt.
  static Result<WordsBlock> read(base::Reader& in, size_t count);

  size_t texts() const { return first_.size() - 1; }
  bool ascii() const { return ascii_; }

  // Codes of the pieces that have `run`, which is of bytes of words only.
  std::vector<uint16_t> pieces_with(std::string_view run) const;
  // Codes of the pieces that may have the folded word: the ASCII ones that do, and all others.
  std::vector<uint16_t> pieces_of_word(std::string_view folded) const;
  // Sets marked[i] to 1 for the texts that have one of the pieces. Requires: as many as texts().
  void mark(std::span<const uint16_t> codes, std::vector<uint8_t>& marked) const;

  void append_text(size_t i, std::string& out) const;
  // All texts, but those that `wanted`, where not empty, leaves out come empty; `bytes` keeps them.
  // Errors: kCorrupt.
  Status all_texts(const std::vector<bool>& wanted, std::string& bytes, std::vector<std::string_view>& texts) const;

 private:
  Status read_pieces(base::Reader& in);
  Status read_codes(base::Reader& in);
  std::string_view piece(uint16_t code) const {
    return std::string_view(pieces_).substr(ends_[code], ends_[code + 1u] - ends_[code]);
  }

  std::string pieces_;           // one behind the other, and a few bytes more
  std::vector<uint32_t> ends_;   // of the pieces, after a 0
  std::vector<uint16_t> codes_;  // of all texts
  std::vector<uint32_t> first_;  // place of each text's first code, and the end
  bool ascii_ = false;
};

}  // namespace clew::columnar
