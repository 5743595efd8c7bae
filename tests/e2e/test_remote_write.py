"""Prometheus' remote write into a real server, kills in between."""
import struct
import time

import snappy

CONTENT = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
           "X-Prometheus-Remote-Write-Version": "0.1.0"}


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def series(labels, samples):
    message = b"".join(field(1, field(1, name.encode()) + field(2, value.encode())) for name, value in sorted(labels.items()))
    for millis, value in samples:
        message += field(2, varint(1 << 3 | 1) + struct.pack("<d", value) + varint(2 << 3) + varint(millis))
    return field(1, message)


def write(server, *all_series, headers=CONTENT):
    return server.post("/api/v1/write", snappy.compress(b"".join(all_series)), headers=headers)


def metric(server, name):
    lines = server.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_samples_survive_a_kill(make_server):
    server = make_server()
    now = int(time.time() * 1000)
    reply = write(server, series({"__name__": "up", "job": "api"}, [(now, 1.0), (now + 15000, 0.0)]))
    assert reply.status == 204, reply.text
    server.kill()
    server.start()
    assert metric(server, "clew_metric_series") == 1
    again = write(server, series({"__name__": "up", "job": "api"}, [(now + 15000, 0.0)]))
    assert again.status == 204
    assert metric(server, "clew_metric_samples_same_total") == 1, "known from the journal"


def test_what_cannot_be_stored_is_told(server):
    now = int(time.time() * 1000)
    reply = write(server, series({"job": "nameless"}, [(now, 1.0)]), series({"__name__": "up"}, [(now, 1.0)]))
    assert reply.status == 400
    assert reply.text == '1 of 2 samples were refused, the others stored; the first: {job="nameless"}: no metric name\n'
    assert write(server, series({"__name__": "up"}, [(now, 2.0)])).status == 400
    assert metric(server, 'clew_metric_samples_refused_total{reason="duplicate"}') == 1
    for body in (b"no snappy", snappy.compress(b"\xff\xff")):
        reply = server.post("/api/v1/write", body, headers=CONTENT)
        assert reply.status == 400, reply.text
