"""OTLP, Loki, Zipkin and Python's HTTPHandler against the real binary; OpenTelemetry's own SDK where it is installed."""
import json
import logging
import logging.handlers
import os
import struct

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
T = 1_795_170_000_000_000_000  # 2026-11-20T10:20:00Z
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}


def case(protocol, name):
    with open(os.path.join(ROOT, "tests/wire", protocol, name + ".in"), "rb") as file:
        return file.read()


def log_request(*records):
    return {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "till"}}]},
                              "scopeLogs": [{"logRecords": list(records)}]}]}


def record(text, at=T, **more):
    return {"timeUnixNano": str(at), "body": {"stringValue": text}, **more}


def otlp_url(server):
    return "http://" + server.listening["otlp_http"]


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_otlp_logs_become_fields(server, form):
    headers = PROTOBUF if form == "protobuf" else JSON
    reply = server.post("/v1/logs", case("otlp_logs_" + form, "shop"), headers=headers, base=otlp_url(server))
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"] == headers["Content-Type"]
    assert reply.body == (b"{}" if form == "json" else b"")
    rows = server.rows("source=logs service.name=till | fields message, amount, trace_id, host.name, severityText, level")
    sold = [row for row in rows if row["message"] == "sold 3 pears"]
    assert len(sold) == 1
    assert sold[0]["amount"] == 12.5
    assert sold[0]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert sold[0]["host.name"] == "node-7"
    assert server.rows("source=logs trace_id=0af7651916cd43dd8448eb211c80319c | stats count() as n") == [{"n": 1}]
    assert server.rows('source=logs "drawer jammed" | fields host.name, level') == [{"host.name": "drawer-2", "level": "error"}]
    server.assert_counts_add_up()


def test_otlp_rejects_only_what_is_malformed(server):
    reply = server.post("/v1/logs", case("otlp_logs_json", "bad_record"), headers=JSON)
    assert reply.status == 200
    partial = reply.json()["partialSuccess"]
    assert partial["rejectedLogRecords"] == "4"
    assert "timeUnixNano" in partial["errorMessage"]
    assert server.count() == 2
    assert server.metric("clew_events_rejected_total", reason="syntax") == 4
    server.assert_counts_add_up()


def test_otlp_message_that_is_malformed_stores_nothing(server):
    reply = server.post("/v1/logs", case("otlp_logs_protobuf", "malformed"), headers=PROTOBUF)
    assert reply.status == 400
    assert b"at byte" in reply.body
    reply = server.post("/v1/logs", b'{"resourceLogs":7}', headers=JSON)
    assert reply.status == 400
    assert reply.json()["code"] == 3 and "resourceLogs" in reply.json()["message"]
    assert server.post("/v1/logs", b"x", headers={"Content-Type": "text/plain"}).status == 415
    server.assert_counts_add_up()


def test_otlp_dataset_by_header_and_attribute(server):
    assert server.post("/v1/logs", log_request(record("a")), headers={"Clew-Dataset": "billing"}).status == 200
    assert server.post("/v1/logs", log_request(record("a")), headers={"Clew-Dataset": "clew"}).status in (400, 403)
    assert server.post("/v1/logs", case("otlp_logs_json", "datasets"), headers=JSON).status == 200
    assert server.count("billing") == 3
    assert server.count("nginx.access") == 1


def test_otlp_repeated_batch_is_stored_once(server):
    for _ in range(3):
        reply = server.post("/v1/logs", log_request(record("once")), headers={"Clew-Batch": "sdk-1:7"})
        assert reply.status == 200 and reply.body == b"{}"
    assert server.count() == 1
    assert server.metric("clew_events_duplicate_total") == 2
    server.assert_counts_add_up()


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_spans_are_events_in_traces(server, form):
    headers = PROTOBUF if form == "protobuf" else JSON
    reply = server.post("/v1/traces", case("otlp_traces_" + form, "checkout"), headers=headers)
    assert reply.status == 200, reply.text
    rows = server.rows('source=traces status.code=error | fields name, kind, duration_ns, service.name, span_id, parent_span_id')
    assert rows == [{"name": "POST /pay", "kind": "server", "duration_ns": 250000001, "service.name": "checkout",
                     "span_id": "eee19b7ec3c1b174", "parent_span_id": "eee19b7ec3c1b173"}]
    # A query that names no dataset does not read traces.
    assert server.rows("stats count() as n") in ([{"n": 0}], [])


def test_zipkin_spans(server):
    reply = server.post("/api/v2/spans", case("zipkin_json", "checkout"), headers=JSON)
    assert reply.status == 202 and reply.body == b""
    reply = server.post("/api/v2/spans", case("zipkin_protobuf", "checkout"), headers=PROTOBUF)
    assert reply.status == 202
    assert server.post("/api/v2/spans", b'[{"name":"no ids"}]', headers=JSON).status == 400
    assert server.post("/api/v2/spans", b"[]", headers=JSON).status == 202
    assert server.post("/api/v2/spans", b"{", headers=JSON).status == 400
    rows = server.rows("source=traces kind=client | fields name, duration_ns, peer.service, status.code")
    assert rows == [{"name": "get /pay", "duration_ns": 250000, "peer.service": "pay", "status.code": "error"}] * 2
    server.assert_counts_add_up()


def test_loki_lines(server):
    reply = server.post("/loki/api/v1/push", case("loki_push_json", "two_streams"), headers=JSON)
    assert reply.status == 204 and reply.body == b""
    assert server.rows('source=logs "HTTP" | fields job, message') == [
        {"job": "nginx", "message": '10.0.0.1 - - "GET / HTTP/1.1" 502 0'}]
    assert server.rows("source=logs level=error | fields msg, took, peer.port, label.level") == [
        {"msg": "upstream gone", "took": 1.5, "peer.port": 80, "label.level": "warn"}]
    lines = [value[1] for stream in json.loads(case("loki_push_json", "two_streams"))["streams"] for value in stream["values"]]
    rows = server.post("/clew/v1/search", {"query": "source=logs", "raw": True}).lines()
    assert sorted(row["row"]["_raw"] for row in rows if "row" in row) == sorted(lines)
    server.assert_counts_add_up()


def test_loki_says_what_it_did_not_take(server):
    reply = server.post("/loki/api/v1/push", case("loki_push_json", "bad_entries"), headers=JSON)
    assert reply.status == 400
    assert reply.text.startswith("8 of 12 entries rejected")
    assert server.count() == 4
    assert server.post("/loki/api/v1/push", b'{"streams":', headers=JSON).status == 400
    assert server.post("/loki/api/v1/push", b"no snappy", headers=PROTOBUF).status == 400
    server.assert_counts_add_up()


def snappy_block(data):
    """A snappy block of literals: no compression, which any decoder takes."""
    out, n = bytearray(), len(data)
    while True:
        out.append(n & 127 | (128 if n > 127 else 0))
        n >>= 7
        if n == 0:
            break
    for at in range(0, len(data), 65536):
        part = data[at:at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return bytes(out)


@pytest.mark.parametrize("headers", [PROTOBUF, {**PROTOBUF, "Content-Encoding": "snappy"}])
def test_loki_protobuf_is_snappy_named_or_not(server, headers):
    reply = server.post("/loki/api/v1/push", snappy_block(case("loki_push_protobuf", "two_streams")), headers=headers)
    assert reply.status == 204, reply.text
    assert server.rows('source=logs "plain line" | fields job, quote') == [{"job": "nginx", "quote": 'a"b\\cAé'}]
    server.assert_counts_add_up()


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_pythons_http_handler(server, method):
    host = server.url.removeprefix("http://")
    handler = logging.handlers.HTTPHandler(host, "/api/v1/logrecord", method=method)
    logger = logging.Logger("shop.till")
    logger.addHandler(handler)
    logger.warning("sold %d %s for %.2f", 3, "pears", 12.5, extra={"order_id": "007", "paid": True, "amount": 12.5})
    rows = server.rows("source=logs | fields message, level, levelno, lineno, logger, order_id, paid, amount, code.function, process.pid")
    assert len(rows) == 1
    assert isinstance(rows[0].pop("lineno"), int)
    assert rows == [{"message": "sold 3 pears for 12.50", "level": "WARNING", "levelno": 30, "logger": "shop.till",
                     "order_id": "007", "paid": True, "amount": 12.5, "code.function": "test_pythons_http_handler",
                     "process.pid": os.getpid()}]
    server.assert_counts_add_up()


def sdk_exporters(server, transport):
    if transport == "grpc":
        logs = pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc._log_exporter").OTLPLogExporter
        spans = pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc.trace_exporter").OTLPSpanExporter
        address = "http://" + server.listening["otlp_grpc"]
        return logs(endpoint=address, insecure=True), spans(endpoint=address, insecure=True)
    logs = pytest.importorskip("opentelemetry.exporter.otlp.proto.http._log_exporter").OTLPLogExporter
    spans = pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter
    return logs(endpoint=otlp_url(server) + "/v1/logs"), spans(endpoint=otlp_url(server) + "/v1/traces")


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_opentelemetry_sdk(server, transport):
    log_exporter, span_exporter = sdk_exporters(server, transport)
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    resource = Resource.create({"service.name": "sdk-shop", "host.name": "node-1"})
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(span_exporter))
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(log_exporter))
    logger = logging.Logger("sdk.till")
    logger.addHandler(LoggingHandler(logger_provider=logs))
    tracer = spans.get_tracer("till", "1.0")
    with tracer.start_as_current_span("checkout", attributes={"cart": 3, "tags": ["a", "b"]}) as span:
        trace_id = format(span.get_span_context().trace_id, "032x")
        with tracer.start_as_current_span("charge") as inner:
            inner.add_event("retry", {"attempt": 1})
            logger.error("card refused", extra={"amount": 12.5, "order": "o-1"})
    assert logs.force_flush() and spans.force_flush()
    assert server.rows(f"source=logs trace_id={trace_id} | fields message, service.name, host.name, amount, order, level") == [
        {"message": "card refused", "service.name": "sdk-shop", "host.name": "node-1", "amount": 12.5, "order": "o-1",
         "level": "ERROR"}]
    rows = server.rows(f"source=traces trace_id={trace_id} | sort name | fields name, kind, cart, scope.name")
    assert rows == [{"name": "charge", "kind": "internal", "cart": None, "scope.name": "till"},
                    {"name": "checkout", "kind": "internal", "cart": 3, "scope.name": "till"}]
    spans.shutdown()
    logs.shutdown()
    server.assert_counts_add_up()
