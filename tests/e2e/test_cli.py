"""The command line as a script and a person use it: formats, mistakes, files in and out, administration."""
import collections
import csv
import datetime
import gzip
import hashlib
import io
import json
import os
import re
import subprocess

import clew_server
import pytest

APACHE = "access-logs/apache_combined.log"
EVENTS = [{"n": n, "level": "error" if n % 4 == 0 else "info", "message": f"order {n}, \"paid\""} for n in range(12)]


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        return file.read()


def data_file(shared_data, name):
    path = os.path.join(shared_data, name)
    if not os.path.isfile(path):
        pytest.skip(f"no {name}")
    return path


def import_file(server, path, dataset, *flags):
    done = server.cli("import", path, "--dataset", dataset, *flags)
    answer = json.loads(done.stdout)
    assert answer["rejected"] == 0 and answer["received"] == answer["stored"] + answer["duplicate"]
    return answer


def raw_bytes(server, query):
    """--raw of a query, oldest first, as bytes."""
    command = [clew_server.BINARY, "query", query, "--raw", "--oldest-first", "--limit", "0", "--url", server.url]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def counted(server, dataset):
    return json.loads(server.cli("query", f"source={dataset} | stats count() as c").stdout)["c"]


def alone(*args):
    """A command that needs no server."""
    return subprocess.run([clew_server.BINARY, *args], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def filled(server):
    text = "".join(json.dumps(event) + "\n" for event in EVENTS)
    answer = json.loads(server.cli("import", "-", "--dataset", "shop", stdin=text).stdout)
    assert (answer["format"], answer["stored"]) == ("ndjson", len(EVENTS))
    return server


# --- query -----------------------------------------------------------------------------------------------------------

def test_every_format_has_the_same_rows(filled):
    query = "source=shop level=error | sort n | fields n, message"
    want = [{"n": e["n"], "message": e["message"]} for e in EVENTS if e["level"] == "error"]
    ask = {name: filled.cli("query", query, "--format", name).stdout for name in ("ndjson", "json", "csv", "table")}
    assert [json.loads(line) for line in ask["ndjson"].splitlines()] == want
    assert json.loads(ask["json"]) == want
    assert list(csv.DictReader(io.StringIO(ask["csv"]))) == [{"n": str(e["n"]), "message": e["message"]} for e in want]
    header, *rows = ask["table"].splitlines()
    assert header.split() == ["n", "message"]
    assert [row.split(None, 1) for row in rows] == [[str(e["n"]), e["message"]] for e in want]
    assert filled.cli("query", query).stdout == ask["ndjson"], "a pipe gets NDJSON"


def test_csv_header_is_the_field_name(filled):
    header = filled.cli("query", "source=shop | fields @timestamp, n", "--format", "csv").stdout.splitlines()[0]
    assert header == "@timestamp,n"


def test_time_flags_are_half_open(server):
    times = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]
    server.import_ndjson([{"@timestamp": t, "message": "x"} for t in times], "days")
    for flags, want in ((["--from", times[0], "--to", times[2]], 2), (["--from", times[1]], 2), (["--to", times[0]], 0),
                        (["--since", "1m"], 0), (["--from", "2026-01-02", "--to", "2026-01-03"], 1)):
        answer = server.cli("query", "source=days | stats count() as c", *flags).stdout
        assert json.loads(answer)["c"] == want, flags


def test_a_cut_answer_says_so_unless_it_was_asked_for(server):
    server.import_ndjson([{"n": n} for n in range(10_001)], "many")
    cut = server.cli("query", "source=many | fields n")
    assert len(cut.stdout.splitlines()) == 10_000 and "--limit 0" in cut.stderr
    asked = server.cli("query", "source=many | fields n", "--limit", "3")
    assert len(asked.stdout.splitlines()) == 3 and asked.stderr == ""
    assert len(server.cli("query", "source=many | fields n", "--limit", "0").stdout.splitlines()) == 10_001


def test_a_mistake_has_a_caret_under_it(filled):
    query = "source=shop | stats cout() by level"
    for text, place in (('source=shop | eval x = (1 + ', None), ("source=shop | nosuch", "nosuch"),
                        ("source=shop | stats cout()", "cout()")):
        done = filled.cli("query", text, check=False)
        assert done.returncode == 1 and done.stdout == ""
        reason, shown, caret = done.stderr.splitlines()[:3]
        assert reason.startswith("clew query: ") and shown == "  " + text
        assert re.fullmatch(r" +\^+", caret)
        if place is not None:
            assert caret.index("^") == shown.index(place)
    assert filled.cli("query", query, check=False).returncode == 1
    suggestion = filled.cli("query", "source=shop | stats cout()", check=False).stderr
    assert suggestion.count("did you mean") == 1 and "count" in suggestion


def test_wrong_command_lines_name_the_command(filled):
    for args in (("query",), ("query", "x", "--nosuch"), ("import",), ("restore", "x"), ("delete", "x")):
        done = filled.cli(*args, check=False)
        assert done.returncode == 2 and done.stderr.startswith(f"clew {args[0]}: "), args
    assert filled.cli("nosuch", check=False).returncode == 2
    done = alone("query", "x", "--url", "http://127.0.0.1:1")
    assert done.returncode == 1 and "clew serve" in done.stderr


# --- import ----------------------------------------------------------------------------------------------------------

def test_raw_gives_text_files_back_byte_for_byte(server, shared_data):
    auth = data_file(shared_data, "auth/auth.log")
    import_file(server, auth, "auth")
    assert hashlib.sha256(raw_bytes(server, "source=auth")).digest() == hashlib.sha256(read(auth)).digest()
    # The access log is not in the order of its times; equal times keep the file's order.
    apache = data_file(shared_data, APACHE)
    import_file(server, apache, "apache")
    lines = read(apache).splitlines(keepends=True)

    def time_of(line):
        text = re.search(rb"\[([^\]]+)\]", line).group(1).decode()
        return datetime.datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")

    want = b"".join(sorted(lines, key=time_of))
    assert hashlib.sha256(raw_bytes(server, "source=apache")).digest() == hashlib.sha256(want).digest()


@pytest.mark.parametrize("name", ["access-logs/nginx_plus.ndjson", "zeek/smtp.json", "zeek/ntp.json"])
def test_raw_gives_json_back_key_by_key(server, shared_data, name):
    path = data_file(shared_data, name)
    import_file(server, path, "json")

    def same(line):
        return json.dumps(json.loads(line), sort_keys=True)

    want = sorted(same(line) for line in read(path).splitlines() if line.strip())
    assert sorted(same(line) for line in raw_bytes(server, "source=json").splitlines()) == want


def test_imported_counts_agree_with_python(server, shared_data):
    for name, dataset in ((APACHE, "apache"), ("auth/auth.log", "auth"), ("zeek/weird.json.gz", "weird")):
        path = data_file(shared_data, name)
        lines = [line for line in read(path).split(b"\n") if line]
        assert import_file(server, path, dataset)["stored"] == len(lines) == counted(server, dataset), name
    want = collections.Counter(json.loads(line)["name"] for line in lines)
    rows = server.cli("query", "source=weird | stats count() as c by name").stdout.splitlines()
    assert {row["name"]: row["c"] for row in map(json.loads, rows)} == want


def test_objects_of_a_pretty_or_single_document_are_events(server, shared_data):
    folder = os.path.join(shared_data, "cloudtrail")
    if not os.path.isdir(folder):
        pytest.skip("no cloudtrail")
    files = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".json"))[:4]
    records = [record for path in files for record in json.loads(read(path))["Records"]]
    server.cli("import", "--dataset", "trail", *files)
    rows = server.cli("query", "source=trail | stats count() as c by eventSource").stdout.splitlines()
    want = collections.Counter(record["eventSource"] for record in records)
    assert {row["eventSource"]: row["c"] for row in map(json.loads, rows)} == want


def test_a_file_is_stored_once_unless_again(server, tmp_path):
    path = tmp_path / "app.log"
    path.write_text("2026-11-20 10:00:00 first\n2026-11-20 10:00:01 second\n", encoding="utf-8")
    assert import_file(server, str(path), "app")["stored"] == 2
    assert import_file(server, str(path), "app")["duplicate"] == 2
    assert import_file(server, str(path), "app", "--again")["stored"] == 2
    assert counted(server, "app") == 4
    missing = server.cli("import", str(tmp_path / "none"), check=False)
    assert missing.returncode == 1 and "No such file" in missing.stderr


def test_lines_without_a_time_are_shown(server):
    server.cli("import", "-", "--dataset", "words", stdin="hello world\nsecond line\n")
    server.import_ndjson([{"a": 1}], "other")
    shown = server.cli("query", "source=words", "--oldest-first").stdout.splitlines()
    assert [json.loads(row)["message"] for row in shown] == ["hello world", "second line"]
    assert json.loads(server.cli("query", "hello").stdout)["message"] == "hello world", "beside other datasets too"


def test_bytes_that_are_no_utf8_are_shown_and_kept(server, tmp_path):
    path = tmp_path / "latin1.log"
    path.write_bytes(b"caf\xe9 closed\n")
    import_file(server, str(path), "latin")
    table = server.cli("query", "source=latin | fields message", "--format", "table").stdout
    assert table == "message\ncaf\ufffd closed\n"
    assert json.loads(server.cli("query", "source=latin | fields message", "--format", "json").stdout)[0]["message"]
    assert raw_bytes(server, "source=latin") == path.read_bytes()


# --- administration --------------------------------------------------------------------------------------------------

def test_delete_counts_then_asks_then_deletes(filled):
    delete = ("delete", "level=error", "--dataset", "shop")
    assert json.loads(filled.cli(*delete, "--dry-run").stdout) == {"would_delete": 3}
    unsure = filled.cli(*delete, check=False, stdin="")
    assert unsure.returncode == 1 and "--yes" in unsure.stderr and counted(filled, "shop") == 12
    assert json.loads(filled.cli(*delete, "--yes", "--wait").stdout) == {"deleted": 3}
    left = filled.cli("query", "source=shop | sort n | fields n").stdout.splitlines()
    assert [json.loads(row)["n"] for row in left] == [e["n"] for e in EVENTS if e["level"] != "error"]
    assert json.loads(filled.cli(*delete, "--dry-run").stdout) == {"would_delete": 0}


def test_snapshot_restores_to_the_same_answers(filled, make_server, tmp_path):
    query = ("query", "source=shop | sort n | fields n, level, message")
    want = filled.cli(*query).stdout
    copy, back = str(tmp_path / "copy"), str(tmp_path / "back")
    filled.cli("snapshot", copy)
    filled.import_ndjson([{"n": 99}], "shop")
    assert filled.cli("snapshot", copy, check=False).returncode == 1, "never over another snapshot"
    verified = alone("verify", copy)
    assert (verified.returncode, verified.stdout) == (0, f"{copy}: no damage\n")
    assert alone("restore", copy, "--data", back).returncode == 0
    assert alone("restore", copy, "--data", back).returncode == 1, "never over another store"
    listing = alone("inspect", back)
    assert listing.returncode == 0 and "shop" in listing.stdout
    assert make_server(data=back).cli(*query).stdout == want
    for command in (("verify", str(tmp_path)), ("restore", str(tmp_path), "--data", back + "2")):
        done = alone(*command)
        assert done.returncode == 1 and "no store" in done.stderr


def test_verify_finds_a_flipped_byte(filled, tmp_path):
    copy = tmp_path / "copy"
    filled.post("/clew/v1/flush")
    filled.cli("snapshot", str(copy))
    segment = next(copy.rglob("*.seg"))
    body = bytearray(segment.read_bytes())
    body[100] ^= 1
    segment.write_bytes(body)
    done = alone("verify", str(copy))
    assert done.returncode == 1 and "damaged: " in done.stdout


def test_retention_dry_run_deletes_nothing(server):
    server.import_ndjson([{"@timestamp": f"2026-01-0{day}T00:00:00Z", "n": day} for day in (1, 1, 2)], "shop")
    rules = [json.loads(line) for line in server.cli("retention").stdout.splitlines()]
    assert [(rule["name"], rule["hot_days"], rule["total_days"]) for rule in rules] == [("(default)", 30, 365),
                                                                                     ("shop", 30, 365)]
    assert server.cli("retention", "--dry-run").stdout == "", "what has just come is young, whatever its time"
    server.post("/clew/v1/flush")
    rule = {"hot_days": 30, "total_days": 365, "max_bytes": 1}
    assert server.request("PUT", "/clew/v1/retention/shop", rule).status == 200
    due = [json.loads(line) for line in server.cli("retention", "--dry-run").stdout.splitlines()]
    assert {(item["dataset"], item["rows"]) for item in due} == {("shop", 2), ("shop", 1)}
    assert counted(server, "shop") == 3


def test_events_of_a_retention_class_go_by_its_rule(server):
    rule = {"classes": [{"name": "short", "field": "level", "value": "debug", "total_days": 7, "max_bytes": 1}]}
    assert server.request("PUT", "/clew/v1/retention/shop", rule).status == 200
    server.import_ndjson([{"level": level, "n": n} for n, level in enumerate(("debug", "info", "debug"))], "shop")
    server.post("/clew/v1/flush")
    rules = [json.loads(line) for line in server.cli("retention").stdout.splitlines()]
    assert [(r["name"], r.get("class"), r.get("when"), r["total_days"]) for r in rules] == [
        ("(default)", None, None, 365), ("shop", None, None, 365), ("shop", "short", "level=debug", 7)]
    due = [json.loads(line) for line in server.cli("retention", "--dry-run").stdout.splitlines()]
    assert [(item["class"], item["rows"], item["why"]) for item in due] == [("short", 2, "class short is over 1 bytes")]
    server.cli("retention", "--apply")
    assert counted(server, "shop") == 1
    wrong = server.request("PUT", "/clew/v1/retention/shop", {"classes": [{"name": "x", "field": "level"}]})
    assert wrong.status == 400 and b"FIELD=VALUE" in wrong.body


def test_check_names_line_and_meaning(tmp_path):
    path = tmp_path / "clew.yaml"
    path.write_text("data: /tmp/x\nmemry: 1GiB\nretention:\n  hot: soon\n", encoding="utf-8")
    done = alone("check", str(path))
    text = done.stdout + done.stderr
    assert done.returncode == 1
    assert f"{path}:2: no key memry; did you mean memory?" in text and f"{path}:4: retention.hot" in text
    path.write_text("data: /tmp/x\n", encoding="utf-8")
    assert alone("check", str(path)).returncode == 0


def bench_lines(done):
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    ingest, queries = lines[0], lines[1:]
    assert ingest["acknowledged"] == ingest["stored"] == ingest["events"] == 5000 and ingest["refused"] == 0
    assert ingest["events_per_second"] > 0 and 0 < ingest["request_ms_p50"] <= ingest["request_ms_p99"]
    rows = {line["query"]: line["rows"] for line in queries}
    assert rows["one trace id"] == 1 and rows["newest 50 by a word"] == 50 and rows["count by service"] == 14
    assert all(line["ms_min"] <= line["ms_median"] <= line["ms_max"] for line in queries)
    return ingest


def test_bench_measures_a_store_of_its_own_and_removes_it(tmp_path):
    ingest = bench_lines(alone("bench", "--events", "5000", "--body", "64KiB", "--dir", str(tmp_path)))
    assert ingest["cpu_s_per_million"] > 0 and ingest["disk_bytes_per_event"] > 0
    assert not list(tmp_path.iterdir())
    done = alone("bench", "--events", "10", "--dir", str(tmp_path / "nowhere"))
    assert done.returncode == 1 and "nowhere" in done.stderr


def test_bench_leaves_a_server_as_it_was(filled):
    before = filled.cli("query", "source=* | stats count() as n", "--format", "ndjson").stdout
    ingest = bench_lines(filled.cli("bench", "--url", filled.url, "--events", "5000"))
    assert "cpu_s_per_million" not in ingest, "the cost of another process is not known"
    assert filled.cli("query", "source=* | stats count() as n", "--format", "ndjson").stdout == before
    done = alone("bench", "--url", "http://127.0.0.1:1", "--events", "10")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr


def test_help_and_completion_know_every_command(tmp_path):
    names = re.findall(r"^  (\w+)  ", alone("--help").stdout, re.M)
    assert {"serve", "query", "import", "verify"} <= set(names)
    for name in names:
        shown = alone(name, "--help")
        assert shown.returncode == 0 and "Usage: clew " + name in shown.stdout, name
        assert alone("help", name).stdout == shown.stdout
    for shell in ("bash", "zsh", "fish"):
        script = alone("completion", shell).stdout
        assert all(name in script for name in names), shell
    script = tmp_path / "completion.bash"
    script.write_text(alone("completion", "bash").stdout, encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
