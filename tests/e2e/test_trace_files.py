"""Files of traces as Jaeger, Zipkin and OpenTelemetry's Collector save them; those of ../shared/suites give back what they hold."""
import base64
import collections
import glob
import ipaddress
import json
import os

import pytest

import clew_server
from protobuf_wire import field_bytes, field_fixed64, field_varint

SUITES = os.path.join(os.path.dirname(clew_server.SHARED_DATA), "suites")
JAEGER = os.path.join(SUITES, "jaeger-ui-fixtures/packages/jaeger-ui/src")
ZIPKIN = os.path.join(SUITES, "zipkin-traces/zipkin-lens/testdata")
OTLP = os.path.join(SUITES, "otlp-proto/examples")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def imported(server, *args, **more):
    return json.loads(server.cli("import", *args, **more).stdout)


def id_text(text):
    """As clew keeps an id of Jaeger's JSON."""
    if len(text) > 32 or any(c not in "0123456789abcdefABCDEF" for c in text):
        return text
    return text.lower().rjust(16 if len(text) <= 16 else 32, "0")


# --- Jaeger

def jaeger_files():
    inside = glob.glob(os.path.join(JAEGER, "components/TracePage/**/*.json"), recursive=True)
    return sorted(inside + glob.glob(os.path.join(JAEGER, "utils/fixtures/*out.json")))


def traces_of(document):
    data = document.get("data", document)
    return data if isinstance(data, list) else [data]


def tag(one):
    """A tag by what it means: "true" of type bool is true."""
    kind, value = one.get("type", "string"), one["value"]
    if kind == "bool":
        return one["key"], str(value).lower() == "true"
    return one["key"], int(value) if kind == "int64" else value


def plain(span, process):
    """What the file and clew's answer in Jaeger's form must agree on."""
    tags = dict(tag(one) for one in span["tags"] or [])
    tags.pop("internal.span.format", None)
    if tags.get("error") is True:
        tags.setdefault("otel.status_code", "ERROR")  # clew says it both ways
    parent = [r for r in span.get("references") or [] if r["refType"] == "CHILD_OF"] or span.get("references") or []
    return {"operation": span["operationName"], "start": span["startTime"], "duration": span["duration"],
            "service": process.get("serviceName", ""), "parent": id_text(parent[0]["spanID"]) if parent else None, "tags": tags,
            "logs": [(log["timestamp"], dict(tag(field) for field in log["fields"])) for log in span["logs"] or []]}


@pytest.mark.parametrize("path", jaeger_files(), ids=os.path.basename)
def test_traces_that_jaegers_ui_saved_come_back(server, path):
    named = ["--format", "jaeger-json"] if "TraceFlamegraph" in path else []  # its first key is one that any file may have
    traces = traces_of(read(path))
    sent = [span for trace in traces for span in trace["spans"]]
    answer = imported(server, path, *named)
    assert (answer["format"], answer["dataset"], answer["rejected"]) == ("jaeger-json", "traces", 0)
    assert answer["stored"] == len(sent) == server.count("traces")
    for trace in traces:
        [got] = server.get("/jaeger/api/traces/" + trace["traceID"] + "?raw=true").json()["data"]
        want = {}
        for s in trace["spans"]:  # of two spans with one id the first is kept
            want.setdefault(id_text(s["spanID"]), plain(s, s.get("process") or trace["processes"].get(s["processID"], {})))
        have = {s["spanID"]: plain(s, got["processes"][s["processID"]]) for s in got["spans"]}
        for span_id, span in have.items():
            own = want[span_id]
            # Tags of the process stand there: clew tells them from a span's by their names.
            own["tags"].update({key: value for key, value in span["tags"].items() if key not in own["tags"] and key == "hostname"})
            assert span == own, span_id
        assert have.keys() == want.keys()
        assert imported(server, path, *named)["duplicate"] == len(sent)


JAEGER_FILE = {"data": [{"traceID": "77", "spans": [
    {"traceID": "77", "spanID": "1", "operationName": "place order", "startTime": 1795171025000000, "duration": 30000,
     "references": [], "tags": [], "logs": [], "processID": "p1"},
    {"traceID": "77", "spanID": "2", "operationName": "charge card", "startTime": 1795171025010000, "duration": 15000,
     "references": [{"refType": "CHILD_OF", "traceID": "77", "spanID": "1"}],
     "tags": [{"key": "error", "type": "bool", "value": True},
              {"key": "otel.status_description", "type": "string", "value": "gateway: no answer"}], "logs": [], "processID": "p2"}],
    "processes": {"p1": {"serviceName": "shop"}, "p2": {"serviceName": "payment"}}}]}


def outline(server, of):
    reply = server.post("/clew/v1/traces", {"of": of})
    assert reply.status == 200, reply.text
    return [(s["depth"], s["service"], s["name"], s.get("outcome", "")) for s in reply.json()["steps"]]


def test_a_jaeger_file_is_known_by_its_look(server, tmp_path):
    want = [(0, "shop", "place order", ""), (1, "payment", "charge card", "failed")]
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(JAEGER_FILE, indent=2))
    assert imported(server, str(path))["stored"] == 2
    assert [step[:3] for step in outline(server, "77")] == [step[:3] for step in want]
    assert "gateway: no answer" in server.cli("tree", "77", "--format", "tree").stdout
    # What clew gives to Jaeger's UI it takes again.
    given = server.get("/jaeger/api/traces/77").text
    answer = server.import_text(given)
    assert (answer["format"], answer["datasets"], answer["stored"]) == ("jaeger-json", ["traces"], 2)
    broken = server.cli("import", "-", "--format", "jaeger-json", stdin='{"data":[', check=False)
    assert broken.returncode != 0 and "malformed JSON at byte 9" in broken.stderr


# --- Zipkin

def zipkin_endpoint(endpoint):
    out = field_bytes(1, endpoint["serviceName"]) if endpoint.get("serviceName") else b""
    for number, name in [(2, "ipv4"), (3, "ipv6")]:
        if name in endpoint:
            out += field_bytes(number, ipaddress.ip_address(endpoint[name]).packed)
    return out + (field_varint(4, endpoint["port"]) if "port" in endpoint else b"")


def zipkin_protobuf(spans):
    """zipkin.proto3.ListOfSpans"""
    kinds = ["", "CLIENT", "SERVER", "PRODUCER", "CONSUMER"]
    out = b""
    for span in spans:
        message = b""
        for number, name in [(1, "traceId"), (2, "parentId"), (3, "id")]:
            if span.get(name):
                digits = span[name].rjust(16 if len(span[name]) <= 16 else 32, "0")
                message += field_bytes(number, bytes.fromhex(digits))
        if "kind" in span:
            message += field_varint(4, kinds.index(span["kind"]))
        message += field_bytes(5, span.get("name", "")) + field_fixed64(6, span.get("timestamp", 0))
        message += field_varint(7, span.get("duration", 0))
        for number, name in [(8, "localEndpoint"), (9, "remoteEndpoint")]:
            if span.get(name):
                message += field_bytes(number, zipkin_endpoint(span[name]))
        for note in span.get("annotations", []):
            message += field_bytes(10, field_fixed64(1, note["timestamp"]) + field_bytes(2, note["value"]))
        for key, value in span.get("tags", {}).items():
            message += field_bytes(11, field_bytes(1, key) + field_bytes(2, value))
        message += field_varint(13, 1) if span.get("shared") else b""
        out += field_bytes(1, message)
    return out


def sorted_spans(server, trace_id):
    spans = server.get("/zipkin/api/v2/trace/" + trace_id).json()
    return sorted(spans, key=lambda span: (span["id"], span.get("kind", ""), span.get("timestamp", 0)))


@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(ZIPKIN, "*.json"))), ids=os.path.basename)
def test_zipkins_json_protobuf_and_files_are_one(make_server, path):
    spans = read(path)
    by_json, by_protobuf, by_file = make_server(), make_server(), make_server()
    assert by_json.post("/api/v2/spans", spans).status == 202
    reply = by_protobuf.post("/api/v2/spans", zipkin_protobuf(spans), headers={"Content-Type": "application/x-protobuf"})
    assert reply.status == 202, reply.text
    answer = imported(by_file, path)
    assert (answer["format"], answer["dataset"], answer["stored"]) == ("zipkin-json", "traces", len(spans))
    want = sorted_spans(by_json, spans[0]["traceId"])
    assert len(want) == len(spans)
    assert sorted_spans(by_protobuf, spans[0]["traceId"]) == want
    assert sorted_spans(by_file, spans[0]["traceId"]) == want
    assert outline(by_protobuf, spans[0]["traceId"]) == outline(by_json, spans[0]["traceId"])


# --- OTLP

def test_examples_of_otlp(server):
    if not os.path.isdir(OTLP):
        pytest.skip("../shared/suites is not there")
    assert server.post("/v1/traces", read(os.path.join(OTLP, "trace.json"))).status == 200
    for name in ("logs.json", "events.json"):
        assert server.post("/v1/logs", read(os.path.join(OTLP, name))).status == 200
    [span] = server.rows("source=traces | fields trace_id, span_id, parent_span_id, name, kind, my.span.attr, service.name")
    assert span == {"trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "eee19b7ec3c1b174", "kind": "server",
                    "parent_span_id": "eee19b7ec3c1b173", "name": "I'm a server span", "my.span.attr": "some value",
                    "service.name": "my.service"}
    wanted = [r for name in ("logs.json", "events.json") for top in read(os.path.join(OTLP, name))["resourceLogs"]
              for scope in top["scopeLogs"] for r in scope["logRecords"]]
    assert server.count("logs") == len(wanted)
    # The line of the examples' trace hangs below its span.
    trace = server.get("/clew/v1/traces/5B8EFFF798038103D269B633813FC60C").json()
    of_span = [r for r in wanted if r.get("spanId", "").upper() == "EEE19B7EC3C1B174"]
    lines = collections.Counter(line["message"] for step in trace["steps"] for line in step.get("lines", []))
    assert sum(lines.values()) == len(of_span) > 0


def test_files_of_the_collector(server, tmp_path):
    """A document a line, as its file exporter writes them."""
    def spans(number):
        return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]},
                                   "scopeSpans": [{"spans": [{
                                       "traceId": f"{1:032x}", "spanId": f"{number:016x}", "name": f"step {number}",
                                       "startTimeUnixNano": str(1795171025 * 10**9 + number), "endTimeUnixNano": str(1795171026 * 10**9)}
                                   ]}]}]}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "timeUnixNano": str(1795171025 * 10**9 + 5), "traceId": base64.b64encode((1).to_bytes(16, "big")).decode(),
        "spanId": f"{2:016x}", "body": {"stringValue": "a line"}}]}]}]}
    path = tmp_path / "out.json"
    path.write_text("".join(json.dumps(document) + "\n" for document in [*map(spans, range(1, 101)), logs]))
    answer = imported(server, str(path))
    assert (answer["format"], answer["dataset"], answer["stored"]) == ("otlp-json", "logs, traces", 101)
    steps = server.get(f"/clew/v1/traces/{1:032x}").json()["steps"]
    assert len(steps) == 100
    assert [line["message"] for step in steps for line in step.get("lines", [])] == ["a line"]
