"""What Vector, Logstash and Fluentd send, written by hand from the documents of their outputs and protocols, since none of the three can be
installed here: the requests in their order (probes of the version, licences, templates, health), their headers, compressions and forms."""
import gzip
import json
import socket
import struct
import time
import zlib

import pytest

import protobuf_wire as pb
from test_agent import count_of, wait_for
from test_listener_clients import event as lumberjack_event, packed, receive
from test_listeners import address, config, of_source

N = 200


def events(n=N):
    return [{"timestamp": f"2026-11-30T10:00:{i % 60:02d}.123456789Z", "message": f"order {i} placed", "level": "info", "n": i, "host": "web-1",
             "source_type": "file", "file": "/var/log/app.log"} for i in range(n)]


def stored(server, source, count=N):
    wait_for(lambda: count_of(server, source) == count, f"{count} events in {source}")
    assert server.rows(f"source={source} | stats sum(n) as s, min(n) as a, max(n) as b") == [{"s": count * (count - 1) // 2, "a": 0, "b": count - 1}]


# --- Vector ---------------------------------------------------------------------------------------------------------------

def test_vector_elasticsearch(server):
    """The sink asks for the version and the cluster's health, then sends gzip'd bulks of `create` (data streams) or `index` actions."""
    assert server.get("/").json()["version"]["number"].split(".")[0] in ("7", "8", "9")
    assert server.get("/_cluster/health").json()["status"] in ("green", "yellow")
    body = ""
    for event in events():
        event["@timestamp"] = event.pop("timestamp")
        event["data_stream"] = {"type": "logs", "dataset": "generic", "namespace": "default"}
        body += json.dumps({"create": {"_index": "logs-generic-default", "_type": "_doc"}}) + "\n" + json.dumps(event) + "\n"
    reply = server.post("/_bulk?timeout=60s", gzip.compress(body.encode()),
                        headers={"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", "User-Agent": "Vector/0.50.0 (x86_64-unknown-linux-gnu)"})
    assert reply.status == 200 and reply.json()["errors"] is False and len(reply.json()["items"]) == N
    assert all(item["create"]["status"] == 201 for item in reply.json()["items"])
    stored(server, "logs-generic-default")


def test_vector_loki(server):
    """Health by GET /ready; then streams as JSON, and as protobuf in Snappy, which is what the sink does unless told otherwise."""
    assert server.get("/ready").status == 200
    now = time.time_ns()
    page = {"streams": [{"stream": {"forwarder": "vector", "host": "web-1"}, "values": [[str(now + i), json.dumps(e)] for i, e in enumerate(events())]}]}
    reply = server.post("/loki/api/v1/push", gzip.compress(json.dumps(page).encode()), headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert reply.status == 204, reply.text
    push = pb.loki_push('{forwarder="vector", host="web-2"}', [(now + i, json.dumps(e)) for i, e in enumerate(events())])
    reply = server.post("/loki/api/v1/push", pytest.importorskip("snappy").compress(push), headers={"Content-Type": "application/x-protobuf"})
    assert reply.status == 204, reply.text
    wait_for(lambda: server.rows("source=* | where forwarder = 'vector' | stats count() as n")[0]["n"] == 2 * N, f"{2 * N} events")


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_vector_http(server, form):
    """encoding.codec: json is an array a request, with framing newline_delimited a line an event; zstd or gzip."""
    if form == "json":
        body, kind = json.dumps(events()), "application/json"
    else:
        body, kind = "".join(json.dumps(e) + "\n" for e in events()), "application/x-ndjson"
    reply = server.post(f"/api/v1/import?dataset=vec&format={form}", gzip.compress(body.encode()), headers={"Content-Type": kind, "Content-Encoding": "gzip"})
    assert reply.status == 200, reply.text
    stored(server, "vec")


def test_vector_opentelemetry(server):
    """The sink posts OTLP to /v1/logs, as protobuf or as JSON."""
    records = [{"time": time.time_ns() + i, "body": f"order {i} placed", "attributes": {"n": i}} for i in range(N)]
    body = pb.logs_request(records, {"service.name": "vec"})
    reply = server.post("/v1/logs", gzip.compress(body), headers={"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", "Clew-Dataset": "vec"})
    assert reply.status == 200
    stored(server, "vec")


# --- Logstash -------------------------------------------------------------------------------------------------------------

def test_logstash_elasticsearch(server):
    """The output's start (HEAD and GET of /, the licence, its template and policy) and its bulks."""
    assert server.request("HEAD", "/").status == 200
    about = server.get("/")
    assert about.json()["tagline"] == "You Know, for Search"
    assert about.headers["X-Elastic-Product"] == "Elasticsearch"
    licence = server.get("/_license")
    assert licence.status == 200 and licence.json()["license"]["status"] == "active"
    assert server.request("HEAD", "/_index_template/ecs-logstash").status in (200, 404)
    template = {"index_patterns": ["ecs-logstash-*"], "template": {"settings": {"index": {"refresh_interval": "5s"}}}, "priority": 200}
    assert server.request("PUT", "/_index_template/ecs-logstash", template).status == 200
    body = ""
    for event in events():
        event.update({"@version": "1", "@timestamp": event.pop("timestamp")[:23] + "Z", "event": {"original": event["message"]}})
        body += json.dumps({"index": {"_id": None, "_index": "ecs-logstash-2026.11.30", "routing": None}}) + "\n" + json.dumps(event) + "\n"
    reply = server.post("/_bulk?filter_path=errors,items.*.error,items.*.status", gzip.compress(body.encode()),
                        headers={"Content-Type": "application/json", "Content-Encoding": "gzip", "x-elastic-product-origin": "logstash-output-elasticsearch"})
    assert reply.status == 200 and reply.json()["errors"] is False, reply.text[:400]
    assert [item["index"]["status"] for item in reply.json()["items"]] == [201] * N
    stored(server, "ecs-logstash-2026.11.30")


def test_logstash_tcp_and_lumberjack(make_server, tmp_path):
    """output { tcp { codec => json_lines } } and output { lumberjack { } }, in clew's listeners."""
    server = make_server("--config", config(tmp_path, "sources:\n  net: {type: json, listen: '127.0.0.1:0', dataset: tcp}\n"
                                                      "  lumber: {type: beats, listen: '127.0.0.1:0', dataset: lumber}\n"))
    with socket.create_connection(address(of_source(server)["tcp"]), timeout=20) as connection:
        connection.sendall("".join(json.dumps({"@version": "1", "@timestamp": e.pop("timestamp"), **e}) + "\n" for e in events()).encode())
    stored(server, "tcp")
    frames = zlib.compress(b"".join(lumberjack_event(i, {"@version": "1", **e}) for i, e in enumerate(events(), 1)))
    with socket.create_connection(address(of_source(server, "lumber")["tcp"]), timeout=20) as connection:
        connection.sendall(b"2W" + struct.pack(">I", N) + b"2C" + struct.pack(">I", len(frames)) + frames)
        while receive(connection, 6) != b"2A" + struct.pack(">I", N):
            pass
    stored(server, "lumber")


# --- Fluentd --------------------------------------------------------------------------------------------------------------

def test_fluentd_forward(make_server, tmp_path):
    """out_forward with require_ack_response: a chunk is [tag, entries, {size, chunk}], entries with EventTime (ext type 0), gzip when
    compress is gzip; the chunk's name is 16 bytes in base64."""
    server = make_server("--config", config(tmp_path, "sources:\n  net: {type: forward, listen: '127.0.0.1:0', dataset: fluentd}\n"))

    def entry(i, event):
        return b"\x92" + b"\xd7\x00" + struct.pack(">II", 1796032800 + i, 123456789) + packed({k: v for k, v in event.items() if k != "timestamp"})
    entries = b"".join(entry(i, e) for i, e in enumerate(events()))
    half = sum(len(entry(i, e)) for i, e in enumerate(events()[:N // 2]))
    with socket.create_connection(address(of_source(server)["tcp"]), timeout=20) as connection:
        for chunk, data, option in (("MTIzNDU2Nzg5MDEyMzQ1Ng==", entries[:half], {}), ("YWJjZGVmZ2hpamtsbW5vcA==", gzip.compress(entries[half:]), {"compressed": "gzip"})):
            connection.sendall(b"\x93" + packed("app.orders") + packed(data) + packed({"size": N // 2, "chunk": chunk, **option}))
            ack = b"\x81" + packed("ack") + packed(chunk)
            assert receive(connection, len(ack)) == ack
    stored(server, "fluentd")
    row = server.rows("source=fluentd n=0 | fields @timestamp, fluent.tag")[0]
    assert row["fluent.tag"] == "app.orders" and row["@timestamp"].startswith("2026-11-30 10:00:00.123456789"[:26])


def test_fluentd_elasticsearch_and_loki(server):
    """fluent-plugin-elasticsearch with logstash_format, and fluent-plugin-grafana-loki."""
    assert server.get("/").status == 200
    body = "".join(json.dumps({"index": {"_index": "logstash-2026.11.30"}}) + "\n" + json.dumps({"@timestamp": e.pop("timestamp"), **e}) + "\n" for e in events())
    reply = server.post("/_bulk", body, headers={"Content-Type": "application/x-ndjson", "User-Agent": "elasticsearch-ruby/8.0"})
    assert reply.status == 200 and not reply.json()["errors"]
    stored(server, "logstash-2026.11.30")
    now = time.time_ns()
    page = {"streams": [{"stream": {"job": "fluentd", "service_name": "shop"}, "values": [[str(now + i), json.dumps(e)] for i, e in enumerate(events())]}]}
    assert server.post("/loki/api/v1/push", page, headers={"Content-Type": "application/json"}).status == 204
    wait_for(lambda: server.rows("source=* | where job = 'fluentd' | stats count() as n")[0]["n"] == N, "the lines of Loki's push")
