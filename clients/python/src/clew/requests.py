"""requests: the ids of the current request go along with what is asked of others.

`attach(session)` for one session, `instrument()` for all; `uninstrument()` undoes it.
"""
from __future__ import annotations

import functools
from typing import Any

from . import propagate


def attach(session: Any) -> Any:
    """Makes a `requests.Session` send the ids; gives it back."""
    session.send = _with_headers(session.send, 0)
    return session


def instrument() -> None:
    import requests
    if not hasattr(requests.Session.send, "clew_original"):
        requests.Session.send = _with_headers(requests.Session.send, 1)  # type: ignore[method-assign]


def uninstrument() -> None:
    import requests
    requests.Session.send = getattr(requests.Session.send, "clew_original", requests.Session.send)  # type: ignore[method-assign]


def _with_headers(send: Any, place: int) -> Any:
    @functools.wraps(send)
    def send_with_headers(*args: Any, **kwargs: Any) -> Any:
        prepared = args[place] if len(args) > place else kwargs["request"]
        propagate.inject(prepared.headers)
        return send(*args, **kwargs)
    send_with_headers.clew_original = send  # type: ignore[attr-defined]
    return send_with_headers
