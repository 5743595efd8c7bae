"""OTLP over HTTP and gRPC, Loki, Zipkin and Python's HTTPHandler, each in its own words."""
import gzip
import json
import logging
import logging.handlers
import time

import grpc
import pytest
import snappy

import protobuf_wire as pb

NOW = time.time_ns()
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
LOGS_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
TRACE_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def records(count):
    return [{"time": NOW + n, "severity": 17 if n % 2 else 9, "text": "ERROR" if n % 2 else "INFO", "body": f"event {n}",
             "attributes": {"n": n, "ratio": n / 4, "ok": True}, "trace_id": TRACE, "span_id": SPAN} for n in range(count)]


def check_logs(server, count):
    rows = server.rows("source=logs | stats count() as c, sum(n) as s by service.name")
    assert rows == [{"c": count, "s": sum(range(count)), "service.name": "cart"}]
    assert server.rows(f"source=logs trace_id={TRACE} level=error | stats count() as c") == [{"c": count // 2}]
    server.assert_counts_add_up()


@pytest.mark.parametrize("listener", ["http", "otlp_http"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_otlp_logs_over_http(server, listener, encoding):
    body = pb.logs_request(records(100), {"service.name": "cart"})
    headers = {"Content-Type": "application/x-protobuf"}
    if encoding == "gzip":
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    reply = server.post("/v1/logs", body, headers=headers, base="http://" + server.listening[listener])
    assert reply.status == 200 and reply.headers["Content-Type"] == "application/x-protobuf", reply.text
    check_logs(server, 100)


def test_otlp_logs_as_json(server):
    page = {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
                              "scopeLogs": [{"logRecords": [
                                  {"timeUnixNano": str(r["time"]), "severityNumber": r["severity"],
                                   "severityText": r["text"], "body": {"stringValue": r["body"]}, "traceId": TRACE,
                                   "spanId": SPAN, "attributes": [{"key": "n", "value": {"intValue": str(n)}}]}
                                  for n, r in enumerate(records(50))]}]}]}
    reply = server.post("/v1/logs", page)
    assert reply.status == 200 and reply.json() in ({}, {"partialSuccess": {}}), reply.text
    check_logs(server, 50)


def export(server, method, body, compression=None, metadata=None):
    with grpc.insecure_channel(server.listening["otlp_grpc"]) as channel:
        call = channel.unary_unary(method, request_serializer=lambda b: b, response_deserializer=lambda b: b)
        return call(body, timeout=30, compression=compression, metadata=metadata)


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_otlp_logs_over_grpc(server, compression):
    assert export(server, LOGS_EXPORT, pb.logs_request(records(100), {"service.name": "cart"}), compression) == b""
    check_logs(server, 100)


def test_grpc_batch_keys_and_errors(server):
    body = pb.logs_request(records(10), {"service.name": "cart"})
    for _ in range(3):
        export(server, LOGS_EXPORT, body, metadata=[("clew-batch", "agent:1")])
    check_logs(server, 10)
    assert server.metric("clew_events_duplicate_total", source="otlp_logs") == 20
    with pytest.raises(grpc.RpcError) as unknown:
        export(server, "/no.such.Service/Export", body)
    assert unknown.value.code() == grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as malformed:
        export(server, LOGS_EXPORT, b"\xff\xff\xff")
    assert malformed.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_spans_are_kept_and_found(server):
    spans = [{"trace_id": TRACE, "span_id": f"{n:016x}", "name": "GET /cart", "start": NOW, "end": NOW + 5_000_000}
             for n in range(1, 11)]
    body = pb.traces_request(spans, {"service.name": "cart"})
    assert export(server, TRACE_EXPORT, body) == b""
    assert server.post("/v1/traces", body, headers={"Content-Type": "application/x-protobuf"}).status == 200
    zipkin = [{"traceId": TRACE, "id": "00000000000000aa", "name": "get", "timestamp": NOW // 1000, "duration": 5000,
               "localEndpoint": {"serviceName": "front"}}]
    assert server.post("/api/v2/spans", zipkin).status == 202
    assert server.rows(f"source=traces trace_id={TRACE} | stats count() as c by service.name | sort service.name") == [
        {"c": 20, "service.name": "cart"}, {"c": 1, "service.name": "front"}]
    # Spans are not among what a query without a source reads.
    server.import_ndjson([{"n": 1}])
    assert server.rows("| stats count() as c") == [{"c": 1}]


def test_otlp_refusals(server):
    bad = server.post("/v1/logs", b"\xff\xff\xff", headers={"Content-Type": "application/x-protobuf"})
    assert bad.status == 400 and bad.headers["Content-Type"] == "application/x-protobuf"
    assert server.post("/v1/logs", "{", headers={"Content-Type": "application/json"}).json()["message"]
    assert server.post("/v1/logs", "x", headers={"Content-Type": "text/plain"}).status == 415
    server.assert_counts_add_up()


def test_loki_push(server):
    page = {"streams": [{"stream": {"app": "shop", "level": "error"},
                         "values": [[str(NOW), "payment failed"], [str(NOW + 1), "payment failed again"]]}]}
    assert server.post("/loki/api/v1/push", page).status == 204
    body = snappy.compress(pb.loki_push('{app="shop", level="info"}', [(NOW + 2, "paid")]))
    assert server.post("/loki/api/v1/push", body, headers={"Content-Type": "application/x-protobuf"}).status == 204
    assert server.rows("source=logs app=shop | stats count() as c by level | sort c") == [
        {"c": 1, "level": "info"}, {"c": 2, "level": "error"}]
    assert server.post("/loki/api/v1/push", "{", headers={"Content-Type": "application/json"}).status == 400
    assert server.post("/loki/api/v1/push", b"no snappy", headers={"Content-Type": "application/x-protobuf"}).status == 400
    server.assert_counts_add_up()


def test_python_http_handler(server):
    logger = logging.getLogger("e2e")
    logger.setLevel(logging.INFO)
    handler = logging.handlers.HTTPHandler(server.listening["http"], "/api/v1/logrecord", method="POST")
    logger.addHandler(handler)
    logger.error("order %d failed", 7)
    logger.removeHandler(handler)
    rows = server.rows("source=logs | fields message, level, logger")
    assert [(row["message"], row["level"].lower(), row["logger"]) for row in rows] == [("order 7 failed", "error", "e2e")]


def test_import_of_json_forms(server):
    reply = server.post("/api/v1/import?dataset=a", '{"n":1}\n\nnot json\n{"n":2}')
    answer = reply.json()
    assert (answer["received"], answer["stored"], answer["rejected"]) == (3, 2, 1)
    assert answer["errors"][0]["reason"] == "not_an_object" or answer["errors"][0]["reason"] == "syntax"
    pretty = json.dumps([{"n": 1}, {"n": 2}], indent=2)
    assert server.post("/api/v1/import?dataset=b&format=json", pretty).json()["stored"] == 2
    for bad in ("dataset=_x", "dataset=clew", "zone=Nowhere/Land", "format=xml", "after=x"):
        assert server.post(f"/api/v1/import?{bad}", '{"n":1}').status in (400, 403), bad
    server.assert_counts_add_up()
