"""What programs send by HTTP to an agent on their machine: its queue has it before they get their answer."""
import base64
import json
import signal
import urllib.error
import urllib.request

from test_agent import count_of, make_agent, wait_for  # noqa: F401 (make_agent is a fixture)


def post(url, body, headers=None):
    data = body if isinstance(body, bytes) else body.encode()
    request = urllib.request.Request(url, data=data, headers=headers or {}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def config(tmp_path, url, more="", agent=""):
    path = tmp_path / "agent.yaml"
    path.write_text(f"agent:\n  servers: {url}\n{agent}sources:\n  apps:\n    type: http\n    listen: 127.0.0.1:0\n{more}")
    return path


def address(agent):
    return "http://" + agent.ready["sources"]["apps"]["http"]


def otlp(first, count):
    records = [{"timeUnixNano": str(1796000000000000000 + n), "severityNumber": 17, "body": {"stringValue": f"otlp {n}"},
                "attributes": [{"key": "n", "value": {"intValue": str(n)}}]} for n in range(first, first + count)]
    return json.dumps({"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
                                         "scopeLogs": [{"logRecords": records}]}]})


def send_all(base):
    """One event or two by each protocol; gives how many events there are by dataset."""
    sent = [
        ("/v1/logs", otlp(0, 2), {"Content-Type": "application/json"}),
        ("/_bulk", '{"index":{"_index":"bulk"}}\n{"message":"a"}\n{"create":{"_index":"bulk"}}\n{"message":"b"}\n',
         {"Content-Type": "application/x-ndjson"}),
        ("/docs/_doc", '{"message":"one"}', {"Content-Type": "application/json"}),
        ("/loki/api/v1/push", json.dumps({"streams": [{"stream": {"job": "loki"}, "values": [["1796000000000000000", "line"]]}]}),
         {"Content-Type": "application/json"}),
        ("/services/collector/event", '{"event":"hec","index":"splunk"}', {"Content-Type": "application/json"}),
        ("/api/v2/logs", '[{"message":"dd","service":"s"}]', {"Content-Type": "application/json"}),
        ("/api/v1/import?dataset=lines&format=plain", "2026-11-30T10:00:00Z ERROR x failed\n\tat a.b(C.java:1)\n", {}),
        ("/api/v2/spans", '[{"traceId":"0af7651916cd43dd8448eb211c80319c","id":"b7ad6b7169203331","name":"x","timestamp":1796000000000000,'
                          '"duration":5}]', {"Content-Type": "application/json"}),
    ]
    for path, body, headers in sent:
        status, text = post(base + path, body, headers)
        assert 200 <= status < 300, (path, status, text)
    return {"bulk": 2, "docs": 1, "splunk": 1, "lines": 1, "traces": 1}


def test_every_protocol_reaches_the_server_through_the_queue(server, make_agent, tmp_path):
    server.listen = server.listening["http"]
    agent = make_agent("--config", config(tmp_path, server.url))
    counts = send_all(address(agent))
    total = sum(counts.values()) + 4  # in `logs`: OTLP's, Loki's, Datadog's
    wait_for(lambda: sum(count_of(server, name) for name in (*counts, "logs")) == total, "all of them")
    assert {name: count_of(server, name) for name in counts} == counts
    assert server.rows("source=logs | where service.name = 'shop' | stats count() as n, max(n) as m by level")[0]["n"] == 2
    assert server.rows("source=lines | fields message, level")[0] == {"message": "x failed", "level": "ERROR"}
    # Clients of Elasticsearch ask who answers before they write.
    with urllib.request.urlopen(address(agent) + "/", timeout=10) as reply:
        assert reply.headers["X-Elastic-Product"] == "Elasticsearch"
    status, text = post(address(agent) + "/_bulk", "no json\n", {"Content-Type": "application/x-ndjson"})
    assert status == 400, text
    apps = None

    def told():
        nonlocal apps
        agents = server.get("/clew/v1/ledger").json()["agents"]
        apps = {one["source"]: one for one in agents[0]["sources"]}["apps"] if agents else None
        return apps is not None and (apps["stored"], apps["read"]) == (total, total)
    wait_for(told, "the agent's report")
    assert (apps["read"], apps["queued"], apps["missing"]) == (total, total, 0)


def test_what_was_answered_survives_kills_and_outages(server, make_agent, tmp_path):
    server.listen = server.listening["http"]
    server.kill()
    agent = make_agent("--config", config(tmp_path, server.url))
    sent = 0
    for _ in range(3):
        for _ in range(20):
            status, text = post(address(agent) + "/v1/logs", otlp(sent, 10), {"Content-Type": "application/json"})
            assert status == 200, text
            sent += 10
        agent.end(signal.SIGKILL)
        agent.start()
    server.start()
    wait_for(lambda: count_of(server, "logs") == sent, f"{sent} events")
    assert server.rows("source=logs | stats distinct_count(n) as d, count() as c") == [{"d": sent, "c": sent}]


def test_secrets_and_keys_and_pipelines(server, make_agent, tmp_path):
    path = config(tmp_path, server.url, "    shared_key: local-key\n    pipeline: quiet\n")
    with open(path, "a", encoding="utf-8") as file:
        file.write("pipelines:\n  quiet:\n  - where: {condition: \"level != 'debug'\", rule: debugs}\n")
    agent = make_agent("--config", path)
    body = '{"index":{"_index":"shop"}}\n{"message":"login password=correct","level":"info"}\n' \
           '{"index":{"_index":"shop"}}\n{"message":"noise","level":"debug"}\n'
    headers = {"Content-Type": "application/x-ndjson"}
    assert post(address(agent) + "/_bulk", body, headers)[0] == 401
    key = base64.b64encode(b"id:local-key").decode()
    assert post(address(agent) + "/_bulk", body, {**headers, "Authorization": "ApiKey " + key})[0] == 200
    wait_for(lambda: count_of(server, "shop") == 1, "the event that is no debug")
    assert "correct" not in server.rows("source=shop | fields message")[0]["message"]
    for file in (tmp_path / "agent0").rglob("*"):
        assert not file.is_file() or b"correct" not in file.read_bytes(), file


def test_others_must_show_a_key(tmp_path, make_agent):
    path = config(tmp_path, "http://127.0.0.1:1")
    path.write_text(path.read_text().replace("127.0.0.1:0", "0.0.0.0:0"))
    try:
        make_agent("--config", path)
    except RuntimeError as error:
        assert "shared_key" in str(error)
    else:
        raise AssertionError("it listens for everybody")
