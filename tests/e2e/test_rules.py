"""Recording and alerting rules: from a file to a query, over reloads and restarts."""
import os
import signal
import time

from test_remote_write import series, write


def config(tmp_path, rules, interval="1s"):
    (tmp_path / "rules").mkdir(exist_ok=True)
    (tmp_path / "rules" / "a.yml").write_text(rules)
    path = tmp_path / "clew.yaml"
    path.write_text(f"rules:\n  files: ['{tmp_path}/rules/*.yml']\n  interval: {interval}\n"
                    "  external_url: http://clew.example.org/\n  external_labels: {region: eu}\n")
    return str(path)


def query(server, text):
    reply = server.get("/api/v1/query?query=" + server_quote(text))
    assert reply.status == 200, reply.text
    return {tuple(sorted(one["metric"].items())): one["value"][1] for one in reply.json()["data"]["result"]}


def server_quote(text):
    from urllib.parse import quote
    return quote(text, safe="")


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to pass")


RECORD = """groups:
- name: g
  rules:
  - {record: 'requests:sum', expr: sum(requests), labels: {team: web}}
  - {record: 'requests:twice', expr: 'requests:sum * 2'}
"""


def push(server, name, value, **labels):
    assert write(server, series({"__name__": name, **labels}, [(int(time.time() * 1000), value)])).status == 204


def test_a_recording_rule_from_file_to_query(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, RECORD))
    push(server, "requests", 3.0, pod="a")
    push(server, "requests", 4.0, pod="b")
    wait_for(lambda: query(server, "requests:twice") == {(("__name__", "requests:twice"), ("team", "web")): "14"})
    (tmp_path / "rules" / "a.yml").write_text(RECORD.replace("requests:twice", "requests:double"))
    os.kill(server.pid, signal.SIGHUP)
    assert server.wait_log("rules: 2 in 1 groups")
    wait_for(lambda: query(server, "requests:double"))
    wait_for(lambda: not query(server, "requests:twice"))
    assert server.metric("clew_rule_evaluations_total") > 0
    assert server.metric("clew_rule_evaluation_failures_total") == 0


def test_a_mistake_names_file_and_line_and_changes_nothing(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, RECORD))
    push(server, "requests", 3.0)
    (tmp_path / "rules" / "a.yml").write_text(RECORD.replace("sum(requests)", "sum(requests"))
    os.kill(server.pid, signal.SIGHUP)
    assert server.wait_log("a.yml:4: group \"g\", rule 1, \"requests:sum\": could not parse expression")
    wait_for(lambda: query(server, "requests:twice"))


def test_backtest_says_when_an_alert_would_have_fired(make_server, tmp_path):
    server = make_server()
    now = int(time.time()) * 1000
    begin = now - 3_600_000
    points = [(begin + i * 15_000, 82.0 if 40 <= i < 80 or 120 <= i < 130 else 10.0) for i in range(240)]
    assert write(server, series({"__name__": "cpu_usage", "host": "a"}, points)).status == 204
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: g, interval: 30s, rules: [{alert: High, expr: cpu_usage > 80, for: 5m}]}]\n")
    done = server.cli("alert", "backtest", "--url", server.url, "--rules", str(rules), "High", "--from", str(begin // 1000),
                      "--to", str(now // 1000))
    first, last = done.stdout.splitlines()
    # From 10:00 to 20:00 behind the begin: it fires 5 minutes later and is over when a sample says so.
    assert '{host="a"} value 82' in first and "for 5m" in first
    assert last.startswith("High would have fired 1 times, 5m in all; 1 times it was pending only. 121 steps of 30s in ")
    done = server.cli("alert", "backtest", "--url", server.url, "cpu_usage > 80", "--for", "2m", "--from", "now-1h", "--to", "now",
                      "--step", "15s")
    assert "would have fired 2 times" in done.stdout
    wrong = server.cli("alert", "backtest", "--url", server.url, "cpu_usage >", check=False)
    assert wrong.returncode == 1 and "parse error" in wrong.stderr


def test_a_configuration_of_prometheus_is_enough(make_server, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yml").write_text(RECORD)
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 15s, evaluation_interval: 1s, external_labels: {region: eu}}\n"
        "rule_files: ['rules/*.yml']\nscrape_configs: [{job_name: x}]\n")
    config_file = tmp_path / "clew.yaml"
    config_file.write_text(f"rules:\n  prometheus: {tmp_path}/prometheus.yml\n")
    server = make_server("--config", str(config_file))
    push(server, "requests", 3.0)
    wait_for(lambda: query(server, "requests:twice"))
    groups = server.get("/api/v1/rules").json()["data"]["groups"]
    assert [(one["name"], one["interval"]) for one in groups] == [("g", 1)]
    assert "region: 'eu'" in server.get("/api/v1/status/config").json()["data"]["yaml"]
