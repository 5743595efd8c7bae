#include "columnar/templates.h"

#include <smmintrin.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/check.h"
#include "codec/text_forms.h"

namespace clew::columnar {
namespace {

constexpr uint32_t kTrialTexts = 1024;
constexpr uint32_t kRareBelow = 3;  // templates of fewer texts are not worth their entry
constexpr size_t kWindow = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Bits of the bytes of a window that are digits, belong to words (bytes above 0x7f do), or are placeholders.
struct Masks {
  uint64_t digits = 0;
  uint64_t words = 0;
  uint64_t marks = 0;
};

// A load that begins in a page and does not leave it cannot fault, whatever lies behind the text; what it reads there
// is masked away. The sanitizers do not know that.
constexpr uintptr_t kPageBytes = 4096;
bool readable(const char* p, size_t bytes) {
  return (reinterpret_cast<uintptr_t>(p) & (kPageBytes - 1)) <= kPageBytes - bytes;
}

__attribute__((no_sanitize("address", "thread"))) void copy_blindly(const char* from, char* to) {
  __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 16));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), a);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), b);
}

__attribute__((no_sanitize("address", "thread"))) Masks masks_of(const char* p) {
  Masks m;
  auto between = [](__m128i c, char low, char high) {
    __m128i offset = _mm_sub_epi8(c, _mm_set1_epi8(low));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(high - low))), offset);
  };
  for (int i = 0; i < 4; ++i) {
    __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + i * 16));
    __m128i digit = between(c, '0', '9');
    __m128i letter = between(_mm_or_si128(c, _mm_set1_epi8(0x20)), 'a', 'z');
    __m128i other = _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('_')), c);  // movemask takes the top bit of c
    __m128i mark = between(c, kNumber, kFixed);
    auto d = static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(digit)));
    auto w = static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(letter, other))));
    m.digits |= d << (i * 16);
    m.words |= (d | w) << (i * 16);
    m.marks |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(mark))) << (i * 16);
  }
  return m;
}

bool is_word_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<uint8_t>(c) > 0x7f;
}

// Whether digits stand at `at`, on the other side of a separator.
bool digit_at(std::string_view text, size_t at) { return at < text.size() && is_digit(text[at]); }

// Numbers of dates, times and fractions have a fixed number of digits; so do those with leading zeros.
bool fixed_width(std::string_view text, size_t begin, size_t end) {
  if (text[begin] == '0' && end - begin > 1) return true;
  char before = begin > 0 ? text[begin - 1] : ' ';
  char behind = end < text.size() ? text[end] : ' ';
  bool number_before = begin > 1 && is_digit(text[begin - 2]);
  bool number_behind = digit_at(text, end + 1);
  if (end - begin == 2) {
    for (char separator : {':', '-', '/'}) {
      if ((before == separator && number_before) || (behind == separator && number_behind)) return true;
    }
  }
  if ((before != '.' && before != ',') || !number_before || behind == '.') return false;
  size_t i = begin - 1;
  while (i > 0 && is_digit(text[i - 1])) --i;
  return i == 0 || text[i - 1] != '.';
}

// One text being cut.
class Cutter {
 public:
  // Requires: buffer.size() >= text.size() + kSlack.
  Cutter(std::string_view text, std::string& buffer, std::vector<Variable>& variables)
      : text_(text), begin_(buffer.data()), to_(buffer.data()), variables_(variables) {}

  static constexpr size_t kSlack = 2 * kVariablesMax + kWindow * 2 + 32;

  bool run() {
    size_t first = variables_.size();
    for (size_t base = 0; base < text_.size(); base += kWindow) {
      Masks m = window(base);
      if (m.marks != 0) return false;
      while (m.digits != 0) {
        auto at = static_cast<size_t>(std::countr_zero(m.digits));
        size_t end = take(base + at, base, m.words);
        if (end >= base + kWindow) break;
        m.digits &= ~0ull << (end - base);
      }
      if (variables_.size() - first > kVariablesMax) return false;
    }
    copy(done_, text_.size() - done_);
    return true;
  }
  std::string_view shape() const { return {begin_, static_cast<size_t>(to_ - begin_)}; }

 private:
  Masks window(size_t base) const {
    size_t left = text_.size() - base;
    if (left >= kWindow) return masks_of(text_.data() + base);
    if (readable(text_.data() + base, kWindow)) {
      Masks m = masks_of(text_.data() + base);
      uint64_t inside = ~(~0ull << left);
      return {m.digits & inside, m.words & inside, m.marks & inside};
    }
    char tail[kWindow] = {};
    std::memcpy(tail, text_.data() + base, text_.size() - base);
    return masks_of(tail);
  }

  // Takes the word around the digit at `digit` and gives its end.
  size_t take(size_t digit, size_t base, uint64_t words) {
    if (digit < done_) return done_;
    size_t begin = digit;
    while (begin > done_ && is_word_byte(text_[begin - 1])) --begin;
    // Inside the window the end is one bit scan away.
    uint64_t behind = ~words >> (digit - base);
    size_t end = behind != 0 ? digit + static_cast<size_t>(std::countr_zero(behind)) : base + kWindow;
    if (end >= base + kWindow) {
      end = base + kWindow;
      while (end < text_.size() && is_word_byte(text_[end])) ++end;
    }
    if (end > text_.size()) end = text_.size();
    char uuid[codec::kUuidBytes];
    if (end - begin == 8 && codec::parse_uuid(text_.substr(begin, codec::kUuidChars), uuid) &&
        (begin + codec::kUuidChars == text_.size() || !is_word_byte(text_[begin + codec::kUuidChars]))) {
      add(begin, begin + codec::kUuidChars, kWord, 0);
      return begin + codec::kUuidChars;
    }
    classify(begin, end);
    return end;
  }

  void classify(size_t begin, size_t end) {
    int64_t number = 0;
    bool digits = end - begin <= kNumberDigitsMax;
    for (size_t i = begin; i < end; ++i) {
      if (static_cast<uint8_t>(text_[i]) > 0x7f) return;  // the whole run stays static
      digits = digits && is_digit(text_[i]);
      if (digits) number = number * 10 + (text_[i] - '0');
    }
    if (!digits) {
      add(begin, end, kWord, 0);
    } else {
      add(begin, end, fixed_width(text_, begin, end) ? kFixed : kNumber, number);
    }
  }

  // Pieces are short: where the text goes on far enough, one or two fixed copies beat a call.
  void copy(size_t from, size_t bytes) {
    const char* p = text_.data() + from;
    if (bytes <= 32 && (from + 32 <= text_.size() || readable(p, 32))) {
      copy_blindly(p, to_);
    } else {
      std::memcpy(to_, p, bytes);
    }
    to_ += bytes;
  }

  void add(size_t begin, size_t end, char kind, int64_t number) {
    copy(done_, begin - done_);
    *to_++ = kind;
    if (kind == kFixed) *to_++ = static_cast<char>('0' + (end - begin));
    if (kind == kWord) {
      variables_.push_back({text_.data() + begin, static_cast<int64_t>(end - begin)});
    } else {
      variables_.push_back({nullptr, number});
    }
    done_ = end;
  }

  std::string_view text_;
  char* begin_;
  char* to_;
  std::vector<Variable>& variables_;
  size_t done_ = 0;
};

}  // namespace

std::optional<std::string_view> cut_text(std::string_view text, std::string& buffer, std::vector<Variable>& variables) {
  if (buffer.size() < text.size() + Cutter::kSlack) buffer.resize(text.size() * 2 + Cutter::kSlack);
  size_t first = variables.size();
  Cutter cutter(text, buffer, variables);
  if (cutter.run()) return cutter.shape();
  variables.resize(first);
  return std::nullopt;
}

Result<TemplatesPtr> parse_templates(DictionaryPtr texts) {
  auto templates = std::make_shared<Templates>();
  templates->list.reserve(texts->entries.size());
  for (std::string_view text : texts->entries) {
    Template t;
    size_t done = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] < kNumber || text[i] > kFixed) continue;
      Template::Slot slot{text[i], 0, text.substr(done, i - done)};
      if (slot.kind == kFixed) {
        if (++i == text.size() || text[i] <= '0' || text[i] > static_cast<char>('0' + kNumberDigitsMax)) {
          return Error(Code::kCorrupt, "a placeholder without its width");
        }
        slot.width = static_cast<uint8_t>(text[i] - '0');
      }
      t.slots.push_back(slot);
      done = i + 1;
    }
    t.after = text.substr(done);
    templates->list.push_back(std::move(t));
  }
  templates->texts = std::move(texts);
  return TemplatesPtr(std::move(templates));
}

void print_template(const Template& shape, const Variable* variables, std::string& out) {
  for (const Template::Slot& slot : shape.slots) {
    out.append(slot.before);
    const Variable& v = *variables++;
    if (slot.kind == kWord) {
      out.append(v.word());
      continue;
    }
    char digits[kNumberDigitsMax + 2];
    auto bytes = static_cast<size_t>(std::to_chars(digits, digits + sizeof digits, v.number).ptr - digits);
    if (slot.kind == kFixed && bytes < slot.width) out.append(slot.width - bytes, '0');
    out.append(digits, bytes);
  }
  out.append(shape.after);
}

void TemplateSet::begin(const ColumnView& column) {
  size_t given = column.templates ? column.templates->entries->size() : 0;
  dictionary_.reset(static_cast<uint32_t>(std::max<size_t>(given, kTemplatesMax)));
  for (size_t i = 0; i < given; ++i) dictionary_.code((*column.templates->entries)[i]);
  arena_.clear();
  variables_.clear();
  codes_.assign(column.rows, kWhole);
  first_variable_.assign(column.rows, 0);
  at_.assign(column.rows, nullptr);
  counts_.assign(std::max<size_t>(given, kTemplatesMax), 0);
}

uint32_t TemplateSet::cut(std::string_view text) {
  std::optional<std::string_view> shape = cut_text(text, buffer_, variables_);
  if (!shape) return kWhole;
  uint32_t code = dictionary_.find(*shape);
  if (code == DictionaryBuilder::kFullCode && dictionary_.entries().size() < counts_.size()) {
    arena_.emplace_back(*shape);
    code = dictionary_.code(arena_.back());
  }
  return code;
}

bool TemplateSet::build(const ColumnView& column) {
  begin(column);
  uint32_t texts = 0;
  uint32_t whole = 0;
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (!lane_is_text(column.kind_at(row))) continue;
    ++texts;
    uint32_t code = column.templates ? column.templates->codes[row] : kWhole;
    if (code != kWhole) {
      at_[row] = column.templates->variables[row];
    } else {
      first_variable_[row] = static_cast<uint32_t>(variables_.size());
      code = cut(column.text_at(row));
    }
    codes_[row] = code;
    if (code == kWhole) {
      ++whole;
    } else {
      ++counts_[code];
    }
    bool trial = texts == kTrialTexts && !column.templates;
    if (trial && dictionary_.entries().size() + whole > kTrialTexts / 3) return false;
  }
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (codes_[row] != kWhole && !at_[row]) at_[row] = variables_.data() + first_variable_[row];
  }
  return keep_frequent(texts);
}

bool TemplateSet::keep_frequent(uint32_t texts) {
  const std::vector<std::string_view>& all = dictionary_.entries();
  std::vector<uint32_t> renamed(all.size(), kWhole);
  kept_.clear();
  uint32_t served = 0;
  for (uint32_t c = 0; c < all.size(); ++c) {
    if (counts_[c] < kRareBelow || kept_.size() == kTemplatesMax) continue;
    renamed[c] = static_cast<uint32_t>(kept_.size());
    kept_.push_back(all[c]);
    served += counts_[c];
  }
  if (served * 2 < texts || kept_.empty()) return false;
  for (uint32_t& code : codes_) {
    if (code != kWhole) code = renamed[code];
  }
  // Our own templates always parse.
  auto texts_of = std::make_shared<Dictionary>();
  texts_of->entries = kept_;
  Result<TemplatesPtr> parsed = parse_templates(texts_of);
  CHECK(parsed.ok());
  parsed_ = std::move(parsed).take();
  return true;
}

}  // namespace clew::columnar
