#include "text/matcher.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "text/matcher_syntax.h"

namespace clew::text {
namespace {

constexpr uint64_t kStepsAlways = 20'000;  // of a search, whatever the text
constexpr uint64_t kStepsPerByte = 64;

bool is_word(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_inner(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

ByteSet every_byte() {
  ByteSet all;
  all.add_range(0, 255);
  return all;
}

}  // namespace

// Makes the steps from the last to the first: each knows what follows it, and so what it can begin with.
class MatcherBuilder {
 public:
  using Op = Matcher::Op;
  using Take = Matcher::Take;
  using Kind = RegexNode::Kind;

  explicit MatcherBuilder(Matcher& matcher) : m_(matcher) {}

  Status build(const RegexTree& tree) {
    m_.names_ = tree.names;
    m_.beyond_re2_ = tree.beyond_re2;
    m_.slots_ = static_cast<uint32_t>(2 * tree.names.size());
    uint32_t end = match();
    m_.entry_ = CLEW_TRY(node(*tree.root, end));
    m_.anchored_ = begins_anchored(*tree.root);
    return {};
  }

 private:
  static bool begins_anchored(const RegexNode& n) {
    if (n.kind == Kind::kAssert) return n.at == RegexNode::At::kBegin;
    if (n.kind == Kind::kAll || n.kind == Kind::kGroup || n.kind == Kind::kAtomic)
      return !n.nodes.empty() && begins_anchored(*n.nodes[0]);
    if (n.kind != Kind::kAny) return false;
    return std::all_of(n.nodes.begin(), n.nodes.end(), [](const RegexNodePtr& one) { return begins_anchored(*one); });
  }

  Result<uint32_t> add(Matcher::Step step) {
    if (m_.steps_.size() >= kMatcherStepsMax) return Error(Code::kTooLarge, "the expression is too long");
    m_.steps_.push_back(std::move(step));
    return static_cast<uint32_t>(m_.steps_.size() - 1);
  }
  uint32_t match() {
    Matcher::Step end;
    end.first = every_byte();
    m_.steps_.push_back(std::move(end));
    return static_cast<uint32_t>(m_.steps_.size() - 1);
  }
  void begin_as(Matcher::Step& step, uint32_t other) {
    step.first.merge(m_.steps_[other].first);
    step.may_end = step.may_end || m_.steps_[other].may_end;
  }

  Result<uint32_t> node(const RegexNode& n, uint32_t next) {
    switch (n.kind) {
      case Kind::kEmpty: return next;
      case Kind::kSet: return set(n, next);
      case Kind::kAll: return all(n, next);
      case Kind::kAny: return either(n, next);
      case Kind::kRepeat: return repeat(n, next);
      case Kind::kGroup: return group(n, next);
      case Kind::kAssert: return assertion(n, next);
      case Kind::kLook: return look(n, next);
      case Kind::kAtomic: return atomic(*n.nodes[0], next);
    }
    return next;
  }

  // One byte, as it stands.
  static std::optional<char> single(const RegexNode& n) {
    if (n.kind != Kind::kSet || n.wide) return std::nullopt;
    int count = 0;
    for (uint64_t bits : n.set.bits) count += __builtin_popcountll(bits);
    if (count != 1) return std::nullopt;
    for (int c = 0; c < 256; ++c) {
      if (n.set.has(static_cast<unsigned char>(c))) return static_cast<char>(c);
    }
    return std::nullopt;
  }

  Result<uint32_t> all(const RegexNode& n, uint32_t next) {
    for (size_t i = n.nodes.size(); i-- > 0;) {
      std::optional<char> last = single(*n.nodes[i]);
      if (!last) {
        next = CLEW_TRY(node(*n.nodes[i], next));
        continue;
      }
      std::string bytes(1, *last);
      while (i > 0 && single(*n.nodes[i - 1])) bytes.insert(bytes.begin(), *single(*n.nodes[--i]));
      next = CLEW_TRY(text(std::move(bytes), next));
    }
    return next;
  }
  Result<uint32_t> text(std::string bytes, uint32_t next) {
    Matcher::Step step;
    step.op = Op::kText;
    step.next = next;
    step.may_end = false;
    step.first.add(static_cast<unsigned char>(bytes[0]));
    step.bytes = std::move(bytes);
    return add(std::move(step));
  }
  Result<uint32_t> set(const RegexNode& n, uint32_t next) {
    Matcher::Step step;
    step.op = Op::kSet;
    step.next = next;
    step.set = n.set;
    step.wide = n.wide;
    step.may_end = false;
    step.first = n.set;
    return add(std::move(step));
  }
  Result<uint32_t> split(uint32_t next, uint32_t other) {
    Matcher::Step step;
    step.op = Op::kSplit;
    step.next = next;
    step.other = other;
    step.may_end = false;
    begin_as(step, next);
    begin_as(step, other);
    return add(std::move(step));
  }
  Result<uint32_t> either(const RegexNode& n, uint32_t next) {
    uint32_t rest = CLEW_TRY(node(*n.nodes.back(), next));
    for (size_t i = n.nodes.size() - 1; i-- > 0;) {
      uint32_t one = CLEW_TRY(node(*n.nodes[i], next));
      rest = CLEW_TRY(split(one, rest));
    }
    return rest;
  }
  Result<uint32_t> save(uint32_t slot, uint32_t next) {
    Matcher::Step step;
    step.op = Op::kSave;
    step.min = slot;
    step.next = next;
    step.may_end = false;
    begin_as(step, next);
    return add(std::move(step));
  }
  Result<uint32_t> group(const RegexNode& n, uint32_t next) {
    uint32_t end = CLEW_TRY(save(2 * n.group + 1, next));
    uint32_t inside = CLEW_TRY(node(*n.nodes[0], end));
    return save(2 * n.group, inside);
  }
  Result<uint32_t> assertion(const RegexNode& n, uint32_t next) {
    Matcher::Step step;
    step.op = Op::kAssert;
    step.min = static_cast<uint32_t>(n.at);
    step.next = next;
    step.may_end = false;
    begin_as(step, next);
    return add(std::move(step));
  }

  // Steps of what stands apart end in a match of their own.
  Result<uint32_t> atomic(const RegexNode& inside, uint32_t next) {
    Matcher::Step step;
    step.op = Op::kAtomic;
    step.other = CLEW_TRY(node(inside, match()));
    step.next = next;
    step.first = every_byte();
    return add(std::move(step));
  }
  Result<uint32_t> look(const RegexNode& n, uint32_t next) {
    Matcher::Step step;
    step.op = Op::kLook;
    step.negate = n.negate;
    if (n.behind) {
      std::optional<uint32_t> bytes = bytes_of(*n.nodes[0]);
      if (!bytes) return Error(Code::kUnsupported, "the expression looks behind for a text whose length is not fixed");
      step.min = *bytes;
    }
    step.other = CLEW_TRY(node(*n.nodes[0], match()));
    step.next = next;
    step.may_end = false;
    begin_as(step, next);
    return add(std::move(step));
  }
  static std::optional<uint32_t> bytes_of(const RegexNode& n) {
    if (n.kind == Kind::kSet) return 1;
    if (n.kind == Kind::kAssert || n.kind == Kind::kLook || n.kind == Kind::kEmpty) return 0;
    if (n.kind == Kind::kRepeat) {
      std::optional<uint32_t> one = bytes_of(*n.nodes[0]);
      return one && n.min == n.max ? std::optional(*one * n.min) : std::nullopt;
    }
    uint32_t sum = 0;
    for (size_t i = 0; i < n.nodes.size(); ++i) {
      std::optional<uint32_t> one = bytes_of(*n.nodes[i]);
      if (!one) return std::nullopt;
      if (n.kind == Kind::kAny && i > 0 && *one != sum) return std::nullopt;
      sum = n.kind == Kind::kAny ? *one : sum + *one;
    }
    return sum;
  }

  Result<uint32_t> repeat(const RegexNode& n, uint32_t next) {
    const RegexNode& one = *n.nodes[0];
    if (n.max == 0) return next;
    if (n.possessive) return possessive(n, next);
    bool counted = n.min > 1 || (n.max != kNoEnd && n.max > 1);
    if (one.kind == Kind::kSet && !(one.wide && counted)) return run(n, next, n.least ? Take::kLeast : Take::kMost);
    if (n.max == kNoEnd) {
      next = CLEW_TRY(loop(n, next));
    } else {
      // x{2,4} is xx(x(x)?)?
      uint32_t end = next;
      for (uint32_t i = n.min; i < n.max; ++i) {
        uint32_t once = CLEW_TRY(node(one, next));
        next = CLEW_TRY(n.least ? split(end, once) : split(once, end));
      }
    }
    for (uint32_t i = 0; i < n.min; ++i) next = CLEW_TRY(node(one, next));
    return next;
  }
  Result<uint32_t> possessive(const RegexNode& n, uint32_t next) {
    Matcher::Step step;
    step.op = Op::kAtomic;
    uint32_t end = match();
    step.other = CLEW_TRY(repeat_plain(n, end));
    step.next = next;
    step.first = every_byte();
    return add(std::move(step));
  }
  Result<uint32_t> repeat_plain(const RegexNode& n, uint32_t next) {
    const RegexNode& one = *n.nodes[0];
    if (n.max == kNoEnd) {
      next = CLEW_TRY(loop(n, next));
    } else {
      uint32_t end = next;
      for (uint32_t i = n.min; i < n.max; ++i) {
        uint32_t once = CLEW_TRY(node(one, next));
        next = CLEW_TRY(split(once, end));
      }
    }
    for (uint32_t i = 0; i < n.min; ++i) next = CLEW_TRY(node(one, next));
    return next;
  }
  Result<uint32_t> run(const RegexNode& n, uint32_t next, Take take) {
    Matcher::Step step;
    step.op = Op::kRun;
    step.take = take;
    step.min = n.min;
    step.max = n.max;
    step.set = n.nodes[0]->set;
    step.wide = n.nodes[0]->wide;
    step.next = next;
    step.first = step.set;
    step.may_end = false;
    if (n.min == 0) begin_as(step, next);
    return add(std::move(step));
  }
  // x*: split to x, whose end comes back here, and to what follows.
  Result<uint32_t> loop(const RegexNode& n, uint32_t next) {
    uint32_t slot = m_.slots_++;
    Matcher::Step end;
    end.op = Op::kLoopEnd;
    end.min = slot;
    end.other = next;
    end.first = every_byte();
    uint32_t end_at = CLEW_TRY(add(std::move(end)));
    uint32_t inside = CLEW_TRY(node(*n.nodes[0], end_at));
    uint32_t marked = CLEW_TRY(save(slot, inside));
    uint32_t head = CLEW_TRY(n.least ? split(next, marked) : split(marked, next));
    m_.steps_[end_at].next = head;
    m_.steps_[end_at].first = m_.steps_[head].first;
    m_.steps_[end_at].may_end = true;
    m_.steps_[end_at].first.merge(m_.steps_[next].first);
    return head;
  }

  Matcher& m_;
};

// One search.
class MatcherRun {
 public:
  using Op = Matcher::Op;
  using Found = Matcher::Found;
  using Entry = Matcher::Work::Entry;
  using Assertion = RegexNode::At;

  MatcherRun(const Matcher& matcher, std::string_view text, Matcher::Work& work)
      : m_(matcher), text_(text.data()), size_(static_cast<uint32_t>(text.size())), w_(work) {}

  Found search() {
    w_.steps = 0;
    w_.steps_max = kStepsAlways + kStepsPerByte * size_;
    w_.saves.assign(m_.slots_, Matcher::kUnset);
    const Matcher::Step& entry = m_.steps_[m_.entry_];
    for (uint32_t start = 0; start <= size_; ++start) {
      if (start == size_ ? !entry.may_end : !entry.first.has(byte(start))) {
        if (m_.anchored_) break;
        continue;
      }
      w_.stack.clear();
      uint32_t end = 0;
      Found found = run(m_.entry_, start, end, 0);
      if (found == Found::kYes) {
        w_.saves[0] = start;
        w_.saves[1] = end;
        return found;
      }
      if (found == Found::kTooCostly || m_.anchored_) return found;
    }
    return Found::kNo;
  }

 private:
  enum Way : uint32_t { kRestore, kBranch, kMostLess, kLeastMore };

  unsigned char byte(uint32_t at) const { return static_cast<unsigned char>(text_[at]); }
  bool can_begin(uint32_t step, uint32_t at) const {
    const Matcher::Step& s = m_.steps_[step];
    return at == size_ ? s.may_end : s.first.has(byte(at));
  }
  void push(Way kind, uint32_t step, uint32_t from, uint32_t to) { w_.stack.push_back({kind, step, from, to}); }
  void save(uint32_t slot, uint32_t at) {
    push(kRestore, slot, w_.saves[slot], 0);
    w_.saves[slot] = at;
  }

  Found run(uint32_t pc, uint32_t at, uint32_t& end, size_t base) {
    while (true) {
      if (++w_.steps > w_.steps_max) return Found::kTooCostly;
      const Matcher::Step& s = m_.steps_[pc];
      bool ok = true;
      switch (s.op) {
        case Op::kMatch: end = at; return Found::kYes;
        case Op::kText:
          ok = size_ - at >= s.bytes.size() && std::memcmp(text_ + at, s.bytes.data(), s.bytes.size()) == 0;
          if (ok) at += static_cast<uint32_t>(s.bytes.size()), pc = s.next;
          break;
        case Op::kSet:
          ok = at < size_ && s.set.has(byte(at));
          if (ok) at = s.wide ? whole(at) : at + 1, pc = s.next;
          break;
        case Op::kRun: ok = s.take == Matcher::Take::kLeast ? least(pc, s, at) : most(pc, s, at); break;
        case Op::kSplit:
          if (!can_begin(s.next, at)) {
            pc = s.other;
          } else {
            if (can_begin(s.other, at)) push(kBranch, s.other, at, 0);
            pc = s.next;
          }
          break;
        case Op::kSave: save(s.min, at), pc = s.next; break;
        case Op::kAssert: ok = holds(static_cast<Assertion>(s.min), at), pc = s.next; break;
        case Op::kLoopEnd: pc = w_.saves[s.min] == at ? s.other : s.next; break;
        case Op::kLook:
        case Op::kAtomic: {
          Found found = apart(s, at, ok);
          if (found == Found::kTooCostly) return found;
          pc = s.next;
          break;
        }
      }
      if (!ok && !back(pc, at, base)) return Found::kNo;
    }
  }

  // The end of the character that begins at `at`.
  uint32_t whole(uint32_t at) const {
    bool lead = byte(at) >= 0xC0;
    ++at;
    while (lead && at < size_ && is_inner(text_[at])) ++at;
    return at;
  }

  bool most(uint32_t& pc, const Matcher::Step& s, uint32_t& at) {
    uint32_t room = size_ - at;
    uint32_t limit = s.max < room ? at + s.max : size_;
    uint32_t low = at + s.min;
    uint32_t to = at;
    if (s.wide && s.max == 1) {
      if (at < size_ && s.set.has(byte(at))) to = whole(at);
    } else {
      while (to < limit && s.set.has(byte(to))) ++to;
    }
    if (to < low) return false;
    w_.steps += (to - at) >> 3;
    return most_from(pc, s, at, low, to);
  }
  // Goes on at the last place of [low, to] where what follows can begin.
  bool most_from(uint32_t& pc, const Matcher::Step& s, uint32_t& at, uint32_t low, uint32_t to) {
    while (!can_begin(s.next, to) || (s.wide && to < size_ && is_inner(text_[to]) && to > low)) {
      if (to == low) return false;
      --to;
      ++w_.steps;
    }
    if (to > low) push(kMostLess, pc, low, to - 1);
    at = to;
    pc = s.next;
    return true;
  }

  bool least(uint32_t& pc, const Matcher::Step& s, uint32_t& at) {
    uint32_t to = at;
    for (uint32_t i = 0; i < s.min; ++i) {
      if (to == size_ || !s.set.has(byte(to))) return false;
      to = s.wide ? whole(to) : to + 1;
    }
    uint32_t room = size_ - at;
    return least_from(pc, s, at, to, s.max < room ? at + s.max : size_);
  }
  // Goes on at the first place from `to` where what follows can begin.
  bool least_from(uint32_t& pc, const Matcher::Step& s, uint32_t& at, uint32_t to, uint32_t limit) {
    uint32_t begin = to;
    while (!can_begin(s.next, to)) {
      if (to >= limit || !s.set.has(byte(to))) return false;
      to = s.wide ? whole(to) : to + 1;
    }
    w_.steps += (to - begin) >> 3;
    if (to < limit && s.set.has(byte(to))) push(kLeastMore, pc, to, limit);
    at = to;
    pc = s.next;
    return true;
  }

  bool holds(Assertion what, uint32_t at) const {
    bool before = at > 0 && is_word(byte(at - 1));
    bool after = at < size_ && is_word(byte(at));
    switch (what) {
      case Assertion::kBegin: return at == 0;
      case Assertion::kEnd: return at == size_;
      case Assertion::kLineBegin: return at == 0 || text_[at - 1] == '\n';
      case Assertion::kLineEnd: return at == size_ || text_[at] == '\n';
      case Assertion::kEndOrNewline: return at == size_ || (at + 1 == size_ && text_[at] == '\n');
      case Assertion::kWord: return before != after;
      case Assertion::kNotWord: return before == after;
    }
    return false;
  }

  // A lookaround or an atomic group: matched by itself, without ways back into it.
  Found apart(const Matcher::Step& s, uint32_t& at, bool& ok) {
    bool look = s.op == Op::kLook;
    if (look && at < s.min) {
      ok = s.negate;
      return Found::kNo;
    }
    size_t base = w_.stack.size();
    uint32_t end = 0;
    Found found = run(s.other, look ? at - s.min : at, end, base);
    if (found == Found::kTooCostly) return found;
    ok = (found == Found::kYes) != (look && s.negate);
    // What it saved is put back when an earlier way is taken.
    auto ways = w_.stack.begin() + static_cast<std::ptrdiff_t>(base);
    w_.stack.erase(std::remove_if(ways, w_.stack.end(), [](const Entry& e) { return e.kind != kRestore; }),
                   w_.stack.end());
    if (ok && !look) at = end;
    return found;
  }

  // Takes the last way that was left open.
  bool back(uint32_t& pc, uint32_t& at, size_t base) {
    while (w_.stack.size() > base) {
      Entry e = w_.stack.back();
      w_.stack.pop_back();
      ++w_.steps;
      if (e.kind == kRestore) {
        w_.saves[e.step] = e.from;
      } else if (e.kind == kBranch) {
        pc = e.step;
        at = e.from;
        return true;
      } else if (e.kind == kMostLess) {
        pc = e.step;
        if (most_from(pc, m_.steps_[e.step], at, e.from, e.to)) return true;
      } else {
        const Matcher::Step& s = m_.steps_[e.step];
        pc = e.step;
        if (least_from(pc, s, at, s.wide ? whole(e.from) : e.from + 1, e.to)) return true;
      }
    }
    return false;
  }

  const Matcher& m_;
  const char* text_;
  uint32_t size_;
  Matcher::Work& w_;
};

Matcher::~Matcher() = default;

Result<std::unique_ptr<const Matcher>> Matcher::compile(std::string_view pattern) {
  RegexTree tree = CLEW_TRY(parse_regex(pattern));
  std::unique_ptr<Matcher> made(new Matcher());
  CLEW_TRY(MatcherBuilder(*made).build(tree));
  return std::unique_ptr<const Matcher>(std::move(made));
}

Matcher::Found Matcher::search(std::string_view text, Work& work) const {
  return MatcherRun(*this, text, work).search();
}

}  // namespace clew::text
