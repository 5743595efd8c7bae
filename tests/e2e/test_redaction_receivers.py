"""Canaries through the receivers beside those of test_redaction.py, of a server and of an agent: HEC, Datadog, CloudWatch, syslog, JSON lines,
forward, GELF, Beats, files, standard input. None is in the data directory, the agent's queue, answers or what either prints."""
import base64
import gzip
import json
import os
import socket
import struct
import subprocess
import zlib

import clew_server
from test_agent import make_agent, wait_for  # noqa: F401
from test_listener_clients import event as lumberjack_event, packed, receive
from test_listeners import address, config
from test_redaction import Canaries, answers, found_in

SOURCES = "sources:\n" + "".join(f"  {kind}: {{type: {kind}, listen: '127.0.0.1:0', dataset: logs}}\n" for kind in
                                 ("syslog", "json", "forward", "gelf", "beats"))


def objects(canaries):
    return [{"message": line, "n": n, "request": {"headers": canaries.fields()}, "list": [line, {"a": line}]}
            for n, line in enumerate(canaries.lines())]


def tcp(where, data, answer=0):
    with socket.create_connection(address(where), timeout=20) as connection:
        connection.sendall(data)
        return receive(connection, answer)


def udp(where, datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in datagrams:
            sender.sendto(data, address(where))


def syslog(at, canaries):
    """Messages and structured data; how many events."""
    five = [f'<14>1 2026-11-30T10:00:00Z web shop 1 - [a@1 password="{canaries.keep(canaries.text("abcdef", 20))}"] {line}'.encode()
            for line in canaries.lines()]
    three = [f"<14>Nov 30 10:00:00 web shop[1]: {line}".encode() for line in canaries.lines()]
    udp(at["syslog"]["udp"], three)
    tcp(at["syslog"]["tcp"], b"".join(b"%d %s" % (len(m), m) for m in five))
    return len(five) + len(three)


def json_lines(at, canaries):
    first, second = objects(canaries), objects(canaries)
    tcp(at["json"]["tcp"], b"".join(json.dumps(o).encode() + b"\n" for o in first))
    udp(at["json"]["udp"], [json.dumps(o).encode() for o in second])
    return len(first) + len(second)


def forward(at, canaries):
    records = objects(canaries)
    entries = b"".join(packed([1796032800 + n, record]) for n, record in enumerate(records))
    ack = b"\x81" + packed("ack") + packed("c")
    assert tcp(at["forward"]["tcp"], packed(["t", entries, {"chunk": "c"}]), len(ack)) == ack
    more = objects(canaries)
    gone = gzip.compress(b"".join(packed([1796032800 + n, record]) for n, record in enumerate(more)))
    assert tcp(at["forward"]["tcp"], packed(["t", gone, {"chunk": "c", "compressed": "gzip"}]), len(ack)) == ack
    return len(records) + len(more)


def gelf(at, canaries):
    lines, more = canaries.lines(), canaries.lines()
    message = [{"version": "1.1", "host": "h", "short_message": line, "full_message": line, **{"_" + k: v for k, v in canaries.fields().items()}}
               for line in lines]
    udp(at["gelf"]["udp"], [gzip.compress(json.dumps(m).encode()) for m in message])
    tcp(at["gelf"]["tcp"], b"".join(json.dumps({"version": "1.1", "host": "h", "short_message": line}).encode() + b"\0" for line in more))
    return len(lines) + len(more)


def beats(at, canaries):
    events = objects(canaries)
    frames = b"".join(lumberjack_event(n, value) for n, value in enumerate(events, 1))
    squeezed = zlib.compress(frames)
    window = b"2W" + struct.pack(">I", len(events)) + b"2C" + struct.pack(">I", len(squeezed)) + squeezed
    last = b"2A" + struct.pack(">I", len(events))
    with socket.create_connection(address(at["beats"]["tcp"]), timeout=20) as connection:
        connection.sendall(window)
        while receive(connection, 6) != last:
            pass
    return len(events)


LISTENERS = [syslog, json_lines, forward, gelf, beats]


def splunk(server, canaries):
    events = [{"event": o, "fields": {"line": o["message"]}} for o in objects(canaries)]
    lines = canaries.lines()
    assert server.post("/services/collector/event?index=logs", "".join(map(json.dumps, events))).json()["code"] == 0
    assert server.post("/services/collector/raw?index=logs&channel=c", "\n".join(lines) + "\n").json()["code"] == 0
    return len(events) + len(lines)


def datadog(server, canaries):
    logs = [{"message": line, "ddsource": "nginx", "ddtags": f"env:prod,line:{line[:20]}", "service": "web", **canaries.fields()} for line in canaries.lines()]
    body = gzip.compress(json.dumps(logs).encode())
    assert server.post("/api/v2/logs", body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json", "Clew-Dataset": "logs"}).status == 202
    return len(logs)


def cloudwatch(server, canaries):
    def page(lines):
        return {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"],
                "logEvents": [{"id": str(n), "timestamp": 1796032800000 + n, "message": line} for n, line in enumerate(lines)]}
    one, two = canaries.lines(), canaries.lines()
    data = base64.b64encode(gzip.compress(json.dumps(page(one)).encode())).decode()
    reply = server.post("/aws/firehose?dataset=logs", {"requestId": "r-1", "timestamp": 1, "records": [{"data": data}]})
    assert reply.status == 200, reply.text
    assert server.post("/aws/cloudwatch?dataset=logs", page(two)).status == 202
    return len(one) + len(two)


def assert_nowhere(server, secrets, agent=None):
    assert found_in(server.data, secrets) == set()
    seen = server.post("/_plugins/_ppl", {"query": "source=* | head 20000"}).text + server.cli("query", "source=* | head 20000", "--raw").stdout
    assert "[redacted:" in seen
    assert [secret for secret in secrets if secret in seen] == []
    said = "".join(server.log) + ("".join(agent.log) if agent else "")
    assert [secret for secret in secrets if secret in said] == []
    if agent:
        assert found_in(agent.directory, secrets) == set()


def events(server):
    reply = server.post("/_plugins/_ppl", {"query": "source=* | stats count() as n"})
    return reply.json()["datarows"][0][0] if reply.status == 200 else 0


def test_no_canary_of_any_receiver_is_anywhere(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, SOURCES))
    canaries, sent = Canaries(11), 0
    for send in LISTENERS:
        sent += send(server.listening["sources"], canaries)
    for send in (splunk, datadog, cloudwatch):
        sent += send(server, canaries)
    wait_for(lambda: events(server) == sent, f"{sent} events")
    assert len(canaries.secrets) > 1000
    assert_nowhere(server, canaries.secrets)  # in the journal
    assert server.post("/clew/v1/flush").status == 200
    assert_nowhere(server, canaries.secrets)  # in segments


def test_no_canary_is_in_an_agent_s_queue(make_server, make_agent, tmp_path):  # noqa: F811
    server = make_server()
    server.listen = server.listening["http"]
    url = server.url
    server.kill()  # what comes stays in the queue
    canaries = Canaries(12)
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-11-30T10:00:00Z INFO app: {line}\n" for line in canaries.lines()))
    objects_log = tmp_path / "app.json"
    objects_log.write_text("".join(json.dumps(o) + "\n" for o in objects(canaries)))
    agent = make_agent("--config", config(tmp_path, f"agent: {{servers: ['{url}']}}\n" + SOURCES +
                                          f"  files: {{files: ['{log}', '{objects_log}'], dataset: logs}}\n"))
    sent = 2 * len(canaries.lines())
    del canaries.secrets[-len(canaries.lines()):]  # these were only counted
    for send in LISTENERS:
        sent += send(agent.ready["sources"], canaries)
    wait_for(lambda: agent.metric("clew_agent_queue_events") >= sent, f"{sent} events in the queue")
    assert len(canaries.secrets) > 500
    assert found_in(agent.directory, canaries.secrets) == set()
    server.start()
    wait_for(lambda: events(server) == sent, f"{sent} events")
    assert_nowhere(server, canaries.secrets, agent)


def test_no_canary_of_standard_input(server, tmp_path):
    canaries = Canaries(13)
    lines = canaries.lines()
    done = subprocess.run([clew_server.BINARY, "agent", "--stdin", "--dataset", "logs", "--url", server.url, "--dir", tmp_path / "agent"],
                          input="\n".join(lines) + "\n", text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert events(server) == len(lines)
    assert found_in(tmp_path / "agent", canaries.secrets) == set()
    assert_nowhere(server, canaries.secrets)
    assert not [secret for secret in canaries.secrets if secret in done.stdout + done.stderr]
