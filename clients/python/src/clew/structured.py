"""JSON lines for any logging handler, in the names that the reader knows.

    handler.setFormatter(clew.JsonFormatter("ecs", service="order-service"))

names="record"    LogRecord's own attributes (what clew's handlers send)
names="logstash"  logstash-formatter's V1
names="ecs"       Elastic Common Schema
names="otel"      OpenTelemetry's log data model

Times are UTC with microseconds. Every line is one line; no value makes it fail.
"""
from __future__ import annotations

import logging
from typing import Any, Callable, Dict, Mapping

from . import record as records
from . import values

ECS_VERSION = "8.11.0"

Fields = Dict[str, Any]


class JsonFormatter(logging.Formatter):
    """One JSON object per record."""

    def __init__(self, names: str = "record", *, service: str = "", redact: Callable[[Fields], Any] = lambda _: 0,
                 **static: Any) -> None:
        super().__init__()
        if names not in _LAYOUTS:
            raise ValueError(f"names={names!r}: expected one of {', '.join(sorted(_LAYOUTS))}")
        self._layout = _LAYOUTS[names]
        self._static = {**records.static_fields(service), **static}
        self._redact = redact

    def fields(self, record: logging.LogRecord) -> Fields:
        """The line as a dict."""
        fields = records.fields_of(record, self._static)
        self._redact(fields)
        return self._layout(fields, self._static)

    def format(self, record: logging.LogRecord) -> str:
        return values.to_json(self.fields(record)).decode("utf-8")


def _record_layout(fields: Fields, static: Mapping[str, Any]) -> Fields:
    return fields


def _logstash_layout(fields: Fields, static: Mapping[str, Any]) -> Fields:
    made: Fields = {"@timestamp": fields.pop("@timestamp"), "@version": 1,
                    "source_host": fields.get("host.name", "")}
    stack = fields.pop("exc_text", None)
    fields.pop("exc_info", None)
    made.update(fields)
    if stack:
        made["exception"] = stack.split("\n")
    return made


def _ecs_layout(fields: Fields, static: Mapping[str, Any]) -> Fields:
    made: Fields = {"@timestamp": fields.pop("@timestamp"), "log.level": str(fields.pop("levelname")).lower(),
                    "message": fields.pop("message"), "ecs.version": ECS_VERSION}
    made["log.logger"] = _logger_name(fields)
    _drop(fields, _DERIVED)
    _rename(fields, made, _ECS_NAMES)
    made.update(fields)
    return made


def _otel_layout(fields: Fields, static: Mapping[str, Any]) -> Fields:
    made: Fields = {"timestamp": fields.pop("@timestamp"), "severityText": fields.pop("levelname"),
                    "severityNumber": severity_number(fields.pop("levelno")), "body": fields.pop("message")}
    for name, own in (("trace_id", "traceId"), ("span_id", "spanId")):
        if name in fields:
            made[own] = fields.pop(name)
    made["attributes"] = otel_attributes(fields)
    made["resource"] = {name: fields[name] for name in static if name in fields}
    return made


def otel_attributes(fields: Fields) -> Fields:
    """LogRecord's attributes under OpenTelemetry's names, beside those that the caller gave."""
    left = dict(fields)
    _drop(left, _DERIVED + ("levelno", "host.name", "service.name"))
    made: Fields = {"logger.name": _logger_name(left)}
    _rename(left, made, _OTEL_NAMES)
    made.update(left)
    return made


def severity_number(level: int) -> int:
    """Python's levels as OpenTelemetry's: DEBUG 5, INFO 9, WARNING 13, ERROR 17, CRITICAL 21; between, in proportion."""
    if level < logging.DEBUG:
        return 1
    return min(24, 5 + (level - logging.DEBUG) * 4 // 10)


def _logger_name(fields: Fields) -> Any:
    """The logger's name: `name`, but where a line has a `name` of its own, as goals have."""
    return fields.pop("logger") if "logger" in fields else fields.pop("name", "")


def _drop(fields: Fields, unwanted: Any) -> None:
    for name in unwanted:
        fields.pop(name, None)


def _rename(fields: Fields, into: Fields, table: Mapping[str, str]) -> None:
    for name, own in table.items():
        if name in fields:
            into[own] = fields.pop(name)


# What says the same as another attribute, and is left out where a standard has its own names.
_DERIVED = ("levelno", "msg", "args", "created", "msecs", "relativeCreated", "filename", "module", "exc_info")

_ECS_NAMES = {
    "pathname": "log.origin.file.name", "lineno": "log.origin.file.line",
    "funcName": "log.origin.function", "process": "process.pid", "processName": "process.name",
    "thread": "process.thread.id", "threadName": "process.thread.name", "exc_text": "error.stack_trace",
    "trace_id": "trace.id", "span_id": "span.id", "request_id": "http.request.id", "user_id": "user.id",
}

_OTEL_NAMES = {
    "pathname": "code.file.path", "lineno": "code.line.number",
    "funcName": "code.function.name", "process": "process.pid", "thread": "thread.id", "threadName": "thread.name",
    "exc_text": "exception.stacktrace", "error.type": "exception.type", "error.message": "exception.message",
}

_LAYOUTS: Dict[str, Callable[[Fields, Mapping[str, Any]], Fields]] = {
    "record": _record_layout, "logstash": _logstash_layout, "ecs": _ecs_layout, "otel": _otel_layout,
}
