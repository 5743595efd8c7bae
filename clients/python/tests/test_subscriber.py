"""Subscribers, against a server that says what the test wants, and against the real one."""
import http.server
import json
import os
import subprocess
import sys
import threading
import time

import pytest

import clew
from clew import subscriber
from clew.__main__ import line_of
from conftest import PACKAGE_ROOT


class Script:
    """Answers each GET with the next of `streams` (text of server-sent events, or a status), then holds the line open."""

    def __init__(self, *streams):
        self.streams = list(streams)
        self.asked, self.acks = [], []
        self.released = threading.Event()
        outer = self

        class Handle(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers.get("Last-Event-ID")))
                stream = outer.streams.pop(0) if outer.streams else None
                if isinstance(stream, tuple):
                    status, body = stream
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(body.encode())
                    return
                self.send_response(200)
                self.end_headers()
                self.wfile.write((stream or ": quiet\n\n").encode())
                self.wfile.flush()
                if stream is None or not outer.streams:
                    outer.released.wait(30)

            def do_POST(self):
                outer.acks.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handle)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def scripted():
    made = []

    def make(*streams):
        made.append(Script(*streams))
        return made[-1]
    yield make
    for script in made:
        script.released.set()
        script.server.shutdown()
        script.server.server_close()


def message(n, place=""):
    return (f"id: {place}\n" if place else "") + 'data: {"id":"p:1:%d","row":{"n":%d}}\n\n' % (n, n)


def take(events, count):
    taken = []
    for event in events:
        taken.append(event)
        if len(taken) == count:
            return taken
    return taken


def test_events_and_where_it_goes_on(scripted):
    script = scripted("retry: 1000\n\n: quiet\n\n" + message(1) + message(2, "7"), message(3, "9"))
    with clew.subscribe("level>=warn", url=script.url, last=5) as events:
        taken = take(events, 3)
    assert [event.fields["n"] for event in taken] == [1, 2, 3] and taken[0].id == "p:1:1"
    assert script.asked == [("/clew/v1/tail?query=level%3E%3Dwarn&last=5", None), ("/clew/v1/tail?query=level%3E%3Dwarn", "7")]


def test_filter_and_missed(scripted):
    told = []
    script = scripted(message(1) + 'event: missed\ndata: {"missed":12,"exact":true}\n\n' + message(2) + message(3))
    events = clew.subscribe(url=script.url, keep=lambda fields: fields["n"] != 2, on_missed=told.append)
    assert [event.fields["n"] for event in take(events, 2)] == [1, 3]
    assert told == [12] and events.missed == 12
    events.close()


def test_a_named_subscription_acknowledges_what_the_loop_has_had(scripted):
    script = scripted(message(1) + message(2) + 'event: up_to\nid: 4\ndata: {"up_to":4}\n\n' + message(3))
    events = iter(clew.subscribe("n>0", url=script.url, name="pager/1", oldest=True))
    assert [next(events).fields["n"] for _ in range(2)] == [1, 2] and script.acks == []
    assert next(events).fields["n"] == 3
    assert script.acks == [("/clew/v1/subscriptions/pager%2F1/ack", {"up_to": 4})]
    assert script.asked[0][0] == "/clew/v1/subscriptions/pager%2F1/events?query=n%3E0&start=oldest"


def test_a_wrong_query_is_said(scripted):
    script = scripted((400, '{"error":{"code":"SYNTAX_ERROR","reason":"expected a field name","status":400}}'))
    with pytest.raises(clew.subscriber.SubscribeError, match="expected a field name"):
        take(clew.subscribe("level>=", url=script.url), 1)


def test_a_server_that_is_busy_is_asked_again(scripted):
    script = scripted((503, ""), message(1))
    assert take(clew.subscribe(url=script.url), 1)[0].fields == {"n": 1}


def test_callbacks_and_closing(scripted):
    script = scripted(message(1) + message(2) + message(3))
    seen = []

    def callback(event):
        seen.append(event.fields["n"])
        if event.fields["n"] == 2:
            raise RuntimeError("of the user's")
    follower = clew.subscribe("", callback, url=script.url)
    assert follower.wait(3, 10)
    begun = time.monotonic()
    follower.close()
    assert time.monotonic() - begun < 5 and not follower._thread.is_alive()
    assert seen == [1, 2, 3] and follower.failures == 1


def test_lines_for_people():
    line = line_of({"@timestamp": "2026-11-20T10:00:00.000000Z", "levelname": "WARNING", "service.name": "shop",
                    "message": "slow", "amount": 3, "lineno": 7, "args": []})
    assert line == "2026-11-20T10:00:00.000000Z  warning  shop  slow  amount=3"


def test_python_m_clew_tail(scripted):
    script = scripted(message(1) + message(2))
    done = subprocess.run([sys.executable, "-m", "clew", "tail", "n>0", "--json", "--count", "2", "--url", script.url],
                          capture_output=True, text=True, timeout=30, env={**os.environ, "PYTHONPATH": PACKAGE_ROOT})
    assert done.returncode == 0 and [json.loads(line) for line in done.stdout.splitlines()] == [{"n": 1}, {"n": 2}]
    assert script.asked[0][0] == "/clew/v1/tail?query=n%3E0&last=10"


# --- the real server

@pytest.fixture
def tailing_server(server):
    if server.get("/clew/v1/subscriptions").status == 404:
        pytest.skip("this server has no tail")
    return server


def test_two_subscribers_at_once(tailing_server):
    server = tailing_server
    server.import_ndjson([{"n": 0, "level": "info"}])
    every, odd = [], []
    followers = [clew.subscribe("", lambda event: every.append(event.fields["n"]), url=server.url, last=10),
                 clew.subscribe("level>=warn", lambda event: odd.append(event.fields["n"]), url=server.url, last=10)]
    try:
        assert followers[0].wait(1, 20)
        for n in range(1, 41):
            server.import_ndjson([{"n": n, "level": "warn" if n % 2 else "info"}])
        assert followers[0].wait(41, 20) and followers[1].wait(20, 20)
    finally:
        for follower in followers:
            follower.close()
    assert every == list(range(41)) and odd == list(range(1, 41, 2))


def test_a_named_one_goes_on_where_it_was(tailing_server):
    server = tailing_server
    server.import_ndjson([{"n": n} for n in range(100)])
    first = clew.subscribe("fields n", url=server.url, name="sums", oldest=True)
    seen = [event.fields["n"] for event in take(first, 60)]
    first.close()
    second = clew.subscribe("fields n", lambda event: seen.append(event.fields["n"]), url=server.url, name="sums", oldest=True)
    try:
        deadline = time.monotonic() + 20
        while set(seen) != set(range(100)) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        second.close()
    assert set(seen) == set(range(100))
    assert subscriber.Subscription
