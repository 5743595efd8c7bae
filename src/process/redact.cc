#include "process/redact.h"

#include <re2/re2.h>

#include <algorithm>

#include "process/redact_text.h"

namespace clew::process {
namespace {

constexpr int kPassesMax = 4;  // what one replacement reveals is found by the next pass
constexpr std::string_view kWholeText = "[redacted]";
constexpr size_t kPatternBytesMax = 1u << 16;  // behind a literal that a pattern may look at

std::string mark_of(std::string_view name) { return "[redacted:" + std::string(name) + "]"; }

bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

re2::RE2::Options quiet_options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);  // bytes: text need not be UTF-8
  return options;
}

// Own rules are written in UTF-8.
re2::RE2::Options own_options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  return options;
}

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    size_t space = list.find(' ');
    std::string word(list.substr(0, space));
    std::replace(word.begin(), word.end(), '^', ' ');
    words.push_back(std::move(word));
    if (space == std::string_view::npos) break;
    list.remove_prefix(space + 1);
  }
  return words;
}

}  // namespace

Status check_own_redaction(const OwnRedaction& rule) {
  re2::RE2 regex(rule.regex, own_options());
  if (!regex.ok()) return Error(Code::kInvalid, clew::quoted(rule.regex) + " is no regex: " + regex.error());
  if (re2::RE2::FullMatch("", regex)) {
    return Error(Code::kInvalid, clew::quoted(rule.regex) + " matches the empty text: make it ask for something");
  }
  for (char c : rule.replacement) {
    if (static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\') {
      return Error(Code::kInvalid, "a replacement holds neither quotes, backslashes nor control characters");
    }
  }
  std::string mark = rule.replacement.empty() ? mark_of(rule.name) : rule.replacement;
  if (re2::RE2::PartialMatch(mark, regex)) {
    return Error(Code::kInvalid, clew::quoted(rule.regex) + " matches its own replacement " + clew::quoted(mark));
  }
  return {};
}

Redactor::~Redactor() = default;

Result<std::shared_ptr<const Redactor>> Redactor::make(std::vector<OwnRedaction> own) {
  if (own.size() > kOwnRedactionsMax) {
    return Error(Code::kInvalid, "more than " + std::to_string(kOwnRedactionsMax) + " rules of redaction");
  }
  std::shared_ptr<Redactor> made(new Redactor());
  std::vector<ScanLiteral> literals;
  for (const SecretRule& rule : secret_rules()) {
    auto number = static_cast<uint32_t>(made->names_.size());
    made->names_.emplace_back(rule.name);
    made->marks_.push_back(mark_of(rule.name));
    std::unique_ptr<re2::RE2> pattern;
    if (!rule.pattern.empty()) pattern = std::make_unique<re2::RE2>(std::string(rule.pattern), quiet_options());
    if (pattern && !pattern->ok())
      return Error(Code::kInternal, "rule " + std::string(rule.name) + ": " + pattern->error());
    made->patterns_.push_back(std::move(pattern));
    for (std::string& literal : words_of(rule.literals)) {
      made->literals_.push_back({number, static_cast<uint32_t>(literal.size())});
      literals.push_back({std::move(literal), rule.any_case});
    }
  }
  for (OwnRedaction& rule : own) {
    CLEW_TRY(check_own_redaction(rule));
    Own compiled;
    compiled.regex = std::make_unique<re2::RE2>(rule.regex, own_options());
    compiled.group = compiled.regex->NumberOfCapturingGroups() > 0;
    compiled.replacement = rule.replacement.empty() ? mark_of(rule.name) : rule.replacement;
    made->own_.push_back(std::move(compiled));
    made->names_.push_back(rule.name);
    made->marks_.push_back(mark_of(rule.name));
  }
  made->scanner_ = CLEW_TRY(LiteralScanner::make(std::move(literals)));
  return std::shared_ptr<const Redactor>(std::move(made));
}

bool Redactor::redact(std::string_view text, std::string& out, RedactionCounts& counts) const {
  return TextRedaction(*this, counts).redact(text, out);
}

std::string Redactor::redact_message(std::string_view message) const {
  RedactionCounts counts = no_counts();
  TextRedaction redaction(*this, counts);
  std::string out(message);
  redaction.redact(message, out);
  // quoted() cuts a value and writes ... behind it: of a secret that was cut only the literal is there to tell.
  size_t cut = out.find("...\"");
  if (cut == std::string::npos) return out;
  std::vector<LiteralHit> hits;
  redaction.scan(out, hits);
  size_t quote = out.find('"');
  for (const LiteralHit& hit : hits) {
    const Literal& literal = literals_[hit.literal];
    size_t begin = hit.end - literal.bytes;
    if (begin < quote || begin >= cut) continue;
    size_t mark = out.find("[redacted", begin);
    if (mark != std::string::npos && mark < begin + 64) continue;  // its secret is gone
    return out.substr(0, hit.end) + std::string(kWholeText) + out.substr(cut);
  }
  return out;
}

void TextRedaction::scan(std::string_view text, std::vector<LiteralHit>& hits) {
  redactor_.scanner_->scan(text, scratch_, hits);
}

bool TextRedaction::redact(std::string_view text, std::string& out) {
  again_.clear();
  scan(text, again_);
  return redact(text, again_.data(), again_.size(), 0, out);
}

bool TextRedaction::redact(std::string_view text, const LiteralHit* hits, size_t hits_count, size_t base,
                           std::string& out) {
  std::string made;
  bool changed = once(text, hits, hits_count, base, made);
  bool open = open_;
  if (!changed) return false;
  for (int pass = 1; changed && pass < kPassesMax; ++pass) {
    std::string next;
    again_.clear();
    scan(made, again_);
    changed = once(made, again_.data(), again_.size(), 0, next);
    if (changed) made = std::move(next);
  }
  if (changed) made = kWholeText;
  open_ = open;
  out = std::move(made);
  return true;
}

bool TextRedaction::once(std::string_view text, const LiteralHit* hits, size_t hits_count, size_t base,
                         std::string& out) {
  spans_.clear();
  covered_ = 0;
  open_ = false;
  for (size_t i = 0; i < hits_count; ++i) find(text, hits[i], base);
  constexpr auto kCardRule = static_cast<uint32_t>(SecretKind::kCard);
  find_cards(text, [this](size_t begin, size_t end) { spans_.push_back({begin, end, kCardRule}); });
  bool changed = !spans_.empty() && replace(text, out);
  if (has_own()) {
    if (!changed) out = text;
    changed = replace_own(out) || changed;
  }
  return changed;
}

void TextRedaction::find(std::string_view text, const LiteralHit& hit, size_t base) {
  const Redactor::Literal& literal = redactor_.literals_[hit.literal];
  if (hit.end < base + literal.bytes) return;  // begins in the text before
  size_t end = hit.end - base;
  size_t begin = end - literal.bytes;
  if (begin < covered_) return;
  SecretSpan found;
  bool is_secret = false;
  switch (secret_rules()[literal.rule].check) {
    case Check::kNamed: is_secret = find_named(text, end, found); break;
    case Check::kPattern: return find_pattern(text, begin, literal.rule);
    case Check::kBearer: is_secret = find_bearer(text, begin, found); break;
    case Check::kBasic: is_secret = find_basic(text, begin, found); break;
    case Check::kUrl: is_secret = find_url_password(text, begin, found); break;
    case Check::kPem: {
      bool open = false;
      is_secret = find_pem(text, begin, found, open);
      if (is_secret) open_ = open;
      break;
    }
    case Check::kNone: break;
  }
  if (!is_secret || found.end <= found.begin) return;
  spans_.push_back(found);
  covered_ = std::max(covered_, found.end);
}

void TextRedaction::find_pattern(std::string_view text, size_t begin, uint32_t rule) {
  const SecretRule& known = secret_rules()[rule];
  size_t from = begin;
  while (from > 0 && begin - from < known.back && (is_word(text[from - 1]) || text[from - 1] == '.')) --from;
  // A short literal within a word is none: "disk-", "task-".
  if (known.back == 0 && begin > 0 && is_word(text[begin - 1]) && is_word(text[begin])) {
    bool encoded = begin >= 3 && text[begin - 3] == '%';   // %3DAKIA...
    bool escaped = begin >= 2 && text[begin - 2] == '\\';  // \nAKIA...
    if (!encoded && !escaped) return;
  }
  size_t to = std::min(text.size(), begin + kPatternBytesMax);
  re2::StringPiece groups[2];
  const re2::RE2& pattern = *redactor_.patterns_[rule];
  auto anchor = known.back == 0 ? re2::RE2::ANCHOR_START : re2::RE2::UNANCHORED;
  int wanted = pattern.NumberOfCapturingGroups() > 0 ? 2 : 1;
  re2::StringPiece window(text.data(), to);
  if (known.back != 0) window = re2::StringPiece(text.data(), std::min(to, begin + 512));
  if (!pattern.Match(window, from, window.size(), anchor, groups, wanted)) return;
  const re2::StringPiece& secret = wanted == 2 && groups[1].data() != nullptr ? groups[1] : groups[0];
  size_t match_begin = static_cast<size_t>(groups[0].data() - text.data());
  if (match_begin > begin) return;
  size_t at = static_cast<size_t>(secret.data() - text.data());
  if (secret.empty() || is_placeholder(std::string_view(secret.data(), secret.size()))) return;
  spans_.push_back({at, at + secret.size(), rule});
  covered_ = std::max(covered_, at + secret.size());
}

bool TextRedaction::replace(std::string_view text, std::string& out) {
  std::sort(spans_.begin(), spans_.end(), [](const SecretSpan& a, const SecretSpan& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  out.clear();
  out.reserve(text.size() + 32);
  size_t done = 0;
  for (const SecretSpan& span : spans_) {
    if (span.begin >= done) {
      out.append(text.substr(done, span.begin - done));
      out.append(mark(span.rule));
      count(span.rule);
    }
    done = std::max(done, span.end);  // of two that overlap all bytes go, under the first one's name
  }
  out.append(text.substr(done));
  return true;
}

bool TextRedaction::replace_own(std::string& text) {
  bool changed = false;
  auto first_own = static_cast<uint32_t>(secret_rules().size());
  for (size_t i = 0; i < redactor_.own_.size(); ++i) {
    const Redactor::Own& own = redactor_.own_[i];
    std::string made;
    size_t done = 0;
    size_t at = 0;
    re2::StringPiece groups[2];
    bool any = false;
    while (at < text.size() &&
           own.regex->Match(text, at, text.size(), re2::RE2::UNANCHORED, groups, own.group ? 2 : 1)) {
      const re2::StringPiece& secret = own.group && groups[1].data() != nullptr ? groups[1] : groups[0];
      size_t begin = static_cast<size_t>(secret.data() - text.data());
      size_t match_end = static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size();
      at = std::max(match_end, at + 1);
      if (secret.empty() || text.compare(begin, own.replacement.size(), own.replacement) == 0) continue;
      made.append(text, done, begin - done);
      made += own.replacement;
      done = begin + secret.size();
      any = true;
      count(first_own + static_cast<uint32_t>(i));
    }
    if (!any) continue;
    made.append(text, done);
    text = std::move(made);
    changed = true;
  }
  return changed;
}

}  // namespace clew::process
