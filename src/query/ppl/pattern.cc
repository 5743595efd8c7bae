#include "query/ppl/pattern.h"

#include <re2/re2.h>

#include "expr/print.h"

namespace clew::query::ppl {

namespace {

constexpr int64_t kPatternMemoryBytes = 16 << 20;

// `(?<name>` is RE2's `(?P<name>`; look-behinds stay as they are and are refused.
std::string with_python_groups(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out.push_back(text[i]);
    if (text[i] == '\\' && i + 1 < text.size()) {
      out.push_back(text[++i]);
      continue;
    }
    bool group = text.substr(i).starts_with("(?<") && i + 3 < text.size() && text[i + 3] != '=' && text[i + 3] != '!';
    if (group) {
      out += "?P<";
      i += 2;
    }
  }
  return out;
}

// The plain characters that an expression begins with; none where an alternative may do without them.
std::string literal_of(std::string_view regex) {
  constexpr std::string_view kSpecial = "\\^$.|?*+()[]{}";
  if (regex.find('|') != std::string_view::npos) return {};
  if (regex.starts_with('^')) regex.remove_prefix(1);
  size_t end = std::min(regex.find_first_of(kSpecial), regex.size());
  // A character that may be missing, or the last bytes of one.
  bool optional = end < regex.size() && (regex[end] == '?' || regex[end] == '*' || regex[end] == '{');
  if (optional) {
    while (end > 0 && (static_cast<unsigned char>(regex[end - 1]) & 0xc0) == 0x80) --end;
    if (end > 0) --end;
  }
  return std::string(regex.substr(0, end));
}

}  // namespace

Pattern::Pattern(std::unique_ptr<re2::RE2> regex, std::string literal)
    : regex_(std::move(regex)), literal_(std::move(literal)) {
  for (const auto& [number, name] : regex_->CapturingGroupNames()) {
    names_.push_back(name);
    numbers_.push_back(number);
  }
}
Pattern::~Pattern() = default;

Result<PatternPtr> Pattern::compile(std::string_view text) {
  if (text.size() > kPatternBytesMax) return Error(Code::kTooLarge, "the regular expression is too long");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryBytes);
  auto regex = std::make_unique<re2::RE2>(with_python_groups(text), options);
  if (!regex->ok()) return Error(Code::kInvalid, "bad regular expression: " + regex->error());
  return PatternPtr(new Pattern(std::move(regex), literal_of(text)));
}

bool Pattern::found_in(std::string_view text) const {
  return regex_->Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

bool Pattern::match(std::string_view text, size_t from, Place& whole, std::vector<Place>& groups) const {
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(regex_->NumberOfCapturingGroups()) + 1);
  bool found = regex_->Match({text.data(), text.size()}, from, text.size(), re2::RE2::UNANCHORED, pieces.data(),
                             static_cast<int>(pieces.size()));
  if (!found) return false;
  auto place = [&](const re2::StringPiece& piece) {
    if (piece.data() == nullptr) return Place{};
    auto begin = static_cast<size_t>(piece.data() - text.data());
    return Place{true, begin, begin + piece.size()};
  };
  whole = place(pieces[0]);
  groups.clear();
  for (int number : numbers_) groups.push_back(place(pieces[static_cast<size_t>(number)]));
  return true;
}

std::string Pattern::substitute(std::string_view text, std::string_view replacement, int occurrence) const {
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(regex_->NumberOfCapturingGroups()) + 1);
  std::string out;
  size_t at = 0;
  int seen = 0;
  while (at <= text.size() && regex_->Match({text.data(), text.size()}, at, text.size(), re2::RE2::UNANCHORED,
                                            pieces.data(), static_cast<int>(pieces.size()))) {
    auto begin = static_cast<size_t>(pieces[0].data() - text.data());
    size_t end = begin + pieces[0].size();
    out.append(text.substr(at, begin - at));
    ++seen;
    if (occurrence != 0 && seen != occurrence) {
      out.append(text.substr(begin, end - begin));
    } else {
      for (size_t i = 0; i < replacement.size(); ++i) {
        bool mark = (replacement[i] == '\\' || replacement[i] == '$') && i + 1 < replacement.size();
        bool digit = mark && replacement[i + 1] >= '0' && replacement[i + 1] <= '9';
        if (!digit) {
          out.push_back(replacement[i]);
          continue;
        }
        auto group = static_cast<size_t>(replacement[++i] - '0');
        if (group < pieces.size()) out.append(pieces[group].data(), pieces[group].size());
      }
    }
    if (end == begin) {
      if (begin < text.size()) out.push_back(text[begin]);
      ++end;
    }
    at = end;
    if (occurrence != 0 && seen == occurrence) break;
  }
  if (at < text.size()) out.append(text.substr(at));
  return out;
}

bool text_of_row(const model::Vector& vector, uint32_t row, std::string& buffer, std::string_view& text) {
  if (vector.is_null(row)) return false;
  bool strings = vector.type == model::Type::kString && vector.layout != model::Layout::kValues;
  if (strings) {
    text = vector.layout == model::Layout::kDict ? vector.dict->strings[vector.codes[row]]
                                                 : vector.strings[vector.at(row)];
    return true;
  }
  buffer = expr::print_value(vector.value(row));
  text = buffer;
  return true;
}

}  // namespace clew::query::ppl
