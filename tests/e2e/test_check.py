"""What an agent measures for others: checks of services, and pages that it scrapes beside them."""
import json
import shutil
import ssl
import subprocess
import time

import clew_server
import pytest

from metric_page import Pages, query, wait_for
from test_agent import Agent
from test_scrape import pages  # noqa: F401
from test_tls import Authority


@pytest.fixture
def agent(server, tmp_path):
    """agent(**configuration) starts one that sends to `server`."""
    agents = []

    def start(**config):
        config = {"agent": {"servers": [server.url]}, **config}
        (tmp_path / "agent.yaml").write_text(json.dumps(config))
        agents.append(Agent(tmp_path / "agent", ["--config", tmp_path / "agent.yaml"]).start())
        return agents[-1]

    yield start
    for one in agents:
        one.end()


def test_urls(server, pages, agent):
    pages.pages["/good"] = "fine\n"
    pages.pages["/bad"] = (503, {}, b"")
    gone = Pages()
    gone.close()
    agent(sources={"shop": {"type": "check", "every": "200ms", "urls": [pages.url + "/good", pages.url + "/bad", gone.url]}})
    wait_for(lambda: len(query(server, "probe_success")) == 3)
    success = {labels["instance"]: value for labels, value in query(server, 'probe_success{job="shop"}')}
    assert success == {pages.url + "/good": 1, pages.url + "/bad": 0, gone.url: 0}
    status = {labels["instance"]: value for labels, value in query(server, "probe_http_status_code")}
    assert status == {pages.url + "/good": 200, pages.url + "/bad": 503, gone.url: 0}
    assert len(query(server, "probe_duration_seconds")) == 3
    phases = {labels["phase"] for labels, _ in query(server, "probe_http_duration_seconds")}
    assert phases == {"resolve", "connect", "tls", "processing", "transfer"}
    # One value each 200 ms.
    wait_for(lambda: query(server, f'count_over_time(probe_success{{instance="{gone.url}"}}[1m]) > 5'))
    values = query(server, f'probe_success{{instance="{gone.url}"}}[1m]')[0][1]
    gaps = [later[0] - earlier[0] for earlier, later in zip(values, values[1:])]
    assert sorted(gaps)[len(gaps) // 2] == pytest.approx(0.2, abs=0.1)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")
def test_a_certificates_end(server, agent, tmp_path):
    authority = Authority(tmp_path / "tls")
    cert, key = authority.issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    secure = Pages(context)
    secure.pages["/"] = "fine\n"
    agent(sources={"shop": {"type": "check", "every": "200ms", "ca": authority.path("ca.pem"),
                            "urls": [secure.url.replace("http:", "https:")]}})
    wait_for(lambda: query(server, "probe_success == 1"))
    end = query(server, "probe_ssl_earliest_cert_expiry")[0][1]
    written = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", cert], capture_output=True, text=True, check=True).stdout
    assert end == ssl.cert_time_to_seconds(written.strip().split("=")[1])
    assert query(server, "probe_http_ssl")[0][1] == 1
    secure.close()


def test_commands(server, agent, tmp_path):
    mark = tmp_path / "left-behind"
    agent(sources={
        "depth": {"type": "check", "every": "200ms", "command": ["sh", "-c", "echo '# TYPE queue_depth gauge'; echo 'queue_depth{q=\"mail\"} 42'"]},
        "fails": {"type": "check", "every": "200ms", "command": ["sh", "-c", "exit 3"]},
        "hangs": {"type": "check", "every": "1h", "timeout": "300ms", "command": ["sh", "-c", f"(sleep 2; touch {mark}) & sleep 100"]},
        "none": {"type": "check", "every": "200ms", "command": ["/no/such/program"]}})
    wait_for(lambda: len(query(server, "probe_success")) == 4)
    assert {labels["job"]: value for labels, value in query(server, "probe_success")} == {"depth": 1, "fails": 0, "hangs": 0, "none": 0}
    assert {labels["job"]: value for labels, value in query(server, "probe_exit_code")} == {"depth": 0, "fails": 3, "hangs": -1, "none": -1}
    found = query(server, "queue_depth")[0]
    assert found[1] == 42 and found[0]["q"] == "mail" and found[0]["job"] == "depth" and found[0]["instance"]
    assert 0.3 <= query(server, 'probe_duration_seconds{job="hangs"}')[0][1] < 5
    # What it had started went with it.
    begun = time.monotonic()
    wait_for(lambda: time.monotonic() - begun > 2.5)
    assert not mark.exists()


def test_an_agent_scrapes(server, pages, agent, tmp_path):
    pages.pages["/metrics"] = "a 1\n"
    job = {"job_name": "beside", "scrape_interval": "500ms", "scrape_timeout": "400ms", "static_configs": [{"targets": [pages.address]}]}
    agent(scrape_configs=[job])
    assert wait_for(lambda: query(server, "a")) == [({"__name__": "a", "job": "beside", "instance": pages.address}, 1)]
    assert query(server, "up")[0][1] == 1
    pages.pages["/metrics"] = "b 1\n"
    wait_for(lambda: query(server, "b") and not query(server, "a"))


def test_mistakes_of_checks_are_told(tmp_path):
    for text, wanted in (("sources: {a: {type: check}}\n", "nothing to check"),
                         ("sources: {a: {type: check, urls: ['shop:80']}}\n", "is no URL"),
                         ("scrape_configs: [{job_name: a, scrape_interval: x}]\n", "is no duration"),
                         ("metrics: {scrape: {config_files: [/no/such.yml]}}\n", "/no/such.yml")):
        (tmp_path / "c.yaml").write_text(text)
        done = subprocess.run([clew_server.BINARY, "check", str(tmp_path / "c.yaml")],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 1 and wanted in done.stderr, (text, done.stderr)
