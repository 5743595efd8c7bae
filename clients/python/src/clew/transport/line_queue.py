"""The queue between the threads that log and the one that sends."""
from __future__ import annotations

import threading
from collections import deque
from typing import Any, Deque, List, Tuple

from .tally import Tally


class LineQueue:
    """Entries in order, each with its size, bounded by the sum of sizes and by number.

    Threads: any may push, one takes. push neither waits nor allocates more than the entry. Its lock is an RLock, so that
    a signal handler or a __del__ that logs in the middle of a push cannot deadlock; after fork a child makes a new queue.
    The wake-up is a bare lock used as a binary semaphore, for the same reason: Condition and Event are not reentrant.
    """

    def __init__(self, bytes_max: int, lines_max: int) -> None:
        self._bytes_max = bytes_max
        self._lines_max = lines_max
        self._entries: Deque[Tuple[Any, int]] = deque()
        self._bytes = Tally()
        self._taken = 0  # entries that left; only the thread that takes changes it
        self._lock = threading.RLock()
        self._wake = threading.Lock()
        self._wake.acquire()

    def push(self, entry: Any, size: int) -> bool:
        """False when there is no room: the entry is not taken."""
        with self._lock:
            if self._bytes.value + size > self._bytes_max or len(self._entries) >= self._lines_max:
                return False
            first = not self._entries  # asked before: a push that comes between finds the queue empty as well, and wakes
            self._entries.append((entry, size))
            self._bytes.add(size)
        if first:
            self.wake()
        return True

    def take(self, bytes_max: int, lines_max: int) -> List[Any]:
        """The oldest entries within the limits, at least one if there is any."""
        taken: List[Any] = []
        bytes_taken = 0
        with self._lock:
            while self._entries and len(taken) < lines_max:
                entry, size = self._entries[0]
                if taken and bytes_taken + size > bytes_max:
                    break
                self._entries.popleft()
                taken.append(entry)
                bytes_taken += size
            self._taken += len(taken)
            self._bytes.add(-bytes_taken)
        return taken

    def wake(self) -> None:
        """Ends a wait, or the next one when nobody waits now."""
        try:
            self._wake.release()
        except RuntimeError:
            pass  # is awake already

    def wait(self, seconds: float) -> bool:
        """Until wake() or for so long; a negative number waits without end."""
        return self._wake.acquire(timeout=seconds)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def pushed(self) -> int:
        """How many entries were ever taken in.

        What left and what is here, rather than a number of its own: a push that a signal handler's push interrupts
        between reading and writing such a number would lose one.
        """
        with self._lock:
            return self._taken + len(self._entries)

    @property
    def bytes_held(self) -> int:
        with self._lock:
            return self._bytes.value

    @property
    def is_half_full(self) -> bool:
        return self._bytes.about * 2 > self._bytes_max or len(self._entries) * 2 > self._lines_max
