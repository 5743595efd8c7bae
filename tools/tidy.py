#!/usr/bin/env python3
"""tidy.py [--root DIR] [--headers]: the rules of the house that a compiler does not check.

Fails on: includes that go up or sideways in tools/layers.txt, includes that pass by a folder's door headers, CLEW_TRY
inside an expression, banned calls, sources that no target builds, format pages that no test reads, unfinished work
left in comments, folder pages beyond 40 lines. With --headers also compiles every header alone. Lists the longest
functions and files without failing on them.
"""
import argparse
import os
import re
import subprocess
import sys

BANNED = [
    (re.compile(r"\bthrow\b(?!\s*\()"), "throw: return an Error (docs/decisions/0001-errors-by-value.md)"),
    (re.compile(r"\bthrow\s*\("), "throw: return an Error (docs/decisions/0001-errors-by-value.md)"),
    (re.compile(r"[.>]detach\s*\("), "detach: a thread is a member stopped by its owner"),
    (re.compile(r"\bv?sprintf\s*\("), "sprintf: use fmt::format_to or snprintf"),
    (re.compile(r"(?<![\w.>:])s?rand\s*\("), "rand: randomness comes through os::Rng"),
    (re.compile(r"\bstd::regex\b|#\s*include\s*<regex>"), "std::regex: use RE2 (text/)"),
]
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
README_LINES_MAX = 40
LONGEST_LISTED = 8


def strip_comments_and_strings(text):
    """The same text with comments and literals blanked, line for line."""
    pattern = re.compile(
        r'R"(?P<tag>[^\s()\\]{0,16})\((?:.|\n)*?\)(?P=tag)"'
        r'|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"
    )

    def blank(match):
        found = match.group(0)
        kept = "\n" * found.count("\n")
        return ('""' + kept) if found[0] in 'R"' else kept if found[0] == "/" else "' '"

    return pattern.sub(blank, text)


def read_ranks(root):
    ranks = {}
    with open(os.path.join(root, "tools/layers.txt"), encoding="utf-8") as file:
        for line in file:
            line = line.split("#")[0].split()
            if line:
                ranks[line[1]] = int(line[0])
    return ranks


def source_files(root, tops=("src", "bench", "fuzz", "tests")):
    for top in tops:
        for directory, names, files in os.walk(os.path.join(root, top)):
            names[:] = sorted(n for n in names if n not in ("node_modules", "__pycache__", "corpus"))
            for name in sorted(files):
                if name.endswith((".cc", ".h")):
                    path = os.path.join(directory, name)
                    with open(path, encoding="utf-8", errors="replace") as file:
                        yield os.path.relpath(path, root), file.read()


def folder_of(path):
    parts = path.split(os.sep)
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def doors_of(root, folder):
    """Door headers that a folder's README names on a line `Doors: a.h, b.h`; None when it names none."""
    try:
        with open(os.path.join(root, "src", folder, "README.md"), encoding="utf-8") as file:
            for line in file:
                if line.startswith("Doors:"):
                    return set(re.findall(r"[\w/]+\.h", line))
    except OSError:
        pass
    return None


def check_includes(root, path, text, ranks, doors):
    mine = folder_of(path)
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s+"(\w+)/([\w/.]+)"', line)
        if not found:
            continue
        other, header = found.groups()
        if other not in ranks:
            if os.path.isdir(os.path.join(root, "src", other)):
                yield path, number, f"folder {other} has no rank in tools/layers.txt"
            continue
        if other == mine:
            continue
        if mine is not None:
            if mine not in ranks:
                yield path, number, f"folder {mine} has no rank in tools/layers.txt"
            elif ranks[other] >= ranks[mine]:
                yield path, number, f"{mine} (rank {ranks[mine]}) includes {other} (rank {ranks[other]}): only lower ranks"
            if other not in doors:
                doors[other] = doors_of(root, other)
            if doors[other] is not None and header not in doors[other]:
                yield path, number, f"{other}/{header} is no door header of {other} (its README.md names them)"


def check_try(path, code):
    lines = code.split("\n")
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*#", line):
            continue
        for found in re.finditer(r"\bCLEW_TRY\s*\(", line):
            before = line[: found.start()].rstrip()
            at = number - 1
            while not before and at > 0:
                at -= 1
                before = lines[at].strip()
            if not before or before.startswith("#"):
                continue
            designated = re.search(r"[{,]\s*\.\w+\s*=$|^\s*\.\w+\s*=$", before)
            alone = before.endswith((";", "{", "}", ":")) or re.search(r"\belse$", before)
            alone = alone or re.match(r"(?:\}\s*else\s+)?(?:if|for|while)\b.*\)$", before.strip())
            assigned = re.search(r"(?<![=!<>])=$", before) and not designated
            if not (alone or assigned or re.search(r"\breturn$", before)):
                yield path, number, "CLEW_TRY stands alone, after =, or after return"


def check_calls(path, code):
    for number, line in enumerate(code.split("\n"), 1):
        for pattern, why in BANNED:
            if pattern.search(line):
                yield path, number, f"banned {why}"


def check_comments(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            yield path, number, "unfinished work is an issue, not a comment"


def check_targets(root):
    """Every folder below src/ with sources has a clew_folder line (or is app/, which makes the program)."""
    path = os.path.join(root, "src/CMakeLists.txt")
    with open(path, encoding="utf-8") as file:
        named = set(re.findall(r"clew_(?:folder|program)\(\s*([\w/]+)", file.read()))
    for source, _ in source_files(root, ("src",)):
        folder = os.path.dirname(source)[len("src/"):]
        if source.endswith(".cc") and folder not in named:
            yield source, 1, f"no target builds it: add clew_folder({folder}) to src/CMakeLists.txt"


def check_format_pages(root, files):
    directory = os.path.join(root, "docs/formats")
    if not os.path.isdir(directory):
        return
    tests = "\n".join(text for path, text in files if path.endswith("_test.cc"))
    for name in sorted(os.listdir(directory)):
        if name.endswith(".md") and name not in tests:
            yield f"docs/formats/{name}", 1, "no *_test.cc names this page: its example must be tested"


def check_readmes(root):
    for folder in sorted(os.listdir(os.path.join(root, "src"))):
        directory = os.path.join(root, "src", folder)
        if not os.path.isdir(directory):
            continue
        page = os.path.join(directory, "README.md")
        if not os.path.exists(page):
            yield f"src/{folder}", 1, "the folder has no README.md"
            continue
        with open(page, encoding="utf-8") as file:
            lines = len(file.readlines())
        if lines > README_LINES_MAX:
            yield f"src/{folder}/README.md", lines, f"{lines} lines; at most {README_LINES_MAX}"


def check_headers(root):
    """Compiles each header of src/ as its own translation unit."""
    for path, _ in source_files(root, ("src",)):
        if not path.endswith(".h"):
            continue
        done = subprocess.run(
            ["g++-12", "-std=c++20", "-fsyntax-only", "-x", "c++", "-Isrc", "-include", path, "/dev/null"],
            cwd=root, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            first = next((line for line in done.stderr.split("\n") if "error" in line), done.stderr[:200])
            yield path, 1, f"does not compile alone: {first.strip()}"


def function_lengths(path, code):
    """(lines, path, first line, name) of blocks at namespace or class level that look like functions."""
    depth_open = []
    lines = code.split("\n")
    for number, line in enumerate(lines, 1):
        for ch in line:
            if ch == "{":
                head = (lines[number - 2] + " " + line) if "(" not in line and number > 1 else line
                is_function = "(" in head and not re.match(r"\s*(namespace|class|struct|enum|union)\b", head)
                outer = all(not f for f, _, _ in depth_open)
                depth_open.append((is_function and outer, number, head.strip()))
            elif ch == "}" and depth_open:
                is_function, first, head = depth_open.pop()
                if is_function:
                    yield number - first + 1, path, first, head[:70]


def run(root, headers=False, out=sys.stdout):
    ranks = read_ranks(root)
    files = list(source_files(root))
    doors = {}
    problems = []
    functions = []
    for path, text in files:
        code = strip_comments_and_strings(text)
        problems += check_includes(root, path, text, ranks, doors)
        problems += check_try(path, code)
        problems += check_calls(path, code)
        problems += check_comments(path, text)
        functions += function_lengths(path, code)
    problems += check_targets(root)
    problems += check_format_pages(root, files)
    problems += check_readmes(root)
    if headers:
        problems += check_headers(root)

    print("longest functions:", file=out)
    for lines, path, first, head in sorted(functions, reverse=True)[:LONGEST_LISTED]:
        print(f"  {lines:4} {path}:{first} {head}", file=out)
    print("longest files:", file=out)
    sizes = sorted(((text.count("\n"), path) for path, text in files), reverse=True)
    for lines, path in sizes[:LONGEST_LISTED]:
        print(f"  {lines:4} {path}", file=out)
    for path, number, why in problems:
        print(f"{path}:{number}: {why}", file=out)
    print(f"tidy: {len(files)} files, {len(problems)} problems", file=out)
    return len(problems)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--headers", action="store_true", help="also compile every header alone (slow)")
    args = parser.parse_args()
    return 1 if run(args.root, args.headers) else 0


if __name__ == "__main__":
    sys.exit(main())
