"""WSGI: `application = clew.wsgi.Middleware(application)`."""
from __future__ import annotations

import http
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from . import serving

ROUTE = "clew.route"  # where a framework's hook leaves the route and the exception that it handled itself
ERROR = "clew.error"

Environ = Dict[str, Any]


class Middleware:
    """Gives each request its ids and goal, echoes X-Request-ID, and serves health and metrics. See `serving.Serving`."""

    def __init__(self, application: Callable[..., Iterable[bytes]], **options: Any) -> None:
        self._application = application
        self._serving = serving.Serving(**options)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ.get("REQUEST_METHOD", "GET"), environ.get("PATH_INFO", "/")
        own = self._serving.own_answer(method, path)
        if own is not None:
            start_response(_status_line(own.status), [("Content-Type", own.content_type),
                                                      ("Content-Length", str(len(own.body)))])
            return [own.body if method == "GET" else b""]
        return _Served(self._application, environ, start_response,
                       self._serving.begin(method, path, _headers(environ), environ.get("REMOTE_ADDR", "")))


class _Served:
    """The body of an answer; the request ends when the server has sent it all."""

    def __init__(self, application: Callable[..., Iterable[bytes]], environ: Environ,
                 start_response: Callable[..., Any], request: serving.Request) -> None:
        self._environ = environ
        self._request = request
        self._status = 500
        try:
            self._body = application(environ, self._start(start_response))
            self._parts: Iterator[bytes] = iter(self._body)
        except BaseException as error:
            self._end(error)
            raise

    def __iter__(self) -> "_Served":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except StopIteration:
            self._end(None)
            raise
        except BaseException as error:
            self._end(error)
            raise

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._end(None)

    def _start(self, start_response: Callable[..., Any]) -> Callable[..., Any]:
        def start(status: str, headers: List[Tuple[str, str]], exc_info: Any = None) -> Any:
            self._status = int(status.split(" ", 1)[0])
            return start_response(status, [*headers, *self._request.response_headers], exc_info)
        return start

    def _end(self, error: Optional[BaseException]) -> None:
        self._request.error = error or self._environ.get(ERROR)
        status = 500 if error is not None else self._status
        self._request.end(status, self._environ.get(ROUTE, ""))


def _headers(environ: Environ) -> Iterator[Tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:], value


def _status_line(status: int) -> str:
    return f"{status} {http.HTTPStatus(status).phrase}"
