"""A number that may be added to in the midst of an addition."""
from __future__ import annotations

from collections import deque
from typing import Deque


class Tally:
    """A sum. `value += n` reads, adds and writes: a signal handler or a __del__ that logs between these steps would have
    its own addition overwritten. Here it leaves what it brings to the addition that it came into.

    Requires: the caller holds a lock that the same thread may take again, so that nobody but such a guest comes between.
    """

    __slots__ = ("_sum", "_late", "_adding")

    def __init__(self) -> None:
        self._sum = 0
        self._late: Deque[int] = deque()  # brought by guests
        self._adding = False

    def add(self, count: int) -> None:
        if self._adding:
            self._late.append(count)
            return
        self._adding = True
        self._sum += count
        while self._late:
            self._sum += self._late.popleft()
        self._adding = False

    @property
    def value(self) -> int:
        """Exact outside of an addition; a guest may see it without the addition that it came into."""
        return self._sum + sum(self._late)

    @property
    def about(self) -> int:
        """Without the lock, for a guess: what guests brought this moment may be missing."""
        return self._sum
