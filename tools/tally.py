#!/usr/bin/env python3
"""tally.py DIR: counts the test results that lie in DIR and prints `N passed, N failed`.

Reads GoogleTest's JSON (gtest/*.json), ctest's JUnit file (ctest.xml) and pytest's (pytest*.xml). A ctest entry that
left a GoogleTest file counts by its cases; when it ended otherwise than its cases say (a crash), as one failure more.
"""
import glob
import json
import os
import sys
import xml.etree.ElementTree as ET


def gtest_counts(path):
    try:
        with open(path, encoding="utf-8") as file:
            page = json.load(file)
    except (OSError, ValueError):
        return None
    failed = page.get("failures", 0) + page.get("errors", 0)
    return page["tests"] - failed - page.get("disabled", 0), failed


def junit_counts(path):
    passed, failed, names = 0, 0, []
    for case in ET.parse(path).getroot().iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            continue
        failed += bad
        passed += not bad
        names.append((case.get("name"), bad))
    return passed, failed, names


def tally(directory):
    """(passed, failed, names of what failed)"""
    passed, failed, bad = 0, 0, []
    for path in sorted(glob.glob(os.path.join(directory, "ctest*.xml"))):
        for name, is_bad in junit_counts(path)[2]:
            kind = os.path.basename(path)[len("ctest"):-len(".xml")]
            counts = gtest_counts(os.path.join(directory, "gtest" + kind, name + ".json"))
            if counts is None:
                counts = (0, 1) if is_bad else (1, 0)
            elif is_bad and counts[1] == 0:
                counts = (counts[0], 1)
            passed += counts[0]
            failed += counts[1]
            if is_bad:
                bad.append(name)
    for path in sorted(glob.glob(os.path.join(directory, "pytest*.xml"))):
        good, wrong, names = junit_counts(path)
        passed += good
        failed += wrong
        bad += [name for name, is_bad in names if is_bad]
    for path in sorted(glob.glob(os.path.join(directory, "steps", "*"))):
        with open(path, encoding="utf-8") as file:
            ok = file.read().strip() == "0"
        passed += ok
        failed += not ok
        if not ok:
            bad.append(os.path.basename(path))
    return passed, failed, bad


def main():
    passed, failed, bad = tally(sys.argv[1])
    for name in bad:
        print(f"FAILED {name}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
