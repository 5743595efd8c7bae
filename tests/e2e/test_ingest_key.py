"""Ingest keys: every protocol needs one, from everywhere; agents send theirs, and keep what a server refuses."""
import base64
import json
import os
import subprocess
import urllib.error
import urllib.request

import grpc
import pytest

import clew_server
import protobuf_wire
from test_agent import count_of, make_agent, wait_for  # noqa: F401

KEY = "correct-horse-battery-staple"
OTHER = "another-key-that-is-good-too"
EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
NOW = 1_764_000_000_000_000_000


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "clew.yaml"
    path.write_text(f"auth:\n  ingest_key: [{KEY}, {OTHER}]\n")
    return path


def test_every_protocol_asks_for_the_key(make_server, config):
    server = make_server("--config", str(config))
    bulk = '{"create":{"_index":"logs"}}\n{"message":"x"}\n'
    loki = {"streams": [{"stream": {"a": "b"}, "values": [["1764000000000000000", "x"]]}]}
    posts = [("/_bulk", bulk, "application/x-ndjson"), ("/logs/_doc", '{"message":"x"}', "application/json"),
             ("/api/v1/import", '{"message":"x"}\n', "application/x-ndjson"),
             ("/loki/api/v1/push", json.dumps(loki), "application/json"),
             ("/v1/logs", protobuf_wire.logs_request([{"time": NOW, "body": "x"}]), "application/x-protobuf"),
             ("/api/v2/spans", "[]", "application/json"), ("/clew/v1/batches", b"", "application/vnd.clew.batch")]
    for path, body, kind in posts:
        for headers in ({}, {"Authorization": "Bearer not-the-key-of-anybody"}):
            reply = server.post(path, body, headers={"Content-Type": kind, **headers})
            assert reply.status == 401, (path, reply.status, reply.text)
            assert "WWW-Authenticate" in reply.headers
    good = [{"Authorization": f"Bearer {KEY}"}, {"Authorization": f"ApiKey {KEY}"}, {"Authorization": f"Splunk {OTHER}"},
            {"Authorization": "ApiKey " + base64.b64encode(f"id:{KEY}".encode()).decode()},
            {"Authorization": basic("loki", KEY)}, {"X-Api-Key": KEY}, {"DD-API-KEY": KEY}]
    for path, body, kind in posts[:4]:
        for headers in good:
            reply = server.post(path, body, headers={"Content-Type": kind, **headers})
            assert reply.status in (200, 201, 204), (path, headers, reply.status, reply.text)
    assert server.count() == 4 * len(good), "reads from this machine are free"
    elastic = server.post("/_bulk", bulk)
    assert elastic.json()["status"] == 401 and elastic.json()["error"]["type"] == "security_exception"
    assert server.metric("clew_requests_unauthenticated_total", key="missing") == len(posts) + 1
    assert server.metric("clew_requests_unauthenticated_total", key="wrong") == len(posts)
    assert server.get("/health/ready").status == 200


def test_grpc_asks_for_the_key(make_server, config):
    server = make_server("--config", str(config))
    export = protobuf_wire.logs_request([{"time": NOW, "body": "x"}])
    with grpc.insecure_channel(server.listening["otlp_grpc"]) as channel:
        call = channel.unary_unary(EXPORT)
        for metadata in (None, (("authorization", "Bearer not-the-key-of-anybody"),)):
            with pytest.raises(grpc.RpcError) as refused:
                call(export, timeout=20, metadata=metadata)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        call(export, timeout=20, metadata=(("authorization", f"Bearer {KEY}"),))
    assert server.count() == 1


def own_address():
    """An address of this machine that is not loopback; None without one."""
    import socket
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
        return None if address.startswith("127.") else address
    except OSError:
        return None
    finally:
        probe.close()


def test_a_key_opens_the_listener_beyond_loopback(tmp_path, config):
    refused = subprocess.run([clew_server.BINARY, "serve", "--data", str(tmp_path / "a"), "--listen", "0.0.0.0:0"],
                             capture_output=True, text=True, timeout=20)
    assert refused.returncode == 1 and "auth.ingest_key" in refused.stderr
    udp = subprocess.run([clew_server.BINARY, "serve", "--config", str(config), "--data", str(tmp_path / "b"),
                          "--jaeger-udp", "0.0.0.0:0"], capture_output=True, text=True, timeout=20)
    assert udp.returncode == 1 and "datagrams carry no key" in udp.stderr


def test_other_machines_read_with_the_key_and_do_not_administrate(make_server, config):
    address = own_address()
    if address is None:
        pytest.skip("no address but loopback")
    server = clew_server.Server(config.parent / "data", ["--config", str(config)])
    server.listen = f"{address}:0"
    server.start()
    try:
        assert server.wait_log("travel unencrypted")
        query = {"query": "source=logs | stats count() as n"}
        assert server.get("/health/live").status == 200
        assert server.post("/_plugins/_ppl", query).status == 401
        assert server.get("/metrics").status == 401
        with_key = {"Authorization": basic("prometheus", KEY)}
        assert server.get("/metrics", headers=with_key).status == 200
        assert server.post("/clew/v1/search", {"query": "message=x"}, headers=with_key).status == 200
        assert server.post("/clew/v1/flush", {}, headers=with_key).status == 403
    finally:
        server.kill()


def test_an_agent_with_a_wrong_key_keeps_everything_and_says_so(make_server, make_agent, config, tmp_path):
    server = make_server("--config", str(config))
    (tmp_path / "x.log").write_text("".join(f"line {i}\n" for i in range(500)))
    key_file = tmp_path / "key"
    key_file.write_text("not-the-key-of-anybody\n")
    agent_config = tmp_path / "agent.yaml"
    agent_config.write_text(f"agent:\n  servers: {server.url}\n  key_file: {key_file}\n"
                            f"sources:\n  x:\n    files: {tmp_path}/x.log\n    dataset: keyed\n")
    agent = make_agent("--config", agent_config)
    wait_for(lambda: agent.metric("clew_ship_endpoint_refuses") == 1, "the refusal")
    wait_for(lambda: any("REFUSES" in line and "401" in line for line in agent.log), f"a line about it: {agent.log}")
    try:
        urllib.request.urlopen("http://" + agent.ready["listening"] + "/health/ready", timeout=10)
        raise AssertionError("an agent that nobody listens to is not ready")
    except urllib.error.HTTPError as error:
        health = json.loads(error.read())
        assert error.code == 503 and health["servers"][0]["refuses"] and "401" in health["servers"][0]["error"]
    wait_for(lambda: agent.metric("clew_agent_queue_events") == 500, "all lines in the queue")
    assert agent.end() == 0
    key_file.write_text(KEY + "\n")
    agent.start()
    wait_for(lambda: count_of(server, "keyed") == 500, "the lines, with the right key")


def test_keys_are_replaced_at_a_reload(make_server, config):
    server = make_server("--config", str(config))
    send = lambda key: server.post("/api/v1/import", '{"n":1}\n', headers={"Authorization": f"Bearer {key}"}).status
    assert send(KEY) == 200
    config.write_text(f"auth:\n  ingest_key: [{OTHER}, a-third-key-just-made]\n")
    os.kill(server.pid, 1)
    assert server.wait_log("auth.ingest_key: 2 of them")
    assert [send(KEY), send(OTHER), send("a-third-key-just-made")] == [401, 200, 200]


def test_the_command_line_sends_its_key(make_server, config, tmp_path):
    server = make_server("--config", str(config))
    (tmp_path / "x.ndjson").write_text('{"n":1}\n')

    def run(environment):
        return subprocess.run([clew_server.BINARY, "import", "--url", server.url, str(tmp_path / "x.ndjson")],
                              capture_output=True, text=True, timeout=30, env={**os.environ, **environment})

    refused = run({})
    assert refused.returncode != 0 and "ingest key" in refused.stderr + refused.stdout
    assert run({"CLEW_KEY": KEY}).returncode == 0
    assert server.count() == 1


def test_a_weak_key_is_a_mistake(tmp_path):
    path = tmp_path / "weak.yaml"
    path.write_text("auth:\n  ingest_key: short\n")
    done = subprocess.run([clew_server.BINARY, "check", str(path)], capture_output=True, text=True)
    assert done.returncode == 1 and "16 printable characters" in done.stdout + done.stderr
    assert "short" not in done.stdout + done.stderr, "keys are not printed"
