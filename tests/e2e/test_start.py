"""Starting, stopping and saying so."""
import json
import os
import subprocess
import time
import urllib.request

from clew_server import BINARY, Server


def test_ready_line_and_run_file_agree(server):
    with open(os.path.join(server.data, "run.json"), encoding="utf-8") as file:
        assert json.load(file)["listening"] == server.listening
    for name in ("http", "otlp_grpc", "otlp_http"):
        host, port = server.listening[name].rsplit(":", 1)
        assert host == "127.0.0.1" and int(port) > 0


def test_retention_is_said_at_start(server):
    assert server.wait_log("30 days hot, 365 days in all")


def test_probes(server):
    for path in ("/health/live", "/livez", "/healthz", "/health/startup", "/health/ready", "/readyz"):
        assert server.get(path).status == 200, path
    assert server.get("/health/live").json() == {"status": "alive"}
    assert server.get("/health/ready").json() == {"status": "ready"}
    assert "clew_http_requests_total" in server.get("/metrics").text


def test_sigterm_ends_with_zero_and_removes_the_run_file(server):
    server.import_ndjson([{"a": 1}])
    assert server.stop() == 0
    assert not os.path.exists(os.path.join(server.data, "run.json"))
    server.start()
    assert server.count() == 1


def test_listening_beyond_loopback_needs_insecure(tmp_path):
    def serve(*args):
        return subprocess.run([BINARY, "serve", "--data", tmp_path / "d", "--otlp-grpc", "127.0.0.1:0", "--otlp-http",
                               "127.0.0.1:0", *args], capture_output=True, text=True, timeout=30, check=False)
    refused = serve("--listen", "0.0.0.0:0")
    assert refused.returncode == 1
    assert "--insecure" in refused.stderr
    assert serve("--listen", "nonsense").returncode == 1
    assert serve("--no-such-flag").returncode == 2


def test_insecure_listens_everywhere(make_server):
    server = make_server("--listen", "0.0.0.0:0", "--insecure")
    port = server.listening["http"].rsplit(":", 1)[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=10) as reply:
        assert reply.status == 200


def test_one_store_one_server(server):
    second = Server(server.data)
    try:
        second.start()
    except RuntimeError as error:
        assert "clew serve" in str(error)
    else:
        second.kill()
        raise AssertionError("a second server opened the same store")


def test_pages_of_other_sites_cannot_write(server):
    refused = server.post("/api/v1/import", '{"a":1}\n', headers={"Origin": "http://evil.example"})
    assert refused.status == 403
    assert server.metric("clew_events_received_total") == 0


def test_unknown_path_and_wrong_method(server):
    assert server.get("/no/such/path").status == 404
    reply = server.get("/clew/v1/search")
    assert reply.status == 405 and reply.headers["Allow"] == "POST"


def test_an_idle_server_sleeps(server):
    """Over two seconds less than a tenth of a core: its background threads do not wake each other."""
    def cpu_seconds():
        with open(f"/proc/{server.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    server.post("/_bulk", '{"index":{"_index":"logs"}}\n{"n":1}\n', headers={"Content-Type": "application/x-ndjson"})
    server.post("/clew/v1/flush")
    before = cpu_seconds()
    time.sleep(2)
    assert cpu_seconds() - before < 0.2
