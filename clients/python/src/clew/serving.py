"""What all middlewares share: a request's ids, its goal, its metrics, and the paths that answer for the process."""
from __future__ import annotations

import re
import time
from typing import Any, Dict, Iterable, NamedTuple, Optional, Tuple

from . import context, goals, health, metrics, propagate

_VARYING = re.compile(r"^(?:\d+|[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})$")


class OwnAnswer(NamedTuple):
    status: int
    content_type: str
    body: bytes


class Serving:
    """The settings of a middleware.

    Each request becomes a goal, `GET /orders/{id}`, failed by an exception or a status of 500 and above; `goals=False`
    keeps to the ids. `health` and `metrics` are served where they are given, and requests are counted in `metrics`.
    """

    def __init__(self, *, health: Optional[health.Health] = None, metrics: Optional[metrics.Registry] = None,
                 goals: bool = True) -> None:
        self._health = health
        self._metrics = metrics
        self._goals = goals
        if metrics is not None:
            labels = ("method", "endpoint", "status")
            self._requests = metrics.counter("http_requests_total", "Requests answered.", labels)
            self._seconds = metrics.histogram("http_request_duration_seconds", "Time to answer.", ("method", "endpoint"))

    def own_answer(self, method: str, path: str) -> Optional[OwnAnswer]:
        """The answer to a health or metrics path; None when the path is the application's."""
        if method not in ("GET", "HEAD"):
            return None
        if self._health is not None:
            found = self._health.answer(path)
            if found is not None:
                return OwnAnswer(found[0], "application/json", health.body_of(found))
        if self._metrics is not None and path == "/metrics":
            return OwnAnswer(200, self._metrics.CONTENT_TYPE, self._metrics.text().encode())
        return None

    def begin(self, method: str, path: str, headers: Iterable[Tuple[Any, Any]], peer: str = "") -> "Request":
        """Takes the ids that the request brings, or makes some, and makes them those of this thread or task."""
        scope = propagate.extract(headers)
        if not scope.request_id:
            scope = scope.replaced(request_id=scope.trace_id or context.new_request_id())
        return Request(self, method, path, scope, peer)

    def count(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        if self._metrics is not None:
            self._requests.inc(method=method, endpoint=endpoint, status=status)
            self._seconds.observe(seconds, method=method, endpoint=endpoint)

    @property
    def makes_goals(self) -> bool:
        return self._goals


class Request:
    """One request being served, from `Serving.begin` to `end`."""

    def __init__(self, serving: Serving, method: str, path: str, scope: context.Scope, peer: str) -> None:
        self._serving = serving
        self._method = method
        self._begun = time.perf_counter()
        self._route = general_path(path)
        self._use = context.use(scope)
        self._use.__enter__()
        self._goal: Optional[goals.goal] = None
        self.request_id = scope.request_id
        self.error: Optional[BaseException] = None
        self._is_over = False
        if serving.makes_goals:
            fields: Dict[str, Any] = {"http.request.method": method, "url.path": path}
            if peer:
                fields["client.address"] = peer
            self._goal = goals.goal(f"{method} {self._route}", **fields).begin()

    @property
    def response_headers(self) -> Tuple[Tuple[str, str], ...]:
        """What goes back to whoever asked."""
        return (("X-Request-ID", self.request_id),)

    def end(self, status: int, route: str = "") -> None:
        """The answer is given. `route` is the framework's pattern for the path; calls after the first do nothing."""
        if self._is_over:
            return
        self._is_over = True
        endpoint = route or self._route
        goal = self._goal
        if goal is not None:
            goal.name = f"{self._method} {endpoint}"
            goal.note(**{"http.response.status_code": status, "http.route": endpoint})
            if self.error is None and status >= 500:
                goal.fail(f"answered {status}")
            goal.end(self.error)
        self._use.__exit__()
        self._serving.count(self._method, endpoint, status, time.perf_counter() - self._begun)


def general_path(path: str) -> str:
    """The path with its numbers and ids as `{id}`: equal work is to have an equal name."""
    parts = path.split("?")[0].split("/")
    return "/".join("{id}" if _VARYING.match(part) else part for part in parts) or "/"
