"""/clew/v1/tail: events as they come."""
import contextlib
import json
import os
import pty
import subprocess
import threading
import time

import pytest
from clew_server import BINARY
from live_client import Stream, WebSocket, tail, take

TAILS = 500
EVENTS = 40_000  # of 1 KB: more than sockets hold
SECONDS_MAX = 1.0  # from a write to its sight


def numbers(records):
    return [record["row"]["n"] for record in records]


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def test_what_is_written_is_seen_within_a_second(server):
    server.import_ndjson([{"n": -1}])
    stream, records = tail(server)
    with stream:
        take(records, "begin")
        times = []
        for n in range(200):
            begun = time.monotonic()
            server.import_ndjson([{"n": n}])
            assert numbers(take(records, "row")) == [n]
            times.append(time.monotonic() - begun)
    times.sort()
    print(f"written to seen: p50 {times[100] * 1000:.1f} ms, p99 {times[197] * 1000:.1f} ms")
    assert times[197] < SECONDS_MAX


def test_a_query_chooses_events_and_fields(server):
    stream, records = tail(server, "level>=warn service=pay | eval twice = n * 2 | fields n, twice")
    with stream:
        take(records, "begin")
        server.import_ndjson([{"n": n, "level": ["info", "WARN", "error"][n % 3], "service": ["pay", "cart"][n % 2]}
                              for n in range(12)])
        assert [r["row"] for r in take(records, "row", 4)] == [{"n": n, "twice": 2 * n} for n in (2, 4, 8, 10)]


def test_rows_have_their_ids_and_places(server):
    stream, records = tail(server)
    with stream:
        place = take(records, "begin")[0]["begin"]["from"]
        server.post("/_bulk", '{"create":{"_index":"logs","_id":"mine"}}\n{"n":1}\n')
        server.import_ndjson([{"n": 2}])
        rows = take(records, "row", 2)
    assert rows[0]["id"] == "mine" and rows[0]["row"]["n"] == 1
    assert place < rows[0]["seq"] < rows[1]["seq"]
    found = server.rows("source=logs n=2 | fields _id")
    assert found == [{"_id": rows[1]["id"]}]


def test_backlog_then_live_without_gap_or_repetition(server):
    server.import_ndjson([{"n": n, "@timestamp": f"2026-11-20T10:00:{n:02}Z"} for n in range(20)])
    stream, records = tail(server, "fields n", params={"last": 5})
    with stream:
        assert numbers(take(records, "row", 5)) == [15, 16, 17, 18, 19]
        take(records, "begin")
        server.import_ndjson([{"n": 20}])
        assert numbers(take(records, "row")) == [20]
    now = time.time_ns() // 1_000_000
    server.import_ndjson([{"n": 100, "@timestamp": now - 5_000}, {"n": 101, "@timestamp": now - 100_000}])
    stream, records = tail(server, "n>=100 | fields n", params={"since": "1m"})
    with stream:
        assert numbers(take(records, "row")) == [100]
        take(records, "begin")


def test_server_sent_events_and_going_on(server):
    with Stream(server, "/clew/v1/tail", {"query": "fields n"}, {"Accept": "text/event-stream"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = stream.events()
        assert next(events)[0] == "begin"
        server.import_ndjson([{"n": n} for n in range(10)])
        got = [next(events) for _ in range(4)]
    assert [data["row"]["n"] for _, _, data in got] == [0, 1, 2, 3]
    place = got[-1][1]
    server.import_ndjson([{"n": n} for n in range(10, 15)])
    headers = {"Accept": "text/event-stream", "Last-Event-ID": place}
    with Stream(server, "/clew/v1/tail", {"query": "fields n"}, headers) as stream:
        events = stream.events()
        assert next(events)[0] == "begin"
        assert [next(events)[2]["row"]["n"] for _ in range(11)] == list(range(4, 15))


def test_web_socket(server):
    client = WebSocket(server, "/clew/v1/tail", {"query": "n>1 | fields n"})
    assert client.status == 101
    records = client.records()
    take(records, "begin")
    server.import_ndjson([{"n": n} for n in range(5)])
    assert numbers(take(records, "row", 3)) == [2, 3, 4]
    client.close()
    wait_for(lambda: server.metric("clew_tails") == 0)
    # A page of another site may not listen in.
    foreign = WebSocket(server, "/clew/v1/tail", headers={"Origin": "http://evil.example"})
    assert foreign.status == 403


def test_post_with_a_body(server):
    reply = {}

    def ask():
        # Ends with the server's end.
        reply["text"] = server.post("/clew/v1/tail", {"query": "fields n", "last": 1, "format": "ndjson"}).text
    server.import_ndjson([{"n": 7}])
    thread = threading.Thread(target=ask)
    thread.start()
    wait_for(lambda: server.metric("clew_tails") == 1)
    assert server.stop() == 0
    thread.join()
    records = [json.loads(line) for line in reply["text"].splitlines()]
    assert numbers(records[:1]) == [7]
    assert records[-1] == {"end": {"reason": "the server is stopping"}}


def test_names_that_come_later(server):
    stream, records = tail(server, "source=orders | where total > 5 | fields total, level")
    with stream:
        warnings = take(records, "begin")[0]["begin"]["warnings"]
        assert len(warnings) == 2 and "[orders]" in warnings[0] and "[total]" in warnings[1]
        server.import_ndjson([{"total": 9}])
        server.import_ndjson([{"total": 3}, {"total": 8, "level": "info"}], dataset="orders")
        assert take(records, "row")[0]["row"] == {"total": 8, "level": "info"}


def test_mistakes_teach(server):
    def asked(**params):
        with Stream(server, "/clew/v1/tail", params) as stream:
            return stream.status, stream.body()["error"]
    status, error = asked(query="level=error\n| stats count() by service")
    assert status == 400 and error["code"] == "UNSUPPORTED_OPERATION" and (error["line"], error["column"]) == (2, 3)
    assert "`stats` looks at more than one event" in error["reason"] and "where, fields" in error["reason"]
    assert asked(query="level=")[0] == 400
    assert "sse, ndjson" in asked(format="xml")[1]["reason"]
    assert "did you mean" in asked(qurey="x")[1]["reason"]
    assert "last" in asked(last="many")[1]["reason"]


def fill_until_missed(server):
    """Writes more than all buffers on the way hold, until a tail has missed some; gives how many events were written."""
    text = "lorem ipsum dolor " * 50
    for begin in range(0, EVENTS, 2_000):
        server.import_ndjson([{"n": n, "text": text} for n in range(begin, begin + 2_000)])
    wait_for(lambda: server.metric("clew_tail_missed_total") > 0)
    return EVENTS


def test_a_slow_reader_is_told_what_it_missed(server):
    slow, slow_records = tail(server, small=True)
    quick, quick_records = tail(server)
    seen = []

    def read_quick():
        for record in quick_records:
            if "row" in record:
                seen.append(record["row"]["n"])
            if len(seen) > EVENTS:
                return
    with slow, quick:
        take(slow_records, "begin")
        take(quick_records, "begin")
        reader = threading.Thread(target=read_quick, daemon=True)
        reader.start()
        before = server.rss_bytes()
        written = fill_until_missed(server)
        # The other tail has everything, in order, while the slow one stands still.
        wait_for(lambda: len(seen) == written)
        assert seen == list(range(written))
        print(f"{written} events written; the server has grown by {(server.rss_bytes() - before) >> 20} MiB")
        given, missed, told = 0, 0, 0
        last = -1
        while given + missed < written:
            record = next(slow_records)
            if "missed" in record:
                assert record["exact"] is True and record["missed"] > 0
                missed += record["missed"]
                told += 1
            elif "row" in record:
                assert record["row"]["n"] > last
                last = record["row"]["n"]
                given += 1
        assert given + missed == written and missed > 0 and told >= 1
        # And it follows again.
        server.import_ndjson([{"n": written}])
        assert numbers(take(slow_records, "row")) == [written]
        reader.join()


def test_a_reader_that_vanished_is_let_go(server):
    streams = [tail(server)[0] for _ in range(20)]
    wait_for(lambda: server.metric("clew_tails") == 20)
    for stream in streams:
        stream.close()
    wait_for(lambda: server.metric("clew_tails") == 0)


def test_500_tails_at_once(server):
    server.import_ndjson([{"n": -1, "level": "info"}])
    with contextlib.ExitStack() as stack:
        tails = []
        for i in range(TAILS):
            # Half of them with a question of their own.
            stream, records = tail(server, "level>=warn" if i % 2 else f"n>={i} | fields n")
            stack.enter_context(stream)
            take(records, "begin")
            tails.append(records)
        begun = time.monotonic()
        server.import_ndjson([{"n": 10_000, "level": "error"}])
        for records in tails:
            assert numbers(take(records, "row")) == [10_000]
        took = time.monotonic() - begun
        print(f"{TAILS} tails have an event after {took * 1000:.0f} ms")
        times = []
        for n in range(20):
            begun = time.monotonic()
            assert server.import_ndjson([{"n": n, "level": "info"}] * 100).status == 200
            times.append(time.monotonic() - begun)
        print(f"a write of 100 events beside them: median {sorted(times)[10] * 1000:.1f} ms")


@pytest.mark.parametrize("kind", ["reading", "standing"])
def test_the_server_stops_with_tails_open(server, kind):
    stream, records = tail(server, small=kind == "standing")
    socket_client = WebSocket(server, "/clew/v1/tail")
    with stream:
        take(records, "begin")
        if kind == "standing":
            fill_until_missed(server)
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 10
        if kind == "reading":
            assert take(records, "end")[0]["end"]["reason"] == "the server is stopping"
            assert list(records) == []
            assert [r for r in socket_client.records() if "end" in r]


def test_events_of_every_way_in(server):
    stream, records = tail(server, "fields message")
    with stream:
        take(records, "begin")
        server.post("/loki/api/v1/push", {"streams": [{"stream": {"app": "a"}, "values": [["1763719200000000000", "by loki"]]}]})
        server.import_text("2026-11-20T10:00:00Z INFO by text\n")
        assert [r["row"]["message"] for r in take(records, "row", 2)] == ["by loki", "by text"]
        # Traces are followed by their name only, as they are searched.
        server.import_ndjson([{"trace_id": "t", "span_id": "s", "name": "GET /", "start": "2026-11-20T10:00:00Z",
                               "end": "2026-11-20T10:00:01Z"}], dataset="traces")
        server.import_ndjson([{"message": "last"}])
        assert [r["row"]["message"] for r in take(records, "row")] == ["last"]


# --- the command line

class Command:
    """A running `clew tail`: its output line by line, its messages as they stand."""

    def __init__(self, server, *args, tty=False, env=None):
        self.lines, self.messages = [], []
        # A server started again has another port: a proxy of ours keeps the address.
        environment = {**os.environ, "CLEW_URL": server.url, **(env or {})}
        environment.pop("NO_COLOR", None) if tty and not env else None
        if tty:
            leader, follower = pty.openpty()
            self.process = subprocess.Popen([BINARY, "tail", *args], stdout=follower, stderr=subprocess.PIPE, env=environment)
            os.close(follower)
            output = os.fdopen(leader, "rb", 0)
        else:
            self.process = subprocess.Popen([BINARY, "tail", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            env=environment)
            output = self.process.stdout
        for pipe, lines in ((output, self.lines), (self.process.stderr, self.messages)):
            threading.Thread(target=self._read, args=(pipe, lines), daemon=True).start()

    @staticmethod
    def _read(pipe, lines):
        with contextlib.suppress(OSError):  # the end of a terminal
            for line in pipe:
                lines.append(line.decode().rstrip("\r\n"))

    def wait(self, count):
        wait_for(lambda: len(self.lines) >= count)
        return self.lines

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(name="run_tail")
def commands_that_end(server):
    running = []

    def run(*args, **more):
        running.append(Command(server, *args, **more))
        return running[-1]
    yield run
    for command in running:
        command.end()


def test_clew_tail_prints_ndjson_into_a_pipe(server, run_tail):
    server.import_ndjson([{"n": n, "level": "warn"} for n in range(20)])
    command = run_tail("level>=warn | fields n", "-n", "3")
    command.wait(3)
    server.import_ndjson([{"n": 20, "level": "error"}, {"n": 21, "level": "info"}])
    assert [json.loads(line) for line in command.wait(4)] == [{"n": n} for n in (17, 18, 19, 20)]


def test_clew_tail_colours_levels_on_a_terminal(server, run_tail):
    server.import_ndjson([{"message": "it broke\u001b[2J", "level": "error", "@timestamp": "2026-11-20T10:00:00Z"}])
    line = run_tail(tty=True).wait(1)[0]
    assert "\x1b[31merror\x1b[0m" in line and "it broke" in line and "\x1b[2J" not in line
    plain = run_tail(tty=True, env={"NO_COLOR": "1"}).wait(1)[0]
    assert "\x1b" not in plain and "error" in plain


def test_clew_tail_raw(server, run_tail):
    server.import_text("2026-11-20T10:00:00Z INFO   by   text\n")
    assert run_tail("--raw").wait(1) == ["2026-11-20T10:00:00Z INFO   by   text"]


def test_clew_tail_goes_on_after_the_server_was_away(make_server, tmp_path):
    import socket
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = make_server("--listen", f"127.0.0.1:{port}", data=tmp_path / "kept")
    server.import_ndjson([{"n": 0}])
    command = Command(server, "fields n")
    try:
        command.wait(1)
        server.kill()
        server.start()
        server.import_ndjson([{"n": n} for n in range(1, 50)])
        assert [json.loads(line)["n"] for line in command.wait(50)] == list(range(50))
        assert any("trying again" in line for line in command.messages)
    finally:
        command.end()


def test_clew_tail_teaches(server):
    done = server.cli("tail", "level=error | stats count() by service", check=False)
    assert done.returncode == 1 and "^" in done.stderr and "looks at more than one event" in done.stderr
    away = subprocess.run([BINARY, "tail", "--url", "http://127.0.0.1:1"], capture_output=True, text=True, timeout=30, check=False)
    assert away.returncode == 1 and "clew serve" in away.stderr
