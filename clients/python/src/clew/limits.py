"""Not everything needs a line: filters for a logger or handler that let some pass and count the rest exactly.

    logging.getLogger("poll").addFilter(clew.Every(10_000))
    handler.addFilter(clew.RateLimit(per_second=50))

A line that passes says in `weight` for how many it stands, itself included; what is left at the end is told by one last
line. So the sum of `weight` is the number of calls (lines without the field count 1).
"""
from __future__ import annotations

import logging
import time
import weakref
from typing import Any, Callable, Dict, Tuple

PLACES_MAX = 10_000  # call sites that one filter tells apart; beyond it they share a count

_Key = Tuple[str, int]


class _Place:
    """What one call site has written since its last line that passed."""

    __slots__ = ("calls", "held", "last", "tokens", "filled_at")

    def __init__(self, tokens: float, now: float) -> None:
        self.calls = 0
        self.held = 0
        self.last: Any = None
        self.tokens = tokens
        self.filled_at = now


class _Sampler(logging.Filter):
    """Decides by call site (file and line). Counts are exact within one thread, near enough across threads."""

    def __init__(self) -> None:
        super().__init__()
        self._places: Dict[_Key, _Place] = {}
        self._end = weakref.finalize(self, _tell_held, self._places)

    def _passes(self, place: _Place) -> bool:
        raise NotImplementedError

    def _new_place(self) -> _Place:
        return _Place(0, 0)

    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(record, "weight"):
            return True
        key = (record.pathname, record.lineno)
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= PLACES_MAX:
                key = ("", 0)
            place = self._places.setdefault(key, self._new_place())
        place.calls += 1
        if self._passes(place):
            if place.held:
                record.weight = place.held + 1
                place.held, place.last = 0, None
            return True
        place.held += 1
        place.last = record
        return False

    def finish(self) -> None:
        """Writes a line for what was held back so far; also done when the process ends."""
        _tell_held(self._places)


class Every(_Sampler):
    """Lets the first of each n calls at one place pass."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self._n = max(1, n)

    def _passes(self, place: _Place) -> bool:
        return (place.calls - 1) % self._n == 0


class RateLimit(_Sampler):
    """Lets `per_second` calls at one place pass, and `burst` at once."""

    def __init__(self, per_second: float, burst: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._per_second = per_second
        self._burst = float(burst or max(1, round(per_second)))
        self._clock = clock

    def _new_place(self) -> _Place:
        return _Place(self._burst, self._clock())

    def _passes(self, place: _Place) -> bool:
        now = self._clock()
        place.tokens = min(self._burst, place.tokens + (now - place.filled_at) * self._per_second)
        place.filled_at = now
        if place.tokens < 1:
            return False
        place.tokens -= 1
        return True


def _tell_held(places: Dict[_Key, _Place]) -> None:
    for place in list(places.values()):
        record, place.last = place.last, None
        held, place.held = place.held, 0
        if record is None:
            continue
        record.weight = held  # makes the filters let it pass
        logging.getLogger(record.name).handle(record)
