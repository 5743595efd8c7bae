"""The thread that sends. Lines wait in memory for at most `linger_s`; then they are with the server or on disk.

Entries of the queue are encoded by this thread. When the queue is half full, the threads that log encode their own
before they push: that slows a flood down by some microseconds a line, where waiting would stop it and dropping lose it.

A batch gets its key (producer, sequence) when it is taken from the queue and keeps it through retries, the spill
directory and the next process, so the server stores it once. While the server cannot be reached, batches go to the spill
directory; without one they wait in the queue. What cannot be kept is dropped and counted, never waited for.
"""
from __future__ import annotations

import http.client
import random
import secrets
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

from .. import values
from .counts import Counts
from .line_queue import LineQueue
from .poster import Answer, Poster
from .spill import Spilled, SpillDirectory
from .wire import Form, Line, Request


@dataclass(frozen=True)
class Limits:
    """What the transport may use."""

    queue_bytes_max: int = 64 * 2**20
    queue_lines_max: int = 50_000
    batch_bytes_max: int = 2**20
    batch_lines_max: int = 2_000
    linger_s: float = 0.2          # what kill -9 may lose
    backoff_first_s: float = 0.2
    backoff_last_s: float = 15.0
    spill_bytes_max: int = 256 * 2**20
    exit_s: float = 3.0            # what the end of a process may take at most


LINE_BYTES = 100        # of memory for an encoded line, beside its bytes
ENCODED_AT_ONCE = 64    # lines, about 2 ms: for so long others may have to wait for the interpreter


class _Batch:
    """Lines with a key. `tried`: the server may have it, so it must not change."""

    def __init__(self, sequence: int, kind: str) -> None:
        self.sequence = sequence
        self.kind = kind
        self.lines: List[bytes] = []
        self.tried = False


class Shipper:
    """Owns the queue, the thread and the connection of one handler.

    Threads: push, flush and counts from any; the thread is started by the first push of each process.
    """

    def __init__(self, form: Form, encode: Callable[[Any], Optional[Line]], make_poster: Callable[[], Poster],
                 spill_root: str, limits: Limits, quiet: bool) -> None:
        """`encode` turns what is pushed into a line, in whatever thread; None: it has no form here and is passed over."""
        self._form = form
        self._encode = encode
        self._make_poster = make_poster
        self._spill_root = spill_root
        self._limits = limits
        self._quiet = quiet
        self._set_up()

    def _set_up(self) -> None:
        """The state of a process; a child after fork makes it anew."""
        self.counts = Counts()
        self.queue = LineQueue(self._limits.queue_bytes_max, self._limits.queue_lines_max)
        self.producer = "py-" + secrets.token_hex(8)
        self._sequence = 0
        self._poster = self._make_poster()
        self._spill: Optional[SpillDirectory] = None
        if self._spill_root:
            self._spill = SpillDirectory(self._spill_root, self.producer, self._limits.spill_bytes_max,
                                         self._limits.batch_bytes_max)
        self._thread: Optional[threading.Thread] = None
        self._thread_id = 0
        self._start_lock = threading.RLock()
        self._pending: List[_Batch] = []  # taken from the queue, neither with the server nor on disk yet
        self._in_hand: List[Any] = []     # entries between the queue and _pending
        self._abandoned = False           # close() has taken over from a thread that did not end in time
        self._pending_lock = threading.RLock()  # over these three, and the step from the queue to them
        self._retry_at = 0.0
        self._backoff_s = self._limits.backoff_first_s
        self._closing = False
        self._hurry = False
        self._idle = threading.Condition()
        self._is_down = False

    # --- for the threads that log

    def push(self, entry: Any, size: int) -> None:
        if self.queue.is_half_full:
            line = self._encoded(entry)
            if line is None:
                return
            entry, size = line, len(line.data) + LINE_BYTES
        if self._closing:
            self.refuse("closed")
        elif not self.queue.push(entry, size):
            self.refuse("queue_full")
        elif self._thread is None:
            self._start()

    def refuse(self, reason: str) -> None:
        """Counts a line that never reached the queue."""
        self.counts.add("accepted")
        self.counts.drop(reason)

    def flush(self, seconds: float) -> bool:
        """Hands over everything pushed so far: True when it is with the server or on disk within so long."""
        deadline = time.monotonic() + seconds
        self._hurry = True
        self.queue.wake()
        with self._idle:
            done = self._idle.wait_for(self._nothing_held, max(0.0, deadline - time.monotonic()))
        self._hurry = False
        return done

    def close(self) -> None:
        """Flushes, ends the thread, and puts on disk what is left. May be called again."""
        if self._closing:
            return
        deadline = time.monotonic() + self._limits.exit_s
        thread = self._thread
        if thread is not None and thread.is_alive():
            self.flush(self._limits.exit_s)
        self._closing = True
        self.queue.wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.05, deadline - time.monotonic()))
        self._save_the_rest()

    def after_fork(self) -> None:
        """In a child: what is queued is the parent's to send, the thread is gone, the connection is not ours."""
        poster, spill = self._poster, self._spill
        self._set_up()
        poster.close()
        if spill is not None:
            spill.forget()

    @property
    def waiting(self) -> int:
        with self._pending_lock:
            return len(self.queue) + len(self._in_hand) + sum(len(batch.lines) for batch in self._pending)

    def stats(self) -> Dict[str, int]:
        numbers = self.counts.read()
        numbers["accepted"] += self.queue.pushed
        numbers["waiting"] = self.waiting
        return numbers

    def is_own_thread(self) -> bool:
        return threading.get_ident() == self._thread_id

    def _start(self) -> None:
        with self._start_lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="clew-sender", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is ending, or there can be no more threads: close() saves the lines
                self._thread = None

    # --- the thread

    def _run(self) -> None:
        self._thread_id = threading.get_ident()
        try:
            self._adopt()
            while not self._closing:
                self._round()
        except Exception as error:  # a bug of ours costs the lines of this process, not the process
            self._say(f"clew: the sender of log lines ended: {type(error).__name__}: {error}")
            self.counts.add("sender_ended")
        finally:
            self._poster.close()

    def _round(self) -> None:
        """One pass: wait for lines or for the time of a retry, gather, deliver."""
        self.queue.wait(self._wait_seconds())
        if len(self.queue) and not self._hurry and not self._closing:
            self._linger()
        while (len(self.queue) or self._pending) and self._deliver_next():
            pass
        if self._may_try():
            self._send_spilled()
        if self._nothing_held():
            with self._idle:
                self._idle.notify_all()

    def _wait_seconds(self) -> float:
        if self._pending or self._has_spilled:
            return min(self._limits.backoff_last_s, max(0.01, self._retry_at - time.monotonic()))
        return -1.0

    def _linger(self) -> None:
        end = time.monotonic() + self._limits.linger_s
        while not (self._hurry or self._closing) and self.queue.bytes_held < self._limits.batch_bytes_max:
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.02))

    def _deliver_next(self) -> bool:
        """Sends or spills one batch. False when it has to wait: then it stays pending."""
        if self._abandoned or not self._pending and not self._take():
            return False
        with self._pending_lock:
            if not self._pending:
                return False
            batch = self._pending[0]
        is_for_disk = self._is_down and self._spill is not None  # a probe with a batch from there comes after
        if not is_for_disk and self._may_try() and self._send_batch(batch):
            return True
        return self._spill_batch(batch)

    def _take(self) -> bool:
        """Moves entries from the queue to _pending, encoded, in batches of one kind."""
        self._tell_drops()
        with self._pending_lock:
            entries = self.queue.take(self._limits.batch_bytes_max, self._limits.batch_lines_max)
            self._in_hand = entries
        lines = self._encode_all(entries)
        with self._pending_lock:
            if self._in_hand is not entries:
                return False  # close() has them
            self._in_hand = []
            self._add_pending(lines)
            return bool(self._pending)

    def _add_pending(self, lines: List[Line]) -> None:
        for line in lines:
            if not self._pending or self._pending[-1].kind != line.kind or self._pending[-1].tried:
                self._sequence += 1
                self._pending.append(_Batch(self._sequence, line.kind))
            self._pending[-1].lines.append(line.data)

    def _encode_all(self, entries: List[Any]) -> List[Line]:
        lines: List[Line] = []
        for number, entry in enumerate(entries, 1):
            if type(entry) is Line:
                lines.append(entry)
                continue
            line = self._encoded(entry)
            if line is not None:
                lines.append(line)
            if number % ENCODED_AT_ONCE == 0:
                time.sleep(0)  # gives the interpreter to whoever waits for it
        return lines

    def _encoded(self, entry: Any) -> Optional[Line]:
        try:
            line = self._encode(entry)
        except Exception:  # a bug of ours costs a line
            self.counts.drop("failed")
            return None
        if line is None:
            self.counts.add("accepted", -1)
        return line

    def _send_batch(self, batch: _Batch) -> bool:
        batch.tried = True
        answer = self._post(self._form.request(batch.kind, batch.lines), f"{self.producer}:{batch.sequence}")
        if answer is None:
            return False
        if self._settle(batch):
            self._count_answer(answer, len(batch.lines), "sent")
        return True

    def _post(self, request: Request, key: str) -> Optional[Answer]:
        """The server's answer; None when it is to be tried again later."""
        try:
            answer = self._poster.post(request.path, request.body,
                                       {"Content-Type": request.content_type, "Clew-Batch": key})
        except (OSError, http.client.HTTPException) as error:
            self._put_off(f"{type(error).__name__}: {error}", 0)
            return None
        if answer.is_worth_retrying:
            self._put_off(f"status {answer.status}", answer.retry_after_s)
            return None
        self._backoff_s = self._limits.backoff_first_s
        self._retry_at = 0.0
        if self._is_down:
            self._is_down = False
            self._say("clew: the server takes log lines again")
        return answer

    def _count_answer(self, answer: Answer, lines: int, name: str) -> None:
        if not answer.is_accepted:
            self.counts.drop(f"refused_{answer.status}", lines)
            self._say(f"clew: the server refuses log lines, status {answer.status}: {answer.body[:200]!r}")
            return
        rejected = min(lines, self._form.rejected(answer.body))
        self.counts.add(name, lines - rejected)
        if rejected:
            self.counts.drop("rejected", rejected)

    def _put_off(self, why: str, retry_after_s: float) -> None:
        wait = max(retry_after_s, self._backoff_s * random.uniform(0.8, 1.2))
        self._retry_at = time.monotonic() + min(wait, 60.0)
        self._backoff_s = min(self._limits.backoff_last_s, self._backoff_s * 2)
        if not self._is_down:
            self._is_down = True
            where = f"kept in {self._spill_root}" if self._spill is not None else "kept in memory"
            self._say(f"clew: log lines cannot be sent, they are {where}: {why}")

    def _may_try(self) -> bool:
        return time.monotonic() >= self._retry_at

    # --- the disk

    _has_spilled = False

    def _spill_batch(self, batch: _Batch) -> bool:
        """True when the batch is on disk, or is dropped because the disk has no room for it."""
        with self._pending_lock:
            return batch in self._pending and self._put_on_disk(batch) and self._settle(batch)

    def _put_on_disk(self, batch: _Batch) -> bool:
        if self._spill is None:
            return False
        try:
            kept = self._spill.put(batch.sequence, batch.kind, batch.lines, tried=batch.tried)
        except OSError as error:
            self._say(f"clew: cannot write to {self._spill_root}, lines wait in memory: {error}")
            self._spill = None
            return False
        if kept:
            self._has_spilled = True
            self.counts.add("spilled", len(batch.lines))
        else:
            self.counts.drop("spill_full", len(batch.lines))
        return True

    def _send_spilled(self) -> None:
        """Sends what is on disk, oldest first, until something fails or new lines come."""
        while self._spill is not None and self._has_spilled and self._may_try() and not self._closing:
            try:
                batch = self._spill.oldest()
                if batch is None:
                    self._has_spilled = False
                    return
                if not self._send_one_spilled(self._spill, batch):
                    return
            except OSError as error:
                self._say(f"clew: cannot read {self._spill_root}: {error}")
                self._has_spilled = False
                return
            if len(self.queue):
                return self.queue.wake()

    def _send_one_spilled(self, spill: SpillDirectory, batch: Spilled) -> bool:
        lines = spill.read(batch)
        answer = self._post(self._form.request(batch.kind, lines), f"{batch.producer}:{batch.sequence}")
        if answer is None:
            return False
        spill.remove(batch)
        self._count_answer(answer, len(lines), "resent")
        return True

    def _adopt(self) -> None:
        try:
            if self._spill is not None and self._spill.adopt():
                self._has_spilled = True
        except OSError as error:
            self._say(f"clew: cannot read {self._spill_root}: {error}")

    # --- the end

    def _save_the_rest(self) -> None:
        """What the thread could not hand over goes to disk; what fits nowhere is dropped and counted."""
        with self._pending_lock:
            self._abandoned = True  # a thread that is still at work finds nothing of its any more
            entries, self._in_hand = self._in_hand, []
            while len(self.queue):
                entries += self.queue.take(self._limits.batch_bytes_max, self._limits.batch_lines_max)
            self._add_pending(self._encode_all(entries))
            left, self._pending = self._pending, []
        for batch in left:
            if not self._put_on_disk(batch):
                self.counts.drop("exit", len(batch.lines))
        if self._spill is not None:
            self._spill.close()

    # --- small things

    def _nothing_held(self) -> bool:
        with self._pending_lock:
            return not (len(self.queue) or self._in_hand or self._pending)

    def _settle(self, batch: _Batch) -> bool:
        """The batch is done with. False when close() has taken it over: then it counts there."""
        with self._pending_lock:
            if batch not in self._pending:
                return False
            self._pending.remove(batch)
            return True

    def _tell_drops(self) -> None:
        """A gap in the log is said in the log, once there is a server to say it to."""
        if self._is_down:
            return
        told = self.counts.take_untold()
        if not told:
            return
        now = time.time()
        reasons = ", ".join(f"{count} {reason}" for reason, count in told.items())
        line = self._form.line({
            "@timestamp": values.utc_text(now), "created": now, "levelname": "WARNING", "levelno": 30,
            "name": "clew.client", "event": "client.dropped", "message": f"log lines were dropped: {reasons}",
            "dropped": sum(told.values()), "producer": self.producer})
        if line is not None:
            self.queue.push(line, len(line.data) + LINE_BYTES)

    def _say(self, text: str) -> None:
        if self._quiet:
            return
        try:
            sys.stderr.write(text + "\n")
        except Exception:
            pass  # no stderr, or a closed one
