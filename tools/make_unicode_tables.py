#!/usr/bin/env python3
"""Writes src/text/unicode_tables.inc from Python's Unicode database: ranges of word characters and simple case folds."""
import unicodedata

WORD_CATEGORIES = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")
LAST = 0x10FFFF


def is_word(c):
    return unicodedata.category(chr(c)) in WORD_CATEGORIES


def word_ranges():
    out, start = [], None
    for c in range(0x80, LAST + 2):
        inside = c <= LAST and is_word(c)
        if inside and start is None:
            start = c
        if not inside and start is not None:
            out.append((start, c - 1))
            start = None
    return out


def simple_fold(c):
    s = chr(c)
    for folded in (s.casefold(), s.lower()):
        if len(folded) == 1:
            return ord(folded)
    return c


def folds():
    return [(c, simple_fold(c)) for c in range(0x80, LAST + 1) if not 0xD800 <= c <= 0xDFFF and simple_fold(c) != c]


def rows(items, per_line):
    for i in range(0, len(items), per_line):
        yield "    " + " ".join("{0x%x, 0x%x}," % item for item in items[i:i + per_line])


def main():
    lines = ["// Made by tools/make_unicode_tables.py from Unicode %s; do not edit." % unicodedata.unidata_version]
    lines += ["// Letters and decimal digits above ASCII: first and last of each range.", "constexpr Range kWordRanges[] = {"]
    lines += list(rows(word_ranges(), 6)) + ["};", "// Simple case folding above ASCII.", "constexpr Fold kFolds[] = {"]
    lines += list(rows(folds(), 6)) + ["};"]
    with open("src/text/unicode_tables.inc", "w") as f:
        f.write("\n".join(lines) + "\n")


main()
