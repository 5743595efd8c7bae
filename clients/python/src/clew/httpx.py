"""httpx: the ids of the current request go along with what is asked of others.

`attach(client)` for one Client or AsyncClient, `instrument()` for all; `uninstrument()` undoes it.
"""
from __future__ import annotations

import functools
from typing import Any

from . import propagate


def attach(client: Any) -> Any:
    """Makes an `httpx.Client` or `AsyncClient` send the ids; gives it back."""
    import httpx

    def add(request: Any) -> None:
        propagate.inject(request.headers)

    async def add_async(request: Any) -> None:
        propagate.inject(request.headers)
    hooks = client.event_hooks
    hooks["request"] = [*hooks["request"], add_async if isinstance(client, httpx.AsyncClient) else add]
    client.event_hooks = hooks
    return client


def instrument() -> None:
    import httpx
    for kind in (httpx.Client, httpx.AsyncClient):
        if not hasattr(kind.send, "clew_original"):
            kind.send = _with_headers(kind.send)  # type: ignore[method-assign]


def uninstrument() -> None:
    import httpx
    for kind in (httpx.Client, httpx.AsyncClient):
        kind.send = getattr(kind.send, "clew_original", kind.send)  # type: ignore[method-assign]


def _with_headers(send: Any) -> Any:
    @functools.wraps(send)
    def send_with_headers(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        propagate.inject(request.headers)
        return send(self, request, *args, **kwargs)  # a coroutine, where the client is async
    send_with_headers.clew_original = send  # type: ignore[attr-defined]
    return send_with_headers
