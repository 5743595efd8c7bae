"""Subscriptions: named places in the feed, kept on disk, whose events come at least once."""
import json
import os
import stat
import subprocess
import threading
import time

from clew_server import BINARY
from live_client import Stream, WebSocket, take

BASE = "/clew/v1/subscriptions"


def make(server, name, query="", **more):
    return server.request("PUT", f"{BASE}/{name}", {"query": query, **more})


def fetch(server, name, **params):
    reply = server.request("POST", f"{BASE}/{name}/events", params)
    assert reply.status == 200, reply.text
    return reply.json()


def ack(server, name, up_to):
    reply = server.post(f"{BASE}/{name}/ack", {"up_to": up_to})
    assert reply.status == 200, reply.text
    return reply.json()


def numbers(batch):
    return [event["row"]["n"] for event in batch["events"]]


def test_fetch_acknowledge_fetch(server):
    server.import_ndjson([{"n": n, "level": "warn" if n % 2 else "info"} for n in range(20)])
    made = make(server, "pager", "level>=warn | fields n", start="oldest")
    assert made.status == 201 and made.json()["behind"] == 20 and made.json()["acked"] == 0
    assert make(server, "pager", "level>=warn | fields n").status == 200
    first = fetch(server, "pager", limit=3)
    assert numbers(first) == [1, 3, 5] and first["up_to"] == 6
    # Not acknowledged: it comes again.
    assert numbers(fetch(server, "pager", limit=3)) == [1, 3, 5]
    # Who reads ahead says behind which place.
    assert numbers(fetch(server, "pager", limit=2, after=first["up_to"])) == [7, 9]
    state = ack(server, "pager", first["up_to"])
    assert state["acked"] == 6 and state["behind"] == 14 and state["acked_at"]
    assert numbers(fetch(server, "pager")) == [7, 9, 11, 13, 15, 17, 19]
    assert ack(server, "pager", 2)["acked"] == 6  # never back


def test_two_names_do_not_disturb_each_other(server):
    server.import_ndjson([{"n": n} for n in range(10)])
    for name in ("store", "webhook"):
        make(server, name, "fields n", start="oldest")
    ack(server, "store", fetch(server, "store")["up_to"])
    assert numbers(fetch(server, "webhook")) == list(range(10))
    assert numbers(fetch(server, "store")) == []
    # Two clients of one name read the same events: a name is one place.
    assert numbers(fetch(server, "webhook")) == list(range(10))
    listed = server.get(BASE).json()
    assert [(s["name"], s["acked"], s["behind"]) for s in listed["subscriptions"]] == [("store", 10, 0), ("webhook", 0, 10)]
    assert listed["committed"] == 10


def test_a_long_poll_waits_for_events(server):
    make(server, "late", "n>=5 | fields n")
    begun = time.monotonic()
    empty = fetch(server, "late", wait_ms=300)
    assert empty["events"] == [] and 0.25 < time.monotonic() - begun < 10
    got = []
    waiting = threading.Thread(target=lambda: got.append(fetch(server, "late", wait_ms=30_000)))
    waiting.start()
    deadline = time.monotonic() + 20
    while server.metric("clew_subscribers") == 0:
        assert time.monotonic() < deadline
    server.import_ndjson([{"n": 1}])  # matches nothing: it goes on waiting
    server.import_ndjson([{"n": 7}])
    waiting.join()
    assert numbers(got[0]) == [7]


def test_the_place_survives_stop_and_kill(make_server, tmp_path):
    server = make_server(data=tmp_path / "kept")
    server.import_ndjson([{"n": n} for n in range(100)])
    make(server, "a", "fields n", start="oldest")
    make(server, "b", "fields n", start="oldest")
    make(server, "gone", "fields n", start="oldest")
    assert server.request("DELETE", f"{BASE}/gone").status == 200
    ack(server, "a", fetch(server, "a", limit=40)["up_to"])
    server.stop()
    server.start()
    assert numbers(fetch(server, "a")) == list(range(40, 100))
    ack(server, "a", fetch(server, "a", limit=30)["up_to"])
    unacked = numbers(fetch(server, "a", limit=10))
    server.kill()
    server.start()
    assert numbers(fetch(server, "a", limit=10)) == unacked == list(range(70, 80))
    assert numbers(fetch(server, "b")) == list(range(100))
    assert [s["name"] for s in server.get(BASE).json()["subscriptions"]] == ["a", "b"]


def test_killed_again_and_again_nothing_is_left_out(make_server, tmp_path):
    server = make_server(data=tmp_path / "kept")
    make(server, "sum", "fields n", start="oldest")
    seen, written = [], 0
    for _ in range(5):
        server.import_ndjson([{"n": n} for n in range(written, written + 500)])
        written += 500
        for _ in range(3):
            batch = fetch(server, "sum", limit=100)
            seen += numbers(batch)
            ack(server, "sum", batch["up_to"])
        server.kill()
        server.start()
    while len(set(seen)) < written:
        batch = fetch(server, "sum", limit=1000)
        seen += numbers(batch)
        ack(server, "sum", batch["up_to"])
    assert sorted(set(seen)) == list(range(written))
    assert len(seen) == written  # every acknowledged batch came once


def test_streams_give_everything_and_what_to_acknowledge(server):
    server.import_ndjson([{"n": n} for n in range(5_000)])
    server.post("/clew/v1/flush")
    params = {"query": "fields n", "start": "oldest", "format": "ndjson"}
    with Stream(server, f"{BASE}/stream/events", params, small=True) as stream:
        assert stream.status == 200
        seen, up_to = [], 0
        for record in stream.records():
            if "row" in record:
                seen.append(record["row"]["n"])
            if "up_to" in record:
                up_to = record["up_to"]
                if up_to == 5_000:
                    break
        assert seen == list(range(5_000))
        server.import_ndjson([{"n": 5_000}])
        assert take(stream.records(), "row")[0]["row"]["n"] == 5_000
    ack(server, "stream", up_to)
    with Stream(server, f"{BASE}/stream/events", headers={"Accept": "text/event-stream"}) as stream:
        events = stream.events()
        assert next(events)[0] == "begin"
        assert next(events)[2]["row"]["n"] == 5_000
        kind, place, data = next(events)
        assert (kind, place, data) == ("up_to", "5001", {"up_to": 5001})
    client = WebSocket(server, f"{BASE}/stream/events")
    assert take(client.records(), "begin")
    client.close()


def test_a_slow_subscriber_misses_nothing(server):
    make(server, "slow", "fields n")
    with Stream(server, f"{BASE}/slow/events", {"format": "ndjson"}, small=True) as stream:
        text = "lorem ipsum dolor " * 50
        for begin in range(0, 20_000, 2_000):
            server.import_ndjson([{"n": n, "text": text} for n in range(begin, begin + 2_000)])
        rows = (record["row"]["n"] for record in stream.records() if "row" in record)
        assert [next(rows) for _ in range(20_000)] == list(range(20_000))


def test_a_deleted_one_ends_its_streams(server):
    make(server, "short", "")
    with Stream(server, f"{BASE}/short/events", {"format": "ndjson"}) as stream:
        records = stream.records()
        take(records, "begin")
        assert server.request("DELETE", f"{BASE}/short").status == 200
        assert take(records, "error")[0]["error"]["code"] == "NOT_FOUND"
    assert server.get(f"{BASE}/short").status == 404
    assert server.request("DELETE", f"{BASE}/short").status == 404


def test_mistakes_teach(server):
    assert "give a query" in server.get(f"{BASE}/nobody/events").json()["error"]["reason"]
    make(server, "one", "level=error")
    other = make(server, "one", "level=warn")
    assert other.status == 409 and "level=error" in other.json()["error"]["reason"]
    stats = make(server, "two", "stats count()")
    assert stats.status == 400 and stats.json()["error"]["code"] == "UNSUPPORTED_OPERATION"
    assert make(server, "x" * 300).status == 400
    assert "oldest, newest" in make(server, "three", start="middle").json()["error"]["reason"]
    assert server.post(f"{BASE}/one/ack", {"up_to": 99}).status == 400
    assert server.post(f"{BASE}/one/ack", {}).status == 400
    assert server.post(f"{BASE}/nobody/ack", {"up_to": 0}).status == 404
    assert server.request("POST", f"{BASE}/one/events", {"limt": 3}).status == 400


def test_one_stream_three_subscribers(server):
    """The store, a tail, and a webhook: none waits for another."""
    make(server, "hook", "level>=error | fields n")
    with Stream(server, "/clew/v1/tail", {"query": "level>=warn | fields n", "format": "ndjson"}) as stream:
        records = stream.records()
        take(records, "begin")
        server.import_ndjson([{"n": n, "level": ["info", "warn", "error"][n % 3]} for n in range(9)])
        assert [r["row"]["n"] for r in take(records, "row", 6)] == [1, 2, 4, 5, 7, 8]
    assert server.count() == 9
    assert numbers(fetch(server, "hook")) == [2, 5, 8]


# --- the command line

def test_clew_subscribe_prints_and_acknowledges(server):
    server.import_ndjson([{"n": n, "level": "error" if n % 2 else "info"} for n in range(10)])
    done = server.cli("subscribe", "cli", "level=error | fields n", "--start", "oldest", "--drain")
    assert [json.loads(line)["n"] for line in done.stdout.splitlines()] == [1, 3, 5, 7, 9]
    assert server.cli("subscribe", "cli", "--drain").stdout == ""
    server.import_ndjson([{"n": 11, "level": "error"}])
    assert json.loads(server.cli("subscribe", "cli", "--drain").stdout) == {"n": 11}
    listed = json.loads(server.cli("subscribe", "--list").stdout)
    assert (listed["name"], listed["behind"]) == ("cli", 0)
    server.cli("subscribe", "cli", "--delete")
    assert server.cli("subscribe", "--list").stdout == ""


def test_clew_subscribe_acknowledges_when_the_command_succeeds(server, tmp_path):
    server.import_ndjson([{"n": n} for n in range(25)])
    script = tmp_path / "hook"
    # Fails at first, then takes everything.
    script.write_text(f"""#!/bin/sh
if [ ! -e {tmp_path}/tried ]; then touch {tmp_path}/tried; exit 3; fi
cat >> {tmp_path}/out
""", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    done = server.cli("subscribe", "hook", "fields n", "--start", "oldest", "--batch", "10", "--drain", "--exec", str(script))
    assert "ended with 3" in done.stderr
    rows = [json.loads(line)["n"] for line in (tmp_path / "out").read_text(encoding="utf-8").splitlines()]
    assert rows == list(range(25))


def test_clew_subscribe_killed_and_started_again_misses_nothing(server, tmp_path):
    out = tmp_path / "out"
    environment = {**os.environ, "CLEW_URL": server.url}
    command = [BINARY, "subscribe", "worker", "fields n", "--start", "oldest", "--batch", "50", "--exec", f"cat >> {out}"]

    def lines():
        return out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    written = 0
    for _ in range(4):
        worker = subprocess.Popen(command, env=environment)
        server.import_ndjson([{"n": n} for n in range(written, written + 1_000)])
        written += 1_000
        deadline = time.monotonic() + 20
        while len(lines()) < written - 500:
            assert time.monotonic() < deadline
        worker.kill()
        worker.wait()
    server.cli("subscribe", "worker", "--drain", "--exec", f"cat >> {out}")
    seen = [json.loads(line)["n"] for line in lines()]
    assert set(seen) == set(range(written))
    assert len(seen) - written <= 4 * 50  # at most the batch at hand comes twice


def test_clew_subscribe_teaches(server):
    done = server.cli("subscribe", "x", "stats count()", check=False)
    assert done.returncode == 1 and "looks at more than one event" in done.stderr
    assert server.cli("subscribe", check=False).returncode == 2
    server.cli("subscribe", "x", "level=error", "--drain")
    other = server.cli("subscribe", "x", "level=warn", check=False)
    assert other.returncode == 1 and "level=error" in other.stderr
