"""The train-ticket shop of ../shared/data/nezha: spans and logs of 27 services, as OTLP, checked against plain Python."""
import collections
import csv
import datetime
import glob
import gzip
import json
import os
import re

import pytest

BATCH = 2000


def open_csv(path):
    return gzip.open(path, "rt", newline="") if path.endswith(".gz") else open(path, newline="", encoding="utf-8")


def rows_of(folder, kind):
    for path in sorted(glob.glob(os.path.join(folder, kind, "*.csv*"))):
        with open_csv(path) as file:
            yield from csv.DictReader(file)


def service_of(pod):
    """ts-travel-service-64469b5b48-25zj6 -> ts-travel-service"""
    return re.sub(r"-[0-9a-f]+-[0-9a-z]{5}$", "", pod)


def resource(pod):
    names = {"service.name": service_of(pod), "k8s.pod.name": pod}
    return {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in names.items()]}


def span_json(row):
    parent = "" if row["ParentID"] == "root" else row["ParentID"]
    return {"traceId": row["TraceID"], "spanId": row["SpanID"], "parentSpanId": parent, "name": row["OperationName"],
            "startTimeUnixNano": row["StartTimeUnixNano"], "endTimeUnixNano": row["EndTimeUnixNano"]}


def log_json(row):
    return {"traceId": row["TraceID"], "spanId": row["SpanID"], "timeUnixNano": row["TimeUnixNano"],
            "body": {"stringValue": json.loads(row["Log"])["log"].rstrip("\n")}}


def send(server, path, rows, top, scope, items, convert):
    for begin in range(0, len(rows), BATCH):
        by_pod = collections.defaultdict(list)
        for row in rows[begin:begin + BATCH]:
            by_pod[row["PodName"]].append(convert(row))
        body = {top: [{"resource": resource(pod), scope: [{items: list_of}]} for pod, list_of in by_pod.items()]}
        reply = server.post(path, body)
        assert reply.status == 200 and "rejected" not in reply.text, reply.text


@pytest.fixture(scope="module")
def nezha(tmp_path_factory):
    import clew_server
    folder = os.path.join(clew_server.SHARED_DATA, "nezha")
    if not os.path.isdir(folder):
        pytest.skip("../shared/data is not there")
    directory = tmp_path_factory.mktemp("nezha")
    # The lines are compared whole, and some have users' tokens.
    (directory / "clew.yaml").write_text("redact: {default: off}\n")
    server = clew_server.Server(directory / "data", ["--config", str(directory / "clew.yaml")]).start()
    spans = list(rows_of(folder, "trace"))
    logs = list(rows_of(folder, "log"))
    send(server, "/v1/traces", spans, "resourceSpans", "scopeSpans", "spans", span_json)
    send(server, "/v1/logs", logs, "resourceLogs", "scopeLogs", "logRecords", log_json)
    with open(os.path.join(folder, "2023-01-29-fault_list.json"), encoding="utf-8") as file:
        faults = [fault for hour in json.load(file).values() for fault in hour]
    yield server, spans, logs, faults
    server.kill()


def test_every_span_counts_once(nezha):
    server, spans, _, _ = nezha
    distinct = {(row["TraceID"], row["SpanID"]) for row in spans}
    assert server.count("traces") == len(spans) > len(distinct)
    traces = server.get("/clew/v1/traces?limit=1000").json()
    assert not traces["more"]
    assert {t["trace_id"] for t in traces["traces"]} == {trace for trace, _ in distinct}
    per_trace = collections.Counter(trace for trace, _ in distinct)
    assert {t["trace_id"]: t["spans"] for t in traces["traces"]} == dict(per_trace)
    services = server.get("/clew/v1/services").json()["services"]
    assert [s["name"] for s in services] == sorted({service_of(row["PodName"]) for row in spans})


def test_every_log_line_hangs_under_its_span(nezha):
    server, _, logs, _ = nezha
    wanted = collections.defaultdict(collections.Counter)
    for row in logs:
        wanted[row["TraceID"]][(row["SpanID"], json.loads(row["Log"])["log"].rstrip("\n"))] += 1
    for trace_id, lines in wanted.items():
        trace = server.get("/clew/v1/traces/" + trace_id).json()
        got = collections.Counter((step["span_id"], line["message"]) for step in trace["steps"] for line in step.get("lines", []))
        assert got == lines, trace_id
        assert "lines" not in trace
        assert not any("missing" in step.get("problems", []) for step in trace["steps"] if step.get("lines"))


def test_calls_equal_a_plain_join(nezha):
    server, spans, _, _ = nezha
    by_id = {(row["TraceID"], row["SpanID"]): row for row in spans}
    wanted = collections.Counter()
    for row in by_id.values():
        parent = by_id.get((row["TraceID"], row["ParentID"]))
        if parent and service_of(parent["PodName"]) != service_of(row["PodName"]):
            wanted[(service_of(parent["PodName"]), service_of(row["PodName"]))] += 1
    calls = server.get("/clew/v1/dependencies").json()["dependencies"]
    assert {(d["parent"], d["child"]): d["calls"] for d in calls} == dict(wanted)


def test_the_slowest_requests_of_a_faulty_service(nezha):
    server, spans, _, faults = nezha
    first = min(int(row["StartTimeUnixNano"]) for row in spans)
    last = max(int(row["StartTimeUnixNano"]) for row in spans)
    checked = 0
    for fault in faults:
        begin = datetime.datetime.fromisoformat(fault["inject_time"]).replace(tzinfo=datetime.timezone.utc)
        end = begin + datetime.timedelta(minutes=3)
        begin_ns, end_ns = int(begin.timestamp()) * 10**9, int(end.timestamp()) * 10**9
        if end_ns < first or begin_ns > last:
            continue
        service = service_of(fault["inject_pod"])
        longest = collections.defaultdict(int)
        for row in spans:
            if service_of(row["PodName"]) == service and begin_ns <= int(row["StartTimeUnixNano"]) < end_ns:
                nanos = int(row["EndTimeUnixNano"]) - int(row["StartTimeUnixNano"])
                longest[row["TraceID"]] = max(longest[row["TraceID"]], nanos)
        query = f"?service={service}&order=slowest&limit=10&from={begin.isoformat()[:19]}Z&to={end.isoformat()[:19]}Z"
        reply = server.get("/clew/v1/traces" + query)
        assert reply.status == 200, reply.text
        wanted = sorted(longest.values(), reverse=True)[:10]
        assert [round(t["longest_match_ms"] * 1e6) for t in reply.json()["traces"]] == wanted
        assert wanted, "the fault's service has spans in its window"
        steps = server.get("/clew/v1/traces/" + reply.json()["traces"][0]["trace_id"]).json()["steps"]
        assert service in {step["service"] for step in steps if step.get("critical_ms")}
        checked += 1
    assert checked >= 1, "the files hold the minutes after a fault"


def test_an_order_is_compared_with_orders(nezha):
    """All requests begin with the gateway's `/*`: what makes them alike is what the gateway asked for."""
    server, spans, _, _ = nezha
    operation = ("ts-preserve-service", "/api/v1/preserveservice/preserve")
    roots = {row["TraceID"]: row for row in spans if row["ParentID"] == "root"}
    orders = sorted({row["TraceID"] for row in spans if (service_of(row["PodName"]), row["OperationName"]) == operation})
    of = orders[0]
    millis = sorted((int(roots[t]["EndTimeUnixNano"]) - int(roots[t]["StartTimeUnixNano"])) / 1e6 for t in orders if t != of)
    typical = server.get("/clew/v1/traces/typical?of=" + of).json()
    assert (typical["service"], typical["operation"], typical["requests"]) == (*operation, len(orders) - 1)
    assert abs(typical["duration_median_ms"] - millis[len(millis) // 2]) < 0.001
    names = {row["OperationName"] for row in spans if row["TraceID"] == of}
    assert {row["path"][-1].split(": ", 1)[1] for row in typical["paths"] if row["here"]["steps"]} <= names


def test_the_fault_is_seen_beside_an_order_that_went_well(nezha):
    """contacts gives back nothing from 08:52:06 on: such an order ends in the error page before anything is bought."""
    server, spans, _, faults = nezha
    [fault] = [f for f in faults if f["inject_time"] == "2023-01-29 08:52:06"]
    assert service_of(fault["inject_pod"]) == "ts-contacts-service" and fault["inject_type"] == "return"
    names = collections.defaultdict(set)
    for row in spans:
        names[row["TraceID"]].add(row["OperationName"])
    orders = [t for t in sorted(names) if "/api/v1/preserveservice/preserve" in names[t] and len(names[t]) > 30]
    faulty = [t for t in orders if "BasicErrorController.error" in names[t]]
    well = [t for t in orders if t not in faulty]
    begun = {row["TraceID"]: int(row["StartTimeUnixNano"]) for row in spans if row["ParentID"] == "root"}
    injected = datetime.datetime.fromisoformat(fault["inject_time"]).replace(tzinfo=datetime.timezone.utc).timestamp()
    assert faulty and well and min(begun[t] for t in faulty) > injected * 1e9 > begun[well[0]]
    for bad in faulty[:3]:
        rows = server.get(f"/clew/v1/traces/compare?a={well[0]}&b={bad}").json()["paths"]
        only_b = {row["path"][-1] for row in rows if row["a"]["steps"] == 0}
        only_a = {row["path"][-1] for row in rows if row["b"]["steps"] == 0}
        assert "ts-preserve-service: BasicErrorController.error" in only_b
        assert any(label.startswith("ts-order-service: ") and "create" in label.lower() for label in only_a), only_a
