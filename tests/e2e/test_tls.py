"""Every listener through TLS, as clients of each protocol meet it; certificates that change; agents over https."""
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import urllib.parse

import grpc
import pytest

import clew_server
import protobuf_wire
from test_agent import count_of, make_agent, wait_for  # noqa: F401

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")
NOW = 1_764_000_000_000_000_000
EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


class Authority:
    """DIR/ca.pem, and DIR/NAME.pem with DIR/NAME.key."""

    def __init__(self, directory):
        self.directory = str(directory)
        os.makedirs(self.directory, exist_ok=True)
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                  "/CN=authority", "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))

    def path(self, name):
        return os.path.join(self.directory, name)

    def _run(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=self.directory)

    def issue(self, name):
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                  "-keyout", f"{name}.key", "-out", f"{name}.csr")
        with open(self.path("names"), "w") as names:
            names.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                  "2", "-extfile", "names", "-out", f"{name}.pem")
        return self.path(f"{name}.pem"), self.path(f"{name}.key")

    def context(self, name=None):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if name:
            context.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        return context


@pytest.fixture
def authority(tmp_path):
    made = Authority(tmp_path / "tls")
    made.issue("server")
    made.issue("client")
    return made


def config_of(tmp_path, authority, client_ca=False):
    path = tmp_path / "clew.yaml"
    path.write_text(f"tls:\n  cert: {authority.path('server.pem')}\n  key: {authority.path('server.key')}\n"
                    + (f"  client_ca: {authority.path('ca.pem')}\n" if client_ca else ""))
    return str(path)


def call(address, context, method="GET", path="/health/ready", body=None, headers=None):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def count(server, context, dataset):
    status, body = call(server.listening["http"], context, "POST", "/_plugins/_ppl",
                        json.dumps({"query": f"source={dataset} | stats count() as n"}))
    return json.loads(body)["datarows"][0][0] if status == 200 else 0


def test_all_listeners_speak_tls(make_server, tmp_path, authority):
    server = make_server("--config", config_of(tmp_path, authority))
    context = authority.context()
    status, body = call(server.listening["http"], context, "POST", "/api/v1/import?dataset=t",
                        "".join(json.dumps({"n": i, "message": "m" * 500}) + "\n" for i in range(20_000)))
    assert status == 200 and json.loads(body)["stored"] == 20_000
    export = protobuf_wire.logs_request([{"time": NOW, "body": "over https"}])
    status, _ = call(server.listening["otlp_http"], context, "POST", "/v1/logs", export,
                     {"Content-Type": "application/x-protobuf", "Clew-Dataset": "t"})
    assert status == 200
    with open(authority.path("ca.pem"), "rb") as ca:
        credentials = grpc.ssl_channel_credentials(root_certificates=ca.read())
    with grpc.secure_channel(server.listening["otlp_grpc"], credentials) as channel:
        channel.unary_unary(EXPORT)(export, timeout=20, metadata=(("clew-dataset", "t"),))
    assert count(server, context, "t") == 20_002
    with pytest.raises(ssl.SSLError):
        call(server.listening["http"], ssl.create_default_context())
    told = server.get("/health/ready")
    assert told.status == 400 and "https://" in told.text
    assert server.stop() == 0


def test_live_streams_and_websockets_through_tls(make_server, tmp_path, authority):
    server = make_server("--config", config_of(tmp_path, authority))
    context = authority.context()
    host, port = server.listening["http"].rsplit(":", 1)
    tail = context.wrap_socket(socket.create_connection((host, int(port)), timeout=20), server_hostname=host)
    tail.sendall(f"GET /clew/v1/tail?query= HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    got = b""
    while b'"begin"' not in got:
        got += tail.recv(65536)
    assert got.startswith(b"HTTP/1.1 101 ")
    call(server.listening["http"], context, "POST", "/api/v1/import", '{"message":"through the socket"}\n')
    while b"through the socket" not in got:
        got += tail.recv(65536)
    assert call_metric(server, context, "clew_tails") == 1
    tail.close()
    wait_for(lambda: call_metric(server, context, "clew_tails") == 0, "the end of the WebSocket is seen")
    plain = context.wrap_socket(socket.create_connection((host, int(port)), timeout=20), server_hostname=host)
    plain.sendall(f"GET /clew/v1/tail?query= HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    wait_for(lambda: call_metric(server, context, "clew_tails") == 1, "another reader")
    plain.close()
    wait_for(lambda: call_metric(server, context, "clew_tails") == 0, "the end of the stream is seen")


def call_metric(server, context, name):
    _, body = call(server.listening["http"], context, path="/metrics")
    return sum(float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines() if line.startswith(name))


def test_clients_without_a_certificate_are_not_served(make_server, tmp_path, authority):
    server = make_server("--config", config_of(tmp_path, authority, client_ca=True))
    assert call(server.listening["http"], authority.context("client"))[0] == 200
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        call(server.listening["http"], authority.context())
    roots = open(authority.path("ca.pem"), "rb").read()
    pair = [open(authority.path(name), "rb").read() for name in ("client.key", "client.pem")]
    export = protobuf_wire.logs_request([{"time": NOW, "body": "x"}])
    for credentials, served in ((grpc.ssl_channel_credentials(roots, *pair), True), (grpc.ssl_channel_credentials(roots), False)):
        with grpc.secure_channel(server.listening["otlp_grpc"], credentials) as channel:
            try:
                channel.unary_unary(EXPORT)(export, timeout=5)
                assert served
            except grpc.RpcError:
                assert not served


def test_a_certificate_that_was_replaced_is_used(make_server, tmp_path, authority):
    server = make_server("--config", config_of(tmp_path, authority))
    before = authority.context()
    other = Authority(tmp_path / "other")
    other.issue("server")
    for name in ("server.key", "server.pem"):
        os.replace(other.path(name), authority.path(name))

    def is_new():
        try:
            return call(server.listening["http"], other.context())[0] == 200
        except ssl.SSLError:
            return False

    wait_for(is_new, "the new certificate")
    with pytest.raises(ssl.SSLError):
        call(server.listening["http"], before)


def test_an_agent_and_the_command_line_over_https(make_server, make_agent, tmp_path, authority):
    server = make_server("--config", config_of(tmp_path, authority, client_ca=False))
    url = "https://" + server.listening["http"]
    (tmp_path / "x.log").write_text("".join(f"line {i}\n" for i in range(1000)))
    config = tmp_path / "agent.yaml"
    config.write_text(f"agent:\n  servers: {url}\n  ca: {authority.path('ca.pem')}\n"
                      f"sources:\n  x:\n    files: {tmp_path}/x.log\n    dataset: secure\n")
    make_agent("--config", config)
    context = authority.context()
    wait_for(lambda: count(server, context, "secure") == 1000, "the lines")
    environment = {**os.environ, "CLEW_CA": authority.path("ca.pem")}
    done = subprocess.run([clew_server.BINARY, "query", "--url", url, "source=secure | stats count() as n"],
                          capture_output=True, text=True, env=environment, timeout=30)
    assert done.returncode == 0 and "1000" in done.stdout, done.stderr
    done = subprocess.run([clew_server.BINARY, "query", "--url", url, "source=secure"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 1 and "certificate" in done.stderr, done.stderr


def test_mistakes_are_told(tmp_path, authority):
    def check(text):
        (tmp_path / "bad.yaml").write_text(text)
        done = subprocess.run([clew_server.BINARY, "check", str(tmp_path / "bad.yaml")], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    code, text = check(f"tls:\n  cert: {authority.path('server.pem')}\n  key: {authority.path('client.key')}\n")
    assert code == 1 and "client.key" in text
    code, text = check(f"tls:\n  key: {authority.path('client.key')}\n")
    assert code == 1 and "tls lacks cert" in text
    code, text = check("agent:\n  ca: /nowhere/ca.pem\nsources: {a: {files: /tmp/x}}\n")
    assert code == 1 and "/nowhere/ca.pem" in text
