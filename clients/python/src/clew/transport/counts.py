"""What became of each line."""
from __future__ import annotations

import threading
from typing import Dict


class Counts:
    """accepted = sent + spilled + waiting + the sum of dropped; `resent` counts lines sent out of a spill directory.

    Threads: any; the lock is never held while anything else is done, and may be taken again by the same thread (a
    signal handler that logs).
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._numbers: Dict[str, int] = {"accepted": 0, "sent": 0, "spilled": 0, "resent": 0}
        self._dropped: Dict[str, int] = {}
        self._untold: Dict[str, int] = {}

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._numbers[name] = self._numbers.get(name, 0) + count

    def drop(self, reason: str, count: int = 1) -> None:
        """Lines that will not arrive."""
        with self._lock:
            self._dropped[reason] = self._dropped.get(reason, 0) + count
            self._untold[reason] = self._untold.get(reason, 0) + count

    def take_untold(self) -> Dict[str, int]:
        """Drops since the last call, by reason: to be told to the server."""
        with self._lock:
            untold, self._untold = self._untold, {}
            return untold

    def read(self) -> Dict[str, int]:
        """All numbers, drops as `dropped_REASON` and their sum as `dropped`."""
        with self._lock:
            numbers = dict(self._numbers)
            numbers.update({f"dropped_{reason}": count for reason, count in self._dropped.items()})
            numbers["dropped"] = sum(self._dropped.values())
            return numbers
