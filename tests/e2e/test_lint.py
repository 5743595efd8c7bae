"""clew lint as a person and as CI use it: on files of users, on real logs, on the page that tells a team what to write."""
import gzip
import json
import os
import pty
import re
import subprocess

import pytest

import clew_server

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
FORMATS = os.path.join(ROOT, "../shared/suites/user-formats")
DATA = os.path.join(ROOT, "../shared/data")
PAGE = os.path.join(ROOT, "docs/operate/log-format.md")
needs_formats = pytest.mark.skipif(not os.path.isdir(FORMATS), reason="no ../shared/suites/user-formats")
needs_data = pytest.mark.skipif(not os.path.isdir(DATA), reason="no ../shared/data")


def run(*args, stdin=None):
    done = subprocess.run([clew_server.BINARY, "lint", *map(str, args)], input=stdin, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def lint(*args, stdin=None):
    code, out, err = run(*args, stdin=stdin)
    assert err == "", err
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["summary"] and lines[-1]["passed"] == (code == 0)
    return {line["rule"]: line for line in lines[:-1]}, lines[-1], code


def broken(*args, stdin=None):
    return {name: rule["broken"] for name, rule in lint(*args, stdin=stdin)[0].items() if rule["broken"]}


@needs_formats
@pytest.mark.parametrize("name, expected", [
    ("basicconfig.log", {"zone": 2, "id": 2, "context": 2}),
    ("plain.log", {"zone": 4, "precision": 1, "level": 1, "id": 2, "context": 2, "secret": 1}),
    ("stdout.log", {"time": 1, "zone": 2, "precision": 1, "level": 1, "id": 2, "context": 2, "print": 1}),
    ("jsonformatter.ndjson", {"zone": 4, "id": 3, "context": 3}),
    ("jsonformatter_local.ndjson", {"zone": 1}),
    ("structuredlogger.ndjson", {"zone": 7}),
    ("orders.ndjson", {"precision": 5}),
    ("order_created.json", {"precision": 1, "multi-line": 1}),
    ("five_servers.ndjson", {}),
    ("eliot.ndjson", {}),
    ("login.log", {"zone": 1, "secret": 1}),
])
def test_files_of_users(name, expected):
    assert broken(os.path.join(FORMATS, name)) == expected


@needs_formats
def test_the_secret_is_named_and_not_shown():
    rules, _, code = lint(os.path.join(FORMATS, "plain.log"), os.path.join(FORMATS, "login.log"))
    assert code == 1 and rules["secret"]["kinds"] == {"password": 2}
    shown = json.dumps(rules)
    assert "password=[redacted:password]" in shown and "s3cret" not in shown and "password=correct" not in shown
    assert [(e["file"].rsplit("/", 1)[1], e["line"]) for e in rules["secret"]["examples"]] == [("plain.log", 1), ("login.log", 1)]


@needs_data
def test_real_logs():
    rules, summary, _ = lint(f"{DATA}/auth/auth.log")
    assert summary["events"] == 7121 and list(summary["formats"].values()) == ["syslog"]
    assert {rules[name]["percent"] for name in ("year", "zone", "precision")} == {100.0}
    rules, summary, _ = lint(f"{DATA}/access-logs/apache_combined.log")
    assert summary["events"] == 10000
    assert {n: r["broken"] for n, r in rules.items() if n in ("time", "year", "zone", "level", "context", "print", "template")} == {
        "time": 0, "year": 0, "zone": 0, "level": 0, "context": 0, "print": 0, "template": 0}
    rules, summary, _ = lint(f"{DATA}/kafka/kafka0/logs/kafkaServer-gc.log")
    assert summary["lines"] == 20596 and rules["multi-line"]["broken"] == 19796
    assert rules["template"]["above"] and "GC pause" in rules["template"]["templates"][0]["template"]
    rules, summary, _ = lint(f"{DATA}/postgres/pgbouncer.1.21.log.gz")
    assert summary["events"] == 100000 and rules["zone"]["broken"] == 0


def test_limits_decide_the_exit_code(tmp_path):
    good = "2026-11-20T10:37:05.485123Z INFO paid order_id=17\n"
    log = tmp_path / "app.log"
    log.write_text(good * 49 + "printed\n" * 1 + good * 50)
    any_message = ("--max", "template=100")
    assert lint(*any_message, log)[2] == 1
    assert lint(*any_message, "--max", "1", log)[2] == 0
    assert lint(*any_message, "--max", "0.9", log)[2] == 1
    assert lint(*any_message, "--max", "1", "--max", "print=0", log)[2] == 1
    assert lint(*any_message, "--max", "print=0", "--max", "1%", log)[2] == 1, "a rule's own limit wins wherever it stands"
    log.write_text(good * 100)
    rules, _, code = lint("--max", "50", log)
    assert code == 1 and [n for n, r in rules.items() if r["above"]] == ["template"]
    assert lint("--max", "template=100", log)[2] == 0


def test_gzip_and_standard_input(tmp_path):
    text = "printed\n2026-11-20T10:37:05.485123Z INFO paid order_id=17\n".encode()
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(text))
    expected = {"time": 1, "level": 1, "id": 1, "context": 1, "print": 1}
    assert broken(tmp_path / "a.log.gz") == expected
    assert broken("-", stdin=text) == expected
    assert lint("-", stdin=text)[0]["print"]["examples"] == [{"file": "(stdin)", "line": 1, "text": "printed"}]


def test_mistakes_are_told(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("x\n")
    assert run()[0] == 2
    code, _, err = run("--max", "lots", log)
    assert code == 2 and "no percentage" in err
    code, _, err = run("--max", "color=101", log)
    assert code == 2 and "no percentage" in err
    code, _, err = run("--max", "colour=1", log)
    assert code == 2 and 'no rule "colour"' in err
    code, out, err = run(tmp_path / "none.log", log)
    assert code == 1 and "none.log" in err and '"files":1' in out, "the other file is read all the same"


def test_a_terminal_gets_a_table(tmp_path):
    (tmp_path / "a.log").write_text("printed \x1b[31mred\n")
    master, slave = pty.openpty()
    process = subprocess.Popen([clew_server.BINARY, "lint", str(tmp_path / "a.log")], stdout=slave,
                               env={**os.environ, "COLUMNS": "160", "NO_COLOR": "1", "TERM": "xterm"})
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(master)
    assert process.wait(20) == 1
    lines = text.decode().replace("\r\n", "\n").splitlines()
    assert any(line.startswith("print       100.0 %  1 of 1:") for line in lines), lines
    assert f"  printed by: {tmp_path}/a.log 1" in lines
    assert "year          0.0 %  ok" in lines
    assert "\x1b[31m" not in text.decode(), "colours of the data do not reach the terminal"
    assert lines[-1].startswith("1 file, 1 lines, 1 events: beyond their limits: time, level, id, context, print, color")


def test_the_page_tells_what_the_program_does():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    _, out, _ = run("--rules", "--json")
    rules = [json.loads(line) for line in out.splitlines()]
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) % \| (.*) \|$", page, re.M)
    assert rows == [(r["rule"], str(int(r["limit"])), r["broken_by"]) for r in rules]
    examples = re.search(r"```json\n(.*?)```", page, re.S).group(1)
    assert broken("-", stdin=examples.encode()) == {}
    schema = json.loads(run("--schema")[1])
    named = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| `.*?\|", page, re.M))))
    assert set(schema["required"]) <= named
    for line in examples.splitlines():
        event = json.loads(line)
        assert set(schema["required"]) <= set(event)
        for name, rule in schema["properties"].items():
            if name in event and "pattern" in rule:
                assert re.search(rule["pattern"], event[name]), name
            if name in event and "enum" in rule:
                assert event[name] in rule["enum"]


def test_the_schema_is_one():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(run("--schema")[1])
    jsonschema.Draft202012Validator.check_schema(schema)
    with open(PAGE, encoding="utf-8") as file:
        lines = re.search(r"```json\n(.*?)```", file.read(), re.S).group(1).splitlines()
    check = jsonschema.Draft202012Validator(schema)
    for line in lines:
        check.validate(json.loads(line))
    assert not check.is_valid({"timestamp": "2026-11-20 10:37:05", "level": "info", "service": "a", "message": "x"})
    assert not check.is_valid({**json.loads(lines[0]), "level": "LOUD"})
