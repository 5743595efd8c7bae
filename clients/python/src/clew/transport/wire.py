"""The two forms that lines are sent in: a form turns the fields of one event into a `Line`, and lines of one kind into a
request.
"""
from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Protocol, Tuple

from .. import structured, values

EVENT_BYTES_MAX = 262_144  # a longer event is cut: its texts first, then its fields


class Line(NamedTuple):
    """An encoded event. `kind` says which request it belongs to ("logs", "traces")."""

    kind: str
    data: bytes


class Request(NamedTuple):
    path: str
    content_type: str
    body: bytes


class Form(Protocol):
    def line(self, fields: Dict[str, Any]) -> Optional[Line]:
        """The event, encoded; None for one that this form does not send."""

    def request(self, kind: str, lines: List[bytes]) -> Request:
        """The request that carries the lines."""

    def rejected(self, body: bytes) -> int:
        """How many events an accepting answer says were refused."""


class NdjsonForm:
    """clew's own import: a JSON object a line."""

    def __init__(self, dataset: str) -> None:
        self._path = f"/api/v1/import?dataset={dataset}"

    def line(self, fields: Dict[str, Any]) -> Optional[Line]:
        return Line("logs", _bounded(values.to_json(fields), fields))

    def request(self, kind: str, lines: List[bytes]) -> Request:
        return Request(self._path, "application/x-ndjson", b"\n".join(lines) + b"\n")

    def rejected(self, body: bytes) -> int:
        return _int_in(body, "rejected")


class OtlpForm:
    """OTLP/HTTP in JSON: lines are log records, the end of a goal is a span."""

    def __init__(self, logs_path: str, traces_path: str, resource: Mapping[str, Any]) -> None:
        self._paths = {"logs": logs_path, "traces": traces_path}
        self._resource = _attributes(resource)
        self._resource_names = frozenset(resource)

    def line(self, fields: Dict[str, Any]) -> Optional[Line]:
        event = fields.get("event")
        if fields.get("goal") is True and event in ("goal.start", "goal.end"):
            return Line("traces", values.to_json(self._span(fields))) if event == "goal.end" else None
        return Line("logs", values.to_json(self._log(fields)))

    def request(self, kind: str, lines: List[bytes]) -> Request:
        names = ("resourceSpans", "scopeSpans", "spans") if kind == "traces" else \
            ("resourceLogs", "scopeLogs", "logRecords")
        resource = json.dumps({"attributes": self._resource}).encode()
        body = (b'{"%s":[{"resource":%s,"%s":[{"scope":{"name":"clew"},"%s":[' %
                (names[0].encode(), resource, names[1].encode(), names[2].encode()) + b",".join(lines) + b"]}]}]}")
        return Request(self._paths[kind], "application/json", body)

    def rejected(self, body: bytes) -> int:
        return _int_in(body, "rejectedLogRecords") + _int_in(body, "rejectedSpans")

    def _log(self, fields: Dict[str, Any]) -> Dict[str, Any]:
        made: Dict[str, Any] = {"timeUnixNano": str(_nanos(fields["created"])), "severityText": fields["levelname"],
                                "severityNumber": structured.severity_number(fields["levelno"]),
                                "body": {"stringValue": values.plain(fields["message"])}}
        if _is_hex(fields.get("trace_id"), 32):
            made["traceId"] = fields["trace_id"]
            if _is_hex(fields.get("span_id"), 16):
                made["spanId"] = fields["span_id"]
        made["attributes"] = self._own_attributes(fields, ("trace_id", "span_id") if "traceId" in made else ())
        return made

    def _span(self, fields: Dict[str, Any]) -> Dict[str, Any]:
        end = _nanos(fields["created"])
        failed = fields.get("outcome") == "failed"
        made = {"traceId": fields["trace_id"], "spanId": fields["span_id"], "name": fields["name"], "kind": 1,
                "startTimeUnixNano": str(end - int(fields["duration_ms"] * 1e6)), "endTimeUnixNano": str(end),
                "status": {"code": 2, "message": fields.get("reason", "")} if failed else {"code": 1},
                "attributes": self._own_attributes(fields, ("trace_id", "span_id", "parent_span_id", "name", "event",
                                                            "duration_ms"))}
        if "parent_span_id" in fields:
            made["parentSpanId"] = fields["parent_span_id"]
        return made

    def _own_attributes(self, fields: Dict[str, Any], told: Tuple[str, ...]) -> List[Dict[str, Any]]:
        left = structured.otel_attributes(fields)
        for name in ("@timestamp", "levelname", "message", *told):
            left.pop(name, None)
        return _attributes({name: value for name, value in left.items() if name not in self._resource_names})


def _attributes(fields: Mapping[str, Any]) -> List[Dict[str, Any]]:
    return [{"key": str(name), "value": _any_value(values.plain(value))} for name, value in fields.items()]


def _any_value(value: Any) -> Dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if -2**63 <= value < 2**63 else {"stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _attributes(value)}}
    return {} if value is None else {"stringValue": value}


def _nanos(created: float) -> int:
    return round(created * 1e6) * 1_000


def _is_hex(text: Any, digits: int) -> bool:
    return isinstance(text, str) and len(text) == digits and not text.strip("0123456789abcdef")


def _bounded(line: bytes, fields: Dict[str, Any]) -> bytes:
    """The line, cut when it is longer than EVENT_BYTES_MAX."""
    if len(line) <= EVENT_BYTES_MAX:
        return line
    small: Dict[str, Any] = {}
    for name, value in fields.items():
        text = value if isinstance(value, str) else None
        small[name] = values.cut_text(text, 4_096) if text is not None else value
    small["truncated"] = True
    line = values.to_json(small)
    if len(line) <= EVENT_BYTES_MAX:
        return line
    kept = {name: value for name, value in small.items() if isinstance(value, (str, int, float, bool))}
    line = values.to_json(kept)
    if len(line) <= EVENT_BYTES_MAX:
        return line
    essential = {name: kept[name] for name in _ESSENTIAL if name in kept}
    return values.to_json({**essential, "truncated": True})


_ESSENTIAL = ("@timestamp", "message", "levelname", "name", "service.name", "trace_id", "span_id")


def _int_in(body: bytes, name: str) -> int:
    """The number `name` of a JSON answer, wherever it stands on the first two levels; 0 when there is none."""
    try:
        answer = json.loads(body)
        for level in (answer, answer.get("partialSuccess", {})):
            if name in level:
                return int(level[name])
    except (ValueError, TypeError, AttributeError):
        pass
    return 0
