#include "query/language.h"

#include <algorithm>

#include "expr/lexer.h"
#include "text/words.h"

namespace clew::query {

namespace {

constexpr size_t kLinesMax = 30;

bool has_word(std::string_view text, const std::string& topic) { return text::Phrase(topic).matches(text); }

// `(`bucket`) ..` at the beginning of a section are other names of the command.
bool is_other_name(const LanguageSection& section, const std::string& topic) {
  size_t begin = section.text.find("\n\n");
  if (begin == std::string_view::npos) return false;
  std::string_view first = section.text.substr(begin + 2, section.text.find('\n', begin + 2) - begin - 2);
  size_t close = first.starts_with("(`") ? first.find("`)") : std::string_view::npos;
  return close != std::string_view::npos && first.substr(2, close - 2) == topic;
}

std::string lines_about(const std::string& topic) {
  std::string out;
  size_t lines = 0;
  for (const LanguageSection& section : language_sections()) {
    std::string_view rest = section.text;
    while (!rest.empty() && lines < kLinesMax) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (!has_word(line, topic)) continue;
      out += std::string(section.page) + ", " + std::string(section.title) + ": " + std::string(line) + "\n";
      ++lines;
    }
  }
  return out;
}

}  // namespace

std::string language_help(std::string_view topic) {
  std::string wanted = expr::to_lower_ascii(topic);
  while (wanted.ends_with(")") || wanted.ends_with(" ")) wanted.pop_back();
  if (wanted.ends_with("(")) wanted.pop_back();
  if (wanted.empty()) return {};
  std::string out;
  for (const LanguageSection& section : language_sections()) {
    std::string title = expr::to_lower_ascii(section.title);
    if (title == wanted || is_other_name(section, wanted)) out += std::string(section.text);
  }
  return out.empty() ? lines_about(wanted) : out;
}

}  // namespace clew::query
