"""Wide data: a hundred thousand field names do not cost a hundred thousand columns. CLEW_WIDE_EVENTS=1000000 for the long form."""
import json
import os
import time

EVENTS = int(os.environ.get("CLEW_WIDE_EVENTS", "60000"))
NAMES = max(100_000, EVENTS // 10)  # with `n` one more than the catalogue keeps
PER_EVENT = 5


def events(first, count):
    for n in range(first, first + count):
        event = {"@timestamp": 1_700_000_000_000 + n, "n": n}
        for k in range(PER_EVENT):
            event[f"field_{(n * PER_EVENT + k) % NAMES}"] = n
        yield json.dumps(event)


def test_many_field_names(server):
    server.import_ndjson([{"warm": n} for n in range(20_000)], "warm")
    before = server.rss_bytes()
    for first in range(0, EVENTS, 5_000):
        reply = server.post("/api/v1/import?dataset=wide", "\n".join(events(first, 5_000)) + "\n").json()
        assert reply["stored"] == 5_000, reply
    slowest = {}
    for state in ("fresh", "flushed"):
        for name in (0, 1, NAMES // 2, NAMES - 1):
            expected = EVENTS * PER_EVENT // NAMES
            begun = time.monotonic()
            [row] = server.rows(f"source=wide | where isnotnull(field_{name}) | stats count() as c, max(n) as m")
            seconds = time.monotonic() - begun
            assert row["c"] == expected, f"{state}: field_{name}"
            assert (row["m"] * PER_EVENT + (name - row["m"] * PER_EVENT) % NAMES) % NAMES == name
            slowest[state] = max(slowest.get(state, 0), seconds)
            assert seconds < 10, f"{state}: field_{name} took {seconds:.1f} s"
        if state == "fresh":
            assert server.post("/clew/v1/flush", timeout=600).status == 200
    grown = server.rss_bytes() - before
    print(f"{EVENTS} events, {NAMES} names: RSS + {grown >> 20} MiB; a name found within " +
          " and ".join(f"{s * 1000:.0f} ms {state}" for state, s in slowest.items()))
    assert grown < 400 << 20
    server.kill()
    server.start()
    [row] = server.rows(f"source=wide | where isnotnull(field_{NAMES - 1}) | stats count() as c")
    assert row["c"] == EVENTS * PER_EVENT // NAMES
