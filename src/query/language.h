// The language reference of docs/language, built into the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clew::query {

struct LanguageSection {
  std::string_view page;   // "commands"
  std::string_view title;  // "stats"
  std::string_view text;   // Markdown, the heading included
};

const std::vector<LanguageSection>& language_sections();

// What the reference says about a topic: the section of that title, or of a command with that other name; else every
// section whose title has the word and every line that has it, with its page and section. Empty when there is nothing.
std::string language_help(std::string_view topic);

}  // namespace clew::query
