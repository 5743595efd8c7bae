"""Goals: what is written, across functions, threads, tasks and processes."""
import asyncio
import concurrent.futures
import logging
import os
import subprocess
import sys
import threading

import pytest

import clew
from clew import context, goals, propagate
from conftest import PACKAGE_ROOT


def ends(collected):
    return {line["name"]: line for line in collected.of_event("goal.end")}


def test_start_and_end_as_the_page_says(collected):
    with clew.goal("charge card", order=7) as goal:
        pass
    start, end = collected.lines
    assert start["event"] == "goal.start" and end["event"] == "goal.end"
    for line in (start, end):
        assert line["goal"] is True and line["name"] == "charge card" and line["order"] == 7
        assert line["trace_id"] == goal.trace_id and len(goal.trace_id) == 32
        assert line["span_id"] == goal.span_id and len(goal.span_id) == 16
        assert line["logger"] == "clew.goals" and "parent_span_id" not in line
        assert line["filename"] == "test_goals.py" and line["funcName"] == "test_start_and_end_as_the_page_says"
    assert "outcome" not in start and end["outcome"] == "ok" and end["duration_ms"] >= 0
    assert end["levelname"] == "INFO" and "reason" not in end


def test_nesting_and_lines_inside(collected):
    with clew.goal("place order") as outer:
        logging.info("in outer")
        with clew.goal("charge card") as inner:
            logging.info("in inner")
        logging.info("in outer again")
    logging.info("outside")
    by_message = {line["message"]: line for line in collected.lines if "event" not in line}
    assert by_message["in outer"]["span_id"] == by_message["in outer again"]["span_id"] == outer.span_id
    assert by_message["in inner"]["span_id"] == inner.span_id and inner.parent_span_id == outer.span_id
    assert by_message["in inner"]["trace_id"] == outer.trace_id
    assert "trace_id" not in by_message["outside"]


def test_an_exception_is_the_reason_and_goes_on(collected):
    with pytest.raises(TimeoutError):
        with clew.goal("place order"):
            with clew.goal("charge card"):
                raise TimeoutError("gateway: no answer")
    inner, outer = collected.of_event("goal.end")
    assert inner["outcome"] == outer["outcome"] == "failed" and inner["levelname"] == "ERROR"
    assert inner["reason"] == "TimeoutError: gateway: no answer" and inner["error.type"] == "TimeoutError"
    assert "error.stack" in inner and "error.stack" not in outer


def test_fail_without_an_exception(collected):
    with clew.goal("charge card") as goal:
        goal.fail("declined", code=51)
        goal.note(attempts=2)
    (end,) = collected.of_event("goal.end")
    assert (end["outcome"], end["reason"], end["code"], end["attempts"]) == ("failed", "declined", 51, 2)


@pytest.mark.parametrize("error, outcome", [(SystemExit(0), "ok"), (SystemExit(1), "failed"), (GeneratorExit(), "ok"),
                                            (KeyboardInterrupt(), "failed")])
def test_ways_to_leave(collected, error, outcome):
    with pytest.raises(type(error)):
        with clew.goal("serve"):
            raise error
    assert ends(collected)["serve"]["outcome"] == outcome


def test_fields_with_names_of_logging(collected):
    with clew.goal("import file", name="a.csv", filename="a.csv", args=3, created="2026", lineno=9):
        pass
    end = ends(collected)["import file"]
    assert end["filename"] == "a.csv" and end["fields.args"] == 3 and end["fields.created"] == "2026"
    assert isinstance(end["created"], float)


def test_goals_are_told_when_root_wants_warnings_only(collected):
    logging.getLogger().setLevel(logging.WARNING)
    with clew.goal("quiet"):
        pass
    assert len(collected.lines) == 2


def test_a_dict_config_does_not_silence_goals(collected):
    logger = logging.getLogger(goals.LOGGER)
    logger.disabled = True  # what dictConfig does to loggers it does not name
    try:
        with clew.goal("still told"):
            pass
    finally:
        logger.disabled = False
    assert len(collected.lines) == 2


def test_a_failing_handler_does_not_break_the_goal(monkeypatch):
    class Bad(logging.Handler):
        def handle(self, record):
            raise OSError("disk full")
    bad = Bad()
    logging.getLogger().addHandler(bad)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    try:
        with clew.goal("go on") as goal:
            pass
    finally:
        logging.getLogger().removeHandler(bad)
    assert goal.outcome == "ok"


def test_decorator_and_method(collected):
    class Shop:
        @clew.goal("charge card", provider="visa")
        def charge(self, amount):
            return amount * 2
    assert Shop().charge(4) == 8 and Shop().charge(5) == 10
    first, second = collected.of_event("goal.end")
    assert first["span_id"] != second["span_id"] and first["provider"] == "visa" and first["funcName"] == "charge"


def test_timed(collected):
    @clew.timed
    def price():
        logging.info("inside")
        return 3

    @clew.timed(over_ms=60_000)
    def fast():
        return 4
    with clew.goal("quote") as goal:
        assert price() == 3 and fast() == 4
    (step,) = collected.of_event("timed")
    assert step["function"].endswith("price") and step["duration_ms"] >= 0 and step["parent_span_id"] == goal.span_id
    assert step["name"] == step["function"] and step["start"].endswith("Z") and "goal" not in step
    inside = [line for line in collected.lines if line["message"] == "inside"][0]
    assert inside["span_id"] == step["span_id"]


def test_timed_outside_a_goal_is_a_line(collected):
    @clew.timed
    def alone():
        raise ValueError("no")
    with pytest.raises(ValueError):
        alone()
    (step,) = collected.of_event("timed")
    assert "trace_id" not in step and step["error.type"] == "ValueError" and "duration_ms" in step


def test_tasks_of_asyncio_do_not_mix(collected):
    @clew.goal("fetch")
    async def fetch(n):
        await asyncio.sleep(0)
        logging.info("fetched", extra={"n": n})
        await asyncio.sleep(0)

    @clew.timed
    async def slow():
        await asyncio.sleep(0)

    async def main():
        async with clew.goal("gather") as outer:
            await asyncio.gather(*(fetch(n) for n in range(20)), slow())
        return outer
    outer = asyncio.run(main())
    fetches = [line for line in collected.of_event("goal.end") if line["name"] == "fetch"]
    spans = {line["span_id"] for line in fetches}
    assert len(spans) == 20 and all(line["parent_span_id"] == outer.span_id for line in fetches)
    assert {line["span_id"] for line in collected.lines if line["message"] == "fetched"} == spans
    assert collected.of_event("timed")[0]["parent_span_id"] == outer.span_id


def test_cancelled_is_failed(collected):
    async def main():
        async def wait():
            async with clew.goal("wait"):
                await asyncio.Event().wait()
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    asyncio.run(main())
    assert ends(collected)["wait"]["reason"] == "CancelledError"


def test_threads_by_carry(collected):
    with clew.goal("parallel") as goal:
        thread = threading.Thread(target=clew.carry(lambda: logging.info("carried")))
        bare = threading.Thread(target=lambda: logging.info("bare"))
        for each in (thread, bare):
            each.start()
            each.join()
    by_message = {line["message"]: line for line in collected.lines}
    assert by_message["carried"]["span_id"] == goal.span_id and "span_id" not in by_message["bare"]


def test_follow_threads():
    code = """
import clew, concurrent.futures, threading
clew.follow_threads(); clew.follow_threads()
from clew import context
seen = []
with clew.goal("g") as g:
    t = threading.Thread(target=lambda: seen.append(context.current().span_id)); t.start(); t.join()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: seen.append(context.current().span_id), range(3)))
assert seen == [g.span_id] * 4, seen
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": PACKAGE_ROOT})


def test_a_pool_of_threads_by_carry(collected):
    with clew.goal("pool") as goal, concurrent.futures.ThreadPoolExecutor(4) as pool:
        work = clew.carry(lambda n: logging.info("work", extra={"n": n}))
        list(pool.map(work, range(50)))
    lines = [line for line in collected.lines if line["message"] == "work"]
    assert len(lines) == 50 and {line["span_id"] for line in lines} == {goal.span_id}


def test_a_child_process_continues_the_tree(collected):
    code = "import clew, sys\nwith clew.goal('child') as g: print(g.trace_id, g.parent_span_id)"
    with clew.goal("parent") as goal:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                              env=clew.environment({**os.environ, "PYTHONPATH": PACKAGE_ROOT, "TRACEPARENT": "old"}))
    assert done.stdout.split() == [goal.trace_id, goal.span_id]


def test_follow_makes_the_sender_the_parent(collected):
    with clew.goal("send") as sender:
        message = clew.inject({"body": "x"})
    with clew.follow(message):
        logging.info("received")
        with clew.goal("handle") as handler:
            pass
    assert handler.trace_id == sender.trace_id and handler.parent_span_id == sender.span_id
    assert [line for line in collected.lines if line["message"] == "received"][0]["trace_id"] == sender.trace_id


TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("carrier, want", [
    ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, (TRACE, SPAN)),
    ({"Traceparent": f"cc-{TRACE.upper()}-{SPAN}-01-what-a-later-version-adds"}, (TRACE, SPAN)),
    ({"traceparent": f"ff-{TRACE}-{SPAN}-01"}, ("", "")),
    ({"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, ("", "")),
    ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, ("", "")),
    ({"traceparent": f"00-{TRACE[:-1]}g-{SPAN}-01"}, ("", "")),
    ({"b3": f"{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90"}, (TRACE, SPAN)),
    ({"b3": f"{SPAN}-{SPAN}"}, ("0" * 16 + SPAN, SPAN)),
    ({"b3": "0"}, ("", "")),
    ({"X-B3-TraceId": TRACE, "x-b3-spanid": SPAN.upper()}, (TRACE, SPAN)),
    ({"X-B3-TraceId": TRACE}, ("", "")),
    ({"traceparent": f"00-{TRACE}-{SPAN}-01", "b3": f"{'1' * 32}-{'2' * 16}"}, (TRACE, SPAN)),
    ([("traceparent", f"00-{TRACE}-{SPAN}-01".encode())], (TRACE, SPAN)),
    ([(b"TraceParent", f"00-{TRACE}-{SPAN}-01".encode())], (TRACE, SPAN)),
    ({"traceparent": "x" * 10_000}, ("", "")), ({}, ("", "")), ({"traceparent": b"\xff\xfe"}, ("", "")),
])
def test_extract(carrier, want):
    scope = propagate.extract(carrier)
    assert (scope.trace_id, scope.span_id) == want


@pytest.mark.parametrize("given, want", [("abc-1", "abc-1"), ("x" * 129, ""), ("two words", ""), ("bad\r\nheader: 1", ""), ("é", "")])
def test_request_ids_that_can_be_echoed(given, want):
    assert propagate.extract({"X-Request-ID": given}).request_id == want


@pytest.mark.parametrize("propagators, names", [
    ("tracecontext", {"traceparent"}), ("b3", {"b3"}), ("b3multi", {"X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled"}),
    ("tracecontext,baggage,b3", {"traceparent", "b3"}), ("none", set()),
])
def test_inject_as_the_environment_says(monkeypatch, propagators, names):
    monkeypatch.setenv("OTEL_PROPAGATORS", propagators)
    with clew.goal("send") as goal:
        clew.set_request_id("r1")
        made = clew.headers()
        assert clew.inject({}) == made
    assert set(made) == names | {"X-Request-ID"} and made["X-Request-ID"] == "r1"
    if names:
        scope = propagate.extract(made)
        assert (scope.trace_id, scope.span_id) == (goal.trace_id, goal.span_id)


def test_inject_into_a_list_and_over_present_names():
    with clew.goal("send"):
        pairs = clew.inject([("key", b"1")])
        assert pairs[1][0] == "traceparent" and isinstance(pairs[1][1], bytes)
        assert clew.inject({"Traceparent": "mine"}) == {"Traceparent": "mine"}


def test_bind_and_request_id(collected):
    with clew.bind(user_id="alice"):
        with clew.bind(region="NY"):
            logging.info("both")
        logging.info("one")
    logging.info("none")
    clew.set_request_id("req-1")
    logging.info("named")
    both, one, none, named = collected.lines
    assert (both["user_id"], both["region"]) == ("alice", "NY") and "region" not in one and "user_id" not in none
    assert named["request_id"] == "req-1"


def test_bound_fields_stand_in_goals(collected):
    with clew.bind(tenant="acme"), clew.goal("work"):
        pass
    assert all(line["tenant"] == "acme" for line in collected.lines)


def test_beside_opentelemetry(collected):
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("otel outer") as span:
        logging.info("in the span")
        with clew.goal("inside") as goal:
            logging.info("in the goal")
            with tracer.start_as_current_span("otel inner") as inner:
                logging.info("in the inner span")
    by_message = {line["message"]: line for line in collected.lines}
    otel = span.get_span_context()
    assert by_message["in the span"]["span_id"] == format(otel.span_id, "016x")
    assert goal.trace_id == format(otel.trace_id, "032x") and goal.parent_span_id == format(otel.span_id, "016x")
    assert by_message["in the goal"]["span_id"] == goal.span_id
    assert by_message["in the inner span"]["span_id"] == format(inner.get_span_context().span_id, "016x")
    assert context.foreign_span() is None
