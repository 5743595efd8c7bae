"""Starlette and what stands on it: `clew.starlette.init_app(app)`."""
from __future__ import annotations

from typing import Any

from . import asgi


def init_app(app: Any, **options: Any) -> None:
    """Wraps the whole application, its error pages included. Options as `serving.Serving`.

    Requires: before the application has served its first request.
    """
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: asgi.Middleware(build(), **options)
