"""Pages of metrics that others push: imports, Pushgateway's API; and pages that clew gives: federation, its own."""
import base64
import shutil
import subprocess
import time
import urllib.parse

import foreign
import pytest

from metric_page import Pages, query, wait_for
from test_scrape import config, job, pages, scraping  # noqa: F401


def test_import_of_a_page(server):
    now = int(time.time() * 1000)
    reply = server.post(f"/api/v1/import/prometheus?extra_label=job=batch&extra_label=dc=eu&timestamp={now - 5000}",
                        f'a{{job="x"}} 1\nb 2 {now - 3000}\n')
    assert reply.status == 204, reply.text
    assert query(server, "a") == [({"__name__": "a", "job": "batch", "dc": "eu"}, 1)]
    assert query(server, "timestamp(a)")[0][1] == pytest.approx((now - 5000) / 1000)
    assert query(server, "timestamp(b)")[0][1] == pytest.approx((now - 3000) / 1000)
    mixed = server.post("/api/v1/import/prometheus", "c 1\nno line\n")
    assert mixed.status == 200 and mixed.text.startswith("1 lines could not be read, the others were taken; line 2:")
    assert query(server, "c")
    assert server.post("/api/v1/import/prometheus", "<html>\n").status == 400
    assert server.post("/api/v1/import/prometheus?extra_label=x", "a 1\n").status == 400


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") or "="


def test_pushgateway(server):
    def push(method, path, body="", status=200):
        reply = server.request(method, "/metrics/job" + path, body)
        assert reply.status == status, reply.text

    push("PUT", "/backup/instance/db1", "# TYPE bytes gauge\nbytes{job=\"wrong\"} 1\nrows 5\n")
    push("POST", "/backup/instance/db1", "bytes 2")  # no newline at its end, as echo -n has it
    push("PUT", "@base64/" + encoded("a/b") + "/path@base64/" + encoded("/var/log"), "slashed 3\n")
    push("POST", "/plain", "alone 1\n")
    assert wait_for(lambda: query(server, "bytes"), 40) == [({"__name__": "bytes", "job": "backup", "instance": "db1"}, 2)]
    assert query(server, "rows")[0][1] == 5
    assert query(server, "slashed")[0][0] == {"__name__": "slashed", "job": "a/b", "path": "/var/log"}
    assert query(server, "alone")[0][0] == {"__name__": "alone", "job": "plain"}
    assert abs(query(server, 'push_time_seconds{job="backup"}')[0][1] - time.time()) < 60
    for bad in ("a 1 1700000000000\n", "a{x=1} 1\n", "# TYPE a nothing\na 1\n"):
        push("PUT", "/backup/instance/db1", bad, 400)
    push("PUT", "/backup/instance", "a 1\n", 400)
    server.kill()
    server.start()
    push("DELETE", "/plain", status=202)
    # Groups are there after a kill; what was deleted ends.
    wait_for(lambda: query(server, 'push_failure_time_seconds{job="backup"} > 0'), 40)
    assert query(server, "bytes")[0][1] == 2
    push("PUT", "/backup/instance/db1", "rows 6\n")
    wait_for(lambda: query(server, "rows == 6") and not query(server, "bytes"), 40)


def test_python_clients_push(server):
    python = foreign.python_with("prometheus", "prometheus_client", "prometheus-client")
    script = ("import sys; from prometheus_client import *; r = CollectorRegistry(); g = Gauge('done', 'When', registry=r); g.set(7)\n"
              "push_to_gateway(sys.argv[1], job='nightly', registry=r, grouping_key={'shard': 'a/b'})\n"
              "c = CollectorRegistry(); Counter('more', 'More', registry=c).inc(); pushadd_to_gateway(sys.argv[1], job='nightly', registry=c, grouping_key={'shard': 'a/b'})\n")
    subprocess.run([python, "-c", script, server.listening["http"]], check=True, timeout=60)
    assert wait_for(lambda: query(server, "done"), 40) == [({"__name__": "done", "job": "nightly", "shard": "a/b"}, 7)]
    assert query(server, "more_total")[0][1] == 1


def test_python_clients_pages(scraping, pages):
    python = foreign.python_with("prometheus", "prometheus_client", "prometheus-client")
    script = ("from prometheus_client import *; from prometheus_client.openmetrics import exposition as om; import sys\n"
              "r = CollectorRegistry(); h = Histogram('http_request_duration_seconds', 'Latency', ['endpoint'], registry=r, buckets=(0.1, 0.5, 1))\n"
              "for i in range(100): h.labels('/orders').observe(i / 100)\n"
              "Counter('orders', 'Orders', registry=r).inc(3, {'trace_id': 'abc'}); Info('build', 'B', registry=r).info({'version': '1'})\n"
              "sys.stdout.buffer.write(om.generate_latest(r) if sys.argv[1] == 'om' else generate_latest(r))\n")
    for kind, content in (("om", "application/openmetrics-text; version=1.0.0; charset=utf-8"), ("text", "text/plain; version=0.0.4; charset=utf-8")):
        page = subprocess.run([python, "-c", script, kind], check=True, capture_output=True, timeout=60).stdout
        pages.pages["/" + kind] = (200, {"Content-Type": content}, page)
    server = scraping(config(job(pages, "om", path="/om"), job(pages, "text", path="/text")))
    wait_for(lambda: len(query(server, "orders_total")) == 2)
    # Both formats give the same series; the answer is what the bounds of the buckets allow.
    count = {labels["job"]: value for labels, value in query(server, 'count by (job) ({job=~"om|text",__name__!~"up|scrape_.*"})')}
    assert count["om"] == count["text"]
    for labels, value in query(server, "histogram_quantile(0.5, sum by (le, job) (http_request_duration_seconds_bucket))"):
        assert value == pytest.approx(0.5, abs=0.02), labels
    assert query(server, 'build_info{version="1"}')[0][1] == 1


def test_federation(scraping, pages):
    pages.pages["/metrics"] = "# TYPE a counter\na{x=\"1\"} 5\nb 2\n"
    server = scraping(config(job(pages)))
    wait_for(lambda: query(server, "b"))
    match = urllib.parse.urlencode([("match[]", "a"), ("match[]", '{__name__=~"a|b"}')])
    page = server.get("/federate?" + match).text
    lines = [line.rsplit(" ", 1)[0] for line in page.splitlines()]
    assert lines == ["# TYPE a", f'a{{instance="{pages.address}",job="page",team="shop",x="1"}} 5', "# TYPE b",
                     f'b{{instance="{pages.address}",job="page",team="shop"}} 2']
    assert server.get("/federate?match[]=(").status == 400
    if shutil.which("promtool"):
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        assert "error while linting" not in checked.stderr, checked.stderr


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus here")
def test_prometheus_federates(scraping, pages, tmp_path):
    """Debian's Prometheus scrapes /federate, and its own series go into clew: the same numbers on both sides."""
    pages.pages["/metrics"] = "# TYPE a counter\na{x=\"1\"} 5\n"
    server = scraping(config(job(pages)))
    wait_for(lambda: query(server, "a"))
    (tmp_path / "other.yml").write_text(
        "scrape_configs: [{job_name: clew, scrape_interval: 1s, scrape_timeout: 1s, honor_labels: true, metrics_path: /federate,\n"
        "  params: {'match[]': ['a']}, static_configs: [{targets: ['" + server.listening["http"] + "']}]}]\n")
    other = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/other.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
                              "--web.listen-address=127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    try:
        address = next(line.split("address=")[1].split()[0].strip('"') for line in other.stderr
                       if "address=127.0.0.1" in line and ":0" not in line.split("address=")[1][:12])

        class Other:
            @staticmethod
            def get(path):
                return server.request("GET", path, base=f"http://{address}")

        wait_for(lambda: Other.get("/-/ready").status == 200)
        found = wait_for(lambda: query(Other, "a"), 30)
        assert found == [({"__name__": "a", "x": "1", "job": "page", "instance": pages.address, "team": "shop"}, 5)]
    finally:
        other.kill()
        other.wait()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")
def test_promtool(server):
    checked = subprocess.run(["promtool", "check", "metrics"], input=server.get("/metrics").text, capture_output=True,
                             text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert server.post("/api/v1/import/prometheus", "a 1\n").status == 204
    asked = subprocess.run(["promtool", "query", "instant", server.url, "a"], capture_output=True, text=True, check=True)
    assert asked.stdout.startswith("a => 1 @")
    series = subprocess.run(["promtool", "query", "series", "--match=a", server.url], capture_output=True, text=True, check=True)
    assert '__name__="a"' in series.stdout


def test_node_clients_pages(scraping, pages, node):
    for kind in ("text", "openmetrics"):
        content, page = node("prometheus_page.mjs", kind).split("\n", 1)
        pages.pages["/" + kind] = (200, {"Content-Type": content}, (page + "\n").encode())
    server = scraping(config(job(pages, "text", path="/text"), job(pages, "om", path="/openmetrics")))
    wait_for(lambda: len(query(server, "node_requests_total")) == 2)
    assert [value for _, value in query(server, "node_requests_total")] == [7, 7]
    assert {labels["le"] for labels, _ in query(server, "node_seconds_bucket")} == {"0.1", "1.0", "5.0", "+Inf"}
    assert [value for _, value in query(server, 'node_summary{quantile="0.5"}')] == [3, 3]
    assert [value for _, value in query(server, "node_gauge")] == [-1.5, -1.5]
    assert [value for _, value in query(server, "sum by (job) (scrape_samples_scraped)")] == [11, 11]
