#!/usr/bin/env python3
"""suite.py CLEW_PPL_ASK [--list] [--only REGEX]: the conformance cases beside the project, asked of the engine itself.

Exits with 77 (skipped) where ../shared/suites/ppl is not there. Fails when a case fails that is no expected difference, or
when one of those passes: then it is to be taken off the list.
"""
import argparse
import glob
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict

HERE = os.path.dirname(os.path.abspath(__file__))
# What clew decides differently on purpose: docs/language/differences.md, by its numbers.
EXPECTED_DIFFERENCES = {
    "cmd/search#10": 1,
    "general/datatypes#3": 5,
}
SKIPPED = 77


def suite_folder():
    directory = HERE
    while directory != "/":
        candidate = os.path.join(directory, "shared", "suites", "ppl")
        if os.path.exists(os.path.join(candidate, "given.jsonl")):
            return candidate
        directory = os.path.dirname(directory)
    return None


def judge_module(folder):
    spec = importlib.util.spec_from_file_location("run_ppl", os.path.join(folder, "run_ppl.py"))
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def flat_types(properties, prefix=""):
    out = {}
    for name, field in properties.items():
        path = prefix + name
        out[path] = field.get("type", "object")
        out.update(flat_types(field.get("properties", {}), path + "."))
    return out


def load_lines(folder):
    for path in sorted(glob.glob(os.path.join(folder, "data", "*.ndjson"))):
        types = {}
        mapping = path[: -len(".ndjson")] + ".mapping.json"
        if os.path.exists(mapping):
            with open(mapping, encoding="utf-8") as file:
                types = flat_types(json.load(file)["mappings"]["properties"])
        with open(path, encoding="utf-8") as file:
            yield {"load": os.path.basename(path)[: -len(".ndjson")], "lines": file.read(), "types": types}


class Asker:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def ask(self, query):
        self.send({"query": query})
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the program died at: " + query)
        answer = json.loads(line)
        return answer["status"], answer["body"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only")
    options = parser.parse_args()
    folder = suite_folder()
    if folder is None:
        print("no ../shared/suites/ppl here")
        return SKIPPED
    judge = judge_module(folder)
    strictness = argparse.Namespace(strict_errors=False, strict_columns=False, strict_ties=False)
    asker = Asker(options.program)
    for line in load_lines(folder):
        asker.send(line)
    with open(os.path.join(folder, "given.jsonl"), encoding="utf-8") as file:
        cases = [json.loads(line) for line in file if line.strip()]
    tally = defaultdict(Counter)
    failures = []
    for case in cases:
        if case.get("skip") or (options.only and not re.search(options.only, case["id"])):
            continue
        status, body = asker.ask(case["query"])
        try:
            judge.judge(case, status, body, strictness)
            tally[case["class"]]["passed"] += 1
        except judge.Fail as fail:
            tally[case["class"]]["failed"] += 1
            failures.append((case, f"FAIL {case['id']} [{fail.kind}] {fail.msg.splitlines()[0][:300] if fail.msg else ''}"))
    if options.list or options.only:
        for case, text in failures:
            print(text)
            if options.only:
                print("    " + case["query"])
    for name in sorted(tally):
        print(f"{name:<12}{tally[name]['passed']:>6} passed{tally[name]['failed']:>6} failed")
    passed = sum(count["passed"] for count in tally.values())
    print(f"{passed} passed, {len(failures)} failed")
    failed = {case["id"] for case, _ in failures}
    broken = sorted(failed - EXPECTED_DIFFERENCES.keys())
    if broken:
        print("fail, and are no expected difference: " + ", ".join(broken))
    asked = sum(sum(count.values()) for count in tally.values())
    fixed = [] if options.only else sorted(EXPECTED_DIFFERENCES.keys() - failed)
    if fixed:
        print("pass, and stand among the expected differences: " + ", ".join(fixed))
    if asked == 0:
        print("no case was asked")
    return 0 if asked and not broken and not fixed else 1


if __name__ == "__main__":
    sys.exit(main())
