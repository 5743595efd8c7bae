"""Events as they come: `for event in clew.subscribe("level>=warn"): ...`

Without a name it is a tail: what is stored from now on; after a broken connection it goes on where it was, and a reader that
is too slow is told how many events it missed. With `name=` the server keeps the place on disk and every event comes at
least once: the place moves on when the loop asks for the next event after a piece. Any number of subscribers at once.
"""
from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
import urllib.parse
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from . import settings

LINE_BYTES_MAX = 16 * 2**20
QUIET_S = 60.0  # the server says something every 15 s
BACKOFF_LAST_S = 10.0


class Event(NamedTuple):
    """One event: its fields, and the `_id` that it has in the store."""

    id: str
    fields: Dict[str, Any]


class SubscribeError(Exception):
    """The server refuses the query, or what it sends is not what it should be."""


class _Message(NamedTuple):
    kind: str
    id: str
    data: str


class Subscription:
    """An endless iterator of events; `close()` ends it, also from another thread.

    `keep` is a last filter in Python, `on_missed` hears how many events a tail that was too slow has missed.
    Errors: SubscribeError from the iteration; a server that is not there is waited for.
    """

    def __init__(self, query: str = "", *, url: str = "", name: str = "", last: int = 0, oldest: bool = False,
                 keep: Optional[Callable[[Dict[str, Any]], bool]] = None,
                 on_missed: Optional[Callable[[int], None]] = None) -> None:
        self._query = query
        self._url = urllib.parse.urlsplit(url or os.environ.get("CLEW_URL", "") or settings.DEFAULT_URL)
        self._name = name
        self._last = last
        self._oldest = oldest
        self._keep = keep
        self._on_missed = on_missed
        self._place = ""  # of a tail: the last id that we have whole
        self._closed = threading.Event()
        self._connection: Optional[http.client.HTTPConnection] = None
        self._socket: Any = None
        self.missed = 0

    def __iter__(self) -> Iterator[Event]:
        wait_s = 0.2
        while not self._closed.is_set():
            try:
                for event in self._read_connection():
                    wait_s = 0.2
                    yield event
            except (OSError, http.client.HTTPException, ValueError) as error:
                if self._closed.is_set():
                    return
                if isinstance(error, ValueError):
                    raise SubscribeError(f"not what was expected: {error}") from error
            self._disconnect()
            self._closed.wait(wait_s)
            wait_s = min(BACKOFF_LAST_S, wait_s * 2)

    def close(self) -> None:
        self._closed.set()
        self._disconnect()

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def _read_connection(self) -> Iterator[Event]:
        """The events of one connection."""
        reply = self._connect()
        for message in _messages(reply):
            if message.kind == "message":
                told = json.loads(message.data)
                if self._keep is None or self._keep(told["row"]):
                    yield Event(told["id"], told["row"])
            elif message.kind == "up_to":
                self._acknowledge(json.loads(message.data)["up_to"])
            elif message.kind == "missed":
                self._tell_missed(json.loads(message.data)["missed"])
            elif message.kind == "failed":
                raise SubscribeError(_reason(message.data))
            if message.id:
                self._place = message.id

    def _connect(self) -> http.client.HTTPResponse:
        parameters = {"query": self._query}
        path = f"/clew/v1/subscriptions/{urllib.parse.quote(self._name, safe='')}/events" if self._name else "/clew/v1/tail"
        if self._name and self._oldest:
            parameters["start"] = "oldest"
        if not self._name and self._last and not self._place:
            parameters["last"] = str(self._last)
        headers = {"Accept": "text/event-stream"}
        if self._place and not self._name:
            headers["Last-Event-ID"] = self._place
        self._connection = self._new_connection()
        self._connection.request("GET", f"{path}?{urllib.parse.urlencode(parameters)}", headers=headers)
        self._socket = self._connection.sock  # the connection may hand it to the reply and forget it
        reply = self._connection.getresponse()
        if reply.status != 200:
            self._refused(reply.status, reply.read(65_536).decode("utf-8", "replace"))
        return reply

    def _refused(self, status: int, text: str) -> None:
        if status in (408, 429) or status >= 500:
            raise ConnectionError(f"status {status}")  # later
        raise SubscribeError(_reason(text) or f"status {status}")

    def _acknowledge(self, up_to: int) -> None:
        """The loop has had all events up to here: it asked for more."""
        connection = self._new_connection()
        try:
            connection.request("POST", f"/clew/v1/subscriptions/{urllib.parse.quote(self._name, safe='')}/ack",
                               json.dumps({"up_to": up_to}), {"Content-Type": "application/json"})
            connection.getresponse().read()
        finally:
            connection.close()

    def _tell_missed(self, events: int) -> None:
        self.missed += events
        if self._on_missed is not None:
            self._on_missed(events)

    def _new_connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(self._url.hostname or "127.0.0.1", self._url.port, timeout=QUIET_S)

    def _disconnect(self) -> None:
        connection, held = self._connection, self._socket
        self._connection = self._socket = None
        if held is not None:
            try:
                held.shutdown(socket.SHUT_RDWR)  # wakes a thread that reads from it
            except OSError:
                pass  # is closed already
        if connection is not None:
            connection.close()


def subscribe(query: str = "", callback: Optional[Callable[[Event], Any]] = None, **options: Any) -> Any:
    """A `Subscription` to loop over; with `callback` a `Follower` that calls it from a thread of its own."""
    subscription = Subscription(query, **options)
    return subscription if callback is None else Follower(subscription, callback)


class Follower:
    """Calls `callback` with each event, in order, until `close()`. What it raises is counted and does not end it."""

    def __init__(self, subscription: Subscription, callback: Callable[[Event], Any]) -> None:
        self._subscription = subscription
        self._callback = callback
        self.events = 0
        self.failures = 0
        self.error: Optional[SubscribeError] = None
        self._thread = threading.Thread(target=self._run, name="clew-subscriber", daemon=True)
        self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        self._subscription.close()
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def wait(self, events: int, seconds: float) -> bool:
        """True once so many events have come; for scripts and tests."""
        deadline = time.monotonic() + seconds
        while self.events < events and time.monotonic() < deadline and self._thread.is_alive():
            time.sleep(0.01)
        return self.events >= events

    def _run(self) -> None:
        try:
            for event in self._subscription:
                try:
                    self._callback(event)
                except Exception:
                    self.failures += 1
                self.events += 1
        except SubscribeError as error:
            self.error = error


def _messages(reply: http.client.HTTPResponse) -> Iterator[_Message]:
    """Server-sent events."""
    kind, place = "message", ""
    data: List[str] = []
    while True:
        line = reply.readline(LINE_BYTES_MAX)
        if not line:
            raise ConnectionError("the stream ended")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            if data:
                yield _Message(kind, place, "\n".join(data))
            kind, place, data = "message", "", []
            continue
        name, value = _split(text)
        if name == "event":
            kind = value
        elif name == "id":
            place = value
        elif name == "data":
            data.append(value)


def _split(line: str) -> Tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value[1:] if value.startswith(" ") else value


def _reason(text: str) -> str:
    try:
        return str(json.loads(text)["error"]["reason"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
