"""ASGI: `application = clew.asgi.Middleware(application)`."""
from __future__ import annotations

from typing import Any, Awaitable, Callable, Dict, MutableMapping

from . import serving

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Middleware:
    """Gives each HTTP request its ids and goal, echoes X-Request-ID, serves health and metrics. See `serving.Serving`.

    Websockets get the ids that they bring; lifespan messages pass.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        self._app = app
        self._serving = serving.Serving(**options)

    async def __call__(self, scope: Dict[str, Any], receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)  # type: ignore[no-any-return]
        own = self._serving.own_answer(scope["method"], scope["path"])
        if own is not None:
            return await _send_own(own, scope["method"], send)
        peer = (scope.get("client") or ("",))[0]
        request = self._serving.begin(scope["method"], scope["path"], scope["headers"], peer)
        await self._serve(scope, receive, send, request)

    async def _serve(self, scope: Dict[str, Any], receive: Any, send: Send, request: serving.Request) -> None:
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                echoed = [(name.lower().encode(), value.encode()) for name, value in request.response_headers]
                message = {**message, "headers": [*message.get("headers", ()), *echoed]}
            await send(message)
        try:
            await self._app(scope, receive, send_with_id)
        except BaseException as error:
            request.error = error
            raise
        finally:
            request.end(500 if request.error is not None else status, _route(scope))


def _route(scope: Dict[str, Any]) -> str:
    """The pattern that a router found, where it says so (FastAPI, newer Starlette)."""
    path = getattr(scope.get("route"), "path", "")
    return path if isinstance(path, str) else ""


async def _send_own(own: serving.OwnAnswer, method: str, send: Send) -> None:
    await send({"type": "http.response.start", "status": own.status,
                "headers": [(b"content-type", own.content_type.encode()),
                            (b"content-length", str(len(own.body)).encode())]})
    await send({"type": "http.response.body", "body": own.body if method == "GET" else b""})
