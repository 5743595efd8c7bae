"""Pages of a search: each row once, whatever comes in between; cursors that are checked."""
import json
import random
import urllib.parse

import pytest

EVENTS = 5000


def made(count=EVENTS, seed=3, prefix="n"):
    """Many events share a moment, so that only _seq tells them apart; they come in no order of time."""
    rng = random.Random(seed)
    return [{"@timestamp": f"2026-11-20T10:{rng.randrange(40):02}:{rng.randrange(3):02}Z", prefix: n,
             "level": rng.choice(["info", "warn", "error"]), "service": {"name": rng.choice(["cart", "pay"])},
             "message": f"request {n} done"} for n in range(count)]


@pytest.fixture
def filled(server):
    """In segments, in the journal and in several writes."""
    events = made()
    for begin in range(0, EVENTS, 1000):
        assert server.import_ndjson(events[begin:begin + 1000]).status == 200
        if begin == 2000:
            assert server.post("/clew/v1/flush").status == 200
    server.events = events
    return server


def page(server, cursor=None, **body):
    reply = server.post("/clew/v1/search", {**body, **({} if cursor is None else {"cursor": cursor})})
    assert reply.status == 200, reply.text
    lines = reply.lines()
    return [line["row"] for line in lines if "row" in line], lines[-1]["end"]


def pages(server, between=lambda: None, begin=None, **body):
    """Rows of all pages."""
    rows, end = page(server, begin, **body)
    out = [rows]
    while "cursor" in end:
        between()
        rows, end = page(server, end["cursor"], **body)
        out.append(rows)
    return out


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [1000, 333, 7])
def test_pages_are_the_whole_answer_cut(filled, order, limit):
    body = {"query": "source=logs level=error | fields n, @timestamp", "order": order}
    whole, end = page(filled, **body, limit=0)
    assert "cursor" not in end and len(whole) == sum(e["level"] == "error" for e in filled.events)
    got = pages(filled, **body, limit=limit)
    assert [row for rows in got for row in rows] == whole
    assert all(len(rows) == limit for rows in got[:-1]) and 0 < len(got[-1]) <= limit


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_what_comes_in_meanwhile_is_on_no_page(filled, order):
    body = {"query": "source=logs | fields n, late", "order": order, "limit": 400}
    # The field `late` is in the store, or it could not be asked for.
    filled.import_ndjson([{"@timestamp": "2020-01-01T00:00:00Z", "n": -1, "late": 1}])
    want, _ = page(filled, **{**body, "limit": 0})
    turn = [0]

    def between():
        turn[0] += 1
        assert filled.import_ndjson(made(200, seed=turn[0], prefix="late")).status == 200
        if turn[0] % 3 == 0:
            assert filled.post("/clew/v1/flush").status == 200

    got = [row for rows in pages(filled, between, **body) for row in rows]
    assert got == want and turn[0] > 5
    assert filled.count() == len(want) + 200 * turn[0]


def test_pages_survive_a_restart(filled):
    body = {"query": "source=logs | fields n", "limit": 2000}
    whole, _ = page(filled, query=body["query"], limit=0)
    first, end = page(filled, **body)
    filled.kill()
    filled.start()
    rest = [row for rows in pages(filled, begin=end["cursor"], **body) for row in rows]
    assert first + rest == whole


def test_relative_times_stay_those_of_the_first_page(server):
    server.import_ndjson([{"n": n} for n in range(30)])
    body = {"query": "source=logs earliest=-10m | fields n", "since": "1h", "limit": 10}
    assert sorted(row["n"] for rows in pages(server, **body) for row in rows) == list(range(30))


def test_a_head_ends_the_pages(filled):
    body = {"query": "source=logs | where level = 'error' | head 250 | eval k = n * 2 | fields n, k", "limit": 100}
    whole, _ = page(filled, **{**body, "limit": 0})
    assert [len(rows) for rows in pages(filled, **body)] == [100, 100, 50]
    assert [row for rows in pages(filled, **body) for row in rows] == whole


def test_the_last_page_is_known_as_the_last(server):
    server.import_ndjson([{"n": n} for n in range(20)])
    assert [len(rows) for rows in pages(server, query="source=logs", limit=10)] == [10, 10]
    assert [len(rows) for rows in pages(server, query="source=logs n=99", limit=10)] == [0]


def test_raw_rows_and_ids_page_too(filled):
    ids = [row["_id"] for rows in pages(filled, query="source=logs", limit=900, ids=True) for row in rows]
    assert len(set(ids)) == EVENTS
    raw = [json.loads(row["_raw"])["n"] for rows in pages(filled, query="source=logs", limit=900, raw=True) for row in rows]
    assert sorted(raw) == list(range(EVENTS))


def test_every_id_finds_its_event(filled):
    rows, _ = page(filled, query="source=logs level=warn | fields n", ids=True, limit=5)
    for row in rows:
        event = filled.get("/clew/v1/events/" + urllib.parse.quote(row["_id"])).json()
        assert event["fields"]["n"] == row["n"] and event["_id"] == row["_id"]
    # Rows that are no events have none.
    rows, _ = page(filled, query="source=logs | stats count() by level", ids=True)
    assert all("_id" not in row for row in rows)


@pytest.mark.parametrize("query,why", [
    ("source=logs | stats count() by level", "stats"), ("source=logs | sort n", "sort"), ("source=logs | dedup level", "dedup"),
    ("source=logs | head 10 | where n > 5", "where"), ("source=logs | head 5 from 2", "head"), ("source=logs | top level", "top"),
    ("source=logs | makeresults", None)])
def test_a_query_without_pages_says_which_have_them(filled, query, why):
    reply = filled.post("/clew/v1/search", {"query": query, "cursor": "", "limit": 10})
    assert reply.status == 400
    error = reply.json()["error"]
    if why is not None:
        assert error["code"] == "UNSUPPORTED_OPERATION" and why in error["reason"] and "searches with" in error["reason"]
        # Without a cursor asked for it answers as ever, and gives none.
        _, end = page(filled, query=query)
        assert "cursor" not in end


def test_cursors_are_checked(filled):
    body = {"query": "source=logs | fields n", "since": "50000h", "limit": 10}
    _, end = page(filled, **body)
    cursor = end["cursor"]
    for wrong in (cursor[:-1], cursor + "A", "x", cursor[:10] + ("A" if cursor[10] != "A" else "B") + cursor[11:], "ü" * 5):
        reply = filled.post("/clew/v1/search", {**body, "cursor": wrong})
        assert reply.status == 400 and reply.json()["error"]["reason"].startswith("cursor: "), wrong
        assert "begin anew" in reply.json()["error"]["reason"]
    for other in ({"query": "source=logs | fields n "}, {"since": "50001h"}, {"order": "oldest"}, {"raw": True}):
        reply = filled.post("/clew/v1/search", {**body, **other, "cursor": cursor})
        assert reply.status == 400 and "another question" in reply.json()["error"]["reason"], other
    # What does not change which rows there are may differ.
    rows, _ = page(filled, cursor, **{**body, "limit": 3, "timeout_ms": 1000, "ids": True})
    assert len(rows) == 3


def test_queries_that_go_on_by_themselves_have_cursors(filled):
    began = filled.post("/clew/v1/queries", {"query": "source=logs | fields n", "limit": 100}).json()["id"]
    while filled.get(f"/clew/v1/queries/{began}/result").status == 409:
        pass
    lines = filled.get(f"/clew/v1/queries/{began}/result").lines()
    first = [line["row"]["n"] for line in lines if "row" in line]
    rows, _ = page(filled, lines[-1]["end"]["cursor"], query="source=logs | fields n", limit=100)
    assert len(first) == 100 and not {row["n"] for row in rows} & set(first)


def test_on_the_command_line(filled):
    done = filled.cli("query", "source=logs | fields n", "--limit", "3000", "--page", "start")
    rows = done.stdout.splitlines()
    assert done.stderr.startswith("more follow: --page ")
    cursor = done.stderr.split()[-1]
    rest = filled.cli("query", "source=logs | fields n", "--limit", "3000", "--page", cursor)
    assert rest.stderr == "that is all\n"
    assert sorted(json.loads(row)["n"] for row in rows + rest.stdout.splitlines()) == list(range(EVENTS))
    with_ids = filled.cli("query", "source=logs | fields n", "--limit", "2", "--ids").stdout.splitlines()
    assert all(list(json.loads(row)) == ["_id", "n"] for row in with_ids)
    wrong = filled.cli("query", "source=logs | stats count()", "--page", "start", check=False)
    assert wrong.returncode == 1 and "cannot be paged" in wrong.stderr
