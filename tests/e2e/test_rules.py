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
