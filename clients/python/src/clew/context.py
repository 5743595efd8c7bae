"""Who is asking: the ids and fields of the request at hand, carried by contextvars.

A Scope is never changed, only replaced, so a line reads it without a lock and tasks of asyncio do not see each other's.
Threads begin without one: hand it over with `carry(function)`, or for all threads with `follow_threads()`.
"""
from __future__ import annotations

import contextvars
import functools
import sys
import uuid
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


class Scope:
    """The ids of the current goal or request and the fields bound to it. `line_fields` is what each line gets."""

    __slots__ = ("trace_id", "span_id", "request_id", "trace_state", "bound", "line_fields", "foreign_span")

    def __init__(self, trace_id: str = "", span_id: str = "", request_id: str = "", trace_state: str = "",
                 bound: Optional[Mapping[str, Any]] = None, foreign_span: str = "") -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.request_id = request_id
        self.trace_state = trace_state
        self.bound: Dict[str, Any] = dict(bound or {})
        self.foreign_span = foreign_span  # OpenTelemetry's current span when this scope began
        self.line_fields: Dict[str, Any] = dict(self.bound)
        for name in ("trace_id", "span_id", "request_id"):
            if getattr(self, name):
                self.line_fields[name] = getattr(self, name)

    def replaced(self, **changes: Any) -> "Scope":
        """The same with other values."""
        kept = {name: getattr(self, name) for name in
                ("trace_id", "span_id", "request_id", "trace_state", "bound", "foreign_span")}
        return Scope(**{**kept, **changes})


_NOTHING = Scope()
_scope: "contextvars.ContextVar[Scope]" = contextvars.ContextVar("clew_scope", default=_NOTHING)


def current() -> Scope:
    """The scope of this task or thread. With an OpenTelemetry span inside it, that span's ids."""
    scope = _scope.get()
    span = foreign_span()
    if span is None or span[1] == scope.foreign_span:
        return scope
    return scope.replaced(trace_id=span[0], span_id=span[1], foreign_span=span[1])


def line_fields() -> Mapping[str, Any]:
    """What a log line written here should carry; not to be changed."""
    return current().line_fields


def foreign_span() -> Any:
    """(trace_id, span_id) of OpenTelemetry's current span, None where there is none or no such library is loaded."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    try:
        found = api.get_current_span().get_span_context()
        return (format(found.trace_id, "032x"), format(found.span_id, "016x")) if found.is_valid else None
    except Exception:  # half-loaded, or another version: do without
        return None


class bind:
    """Adds fields to every line written inside the block: `with clew.bind(user_id="alice"):`."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields
        self._entered = use()

    def __enter__(self) -> "bind":
        scope = _scope.get()
        self._entered = use(scope.replaced(bound={**scope.bound, **self._fields}))
        self._entered.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._entered.__exit__(*error)


class use:
    """Makes a scope the current one inside the block."""

    def __init__(self, scope: Scope = _NOTHING) -> None:
        self.scope = scope
        self._before = _NOTHING
        self._token: Any = None

    def __enter__(self) -> Scope:
        self._before = _scope.get()
        self._token = _scope.set(self.scope)
        return self.scope

    def __exit__(self, *error: Any) -> None:
        try:
            _scope.reset(self._token)
        except ValueError:  # left in another context than entered, as generators of asyncio may be
            _scope.set(self._before)


def add_fields(**fields: Any) -> None:
    """Adds fields to every line of this task or thread from here on."""
    scope = _scope.get()
    _scope.set(scope.replaced(bound={**scope.bound, **fields}))


def set_request_id(request_id: Optional[str] = None) -> str:
    """Names the request for every line of this task or thread from here on; makes a name when given none."""
    chosen = request_id or new_request_id()
    _scope.set(_scope.get().replaced(request_id=chosen))
    return chosen


def clear() -> None:
    """Forgets ids and fields: for loops that serve one request after the other in one thread."""
    _scope.set(_NOTHING)


def new_request_id() -> str:
    return str(uuid.uuid4())


def carry(function: _F) -> _F:
    """`function`, to be run in another thread with the scope of this one."""
    context = contextvars.copy_context()

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return context.copy().run(function, *args, **kwargs)  # a copy: one context cannot be entered twice
    return run  # type: ignore[return-value]


def follow_threads() -> None:
    """From here on new threads, and work given to thread pools, begin with the scope of who started them."""
    import concurrent.futures
    import threading

    if getattr(threading.Thread.start, "clew_follows", False):
        return
    start = threading.Thread.start
    submit: Any = concurrent.futures.ThreadPoolExecutor.submit

    @functools.wraps(start)
    def start_with_scope(self: Any) -> None:
        self.run = carry(self.run)
        start(self)

    @functools.wraps(submit)
    def submit_with_scope(self: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return submit(self, carry(function), *args, **kwargs)

    start_with_scope.clew_follows = True  # type: ignore[attr-defined]
    threading.Thread.start = start_with_scope  # type: ignore[method-assign]
    concurrent.futures.ThreadPoolExecutor.submit = submit_with_scope  # type: ignore[method-assign,assignment]
