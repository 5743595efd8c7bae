"""A logger whose lines are an event's name and its fields; they go through logging like all others."""
from __future__ import annotations

import logging
import sys
import traceback
from types import FrameType
from typing import Any, Mapping, Optional

from . import context, limits, names


class StructuredLogger:
    """`log.info("order_processed", user="alice", amount=50)`: `event` and `message` are the name, the rest fields.

    The name of the logger is also the service of its lines. `exc_info`, `stack_info` and `stacklevel` mean what they do
    in logging.
    """

    def __init__(self, name: str, *, service: Optional[str] = None, bound: Optional[Mapping[str, Any]] = None,
                 sampler: Optional[logging.Filter] = None) -> None:
        self.name = name
        self._logger = logging.getLogger(name)
        self._service = name if service is None else service
        self._bound = dict(bound or {})
        self._sampler = sampler

    # --- lines

    def debug(self, event: str, /, **fields: Any) -> None:
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        self._log(logging.ERROR, event, fields)

    def critical(self, event: str, /, **fields: Any) -> None:
        self._log(logging.CRITICAL, event, fields)

    def exception(self, event: str, /, **fields: Any) -> None:
        """An error with the exception being handled."""
        self._log(logging.ERROR, event, {"exc_info": True, **fields})

    def log(self, level: int, event: str, /, **fields: Any) -> None:
        self._log(level, event, fields)

    # --- loggers like this one

    def bind(self, **fields: Any) -> "StructuredLogger":
        """The same logger with fields in each of its lines."""
        return self._with({**self._bound, **fields}, self._sampler)

    def every(self, n: int) -> "StructuredLogger":
        """The same logger, writing the first of each `n` calls at one place; keep it, it does the counting."""
        return self._with(self._bound, limits.Every(n))

    def limit(self, per_second: float, burst: int = 0) -> "StructuredLogger":
        """The same logger, writing at most `per_second` lines from one place; keep it, it does the counting."""
        return self._with(self._bound, limits.RateLimit(per_second, burst))

    def set_request_id(self, request_id: Optional[str] = None) -> str:
        """Names the request for all lines of this thread or task from here on, not only this logger's."""
        return context.set_request_id(request_id)

    def set_level(self, level: int) -> None:
        self._logger.setLevel(level)

    def is_enabled_for(self, level: int) -> bool:
        return self._logger.isEnabledFor(level)

    def _with(self, bound: Mapping[str, Any], sampler: Optional[logging.Filter]) -> "StructuredLogger":
        return StructuredLogger(self.name, service=self._service, bound=bound, sampler=sampler)

    def _log(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        told = {"event": event, **self._bound, **fields}
        if self._service:
            told.setdefault("service.name", self._service)
        info = _exc_info(told.pop("exc_info", None))
        stack_info = bool(told.pop("stack_info", False))
        frame = _caller(told.pop("stacklevel", 1))
        stack = "".join(traceback.format_stack(frame)).rstrip("\n") if stack_info else None
        record = self._logger.makeRecord(self.name, level, frame.f_code.co_filename, frame.f_lineno, event, (), info,
                                         frame.f_code.co_name, names.as_extra(told), stack)
        if self._sampler is None or self._sampler.filter(record):
            self._logger.handle(record)


_OWN_FRAMES = 3  # _caller, _log and info()


def get_logger(name: str, *, service: Optional[str] = None, **fields: Any) -> StructuredLogger:
    """A logger for `name`, which is also the service of its lines unless `service` says otherwise ("" for none)."""
    return StructuredLogger(name, service=service, bound=fields)


def _caller(stacklevel: int) -> FrameType:
    frame = sys._getframe(_OWN_FRAMES)
    while stacklevel > 1 and frame.f_back is not None:
        frame, stacklevel = frame.f_back, stacklevel - 1
    return frame


def _exc_info(given: Any) -> Any:
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    if isinstance(given, tuple):
        return given
    return sys.exc_info() if given else None
