"""A logging.LogRecord as one flat dict: every attribute it has, every extra of any type, and the request it belongs to.

`fields_of(record)` is what clew's handlers send; it never raises. `values.to_json` writes any of its values.
"""
from __future__ import annotations

import datetime
import decimal
import logging
import os
import socket
import sys
import traceback
import uuid
from typing import Any, Dict, List, Mapping, NamedTuple

from . import context, names, values

STACK_CHARS_MAX = 32_768
SNAPSHOT_BYTES = 1_500  # of memory for a line of the usual attributes

# Attributes that logging sets and that do not change; `args` and `exc_info` are looked at by themselves.
_FIXED = names.RECORD_NAMES
_UNCHANGING = frozenset((type(None), bool, int, float, datetime.datetime, datetime.date, decimal.Decimal, uuid.UUID))


class Snapshot(NamedTuple):
    """What a line will need of a record and of its moment, and that nobody changes any more. `size` is about its memory.

    Taking it is what a log call costs its caller; `complete` may be done later, by another thread.
    """

    message: str
    request: Mapping[str, Any]
    attributes: Dict[str, Any]
    size: int


def fields_of(record: logging.LogRecord, static: Mapping[str, Any] = {}) -> Dict[str, Any]:
    """`@timestamp`, `message`, the request's ids and bound fields, then the record's own attributes under their names.

    `static` (such as service.name) stands first; a field of the record or of its extra wins.
    """
    return complete(snapshot(record), static)


def snapshot(record: logging.LogRecord) -> Snapshot:
    """The record as it is now: mutable values are written out, the exception is turned into text."""
    message = message_of(record)
    attributes = record.__dict__.copy()
    size = SNAPSHOT_BYTES + len(message)
    for name in attributes.keys() - _FIXED:
        value = attributes[name]
        kind = type(value)
        if kind is str:
            size += len(value)
        elif kind not in _UNCHANGING:
            attributes[name] = value = values.plain(value)
            size += len(repr(value))
    if record.args:
        args = values.plain(record.args)
        attributes["args"] = args
        size += len(repr(args))
    if type(record.msg) is not str:
        attributes["msg"] = message
    if record.exc_info or record.exc_text:
        attributes["exc_info"] = attributes["exc_text"] = None
        told = error_fields(record)
        attributes.update(told)
        size += len(told.get("exc_text", ""))
    return tuple.__new__(Snapshot, (message, context.line_fields(), attributes, size))


def complete(taken: Snapshot, static: Mapping[str, Any] = {}) -> Dict[str, Any]:
    """The fields of a line from its snapshot."""
    attributes = taken.attributes
    fields: Dict[str, Any] = {"@timestamp": values.utc_text(attributes["created"]), "message": taken.message}
    fields.update(static)
    fields.update(taken.request)
    fields.update(attributes)
    fields["message"] = taken.message
    apart = fields.pop(names.FIELDS_ATTRIBUTE, None)
    if apart:
        fields.update(apart)
    for name in ("exc_info", "exc_text", "stack_info", "taskName"):
        if fields.get(name, "") is None:
            del fields[name]
    return fields


def message_of(record: logging.LogRecord) -> str:
    """The message with its arguments put in; where they do not fit, both side by side."""
    try:
        return values.cut_text(record.getMessage())
    except Exception:  # wrong arguments, or a __str__ that raises
        return values.cut_text(f"{values.plain(record.msg)} {values.plain(record.args)}")


def error_fields(record: logging.LogRecord) -> Dict[str, Any]:
    """error.type, error.message and the traceback as exc_text; exc_info is named by its type."""
    told: Dict[str, Any] = {}
    kind, error, trace = _exc_info(record)
    if kind is not None:
        told["exc_info"] = told["error.type"] = _type_name(kind)
        told["error.message"] = values.plain(error) if error is None else _text(error)
    text = record.exc_text if isinstance(record.exc_text, str) else ""
    if not text and kind is not None:
        text = stack_text(kind, error, trace)
    if text:
        told["exc_text"] = text[-STACK_CHARS_MAX:]
    return told


def stack_text(kind: Any, error: Any, trace: Any) -> str:
    """The traceback as Python prints it; the end of it, where it is long."""
    try:
        return "".join(traceback.format_exception(kind, error, trace)).rstrip("\n")[-STACK_CHARS_MAX:]
    except Exception:  # an exception whose __str__ raises, a recursion too deep to print
        return _type_name(kind)


def static_fields(service: str = "") -> Dict[str, Any]:
    """What is the same in each line of a process: service.name and host.name."""
    return {"service.name": service or default_service(), "host.name": socket.gethostname()}


def default_service() -> str:
    """OTEL_SERVICE_NAME, else the name of the program."""
    named = os.environ.get("OTEL_SERVICE_NAME", "")
    if named:
        return named
    program = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python"
    if program == "__main__.py":
        program = os.path.basename(os.path.dirname(os.path.abspath(sys.argv[0])))
    return program[:-3] if program.endswith(".py") else program


def _exc_info(record: logging.LogRecord) -> List[Any]:
    info: Any = record.exc_info
    if isinstance(info, BaseException):
        return [type(info), info, info.__traceback__]
    if isinstance(info, tuple) and len(info) == 3:
        return list(info)
    return [None, None, None]


def _type_name(kind: Any) -> str:
    module = getattr(kind, "__module__", "")
    name = getattr(kind, "__qualname__", str(kind))
    return name if module in ("builtins", "") else f"{module}.{name}"


def _text(error: BaseException) -> str:
    try:
        return values.cut_text(str(error), 8_192)
    except Exception:
        return ""
