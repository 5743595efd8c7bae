"""One HTTP connection that is kept open. http.client writes no log lines, so sending cannot cause more to send."""
from __future__ import annotations

import codecs
import gzip
import http.client
import socket
import urllib.parse
from typing import Dict, Mapping, NamedTuple, Optional

# Connecting looks this codec up, which imports a module the first time. A fork at that moment would leave the child with
# the import lock of a thread that it does not have: so it is looked up here, before there is a second thread.
codecs.lookup("idna")

ANSWER_BYTES_MAX = 65_536
GZIP_BYTES_MIN = 1_024


class Answer(NamedTuple):
    status: int
    body: bytes
    retry_after_s: float

    @property
    def is_accepted(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_worth_retrying(self) -> bool:
        """By OTLP's rules, which are clew's: overload and gateways in between. All else would be refused again."""
        return self.status in (408, 425, 429, 502, 503, 504) or self.status >= 500


class Poster:
    """Posts bodies to one server.

    Threads: one. Errors: OSError or http.client.HTTPException when there is no answer within the timeout.
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float, compress: bool) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r}: expected http://HOST[:PORT] or https://HOST[:PORT]")
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._headers = dict(headers)
        self._timeout_s = timeout_s
        self._compress = compress
        self._connection: Optional[http.client.HTTPConnection] = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent: Dict[str, str] = {**self._headers, **headers, "User-Agent": "clew-python"}
        if self._compress and len(body) >= GZIP_BYTES_MIN:
            body = gzip.compress(body, 1)
            sent["Content-Encoding"] = "gzip"
        try:
            return self._ask(path, body, sent)
        except (ConnectionError, http.client.RemoteDisconnected, http.client.BadStatusLine):
            if not self._was_kept:  # a fresh connection failed: there is no server
                raise
            self.close()  # the server had closed an idle connection: once more on a new one
            return self._ask(path, body, sent)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Closes the socket, saying nothing on the connection: a child after fork closes its copy this way too."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    _was_kept = False

    def _ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self._was_kept = self._connection is not None
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request("POST", path, body, dict(headers))
        reply = self._connection.getresponse()
        text = reply.read(ANSWER_BYTES_MAX)
        retry_after = reply.getheader("Retry-After", "")
        if not reply.isclosed() or reply.will_close:
            self.close()
        return Answer(reply.status, text, float(retry_after) if retry_after.isdigit() else 0.0)

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout_s)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
