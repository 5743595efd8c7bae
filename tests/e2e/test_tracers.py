"""Tracers as they are: OpenTelemetry's SDKs, Zipkin's client, and the protocols of Jaeger and Datadog."""
import os
import socket
import subprocess
import time

import grpc
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
WIRE = os.path.join(os.path.dirname(HERE), "wire")


def outline(server, of):
    reply = server.post("/clew/v1/traces", {"of": of})
    assert reply.status == 200, reply.text
    return [(s["depth"], s["service"], s["name"], s.get("outcome", "")) for s in reply.json()["steps"]], reply.json()


def check_failed_order(server, trace_id, service, exception):
    steps, trace = outline(server, trace_id)
    assert steps == [(0, service, "place order", "failed"), (1, service, "charge card", "failed")]
    assert trace["steps"][0]["goal"] and trace["reason"] == "gateway: no answer"
    assert trace["steps"][1]["cause"]
    jaeger = server.get("/jaeger/api/traces/" + trace_id).json()["data"][0]
    [charge] = [s for s in jaeger["spans"] if s["operationName"] == "charge card"]
    fields = {f["key"]: f["value"] for f in charge["logs"][0]["fields"]}
    assert fields["event"] == "exception" and fields["exception.message"] == exception


def test_opentelemetry_for_node(server, node):
    check_failed_order(server, node("otel_traces.mjs", server.url), "node-shop", "no answer")


def test_zipkins_client_for_node(server, node):
    trace_id = node("zipkin_traces.mjs", server.url)
    steps, trace = outline(server, trace_id)
    assert [step[:2] for step in steps] == [(0, "frontend"), (1, "backend")]
    assert trace["spans"] == 2
    spans = server.get("/zipkin/api/v2/trace/" + trace_id).json()
    assert sorted(s["kind"] for s in spans) == ["CLIENT", "SERVER"]
    calls = server.get("/clew/v1/dependencies").json()["dependencies"]
    assert [(d["parent"], d["child"], d["calls"]) for d in calls] == [("frontend", "backend", 1)]


PYTHON_ORDER = """
import sys
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode
provider = TracerProvider(resource=Resource.create({"service.name": "py-shop"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1] + "/v1/traces")))
tracer = provider.get_tracer("shop")
with tracer.start_as_current_span("place order", attributes={"goal": True, "outcome": "failed"}) as order:
    with tracer.start_as_current_span("charge card", attributes={"goal": True}) as charge:
        charge.record_exception(TimeoutError("no answer"))
        charge.set_status(Status(StatusCode.ERROR, "gateway: no answer"))
print(f"{order.get_span_context().trace_id:032x}")
provider.shutdown()
"""


def test_opentelemetry_for_python(server, otel_python):
    done = subprocess.run([otel_python, "-c", PYTHON_ORDER, server.url], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    check_failed_order(server, done.stdout.strip(), "py-shop", "no answer")


def wire(name):
    with open(os.path.join(WIRE, name), "rb") as file:
        return file.read()


def test_datadog_traces(server):
    for method, path, body in [("PUT", "/v0.4/traces", "datadog_maps/two_spans.in"), ("POST", "/v0.5/traces", "datadog_table/two_spans.in")]:
        reply = server.request(method, path, wire(body), headers={"Content-Type": "application/msgpack"})
        assert reply.status == 200 and reply.json() == {"rate_by_service": {}}
    assert server.request("PUT", "/v0.3/traces", wire("datadog_maps/two_spans.in")).text == "OK\n"
    assert server.request("PUT", "/v0.4/traces", b"\xc1").status == 400
    server.import_ndjson([{"@timestamp": "2026-11-20T10:37:05.01Z", "dd.trace_id": str(0x1122334455667788), "dd.span_id": "5",
                           "dd.service": "checkout-db", "message": "query sent"}])
    steps, trace = outline(server, "query sent")
    assert [step[1:3] for step in steps] == [("checkout", "GET /pay"), ("checkout-db", "SELECT 1")]
    assert trace["spans"] == 2 and trace["spans_received"] == 6 and trace["reason"] == "card refused"
    assert [line["message"] for line in trace["steps"][1]["lines"]] == ["query sent"]
    assert "/v0.4/traces" in server.get("/info").json()["endpoints"]
    server.assert_counts_add_up()


def test_jaeger_over_udp(make_server):
    server = make_server("--jaeger-udp", "127.0.0.1:0")
    host, port = server.listening["jaeger_udp"].rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for name in ("compact", "binary", "another_call"):
            client.sendto(wire(f"jaeger_packet/{name}.in"), (host, int(port)))
    deadline = time.monotonic() + 20

    def counted(what):
        return server.metric(f"clew_events_{what}_total", source="jaeger_udp")

    while counted("stored") + counted("rejected") < 7 and time.monotonic() < deadline:
        pass  # nothing answers a datagram
    assert (counted("received"), counted("stored"), counted("rejected")) == (7, 4, 3)
    assert server.count("traces") == 4
    assert server.stop() == 0


def test_jaeger_thrift_and_grpc(server):
    reply = server.post("/api/traces?format=jaeger.thrift", wire("jaeger_thrift/three_spans.in"),
                        headers={"Content-Type": "application/vnd.apache.thrift.binary"})
    assert reply.status == 202, reply.text
    with grpc.insecure_channel(server.listening["otlp_grpc"]) as channel:
        post = channel.unary_unary("/jaeger.api_v2.CollectorService/PostSpans")
        assert post(wire("jaeger_protobuf/three_spans.in"), timeout=30) == b""
        with pytest.raises(grpc.RpcError) as refused:
            post(b"\x0a\xff", timeout=30)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert server.count("traces") == 4  # one of each request has no span id
    assert server.metric("clew_events_rejected_total", source="jaeger") == 1
    data = server.get("/jaeger/api/traces/fffffffffffffffb1122334455667788").json()["data"][0]
    [dispatch] = [s for s in data["spans"] if s["operationName"] == "HTTP GET /dispatch"]
    assert {t["key"]: t["value"] for t in dispatch["tags"]}["http.status_code"] == 200
    assert dispatch["duration"] == 700000 and dispatch["logs"][0]["fields"][0]["value"] == "HTTP request received"
