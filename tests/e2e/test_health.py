"""Health of users' services: real small servers, asked by a real agent, told to a real server."""
import http.server
import json
import socket
import subprocess
import threading

import pytest

import clew_server
from test_agent import Agent, wait_for


class Service:
    """Answers each path as its `answers` say: (status, body), or an Event that it waits for first."""

    def __init__(self):
        self.answers, self.asked = {}, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked[self.path] = outer.asked.get(self.path, 0) + 1
                status, body, *wait = outer.answers.get(self.path, (404, "none"))
                if wait:
                    wait[0].wait(60)
                body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service():
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def watch(server, tmp_path):
    agents = []

    def start(**sources):
        config = {"agent": {"servers": [server.url]}, "sources": sources}
        (tmp_path / "agent.yaml").write_text(json.dumps(config))
        agents.append(Agent(tmp_path / "agent", ["--config", tmp_path / "agent.yaml"]).start())
        return agents[-1]

    yield start
    for agent in agents:
        agent.end()


def events(server, condition="", fields="message, outcome, health.event, health.check"):
    reply = server.post("/_plugins/_ppl", {"query": f"source=health {condition} | sort @timestamp | fields {fields}"})
    if reply.status != 200:
        return []  # no such dataset yet
    body = reply.json()
    names = [column["name"] for column in body["schema"]]
    return [dict(zip(names, row)) for row in body["datarows"]]


def test_a_service_falls_ill_and_recovers(server, service, watch):
    service.answers = {"/health/live": (200, {"status": "UP"}), "/health/ready": (200, {"status": "UP"})}
    watch(shop={"type": "health", "urls": [service.url], "every": "100ms"})
    wait_for(lambda: len(events(server)) >= 2, "the first polls")
    assert {(e["message"], e["health.event"]) for e in events(server)} == {("shop is alive", "start"), ("shop is ready", "start")}
    service.answers["/health/ready"] = (503, {"status": "DOWN", "components": {
        "db": {"status": "DOWN", "details": {"error": "connection refused"}}, "diskSpace": {"status": "UP"}}})
    wait_for(lambda: len(events(server, "outcome=failed")) >= 3, "each failed poll")
    failed = events(server, "outcome=failed", "message, health.failed, health.event, level, service.name, url.full, "
                                              "http.response.status_code, duration_ms, host.name")
    assert failed[0]["message"] == "shop is not ready: db fails" and failed[0]["health.event"] == "change"
    assert [e["health.event"] for e in failed[1:]] == ["failure"] * (len(failed) - 1)
    assert {(e["health.failed"], e["level"], e["service.name"], e["url.full"], e["http.response.status_code"]) for e in failed} == {
        ("db", "error", "shop", service.url + "/health/ready", 503)}
    assert all(e["duration_ms"] > 0 and e["host.name"] for e in failed)
    service.answers["/health/ready"] = (200, {"status": "UP"})
    wait_for(lambda: events(server, "health.event=change outcome=ok"), "that it is well again")
    back = events(server, "health.event=change outcome=ok")
    assert len(back) == 1 and back[0]["message"].startswith("shop is ready again after ")
    assert events(server, "health.check=live outcome=failed") == []


def test_a_beat_tells_no_data_from_well(server, service, watch):
    service.answers = {"/healthz": (200, "ok")}
    watch(shop={"type": "health", "urls": [service.url + "/healthz"], "every": "10ms"})
    wait_for(lambda: len(events(server, "health.event=beat")) >= 2, "beats")
    assert {e["message"] for e in events(server, "health.event=beat")} == {"shop is healthy, as in 29 polls before"}
    assert len(events(server, "health.event=start")) == 1


def test_slow_and_dead_endpoints_disturb_no_other(server, service, watch):
    release = threading.Event()
    service.answers = {"/slow": (200, "ok", release), "/fast": (200, "ok")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = "http://127.0.0.1:%d/health" % probe.getsockname()[1]
        agent = watch(all={"type": "health", "urls": [service.url + "/slow", dead, service.url + "/fast"], "every": "50ms",
                           "timeout": "1s"})
        wait_for(lambda: service.asked.get("/fast", 0) > 30, "many polls of the fast one")
        assert service.asked["/slow"] <= 1 + service.asked["/fast"] // 10
        wait_for(lambda: events(server, f'url.full="{service.url}/slow"'), "that the slow one gives no answer")
        slow = events(server, f'url.full="{service.url}/slow"', "message, error.message, duration_ms")
        assert slow[0]["message"].startswith("all is not healthy: no answer: ") and 900 < slow[0]["duration_ms"] < 30000
        refused = events(server, f'url.full="{dead}"', "message")
        assert "connect" in refused[0]["message"].lower()
        assert events(server, f'url.full="{service.url}/fast" outcome=failed') == []
        assert agent.metric("clew_agent_health_polls_total") > 30
    release.set()


def test_events_go_to_the_dataset_that_is_named(server, service, watch):
    service.answers = {"/health": (200, "Unhealthy")}
    watch(pay={"type": "health", "urls": [service.url + "/health"], "dataset": "probes", "every": "1h"})
    wait_for(lambda: server.post("/_plugins/_ppl", {"query": "source=probes"}).status == 200
             and server.rows("source=probes | fields message"), "an event")
    assert server.rows("source=probes | fields message") == [{"message": "pay is not healthy: its answer says so"}]


def test_an_answer_without_end_is_cut(server, service, watch):
    service.answers = {"/health": (503, "x" * (8 << 20))}
    watch(pay={"type": "health", "urls": [service.url + "/health"], "every": "1h"})
    wait_for(lambda: events(server), "an event")
    assert [e["message"] for e in events(server)] == ["pay is not healthy: status 503"]


def test_clew_itself_can_be_watched(server, watch):
    watch(clew={"type": "health", "urls": [server.url], "every": "1h"})
    wait_for(lambda: len(events(server)) == 2, "both pages")
    assert {e["message"] for e in events(server)} == {"clew is alive", "clew is ready"}


def test_mistakes_are_told(tmp_path):
    def check(text):
        (tmp_path / "a.yaml").write_text(text)
        done = subprocess.run([clew_server.BINARY, "check", str(tmp_path / "a.yaml")], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1
        return done.stderr

    assert "sources.a: no urls: write urls: [http://127.0.0.1:8080]" in check("sources: {a: {type: health}}\n")
    assert '"shop:8080" is no URL' in check("sources: {a: {type: health, urls: ['shop:8080']}}\n")
    assert "sources.a has urls: write type: health" in check("sources: {a: {files: /x, urls: ['http://a']}}\n")
    many = ", ".join(f"'http://a{i}'" for i in range(101))
    assert "more than 200 pages" in check(f"sources: {{a: {{type: health, urls: [{many}]}}}}\n")
