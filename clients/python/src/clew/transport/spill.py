"""Batches on disk, for when the server cannot be reached and for the next process when this one ends.

ROOT/PRODUCER/SEQUENCE.KIND holds the encoded lines of one batch, each ended by a newline; PRODUCER:SEQUENCE is its batch
key, so a batch that the server had stored before its answer was lost is stored once. Batches that were never tried are
joined in one file up to `file_bytes_max`; a last line without a newline was torn and is passed over.
ROOT/PRODUCER/lock is locked by the process that owns the folder; a folder without an owner is taken over by whoever
comes first.
"""
from __future__ import annotations

import os
from typing import IO, Dict, Iterator, List, NamedTuple, Optional

try:
    import fcntl
except ImportError:  # no such locks on Windows: folders of ended processes are not taken over there
    fcntl = None  # type: ignore[assignment]

FILES_MAX = 20_000  # of one producer


class Spilled(NamedTuple):
    """A batch on disk."""

    path: str
    producer: str
    sequence: int
    kind: str


class SpillDirectory:
    """The folder of one producer, and the folders that ended processes left beside it.

    Threads: one. Errors: OSError from all methods but close().
    """

    def __init__(self, root: str, producer: str, bytes_max: int, file_bytes_max: int) -> None:
        self._root = root
        self._producer = producer
        self._bytes_max = bytes_max
        self._file_bytes_max = file_bytes_max
        self._lock: Optional[IO[bytes]] = None
        self._adopted: Dict[str, IO[bytes]] = {}
        self._bytes = 0
        self._files = 0
        self._open: Optional[Spilled] = None  # the file that untried batches are added to
        self._open_bytes = 0

    def put(self, sequence: int, kind: str, lines: List[bytes], *, tried: bool) -> bool:
        """Keeps a batch. False when a limit is reached. A batch that was tried stays by itself, under its key."""
        data = b"\n".join(lines) + b"\n"
        if self._bytes + len(data) > self._bytes_max or self._files >= FILES_MAX:
            return False
        if not tried and self._open is not None and self._open.kind == kind and \
                self._open_bytes + len(data) <= self._file_bytes_max:
            with open(self._open.path, "ab") as file:
                file.write(data)
            self._open_bytes += len(data)
        else:
            self._put_new(sequence, kind, data, tried)
        self._bytes += len(data)
        return True

    def _put_new(self, sequence: int, kind: str, data: bytes, tried: bool) -> None:
        path = os.path.join(self._own_folder(), f"{sequence:012d}.{kind}")
        with open(path + ".tmp", "wb") as file:
            file.write(data)
        os.replace(path + ".tmp", path)
        self._files += 1
        if not tried:
            self._open, self._open_bytes = Spilled(path, self._producer, sequence, kind), len(data)

    def oldest(self) -> Optional[Spilled]:
        """The batch to send next: what other processes left first, then our own in order."""
        for producer in [*self._adopted, self._producer]:
            for found in self._batches(producer):
                if found == self._open:
                    self._open = None  # is going to be tried: nothing may be added to it any more
                return found
        return None

    def read(self, batch: Spilled) -> List[bytes]:
        with open(batch.path, "rb") as file:
            return file.read().split(b"\n")[:-1]

    def remove(self, batch: Spilled) -> None:
        size = os.path.getsize(batch.path)
        os.remove(batch.path)
        if batch.producer == self._producer:
            self._bytes -= size
            self._files -= 1
        elif not any(self._batches(batch.producer)):
            self._adopted.pop(batch.producer).close()
            _remove_folder(os.path.join(self._root, batch.producer))

    def adopt(self) -> int:
        """Takes over the folders of processes that have ended; how many."""
        if fcntl is None or not os.path.isdir(self._root):
            return 0
        before = len(self._adopted)
        for producer in sorted(os.listdir(self._root)):
            if producer != self._producer and producer not in self._adopted:
                self._try_adopt(producer)
        return len(self._adopted) - before

    def close(self) -> None:
        """Gives the folders free; an empty one goes."""
        if self._lock is not None and not any(self._batches(self._producer)):
            _remove_folder(os.path.join(self._root, self._producer))
        self.forget()

    def forget(self) -> None:
        """In a child after fork: the folders stay the parent's, whose locks last as long as any copy of their files."""
        for lock in [*self._adopted.values(), self._lock]:
            if lock is not None:
                lock.close()
        self._lock = None
        self._adopted = {}

    def _own_folder(self) -> str:
        folder = os.path.join(self._root, self._producer)
        if self._lock is None:
            _make_private(self._root)
            os.makedirs(folder, mode=0o700, exist_ok=True)
            self._lock = open(os.path.join(folder, "lock"), "wb")
            if fcntl is not None:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder

    def _try_adopt(self, producer: str) -> None:
        folder = os.path.join(self._root, producer)
        try:
            lock = open(os.path.join(folder, "lock"), "rb")
        except OSError:
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its process lives
            lock.close()
            return
        if any(self._batches(producer)):
            self._adopted[producer] = lock
        else:
            lock.close()
            _remove_folder(folder)

    def _batches(self, producer: str) -> Iterator[Spilled]:
        folder = os.path.join(self._root, producer)
        try:
            names: List[str] = sorted(os.listdir(folder))
        except FileNotFoundError:
            return
        for name in names:
            parts = name.split(".")
            if len(parts) == 2 and parts[0].isdigit():
                yield Spilled(os.path.join(folder, name), producer, int(parts[0]), parts[1])


def _make_private(root: str) -> None:
    """Makes the folder ours alone. Logs are not for other users, nor may they plant any. Errors: PermissionError."""
    os.makedirs(root, mode=0o700, exist_ok=True)
    if hasattr(os, "getuid"):
        found = os.lstat(root)
        if found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise PermissionError(f"{root} can be written by others")


def _remove_folder(folder: str) -> None:
    try:
        for name in os.listdir(folder):
            if name == "lock" or name.endswith(".tmp"):
                os.remove(os.path.join(folder, name))
        os.rmdir(folder)
    except OSError:
        pass  # somebody else was faster, or put something there: the next process tries again
