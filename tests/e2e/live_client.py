"""Clients of streams without an end: records of /clew/v1/tail and of subscriptions, over HTTP and over a WebSocket."""
import base64
import json
import os
import socket
import struct
import urllib.parse


class Stream:
    """One connection. `small`: with hardly any room for what is not read yet."""

    def __init__(self, server, path, params=None, headers=None, small=False, timeout=20):
        host, port = server.listening["http"].rsplit(":", 1)
        self.socket = socket.socket()
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(timeout)
        self.socket.connect((host, int(port)))
        target = path + ("?" + urllib.parse.urlencode(params) if params else "")
        lines = [f"GET {target} HTTP/1.1", f"Host: {host}:{port}"] + [f"{k}: {v}" for k, v in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        for line in iter(self.file.readline, b"\r\n"):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def body(self):
        """The whole answer, of one that has an end."""
        return json.loads(self.file.read(int(self.headers["content-length"])))

    def _chunks(self):
        while True:
            head = self.file.readline()
            size = int(head or b"0", 16)
            data = self.file.read(size + 2)[:-2]
            if not size:
                return
            yield data

    def _lines(self):
        held = b""
        for chunk in self._chunks():
            *whole, held = (held + chunk).split(b"\n")
            yield from whole

    def records(self):
        """NDJSON, until the answer ends."""
        for line in self._lines():
            yield json.loads(line)

    def events(self):
        """Server-sent events as (event, id, data)."""
        event, place, data = "message", "", []
        for line in self._lines():
            name, _, value = line.decode().partition(": ")
            if not line:
                if data:
                    yield event, place, json.loads("\n".join(data))
                event, place, data = "message", "", []
            elif name == "event":
                event = value
            elif name == "id":
                place = value
            elif name == "data":
                data.append(value)


def tail(server, query="", **more):
    """A tail as NDJSON, and its records; of those before `begin` is the backlog."""
    params = {"query": query, "format": "ndjson", **more.pop("params", {})}
    stream = Stream(server, "/clew/v1/tail", params, **more)
    assert stream.status == 200, stream.body()
    return stream, stream.records()


def take(records, kind, count=1):
    """The next `count` records that have that member; heartbeats are passed over, anything else is a mistake."""
    out = []
    while len(out) < count:
        record = next(records)
        if kind in record:
            out.append(record)
        else:
            assert "heartbeat" in record, record
    return out


class WebSocket:
    """As much of RFC 6455 as reading needs."""

    def __init__(self, server, path, params=None, headers=None):
        host, port = server.listening["http"].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        more = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        target = path + ("?" + urllib.parse.urlencode(params) if params else "")
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{more}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        for _ in iter(self.file.readline, b"\r\n"):
            pass

    def messages(self):
        """Texts, until the server closes."""
        while True:
            head = self.file.read(2)
            if len(head) < 2:
                return
            size = head[1] & 0x7f
            if size == 126:
                size = struct.unpack(">H", self.file.read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.file.read(8))[0]
            data = self.file.read(size)
            if head[0] & 0x0f == 8:
                return
            if head[0] & 0x0f == 1:
                yield data.decode()

    def records(self):
        for message in self.messages():
            for line in message.splitlines():
                yield json.loads(line)

    def close(self):
        self.file.close()
        self.socket.close()
