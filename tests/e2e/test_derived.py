"""Metrics from events: spans, goals, access logs and rules, as PromQL answers them."""
import json
import subprocess
import time
import urllib.parse

import pytest

from test_tracers import PYTHON_ORDER

CONFIG = """
metrics:
  interval: 1s
  service_graph_wait: 1s
  dimensions: [http.route]
  from_logs:
    orders_total:
      where: message like 'order %'
      labels: {shop: service.name}
    order_amount:
      type: histogram
      value: amount
      buckets: [10, 100]
      where: message like 'order %'
"""


@pytest.fixture
def derived(make_server, tmp_path):
    """A server that writes derived metrics each second; `ask` gives values by labels."""
    config = tmp_path / "clew.yaml"
    config.write_text(CONFIG)
    server = make_server("--config", str(config))

    def ask(promql):
        reply = server.get("/api/v1/query?" + urllib.parse.urlencode({"query": promql}))
        assert reply.status == 200, reply.text
        return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in reply.json()["data"]["result"]}

    def wait(promql, wanted, seconds=30):
        """Until the one value of the answer is `wanted`."""
        deadline = time.monotonic() + seconds
        while True:
            found = list(ask(promql).values())
            if found == [wanted] or time.monotonic() > deadline:
                assert found == [wanted], f"{promql}: {found}"
                return
            time.sleep(0.1)

    server.ask = ask
    server.wait = wait
    return server


def span(trace, span_id, parent, service, kind, name, millis, status=0, **attributes):
    now = time.time_ns()
    texts = [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in attributes.items()]
    resource = [{"key": "service.name", "value": {"stringValue": service}}, {"key": "host.name", "value": {"stringValue": "h1"}}]
    return {"resource": {"attributes": resource}, "scopeSpans": [{"spans": [{
        "traceId": f"{trace:032x}", "spanId": f"{span_id:016x}", "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name, "kind": kind, "startTimeUnixNano": str(now - millis * 1_000_000), "endTimeUnixNano": str(now),
        "status": {"code": status}, "attributes": texts}]}]}


def send(server, spans):
    reply = server.post("/v1/traces", {"resourceSpans": spans})
    assert reply.status == 200, reply.text


def order(trace):
    """What a request through two services and a database writes; every fifth fails."""
    return [span(trace, 1, 0, "web", 2, "GET /", 100, http__route="/"),
            span(trace, 2, 1, "web", 3, "call cart", 80),
            span(trace, 3, 2, "cart", 2, "POST /cart", 50, 2 if trace % 5 == 0 else 0),
            span(trace, 4, 3, "cart", 3, "SELECT", 10, db__system__name="postgresql", db__namespace="orders")]


def test_spans_become_metrics(derived):
    send(derived, [one for trace in range(1, 21) for one in order(trace)])
    derived.wait('traces_spanmetrics_calls_total{service="cart",span_kind="SPAN_KIND_SERVER",status_code="STATUS_CODE_ERROR"}', 4)
    derived.wait('sum(traces_spanmetrics_calls_total)', 80)
    derived.wait('traces_spanmetrics_calls_total{http_route="/",span_name="GET /"}', 20)
    derived.wait('traces_spanmetrics_latency_bucket{service="web",span_name="GET /",le="0.128"}', 20)
    derived.wait('traces_spanmetrics_latency_bucket{service="web",span_name="GET /",le="0.064"}', 0)
    derived.wait('traces_service_graph_request_total{client="web",server="cart"}', 20)
    derived.wait('traces_service_graph_request_failed_total{client="web",server="cart"}', 4)
    derived.wait('traces_service_graph_request_total{client="cart",server="orders",connection_type="database"}', 20)
    derived.wait('traces_service_graph_request_total{client="user",server="web",connection_type="virtual_node"}', 20)
    derived.wait('clew_requests_failed_total{host="h1",service="cart",source="spans"}', 4)
    found = derived.ask('histogram_quantile(0.9, sum by (le) (rate(traces_spanmetrics_latency_bucket{span_name="GET /"}[1m])))')
    assert [round(value, 3) for value in found.values()] == [0.122]
    query = urllib.parse.urlencode({"query": "traces_spanmetrics_latency_bucket", "start": time.time() - 300, "end": time.time() + 1})
    exemplars = derived.get("/api/v1/query_exemplars?" + query).json()["data"]
    [root] = [one for one in exemplars if one["seriesLabels"]["span_name"] == "GET /"]
    trace_id = root["exemplars"][0]["labels"]["trace_id"]
    assert derived.get("/clew/v1/traces/" + trace_id).json()["spans"] == 4, "an exemplar leads to its trace"


def test_kill_counts_every_span_once(derived):
    sent = 0
    for _ in range(4):
        spans = [one for trace in range(sent + 1, sent + 51) for one in order(trace)]
        sent += 50
        send(derived, spans)
        derived.kill()
        derived.start()
    send(derived, spans)  # a client that did not see the answer sends again
    derived.wait("sum(traces_spanmetrics_calls_total)", sent * 4)
    assert derived.stop() == 0
    derived.start()
    derived.wait("sum(traces_spanmetrics_calls_total)", sent * 4)
    derived.wait("sum(traces_service_graph_request_total{client='web'})", sent)


def test_rules_and_access_logs(derived):
    derived.import_ndjson([{"message": "order 1 paid", "service.name": "shop", "amount": 5},
                           {"message": "order 2 paid", "service.name": "shop", "amount": 50},
                           {"message": "order 3 paid", "service.name": "mall", "amount": "free"},
                           {"message": "hello"}])
    derived.import_text('192.0.2.7 - - [30/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5\n'
                        '192.0.2.7 - - [30/Nov/2026:10:00:01 +0000] "GET /b HTTP/1.1" 502 5\n', dataset="web", format="access")
    derived.wait('orders_total{shop="shop"}', 2)
    derived.wait('orders_total{shop="mall"}', 1)
    derived.wait('order_amount_bucket{le="10"}', 1)
    derived.wait('order_amount_sum', 55)
    derived.wait('clew_requests_total{service="web",source="logs"}', 2)
    derived.wait('clew_requests_failed_total{service="web",source="logs"}', 1)
    assert derived.metric("clew_derived_rule_left_out_total", rule="order_amount") == 1


def test_goals_become_metrics(derived, otel_python):
    done = subprocess.run([otel_python, "-c", PYTHON_ORDER, derived.url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    derived.wait('clew_goals_total{goal="place order",outcome="failed",service="py-shop"}', 1)
    derived.wait('traces_spanmetrics_calls_total{service="py-shop",span_name="charge card"}', 1)


def test_a_wrong_rule_is_told_by_line(make_server, tmp_path):
    config = tmp_path / "clew.yaml"
    config.write_text("metrics:\n  from_logs:\n    bad_total:\n      where: level =\n    took:\n      type: histogramm\n")
    from clew_server import BINARY
    done = subprocess.run([BINARY, "check", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "4: metrics.from_logs.bad_total: where" in said, said
    assert "metrics.from_logs.took: type is counter, gauge or histogram, not histogramm" in said
