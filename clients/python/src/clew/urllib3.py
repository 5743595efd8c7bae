"""urllib3: the ids of the current request go along; `instrument()` for all pools, `uninstrument()` undoes it.

For one call: `pool.request("GET", url, headers=clew.headers())`.
"""
from __future__ import annotations

import functools
from typing import Any, Mapping, Optional

from . import propagate


def instrument() -> None:
    import urllib3
    pool = urllib3.connectionpool.HTTPConnectionPool
    if hasattr(pool.urlopen, "clew_original"):
        return
    urlopen = pool.urlopen

    @functools.wraps(urlopen)
    def urlopen_with_headers(self: Any, method: str, url: str, body: Any = None,
                             headers: Optional[Mapping[str, str]] = None, *args: Any, **kwargs: Any) -> Any:
        sent = dict(headers if headers is not None else self.headers or {})
        return urlopen(self, method, url, body, propagate.inject(sent), *args, **kwargs)
    urlopen_with_headers.clew_original = urlopen  # type: ignore[attr-defined]
    pool.urlopen = urlopen_with_headers  # type: ignore[method-assign]


def uninstrument() -> None:
    import urllib3
    pool = urllib3.connectionpool.HTTPConnectionPool
    pool.urlopen = getattr(pool.urlopen, "clew_original", pool.urlopen)  # type: ignore[method-assign]
