#include "text/matcher_syntax.h"

#include <algorithm>
#include <charconv>

namespace clew::text {
namespace {

using Kind = RegexNode::Kind;
using At = RegexNode::At;

constexpr uint32_t kRepeatMost = 1000;

RegexNodePtr node_of(Kind kind) {
  auto node = std::make_unique<RegexNode>();
  node->kind = kind;
  return node;
}

void add_digits(ByteSet& set) { set.add_range('0', '9'); }
void add_word(ByteSet& set) {
  add_digits(set);
  set.add_range('a', 'z');
  set.add_range('A', 'Z');
  set.add('_');
}
void add_blanks(ByteSet& set) {
  for (char c : {' ', '\t', '\n', '\r', '\f', '\v'}) set.add(static_cast<unsigned char>(c));
}
void invert(ByteSet& set) {
  for (uint64_t& bits : set.bits) bits = ~bits;
}
// Of the bytes beyond ASCII either all or none.
void clear_wide(ByteSet& set) { set.bits[2] = set.bits[3] = 0; }
void fill_wide(ByteSet& set) { set.bits[2] = set.bits[3] = ~uint64_t{0}; }

void fold_case(ByteSet& set) {
  for (int c = 'a'; c <= 'z'; ++c) {
    auto lower = static_cast<unsigned char>(c);
    auto upper = static_cast<unsigned char>(c - 'a' + 'A');
    if (set.has(lower)) set.add(upper);
    if (set.has(upper)) set.add(lower);
  }
}

struct PosixClass {
  std::string_view name;
  void (*add)(ByteSet&);
};
const PosixClass kPosix[] = {
    {"alpha", [](ByteSet& s) { s.add_range('a', 'z'), s.add_range('A', 'Z'); }},
    {"digit", add_digits},
    {"alnum", [](ByteSet& s) { add_digits(s), s.add_range('a', 'z'), s.add_range('A', 'Z'); }},
    {"upper", [](ByteSet& s) { s.add_range('A', 'Z'); }},
    {"lower", [](ByteSet& s) { s.add_range('a', 'z'); }},
    {"space", add_blanks},
    {"blank", [](ByteSet& s) { s.add(' '), s.add('\t'); }},
    {"punct",
     [](ByteSet& s) { s.add_range('!', '/'), s.add_range(':', '@'), s.add_range('[', '`'), s.add_range('{', '~'); }},
    {"xdigit", [](ByteSet& s) { add_digits(s), s.add_range('a', 'f'), s.add_range('A', 'F'); }},
    {"word", add_word},
    {"cntrl", [](ByteSet& s) { s.add_range(0, 31), s.add(127); }},
    {"print", [](ByteSet& s) { s.add_range(' ', '~'); }},
    {"graph", [](ByteSet& s) { s.add_range('!', '~'); }},
};

class SyntaxReader {
 public:
  explicit SyntaxReader(std::string_view text) : text_(text) { out_.names.emplace_back(); }

  Result<RegexTree> read() {
    out_.root = CLEW_TRY(any(0));
    if (at_ < text_.size()) return Error(Code::kInvalid, "the expression has a ) that closes nothing");
    return std::move(out_);
  }

 private:
  struct Modes {
    bool fold = false;
    bool dot_all = false;
    bool lines = false;
    bool free = false;  // blanks and comments mean nothing
  };

  bool more() const { return at_ < text_.size(); }
  char peek() const { return text_[at_]; }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  static Error invalid(const std::string& what) { return Error(Code::kInvalid, what); }
  static Error unsupported(const std::string& what) { return Error(Code::kUnsupported, what); }

  Result<RegexNodePtr> any(int depth) {
    if (depth > kMatcherDepthMax) return Error(Code::kTooLarge, "the expression is nested too deeply");
    Modes before = modes_;
    RegexNodePtr all = CLEW_TRY(sequence(depth));
    if (more() && peek() == '|') {
      RegexNodePtr either = node_of(Kind::kAny);
      either->nodes.push_back(std::move(all));
      while (more() && peek() == '|') {
        ++at_;
        RegexNodePtr next = CLEW_TRY(sequence(depth));
        either->nodes.push_back(std::move(next));
      }
      all = std::move(either);
    }
    modes_ = before;
    return all;
  }

  Result<RegexNodePtr> sequence(int depth) {
    RegexNodePtr all = node_of(Kind::kAll);
    while (more() && peek() != '|' && peek() != ')') {
      if (modes_.free && skip_free()) continue;
      RegexNodePtr one = CLEW_TRY(atom(depth));
      if (one == nullptr) continue;  // it only changed modes
      one = CLEW_TRY(repeated(std::move(one)));
      all->nodes.push_back(std::move(one));
    }
    return all;
  }
  bool skip_free() {
    if (std::string_view(" \t\r\n").find(peek()) != std::string_view::npos) {
      ++at_;
      return true;
    }
    if (peek() != '#') return false;
    at_ = std::min(text_.find('\n', at_), text_.size());
    return true;
  }

  Result<RegexNodePtr> repeated(RegexNodePtr one) {
    while (more()) {
      uint32_t min = 0;
      uint32_t max = kNoEnd;
      size_t before = at_;
      if (peek() == '*') {
        ++at_;
      } else if (peek() == '+') {
        ++at_, min = 1;
      } else if (peek() == '?') {
        ++at_, max = 1;
      } else if (peek() != '{' || !counts(min, max)) {
        at_ = before;
        break;
      }
      if (min > kRepeatMost || (max != kNoEnd && max > kRepeatMost)) return invalid("the expression repeats too often");
      if (max < min) return invalid("the expression repeats at most less than at least");
      RegexNodePtr node = node_of(Kind::kRepeat);
      node->min = min;
      node->max = max;
      if (more() && peek() == '?') {
        ++at_, node->least = true;
      } else if (more() && peek() == '+') {
        ++at_, node->possessive = true;
        out_.beyond_re2 = true;
      }
      node->nodes.push_back(std::move(one));
      one = std::move(node);
    }
    return one;
  }
  // {3}, {3,}, {3,5}, {,5}; anything else is a brace.
  bool counts(uint32_t& min, uint32_t& max) {
    size_t close = text_.find('}', at_);
    if (close == std::string_view::npos) return false;
    std::string_view inside = text_.substr(at_ + 1, close - at_ - 1);
    size_t comma = inside.find(',');
    std::string_view low = inside.substr(0, comma);
    std::string_view high = comma == std::string_view::npos ? low : inside.substr(comma + 1);
    auto number = [](std::string_view digits, uint32_t& to) {
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), to);
      return error == std::errc() && end == digits.data() + digits.size();
    };
    if (low.empty() && high.empty()) return false;
    if (!low.empty() && !number(low, min)) return false;
    if (high.empty())
      max = kNoEnd;
    else if (!number(high, max))
      return false;
    at_ = close + 1;
    return true;
  }

  Result<RegexNodePtr> atom(int depth) {
    char c = text_[at_++];
    switch (c) {
      case '(': return group(depth);
      case '[': return bracket();
      case '.': return dot();
      case '^': return assertion(modes_.lines ? At::kLineBegin : At::kBegin);
      case '$': return assertion(modes_.lines ? At::kLineEnd : At::kEnd);
      case '\\': return escape();
      case '*':
      case '+':
      case '?': return invalid(std::string("the expression has a ") + c + " that repeats nothing");
      default: return byte(static_cast<unsigned char>(c));
    }
  }
  RegexNodePtr byte(unsigned char c) {
    RegexNodePtr node = node_of(Kind::kSet);
    node->set.add(c);
    if (modes_.fold) fold_case(node->set);
    if (c < 0xC0) return node;
    // The rest of the character belongs to it.
    RegexNodePtr all = node_of(Kind::kAll);
    all->nodes.push_back(std::move(node));
    while (more() && (static_cast<unsigned char>(peek()) & 0xC0) == 0x80) {
      RegexNodePtr further = node_of(Kind::kSet);
      further->set.add(static_cast<unsigned char>(text_[at_++]));
      all->nodes.push_back(std::move(further));
    }
    return all;
  }
  static RegexNodePtr assertion(At at) {
    RegexNodePtr node = node_of(Kind::kAssert);
    node->at = at;
    return node;
  }
  RegexNodePtr dot() {
    RegexNodePtr node = node_of(Kind::kSet);
    node->set.add_range(0, 255);
    node->wide = true;
    if (!modes_.dot_all) node->set.bits[0] &= ~(uint64_t{1} << '\n');
    return node;
  }

  Result<RegexNodePtr> group(int depth) {
    RegexNodePtr node = node_of(Kind::kGroup);
    if (!take("?")) {
      node->group = new_group("");
    } else if (take("#")) {
      at_ = std::min(text_.find(')', at_), text_.size());
      if (!take(")")) return invalid("the expression has a comment without )");
      return RegexNodePtr();
    } else if (take(":")) {
      node->kind = Kind::kAll;
    } else if (take(">")) {
      node->kind = Kind::kAtomic;
      out_.beyond_re2 = true;
    } else if (take("=") || take("!") || take("<=") || take("<!")) {
      node->kind = Kind::kLook;
      node->negate = text_[at_ - 1] == '!';
      node->behind = text_[at_ - 2] == '<';
      out_.beyond_re2 = true;
    } else if (take("P<") || take("<") || take("'")) {
      char close = text_[at_ - 1] == '\'' ? '\'' : '>';
      size_t end = text_.find(close, at_);
      if (end == std::string_view::npos) return invalid("the expression has a group whose name does not end");
      node->group = new_group(text_.substr(at_, end - at_));
      at_ = end + 1;
    } else {
      bool whole = CLEW_TRY(modes());
      if (whole) return RegexNodePtr();
      node->kind = Kind::kAll;
      Modes inside = modes_;
      modes_ = outside_;
      return group_end(std::move(node), depth, inside);
    }
    return group_end(std::move(node), depth, modes_);
  }
  Result<RegexNodePtr> group_end(RegexNodePtr node, int depth, Modes inside) {
    Modes before = modes_;
    modes_ = inside;
    RegexNodePtr inner = CLEW_TRY(any(depth + 1));
    node->nodes.push_back(std::move(inner));
    modes_ = before;
    if (!take(")")) return invalid("the expression has a ( that is not closed");
    return node;
  }
  uint32_t new_group(std::string_view name) {
    out_.names.emplace_back(name);
    return static_cast<uint32_t>(out_.names.size() - 1);
  }
  // (?i) holds to the end of the group: true; (?i:...) for the inside.
  Result<bool> modes() {
    outside_ = modes_;
    bool on = true;
    while (more()) {
      char c = text_[at_++];
      if (c == ')') return true;
      if (c == ':') return false;
      if (c == '-')
        on = false;
      else if (c == 'i')
        modes_.fold = on;
      else if (c == 's')
        modes_.dot_all = on;
      else if (c == 'm')
        modes_.lines = on;
      else if (c == 'x')
        modes_.free = on, out_.beyond_re2 = true;
      else
        return invalid(std::string("the expression has an unknown group (?") + c);
    }
    return invalid("the expression has a ( that is not closed");
  }

  Result<RegexNodePtr> escape() {
    if (!more()) return invalid("the expression ends with a backslash");
    char c = text_[at_++];
    switch (c) {
      case 'b': return assertion(At::kWord);
      case 'B': return assertion(At::kNotWord);
      case 'A': return assertion(At::kBegin);
      case 'z': return assertion(At::kEnd);
      case 'Z': return assertion(At::kEndOrNewline);
      default: break;
    }
    RegexNodePtr node = node_of(Kind::kSet);
    --at_;
    CLEW_TRY(escaped_set(node->set, node->wide));
    if (modes_.fold) fold_case(node->set);
    return node;
  }
  // Behind a backslash: a class or one character.
  Status escaped_set(ByteSet& set, bool& wide) {
    char c = text_[at_++];
    ByteSet own;
    bool inverted = false;
    switch (c) {
      case 'd': add_digits(own); break;
      case 'D': add_digits(own), inverted = true; break;
      case 'w': add_word(own); break;
      case 'W': add_word(own), inverted = true; break;
      case 's': add_blanks(own); break;
      case 'S': add_blanks(own), inverted = true; break;
      case 'n': own.add('\n'); break;
      case 't': own.add('\t'); break;
      case 'r': own.add('\r'); break;
      case 'f': own.add('\f'); break;
      case 'v': own.add('\v'); break;
      case 'a': own.add('\a'); break;
      case 'e': own.add(27); break;
      case '0': own.add(0); break;
      case 'x': {
        unsigned char value = CLEW_TRY(hex_byte());
        own.add(value);
        break;
      }
      default:
        if ((c >= '1' && c <= '9') || c == 'k' || c == 'g') return unsupported("the expression has a backreference");
        if (c == 'p' || c == 'P') return unsupported("the expression has a Unicode class");
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
          return unsupported(std::string("the expression has an unknown \\") + c);
        if (static_cast<unsigned char>(c) >= 0x80)
          return unsupported("the expression escapes a character beyond ASCII");
        own.add(static_cast<unsigned char>(c));
    }
    if (inverted) {
      invert(own);
      wide = true;
    }
    set.merge(own);
    return {};
  }
  Result<unsigned char> hex_byte() {
    bool braced = take("{");
    size_t end = braced ? text_.find('}', at_) : std::min(at_ + 2, text_.size());
    if (end == std::string_view::npos) return invalid("the expression has a \\x{ that is not closed");
    unsigned value = 0;
    auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + end, value, 16);
    if (error != std::errc() || stop != text_.data() + end) return invalid("the expression has a \\x without digits");
    if (value > 0x7f) return unsupported("the expression has a \\x beyond ASCII");
    at_ = end + (braced ? 1 : 0);
    return static_cast<unsigned char>(value);
  }

  Result<RegexNodePtr> bracket() {
    RegexNodePtr node = node_of(Kind::kSet);
    bool inverted = take("^");
    bool wide = false;
    bool first = true;
    while (true) {
      if (!more()) return invalid("the expression has a [ that is not closed");
      if (peek() == ']' && !first) break;
      first = false;
      if (take("&&")) return unsupported("the expression has an intersection of classes");
      CLEW_TRY(member(node->set, wide));
    }
    ++at_;
    if (modes_.fold) fold_case(node->set);
    clear_wide(node->set);
    if (inverted) invert(node->set);
    node->wide = inverted ? !wide : wide;
    if (node->wide)
      fill_wide(node->set);
    else
      clear_wide(node->set);
    return node;
  }
  // A character, a range, or a class with a name.
  Status member(ByteSet& set, bool& wide) {
    if (take("[:")) return posix(set, wide);
    ByteSet one;
    bool class_wide = false;
    unsigned char low = 0;
    bool single = CLEW_TRY(member_start(one, class_wide, low));
    wide = wide || class_wide;
    set.merge(one);
    bool range = single && at_ + 1 < text_.size() && peek() == '-' && text_[at_ + 1] != ']';
    if (!range) return {};
    ++at_;
    unsigned char high = 0;
    bool bounded = CLEW_TRY(member_start(one, class_wide, high));
    if (!bounded || high < low) return invalid("the expression has a range that is none");
    set.add_range(low, high);
    return {};
  }
  // True when it is one character, which may begin or end a range.
  Result<bool> member_start(ByteSet& set, bool& wide, unsigned char& value) {
    char c = text_[at_++];
    if (static_cast<unsigned char>(c) >= 0x80) return unsupported("the expression has a class beyond ASCII");
    if (c != '\\') {
      value = static_cast<unsigned char>(c);
      set.add(value);
      return true;
    }
    if (!more()) return invalid("the expression ends with a backslash");
    if (peek() == 'b') {
      ++at_;
      value = '\b';
      set.add(value);
      return true;
    }
    char name = peek();
    ByteSet own;
    CLEW_TRY(escaped_set(own, wide));
    set.merge(own);
    if (std::string_view("dDwWsS").find(name) != std::string_view::npos) return false;
    for (int i = 0; i < 256; ++i) {
      if (own.has(static_cast<unsigned char>(i))) value = static_cast<unsigned char>(i);
    }
    return true;
  }
  Status posix(ByteSet& set, bool& wide) {
    bool inverted = take("^");
    for (const PosixClass& known : kPosix) {
      if (!text_.substr(at_).starts_with(known.name) || !text_.substr(at_ + known.name.size()).starts_with(":]"))
        continue;
      at_ += known.name.size() + 2;
      ByteSet own;
      known.add(own);
      if (inverted) {
        invert(own);
        wide = true;
      }
      set.merge(own);
      return {};
    }
    return invalid("the expression has an unknown class [:..:]");
  }

  std::string_view text_;
  size_t at_ = 0;
  Modes modes_;
  Modes outside_;
  RegexTree out_;
};

}  // namespace

Result<RegexTree> parse_regex(std::string_view pattern) { return SyntaxReader(pattern).read(); }

}  // namespace clew::text
