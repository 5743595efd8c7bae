"""The same rules over the same samples in Debian's Prometheus and in clew: the same series at the same times, the same alerts."""
import time
import urllib.request

import pytest
import snappy

import prometheus_server
from prometheus_server import get_json, wait_for
from test_remote_write import CONTENT, series

RULES = """groups:
- name: web
  rules:
  - record: job:requests:rate
    expr: sum by (job) (rate(http_requests_total[10s] offset 4s))
  - record: job:requests:double
    expr: job:requests:rate * 2
    labels: {team: web}
  - alert: Busy
    expr: queue_length offset 4s > 10
    for: 4s
    labels: {severity: '{{ if gt $value 15.0 }}page{{ else }}ticket{{ end }}'}
    annotations: {summary: '{{ $labels.job }} has {{ $value | humanize }} waiting'}
- name: other
  interval: 3s
  rules:
  - {record: 'all:max', expr: max(queue_length offset 4s)}
"""
CONFIG = "global: {evaluation_interval: 2s, external_labels: {region: eu}}\nrule_files: ['RULES']\n"


@pytest.fixture
def both(make_server, tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    prometheus = prometheus_server.Prometheus(tmp_path / "prometheus", CONFIG.replace("RULES", str(rules)))
    config = tmp_path / "clew.yaml"
    config.write_text(f"rules:\n  files: ['{rules}']\n  interval: 2s\n  external_labels: {{region: eu}}\n")
    yield prometheus, make_server("--config", str(config))
    prometheus.stop()


def post(url, body):
    request = urllib.request.Request(url + "/api/v1/write", data=body, headers=CONTENT)
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert reply.status in (200, 204)


def raw(url, selector, seconds, at):
    """Samples by series, {labels: {stamp: value}}."""
    found = get_json(url + "/api/v1/query", query=f"{selector}[{seconds}s]", time=at)["data"]["result"]
    return {tuple(sorted(one["metric"].items())): {stamp: value for stamp, value in one["values"]} for one in found}


def test_the_same_series_and_alerts_at_the_same_times(both):
    prometheus, clew = both
    # Prometheus 2 has closed ranges: samples keep away from the times of evaluation.
    group = wait_for(lambda: [g for g in prometheus.get("/api/v1/rules")["groups"]
                              if not g["lastEvaluation"].startswith("0001")])[0]
    place = int(float("0." + group["lastEvaluation"].split(".")[1].rstrip("Z")[:3]) * 1000)
    begun = time.time()
    sent = 0
    while sent < 24:
        stamp = int(begun) * 1000 + sent * 1000 + (place + 437) % 1000
        wait_for(lambda at=stamp: time.time() * 1000 >= at, what="the next second")
        waiting = 20.0 if 6 <= sent < 14 else 3.0
        body = snappy.compress(b"".join([
            series({"__name__": "http_requests_total", "job": "shop", "pod": "a"}, [(stamp, sent * 10.0)]),
            series({"__name__": "http_requests_total", "job": "shop", "pod": "b"}, [(stamp, sent * 7.0)]),
            series({"__name__": "queue_length", "job": "shop"}, [(stamp, waiting)])]))
        post(prometheus.url, body)
        post(clew.url, body)
        if sent == 13:
            alerts = compare_alerts(prometheus, clew)
            assert alerts == [("firing", "Busy", "page", "shop has 20 waiting", "2e+01")]
        sent += 1
    at = time.time()
    seconds = int(at - begun) - 2
    compared = 0
    for name in ("job:requests:rate", "job:requests:double", "all:max", "ALERTS", "ALERTS_FOR_STATE"):
        theirs, ours = raw(prometheus.url, name, seconds, at), raw(clew.url, name, seconds, at)
        assert theirs and set(theirs) == set(ours), (name, theirs, ours)
        for labels, samples in theirs.items():
            assert set(ours[labels]) == set(samples), (name, labels)
            for stamp, value in samples.items():
                assert float(ours[labels][stamp]) == pytest.approx(float(value), rel=1e-9), (name, labels, stamp)
                compared += 1
    assert compared > 25
    states = {dict(labels)["alertstate"] for labels in raw(clew.url, "ALERTS", seconds, at)}
    assert states == {"pending", "firing"}
    print(f"{compared} samples of rules at the same times with the same values")


def compare_alerts(prometheus, clew):
    def shape(data):
        return sorted((a["state"], a["labels"]["alertname"], a["labels"]["severity"], a["annotations"]["summary"], a["value"])
                      for a in data["alerts"])

    def same():
        theirs, ours = shape(prometheus.get("/api/v1/alerts")), shape(clew.get("/api/v1/alerts").json()["data"])
        return ours if theirs == ours and ours and ours[0][0] == "firing" else None
    return wait_for(same, seconds=5, what="the same alerts")


def keys_of(value, into, path=""):
    """Every key of a document, with where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            into.add(f"{path}.{key}")
            keys_of(inner, into, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            keys_of(inner, into, path + "[]")
    return into


def test_the_rules_api_has_the_same_form(both):
    prometheus, clew = both

    def evaluated(get):
        return wait_for(lambda: [g for g in get()["groups"] if not g["lastEvaluation"].startswith("0001")] and get())
    theirs = evaluated(lambda: prometheus.get("/api/v1/rules"))
    ours = evaluated(lambda: clew.get("/api/v1/rules").json()["data"])
    missing = keys_of(theirs, set()) - keys_of(ours, set())
    assert not missing, missing

    def names(**params):
        groups = get_json(clew.url + "/api/v1/rules", **params)["data"]["groups"]
        return [rule["name"] for one in groups for rule in one["rules"]]
    assert names() == ["all:max", "job:requests:rate", "job:requests:double", "Busy"]
    assert names(type="alert") == ["Busy"]
    assert names(type="record", **{"rule_group[]": "web"}) == ["job:requests:rate", "job:requests:double"]
    assert names(**{"rule_name[]": ["Busy", "all:max"]}) == ["all:max", "Busy"]
    assert names(**{"match[]": '{team="web"}'}) == ["job:requests:double"]
    assert names(**{"file[]": "nowhere"}) == []
    page = get_json(clew.url + "/api/v1/rules", group_limit=1)["data"]
    assert [one["name"] for one in page["groups"]] == ["other"]
    rest = get_json(clew.url + "/api/v1/rules", group_limit=5, group_next_token=page["groupNextToken"])["data"]
    assert [one["name"] for one in rest["groups"]] == ["web"] and "groupNextToken" not in rest
    assert clew.get("/api/v1/rules?type=none").status == 400
    for path in ("config", "flags", "runtimeinfo", "walreplay"):
        assert clew.get(f"/api/v1/status/{path}").json()["status"] == "success"
    assert "rule_files:" in clew.get("/api/v1/status/config").json()["data"]["yaml"]
    tree = get_json(clew.url + "/api/v1/parse_query", query='sum by (a) (rate(x{b!="c"}[5m] offset 1m)) > 2')["data"]
    assert tree["type"] == "binaryExpr" and tree["op"] == ">" and tree["rhs"] == {"type": "numberLiteral", "val": "2"}
    assert tree["lhs"]["type"] == "aggregation" and tree["lhs"]["grouping"] == ["a"]
    selector = tree["lhs"]["expr"]["args"][0]
    assert selector["range"] == 300_000 and selector["offset"] == 60_000
    assert {"name": "b", "type": "!=", "value": "c"} in selector["matchers"]
