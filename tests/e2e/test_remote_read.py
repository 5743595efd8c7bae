"""Remote read: Debian's Prometheus answers from what lies in clew; and the form of samples, byte by byte."""
import time
import urllib.request

import pytest
import snappy

import prometheus_server
from test_remote_write import field, series, varint, write


def push_points(server, begin, count):
    points = [(begin + i * 15_000, float(i * i)) for i in range(count)]
    reply = write(server, series({"__name__": "squares", "job": "a"}, points),
                  series({"__name__": "squares", "job": "b"}, [(at, -value / 3) for at, value in points]))
    assert reply.status == 204, reply.text


def test_prometheus_reads_from_clew(server, tmp_path):
    begin = int(time.time() * 1000) - 3_000_000 - 7
    push_points(server, begin, 200)
    prometheus = prometheus_server.Prometheus(
        tmp_path / "prometheus", f"remote_read: [{{url: '{server.url}/api/v1/read', read_recent: true}}]\n")
    try:
        query = {"query": "squares", "start": begin / 1000, "end": begin / 1000 + 3000, "step": 60}
        theirs = prometheus.get("/api/v1/query_range", **query)["result"]
        ours = prometheus_server.get_json(server.url + "/api/v1/query_range", **query)["data"]["result"]
        assert len(theirs) == 2 and theirs == ours
        one = prometheus.get("/api/v1/query", query='sum_over_time(squares{job=~"a|x"}[40m])', time=begin / 1000 + 2400.5)["result"]
        same = prometheus_server.get_json(server.url + "/api/v1/query", query='sum_over_time(squares{job=~"a|x"}[40m])',
                                          time=begin / 1000 + 2400.5)["data"]["result"]
        assert one == same and float(one[0]["value"][1]) > 0
        assert server.metric("clew_remote_reads_total") >= 2
    finally:
        prometheus.stop()


def read(server, types):
    matcher = field(3, field(2, b"__name__") + field(3, b"squares"))
    query = varint(1 << 3) + varint(0) + varint(2 << 3) + varint(4_000_000_000_000) + matcher
    body = field(1, query) + b"".join(varint(2 << 3) + varint(one) for one in types)
    request = urllib.request.Request(server.url + "/api/v1/read", data=snappy.compress(body),
                                     headers={"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.headers, reply.read()


def test_samples_and_chunks(server):
    begin = int(time.time() * 1000) - 60_000
    push_points(server, begin, 3)
    headers, body = read(server, [0])
    assert headers["Content-Type"] == "application/x-protobuf" and headers["Content-Encoding"] == "snappy"
    plain = snappy.decompress(body)
    expected = b"".join(series({"__name__": "squares", "job": job}, [(begin + i * 15_000, sign * i * i) for i in range(3)])
                        for job, sign in (("a", 1), ("b", -1 / 3)))
    assert plain == field(1, expected)
    headers, body = read(server, [1, 0])
    assert headers["Content-Type"] == "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    assert body.count(b"squares") == 2
    assert server.post("/api/v1/read", b"\xff", headers={}).status == 400
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(server.url + "/api/v1/read", data=snappy.compress(b"\xff")), timeout=30)
    assert refused.value.code == 400
