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


def test_a_line_that_several_requests_have(server):
    """Of equal lines the one of the pasted time is meant, else the newest, and the answer says that there are others."""
    for number in range(1, 4):
        server.import_ndjson([
            {"@timestamp": f"2026-11-21T12:00:0{number}.500Z", "service": "shop", "message": "article without a price",
             "level": "warn", "trace_id": f"{number:032x}", "order_id": 100 + number},
            {"@timestamp": f"2026-11-21T12:00:0{number}.600Z", "service": "shop", "message": "article without a price",
             "level": "warn", "trace_id": f"{number:032x}", "order_id": 100 + number}])

    def found(reference):
        trace = tree(server, reference)
        return int(trace["trace_id"], 16), trace.get("requests_alike")
    assert found("article without a price") == (3, 3)
    assert found("2026-11-21 12:00:02.500 article without a price") == (2, 3)
    assert found("12:00:01.500 warn article without a price") == (1, 3)
    assert found("order_id=102") == (2, None)
    assert found("some junk before\n12:00:02 WARN article without a price\n") == (2, 3)
    assert found(f"{2:032x}") == (2, None)
    text = server.cli("tree", "article without a price", "--format", "tree").stdout
    assert "one of 3 requests with this" in text
    # A line of the tree that clew drew leads to the same tree.
    drawn = server.cli("tree", f"{2:032x}", "--format", "tree").stdout
    [line, _] = [line for line in drawn.splitlines() if "article without a price" in line]
    assert found(line) == (2, 3)
    assert server.cli("tree", "order_id=999", check=False).returncode == 1


def test_errors_that_no_step_tells_are_told_above_the_tree(server):
    server.import_ndjson(shop(1, 50))
    for at, level in [(30, "ERROR"), (20, "error"), (10, "warn")]:
        server.import_ndjson([{"@timestamp": f"2026-11-21T12:00:01.0{at}Z", "level": level, "message": f"no stock {at}",
                               "trace_id": f"{1:032x}", "span_id": f"b{1:015x}"}])
    head = server.cli("tree", f"{1:032x}", "--format", "tree").stdout.splitlines()
    assert head[1] == "no step says that it failed, but 2 lines of errors: 12:00:01.020 no stock 20"
    server.import_ndjson(shop(1, 50, **{"status.code": "error"}) + FAILED_ORDER)
    assert "no step says" not in server.cli("tree", "place order", "--format", "tree").stdout


def test_tree_on_the_command_line(server):
    server.import_ndjson(FAILED_ORDER)
    text = server.cli("tree", "gateway is slow", "--format", "tree").stdout
    assert "place order  failed  330 ms  shop  gateway: no answer" in text
    assert "├─ charge card  failed  312 ms  payment  gateway: no answer  ◀ broke here" in text
    assert "12:00:00.100 warn gateway is slow" in text
    assert "└─ write receipt  open  shop  no end seen" in text
    server.import_ndjson([FAILED_ORDER[2]])
    again = server.cli("tree", "4bf92f3577b34da6a3ce929d0e0e4736", "--format", "tree")
    assert again.stdout.count("gateway is slow") == 1 and "12:00:00.100 warn gateway is slow  2 times" in again.stdout
    assert server.cli("tree", "gateway is slow", "--format", "tree", "--all").stdout.count("gateway is slow") == 2
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


def test_headers_of_every_kind_bind_the_lines_of_one_request(server):
    """Each service writes down the headers that it got, as they came: W3C, B3 in one header and in several, X-Request-ID."""
    trace_id, spans = "80f198ee56343ba864fe8b2a57d3eff7", [f"{n:016x}" for n in range(0xa1, 0xa6)]
    lines = [
        {"service": "edge", "traceparent": f"00-{trace_id}-{spans[0]}-01", "x-request-id": "req-w3c-b3", "message": "w3c"},
        {"service": "shop", "b3": f"{trace_id}-{spans[1]}-1-{spans[0]}", "message": "b3 single"},
        {"service": "pay", "X-B3-TraceId": trace_id.upper(), "X-B3-SpanId": spans[2], "X-B3-ParentSpanId": spans[1], "message": "b3 multi"},
        {"service": "mail", "B3": f"{trace_id}-{spans[3]}-d", "message": "b3 of debug"},
        {"service": "old", "x-request-id": "req-w3c-b3", "message": "request id alone"},
        {"service": "else", "b3": "0", "message": "told not to sample"}]
    server.import_ndjson([{"@timestamp": f"2026-11-21T12:00:0{n}Z", **line} for n, line in enumerate(lines)])
    want = ["w3c", "b3 single", "b3 multi", "b3 of debug", "request id alone"]
    for flushed in (False, True):
        for reference in [trace_id, "req-w3c-b3", "b3 single", "b3 multi", "request id alone", f"{trace_id}-{spans[1]}-1",
                          f"00-{trace_id}-{spans[0]}-01"]:
            trace = tree(server, reference)
            lines_of = [line for step in [*trace["steps"], trace] for line in step.get("lines", [])]
            assert sorted(line["message"] for line in lines_of) == sorted(want), (reference, flushed)
        server.post("/clew/v1/flush")


def test_ids_of_b3_with_64_bits_meet_those_of_w3c(server):
    """B3 writes 16 digits where W3C's 32 begin with zeros."""
    server.import_ndjson([
        span("463ac35c9f6413ad", "a2fb4a1d1a96d312", None, "old", "GET /", 0, 50),
        span("0" * 16 + "463ac35c9f6413ad", "0020000000000001", "a2fb4a1d1a96d312", "new", "GET /stock", 10, 20),
        {"@timestamp": "2026-11-21T12:00:00.015Z", "traceparent": f"00-{'0' * 16}463ac35c9f6413ad-0020000000000001-01", "message": "in new"}])
    for reference in ("463ac35c9f6413ad", "0" * 16 + "463ac35c9f6413ad", "in new"):
        trace = tree(server, reference)
        assert [(step["depth"], step["service"]) for step in trace["steps"]] == [(0, "old"), (1, "new")], reference
        assert [line["message"] for line in trace["steps"][1]["lines"]] == ["in new"], reference


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


# --- search, services, the APIs of Jaeger and Zipkin ---------------------------------------------------------------------


def span(trace_id, span_id, parent, service, name, start_ms, duration_ms, **more):
    fields = {"trace_id": trace_id, "span_id": span_id, "name": name, "service.name": service,
              "start": f"2026-11-21T12:{start_ms // 60000:02}:{start_ms % 60000 / 1000:06.3f}Z",
              "end": f"2026-11-21T12:{(start_ms + duration_ms) // 60000:02}:{(start_ms + duration_ms) % 60000 / 1000:06.3f}Z",
              "duration_ms": duration_ms, **more}
    if parent:
        fields["parent_span_id"] = parent
    return fields


def shop(number, duration_ms, **more):
    """A request of two services; its spans come as plain lines."""
    trace_id = f"{number:032x}"
    return [span(trace_id, f"a{number:015x}", None, "web", "GET /cart", number * 1000, duration_ms),
            span(trace_id, f"b{number:015x}", f"a{number:015x}", "cart", "read cart", number * 1000 + 1, duration_ms - 2,
                 region="NY" if number % 2 else "CA", **more)]


def found(server, **params):
    query = "&".join(f"{name}={value}" for name, value in params.items())
    reply = server.get("/clew/v1/traces?" + query)
    assert reply.status == 200, reply.text
    return reply.json()


def test_search_is_complete_and_in_order(server):
    durations = {number: 10 + (number * 37) % 100 for number in range(1, 41)}
    for number, duration in durations.items():
        events = shop(number, duration, **({"status.code": "error"} if number % 10 == 0 else {}))
        server.import_ndjson(events)
        server.import_ndjson(events)  # sent twice, counted once
    newest = found(server, limit=1000)["traces"]
    assert [int(t["trace_id"], 16) for t in newest] == sorted(durations, reverse=True)
    assert all(t["spans"] == 2 and t["service"] == "web" and t["name"] == "GET /cart" for t in newest)
    slowest = found(server, order="slowest", service="cart", limit=7)
    by_duration = sorted(durations, key=lambda n: (-durations[n], f"{n:032x}"))
    assert [int(t["trace_id"], 16) for t in slowest["traces"]] == by_duration[:7]
    assert slowest["more"] and slowest["traces"][0]["longest_match_ms"] == durations[by_duration[0]] - 2
    failed = found(server, outcome="failed", limit=100)["traces"]
    assert [int(t["trace_id"], 16) for t in failed] == [40, 30, 20, 10] and failed[0]["failed"] == 1
    assert found(server, error="true", service="web")["traces"] == []
    in_ny = found(server, tag="region=NY", min_duration="60ms", max_duration="80ms", limit=100)["traces"]
    expected = [n for n in sorted(durations, reverse=True) if n % 2 and 62 <= durations[n] <= 82]
    assert [int(t["trace_id"], 16) for t in in_ny] == expected
    assert found(server, service="nobody")["traces"] == []
    assert server.get("/clew/v1/traces?min_duration=fast").status == 400
    rows = [json.loads(line) for line in server.cli("traces", "--slowest", "--limit", "3").stdout.splitlines()]
    assert [int(row["trace_id"], 16) for row in rows] == by_duration[:3]


def test_open_goals_are_found(server):
    server.import_ndjson(FAILED_ORDER)
    reply = server.get("/clew/v1/goals?outcome=open").json()
    assert [t["trace_id"] for t in reply["traces"]] == ["4bf92f3577b34da6a3ce929d0e0e4736"]
    assert server.get("/clew/v1/goals?outcome=open&operation=charge%20card").json()["traces"] == []
    assert len(server.get("/clew/v1/goals?outcome=failed&operation=charge%20card").json()["traces"]) == 1
    for query, count in [("tag=order=7", 1), ("tag=order=8", 0), ("tag=goal=true", 1), ("tag=goal=false", 0)]:
        for flushed in (False, True):
            assert len(server.get("/clew/v1/traces?" + query).json()["traces"]) == count, (query, flushed)
            server.post("/clew/v1/flush")


def test_dependencies_of_the_five_servers(formats):
    expected = [("server-a", "server-b", 190), ("server-a", "server-e", 230), ("server-b", "server-c", 35), ("server-b", "server-d", 125)]
    calls = formats.get("/clew/v1/dependencies").json()["dependencies"]
    assert [(d["parent"], d["child"], d["p99_ms"]) for d in calls] == expected
    assert all(d["calls"] == 1 and d["failed"] == 0 for d in calls)
    printed = [json.loads(line) for line in formats.cli("services", "--calls").stdout.splitlines()]
    end = 1762800000000
    jaeger = formats.get(f"/jaeger/api/dependencies?endTs={end}&lookback=86400000").json()["data"]
    zipkin = formats.get(f"/zipkin/api/v2/dependencies?endTs={end}&lookback=86400000").json()
    for list_of in (printed, jaeger, zipkin):
        assert [(d["parent"], d["child"]) for d in list_of] == [e[:2] for e in expected]
    services = formats.get("/clew/v1/services").json()["services"]
    assert [s["name"] for s in services] == ["server-a", "server-b", "server-c", "server-d", "server-e"]
    assert formats.get("/jaeger/api/services").json()["data"] == [s["name"] for s in services]


def test_two_requests_side_by_side(server):
    for number in range(1, 9):
        server.import_ndjson(shop(number, 20))
    server.import_ndjson(shop(9, 120))
    reply = server.get(f"/clew/v1/traces/compare?a={1:032x}&b={9:032x}").json()
    assert reply["paths"][0]["path"] == ["web: GET /cart", "cart: read cart"]
    assert reply["paths"][0]["self_change_ms"] == 100
    typical = server.get(f"/clew/v1/traces/typical?of={9:032x}").json()
    assert typical["requests"] == 8 and typical["duration_median_ms"] == 20 and typical["slower_than"] == 1
    assert typical["paths"][0]["path"][-1] == "cart: read cart" and typical["paths"][0]["self_excess_ms"] == 100
    text = server.cli("trace", f"{9:032x}", "--typical", "--format", "waterfall").stdout
    assert "8 like it (cart: read cart): median 20 ms" in text and "+100.0 ms    cart: read cart" in text


def behind_gateway(number, service, *steps):
    """A request that a gateway passes on to one service, which takes these steps one after the other."""
    trace_id, start = f"{number:032x}", number * 1000
    events = [span(trace_id, f"a{number:015x}", None, "gateway", "/*", start, 100),
              span(trace_id, f"f{number:015x}", f"a{number:015x}", "gateway", "check the headers", start, 1),
              span(trace_id, f"b{number:015x}", f"a{number:015x}", service, "POST /" + service, start + 1, 98)]
    return events + [span(trace_id, f"c{at:07x}{number:08x}", f"b{number:015x}", "db", step, start + 2 + 10 * at, 10)
                     for at, step in enumerate(steps)]


def test_what_a_request_does_that_others_like_it_do_not(server):
    for number in range(1, 13):
        server.import_ndjson(behind_gateway(number, "orders", "find user", "write order"))
        server.import_ndjson(behind_gateway(100 + number, "users", "find user"))
    server.import_ndjson(behind_gateway(50, "orders", "find user", "roll back"))
    reply = server.get(f"/clew/v1/traces/typical?of={50:032x}").json()
    assert (reply["service"], reply["operation"], reply["requests"]) == ("orders", "POST /orders", 12)
    unusual = [(row["unusual"], row["path"][-1], row["requests"]) for row in reply["paths"] if "unusual" in row]
    assert sorted(unusual) == [("missing_here", "db: write order", 12), ("only_here", "db: roll back", 0)]
    assert all("unusual" in row for row in reply["paths"][:2])
    text = server.cli("trace", f"{50:032x}", "--typical", "--format", "waterfall").stdout
    assert "only here:\n     0 of 12 have it   db: roll back\nmissing here:\n    12 of 12 have it   db: write order\n" in text
    # One that is as the others are has nothing of its own.
    usual = server.get(f"/clew/v1/traces/typical?of={5:032x}").json()
    assert not any("unusual" in row for row in usual["paths"])
    # A few requests do not say what is usual.
    for number in (200, 201):
        server.import_ndjson(behind_gateway(number, "mails", "send" if number == 200 else "queue"))
    few = server.get(f"/clew/v1/traces/typical?of={200:032x}").json()
    assert few["requests"] == 1 and not any("unusual" in row for row in few["paths"])


SUITES = os.path.join(os.path.dirname(clew_server.SHARED_DATA), "suites")
ZIPKIN = os.path.join(SUITES, "zipkin-traces/zipkin-lens/testdata")
JAEGER = os.path.join(SUITES, "jaeger-ui-fixtures/packages/jaeger-ui/src")


def plain_span(zipkin_span):
    """A Zipkin span in one spelling, to compare by."""
    out = dict(zipkin_span)
    for name, width in (("traceId", 32 if len(out["traceId"]) > 16 else 16), ("id", 16), ("parentId", 16)):
        if name in out:
            out[name] = out[name].rjust(width, "0")
    return out


@pytest.mark.parametrize("name", ["messaging-kafka", "simple-db-p6", "skew", "yelp"])
def test_zipkin_traces_come_back(server, name):
    path = os.path.join(ZIPKIN, name + ".json")
    if not os.path.exists(path):
        pytest.skip("../shared/suites is not there")
    with open(path, encoding="utf-8") as file:
        spans = json.load(file)
    assert server.post("/api/v2/spans", spans).status == 202
    back = server.get("/zipkin/api/v2/trace/" + spans[0]["traceId"]).json()
    sent = sorted((plain_span(s) for s in spans), key=lambda s: (s["id"], s.get("kind", "")))
    got = sorted(back, key=lambda s: (s["id"], s.get("kind", "")))
    assert [(s["id"], s.get("kind"), s.get("name"), s.get("timestamp"), s.get("duration")) for s in got] == [
        (s["id"], s.get("kind"), s.get("name"), s.get("timestamp"), s.get("duration")) for s in sent]
    for one, other in zip(got, sent):
        assert one.get("tags", {}) == other.get("tags", {})
        assert one.get("localEndpoint", {}).get("serviceName") == other.get("localEndpoint", {}).get("serviceName")
        assert [a["value"] for a in one.get("annotations", [])] == [a["value"] for a in other.get("annotations", [])]


def test_clock_skew_of_the_zipkin_suite(server):
    path = os.path.join(ZIPKIN, "skew.json")
    if not os.path.exists(path):
        pytest.skip("../shared/suites is not there")
    with open(path, encoding="utf-8") as file:
        server.post("/api/v2/spans", json.load(file))
    trace = tree(server, "1e223ff1f80f1c69")
    assert [(s["depth"], s["name"], s["service"]) for s in trace["steps"]] == [
        (0, "get", "servicea"), (1, "post", "servicea"), (2, "post", "serviceb"), (3, "async", "serviceb")]
    [clock] = trace["clocks"]
    assert clock["host"] == "192.0.0.0" and 65.4 < clock["shift_ms"] < 66.5
    client, callee = trace["steps"][1], trace["steps"][2]
    assert client["offset_ms"] <= callee["offset_ms"]
    assert callee["offset_ms"] + callee["duration_ms"] <= client["offset_ms"] + client["duration_ms"]


def jaeger_span(one):
    """What both sides must agree on."""
    return {"operation": one["operationName"], "start": one["startTime"], "duration": one["duration"],
            "tags": sorted((t["key"], t["type"], t["value"]) for t in one["tags"]),
            "references": [(r["refType"], r["traceID"], r["spanID"]) for r in one["references"]],
            "logs": one["logs"]}


@pytest.mark.parametrize("pair", [("otlp2jaeger-in.json", "otlp2jaeger-out.json"),
                                  ("otlp2jaeger-multi-in-combined.json", "oltp2jaeger-multi-out.json")])
def test_otlp_to_jaeger_pairs(server, pair):
    folder = os.path.join(JAEGER, "utils/fixtures")
    if not os.path.isdir(folder):
        pytest.skip("../shared/suites is not there")
    with open(os.path.join(folder, pair[0]), encoding="utf-8") as file:
        assert server.post("/v1/traces", json.load(file)).status == 200
    with open(os.path.join(folder, pair[1]), encoding="utf-8") as file:
        expected = json.load(file)["data"][0]
    got = server.get("/jaeger/api/traces/" + expected["traceID"]).json()["data"][0]
    assert got["traceID"] == expected["traceID"]
    # The same span twice is one span here.
    want = {s["spanID"]: jaeger_span(s) for s in expected["spans"]}
    assert {s["spanID"]: jaeger_span(s) for s in got["spans"]} == want
    for s in got["spans"]:
        process = got["processes"][s["processID"]]
        [known] = {json.dumps(p, sort_keys=True) for p in expected["processes"].values()}
        assert json.dumps(process, sort_keys=True) == known


def test_search_as_jaeger_ui_and_grafana_do(server):
    for number in range(1, 6):
        server.import_ndjson(shop(number, 10 * number))
    base = "/jaeger/api/traces?service=cart&limit=20&start=1795000000000000&end=1796000000000000"
    data = server.get(base).json()["data"]
    assert [int(t["traceID"], 16) for t in data] == [5, 4, 3, 2, 1] and all(len(t["spans"]) == 2 for t in data)
    data = server.get(base + "&minDuration=20ms&tags=%7B%22region%22%3A%22NY%22%7D&operation=read%20cart").json()["data"]
    assert [int(t["traceID"], 16) for t in data] == [5, 3]
    missing = server.get("/jaeger/api/traces/00000000000000000000000000000abc")
    assert missing.status == 404 and missing.json()["errors"][0]["code"] == 404
    assert server.get("/jaeger/api/operations?service=cart").json()["data"] == [{"name": "read cart", "spanKind": ""}]
    listed = server.get("/api/v2/traces?serviceName=web&endTs=1796000000000&lookback=1000000000&limit=2").json()
    assert [len(t) for t in listed] == [2, 2]
    assert server.get("/api/v2/spans?serviceName=web").json() == ["GET /cart"]
