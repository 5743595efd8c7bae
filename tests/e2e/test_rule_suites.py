"""Prometheus' own rule files and unit tests of rules (../shared/suites/prometheus-text-and-rules) through `clew alert`."""
import os
import re
import subprocess

import pytest

import clew_server

SUITE = os.path.join(clew_server.ROOT, "..", "shared", "suites", "prometheus-text-and-rules")
TESTS = os.path.join(SUITE, "cmd", "promtool", "testdata")
FILES = os.path.join(SUITE, "model", "rulefmt", "testdata")

# What promtool says of each: passed and failed expectations. A file of rules that cannot be read is one failure.
UNIT_TESTS = {
    "unittest.yml": (26, 0), "long-period.yml": (4, 0), "start-time-test.yml": (9, 0), "no-test-group-interval.yml": (2, 0),
    "at-modifier-test.yml": (0, 0), "negative-offset-test.yml": (0, 0), "failing.yml": (0, 4), "bad-input-series.yml": (0, 1),
    "bad-promql.yml": (0, 1), "bad-rules-error-test.yml": (0, 1), "bad-rules-syntax-test.yml": (0, 1), "rules_run.yml": (1, 1),
    "rules_run_fuzzy.yml": (2, 2), "rules_run_no_fuzzy.yml": (0, 2), "rules_run_extrafields.yml": (0, 1),
}
# Files of rules: whether they can be read. legacy_validation_annotation.bad is wrong only under Prometheus 2's rules for
# names: since 3 names may be any UTF-8, as they may be here.
RULE_FILES = {
    os.path.join(TESTS, name): good for name, good in {
        "rules.yml": True, "rules_duplicates.yml": True, "features.yml": True, "at-modifier.yml": True, "negative-offset.yml": True,
        "prometheus-config.rules.good.yml": True, "prometheus-rules.lint.yml": True, "bad-rules-error.yml": True,
        "rules-bad.yml": False, "rules_extrafields.yml": False, "bad-rules-syntax.yml": False}.items()
}
DIFFERENCES = {"legacy_validation_annotation.bad.yaml": True}


def alert(*args, cwd=None):
    return subprocess.run([clew_server.BINARY, "alert", *args], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture(autouse=True, scope="module")
def suite():
    if not os.path.isdir(SUITE):
        pytest.skip("../shared/suites is not there")


def test_unit_tests_of_rules(capsys):
    right = 0
    for name, (passed, failed) in UNIT_TESTS.items():
        done = alert("test", name, cwd=TESTS)
        assert done.stdout.splitlines()[-1] == f"{passed} passed, {failed} failed", done.stdout
        assert done.returncode == (1 if failed else 0)
        right += 1
    with capsys.disabled():
        print(f"\nunit tests of rules: {right} of {len(UNIT_TESTS)} files as promtool says")
    assert alert("test", "--ignore-unknown-fields", "rules_run_extrafields.yml", cwd=TESTS).returncode == 0
    assert alert("test", "--run", "^correct", "rules_run.yml", cwd=TESTS).stdout.endswith("1 passed, 0 failed\n")


def test_files_of_rules(capsys):
    wanted = dict(RULE_FILES)
    for name in sorted(os.listdir(FILES)):
        wanted[os.path.join(FILES, name)] = DIFFERENCES.get(name, ".bad." not in name)
    for path, good in wanted.items():
        done = alert("check", path)
        assert done.returncode == (0 if good else 1), done.stdout
        if not good:
            assert re.search(re.escape(path) + r":\d+: ", done.stdout), done.stdout
    with capsys.disabled():
        print(f"\nfiles of rules: {len(wanted)} of {len(wanted)} read or refused as Prometheus does, "
              f"but {', '.join(DIFFERENCES)}: names may be any UTF-8")
