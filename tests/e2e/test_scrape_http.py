"""How pages are fetched and targets found: authentication, TLS, compression, redirects, limits, discovery."""
import gzip
import json
import os
import shutil
import ssl

import pytest

from metric_page import TEXT, Pages, query, targets, wait_for
from test_scrape import config, job, pages, scraping  # noqa: F401
from test_tls import Authority



def header(pages, name):
    return {headers.get(name) for _, headers in pages.requests}


def test_secrets_headers_and_parameters(scraping, pages, tmp_path):
    pages.pages["/metrics"] = "a 1\n"
    (tmp_path / "token").write_text("from-a-file\n")
    server = scraping(config(
        job(pages, "basic", "    basic_auth: {username: joe, password: secret}\n    params: {x: ['1 2', '3']}\n"),
        job(pages, "bearer", f"    authorization: {{credentials_file: {tmp_path}/token}}\n    http_headers: {{X-Team: {{values: [shop]}}}}\n")))
    wait_for(lambda: len(query(server, "a")) == 2)
    assert header(pages, "Authorization") == {"Basic am9lOnNlY3JldA==", "Bearer from-a-file"}
    assert "shop" in header(pages, "X-Team")
    assert "/metrics?x=1%202&x=3" in {path for path, _ in pages.requests}
    (tmp_path / "token").write_text("renewed")
    wait_for(lambda: "Bearer renewed" in header(pages, "Authorization"))


def test_gzip_and_redirects(scraping, pages):
    pages.pages["/zipped"] = (200, {"Content-Type": TEXT, "Content-Encoding": "gzip"}, gzip.compress(b"zipped 1\n"))
    pages.pages["/moved"] = (302, {"Location": "/zipped"}, b"")
    server = scraping(config(job(pages, "followed", path="/moved"),
                             job(pages, "stays", "    follow_redirects: false\n", path="/moved")))
    wait_for(lambda: query(server, 'zipped{job="followed"}'))
    assert wait_for(lambda: query(server, 'up{job="stays"}'))[0][1] == 0
    assert targets(server, "stays")[0]["lastError"] == "server returned HTTP status 302"


def test_limits(scraping, pages):
    pages.pages["/metrics"] = "a 1\nb 2\n"
    server = scraping(config(job(pages, "samples", "    sample_limit: 1\n"), job(pages, "body", "    body_size_limit: 5B\n"),
                             job(pages, "labels", "    label_limit: 2\n")))
    wait_for(lambda: len(query(server, "up")) == 3)
    assert {value for _, value in query(server, "up")} == {0}
    errors = {one["scrapePool"]: one["lastError"] for one in targets(server)}
    assert errors["samples"] == "sample_limit exceeded: more than 1"
    assert "more than 5 bytes" in errors["body"] and errors["labels"].startswith("label_limit exceeded")
    assert not query(server, "a")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")
def test_tls(scraping, pages, tmp_path):
    authority = Authority(tmp_path / "tls")
    cert, key = authority.issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    secure = Pages(context)
    secure.pages["/metrics"] = "a 1\n"
    ca = authority.path("ca.pem")
    server = scraping(config(
        job(secure, "trusted", f"    scheme: https\n    tls_config: {{ca_file: {ca}}}\n"),
        job(secure, "named", f"    scheme: https\n    tls_config: {{ca_file: {ca}, server_name: localhost}}\n"),
        job(secure, "misnamed", f"    scheme: https\n    tls_config: {{ca_file: {ca}, server_name: elsewhere}}\n"),
        job(secure, "unknown", "    scheme: https\n"),
        job(secure, "blind", "    scheme: https\n    tls_config: {insecure_skip_verify: true}\n")))
    wait_for(lambda: len(query(server, "up")) == 5)
    up = {labels["job"]: value for labels, value in query(server, "up")}
    assert up == {"trusted": 1, "named": 1, "misnamed": 0, "unknown": 0, "blind": 1}
    assert "certificate" in targets(server, "unknown")[0]["lastError"]
    secure.close()


def test_openmetrics_and_protobuf(scraping, pages):
    om = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    pages.pages["/om"] = (200, {"Content-Type": om}, b'# TYPE c counter\nc_total{x="1"} 3 # {trace_id="abc"} 1 1700000000\nc_created{x="1"} 1700000000\n# EOF\n')
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "fuzz", "corpus", "exposition", "protobuf"), "rb") as file:
        proto = file.read()[1:]
    pages.pages["/proto"] = (200, {"Content-Type": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"}, proto)
    server = scraping(config(job(pages, "om", path="/om"), job(pages, "proto", "    scrape_native_histograms: true\n", path="/proto")))
    assert wait_for(lambda: query(server, 'c_total{job="om"}'))[0][1] == 3
    assert wait_for(lambda: query(server, 'histogram_count(native{job="proto"})'))[0][1] == 3
    assert query(server, 'c_total{job="proto"}')[0][1] == 5
    exemplars = json.loads(server.get("/api/v1/query_exemplars?query=c_total&start=0&end=9999999999").text)["data"]
    found = {one["seriesLabels"]["job"]: one["exemplars"][0]["labels"] for one in exemplars}
    assert found["om"] == {"trace_id": "abc"} and found["proto"] == {"trace_id": "x"}
    assert any(h["Accept"].startswith("application/vnd.google.protobuf") for path, h in pages.requests if path == "/proto")


def test_targets_out_of_files_and_http(scraping, pages, tmp_path):
    pages.pages["/metrics"] = "a 1\n"
    (tmp_path / "targets.json").write_text(json.dumps([{"targets": [pages.address], "labels": {"from": "file"}}]))
    pages.pages["/sd"] = lambda _: (200, {"Content-Type": "application/json"},
                                    json.dumps([{"targets": [pages.address], "labels": {"from": "http"}}]).encode())
    server = scraping("global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n"
                      "- {job_name: files, file_sd_configs: [{files: ['targets.json', 'targets.yml']}]}\n"
                      f"- {{job_name: http, http_sd_configs: [{{url: '{pages.url}/sd', refresh_interval: 1s}}],\n"
                      "   relabel_configs: [{source_labels: [__meta_url], target_label: url}]}\n")
    wait_for(lambda: {labels["from"] for labels, _ in query(server, "a")} == {"file", "http"})
    assert query(server, 'a{from="http"}')[0][0]["url"] == pages.url + "/sd"
    (tmp_path / "targets.json").write_text("[]")
    pages.pages["/sd"] = (500, {}, b"")  # what cannot be found now stays
    wait_for(lambda: {labels["from"] for labels, _ in query(server, "a")} == {"http"})
    (tmp_path / "targets.yml").write_text(f"- targets: ['{pages.address}']\n  labels: {{from: yaml}}\n")
    wait_for(lambda: {labels["from"] for labels, _ in query(server, "a")} == {"http", "yaml"})


def test_pods_of_a_cluster(scraping, pages):
    """A Kubernetes API of two pages of pods; annotations choose and name, as everybody's configuration does."""
    host, port = pages.address.split(":")

    def pod(name, annotations, ready="True"):
        return {"metadata": {"name": name, "namespace": "shop", "uid": name, "annotations": annotations,
                             "labels": {"app.kubernetes.io/name": "web"},
                             "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}]},
                "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "web:1", "ports": [{"name": "http", "containerPort": int(port)}]}]},
                "status": {"podIP": host, "hostIP": "10.0.0.1", "phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}}

    def listing(handler):
        assert handler.headers["Authorization"] == "Bearer pods"
        second = "continue=more" in handler.path
        items = [pod("b", {})] if second else [pod("a", {"prometheus.io/scrape": "true", "prometheus.io/path": "/own"})]
        return 200, {"Content-Type": "application/json"}, json.dumps(
            {"kind": "PodList", "metadata": {} if second else {"continue": "more"}, "items": items}).encode()

    pages.pages["/api/v1/namespaces/shop/pods"] = listing
    pages.pages["/own"] = "a 1\n"
    server = scraping(f"""
scrape_configs:
- job_name: pods
  scrape_interval: 1s
  kubernetes_sd_configs:
  - {{role: pod, api_server: '{pages.url}', authorization: {{credentials: pods}}, namespaces: {{names: [shop]}}}}
  relabel_configs:
  - {{source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: 'true', action: keep}}
  - {{source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], regex: (.+), target_label: __metrics_path__}}
  - {{regex: __meta_kubernetes_pod_label_(.+), action: labelmap}}
  - {{source_labels: [__meta_kubernetes_namespace, __meta_kubernetes_pod_name], separator: /, target_label: pod}}
  - {{source_labels: [__meta_kubernetes_pod_container_port_name, __meta_kubernetes_pod_ready, __meta_kubernetes_pod_controller_kind], target_label: meta}}
""")
    labels = wait_for(lambda: query(server, "a"))[0][0]
    assert labels == {"__name__": "a", "job": "pods", "instance": pages.address, "pod": "shop/a",
                      "app_kubernetes_io_name": "web", "meta": "http;true;ReplicaSet"}
    all_targets = json.loads(server.get("/api/v1/targets?scrapePool=pods").text)["data"]
    assert len(all_targets["activeTargets"]) == 1 and len(all_targets["droppedTargets"]) == 1
    assert all_targets["droppedTargetCounts"]["pods"] == 1
