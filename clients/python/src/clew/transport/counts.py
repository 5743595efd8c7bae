"""What became of each line."""
from __future__ import annotations

import threading
from typing import Dict

from .tally import Tally


class Counts:
    """accepted = sent + spilled + waiting + the sum of dropped; `resent` counts lines sent out of a spill directory.

    Threads: any; the lock is never held while anything else is done, and may be taken again by the same thread (a
    signal handler that logs), which loses no count of either.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._numbers: Dict[str, Tally] = {name: Tally() for name in ("accepted", "sent", "spilled", "resent")}
        self._dropped: Dict[str, Tally] = {}
        self._told: Dict[str, int] = {}  # of each drop; changed by take_untold alone

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._numbers.setdefault(name, Tally()).add(count)

    def drop(self, reason: str, count: int = 1) -> None:
        """Lines that will not arrive."""
        with self._lock:
            self._dropped.setdefault(reason, Tally()).add(count)

    def take_untold(self) -> Dict[str, int]:
        """Drops since the last call, by reason: to be told to the server. For one thread, the one that tells."""
        untold: Dict[str, int] = {}
        with self._lock:
            for reason, dropped in list(self._dropped.items()):
                count = dropped.value
                if count != self._told.get(reason, 0):
                    untold[reason] = count - self._told.get(reason, 0)
                    self._told[reason] = count
        return untold

    def read(self) -> Dict[str, int]:
        """All numbers, drops as `dropped_REASON` and their sum as `dropped`."""
        with self._lock:
            numbers = {name: tally.value for name, tally in list(self._numbers.items())}
            dropped = {reason: tally.value for reason, tally in list(self._dropped.items())}
        numbers.update({f"dropped_{reason}": count for reason, count in dropped.items()})
        numbers["dropped"] = sum(dropped.values())
        return numbers
