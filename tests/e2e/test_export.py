"""Exports: every row, whole or known not to be; interrupted and gone on with they are byte for byte the same."""
import csv
import io
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from clew_server import BINARY

EVENTS = 30_000  # more than the 10,000 rows of a search without a limit


def made(count=EVENTS, seed=9, first=0):
    rng = random.Random(seed)
    texts = ['plain', 'with, comma', 'a "quoted" word', 'two\nlines', '#_export {"complete":true}', '', '=1+1', 'ünï 漢字', '-5', ' blank ']
    return [{"@timestamp": f"2026-11-20T{10 + n % 3}:{rng.randrange(60):02}:{rng.randrange(5):02}Z", "n": first + n, "ms": n / 4,
             "message": f"request {n} " + "of many words " * 4, "text": rng.choice(texts), **({"rare": True} if n % 100 == 0 else {})} for n in range(count)]


@pytest.fixture
def filled(server):
    server.events = made()
    for begin in range(0, EVENTS, 10_000):
        assert server.import_ndjson(server.events[begin:begin + 10_000]).status == 200
        if begin == 10_000:
            assert server.post("/clew/v1/flush").status == 200
    return server


def in_order(events):
    return [e for _, e in sorted(enumerate(events), key=lambda pair: (pair[1]["@timestamp"], pair[0]))]


def export(server, status=200, **body):
    reply = server.post("/clew/v1/export", body)
    assert reply.status == status, reply.text
    return reply


def split(reply):
    """Rows, marks and the end of an NDJSON export."""
    rows, notes = [], []
    for line in reply.body.decode().splitlines():
        (notes if line.startswith('{"_export":') else rows).append(line)
    notes = [json.loads(note)["_export"] for note in notes]
    return rows, notes[:-1], notes[-1]


def test_ndjson_has_every_row_in_order_and_an_end(filled):
    rows, marks, end = split(export(filled, query="source=logs"))
    assert marks == [] and end == {"complete": True, "rows": EVENTS, "answer": "exact"}
    assert [json.loads(row)["n"] for row in rows] == [e["n"] for e in in_order(filled.events)]
    assert [json.loads(row)["text"] for row in rows] == [e["text"] for e in in_order(filled.events)]
    newest, _, _ = split(export(filled, query="source=logs | fields n", order="newest"))
    assert [json.loads(row)["n"] for row in newest] == [e["n"] for e in reversed(in_order(filled.events))]


def test_csv_reads_back(filled):
    reply = export(filled, query="source=logs | fields n, text, rare", format="csv", sanitize=False)
    text = reply.body.decode()
    *_, last = text.splitlines()
    assert last.startswith("#_export ") and json.loads(last[len("#_export "):]) == {"complete": True, "rows": EVENTS, "answer": "exact"}
    rows = list(csv.reader(io.StringIO(text[:-len(last) - 1], newline="")))
    assert rows[0] == ["n", "text", "rare"]
    assert rows[1:] == [[str(e["n"]), e["text"], "TRUE" if "rare" in e else ""] for e in in_order(filled.events)]
    # No line of data outside of quotes looks like the last one; formulas are defused unless that is turned off.
    safe = export(filled, query="source=logs | fields text", format="csv", trailer=False).body.decode()
    cells = {row[0] for row in csv.reader(io.StringIO(safe, newline=""))}
    assert "'=1+1" in cells and "=1+1" not in cells and "-5" in cells and '#_export {"complete":true}' in cells
    assert not any(line.startswith("#") for line in safe.splitlines())


def test_a_download_from_an_address(filled):
    params = urllib.parse.urlencode({"query": "source=logs n<3 | fields n", "format": "csv", "trailer": "false"})
    reply = filled.get(f"/clew/v1/export?{params}")
    assert sorted(reply.text.splitlines()) == ["0", "1", "2", "n"] and 'filename="clew-export.csv"' in reply.headers["Content-Disposition"]


def test_raw_rows_and_ids(filled):
    rows, _, _ = split(export(filled, query="source=logs rare=true", raw=True))
    assert [json.loads(json.loads(row)["_raw"])["n"] for row in rows] == [e["n"] for e in in_order(filled.events) if "rare" in e]
    rows, _, _ = split(export(filled, query="source=logs rare=true", ids=True))
    first = json.loads(rows[0])
    assert next(iter(first)) == "_id" and filled.get("/clew/v1/events/" + first["_id"]).json()["fields"]["n"] == first["n"]


def test_answers_that_are_no_events_are_exported_too(filled):
    rows, _, end = split(export(filled, query="source=logs | stats count() as c by n"))
    assert len(rows) == EVENTS and end["complete"]
    refused = export(filled, 400, query="source=logs | stats count() as c by n", cursor="")
    assert "resumed" in refused.json()["error"]["reason"]


@pytest.mark.parametrize("body", [{"query": "source=logs"}, {"query": "source=logs", "order": "newest", "ids": True},
                                  {"query": "source=logs | where n > 100 | eval k = n + 1 | head 25000"}, {"query": "source=logs", "raw": True},
                                  {"query": "source=logs", "format": "csv"}])
def test_from_every_mark_the_rest_is_the_same(filled, body):
    """Also when events and fields came in between."""
    is_csv = body.get("format") == "csv"
    head = "#_export " if is_csv else '{"_export":'
    whole = export(filled, **body, marks=True).body.decode()
    plain, places = "", []
    columns = None
    for line in io.StringIO(whole, newline="\n"):
        if line.startswith(head):
            note = json.loads(line[len(head):]) if is_csv else json.loads(line)["_export"]
            columns = note.get("columns", columns)
            if "cursor" in note:
                places.append((len(plain), note["cursor"], note["rows"]))
        else:
            plain += line
    assert len(places) >= 2
    assert filled.import_ndjson([{**e, "fresh": 1} for e in made(500, 21, 10**6)]).status == 200
    filled.post("/clew/v1/flush")
    more = {"columns": columns} if is_csv else {}
    for at, cursor, _ in places:
        rest = export(filled, **body, **more, cursor=cursor).body.decode()
        *rows, end = rest.splitlines(keepends=True)
        assert "".join(rows) == plain[at:], at
        note = json.loads(end[len(head):]) if is_csv else json.loads(end)["_export"]
        assert note["complete"] and note["rows"] == {"head": 25000}.get("head" if "head" in body["query"] else "", EVENTS)
    if is_csv:
        reason = export(filled, 400, **body, cursor=places[0][1]).json()["error"]["reason"]
        assert "columns" in reason
    other = export(filled, 400, **{**body, "query": "source=logs n>5"}, cursor=places[0][1])
    assert "another question" in other.json()["error"]["reason"]


def test_mistakes(filled):
    for body, word in (({"format": "xml"}, "ndjson or csv"), ({"columns": ["n"]}, "csv"), ({"limit": 3}, "unknown member"),
                       ({"format": "csv", "columns": ["nope"]}, "nope"), ({"query": "source=logs | eval _export = 1"}, "rename"),
                       ({"cursor": "x"}, "cursor")):
        error = export(filled, 400, **{"query": "source=logs", **body}).json()["error"]
        assert word in error["reason"], body
    assert export(filled, 404, query="source=nope").json()["error"]["code"] == "INDEX_NOT_FOUND"


class Stalled:
    """Begins an export and takes none of it."""

    def __init__(self, server, **body):
        host, port = server.listening["http"].split(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect((host, int(port)))
        data = json.dumps(body).encode()
        self.socket.sendall(b"POST /clew/v1/export HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
                            + str(len(data)).encode() + b"\r\n\r\n" + data)
        assert self.socket.recv(12).startswith(b"HTTP/1.1 200")

    def close(self):
        self.socket.close()


def test_a_client_that_goes_away_frees_its_place(filled):
    first, second = Stalled(filled, query="source=logs"), Stalled(filled, query="source=logs")
    busy = export(filled, 429, query="source=logs")
    assert "try again" in busy.json()["error"]["reason"] and int(busy.headers["Retry-After"]) > 0
    # Other questions are answered meanwhile.
    assert filled.count() == EVENTS
    first.close()
    second.close()
    deadline = time.monotonic() + 30
    while filled.post("/clew/v1/export", {"query": "source=logs n=1"}).status == 429:
        assert time.monotonic() < deadline


# --- on the command line ---------------------------------------------------------------------------------------------

def test_a_file_bears_its_name_when_it_is_whole(filled, tmp_path):
    out = tmp_path / "out.ndjson"
    done = filled.cli("export", "source=logs", "-o", str(out))
    assert f"{EVENTS:,} events" in done.stderr and "is complete" in done.stderr
    assert [json.loads(line)["n"] for line in out.read_text().splitlines()] == [e["n"] for e in in_order(filled.events)]
    assert os.listdir(tmp_path) == ["out.ndjson"] or set(os.listdir(tmp_path)) == {"out.ndjson", "data0"}
    again = filled.cli("export", "source=logs", "-o", str(out), check=False)
    assert again.returncode == 1 and "--force" in again.stderr
    filled.cli("export", "source=logs n<5", "-o", str(out), "--force")
    assert len(out.read_text().splitlines()) == 5
    piped = filled.cli("export", "source=logs n<5")
    assert piped.stdout == out.read_text() and "_export" not in piped.stdout


def test_formats_on_the_command_line(filled, tmp_path):
    out = tmp_path / "out"
    filled.cli("export", "source=logs | fields n, text", "--format", "csv", "-o", str(out))
    rows = list(csv.reader(io.StringIO(out.read_text(), newline="")))
    assert rows[0] == ["n", "text"] and len(rows) == EVENTS + 1
    raw = filled.cli("export", "source=logs rare=true", "--format", "raw").stdout.splitlines()
    assert [json.loads(line)["n"] for line in raw] == [e["n"] for e in in_order(filled.events) if "rare" in e]
    # What was exported raw comes in again as it was.
    again = filled.import_text("\n".join(raw) + "\n", "copy", format="ndjson")
    assert again["stored"] == len(raw)
    mistake = filled.cli("export", "source=logs | stats cout()", "-o", str(tmp_path / "x"), check=False)
    assert mistake.returncode == 1 and "^" in mistake.stderr and not os.path.exists(tmp_path / "x.part")


@pytest.mark.parametrize("form", ["ndjson", "csv", "raw"])
def test_killed_and_resumed_is_the_same_file(filled, tmp_path, form):
    """The client is killed over and over; events come in between; the file is that of one go."""
    for copy in range(8):
        assert filled.import_ndjson(made(EVENTS, copy + 50, (copy + 1) * EVENTS)).status == 200
    want = tmp_path / "want"
    filled.cli("export", "source=logs", "--format", form, "-o", str(want))
    out = tmp_path / "out"
    # The first call pins what is in the export.
    env = {**os.environ, "CLEW_URL": filled.url}
    begin = ["export", "source=logs", "--format", form, "-o", str(out)]
    kills = 0
    for _ in range(200):
        resuming = os.path.exists(str(out) + ".resume")
        command = [BINARY, *(["export", "--resume", "-o", str(out)] if resuming else [*begin, "--force"])]
        size = os.path.getsize(str(out) + ".part") if resuming else 0
        process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
        while process.poll() is None and kills < 4:
            try:
                grown = os.path.getsize(str(out) + ".part") > size + 3_000_000 and os.path.exists(str(out) + ".resume")
            except OSError:
                grown = False
            if grown:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
        if process.wait() == 0:
            break
        assert filled.import_ndjson([{"n": -kills, "message": "later", f"field{kills}": 1}]).status == 200
    assert kills >= 2
    assert out.read_bytes() == want.read_bytes()
    assert not os.path.exists(str(out) + ".part") and not os.path.exists(str(out) + ".resume")


def test_an_interrupted_export_is_not_overwritten_by_mistake(filled, tmp_path):
    out = tmp_path / "out"
    (tmp_path / "out.part").write_text("half")
    (tmp_path / "out.resume").write_text("{}")
    done = filled.cli("export", "source=logs", "-o", str(out), check=False)
    assert done.returncode == 1 and "--resume" in done.stderr and "--force" in done.stderr
    broken = filled.cli("export", "--resume", "-o", str(out), check=False)
    assert broken.returncode == 1 and "--force" in broken.stderr
    filled.cli("export", "source=logs", "-o", str(out), "--force")
    assert len(out.read_text().splitlines()) == EVENTS and not os.path.exists(str(out) + ".part")
    nothing = filled.cli("export", "--resume", "-o", str(tmp_path / "none"), check=False)
    assert nothing.returncode == 1 and "give the query" in nothing.stderr


def test_a_server_that_stops_leaves_something_to_go_on_with(make_server, tmp_path):
    server = make_server()
    for copy in range(8):
        assert server.import_ndjson(made(EVENTS, copy, copy * EVENTS)).status == 200
    want = server.cli("export", "source=logs").stdout
    out = tmp_path / "out"
    stalled = subprocess.Popen([BINARY, "export", "source=logs", "-o", str(out)], env={**os.environ, "CLEW_URL": server.url},
                               stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not os.path.exists(str(out) + ".resume"):
        assert time.monotonic() < deadline and (stalled.poll() is None)
    server.kill()
    said = stalled.communicate(timeout=60)[1]
    if stalled.returncode != 0:
        assert "--resume" in said
        server.start()
        server.cli("export", "--resume", "-o", str(out))
    assert out.read_text() == want


def test_memory_stays_bounded(make_server):
    server = make_server()
    for copy in range(20):
        assert server.import_ndjson(made(EVENTS, copy, copy * EVENTS)).status == 200
    server.post("/clew/v1/flush")
    peak = [0]
    done = threading.Event()

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], server.rss_bytes())

    before = server.rss_bytes()
    watcher = threading.Thread(target=watch)
    watcher.start()
    reply = export(server, query="source=logs")
    done.set()
    watcher.join()
    assert split(reply)[2] == {"complete": True, "rows": 20 * EVENTS, "answer": "exact"}
    assert peak[0] - before < 400 << 20, (before, peak[0])


def test_head_says_what_get_would_and_sends_no_rows(filled):
    path = "/clew/v1/export?query=source%3Dlogs"
    reply = filled.request("HEAD", path)
    assert reply.status == 200 and reply.body == b""
    got = filled.get(path)
    for name in ("Content-Type", "Content-Disposition"):
        assert reply.headers[name] == got.headers[name]
    assert filled.request("HEAD", path + "&format=csv").headers["Content-Type"].startswith("text/csv")
    assert filled.request("HEAD", path + "%20%7C%20nonsense").status == 400
    assert filled.request("HEAD", path + "%20%7C%20where%20nothing%3D1").status == 400
    assert filled.request("HEAD", path + "&cursor=none").status == 400
    question = "source=logs | cross join [ source=logs | fields n ]"  # EVENTS times EVENTS rows, if anybody waited
    assert filled.request("HEAD", "/clew/v1/export?query=" + urllib.parse.quote(question)).status == 200

    def record():
        return next(q for q in filled.get("/clew/v1/queries").json()["queries"] if q["query"] == question)

    while record()["running"]:
        pass
    assert record()["state"] == "EXECUTION_ERROR" and record()["ms"] < 10_000, record()
