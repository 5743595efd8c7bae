"""aiohttp's client: the ids of the current request go along with what is asked of others.

`aiohttp.ClientSession(trace_configs=[clew.aiohttp.trace_config()])` for one session, `instrument()` for all.
"""
from __future__ import annotations

import functools
from typing import Any

from . import propagate


def trace_config() -> Any:
    """A TraceConfig that adds the headers."""
    import aiohttp

    async def add(session: Any, context: Any, params: Any) -> None:
        propagate.inject(params.headers)
    config = aiohttp.TraceConfig()
    config.on_request_start.append(add)
    return config


def instrument() -> None:
    import aiohttp
    begin = aiohttp.ClientSession.__init__
    if hasattr(begin, "clew_original"):
        return

    @functools.wraps(begin)
    def begin_with_headers(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs["trace_configs"] = [*(kwargs.get("trace_configs") or ()), trace_config()]
        begin(self, *args, **kwargs)
    begin_with_headers.clew_original = begin  # type: ignore[attr-defined]
    aiohttp.ClientSession.__init__ = begin_with_headers  # type: ignore[method-assign]


def uninstrument() -> None:
    import aiohttp
    begin = aiohttp.ClientSession.__init__
    aiohttp.ClientSession.__init__ = getattr(begin, "clew_original", begin)  # type: ignore[method-assign]
