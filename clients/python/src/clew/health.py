"""Health endpoints for Kubernetes and people: live, ready, startup.

    health = clew.health.Health()
    health.add("database", lambda: connection.execute("select 1"))
    status, body = health.answer("/health/ready")     # 503, {"status": "not ready", "database": false, ...}

The middlewares serve it (`health=health`); a process without a web framework calls `serve(port, health)`.
"""
from __future__ import annotations

import json
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

LIVE = ("/health/live", "/livez", "/healthz")
READY = ("/health/ready", "/readyz")
STARTUP = ("/health/startup",)

Answer = Tuple[int, Dict[str, Any]]


class Health:
    """The checks of one process.

    A check that returns False or raises has failed; so has one that gives no answer in `timeout_s`. Results are kept for
    `keep_s`, so that probes are cheap however many there are. Threads: any.
    """

    def __init__(self, *, keep_s: float = 1.0, timeout_s: float = 1.0, starting: bool = False) -> None:
        self._checks: List["_Check"] = []
        self._keep_s = keep_s
        self._timeout_s = timeout_s
        self._is_started = not starting
        self._is_stopping = False
        self._lock = threading.Lock()
        self._kept: Tuple[float, Answer] = (float("-inf"), (503, {}))

    def add(self, name: str, check: Callable[[], Any]) -> None:
        """A dependency: ready says its name and false when `check` fails."""
        self._checks.append(_Check(name, check))

    def check(self, name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
        """`add` as a decorator."""
        def decorate(function: Callable[[], Any]) -> Callable[[], Any]:
            self.add(name, function)
            return function
        return decorate

    def started(self) -> None:
        """The slow start is over (`Health(starting=True)`)."""
        self._is_started = True

    def stopping(self) -> None:
        """From here on not ready: the balancer sends no more requests."""
        self._is_stopping = True
        self._kept = (float("-inf"), (503, {}))

    def answer(self, path: str) -> Optional[Answer]:
        """(status, JSON body) of a health path, None for any other."""
        path = path.rstrip("/")
        if path in LIVE:
            return 200, {"status": "alive"}
        if path in STARTUP:
            return (200, {"status": "started"}) if self._is_started else (503, {"status": "starting"})
        if path in READY:
            return self._ready()
        return None

    def _ready(self) -> Answer:
        with self._lock:
            taken_at, answer = self._kept
            if time.monotonic() - taken_at < self._keep_s:
                return answer
            answer = self._ask()
            self._kept = (time.monotonic(), answer)
            return answer

    def _ask(self) -> Answer:
        failed: Dict[str, Any] = {}
        reasons: List[str] = []
        if not self._is_started:
            reasons.append("starting")
        if self._is_stopping:
            reasons.append("stopping")
        deadline = time.monotonic() + self._timeout_s
        for check in self._checks:
            check.begin()
        for check in self._checks:
            reason = check.reason(deadline)
            if reason:
                failed[check.name] = False
                reasons.append(f"{check.name}: {reason}")
        if not reasons:
            return 200, {"status": "ready"}
        return 503, {"status": "not ready", **failed, "reason": "; ".join(reasons)}


class _Check:
    """Runs a check in a thread of its own, one at a time: a check that hangs costs one thread."""

    def __init__(self, name: str, function: Callable[[], Any]) -> None:
        self.name = name
        self._function = function
        self._thread: Optional[threading.Thread] = None
        self._reason = ""

    def begin(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name=f"health-{self.name}", daemon=True)
            self._thread.start()

    def reason(self, deadline: float) -> str:
        """Why it failed, "" when it has not."""
        thread = self._thread
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                return "no answer in time"
        return self._reason

    def _run(self) -> None:
        try:
            self._reason = "failed" if self._function() is False else ""
        except Exception as error:
            self._reason = f"{type(error).__name__}: {error}"


def body_of(answer: Answer) -> bytes:
    return json.dumps(answer[1]).encode()


def serve(port: int, health: Optional[Health] = None, metrics: Any = None, host: str = "127.0.0.1") -> Any:
    """Serves health and /metrics from a thread; `.server_address` says where (port 0: any), `.shutdown()` ends it."""
    import http.server

    class Handle(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answer = health.answer(path) if health is not None else None
            if answer is not None:
                self._send(answer[0], "application/json", body_of(answer))
            elif metrics is not None and path == "/metrics":
                self._send(200, metrics.CONTENT_TYPE, metrics.text().encode())
            else:
                self._send(404, "text/plain", b"not found\n")

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass  # probes are no news

    server = http.server.ThreadingHTTPServer((host, port), Handle)
    threading.Thread(target=server.serve_forever, name="clew-health", daemon=True).start()
    return server
