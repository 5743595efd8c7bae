"""Each of the three parts works alone: its import loads neither of the others, nor anything outside Python."""
import json
import os
import subprocess
import sys

import pytest

from conftest import PACKAGE_ROOT

PARTS = ("structured", "record", "goals")
# structured writes records, so it stands on record; goals and record know nothing of the others.
MAY_LOAD = {"structured": {"record"}, "record": set(), "goals": set()}

SHOW = """
import importlib, json, sys, sysconfig
before = set(sys.modules)
importlib.import_module("clew." + sys.argv[1])
print(json.dumps({name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items() if name not in before}))
"""


def loaded_by(part):
    done = subprocess.run([sys.executable, "-S", "-c", SHOW, part], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": PACKAGE_ROOT, "PATH": os.environ["PATH"]})
    return json.loads(done.stdout)


@pytest.mark.parametrize("part", PARTS)
def test_import_of_one_part_loads_no_other(part):
    names = set(loaded_by(part))
    for other in set(PARTS) - {part} - MAY_LOAD[part]:
        assert "clew." + other not in names
    assert not {name for name in names if name.startswith("clew.") and name.split(".")[1] in
                ("handler", "transport", "flask", "asgi", "redact")}


@pytest.mark.parametrize("part", PARTS)
def test_import_needs_only_the_standard_library(part):
    for name, path in loaded_by(part).items():
        assert "site-packages" not in path and "dist-packages" not in path, name


def test_structured_alone_writes_json():
    code = ("import logging, clew.structured as s; h = logging.StreamHandler(); h.setFormatter(s.JsonFormatter('ecs'));"
            "logging.getLogger().addHandler(h); logging.error('it %s', 'broke')")
    done = run(code)
    assert json.loads(done.stderr)["message"] == "it broke"


def test_record_alone_gives_fields():
    code = ("import logging, json, clew.record as r;"
            "print(json.dumps(r.fields_of(logging.makeLogRecord({'msg': 'a %d', 'args': (1,), 'amount': 50}))))")
    fields = json.loads(run(code).stdout)
    assert fields["message"] == "a 1" and fields["amount"] == 50


def test_goals_alone_write_to_plain_logging():
    code = ("import logging, clew.goals as g; logging.basicConfig(format='%(event)s %(outcome)s %(message)s');"
            "f = logging.Filter(); f.filter = lambda r: r.event == 'goal.end'\n"
            "logging.getLogger().handlers[0].addFilter(f)\n"
            "with g.goal('charge card', order=7): pass")
    assert run(code).stderr.startswith("goal.end ok charge card: ok in ")


def run(code):
    return subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": PACKAGE_ROOT, "PATH": os.environ["PATH"]})
