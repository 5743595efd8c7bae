#include "columnar/words_block.h"

#include <emmintrin.h>
#include <smmintrin.h>
#include <tmmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

#include "base/hash.h"
#include "codec/compress.h"
#include "text/find.h"
#include "text/utf8.h"

namespace clew::columnar {
namespace {

constexpr size_t kTrialTexts = 512;   // after so many texts
constexpr size_t kTrialDistinct = 5;  // in 4 of 5 pieces that are new there is no gain
constexpr size_t kDistinctShare = 2;  // a piece stands at least so often on average
constexpr size_t kPieceBytesMin = 4;  // of a piece on average: a code has two
constexpr size_t kFewCodes = 8;       // are compared with each code; more are looked up
constexpr size_t kCopyBytes = 16;     // a piece of at most so many is copied as so many
constexpr size_t kLanes = 8;          // codes of one comparison

__m128i load(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

constexpr std::array<bool, 256> kWordByte = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    table[static_cast<size_t>(c)] =
        c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  return table;
}();

bool is_word_byte(char c) { return kWordByte[static_cast<unsigned char>(c)]; }

// Requires: kCopyBytes more behind both.
void copy(const char* from, size_t bytes, char* to) {
  std::memcpy(to, from, kCopyBytes);
  if (bytes > kCopyBytes) std::memcpy(to + kCopyBytes, from + kCopyBytes, bytes - kCopyBytes);
}

// Calls fn with each piece.
template <class F>
bool cut(std::string_view text, F fn) {
  const char* p = text.data();
  const char* end = p + text.size();
  while (p < end) {
    const char* begin = p;
    while (p < end && !is_word_byte(*p)) ++p;
    while (p < end && is_word_byte(*p)) ++p;
    if (!fn(std::string_view(begin, static_cast<size_t>(p - begin)))) return false;
  }
  return true;
}

// The first bytes of a piece such that pieces in their order lie beside what they have in common.
struct SortKey {
  uint64_t high = 0;
  uint64_t low = 0;
  uint32_t piece = 0;

  bool operator<(const SortKey& b) const {
    if (high != b.high) return high < b.high;
    if (low != b.low) return low < b.low;
    return piece < b.piece;
  }
};

SortKey key_of(std::string_view text, uint32_t piece) {
  unsigned char bytes[16] = {};
  std::memcpy(bytes, text.data(), std::min<size_t>(text.size(), sizeof bytes));
  SortKey key;
  std::memcpy(&key.high, bytes, 8);
  std::memcpy(&key.low, bytes + 8, 8);
  key.high = __builtin_bswap64(key.high);
  key.low = __builtin_bswap64(key.low);
  key.piece = piece;
  return key;
}

// The pieces in the order of their codes: the most frequent ones, then all others sorted, as they then compress best.
std::vector<uint32_t> ordered(const std::vector<std::string_view>& pieces, const std::vector<uint32_t>& codes) {
  std::vector<uint32_t> uses(pieces.size());
  for (uint32_t code : codes) ++uses[code];
  std::vector<uint32_t> order(pieces.size());
  std::iota(order.begin(), order.end(), 0u);
  size_t frequent = std::min<size_t>(order.size(), kPiecesOfOneByteMax);
  auto edge = order.begin() + static_cast<ptrdiff_t>(frequent);
  auto before = [&](uint32_t a, uint32_t b) { return uses[a] != uses[b] ? uses[a] > uses[b] : a < b; };
  if (edge != order.end()) std::nth_element(order.begin(), edge, order.end(), before);
  std::sort(order.begin(), edge, before);
  std::vector<SortKey> keys;
  keys.reserve(order.size() - frequent);
  for (auto it = edge; it != order.end(); ++it) keys.push_back(key_of(pieces[*it], *it));
  std::sort(keys.begin(), keys.end());
  for (size_t i = 0; i < keys.size(); ++i) order[frequent + i] = keys[i].piece;
  return order;
}

// Distinct pieces, numbered as they come.
class PieceTable {
 public:
  PieceTable() : places_(kPlacesFirst) {}

  uint32_t code(std::string_view piece) {
    auto hash = static_cast<uint32_t>(base::hash64(piece));
    size_t at = hash & (places_.size() - 1);
    for (; places_[at] != 0; at = (at + 1) & (places_.size() - 1)) {
      uint32_t known = places_[at] - 1;
      if (hashes_[known] == hash && pieces_[known] == piece) return known;
    }
    pieces_.push_back(piece);
    hashes_.push_back(hash);
    places_[at] = static_cast<uint32_t>(pieces_.size());
    if (pieces_.size() * 2 > places_.size()) grow();
    return static_cast<uint32_t>(pieces_.size() - 1);
  }
  const std::vector<std::string_view>& pieces() const { return pieces_; }

 private:
  static constexpr size_t kPlacesFirst = 32'768;  // enough for most blocks

  void grow() {
    places_.assign(places_.size() * 4, 0);
    for (uint32_t i = 0; i < hashes_.size(); ++i) {
      size_t at = hashes_[i] & (places_.size() - 1);
      while (places_[at] != 0) at = (at + 1) & (places_.size() - 1);
      places_[at] = i + 1;
    }
  }

  std::vector<uint32_t> places_;  // a piece's number plus 1
  std::vector<std::string_view> pieces_;
  std::vector<uint32_t> hashes_;
};

struct Pieces {
  PieceTable table;
  std::vector<uint32_t> codes;
  std::vector<int64_t> counts;  // by text
};

// False when there is no gain.
bool cut_all(std::span<const std::string_view> texts, Pieces& out) {
  size_t bytes = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    size_t before = out.codes.size();
    bytes += texts[i].size();
    bool room = bytes <= kWordsBytesMax && cut(texts[i], [&](std::string_view piece) {
                  out.codes.push_back(out.table.code(piece));
                  return out.codes.back() < kPiecesMax;
                });
    if (!room) return false;
    out.counts.push_back(static_cast<int64_t>(out.codes.size() - before));
    size_t distinct = out.table.pieces().size();
    if (i + 1 == kTrialTexts && distinct * kTrialDistinct > out.codes.size() * (kTrialDistinct - 1)) return false;
  }
  return out.table.pieces().size() * kDistinctShare <= out.codes.size() && bytes >= out.codes.size() * kPieceBytesMin;
}

// Each piece as the bytes that it has in common with the one before, and the others.
void write_pieces(const std::vector<std::string_view>& pieces, const std::vector<uint32_t>& order, std::string& out) {
  std::string shared;
  std::string lengths;
  std::string rest;
  std::string_view last;
  for (uint32_t number : order) {
    std::string_view piece = pieces[number];
    auto [end, unused] = std::mismatch(piece.begin(), piece.end(), last.begin(), last.end());
    auto same = static_cast<size_t>(end - piece.begin());
    base::Writer(shared).varint(same);
    base::Writer(lengths).varint(piece.size() - same);
    rest.append(piece.substr(same));
    last = piece;
  }
  base::Writer(out).varint(order.size());
  for (const std::string* stream : {&shared, &lengths, &rest}) codec::write_packed(*stream, codec::Method::kZstd, out);
}

}  // namespace

std::string_view longest_run(std::string_view text) {
  std::string_view longest;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    while (at < text.size() && is_word_byte(text[at])) ++at;
    if (at - begin > longest.size()) longest = text.substr(begin, at - begin);
    ++at;
  }
  return longest;
}

bool encode_words(std::span<const std::string_view> texts, codec::IntEncoder& ints, std::string& out) {
  if (texts.size() < kWordsTextsMin) return false;
  Pieces pieces;
  if (!cut_all(texts, pieces)) return false;
  const std::vector<std::string_view>& entries = pieces.table.pieces();
  std::vector<uint32_t> order = ordered(entries, pieces.codes);
  std::vector<uint32_t> code_of(entries.size());
  for (uint32_t code = 0; code < order.size(); ++code) code_of[order[code]] = code;
  write_pieces(entries, order, out);
  ints.encode(pieces.counts, codec::Effort::kFull, out);
  std::string low(pieces.codes.size(), '\0');
  std::string high(pieces.codes.size(), '\0');
  for (size_t i = 0; i < pieces.codes.size(); ++i) {
    uint32_t code = code_of[pieces.codes[i]];
    low[i] = static_cast<char>(code & 0xff);
    high[i] = static_cast<char>(code >> 8);
  }
  codec::write_packed(low, codec::Method::kLz4, out);
  codec::write_packed(high, codec::Method::kLz4, out);
  return true;
}

namespace {

// `count` varints of at most 32 bits that fill `bytes`; most have one byte.
Status read_varints(std::string_view bytes, size_t count, std::vector<uint32_t>& out) {
  out.resize(count);
  if (bytes.size() == count && text::is_ascii(bytes)) {
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(bytes[i]);
    return {};
  }
  base::Reader in(bytes);
  for (uint32_t& v : out) v = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
  return in.finish();
}

// Bytes that move the bytes of a register up: taken from 16 - n on, by n.
constexpr std::array<uint8_t, 32> kMoveUp = [] {
  std::array<uint8_t, 32> table{};
  for (size_t i = 0; i < 16; ++i) {
    table[i] = 0x80;
    table[16 + i] = static_cast<uint8_t>(i);
  }
  return table;
}();

// Taken from 16 - n on: the first n bytes are set.
constexpr std::array<uint8_t, 32> kFirstBytes = [] {
  std::array<uint8_t, 32> table{};
  for (size_t i = 0; i < 16; ++i) table[i] = 0xff;
  return table;
}();

// Puts pieces together. The first bytes of the last one stay in a register: what was just written is slow to read.
class PiecePrinter {
 public:
  // Writes a piece of `bytes` that begins with `shared` bytes of the last one, which lies right before `to`.
  void print(size_t bytes, size_t shared, const char* rest, char* to) {
    size_t kept = std::min<size_t>(shared, kCopyBytes);
    __m128i moved = _mm_shuffle_epi8(load(rest), load(kMoveUp.data() + kCopyBytes - kept));
    first_ = _mm_or_si128(_mm_and_si128(first_, load(kFirstBytes.data() + kCopyBytes - kept)), moved);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), first_);
    if (bytes > kCopyBytes) print_long(bytes, shared, rest, to);
    last_ = bytes;
  }

 private:
  void print_long(size_t bytes, size_t shared, const char* rest, char* to) const {
    if (shared > kCopyBytes) std::memcpy(to + kCopyBytes, to - last_ + kCopyBytes, shared - kCopyBytes);
    size_t at = std::max(shared, kCopyBytes);
    std::memcpy(to + at, rest + (at - shared), bytes - at);
  }

  __m128i first_ = _mm_setzero_si128();
  size_t last_ = 0;  // bytes of the last piece
};

}  // namespace

Status WordsBlock::read_pieces(base::Reader& in) {
  uint64_t count = in.varint_max(kPiecesMax);
  CLEW_TRY(in.status());
  std::string shared_bytes;
  std::string length_bytes;
  std::string rest;
  for (std::string* stream : {&shared_bytes, &length_bytes, &rest}) CLEW_TRY(codec::read_packed(in, *stream));
  std::vector<uint32_t> shared;
  std::vector<uint32_t> lengths;
  CLEW_TRY(read_varints(shared_bytes, count, shared));
  CLEW_TRY(read_varints(length_bytes, count, lengths));
  ends_.resize(count + 1);
  uint64_t last = 0;
  uint64_t others = 0;
  uint64_t total = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (shared[i] > last) return Error(Code::kCorrupt, "a piece that shares more than there is");
    last = uint64_t{shared[i]} + lengths[i];
    others += lengths[i];
    total += last;
    if (total > kWordsBytesMax) return Error(Code::kCorrupt, "pieces too long");
    ends_[i + 1] = static_cast<uint32_t>(total);
  }
  if (others != rest.size()) return Error(Code::kCorrupt, "pieces of another length");
  pieces_.resize(total + kCopyBytes);
  rest.append(kCopyBytes, '\0');
  const char* from = rest.data();
  PiecePrinter printer;
  for (uint64_t i = 0; i < count; ++i) {
    printer.print(ends_[i + 1] - ends_[i], shared[i], from, pieces_.data() + ends_[i]);
    from += lengths[i];
  }
  ascii_ = text::is_ascii(std::string_view(pieces_).substr(0, total));
  return {};
}

Status WordsBlock::read_codes(base::Reader& in) {
  std::string low;
  std::string high;
  CLEW_TRY(codec::read_packed(in, low));
  CLEW_TRY(codec::read_packed(in, high));
  if (low.size() != high.size() || low.size() != first_.back()) return Error(Code::kCorrupt, "codes of another count");
  codes_.resize(low.size());
  size_t i = 0;
  __m128i greatest = _mm_setzero_si128();
  for (; i + 2 * kLanes <= low.size(); i += 2 * kLanes) {
    __m128i a = load(low.data() + i);
    __m128i b = load(high.data() + i);
    __m128i first = _mm_unpacklo_epi8(a, b);
    __m128i second = _mm_unpackhi_epi8(a, b);
    greatest = _mm_max_epu16(greatest, _mm_max_epu16(first, second));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes_.data() + i), first);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes_.data() + i + kLanes), second);
  }
  std::array<uint16_t, kLanes> lanes;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(lanes.data()), greatest);
  uint32_t worst = *std::max_element(lanes.begin(), lanes.end());
  for (; i < low.size(); ++i) {
    codes_[i] = static_cast<uint16_t>(static_cast<uint8_t>(low[i]) | static_cast<uint8_t>(high[i]) << 8);
    worst = std::max<uint32_t>(worst, codes_[i]);
  }
  if (!codes_.empty() && worst + 1 >= ends_.size()) return Error(Code::kCorrupt, "a code outside of its pieces");
  return {};
}

Result<WordsBlock> WordsBlock::read(base::Reader& in, size_t count) {
  WordsBlock block;
  CLEW_TRY(block.read_pieces(in));
  std::vector<int64_t> counts(count);
  CLEW_TRY(codec::decode_ints(in, count, counts.data()));
  block.first_.reserve(count + 1);
  block.first_.push_back(0);
  uint64_t total = 0;
  for (int64_t n : counts) {
    if (n < 0 || static_cast<uint64_t>(n) > kWordsBytesMax - total) return Error(Code::kCorrupt, "too many pieces");
    total += static_cast<uint64_t>(n);
    block.first_.push_back(static_cast<uint32_t>(total));
  }
  CLEW_TRY(block.read_codes(in));
  return block;
}

namespace {

// Calls fn(entry, place behind) for each place of the piece finder's text that lies inside of one entry.
template <class F>
void for_each_place(const text::Finder& finder, std::string_view bytes, std::span<const uint32_t> ends, size_t length,
                    F fn) {
  for (size_t at = finder.find(bytes); at != std::string_view::npos;) {
    auto next = std::upper_bound(ends.begin(), ends.end(), at);  // the end of the entry
    if (next == ends.end()) return;
    size_t entry = static_cast<size_t>(next - ends.begin()) - 1;
    bool found = at + length <= *next && fn(static_cast<uint16_t>(entry), at);
    at = finder.find(bytes, found ? *next : at + 1);
  }
}

}  // namespace

std::vector<uint16_t> WordsBlock::pieces_with(std::string_view run) const {
  std::vector<uint16_t> codes;
  std::string_view bytes = std::string_view(pieces_).substr(0, ends_.back());
  for_each_place(text::Finder(run, text::CaseRule::kExact), bytes, ends_, run.size(), [&](uint16_t code, size_t) {
    codes.push_back(code);
    return true;
  });
  return codes;
}

std::vector<uint16_t> WordsBlock::pieces_of_word(std::string_view folded) const {
  std::vector<uint16_t> codes;
  std::string_view bytes = std::string_view(pieces_).substr(0, ends_.back());
  if (text::is_ascii(folded)) {
    for_each_place(text::Finder(folded, text::CaseRule::kFolded), bytes, ends_, folded.size(),
                   [&](uint16_t code, size_t at) {
                     // The word of an ASCII piece ends where the piece does.
                     bool begins = at == ends_[code] || !is_word_byte(bytes[at - 1]);
                     bool word = begins && at + folded.size() == ends_[code + 1u];
                     if (word) codes.push_back(code);
                     return word;
                   });
  }
  if (ascii_) return codes;
  for (uint32_t code = 0; code + 1 < ends_.size(); ++code) {
    if (!text::is_ascii(piece(static_cast<uint16_t>(code)))) codes.push_back(static_cast<uint16_t>(code));
  }
  return codes;
}

void WordsBlock::mark(std::span<const uint16_t> codes, std::vector<uint8_t>& marked) const {
  if (codes.empty()) return;
  size_t text = 0;
  auto mark_at = [&](size_t place) {
    while (first_[text + 1] <= place) ++text;
    marked[text] = 1;
  };
  if (codes.size() > kFewCodes) {
    std::vector<uint8_t> wanted(ends_.size());
    for (uint16_t code : codes) wanted[code] = 1;
    for (size_t i = 0; i < texts(); ++i) {
      uint8_t any = 0;
      for (uint32_t at = first_[i]; at < first_[i + 1]; ++at) any |= wanted[codes_[at]];
      marked[i] |= any;
    }
    return;
  }
  size_t at = 0;
  for (; at + kLanes <= codes_.size(); at += kLanes) {
    __m128i some = load(codes_.data() + at);
    __m128i equal = _mm_setzero_si128();
    for (uint16_t code : codes) {
      equal = _mm_or_si128(equal, _mm_cmpeq_epi16(some, _mm_set1_epi16(static_cast<int16_t>(code))));
    }
    auto hits = static_cast<uint32_t>(_mm_movemask_epi8(equal));
    for (; hits != 0; hits &= hits - 1) mark_at(at + static_cast<size_t>(std::countr_zero(hits)) / 2);
  }
  for (; at < codes_.size(); ++at) {
    if (std::find(codes.begin(), codes.end(), codes_[at]) != codes.end()) mark_at(at);
  }
}

void WordsBlock::append_text(size_t i, std::string& out) const {
  for (uint32_t at = first_[i]; at < first_[i + 1]; ++at) out.append(piece(codes_[at]));
}

Status WordsBlock::all_texts(const std::vector<bool>& wanted, std::string& bytes,
                             std::vector<std::string_view>& texts) const {
  const uint32_t* ends = ends_.data();
  size_t total = 0;
  for (uint16_t code : codes_) total += ends[code + 1u] - ends[code];
  if (total > kWordsBytesMax) return Error(Code::kCorrupt, "texts too long");
  bytes.resize(total + kCopyBytes);
  char* to = bytes.data();
  texts.reserve(texts.size() + this->texts());
  for (size_t i = 0; i + 1 < first_.size(); ++i) {
    char* begin = to;
    bool print = wanted.empty() || wanted[i];
    for (uint32_t at = first_[i]; print && at < first_[i + 1]; ++at) {
      uint32_t from = ends[codes_[at]];
      size_t length = ends[codes_[at] + 1u] - from;
      copy(pieces_.data() + from, length, to);
      to += length;
    }
    texts.emplace_back(begin, static_cast<size_t>(to - begin));
  }
  return {};
}

}  // namespace clew::columnar
