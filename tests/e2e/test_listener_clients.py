"""Listeners before the clients that people have: loggers of Python packages, over TCP, UDP and TLS, with acknowledgements."""
import gzip
import hashlib
import json
import os
import socket
import struct
import subprocess
import zlib

import pytest

import foreign
from test_agent import make_agent, wait_for  # noqa: F401
from test_listeners import address, config, of_source, stored

PACKAGES = ("fluent-logger", "pygelf", "pylogbeat", "python-logstash-async", "rfc5424-logging-handler", "splunk-handler")


@pytest.fixture(scope="session")
def python():
    return foreign.python_with("listeners", "pygelf, rfc5424logging, pylogbeat, splunk_handler", *PACKAGES)


def run(python, script, *args):
    done = subprocess.run([python, "-c", script, *map(str, args)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def source(kind, more=""):
    return f"sources:\n  net: {{type: {kind}, listen: '127.0.0.1:0', dataset: net{more}}}\n"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """(cert, key) for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    except FileNotFoundError:
        foreign.give_up("openssl is not installed")
    return cert, key


def test_fluent_logger(make_server, tmp_path, python):
    server = make_server("--config", config(tmp_path, source("forward")))
    host, port = address(of_source(server)["tcp"])
    run(python, """
import sys
from fluent import sender
logger = sender.FluentSender('shop', host=sys.argv[1], port=int(sys.argv[2]), nanosecond_precision=True)
for n in range(3000):
    assert logger.emit_with_time('orders', sender.EventTime(1796032800.25 + n), {'message': 'order %d' % n, 'n': n, 'deep': {'list': [1, 'two']}, 'ok': True})
logger.close()
""", host, port)
    stored(server, 3000)
    row = server.rows("source=net | where n = 2999 | fields message, fluent.tag, `deep.list`, ok, log.source.address, `@timestamp`")[0]
    assert row["message"] == "order 2999" and row["fluent.tag"] == "shop.orders" and row["ok"] is True
    assert row["log.source.address"] == "127.0.0.1"
    assert row["@timestamp"].startswith("2026-11-30 10:49:59.25")


# A client by the book, since the package asks for no acknowledgement.
def packed(value):
    if isinstance(value, dict):
        return struct.pack(">BI", 0xdf, len(value)) + b"".join(packed(k) + packed(v) for k, v in value.items())
    if isinstance(value, list):
        return struct.pack(">BI", 0xdd, len(value)) + b"".join(map(packed, value))
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return struct.pack(">Bq", 0xd3, value)
    kind, data = (0xdb, value.encode()) if isinstance(value, str) else (0xc6, value)
    return struct.pack(">BI", kind, len(data)) + data


def receive(connection, count):
    got = b""
    while len(got) < count:
        try:
            piece = connection.recv(count - len(got))
        except ConnectionResetError:
            break
        if not piece:
            break
        got += piece
    return got


def test_forward_in_all_its_forms_is_acknowledged_when_it_is_stored(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, source("forward")))
    entries = b"".join(packed([1796032800 + n, {"n": n}]) for n in range(1000))
    forms = {"one": ["t", 1796032800, {"n": 0}, {"chunk": "one"}],
             "many": ["t", [[1796032800, {"n": n}] for n in range(1000)], {"chunk": "many", "size": 1000}],
             "packed": ["t", entries, {"chunk": "packed"}],
             "gzip": ["t", gzip.compress(entries[:1000]) + gzip.compress(entries[1000:]), {"chunk": "gzip", "compressed": "gzip"}]}
    total = 0
    with socket.create_connection(address(of_source(server)["tcp"]), timeout=20) as connection:
        for chunk, message in forms.items():
            data = packed(message)
            for begin in range(0, len(data), 5000):
                connection.sendall(data[begin:begin + 5000])
            ack = b"\x81" + packed("ack") + packed(chunk)
            assert receive(connection, len(ack)) == ack
            total += 1 if chunk == "one" else 1000
            assert server.count("net") == total, "acknowledged is stored"
    assert server.rows("source=net | stats sum(n) as s")[0]["s"] == 3 * 499500


def test_forward_asks_for_a_shared_key(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, source("forward", ", shared_key: geheim")))
    where = address(of_source(server)["tcp"])

    def shake(key):
        connection = socket.create_connection(where, timeout=20)
        hello = receive(connection, 1 + 5 + 4 + 1 + (5 + 5) + (5 + 16) + (5 + 4) + 5 + (5 + 9) + 1)
        assert hello.startswith(b"\x92" + packed("HELO"))
        nonce = hello[hello.index(packed("nonce")) + 10 + 5:][:16]
        digest = hashlib.sha512(b"salt" + b"client" + nonce + key.encode()).hexdigest()
        connection.sendall(packed(["PING", "client", b"salt", digest, "", ""]))
        return connection, nonce

    connection, nonce = shake("geheim")
    host = os.uname().nodename
    digest = hashlib.sha512(b"salt" + host.encode() + nonce + b"geheim").hexdigest()
    pong = b"\x95" + packed("PONG") + packed(True) + packed("") + packed(host) + packed(digest)
    assert receive(connection, len(pong)) == pong
    connection.sendall(packed(["t", 1796032800, {"n": 1}]))
    stored(server, 1)
    connection.close()
    connection, _ = shake("falsch")
    assert b"mismatch" in receive(connection, 1000)
    connection.close()
    with socket.create_connection(where, timeout=20) as unasked:
        unasked.sendall(packed(["t", 1796032800, {"n": 2}]))
        receive(unasked, 1000)
    assert server.count("net") == 1
    assert server.metric("clew_events_rejected_total", source="net", reason="forbidden") == 2


@pytest.mark.parametrize("handler", ["GelfUdpHandler(host=h, port=p, compress=True, chunk_size=1300", "GelfUdpHandler(host=h, port=p, compress=False",
                                     "GelfTcpHandler(host=h, port=p"])
def test_pygelf(make_server, tmp_path, python, handler):
    server = make_server("--config", config(tmp_path, source("gelf")))
    host, port = address(of_source(server)["tcp" if "Tcp" in handler else "udp"])
    run(python, f"""
import logging, os, sys
from pygelf import GelfUdpHandler, GelfTcpHandler
h, p = sys.argv[1], int(sys.argv[2])
log = logging.getLogger('shop')
log.setLevel('DEBUG')
log.addHandler({handler}, _app='shop', include_extra_fields=True))
for n in range(200):
    log.error('order %d', n, extra={{'number': n}})
log.debug('large ' + os.urandom(20000).hex())
""", host, port)
    stored(server, 201)
    row = server.rows("source=net | where number = 199 | fields message, level, host.name, app, `@timestamp`")[0]
    assert row["message"] == "order 199" and row["level"] == "err" and row["app"] == "shop" and row["host.name"]
    large = server.rows("source=net | where level = 'debug' | eval n = length(message) | fields n")
    assert large == [{"n": 40006}]


def test_gelf_that_cannot_be_is_counted_and_hurts_nobody(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, source("gelf")))
    at = of_source(server)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for bad in (b"rubbish", b"{", b"[1]", b"\x1f\x8brubbish", b"\x1e\x0f", b"\x1e\x0f12345678\x05\x03x", b"\x1e\x0f12345678\x00\x00x",
                    gzip.compress(b"0" * (8 << 20))):
            sender.sendto(bad, address(at["udp"]))
        sender.sendto(b"\x1e\x0f12345678\x00\x02half", address(at["udp"]))
        sender.sendto(json.dumps({"version": "1.1", "host": "h", "short_message": "good", "_message": "own"}).encode(), address(at["udp"]))
    stored(server, 1)
    assert server.rows("source=net | fields message, gelf.message") == [{"message": "good", "gelf.message": "own"}]
    wait_for(lambda: server.metric("clew_events_rejected_total", source="net") == 8, "eight refused")
    server.assert_counts_add_up()


def test_pylogbeat(make_server, tmp_path, python):
    server = make_server("--config", config(tmp_path, source("beats")))
    host, port = address(of_source(server)["tcp"])
    run(python, """
import sys
from pylogbeat import PyLogBeatClient
with PyLogBeatClient(sys.argv[1], int(sys.argv[2]), ssl_enable=False) as client:
    for window in range(10):
        client.send([{'@timestamp': '2026-11-30T10:00:00.000Z', '@version': '1', 'message': 'order %d' % n, 'n': window * 100 + n} for n in range(100)])
""", host, port)
    stored(server, 1000)
    assert server.rows("source=net | stats sum(n) as s")[0]["s"] == 499500


def event(number, value):
    data = json.dumps(value).encode()
    return b"2J" + struct.pack(">II", number, len(data)) + data


def test_beats_windows_are_acknowledged_when_they_are_stored(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, source("beats")))
    with socket.create_connection(address(of_source(server)["tcp"]), timeout=20) as connection:
        window = b"2W" + struct.pack(">I", 50) + b"".join(event(n, {"n": n}) for n in range(1, 51))
        compressed = zlib.compress(b"".join(event(n, {"n": n}) for n in range(1, 51)))
        pairs = [(b"line", b"old"), (b"n", b"7")]
        data = b"2D" + struct.pack(">II", 1, 2) + b"".join(struct.pack(">I", len(t)) + t for pair in pairs for t in pair)
        for frames, last in ((window, 50), (b"2W" + struct.pack(">I", 50) + b"2C" + struct.pack(">I", len(compressed)) + compressed, 50),
                             (b"1W" + struct.pack(">I", 1) + data, 1)):
            for begin in range(0, len(frames), 311):
                connection.sendall(frames[begin:begin + 311])
            acknowledged = 0
            while acknowledged < last:
                ack = receive(connection, 6)
                assert ack[:2] == b"2A"
                acknowledged = struct.unpack(">I", ack[2:])[0]
    assert server.count("net") == 101, "acknowledged is stored"


def test_lumberjack_that_cannot_be_ends_its_connection_alone(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, source("beats")))
    where = address(of_source(server)["tcp"])
    for bad in (b"GET / HTTP/1.1\r\n\r\n", b"2J" + struct.pack(">II", 1, 0x7fffffff), b"2C" + struct.pack(">I", 4) + b"rubb",
                b"2C" + struct.pack(">I", len(zlib.compress(b"2J"))) + zlib.compress(b"2J")):
        with socket.create_connection(where, timeout=20) as connection:
            connection.sendall(bad)
            assert receive(connection, 1) == b""
    with socket.create_connection(where, timeout=20) as connection:
        connection.sendall(b"2W" + struct.pack(">I", 3) + event(1, [1]) + b"2J" + struct.pack(">II", 2, 1) + b"{" + event(3, {"good": 1}))
        while receive(connection, 6) != b"2A" + struct.pack(">I", 3):
            pass
    assert server.count("net") == 1
    assert server.metric("clew_events_rejected_total", source="net") == 4 + 2
    server.assert_counts_add_up()


def test_an_agent_acknowledges_what_is_in_its_queue(server, make_agent, tmp_path):  # noqa: F811
    agent = make_agent("--config", config(tmp_path, f"agent: {{servers: ['{server.url}']}}\n" + source("beats")))
    with socket.create_connection(address(agent.ready["sources"]["net"]["tcp"]), timeout=20) as connection:
        connection.sendall(b"2W" + struct.pack(">I", 1) + event(1, {"n": 1, "note": "password=hunter2"}))
        assert receive(connection, 6) == b"2A" + struct.pack(">I", 1)
    stored(server, 1)
    assert "hunter2" not in json.dumps(server.rows("source=net"))


def test_rfc5424_logging_handler_over_tls(make_server, tmp_path, python, certificate):
    cert, key = certificate
    server = make_server("--config", config(tmp_path, source("syslog", f", tls: {{cert: {cert}, key: {key}}}")))
    host, port = address(of_source(server)["tls"])
    run(python, """
import logging, sys
from rfc5424logging import Rfc5424SysLogHandler
log = logging.getLogger('shop')
log.setLevel('DEBUG')
handler = Rfc5424SysLogHandler(address=(sys.argv[1], int(sys.argv[2])), socktype=1, enterprise_id=32473, tls_enable=True,
                               tls_ca_bundle=sys.argv[3], tls_verify=True)
log.addHandler(handler)
for n in range(2000):
    log.error('order %d', n, extra={'structured_data': {'order': {'n': str(n)}}})
handler.close()
""", host, port, cert)
    stored(server, 2000)
    row = server.rows("source=net | where message = 'order 1999' | fields level, `syslog.order@32473.n`, process.pid")[0]
    assert row["level"] == "err" and row["syslog.order@32473.n"] == "1999" and row["process.pid"] > 0


def test_a_tls_listener_takes_only_tls(make_server, tmp_path, certificate):
    cert, key = certificate
    server = make_server("--config", config(tmp_path, source("syslog", f", tls: {{cert: {cert}, key: {key}, client_ca: {cert}}}")))
    where = address(of_source(server)["tls"])
    with socket.create_connection(where, timeout=20) as plain:
        plain.sendall(b"<13>plain text before any handshake\n" * 20)
        assert b"plain" not in receive(plain, 1000)
    import ssl
    context = ssl.create_default_context(cafile=cert)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with context.wrap_socket(socket.create_connection(where, timeout=20), server_hostname="127.0.0.1") as nobody:
            nobody.sendall(b"<13>no certificate\n")
            while nobody.recv(1):
                pass
            raise ConnectionError
    context.load_cert_chain(cert, key)
    with context.wrap_socket(socket.create_connection(where, timeout=20), server_hostname="127.0.0.1") as known:
        known.sendall(b"<13>known\n")
        stored(server, 1)
    wait_for(lambda: server.metric("clew_listener_connections_closed_total", source="net", reason="handshake") == 2, "two failed handshakes")


def test_python_logstash_async(make_server, tmp_path, python):
    server = make_server("--config", config(tmp_path, source("json")))
    host, port = address(of_source(server)["tcp"])
    run(python, """
import logging, sys
from logstash_async.handler import AsynchronousLogstashHandler
log = logging.getLogger('shop')
log.setLevel('INFO')
log.addHandler(AsynchronousLogstashHandler(sys.argv[1], int(sys.argv[2]), database_path=None))
for n in range(500):
    log.warning('order %d', n, extra={'n': n})
logging.shutdown()
""", host, port)
    stored(server, 500)
    assert server.rows("source=net | where message = 'order 499' | fields level")[0]["level"] in ("WARNING", "warning")
