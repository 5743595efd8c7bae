"""Deletes, snapshots, limits and counts of samples, as an operator asks for them."""
import json
import os
import subprocess
import time
import urllib.parse

import clew_server

from test_remote_write import series, write

NOW = int(time.time()) // 60 * 60
CLEW = os.environ.get("CLEW_BIN", os.path.join(os.path.dirname(__file__), "../../build/release/bin/clew"))


def values(server, query):
    reply = server.get("/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": NOW}))
    assert reply.status == 200, reply.text
    return {tuple(sorted(one["metric"].items())): one["value"][1] for one in json.loads(reply.text)["data"]["result"]}


def jobs(server):
    return sorted(dict(labels)["job"] for labels in values(server, "light"))


def put(server, *names):
    for job in names:
        assert write(server, series({"__name__": "light", "job": job}, [((NOW - 15) * 1000, 1.0)])).status == 204


def admin(server, what, **params):
    return server.post("/api/v1/admin/tsdb/" + what + "?" + urllib.parse.urlencode(params), b"")


def test_what_is_deleted_does_not_come_back(make_server):
    server = make_server()
    put(server, "a", "b", "c")
    reply = admin(server, "delete_series", **{"match[]": 'light{job="b"}'})
    assert reply.status == 204, reply.text
    assert jobs(server) == ["a", "c"]
    server.kill()
    server.start()
    assert jobs(server) == ["a", "c"]
    assert admin(server, "clean_tombstones").status == 204
    tsdb = json.loads(server.get("/api/v1/status/tsdb").text)["data"]
    assert tsdb["store"]["tombstones"] == 0
    assert jobs(server) == ["a", "c"]
    missing = admin(server, "delete_series")
    assert missing.status == 400 and "no match[] parameter provided" in missing.text
    assert admin(server, "delete_series", **{"match[]": "light{"}).status == 400


def test_a_snapshot_holds_metrics_and_is_verified(make_server, tmp_path):
    server = make_server()
    put(server, "a")
    server.post("/clew/v1/flush", b"")
    put(server, "b")
    name = json.loads(admin(server, "snapshot").text)["data"]["name"]
    put(server, "c")
    copy = os.path.join(server.data, "snapshots", name)
    verified = subprocess.run([CLEW, "verify", copy], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    shown = subprocess.run([CLEW, "inspect", copy], capture_output=True, text=True, check=True).stdout
    assert "  part 1: day " in shown and "/metrics/journal/" in shown, shown
    restored = str(tmp_path / "restored")
    subprocess.run([CLEW, "restore", copy, "--data", restored], check=True, capture_output=True)
    again = clew_server.Server(restored).start()
    try:
        assert jobs(again) == ["a", "b"]
    finally:
        again.kill()
    part = next(os.path.join(copy, "metrics", f) for f in os.listdir(os.path.join(copy, "metrics")) if f.endswith(".mpart"))
    with open(part, "r+b") as file:
        file.seek(20)
        byte = file.read(1)
        file.seek(20)
        file.write(bytes([byte[0] ^ 1]))
    verified = subprocess.run([CLEW, "verify", copy], capture_output=True, text=True, check=False)
    assert verified.returncode == 1 and "is damaged" in verified.stdout, verified.stdout


def test_counts_of_some_series(server):
    put(server, "a", "b")
    write(server, series({"__name__": "dark", "job": "a", "host": "h"}, [((NOW - 15) * 1000, 1.0)]))
    reply = server.get("/api/v1/status/tsdb?" + urllib.parse.urlencode({"match[]": '{job="a"}'}))
    data = json.loads(reply.text)["data"]
    assert data["headStats"]["numSeries"] == 2
    assert data["seriesCountByMetricName"] == [{"name": "dark", "value": 1}, {"name": "light", "value": 1}]
    assert {"name": "job=a", "value": 2} in data["seriesCountByLabelValuePair"]
    assert {"name": "__name__", "value": 2} in data["labelValueCountByLabelName"]
    assert json.loads(server.get("/api/v1/status/tsdb").text)["data"]["headStats"]["numSeries"] >= 3
