#include "columnar/text_query.h"

#include <algorithm>
#include <charconv>

#include "expr/print.h"
#include "text/find.h"
#include "text/utf8.h"

namespace clew::columnar {
namespace {

using contract::Predicate;
using model::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool has_digit(std::string_view s) { return std::any_of(s.begin(), s.end(), is_digit); }
bool all_digits(std::string_view s) { return std::all_of(s.begin(), s.end(), is_digit); }
bool all_hex(std::string_view s) { return std::all_of(s.begin(), s.end(), is_hex); }

bool has_kind(const Chunk& chunk, Kind kind) { return chunk.kinds >> static_cast<int>(kind) & 1; }

std::string first_text(const Predicate& leaf) { return leaf.values.empty() ? std::string() : leaf.values[0].text(); }

bool has_piece(std::string_view text, std::string_view piece) {
  return piece.empty() || text::Finder(piece, text::CaseRule::kExact).find(text) != std::string_view::npos;
}

size_t end_of(const Dictionary& dictionary, size_t entry) {
  std::string_view text = dictionary.entries[entry];
  return static_cast<size_t>(text.data() - dictionary.bytes.data()) + text.size();
}

// A word that may stand in a slot of a template: variables have a digit, or are a UUID.
bool may_be_variable(std::string_view word, char slot_kind) {
  if (slot_kind != kWord) return all_digits(word);
  return has_digit(word) || ((word.size() == 4 || word.size() == 12) && all_hex(word));
}

}  // namespace

TextQuery::TextQuery(const Predicate& leaf)
    : op_(leaf.op), phrase_(leaf.op == Predicate::Op::kPhrase ? first_text(leaf) : std::string()) {
  key_.push_back(static_cast<char>(op_));
  for (const model::Value& v : leaf.values) {
    texts_.push_back(v.text());
    key_ += v.text();
    key_.push_back('\0');
  }
}

bool TextQuery::matches(std::string_view text) const {
  if (op_ == Predicate::Op::kPhrase) return phrase_.matches(text);
  if (op_ == Predicate::Op::kContains) return has_piece(text, texts_[0]);
  return std::find(texts_.begin(), texts_.end(), text) != texts_.end();
}

bool TextQuery::matches(const model::Value& value) const {
  switch (value.type()) {
    case model::Type::kNull: return false;
    case model::Type::kString: return matches(std::string_view(value.text()));
    case model::Type::kArray:
      return std::any_of(value.items().begin(), value.items().end(), [&](const auto& item) { return matches(item); });
    case model::Type::kStruct:
      return std::any_of(value.members().begin(), value.members().end(),
                         [&](const auto& m) { return matches(m.second); });
    default: return matches(std::string_view(expr::print_value(value)));
  }
}

std::vector<Verdict> TextQuery::of_entries(const Dictionary& dictionary) const {
  std::vector<Verdict> verdicts(dictionary.entries.size(), Verdict::kNone);
  auto ask = [&](size_t entry) {
    if (matches(dictionary.entries[entry])) verdicts[entry] = Verdict::kAll;
  };
  std::string_view needed = needed_in(dictionary.bytes);
  if (needed.empty()) {
    for (size_t entry = 0; entry < verdicts.size(); ++entry) ask(entry);
    return verdicts;
  }
  // All entries are looked through at once for what a matching one has.
  std::string_view bytes = dictionary.bytes;
  text::Finder finder(needed, op_ == Predicate::Op::kPhrase ? text::CaseRule::kFolded : text::CaseRule::kExact);
  size_t entry = 0;
  size_t end = 0;  // of the entry
  for (size_t at = finder.find(bytes); at != std::string_view::npos; at = finder.find(bytes, end)) {
    while (end <= at) end = end_of(dictionary, entry++);
    if (at + needed.size() <= end) ask(entry - 1);
  }
  return verdicts;
}

// Bytes that each matching entry of the dictionary's has, in any case for a phrase; empty when none are known.
std::string_view TextQuery::needed_in(std::string_view entries) const {
  if (op_ == Predicate::Op::kContains) return texts_[0];
  if (op_ != Predicate::Op::kPhrase || phrase_.words().empty() || !text::is_ascii(entries)) return {};
  auto longest = std::max_element(phrase_.words().begin(), phrase_.words().end(),
                                  [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return text::is_ascii(*longest) ? std::string_view(*longest) : std::string_view();
}

Verdict TextQuery::phrase_in_template(const Template& shape) const {
  const std::vector<std::string>& words = phrase_.words();
  if (words.empty()) return Verdict::kPerhaps;
  // Every word of the phrase is in the static text or may be a variable; none of it: no text has the phrase.
  std::vector<std::string> fixed;
  bool here = phrase_.matches(shape.after);
  auto add = [&](std::string_view piece) {
    text::for_each_word(piece, [&](std::string_view w) { fixed.emplace_back(w); });
  };
  for (const Template::Slot& slot : shape.slots) {
    here = here || phrase_.matches(slot.before);
    add(slot.before);
  }
  if (here) return Verdict::kAll;
  add(shape.after);
  bool variable = false;
  for (const std::string& word : words) {
    bool slot = std::any_of(shape.slots.begin(), shape.slots.end(),
                            [&](const Template::Slot& s) { return may_be_variable(word, s.kind); });
    if (!slot && std::find(fixed.begin(), fixed.end(), word) == fixed.end()) return Verdict::kNone;
    variable = variable || slot;
  }
  // Words that all stand in static text, but on both sides of a variable, are not next to each other.
  return variable ? Verdict::kPerhaps : Verdict::kNone;
}

Verdict TextQuery::of_template(const Template& shape) const {
  if (op_ == Predicate::Op::kPhrase) return phrase_in_template(shape);
  if (op_ != Predicate::Op::kContains) return Verdict::kPerhaps;
  const std::string& needle = texts_[0];
  auto has = [&](std::string_view piece) { return piece.find(needle) != std::string_view::npos; };
  bool words = false;
  for (const Template::Slot& slot : shape.slots) {
    if (has(slot.before)) return Verdict::kAll;
    words = words || slot.kind == kWord;
  }
  if (has(shape.after)) return Verdict::kAll;
  // A text without digits cannot reach into a number.
  return words || has_digit(needle) ? Verdict::kPerhaps : Verdict::kNone;
}

std::vector<Verdict> TextQuery::of_templates(const Templates& templates) const {
  std::vector<Verdict> verdicts;
  verdicts.reserve(templates.list.size());
  for (const Template& shape : templates.list) verdicts.push_back(of_template(shape));
  return verdicts;
}

bool TextQuery::possible_text(TextForm form, const ChunkStats& stats) const {
  if (op_ == Predicate::Op::kPhrase) {
    const std::vector<std::string>& words = phrase_.words();
    auto all = [&](auto test) { return std::all_of(words.begin(), words.end(), test); };
    if (words.empty()) return true;
    switch (form) {
      case TextForm::kHex:
        return words.size() == 1 && all(all_hex) &&
               (stats.form != StatsForm::kTexts || stats.text_min.size() == words[0].size());
      case TextForm::kUuid: return words.size() <= 5 && all(all_hex);
      case TextForm::kIp4:
        return words.size() <= 4 && all([](const auto& w) { return w.size() <= 3 && all_digits(w); });
      // Beside numbers a time has an English month and a zone.
      case TextForm::kTime: return all([](const auto& w) { return is_digit(w[0]) || w.size() <= 4; });
      default: return true;
    }
  }
  if (op_ == Predicate::Op::kContains || stats.form != StatsForm::kTexts) return true;
  return std::any_of(texts_.begin(), texts_.end(),
                     [&](const std::string& t) { return t >= stats.text_min && t <= stats.text_max; });
}

// Whether a number, time or bool of the chunk may have the phrase in its text.
bool TextQuery::possible_number(const Chunk& chunk) const {
  const std::vector<std::string>& words = phrase_.words();
  auto all = [&](auto test) { return std::all_of(words.begin(), words.end(), test); };
  if (has_kind(chunk, Kind::kBool) && words.size() == 1 && (words[0] == "true" || words[0] == "false")) return true;
  if (has_kind(chunk, Kind::kTime) && all(all_digits)) return true;
  bool fractions =
      has_kind(chunk, Kind::kDecimal) || has_kind(chunk, Kind::kFloat) || has_kind(chunk, Kind::kNumberText);
  if (fractions && all([](const auto& w) { return is_digit(w[0]) || w == "nan" || w.starts_with("inf"); })) return true;
  if (!has_kind(chunk, Kind::kInt) && !has_kind(chunk, Kind::kUint)) return false;
  if (words.size() != 1 || !all_digits(words[0])) return false;
  int64_t n = 0;
  auto [end, error] = std::from_chars(words[0].data(), words[0].data() + words[0].size(), n);
  if (chunk.stats.form != StatsForm::kInts || error != std::errc()) return true;
  auto inside = [&](int64_t v) { return v >= chunk.stats.int_min && v <= chunk.stats.int_max; };
  return inside(n) || inside(-n);
}

bool TextQuery::possible_in(const Chunk& chunk) const {
  bool texts = has_kind(chunk, Kind::kString);
  if (has_kind(chunk, Kind::kArray) || has_kind(chunk, Kind::kBytes)) return true;
  if (texts && possible_text(chunk.text_form, chunk.stats)) return true;
  if (op_ != Predicate::Op::kPhrase) return false;
  if (phrase_.words().empty()) return true;
  return possible_number(chunk);
}

// Looks at the numbers of a template for the phrase's words that its static text does not have. False: none is there.
Result<bool> TextQuery::may_have_number(const TemplateBlock& block, const Template& shape, uint32_t code) const {
  bool words_only = op_ == Predicate::Op::kPhrase && phrase_.words().size() == 1 && all_digits(phrase_.words()[0]);
  bool numbers_only =
      std::all_of(shape.slots.begin(), shape.slots.end(), [](const auto& s) { return s.kind != kWord; });
  if (!words_only || !numbers_only) return true;
  const std::string& word = phrase_.words()[0];
  int64_t wanted = 0;
  if (std::from_chars(word.data(), word.data() + word.size(), wanted).ec != std::errc()) return false;
  for (size_t s = 0; s < shape.slots.size(); ++s) {
    bool fits =
        shape.slots[s].kind == kFixed ? shape.slots[s].width == word.size() : word.size() == 1 || word[0] != '0';
    if (!fits) continue;
    std::vector<int64_t> numbers = CLEW_TRY(block.numbers(code, s));
    if (std::find(numbers.begin(), numbers.end(), wanted) != numbers.end()) return true;
  }
  return false;
}

Status TextQuery::matching(const TemplateBlock& block, const Templates& templates, const std::vector<Verdict>& verdicts,
                           std::vector<uint8_t>& matched) const {
  const std::vector<int64_t>& codes = block.codes();
  std::vector<Verdict> by_code(verdicts.size() + 1, Verdict::kNone);
  by_code[TemplateBlock::kWhole] = block.uses(TemplateBlock::kWhole) > 0 ? Verdict::kPerhaps : Verdict::kNone;
  bool perhaps = by_code[TemplateBlock::kWhole] == Verdict::kPerhaps;
  for (uint32_t code = 1; code < by_code.size(); ++code) {
    if (block.uses(code) == 0) continue;
    by_code[code] = verdicts[code - 1];
    if (by_code[code] != Verdict::kPerhaps) continue;
    bool may_have = CLEW_TRY(may_have_number(block, templates.list[code - 1], code));
    if (!may_have) by_code[code] = Verdict::kNone;
    perhaps = perhaps || by_code[code] == Verdict::kPerhaps;
  }
  std::string bytes;
  std::vector<std::string_view> texts;
  if (perhaps) CLEW_TRY(block.all_texts({}, bytes, texts));
  matched.resize(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    Verdict v = by_code[static_cast<size_t>(codes[i])];
    matched[i] = v == Verdict::kAll || (v == Verdict::kPerhaps && matches(texts[i]));
  }
  return {};
}

// Sets matched[i] to whether text i has the pieces that every matching text has. Gives true when that is enough.
bool TextQuery::mark_possible(const WordsBlock& block, std::vector<uint8_t>& matched) const {
  const std::vector<std::string>& words = phrase_.words();
  if (op_ == Predicate::Op::kPhrase && !words.empty()) {
    for (size_t i = 0; i < words.size(); ++i) {
      std::vector<uint8_t> some(block.texts(), 0);
      block.mark(block.pieces_of_word(words[i]), some);
      if (i == 0) {
        matched = std::move(some);
      } else {
        for (size_t t = 0; t < matched.size(); ++t) matched[t] &= some[t];
      }
    }
    return words.size() == 1 && block.ascii();
  }
  bool one = texts_.size() == 1 && !texts_[0].empty();
  std::string_view run = one ? longest_run(texts_[0]) : std::string_view();
  matched.assign(block.texts(), run.empty());
  if (run.empty()) return false;
  block.mark(block.pieces_with(run), matched);
  return op_ == Predicate::Op::kContains && run.size() == texts_[0].size();
}

void TextQuery::matching(const WordsBlock& block, std::vector<uint8_t>& matched) const {
  if (mark_possible(block, matched)) return;
  std::string text;
  for (size_t i = 0; i < matched.size(); ++i) {
    if (matched[i] == 0) continue;
    text.clear();
    block.append_text(i, text);
    matched[i] = matches(text);
  }
}

}  // namespace clew::columnar
