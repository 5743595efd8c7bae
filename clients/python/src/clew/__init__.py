"""clew: structured logging, record transport and goals across processes. Standard library only.

    import logging, clew
    logging.getLogger().addHandler(clew.Handler())          # every line of every library goes to clew
    log = clew.get_logger("order-service")
    with clew.goal("place order", order=7):
        log.info("order_processed", user="alice", amount=50)

Three parts stand alone: `clew.structured` (JSON lines), `clew.record` (a LogRecord as data), `clew.goals`. Names are
loaded when they are first used, so that importing one part does not load the others.
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

__version__ = "0.1.0"

# Where each name of the package lives.
_HOMES = {
    "Handler": "handler", "OtlpHandler": "handler",
    "StdoutHandler": "files", "RotatingFileHandler": "files",
    "JsonFormatter": "structured",
    "fields_of": "record",
    "goal": "goals", "timed": "goals",
    "get_logger": "logger", "StructuredLogger": "logger",
    "bind": "context", "add_fields": "context", "set_request_id": "context", "carry": "context", "clear": "context",
    "follow_threads": "context",
    "headers": "propagate", "inject": "propagate", "extract": "propagate", "follow": "propagate",
    "environment": "propagate",
    "Every": "limits", "RateLimit": "limits",
    "redact_fields": "redact", "redact_text": "redact",
    "subscribe": "subscriber",
}
_MODULES = ("aiohttp", "asgi", "context", "django", "fastapi", "files", "flask", "goals", "handler", "health", "httpx",
            "limits", "logger", "metrics", "propagate", "record", "redact", "requests", "serving", "settings", "starlette",
            "structured", "subscriber", "transport", "urllib3", "values", "wsgi")

if TYPE_CHECKING:
    from .context import add_fields, bind, carry, clear, follow_threads, set_request_id
    from .files import RotatingFileHandler, StdoutHandler
    from .goals import goal, timed
    from .handler import Handler, OtlpHandler
    from .limits import Every, RateLimit
    from .logger import StructuredLogger, get_logger
    from .propagate import environment, extract, follow, headers, inject
    from .record import fields_of
    from .redact import redact_fields, redact_text
    from .structured import JsonFormatter
    from .subscriber import subscribe

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module("." + _HOMES[name], __name__), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module("." + name, __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> List[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
