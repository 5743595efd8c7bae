"""A signal handler or a __del__ that logs comes between any two steps of the interpreter: no count may suffer from it."""
import os
import sys

import pytest

from clew.transport.counts import Counts
from clew.transport.line_queue import LineQueue

STEPS_MAX = 2_000  # more than any of the calls below takes


def interrupted(call, at_step, interruption):
    """Runs `call`, and `interruption` once in its midst, before its step number `at_step`. False: it ended sooner."""
    steps = 0
    came = False

    def trace(frame, event, _):
        nonlocal steps, came
        frame.f_trace_opcodes = True
        if event == "opcode" and os.sep + "transport" + os.sep in frame.f_code.co_filename:
            if steps == at_step:
                came = True
                interruption()  # Python traces nothing while it is in here
            steps += 1
        return trace
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return came


def at_each_step(make, call, interruption, check):
    """For each step of call(made): a new thing, the call interrupted there, and the check."""
    interrupted(lambda: call(make()), STEPS_MAX, lambda: None)  # Python 3.12.1 tells of opcodes from the second time on
    for step in range(STEPS_MAX):
        made = make()
        came = interrupted(lambda: call(made), step, lambda: interruption(made))
        if not came:
            assert step > 5, "nothing was interrupted"
            return
        check(made, step)
    pytest.fail(f"more than {STEPS_MAX} steps")


@pytest.mark.parametrize("known", [True, False])
def test_counts_lose_no_addition(known):
    def make():
        counts = Counts()
        if known:
            counts.add("accepted", 10)
            counts.drop("queue_full", 10)
        return counts

    def refuse(counts):
        counts.add("accepted")
        counts.drop("queue_full")

    def check(counts, step):
        expected = 12 if known else 2
        numbers = counts.read()
        assert (numbers["accepted"], numbers["dropped_queue_full"]) == (expected, expected), f"step {step}"
        assert counts.take_untold() == {"queue_full": expected}, f"step {step}"
    at_each_step(make, refuse, refuse, check)


def test_each_drop_is_told_once():
    def make():
        counts = Counts()
        counts.drop("queue_full", 3)
        counts.told = {}
        return counts

    def tell(counts):
        for reason, count in counts.take_untold().items():
            counts.told[reason] = counts.told.get(reason, 0) + count

    def check(counts, step):
        tell(counts)
        assert counts.told == {"queue_full": 4}, f"step {step}"
    at_each_step(make, tell, lambda counts: counts.drop("queue_full"), check)


def push(queue):
    assert queue.push("entry", 10)


def queue_of(entries):
    queue = LineQueue(1_000, 100)
    for _ in range(entries):
        push(queue)
    return queue


def check_held(entries):
    def check(queue, step):
        assert (len(queue), queue.pushed) == entries, f"step {step}"
        assert queue.bytes_held == 10 * len(queue), f"step {step}"
    return check


@pytest.mark.parametrize("entries", [0, 1, 5])
def test_the_queue_knows_its_bytes_after_a_push(entries):
    at_each_step(lambda: queue_of(entries), push, push, check_held((entries + 2, entries + 2)))


def test_a_first_push_wakes_the_sender_whatever_comes_between():
    def check(queue, step):
        assert queue.wait(0), f"step {step}"
    at_each_step(lambda: LineQueue(1_000, 100), push, push, check)


@pytest.mark.parametrize("taken", [1, 3, 5])
def test_the_queue_knows_its_bytes_after_a_take(taken):
    def check(queue, step):
        left = len(queue)
        assert left in (6 - taken, 5 - taken), f"step {step}"  # the late one may have gone with the others
        check_held((left, 6))(queue, step)
    at_each_step(lambda: queue_of(5), lambda queue: queue.take(1_000, taken), push, check)


def test_bytes_do_not_drift_in_a_queue_that_is_never_empty():
    queue = queue_of(5)
    assert queue.bytes_held == 50
    for step in range(60):
        interrupted(lambda: push(queue), step, lambda: push(queue))
        queue.take(1_000, len(queue) - 5)
    assert (len(queue), queue.bytes_held) == (5, 50)
