#!/usr/bin/env python3
"""embed_language.py OUT.cc PAGE.md...: the sections of the language reference as C++, for `clew help query TOPIC`."""
import os
import sys

DELIMITER = "page"


def sections(path):
    page = os.path.splitext(os.path.basename(path))[0]
    title, lines = page, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("## "):
                yield page, title, "".join(lines)
                title, lines = line[3:].strip(), []
            lines.append(line)
    yield page, title, "".join(lines)


def main():
    out, pages = sys.argv[1], sorted(sys.argv[2:])
    with open(out, "w", encoding="utf-8") as file:
        file.write('// Made by tools/embed_language.py.\n#include "query/language.h"\n\nnamespace clew::query {\n\n')
        file.write("const std::vector<LanguageSection>& language_sections() {\n")
        file.write("  static const std::vector<LanguageSection> kSections = {\n")
        for path in pages:
            for page, title, text in sections(path):
                if text.strip():
                    literal = f'R"{DELIMITER}({text}){DELIMITER}"'
                    file.write(f'      {{"{page}", R"{DELIMITER}({title}){DELIMITER}", {literal}}},\n')
        file.write("  };\n  return kSections;\n}\n\n}  // namespace clew::query\n")


if __name__ == "__main__":
    main()
