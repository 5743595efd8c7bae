"""Scraping as Prometheus does it: by its configuration file, from pages of our own and of real programs."""
import json
import os
import shutil
import signal
import subprocess

import pytest

from clew_server import ROOT, Server
from metric_page import Pages, query, targets, wait_for

SUITES = os.path.join(os.path.dirname(ROOT), "shared", "suites")


@pytest.fixture
def pages():
    made = Pages()
    yield made
    made.close()


@pytest.fixture
def scraping(tmp_path):
    """scraping(prometheus_config) starts a server that scrapes by it; a second call rewrites it and reloads."""
    server = Server(tmp_path / "data", ["--config", str(tmp_path / "clew.yaml")])
    (tmp_path / "clew.yaml").write_text(f"metrics: {{scrape: {{config_files: [{tmp_path}/prometheus.yml]}}}}\n")

    def start(config):
        (tmp_path / "prometheus.yml").write_text(config)
        if server.process is None:
            server.start()
        else:
            os.kill(server.pid, signal.SIGHUP)
        return server

    start.dir = tmp_path
    yield start
    if server.process is not None:
        server.stop()


def job(pages, name="page", more="", path="/metrics"):
    return f"""
  - job_name: {name}
    scrape_interval: 1s
    metrics_path: {path}
    static_configs:
      - targets: ['{pages.address}']
        labels: {{team: shop}}
{more}"""


def config(*jobs):
    return "global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:" + "".join(jobs)


def test_a_page_is_scraped_and_found(scraping, pages):
    pages.pages["/metrics"] = "# TYPE a counter\na{x=\"1\"} 5\nbroken line here\nb 2"
    server = scraping(config(job(pages)))
    assert wait_for(lambda: query(server, "a")) == [
        ({"__name__": "a", "x": "1", "instance": pages.address, "job": "page", "team": "shop"}, 5)]
    assert query(server, "b")[0][1] == 2
    assert query(server, 'up{job="page"}')[0][1] == 1
    assert query(server, 'scrape_samples_scraped{job="page"}')[0][1] == 2
    assert query(server, 'scrape_samples_post_metric_relabeling{job="page"}')[0][1] == 2
    assert query(server, 'max_over_time(scrape_series_added{job="page"}[1m])')[0][1] == 2
    assert query(server, 'scrape_duration_seconds{job="page"}')[0][1] < 1
    target = targets(server, "page")[0]
    assert target["health"] == "up" and target["scrapeUrl"] == pages.url + "/metrics"
    assert target["badLines"] == 1 and target["firstBadLine"].startswith("line 3:")
    asked = pages.requests[0][1]
    assert asked["Accept"].startswith("application/openmetrics-text;version=1.0.0")
    assert asked["Accept-Encoding"] == "gzip" and asked["X-Prometheus-Scrape-Timeout-Seconds"].startswith("0.9")
    metadata = json.loads(server.get("/api/v1/targets/metadata?metric=a").text)["data"]
    assert metadata[0]["type"] == "counter"
    assert json.loads(server.get("/api/v1/scrape_pools").text)["data"]["scrapePools"] == ["page", "pushgateway"]


def test_what_vanishes_ends_at_once(scraping, pages):
    pages.pages["/metrics"] = "stays 1\ngoes 1\n"
    server = scraping(config(job(pages)))
    wait_for(lambda: query(server, "goes"))
    pages.pages["/metrics"] = "stays 1\n"
    wait_for(lambda: not query(server, "goes"))
    assert query(server, "stays")
    pages.pages["/metrics"] = (500, {}, b"")
    wait_for(lambda: not query(server, "stays"))
    assert query(server, 'up{job="page"}')[0][1] == 0
    assert targets(server, "page")[0]["lastError"] == "server returned HTTP status 500"
    pages.pages["/metrics"] = "stays 2\n"
    wait_for(lambda: query(server, "stays"))


def test_a_reload_keeps_targets_that_stay(scraping, pages):
    pages.pages["/metrics"] = pages.pages["/other"] = "a 1\n"
    server = scraping(config(job(pages), job(pages, "other", path="/other")))
    wait_for(lambda: len(query(server, "a")) == 2)
    scraping(config(job(pages, more="    metric_relabel_configs: [{target_label: new, replacement: 'yes'}]\n"),
                    job(pages, "third", path="/other")))
    wait_for(lambda: {labels["job"] for labels, _ in query(server, "a")} == {"page", "third"})
    wait_for(lambda: [labels for labels, _ in query(server, 'a{job="page"}')] == [
        {"__name__": "a", "instance": pages.address, "job": "page", "team": "shop", "new": "yes"}])
    assert {labels["job"] for labels, _ in query(server, "up")} >= {"page", "third"}
    assert "other" not in {labels["job"] for labels, _ in query(server, "up")}
    # Of the target that stayed no scrape was left out and none said down.
    assert query(server, 'min_over_time(up{job="page"}[1m])')[0][1] == 1
    # A configuration with a mistake changes nothing, and says where it is.
    scraping(config(job(pages)) + "    scrape_intervall: 1s\n")
    assert server.wait_log("no key scrape_intervall")
    assert {one["scrapePool"] for one in targets(server)} == {"page", "third", "pushgateway"}


def test_the_server_scrapes_itself(tmp_path):
    server = Server(tmp_path / "data")
    server.self_scrape = True
    server.start()
    try:
        check_self_scrape(server)
    finally:
        server.stop()


def check_self_scrape(server):
    assert wait_for(lambda: query(server, 'up{job="clew"}'), 30)[0][1] == 1
    assert query(server, 'count({job="clew",__name__=~"clew_.*"})')[0][1] > 10


def test_users_pages_are_scraped_as_they_are(scraping, pages):
    if not os.path.isdir(os.path.join(SUITES, "user-formats")):
        pytest.skip("no shared suites here")
    for name in ("metrics_page", "flask_metrics"):
        with open(os.path.join(SUITES, "user-formats", name + ".txt"), "rb") as file:
            pages.pages["/" + name] = (200, {"Content-Type": "text/html"}, file.read())
    server = scraping(config(job(pages, "orders", path="/metrics_page"), job(pages, "flask", path="/flask_metrics")))
    assert wait_for(lambda: query(server, "revenue"))[0][1] == 350
    wait_for(lambda: query(server, "http_requests_total"))
    assert query(server, "count(http_request_duration_seconds_bucket)")[0][1] == 4


@pytest.mark.skipif(shutil.which("prometheus-node-exporter") is None, reason="no prometheus-node-exporter here")
def test_node_exporter(scraping, tmp_path):
    exporter = subprocess.Popen(["prometheus-node-exporter", "--web.listen-address=127.0.0.1:0"],
                                stderr=subprocess.PIPE, text=True)
    try:
        address = next(line.split("address=")[1].split()[0] for line in exporter.stderr if "Listening on" in line)
        server = scraping(f"scrape_configs: [{{job_name: node, scrape_interval: 1s, static_configs: [{{targets: ['{address}']}}]}}]")
        wait_for(lambda: query(server, "node_memory_MemTotal_bytes"))
        with open("/proc/meminfo") as file:
            total = int(file.readline().split()[1]) * 1024
        assert query(server, "node_memory_MemTotal_bytes")[0][1] == total
        scraped = query(server, 'scrape_samples_scraped{job="node"}')[0][1]
        assert scraped > 300
        assert query(server, 'count({job="node",__name__!~"up|scrape_.*"})')[0][1] == scraped
        assert "badLines" not in targets(server, "node")[0]
    finally:
        exporter.kill()
        exporter.wait()
