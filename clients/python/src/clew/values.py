"""Any Python value as JSON. Nothing here raises: a value that cannot be written is replaced by words that say so."""
from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import hashlib
import json
import math
import os
import uuid
from collections.abc import Mapping, Sequence, Set
from typing import Any, Dict, List, Tuple

DEPTH_MAX = 16            # deeper values are written as their repr
ITEMS_MAX = 1_000         # of one list or mapping; the rest is counted
TEXT_CHARS_MAX = 65_536   # of one text; the rest is counted
REPR_CHARS_MAX = 1_024    # of a repr
BINARY_BYTES_MAX = 256    # larger bytes are named by size and hash
INT_BITS_MAX = 10_000     # longer integers are written in hex, as text


def plain(value: Any) -> Any:
    """`value` made of None, bool, int, float, str, list and dict only: what json takes."""
    try:
        return _plain(value, 0, ())
    except Exception as error:  # an object may raise anything from any of its methods
        return _unwritable(value, error)


def to_json(fields: Mapping[str, Any]) -> bytes:
    """One JSON object in UTF-8, without a newline in it."""
    try:
        return _FAST.encode(fields).encode("utf-8")
    except Exception:  # a cycle, NaN, odd keys, lone surrogates, a dict that changes meanwhile: the thorough way
        pass
    try:
        return _STRICT.encode(plain(dict(fields))).encode("utf-8", "backslashreplace")
    except Exception as error:
        return _STRICT.encode({"message": "a line could not be written", "error.type": type(error).__name__}).encode()


def cut_text(text: str, chars_max: int = TEXT_CHARS_MAX) -> str:
    """`text`, cut with a word about how much is missing."""
    if len(text) <= chars_max:
        return text
    return f"{text[:chars_max]}... ({len(text) - chars_max} characters more)"


def utc_text(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC with microseconds."""
    whole = math.floor(seconds)
    micros = round((seconds - whole) * 1e6)
    if micros == 1_000_000:
        whole, micros = whole + 1, 0
    moment = _EPOCH + datetime.timedelta(seconds=whole)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"


_EPOCH = datetime.datetime(1970, 1, 1)


def _plain(value: Any, depth: int, above: Tuple[int, ...]) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return cut_text(value)
    if kind is int:
        return value if value.bit_length() <= INT_BITS_MAX else hex(value)
    if kind is float:
        return value if math.isfinite(value) else _odd_float(value)
    if isinstance(value, (Mapping, Sequence, Set)) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        return _container(value, depth, above)
    return _scalar(value, depth, above)


def _container(value: Any, depth: int, above: Tuple[int, ...]) -> Any:
    if id(value) in above:
        return f"<cycle: {type(value).__name__}>"
    if depth >= DEPTH_MAX:
        return _short_repr(value)
    above = above + (id(value),)
    if isinstance(value, Mapping):
        return _mapping(value, depth + 1, above)
    items: List[Any] = []
    for item in list(value)[:ITEMS_MAX]:
        items.append(_plain(item, depth + 1, above))
    if len(value) > ITEMS_MAX:
        items.append(f"... ({len(value) - ITEMS_MAX} more)")
    return items


def _mapping(value: Mapping[Any, Any], depth: int, above: Tuple[int, ...]) -> Dict[str, Any]:
    made: Dict[str, Any] = {}
    for key, item in list(value.items()):
        if len(made) >= ITEMS_MAX:
            made["..."] = f"{len(value) - ITEMS_MAX} more"
            break
        made[key if type(key) is str else _key(key)] = _plain(item, depth, above)
    return made


def _key(key: Any) -> str:
    if key is None or type(key) is bool:
        return json.dumps(key)  # as json writes such keys
    return _short_text(key)


def _scalar(value: Any, depth: int, above: Tuple[int, ...]) -> Any:
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth, above)
    if isinstance(value, str):
        return cut_text(str.__str__(value))
    if isinstance(value, int):
        return _plain(int(value), depth, above)
    if isinstance(value, float):
        return _plain(float(value), depth, above)
    if isinstance(value, datetime.datetime):
        return _moment(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _binary(bytes(value))
    if isinstance(value, BaseException):
        return cut_text(f"{type(value).__name__}: {value}")
    if isinstance(value, (uuid.UUID, os.PathLike)):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _container({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, depth,
                          above + (id(value),)) if id(value) not in above else f"<cycle: {type(value).__name__}>"
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # numpy and what looks like it, without importing it
        return _array(value, depth, above)
    return _short_repr(value)


def _array(value: Any, depth: int, above: Tuple[int, ...]) -> Any:
    size = getattr(value, "size", 1)
    if isinstance(size, int) and size > ITEMS_MAX:
        return _short_repr(value)
    listed = value.tolist()
    if type(listed) is type(value):
        return _short_repr(value)
    return _plain(listed, depth, above)


def _moment(value: datetime.datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    in_utc = value.astimezone(datetime.timezone.utc)
    return in_utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _decimal(value: decimal.Decimal) -> Any:
    """A number where a float says the same, else its digits as text."""
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    near = float(value)
    return near if decimal.Decimal(repr(near)) == value else str(value)


def _binary(value: bytes) -> Any:
    try:
        text = value.decode("utf-8")
        if "\x00" not in text:
            return cut_text(text)
    except UnicodeDecodeError:
        pass
    if len(value) <= BINARY_BYTES_MAX:
        return "base64:" + base64.b64encode(value).decode("ascii")
    return {"size": len(value), "sha256": hashlib.sha256(value).hexdigest()}


def _odd_float(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _short_text(value: Any) -> str:
    try:
        return cut_text(str(value), REPR_CHARS_MAX)
    except Exception as error:
        return _unwritable(value, error)


def _short_repr(value: Any) -> str:
    try:
        return cut_text(repr(value), REPR_CHARS_MAX)
    except Exception as error:
        return _unwritable(value, error)


def _unwritable(value: Any, error: BaseException) -> str:
    return f"<{type(value).__name__}: unwritable, {type(error).__name__}>"


_FAST = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain)
_STRICT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
