"""Names of fields: which ones logging has taken, and how a caller's fields get past them."""
from __future__ import annotations

from typing import Any, Dict, Mapping

# What a logging.LogRecord has of its own, in every Python from 3.9 on; `extra=` refuses these names.
RECORD_NAMES = frozenset((
    "name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info", "exc_text",
    "stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated", "thread", "threadName", "processName",
    "process", "taskName", "message", "asctime"))

# Names whose meaning a line cannot lose: a caller's field of this name goes below `fields.`.
_KEPT_NAMES = frozenset((
    "created", "msecs", "relativeCreated", "levelno", "levelname", "message", "msg", "args", "exc_info", "exc_text",
    "stack_info", "asctime", "@timestamp"))

# The attribute of a LogRecord with the fields that `extra=` would refuse; they win over the record's own.
FIELDS_ATTRIBUTE = "clew_fields"


def as_extra(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """`fields` as an `extra=` that logging takes: ordinary names as they are, those of a LogRecord set apart."""
    if RECORD_NAMES.isdisjoint(fields) and "@timestamp" not in fields:
        return dict(fields)
    extra: Dict[str, Any] = {}
    apart: Dict[str, Any] = {}
    for name, value in fields.items():
        if name in _KEPT_NAMES:
            apart["fields." + name] = value
        elif name in RECORD_NAMES:
            apart[name] = value
        else:
            extra[name] = value
    extra[FIELDS_ATTRIBUTE] = apart
    return extra
