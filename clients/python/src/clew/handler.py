"""Handlers for logging that send each line to clew, or to any OTLP endpoint, without ever waiting for it.

    logging.getLogger().addHandler(clew.Handler())

`emit` takes a snapshot of the record and puts it into a bounded queue; everything else is one background thread's. It
takes no lock that another thread may hold for long, raises nothing, and drops what has no room, counted by `stats()`.
"""
from __future__ import annotations

import hashlib
import logging
import os
import sys
import threading
import weakref
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional

from . import record as records
from . import redact as redaction
from . import settings as sets
from .transport.poster import Poster
from .transport.shipper import Limits, Shipper
from .transport.wire import Form, Line, NdjsonForm, OtlpForm

DEPTH_MAX = 8  # log calls made while a line is being written: an object's __str__ that logs itself must end


class Handler(logging.Handler):
    """Sends lines to clew's HTTP listener, or with `protocol="otlp"` to any OTLP/HTTP endpoint.

    `service` is the program's name in each line; `spill` the directory for what cannot be sent (None: the default,
    "": none); `redact=False` leaves secrets in; `quiet` says nothing on stderr; `fields` stand in each line.

    Crash: kill -9 loses what the last `limits.linger_s` brought; an orderly end, exit() and multiprocessing's included,
    loses nothing that fits on disk.
    """

    def __init__(self, url: str = "", *, service: str = "", dataset: str = "", protocol: str = "",
                 headers: Optional[Mapping[str, str]] = None, spill: Optional[str] = None, redact: bool = True,
                 quiet: bool = False, limits: Optional[Limits] = None, level: int = logging.NOTSET,
                 **fields: Any) -> None:
        super().__init__(level)
        found = sets.from_environment(url, protocol)
        static = {**found.static, **({"service.name": service} if service else {}), **fields}
        chosen = replace(found, dataset=dataset or found.dataset, headers={**found.headers, **(headers or {})},
                         spill=found.spill if spill is None else spill, limits=limits or found.limits)
        self._enabled = chosen.enabled
        self._static = static
        self._redact = redact
        self._depth = threading.local()
        self._form = _form(chosen, static)
        self._shipper = Shipper(self._form, self._line,
                                lambda: Poster(chosen.url, chosen.headers, chosen.timeout_s, chosen.compress),
                                _spill_root(chosen), chosen.limits, quiet)
        self._watches_exit = False
        _after_fork_too(self)

    def handle(self, record: logging.LogRecord) -> bool:
        """Filters and emits, without logging's lock: emit needs none."""
        passed: Any = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        if not self._enabled or self._shipper.is_own_thread():
            return
        depth = getattr(self._depth, "value", 0)
        if depth >= DEPTH_MAX:
            self._shipper.refuse("recursion")
            return
        self._depth.value = depth + 1
        try:
            taken = records.snapshot(record)
            self._shipper.push(taken, taken.size)
            if not self._watches_exit:
                self._watch_exit()
        except Exception:  # whatever it is, the caller has work to do
            self._shipper.refuse("failed")
        finally:
            self._depth.value = depth

    def stats(self) -> Dict[str, int]:
        """accepted, sent, spilled, resent, waiting, dropped, and dropped_REASON of this process."""
        return self._shipper.stats()

    def flush(self, seconds: float = 5.0) -> bool:  # type: ignore[override]
        """True when everything logged so far is with the server or on disk; waits no longer than `seconds`."""
        return self._shipper.flush(seconds) if self._shipper.waiting else True

    def close(self) -> None:
        """Flushes and stops; lines after that are dropped. logging calls it when the process ends."""
        self._shipper.close()
        super().close()

    def _line(self, taken: records.Snapshot) -> Optional[Line]:
        fields = records.complete(taken, self._static)
        if self._redact and redaction.redact_fields(fields):
            self._shipper.counts.add("redacted")
        return self._form.line(fields)

    def _watch_exit(self) -> None:
        """multiprocessing ends its children without atexit; it has finalizers of its own."""
        self._watches_exit = True
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing import util
            util.Finalize(self, self._shipper.close, exitpriority=0)

    def _after_fork(self) -> None:
        self._depth = threading.local()
        self._watches_exit = False
        self._shipper.after_fork()


class OtlpHandler(Handler):
    """`Handler` with protocol="otlp": log records to /v1/logs, goals to /v1/traces."""

    def __init__(self, url: str = "", **options: Any) -> None:
        super().__init__(url or os.environ.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "") or
                         os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "") or "http://127.0.0.1:4318",
                         **{**options, "protocol": "otlp"})


def _form(settings: sets.Settings, static: Mapping[str, Any]) -> Form:
    if settings.protocol == "otlp":
        return OtlpForm(settings.logs_path, settings.traces_path, static)
    return NdjsonForm(settings.dataset)


def _spill_root(settings: sets.Settings) -> str:
    """Below the spill directory, one folder for each place that lines go to: they are not to be mixed."""
    if not settings.spill:
        return ""
    place = f"{settings.url} {settings.protocol} {settings.dataset} {settings.logs_path}"
    return os.path.join(settings.spill, hashlib.sha256(place.encode()).hexdigest()[:16])


def _after_fork_too(handler: Handler) -> None:
    if not hasattr(os, "register_at_fork"):
        return
    known = weakref.ref(handler)

    def in_child() -> None:
        alive = known()
        if alive is not None:
            alive._after_fork()
    os.register_at_fork(after_in_child=in_child)
