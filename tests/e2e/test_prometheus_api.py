"""Prometheus' HTTP API over samples that came by remote write."""
import json
import time
import urllib.parse

import pytest

from test_remote_write import series, write

NOW = int(time.time()) // 60 * 60


@pytest.fixture
def api(server):
    """A counter of two jobs, a sample every 15 seconds of the last hour."""
    for job, step in (("api", 30), ("web", 15)):
        for code in ("200", "500"):
            samples = [((NOW - 3600 + i * 15) * 1000, float(i * step)) for i in range(241)]
            reply = write(server, series({"__name__": "requests_total", "job": job, "code": code}, samples))
            assert reply.status == 204, reply.text

    def get(path, status=200, **params):
        reply = server.get("/api/v1/" + path + "?" + urllib.parse.urlencode(params))
        assert reply.status == status, reply.text
        return json.loads(reply.text)

    get.server = server
    return get


def test_instant_queries(api):
    answer = api("query", query='round(sum by (job) (rate(requests_total[5m])), 0.001)', time=str(NOW))
    assert answer == {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"job": "api"}, "value": [NOW, "4"]}, {"metric": {"job": "web"}, "value": [NOW, "2"]}]}}
    assert api("query", query="1+1", time=str(NOW))["data"] == {"resultType": "scalar", "result": [NOW, "2"]}
    assert api("query", query='"x"', time=str(NOW))["data"] == {"resultType": "string", "result": [NOW, "x"]}
    assert api("query", query="1/0", time="2026-11-30T00:00:00.5Z")["data"]["result"] == [1795996800.5, "+Inf"]
    posted = api.server.post("/api/v1/query", urllib.parse.urlencode({"query": "count(requests_total)", "time": NOW}),
                             headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert json.loads(posted.text)["data"]["result"][0]["value"] == [NOW, "4"]


def test_range_queries(api):
    answer = api("query_range", query='requests_total{job="api",code="200"}', start=str(NOW - 60), end=str(NOW), step="30s")
    assert answer["data"]["resultType"] == "matrix"
    assert answer["data"]["result"] == [{
        "metric": {"__name__": "requests_total", "job": "api", "code": "200"},
        "values": [[NOW - 60, "7080"], [NOW - 30, "7140"], [NOW, "7200"]]}]
    steps = api("query_range", query="round(sum(rate(requests_total[5m])), 0.001)", start=str(NOW - 3000), end=str(NOW), step="15")
    assert {value for _, value in steps["data"]["result"][0]["values"]} == {"6"}


def test_mistakes_are_told_as_prometheus_does(api):
    answer = api("query", query="sum(", status=400)
    assert answer["status"] == "error" and answer["errorType"] == "bad_data" and "parse error" in answer["error"]
    assert api("query_range", query="up", start="x", end="2", step="1", status=400)["errorType"] == "bad_data"
    assert "11,000 points" in api("query_range", query="up", start="0", end="1000000", step="1", status=400)["error"]
    assert api("query_range", query="up", start="2", end="1", step="1", status=400)["errorType"] == "bad_data"
    warned = api("query", query="rate(requests_total[5m]) + on(job) group_left() sum by (job) (requests_total)", time=str(NOW))
    assert warned["status"] == "success"


def test_series_and_labels(api):
    assert api("labels")["data"] == ["__name__", "code", "job"]
    assert api("label/job/values")["data"] == ["api", "web"]
    assert api("label/job/values", **{"match[]": 'requests_total{job=~"a.*"}'})["data"] == ["api"]
    assert api("label/job/values", end=str(NOW - 7200))["data"] == []
    found = api("series", **{"match[]": 'requests_total{code="500"}', "start": str(NOW - 60), "end": str(NOW)})["data"]
    assert found == [{"__name__": "requests_total", "code": "500", "job": job} for job in ("api", "web")]
    assert api("series", status=400)["error"] == "no match[] parameter provided"
    limited = api("series", **{"match[]": "requests_total", "limit": "1"})
    assert len(limited["data"]) == 1 and limited["warnings"] == ["results truncated due to limit"]


def test_status_for_tools(api):
    tsdb = api("status/tsdb")["data"]
    assert tsdb["headStats"]["numSeries"] == 4
    assert tsdb["seriesCountByMetricName"] == [{"name": "requests_total", "value": 4}]
    assert api("status/buildinfo")["data"]["version"]
    assert api("format_query", query="sum   by(job)(up)")["data"] == "sum by (job) (up)"
    assert api("metadata")["data"] == {}
    assert api("query_exemplars", query="requests_total", start=str(NOW - 60), end=str(NOW))["data"] == []
