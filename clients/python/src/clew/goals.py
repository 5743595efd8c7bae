"""Goals: what a piece of code tries to achieve, and whether it did, across functions, threads and processes.

    with clew.goal("charge card", order=7) as goal:
        ...

writes two log records, `goal.start` and `goal.end` (docs/protocols/goals.md), through logging's logger `clew.goals`: any
handler takes them. Lines written inside carry the goal's ids; an exception makes the goal failed, with its reason, and
goes on its way. Nothing here raises by itself.
"""
from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
import time
import traceback
from types import CodeType, FrameType
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar, overload

from . import context, names, propagate, values

_F = TypeVar("_F", bound=Callable[..., Any])

LOGGER = "clew.goals"
STACK_CHARS_MAX = 16_384
_REPORTED = "_clew_reported"  # set on an exception whose stack a goal has told: the goals around it do not repeat it


class goal:
    """A goal, begun by `with` or `async with`; as a decorator, one for each call of the function.

    Its parent is the goal around it, else the request that `follow()` or a middleware named, else the process that
    started this one (TRACEPARENT), else it is the root of a new tree. One object is one goal at a time.
    """

    def __init__(self, name: str, /, **fields: Any) -> None:
        self.name = name
        self.trace_id = ""
        self.span_id = ""
        self.parent_span_id = ""
        self.outcome = "open"
        self.reason = ""
        self._fields = fields
        self._begun_ns = 0
        self._use = context.use()

    # --- inside a goal

    def note(self, **fields: Any) -> None:
        """Adds fields to the goal's end."""
        self._fields = {**self._fields, **fields}

    def fail(self, reason: str, **fields: Any) -> None:
        """Says that the goal is not achieved, where no exception does."""
        self.outcome, self.reason = "failed", reason
        self.note(**fields)

    def headers(self) -> Dict[str, str]:
        """What makes another process's goals part of this one: HTTP headers, or members of a message."""
        return propagate.headers(self._use.scope)

    # --- where `with` cannot stand around the work

    def begin(self) -> "goal":
        """Begins the goal; `end` must follow, in the same thread or task."""
        self._begin(sys._getframe(1))
        return self

    def end(self, error: Optional[BaseException] = None) -> None:
        """Ends it; failed when there is an error, or after fail()."""
        self._use.__exit__()
        self._end(error, sys._getframe(1))

    # --- with

    def __enter__(self) -> "goal":
        self._begin(sys._getframe(1))
        return self

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        self._use.__exit__()
        self._end(error, sys._getframe(1))

    async def __aenter__(self) -> "goal":
        self._begin(sys._getframe(1))
        return self

    async def __aexit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        self._use.__exit__()
        self._end(error, sys._getframe(1))

    # --- decorator

    def __call__(self, function: _F) -> _F:
        """`@clew.goal("charge card")`"""
        name, fields = self.name, self._fields

        def around(frame: FrameType) -> "goal":
            made = goal(name, **fields)
            made._begin(frame)
            return made
        return _wrapped(function, around)

    # --- what is written

    def _begin(self, frame: FrameType) -> None:
        outer = context.current()
        if not outer.trace_id:
            outer = _from_parent_process(outer)
        self.trace_id = outer.trace_id or propagate.new_trace_id()
        self.span_id = propagate.new_span_id()
        self.parent_span_id = outer.span_id
        self.outcome, self.reason = "open", ""
        span = context.foreign_span()
        self._use = context.use(outer.replaced(trace_id=self.trace_id, span_id=self.span_id,
                                               foreign_span=span[1] if span else ""))
        self._use.__enter__()
        self._begun_ns = time.perf_counter_ns()
        _write(logging.INFO, f"{self.name}: begins", frame, self._line("goal.start"))

    def _end(self, error: Optional[BaseException], frame: FrameType) -> None:
        duration_ms = (time.perf_counter_ns() - self._begun_ns) / 1e6
        told: Dict[str, Any] = {"duration_ms": round(duration_ms, 3)}
        if error is not None and not _is_success(error):
            self.outcome = "failed"
            self.reason = self.reason or reason_of(error)
            told.update(_error_fields(error))
        elif self.outcome == "open":
            self.outcome = "ok"
        told["outcome"] = self.outcome
        if self.outcome == "failed":
            told["reason"] = values.cut_text(str(self.reason), 1_000)
        level = logging.ERROR if self.outcome == "failed" else logging.INFO
        _write(level, _end_message(self.name, duration_ms, self.reason), frame, {**self._line("goal.end"), **told})

    def _line(self, event: str) -> Dict[str, Any]:
        line = {**self._use.scope.bound, **self._fields, "event": event, "goal": True, "name": self.name,
                "trace_id": self.trace_id, "span_id": self.span_id}
        if self.parent_span_id:
            line["parent_span_id"] = self.parent_span_id
        if self._use.scope.request_id:
            line["request_id"] = self._use.scope.request_id
        return line


class _Step:
    """One call of a `@timed` function: a span that is no goal."""

    def __init__(self, name: str, level: int, over_ms: float, fields: Mapping[str, Any]) -> None:
        self._name, self._level, self._over_ms, self._fields = name, level, over_ms, fields
        self._outer = context.current()
        self._span_id = propagate.new_span_id() if self._outer.trace_id else ""
        self._use = context.use(self._outer.replaced(span_id=self._span_id) if self._span_id else self._outer)
        self._use.__enter__()
        self._begun = time.time()
        self._begun_ns = time.perf_counter_ns()

    def _end(self, error: Optional[BaseException], frame: FrameType) -> None:
        duration_ms = (time.perf_counter_ns() - self._begun_ns) / 1e6
        self._use.__exit__()
        if duration_ms < self._over_ms:
            return
        line: Dict[str, Any] = {**self._outer.line_fields, **self._fields, "event": "timed", "function": self._name,
                                "duration_ms": round(duration_ms, 3)}
        if self._span_id:
            line.update({"span_id": self._span_id, "name": self._name, "start": values.utc_text(self._begun)})
            if self._outer.span_id:
                line["parent_span_id"] = self._outer.span_id
        if error is not None and not _is_success(error):
            line.update({"status.code": "error", "error.type": type(error).__name__, "error.message": _text_of(error)})
        reason = reason_of(error) if error is not None else ""
        _write(self._level, _end_message(self._name, duration_ms, reason), frame, line)


@overload
def timed(function: _F, /) -> _F: ...
@overload
def timed(*, name: str = "", level: int = logging.INFO, over_ms: float = 0, **fields: Any) -> Callable[[_F], _F]: ...


def timed(function: Any = None, /, *, name: str = "", level: int = logging.INFO, over_ms: float = 0,
          **fields: Any) -> Any:
    """Decorator: each call writes a line with `function` and `duration_ms`; inside a goal it is a step of the tree.

    `over_ms` leaves out calls that took less. `@clew.timed` and `@clew.timed(over_ms=50)` both work.
    """
    def decorate(target: _F) -> _F:
        label = name or f"{_module_of(target)}.{target.__qualname__}"
        return _wrapped(target, lambda frame: _Step(label, level, over_ms, fields))
    return decorate(function) if function is not None else decorate


def _module_of(function: Callable[..., Any]) -> str:
    """The module's name; of a program, its file's, because `__main__` says nothing."""
    code = getattr(function, "__code__", None)
    if function.__module__ != "__main__" or code is None:
        return str(function.__module__)
    path: str = code.co_filename
    return os.path.splitext(os.path.basename(path))[0]


def reason_of(error: BaseException) -> str:
    """One line for a person: `TYPE: TEXT`."""
    text = _text_of(error).strip()
    first = text.splitlines()[0] if text else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _wrapped(function: _F, around: Callable[[FrameType], Any]) -> _F:
    if inspect.iscoroutinefunction(function):
        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            begun = around(_frame_of(function))
            error = None
            try:
                return await function(*args, **kwargs)
            except BaseException as caught:
                error = caught
                raise
            finally:
                _leave(begun, error, function)
        return run_async  # type: ignore[return-value]

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        begun = around(_frame_of(function))
        error = None
        try:
            return function(*args, **kwargs)
        except BaseException as caught:
            error = caught
            raise
        finally:
            _leave(begun, error, function)
    return run  # type: ignore[return-value]


def _leave(begun: Any, error: Optional[BaseException], function: Any) -> None:
    if isinstance(begun, goal):
        begun._use.__exit__()
    begun._end(error, _frame_of(function))


class _Place:
    """Stands for a frame where a decorated function is to be named rather than its caller."""

    def __init__(self, code: CodeType) -> None:
        self.f_code, self.f_lineno = code, code.co_firstlineno


def _frame_of(function: Any) -> Any:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return _Place(code) if code is not None else sys._getframe(2)


def _from_parent_process(scope: context.Scope) -> context.Scope:
    told = propagate.extract_environment()
    return scope.replaced(trace_id=told.trace_id, span_id=told.span_id, trace_state=told.trace_state,
                          request_id=scope.request_id or told.request_id)


def _is_success(error: BaseException) -> bool:
    return isinstance(error, GeneratorExit) or isinstance(error, SystemExit) and error.code in (None, 0)


def _text_of(error: BaseException) -> str:
    try:
        return values.cut_text(str(error), 2_000)
    except Exception:  # an exception whose __str__ raises
        return ""


def _error_fields(error: BaseException) -> Dict[str, Any]:
    kind = type(error)
    told = {"error.type": kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}",
            "error.message": _text_of(error)}
    if getattr(error, _REPORTED, False):
        return told
    try:
        setattr(error, _REPORTED, True)
        stack = "".join(traceback.format_exception(kind, error, error.__traceback__))
        told["error.stack"] = stack[-STACK_CHARS_MAX:]
    except Exception:  # slots, or a __str__ that raises: the goal is told without a stack
        pass
    return told


def _end_message(name: str, duration_ms: float, reason: str) -> str:
    return f"{name}: failed after {duration_ms:.1f} ms, {reason}" if reason else f"{name}: ok in {duration_ms:.1f} ms"


def _write(level: int, message: str, frame: Any, fields: Mapping[str, Any]) -> None:
    """Writes a record to `clew.goals`' handlers. A dictConfig that disables loggers which exist does not silence it."""
    try:
        logger = logging.getLogger(LOGGER)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)  # goals are told even where the root logger asks for warnings only
        if level < logger.level or logger.manager.disable >= level:
            return
        record = logger.makeRecord(LOGGER, level, frame.f_code.co_filename, frame.f_lineno, message, (), None,
                                   frame.f_code.co_name, names.as_extra({**fields, "logger": LOGGER}))
        if logger.filter(record):
            logger.callHandlers(record)
    except Exception:  # a handler of the application's that raises: its trouble, never the caller's
        if logging.raiseExceptions:
            traceback.print_exc()


logging.getLogger("clew").addHandler(logging.NullHandler())
