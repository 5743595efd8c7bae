"""Samples sent on: to Debian's Prometheus, to VictoriaMetrics, to a second clew; over a restart and while nobody is there."""
import time

import prometheus_server
from prometheus_server import get_json, wait_for
from test_remote_write import series, write


def config(tmp_path, *urls):
    path = tmp_path / "clew.yaml"
    path.write_text("rules:\n  external_labels: {region: eu}\nremote_write:\n" + "".join(
        f"- url: {url}\n  name: to-{i}\n  queue_config: {{max_backoff: 200ms}}\n" for i, url in enumerate(urls)))
    return str(path)


def push(server, begin, values):
    points = [(begin + i * 1000, float(v)) for i, v in values]
    assert write(server, series({"__name__": "sent", "job": "a"}, points)).status == 204


def stored(url, at):
    found = get_json(url + "/api/v1/query", query="sent[100s]", time=at)["data"]["result"]
    return [(one["metric"].get("region"), [float(value) for _, value in one["values"]]) for one in found]


def test_everything_arrives_everywhere_also_over_a_restart(make_server, tmp_path):
    prometheus = prometheus_server.Prometheus(tmp_path / "prometheus", "global: {}\n")
    victoria = prometheus_server.Victoria(tmp_path / "victoria")
    second = make_server(data=tmp_path / "second")
    late_port = prometheus_server.free_port()
    try:
        first = make_server("--config", config(tmp_path, f"{prometheus.url}/api/v1/write", f"{victoria.url}/api/v1/write",
                                               f"{second.url}/api/v1/write", f"http://127.0.0.1:{late_port}/api/v1/write"))
        begin = int(time.time() * 1000) - 60_000
        push(first, begin, [(i, i) for i in range(10)])
        first.kill()
        first.start()
        push(first, begin, [(i, i) for i in range(10, 20)])
        wanted = [("eu", [float(i) for i in range(20)])]
        at = begin / 1000 + 50
        for url in (prometheus.url, second.url):
            wait_for(lambda url=url: stored(url, at) == wanted, what=f"all samples in {url}")
        # What a kill left unanswered goes out again; VictoriaMetrics keeps both, of the same time and value.
        wait_for(lambda: sorted({float(line.split()[-2]) for line in victoria_lines(victoria)}) == wanted[0][1],
                 what="all samples in VictoriaMetrics")
        # Who was not there gets everything as soon as it is.
        late = make_server(data=tmp_path / "late")
        late.stop()
        late.listen = f"127.0.0.1:{late_port}"
        late.start()
        wait_for(lambda: stored(late.url, at) == wanted, what="all samples in the late one")
        wait_for(lambda: first.metric("clew_remote_write_samples_waiting") == 0, what="empty queues")
        assert first.metric("clew_remote_write_samples_dropped_total") == 0
    finally:
        prometheus.stop()
        victoria.stop()


def victoria_lines(victoria):
    import json
    import urllib.request
    with urllib.request.urlopen(victoria.url + "/api/v1/export?match[]=sent", timeout=30) as reply:
        rows = [json.loads(line) for line in reply.read().decode().splitlines()]
    return [f"sent {value} {at}" for row in rows for value, at in zip(row["values"], row["timestamps"])]
