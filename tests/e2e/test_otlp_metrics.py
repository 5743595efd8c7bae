"""OpenTelemetry's metrics: the SDK's exporters over both transports, and documents by hand, to answers in PromQL."""
import gzip
import json
import subprocess
import time
import urllib.parse

import pytest

SDK = """
import sys
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
transport, endpoint, temporality = sys.argv[1:4]
if transport == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    more = {"insecure": True}
else:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http import Compression
    more = {"compression": Compression.Gzip}
wanted = AggregationTemporality.DELTA if temporality == "delta" else AggregationTemporality.CUMULATIVE
exporter = OTLPMetricExporter(endpoint=endpoint, preferred_temporality={Counter: wanted, Histogram: wanted}, **more)
reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
views = [View(instrument_name="payload", aggregation=ExponentialBucketHistogramAggregation())]
resource = Resource({"service.name": "shop", "service.namespace": "eu", "service.instance.id": "i-1", "region": "north"})
provider = MeterProvider([reader], resource=resource, views=views)
meter = provider.get_meter("test.meter", "1.2")
meter.create_observable_gauge("cpu.utilization", callbacks=[lambda _: [Observation(0.25, {"cpu": 0})]], unit="1")
requests = meter.create_counter("http.requests", unit="{request}", description="Requests.")
latency = meter.create_histogram("http.server.duration", unit="s", explicit_bucket_boundaries_advisory=[0.1, 1])
payload = meter.create_histogram("payload", unit="By")
for round in range(3):
    for n in range(10):
        requests.add(2, {"http.method": "GET"})
        latency.record(0.05 if n else 2.0)
        payload.record(2 ** n)
    assert provider.force_flush(), "not exported"
provider.shutdown()
"""


def ask(server, query, at=None):
    reply = server.get("/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": at or time.time() + 1}))
    assert reply.status == 200, reply.text
    return [(row["metric"], float(row["value"][1])) for row in reply.json()["data"]["result"]]


def value(server, query, at=None):
    rows = ask(server, query, at)
    assert len(rows) == 1, rows
    return rows[0][1]


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_the_sdk(server, otel_python, transport, temporality):
    endpoint = f"http://{server.listening['otlp_grpc']}" if transport == "grpc" else f"http://{server.listening['otlp_http']}/v1/metrics"
    done = subprocess.run([otel_python, "-c", SDK, transport, endpoint, temporality], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "Failed" not in done.stderr, done.stderr[-3000:]
    labels, total = ask(server, "http_requests_total")[0]
    assert total == 60
    assert labels == {"__name__": "http_requests_total", "job": "eu/shop", "instance": "i-1", "http_method": "GET",
                      "otel_scope_name": "test.meter", "otel_scope_version": "1.2"}
    assert value(server, "cpu_utilization_ratio") == 0.25
    assert value(server, "http_server_duration_seconds_count") == 30
    assert value(server, "round(http_server_duration_seconds_sum, 0.001)") == 27 * 0.05 + 3 * 2
    assert value(server, 'http_server_duration_seconds_bucket{le="0.1"}') == 27
    assert value(server, 'http_server_duration_seconds_bucket{le="+Inf"}') == 30
    assert value(server, "http_server_duration_seconds_max") == 2
    assert value(server, "histogram_count(payload_bytes)") == 30
    assert value(server, "histogram_sum(payload_bytes)") == 3 * 1023
    assert 14 <= value(server, "histogram_quantile(0.5, payload_bytes)") <= 33
    info, one = ask(server, "target_info")[0]
    assert one == 1 and info["region"] == "north"
    assert value(server, "sum by (region) (http_requests_total * on (job, instance) group_left (region) target_info)") == 60
    told = server.get("/api/v1/metadata?metric=http_requests_total").json()["data"]["http_requests_total"][0]
    assert (told["type"], told["help"]) == ("counter", "Requests.")


def document(points, kind="sum", **more):
    data = {"dataPoints": points, **({"aggregationTemporality": 2, "isMonotonic": True} if kind == "sum" else {}), **more}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "hand"}}, {"key": "region", "value": {"stringValue": "x"}}]}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "m"}, "metrics": [{"name": "hits.made", kind: data}]}]}]}


def send(server, body, path="/v1/metrics", status=200):
    reply = server.post(path, gzip.compress(json.dumps(body).encode()), headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert reply.status == status, reply.text
    return reply.json()


def nanos(seconds):
    return str(int(seconds * 1e9))


def test_prometheus_path_exemplars_and_ends(server):
    now = int(time.time()) - 60
    exemplar = {"timeUnixNano": nanos(now), "asDouble": 1, "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708"}
    point = {"timeUnixNano": nanos(now), "startTimeUnixNano": nanos(now - 100), "asInt": "7", "exemplars": [exemplar]}
    assert send(server, document([point]), path="/api/v1/otlp/v1/metrics") == {}
    assert value(server, "hits_made_total", now + 1) == 7
    params = urllib.parse.urlencode({"query": "hits_made_total", "start": now - 100, "end": now + 100})
    found = server.get("/api/v1/query_exemplars?" + params).json()["data"][0]["exemplars"][0]
    assert found["labels"] == {"trace_id": "0102030405060708090a0b0c0d0e0f10", "span_id": "0102030405060708"}
    send(server, document([{"timeUnixNano": nanos(now + 10), "flags": 1}]))
    assert ask(server, "hits_made_total", now + 11) == [], "no recorded value: the series has ended"


def test_what_is_refused_is_told(server):
    now = int(time.time())
    points = [{"timeUnixNano": nanos(now), "asInt": "7"}, {"timeUnixNano": "soon", "asInt": "7"}, {"timeUnixNano": nanos(now), "asInt": "8"}]
    partial = send(server, document(points))["partialSuccess"]
    assert partial["rejectedDataPoints"] == "2"
    assert "data point 2" in partial["errorMessage"] and "dataPoints[1].timeUnixNano: expected" in partial["errorMessage"]
    assert "1 samples were refused, the others stored; the first: hits_made_total{" in partial["errorMessage"]
    assert "code" in send(server, {"resourceMetrics": 7}, status=400)
    reply = server.post("/v1/metrics", b"\xff\xff", headers={"Content-Type": "application/x-protobuf"})
    assert reply.status == 400 and b"byte" in reply.body
    assert server.post("/v1/metrics", b"x", headers={"Content-Type": "text/plain"}).status == 415
    metrics = server.get("/metrics").text
    assert 'clew_metric_bodies_refused_total{source="otlp_metrics"} 2' in metrics
    assert "clew_otlp_data_points_rejected_total 2" in metrics


def test_differences_lose_nothing_when_the_server_dies(make_server):
    server = make_server()
    now = int(time.time()) - 100

    def difference(at, count):
        point = {"startTimeUnixNano": nanos(at - 10), "timeUnixNano": nanos(at), "asInt": str(count)}
        return send(server, document([point], aggregationTemporality=1))

    for step in range(3):
        difference(now + step * 10, 5)
    assert difference(now + 20, 5) == {}, "sent again: known"
    assert value(server, "hits_made_total", now + 21) == 15
    server.kill()
    server.start()
    for step in range(3, 5):
        difference(now + step * 10, 7)
    assert value(server, "hits_made_total", now + 41) == 14, "begins anew"
    rows = server.get("/api/v1/query?" + urllib.parse.urlencode({"query": "hits_made_total[2m]", "time": now + 41})).json()
    values = [float(v) for _, v in rows["data"]["result"][0]["values"]]
    assert values == [0, 5, 10, 15, 0, 7, 14], "every difference is a rise"
    assert value(server, "resets(hits_made_total[2m])", now + 41) == 1


def test_names_as_configured(make_server, tmp_path):
    path = tmp_path / "clew.yaml"
    path.write_text("otlp: {metrics: {names: unchanged, scope_labels: no, promote: [region]}}\n")
    server = make_server("--config", str(path))
    now = int(time.time())
    send(server, document([{"timeUnixNano": nanos(now), "asInt": "7", "attributes": [{"key": "http.method", "value": {"stringValue": "GET"}}]}]))
    assert ask(server, '{"hits.made"}') == [({"__name__": "hits.made", "job": "hand", "region": "x", "http.method": "GET"}, 7)]
