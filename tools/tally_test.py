#!/usr/bin/env python3
"""tally.py counts cases, crashes and steps once each."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tally  # noqa: E402


class TallyTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        for name in ("gtest", "steps"):
            os.mkdir(os.path.join(self.dir.name, name))

    def tearDown(self):
        self.dir.cleanup()

    def put(self, path, text):
        with open(os.path.join(self.dir.name, path), "w", encoding="utf-8") as file:
            file.write(text)

    def test_counts_cases_of_gtest_and_one_of_others(self):
        self.put("ctest.xml", '<testsuite><testcase name="a"/><testcase name="tidy"/></testsuite>')
        self.put("gtest/a.json", json.dumps({"tests": 7, "failures": 0, "errors": 0, "disabled": 0}))
        self.assertEqual(tally.tally(self.dir.name), (8, 0, []))

    def test_failed_cases_and_a_crash(self):
        self.put("ctest.xml", '<testsuite><testcase name="a"><failure/></testcase>'
                              '<testcase name="b"><failure/></testcase></testsuite>')
        self.put("gtest/a.json", json.dumps({"tests": 7, "failures": 2, "errors": 0, "disabled": 0}))
        self.assertEqual(tally.tally(self.dir.name), (5, 3, ["a", "b"]))

    def test_pytest_skips_do_not_count(self):
        self.put("pytest.xml", '<testsuite><testcase name="x"/><testcase name="y"><skipped/></testcase></testsuite>')
        self.assertEqual(tally.tally(self.dir.name), (1, 0, []))

    def test_steps(self):
        self.put("steps/crash", "0\n")
        self.put("steps/asan", "1\n")
        self.assertEqual(tally.tally(self.dir.name), (1, 1, ["asan"]))


if __name__ == "__main__":
    unittest.main()
