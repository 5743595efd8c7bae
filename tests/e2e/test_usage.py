"""Who uses the disk: sums are what the store says it has, however they are taken."""
import csv
import io
import itertools
import json
import random
from collections import Counter

import pytest

DAYS = ["2026-11-18", "2026-11-19", "2026-11-20"]


def events(seed, count=4000):
    rng = random.Random(seed)
    return [{"@timestamp": f"{rng.choice(DAYS)}T{rng.randrange(24):02}:{rng.randrange(60):02}:{n % 60:02}Z", "n": n,
             "message": f"request {n} took {rng.randrange(10**9)} ms", **({"rare": n} if n % 10 == 0 else {}),
             **({"service": {"name": rng.choice(["cart", "cart", "cart", "pay"])}} if n % 20 else {})} for n in range(count)]


@pytest.fixture(params=["journal", "segments", "both"])
def filled(server, request):
    server.written = {"logs": events(1), "shop": events(2, 1500)}
    for name, made in server.written.items():
        half = len(made) // 2
        assert server.import_ndjson(made[:half], name).status == 200
        if request.param == "both":
            assert server.post("/clew/v1/flush").status == 200
        assert server.import_ndjson(made[half:], name).status == 200
    if request.param == "segments":
        assert server.post("/clew/v1/flush").status == 200
    return server


def usage(server, by, **params):
    reply = server.get("/clew/v1/usage?by=" + by + "".join(f"&{k}={v}" for k, v in params.items()))
    assert reply.status == 200, reply.text
    return reply.json()


WAYS = [",".join(way) for count in (1, 2, 3) for way in itertools.combinations(["dataset", "service", "field", "day"], count)
        if not {"service", "field"} <= set(way)]


@pytest.mark.parametrize("by", WAYS)
def test_sums_are_what_the_datasets_say(filled, by):
    datasets = {one["name"]: one for one in filled.get("/clew/v1/datasets").json()["datasets"]}
    got = usage(filled, by)
    assert sum(row["bytes"] for row in got["rows"]) == got["bytes"] == sum(one["bytes"] for one in datasets.values())
    assert got["events"] == sum(one["rows"] for one in datasets.values())
    if "field" not in by:
        assert sum(row["events"] for row in got["rows"]) == got["events"]
    if "dataset" in by:
        for name, one in datasets.items():
            assert sum(row["bytes"] for row in got["rows"] if row["dataset"] == name) == one["bytes"]
    for name, one in datasets.items():
        alone = usage(filled, by, dataset=name)
        assert (alone["bytes"], alone["events"]) == (one["bytes"], one["rows"])
    assert sum(row["share"] for row in got["rows"]) == pytest.approx(1)


def test_events_are_counted_exactly(filled):
    everything = [(name, e) for name, made in filled.written.items() for e in made]

    def counts(by, *keys):
        return {tuple(row[key] for key in keys): row["events"] for row in usage(filled, by)["rows"]}
    service = lambda e: e.get("service", {}).get("name", "")  # noqa: E731
    assert counts("dataset,service", "dataset", "service") == Counter((name, service(e)) for name, e in everything)
    assert counts("day", "day") == Counter((e["@timestamp"][:10],) for _, e in everything)
    assert counts("day,service", "day", "service") == Counter((e["@timestamp"][:10], service(e)) for _, e in everything)
    fields = counts("field,day", "field", "day")
    for day in DAYS:
        of_day = [e for _, e in everything if e["@timestamp"].startswith(day)]
        assert fields["@timestamp", day] == fields["message", day] == fields["n", day] == len(of_day)
        assert fields["rare", day] == sum("rare" in e for e in of_day)
        assert fields["service.name", day] == sum("service" in e for e in of_day)


def test_days_can_be_chosen(filled):
    by_day = {row["day"]: row for row in usage(filled, "day")["rows"]}
    assert list(by_day) == DAYS
    one = usage(filled, "dataset", **{"from": "2026-11-19T13:00:00Z", "to": "2026-11-20T00:00:00Z"})
    assert one["events"] == by_day["2026-11-19"]["events"] and one["bytes"] == by_day["2026-11-19"]["bytes"]


def test_what_takes_most_is_what_does(server):
    server.import_ndjson([{"n": n, "blob": random.Random(n).randbytes(400).hex(), "service": "big" if n % 2 else "small",
                           "pad": "x" * (1 if n % 2 else 1)} for n in range(3000)])
    server.post("/clew/v1/flush")
    rows = usage(server, "field")["rows"]
    assert rows[0]["field"] == "blob" and rows[0]["share"] > 0.7
    assert {"(index)", "_time", "n"} <= {row["field"] for row in rows}
    halves = {row["service"]: row["share"] for row in usage(server, "service")["rows"]}
    assert halves["big"] == pytest.approx(0.5, abs=0.1)


def test_deleted_events_count_until_their_bytes_go(server):
    server.import_ndjson([{"n": n} for n in range(1000)])
    server.post("/clew/v1/flush")
    before = usage(server, "dataset")
    server.post("/clew/v1/delete", {"dataset": "logs", "query": "n<500"})
    assert usage(server, "dataset")["events"] == before["events"] == server.get("/clew/v1/datasets").json()["datasets"][0]["rows"]
    server.post("/clew/v1/delete", {"dataset": "logs", "query": "n<600", "wait": True})
    assert usage(server, "dataset")["events"] == 400


def test_mistakes(server):
    for path, word in (("by=host", "dataset, service, field, day"), ("by=service,field", "exclude"), ("bi=day", "unknown parameter"),
                       ("since=x", "no duration")):
        reply = server.get("/clew/v1/usage?" + path)
        assert reply.status == 400 and word in reply.json()["error"]["reason"], reply.text
    assert server.get("/clew/v1/usage?dataset=nope").status == 404
    assert usage(server, "day") == {"rows": [], "events": 0, "bytes": 0, "journal_bytes": 0}


def test_on_the_command_line(filled):
    got = usage(filled, "dataset,service")
    rows = [json.loads(line) for line in filled.cli("usage", "--by", "dataset,service").stdout.splitlines()]
    assert rows == got["rows"]
    table = filled.cli("usage", "--by", "service", "--format", "table").stdout.splitlines()
    assert table[0].split() == ["service", "events", "bytes", "share", "per_event"] and table[1].split()[0] == "cart"
    assert any(line.startswith("(none)") for line in table)
    cells = list(csv.DictReader(io.StringIO(filled.cli("usage", "--format", "csv").stdout)))
    assert {row["dataset"] for row in cells} == {"logs", "shop"}
    assert len(filled.cli("usage", "--by", "field", "-n", "3").stdout.splitlines()) == 3
    wrong = filled.cli("usage", "--by", "host", check=False)
    assert wrong.returncode == 1 and "dataset, service, field, day" in wrong.stderr
