"""One request put together: through the API and the command line."""
import json
import os

import pytest

import clew_server

FORMATS = os.path.join(os.path.dirname(clew_server.SHARED_DATA), "suites", "user-formats")


def tree(server, of, **more):
    reply = server.post("/clew/v1/goals", {"of": of, **more})
    assert reply.status == 200, reply.text
    return reply.json()


def outline(trace):
    """[(depth, name, outcome)] in the order of the tree."""
    return [(step["depth"], step["name"], step.get("outcome", "")) for step in trace["steps"]]


def goal(event, span, parent, name, at, **more):
    fields = {"@timestamp": f"2026-11-21T12:00:{at:06.3f}Z", "event": event, "goal": True, "name": name,
              "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": span, "service.name": "shop", **more}
    if parent:
        fields["parent_span_id"] = parent
    return fields


FAILED_ORDER = [
    goal("goal.start", "a000000000000001", None, "place order", 0.0, order=7),
    goal("goal.start", "a000000000000002", "a000000000000001", "charge card", 0.010, **{"service.name": "payment"}),
    {"@timestamp": "2026-11-21T12:00:00.100Z", "level": "warn", "message": "gateway is slow",
     "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "a000000000000002", "service.name": "payment"},
    goal("goal.end", "a000000000000002", "a000000000000001", "charge card", 0.322, outcome="failed",
         reason="gateway: no answer", duration_ms=312.0, **{"service.name": "payment"}),
    goal("goal.start", "a000000000000003", "a000000000000001", "write receipt", 0.323),
    goal("goal.end", "a000000000000001", None, "place order", 0.330, outcome="failed", duration_ms=330.0, order=7),
]


def test_goals_as_lines(server):
    assert server.import_ndjson(FAILED_ORDER).status == 200
    trace = tree(server, "4bf92f3577b34da6a3ce929d0e0e4736")
    assert outline(trace) == [(0, "place order", "failed"), (1, "charge card", "failed"), (1, "write receipt", "open")]
    root, charge, receipt = trace["steps"]
    assert root["reason"] == "gateway: no answer" and "cause" not in root
    assert charge["cause"] and charge["duration_ms"] == 312
    assert [line["message"] for line in charge["lines"]] == ["gateway is slow"]
    assert receipt["problems"] == ["no_end"]
    # Any line leads to it, by what stands in it or by what it is; sending twice changes nothing.
    server.import_ndjson(FAILED_ORDER)
    line_id = charge["lines"][0]["_id"]
    for reference in ["gateway is slow", "A000000000000002", "2026-11-21 12:00:00.100 warn gateway is slow", line_id,
                      json.dumps(FAILED_ORDER[2]), "00-4bf92f3577b34da6a3ce929d0e0e4736-a000000000000003-01"]:
        assert outline(tree(server, reference)) == outline(trace), reference
    assert tree(server, "gateway is slow")["spans"] == 3


def test_tree_on_the_command_line(server):
    server.import_ndjson(FAILED_ORDER)
    text = server.cli("tree", "gateway is slow", "--format", "tree").stdout
    assert "place order  failed  330 ms  shop  gateway: no answer" in text
    assert "├─ charge card  failed  312 ms  payment  gateway: no answer  ◀ broke here" in text
    assert "12:00:00.100 warn gateway is slow" in text
    assert "└─ write receipt  open" in text and "no end seen" in text
    piped = [json.loads(line) for line in server.cli("tree", "4bf92f3577b34da6a3ce929d0e0e4736").stdout.splitlines()]
    assert [list(record) for record in piped] == [["trace"], ["step"], ["step"], ["step"]]
    missing = server.cli("tree", "0123456789abcdef0123456789abcdef", check=False)
    assert missing.returncode == 1 and "nothing carries" in missing.stderr
    assert server.cli("tree", "-", stdin=json.dumps(FAILED_ORDER[2]) + "\n", check=False).returncode == 0


def test_a_request_id_binds_lines_that_have_nothing_else(server):
    server.import_ndjson([
        {"@timestamp": "2026-11-21T12:00:00Z", "service": "web", "request_id": "req-7f3a", "message": "in"},
        {"@timestamp": "2026-11-21T12:00:01Z", "service": "pay", "requestId": "req-7f3a", "message": "paying"},
        {"@timestamp": "2026-11-21T12:00:02Z", "service": "web", "x-request-id": "req-7f3a", "message": "out"},
        {"@timestamp": "2026-11-21T12:00:02Z", "service": "web", "request_id": "req-other", "message": "else"}])
    trace = tree(server, "req-7f3a")
    assert trace["found_by"] == "request_id"
    assert outline(trace) == [(0, "req-7f3a", ""), (1, "web", ""), (1, "pay", "")]
    assert [line["message"] for step in trace["steps"] for line in step.get("lines", [])] == ["in", "out", "paying"]


def test_lines_that_nothing_binds_are_inferred(server):
    lines = [{"@timestamp": f"2026-11-21T12:00:{s:06.3f}Z", "host": "h1", "pid": 7, "thread": t, "message": m}
             for s, t, m in [(1.0, "a", "one"), (1.5, "b", "other thread"), (1.9, "a", "two"), (8.0, "a", "later")]]
    server.import_ndjson(lines)
    trace = tree(server, "two")
    assert trace["found_by"] == "inferred"
    assert [step["problems"] for step in trace["steps"]] == [["inferred"]]
    assert [line["message"] for line in trace["steps"][0]["lines"]] == ["one", "two"]


@pytest.fixture
def formats(server):
    if not os.path.isdir(FORMATS):
        pytest.skip("../shared/suites is not there")
    for name in ("five_servers", "distlog", "eliot"):
        server.cli("import", os.path.join(FORMATS, name + ".ndjson"))
    return server


def test_five_servers(formats):
    trace = tree(formats, "trace-xyz789")
    names = [step["service"] for step in trace["steps"]]
    assert names == ["server-a", "server-b", "server-c", "server-d", "server-e"]
    assert [(step["offset_ms"], step["duration_ms"], step["self_ms"]) for step in trace["steps"]] == [
        (0, 500, 80), (10, 190, 30), (15, 35, 35), (55, 125, 125), (250, 230, 230)]
    path = [(names[stretch["step"]][-1].upper(), stretch["ms"]) for stretch in trace["critical_path"]]
    assert path == [("A", 10), ("B", 5), ("C", 35), ("B", 5), ("D", 125), ("B", 20), ("A", 50), ("E", 230), ("A", 20)]
    slowest = trace["bottlenecks"][:2]
    assert [(b["service"], b["ms"], b["share"]) for b in slowest] == [("server-e", 230, 0.46), ("server-d", 125, 0.25)]
    assert all(len(step["lines"]) == 1 for step in trace["steps"])
    assert tree(formats, "server D is working on address")["trace_id"] == "trace-xyz789"
    text = formats.cli("trace", "trace-xyz789", "--format", "waterfall").stdout
    assert "critical path 500 ms" in text and "230 ms   46.0 %  orders  server-e" in text


def test_distlog_and_eliot(formats):
    distlog = tree(formats, "2f4d7c1e-6a51-4a38-8d53-b3a9de0d91c4")
    assert outline(distlog) == [(0, "place order 12345", "failed"), (1, "charge card", "failed"),
                                (2, "ask the gateway", "failed"), (1, "notify the customer", "ok")]
    assert distlog["steps"][2]["process"] != distlog["steps"][1]["process"]
    assert tree(formats, "mail queued")["trace_id"] == distlog["trace_id"]
    eliot = tree(formats, "3b2f6f0e-8c62-4a8c-9f0b-0f5f2f1f9a77")
    assert outline(eliot) == [(0, "shop:place_order", "failed"), (1, "shop:charge_card", "failed"), (1, "shop:notify", "ok")]
    assert eliot["steps"][1]["reason"] == "gateway.Timeout: no answer after 30 s"


RADIUS = """\
(0) Received Access-Request Id 104 from 127.0.0.1:33278 to 127.0.0.1:1812 length 73
(0)   User-Name = "bob"
(0)   authorize {
(0)     policy filter_username {
(0)       if (&User-Name =~ / /) {
(0)       if (&User-Name =~ / /)  -> FALSE
(0)     } # policy filter_username = notfound
(1) Received Access-Request Id 105 from 127.0.0.1:33279 to 127.0.0.1:1812 length 73
(0)     [pap] = noop
(0)   } # authorize = ok
(1)   authorize {
(1)   } # authorize = ok
(0) ERROR: No Auth-Type found: rejecting the user via Post-Auth-Type = Reject
(0) Sent Access-Reject Id 104 from 127.0.0.1:1812 to 127.0.0.1:33278 length 20
(1) Sent Access-Accept Id 105 from 127.0.0.1:1812 to 127.0.0.1:33279 length 20
Ready to process requests
(0) Received Access-Request Id 7 from 127.0.0.1:1 to 127.0.0.1:1812 length 73
"""


def test_freeradius_debug_log(server):
    server.import_text(RADIUS, dataset="radius")
    trace = tree(server, "(0)     [pap] = noop")
    assert outline(trace) == [
        (0, "request 0: Access-Request Id 104 from 127.0.0.1:33278 to 127.0.0.1:1812 length 73", "failed"),
        (1, "authorize", "ok"), (2, "policy filter_username", "ok"), (2, "pap", "ok")]
    assert trace["steps"][0]["reason"].startswith("No Auth-Type found")
    other = tree(server, "(1) Sent Access-Accept Id 105 from 127.0.0.1:1812 to 127.0.0.1:33279 length 20")
    assert [step[2] for step in outline(other)] == ["ok", "ok"]
