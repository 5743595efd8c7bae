"""Any value becomes JSON, and nothing raises."""
import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import uuid

import pytest

from clew import values


class Raises:
    def __repr__(self):
        raise RuntimeError("no")
    __str__ = __repr__


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: object


HANOI = datetime.timezone(datetime.timedelta(hours=7))


@pytest.mark.parametrize("value, want", [
    (None, None), (True, True), (7, 7), (2.5, 2.5), ("text", "text"),
    (float("nan"), "NaN"), (float("-inf"), "-Infinity"),
    (2**64, 2**64), (2**200, 2**200),
    (decimal.Decimal("12.50"), 12.5), (decimal.Decimal("7"), 7), (decimal.Decimal("NaN"), "NaN"),
    (decimal.Decimal("0.1234567890123456789"), "0.1234567890123456789"),
    (datetime.datetime(2026, 11, 20, 17, 0, 0, 123456, HANOI), "2026-11-20T10:00:00.123456Z"),
    (datetime.datetime(2026, 11, 20, 17, 0), "2026-11-20T17:00:00"),
    (datetime.date(2026, 11, 20), "2026-11-20"), (datetime.timedelta(seconds=1.5), 1.5),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"), (pathlib.PurePosixPath("/srv"), "/srv"),
    (Colour.RED, "red"), (Point(1, {"a": (2, 3)}), {"x": 1, "y": {"a": [2, 3]}}),
    ({1: "one", None: 2}, {"1": "one", "null": 2}), ({3}, [3]), (b"abc", "abc"), (b"\xff\x00", "base64:/wA="),
    (ValueError("bad"), "ValueError: bad"), (Raises(), "<Raises: unwritable, RuntimeError>"),
])
def test_a_value(value, want):
    assert values.plain(value) == want
    assert json.loads(values.to_json({"v": value})) == {"v": want}


def test_a_cycle():
    ring = {"a": 1}
    ring["self"] = [ring]
    assert values.plain(ring) == {"a": 1, "self": ["<cycle: dict>"]}
    point = Point(1, None)
    point.y = point
    assert values.plain(point) == {"x": 1, "y": "<cycle: Point>"}
    assert json.loads(values.to_json({"ring": ring}))["ring"]["self"] == ["<cycle: dict>"]


def test_the_same_object_twice_is_no_cycle():
    shared = [1]
    assert values.plain([shared, shared]) == [[1], [1]]


def test_limits():
    deep = []
    for _ in range(values.DEPTH_MAX * 100):
        deep = [deep]
    assert json.loads(values.to_json({"deep": deep}))
    assert len(values.plain(list(range(values.ITEMS_MAX + 5)))) == values.ITEMS_MAX + 1
    assert values.plain(list(range(values.ITEMS_MAX)))[-1] == values.ITEMS_MAX - 1
    assert values.plain("x" * (values.TEXT_CHARS_MAX + 3)).endswith("... (3 characters more)")
    big = values.plain(b"\xff" * 1000)
    assert big["size"] == 1000 and len(big["sha256"]) == 64


def test_lone_surrogates_stay_valid_json():
    line = values.to_json({"v": "a\udc80b"})
    assert json.loads(line) == {"v": "a\udc80b"} and b"\n" not in line


def test_a_newline_never_breaks_the_line():
    assert b"\n" not in values.to_json({"v": "a\nb\r\nc", "k\n": 1})


def test_a_dict_of_odd_kinds():
    class Liar(dict):
        def items(self):
            raise KeyError("items")
    assert json.loads(values.to_json({"v": Liar(a=1)}))


def test_an_integer_too_long_to_print():
    assert json.loads(values.to_json({"v": 2**20_000})) == {"v": hex(2**20_000)}


def test_numpy():
    numpy = pytest.importorskip("numpy")
    assert values.plain(numpy.float64(2.5)) == 2.5
    assert values.plain(numpy.int32(7)) == 7
    assert values.plain(numpy.float32("nan")) == "NaN"
    assert values.plain(numpy.array([[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    assert values.plain(numpy.bool_(True)) is True
    assert values.plain(numpy.datetime64("2026-11-20T10:00:00")) == "2026-11-20T10:00:00"
    assert isinstance(values.plain(numpy.zeros(10_000_000)), str)


@pytest.mark.parametrize("seconds, want", [
    (0, "1970-01-01T00:00:00.000000Z"), (1762799445.9999996, "2025-11-10T18:30:46.000000Z"),
    (1762799445.123456, "2025-11-10T18:30:45.123456Z"), (-0.5, "1969-12-31T23:59:59.500000Z"),
])
def test_times(seconds, want):
    assert values.utc_text(seconds) == want


def test_no_float_is_lost():
    for number in (0.1, 1e300, 5e-324, math.pi):
        assert json.loads(values.to_json({"v": number}))["v"] == number
