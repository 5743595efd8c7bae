"""How a request crosses from one process to the next: W3C trace context, B3 and X-Request-ID, in any carrier.

Carriers: mappings with text or bytes (HTTP headers, AMQP), lists of pairs (Kafka, ASGI), the environment.
"""
from __future__ import annotations

import os
import re
import secrets
from typing import Any, Dict, Iterable, List, Mapping, MutableMapping, Optional, Tuple, Union

from . import context

Carrier = Union[Mapping[Any, Any], Iterable[Tuple[Any, Any]]]

HEADER_CHARS_MAX = 512  # longer values are not ids
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)")
_B3_SINGLE = re.compile(r"([0-9a-fA-F]{16}|[0-9a-fA-F]{32})-([0-9a-fA-F]{16})(?:-|$)")
_HEX = re.compile(r"[0-9a-fA-F]{16}(?:[0-9a-fA-F]{16})?$")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}$")  # visible ASCII: what may be echoed in a header and printed
_ENVIRONMENT = {"traceparent": "TRACEPARENT", "tracestate": "TRACESTATE", "x-request-id": "CLEW_REQUEST_ID"}


def new_trace_id() -> str:
    return secrets.token_hex(16)


def new_span_id() -> str:
    return secrets.token_hex(8)


def headers(scope: Optional[context.Scope] = None) -> Dict[str, str]:
    """What to send along, as OTEL_PROPAGATORS says (default: tracecontext); empty when no request is known."""
    scope = scope or context.current()
    made: Dict[str, str] = {}
    if _is_id(scope.trace_id, 32) and _is_id(scope.span_id, 16):
        made.update(_trace_headers(scope, os.environ.get("OTEL_PROPAGATORS", "tracecontext")))
    if scope.request_id:
        made["X-Request-ID"] = scope.request_id
    return made


def _trace_headers(scope: context.Scope, propagators: str) -> Dict[str, str]:
    made: Dict[str, str] = {}
    for way in propagators.split(","):
        way = way.strip()
        if way == "tracecontext":
            made["traceparent"] = f"00-{scope.trace_id}-{scope.span_id}-01"
            if scope.trace_state:
                made["tracestate"] = scope.trace_state
        elif way == "b3":
            made["b3"] = f"{scope.trace_id}-{scope.span_id}-1"
        elif way == "b3multi":
            made.update({"X-B3-TraceId": scope.trace_id, "X-B3-SpanId": scope.span_id, "X-B3-Sampled": "1"})
    return made


def inject(carrier: Any) -> Any:
    """Adds `headers()` to a mapping, or to a list of (name, bytes) pairs as Kafka's clients take; gives it back.

    What the carrier names already stays, whatever its case.
    """
    if isinstance(carrier, MutableMapping):
        present = {_text(name).lower() for name in carrier}
        for name, value in headers().items():
            if name.lower() not in present:
                carrier[name] = value
        return carrier
    present = {_text(name).lower() for name, _ in carrier}
    carrier.extend((name, value.encode("ascii", "replace")) for name, value in headers().items()
                   if name.lower() not in present)
    return carrier


def environment(base: Optional[Mapping[str, str]] = None) -> Dict[str, str]:
    """An environment for a child process, with this request's ids: `subprocess.run(..., env=clew.environment())`."""
    made = dict(os.environ if base is None else base)
    for name in _ENVIRONMENT.values():
        made.pop(name, None)
    for name, value in headers().items():
        if name.lower() in _ENVIRONMENT:
            made[_ENVIRONMENT[name.lower()]] = value
    return made


def extract(carrier: Carrier) -> context.Scope:
    """The scope that a carrier names: the sender's goal as span_id. Nothing in it makes an empty scope."""
    found = _lowered(carrier)
    trace_id, span_id = _trace_ids(found)
    request_id = found.get("x-request-id", "")
    return context.Scope(trace_id=trace_id, span_id=span_id,
                         request_id=request_id if _REQUEST_ID.match(request_id) else "",
                         trace_state=found.get("tracestate", "") if trace_id else "")


def extract_environment(environ: Optional[Mapping[str, str]] = None) -> context.Scope:
    """The scope that the parent process gave us."""
    environ = os.environ if environ is None else environ
    return extract({name: environ[variable] for name, variable in _ENVIRONMENT.items() if variable in environ})


def follow(carrier: Carrier) -> "context.use":
    """`with clew.follow(message.headers):` what is done inside belongs to the sender's request."""
    return context.use(extract(carrier))


def _trace_ids(found: Mapping[str, str]) -> Tuple[str, str]:
    w3c = _TRACEPARENT.match(found.get("traceparent", "").strip().lower())
    if w3c and w3c.group(1) != "ff" and _is_id(w3c.group(2), 32) and _is_id(w3c.group(3), 16):
        return w3c.group(2), w3c.group(3)
    single = _B3_SINGLE.match(found.get("b3", "").strip())
    trace_id, span_id = single.groups() if single else (found.get("x-b3-traceid", ""), found.get("x-b3-spanid", ""))
    if _HEX.match(trace_id) and _HEX.match(span_id) and len(span_id) == 16:
        trace_id = trace_id.lower().rjust(32, "0")  # B3 knows ids of 64 bits: W3C writes them with zeros before
        if _is_id(trace_id, 32) and _is_id(span_id.lower(), 16):
            return trace_id, span_id.lower()
    return "", ""


def _is_id(text: str, digits: int) -> bool:
    return len(text) == digits and text.strip("0123456789abcdef") == "" and text.strip("0") != ""


def _lowered(carrier: Carrier) -> Dict[str, str]:
    pairs: List[Tuple[Any, Any]] = list(carrier.items() if isinstance(carrier, Mapping) else carrier)
    made: Dict[str, str] = {}
    for name, value in pairs:
        text = _text(value)
        if len(text) <= HEADER_CHARS_MAX:
            made[_text(name).lower().replace("_", "-")] = text
    return made


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else str(value)
