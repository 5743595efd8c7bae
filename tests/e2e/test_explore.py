"""What a search page asks beside the search: fields, facets, histogram, parse."""
import json
import random
from collections import Counter

import pytest

BASE = "2026-11-20T10:"


def events(count=6000, seed=7):
    rng = random.Random(seed)
    out = []
    for n in range(count):
        event = {"@timestamp": f"{BASE}{n // 100 % 60:02}:{n % 60:02}.{n % 1000:03}Z", "n": n,
                 "level": rng.choice(["info", "info", "info", "warn", "error"]),
                 "service": {"name": rng.choice(["cart", "pay", "ship"])},
                 "host": {"name": f"h{n % 3}"}, "message": f"request {n} done", "ms": rng.randrange(1000)}
        if n % 10 == 0:
            event["coupon"] = f"c{n % 40}"
        out.append(event)
    return out


@pytest.fixture(params=["journal", "segments", "both"])
def filled(server, request):
    """The same events, where they lie in the journal, in segments, or in both."""
    made = events()
    half = len(made) // 2
    if request.param == "both":
        assert server.import_ndjson(made[:half]).status == 200
        assert server.post("/clew/v1/flush").status == 200
        assert server.import_ndjson(made[half:]).status == 200
    else:
        assert server.import_ndjson(made).status == 200
        if request.param == "segments":
            assert server.post("/clew/v1/flush").status == 200
    server.events = made
    return server


def ask(server, path, status=200, **body):
    reply = server.post(path, body)
    assert reply.status == status, reply.text
    return reply.json()


def test_fields(filled):
    got = ask(filled, "/clew/v1/fields", query="level=error", sample=500)
    by_name = {field["name"]: field for field in got["fields"]}
    assert got["sample"] == 500 and by_name["n"]["types"] == ["bigint"] and by_name["n"]["share"] == 1.0
    newest = sorted((e for e in filled.events if e["level"] == "error"), key=lambda e: e["@timestamp"])[-500:]
    assert by_name["coupon"]["events"] == pytest.approx(sum("coupon" in e for e in newest), abs=3)  # equal times tie
    names = [f["name"] for f in ask(filled, "/clew/v1/fields", query="", words="NAME ser")["fields"]]
    assert names == ["service.name"]
    assert ask(filled, "/clew/v1/fields", query="source=none", status=404)["error"]["code"] == "INDEX_NOT_FOUND"


def test_facets_agree_with_a_count(filled):
    got = ask(filled, "/clew/v1/facets", query="level=error | sort n | fields n", fields=["service.name", "ms", "coupon", "nope"])
    chosen = [e for e in filled.events if e["level"] == "error"]
    assert got["events"] == len(chosen) and got["answer"] == "exact"
    service, ms, coupon, nope = got["facets"]
    want = Counter(e["service"]["name"] for e in chosen)
    assert {one["value"]: one["events"] for one in service["top"]} == dict(want) and service["others"] == 0
    assert service["values"] == 3 and service["top"][0]["share"] == want.most_common(1)[0][1] / len(chosen)
    values = [e["ms"] for e in chosen]
    assert ms["numbers"]["min"] == min(values) and ms["numbers"]["max"] == max(values)
    assert ms["numbers"]["mean"] == pytest.approx(sum(values) / len(values))
    assert ms["others"] == len(values) - sum(one["events"] for one in ms["top"]) and len(ms["top"]) == 10
    assert coupon["events"] == sum("coupon" in e for e in chosen) and coupon["share"] < 1
    assert nope == {"field": "nope", "events": 0, "share": 0.0, "values": 0, "top": [], "others": 0}


def test_facets_of_a_sample(filled):
    got = ask(filled, "/clew/v1/facets", query="", fields=["level"], sample=1000)
    assert got["events"] == 1000 and sum(one["events"] for one in got["facets"][0]["top"]) == 1000


def test_histogram_agrees_with_a_count(filled):
    got = ask(filled, "/clew/v1/histogram", query="", buckets=60)
    assert got["step_ms"] == 60_000 and got["events"] == 6000
    assert [s["value"] for s in got["series"]] == [v for v, _ in Counter(e["level"] for e in filled.events).most_common()]
    minutes = Counter((e["@timestamp"][:16], e["level"]) for e in filled.events)
    for one in got["series"]:
        assert sum(one["counts"]) == one["events"] and len(one["counts"]) == len(got["times"])
        for time, count in zip(got["times"], one["counts"]):
            minute = f"2026-11-20T10:{(time - got['times'][0]) // 60_000:02}"
            assert count == minutes[(minute, one["value"])]


def test_histogram_of_a_range_and_a_field(filled):
    got = ask(filled, "/clew/v1/histogram", query="ms>500", by="service.name", step_ms=10_000,
              **{"from": f"{BASE}05:05Z", "to": f"{BASE}10:00Z"})
    inside = [e for e in filled.events if e["ms"] > 500 and f"{BASE}05:05" <= e["@timestamp"] < f"{BASE}10:00"]
    assert got["events"] == len(inside) and got["step_ms"] == 10_000
    assert {s["value"]: s["events"] for s in got["series"]} == Counter(e["service"]["name"] for e in inside)
    assert len(got["times"]) == 30  # 10:05:00 to 10:10:00
    plain = ask(filled, "/clew/v1/histogram", query="ms>500", by="")
    assert len(plain["series"]) == 1 and plain["by"] is None


def test_a_histogram_reads_no_row_where_counts_tell(server):
    server.import_ndjson(events())
    server.post("/clew/v1/flush")
    got = ask(server, "/clew/v1/histogram", query="")
    assert got["events"] == 6000 and got["stats"]["granules_from_counts"] >= 1 and got["stats"]["rows_scanned"] == 0


def test_many_values_are_others(server):
    server.import_ndjson(events())
    got = ask(server, "/clew/v1/histogram", query="", by="ms", series=3)
    assert len(got["series"]) == 4 and got["series"][-1]["others"]
    assert sum(s["events"] for s in got["series"]) == got["events"] == 6000


def test_parse(filled):
    text = "level=error ms>5 \"a b\" | stats avg(ms) as mean by service.name | sort - mean"
    got = ask(filled, "/clew/v1/parse", query=text)
    assert got["ok"] and got["pretty"].count("\n") == 2
    pieces = [(t["kind"], text[t["begin"]:t["end"]]) for t in got["tokens"]]
    for piece in [("field", "level"), ("word", "error"), ("number", "5"), ("string", '"a b"'), ("command", "stats"),
                  ("function", "avg"), ("keyword", "by"), ("field", "service.name"), ("command", "sort")]:
        assert piece in pieces, (piece, pieces)
    assert [t["begin"] for t in got["tokens"]] == sorted(t["begin"] for t in got["tokens"])
    assert "stats" not in got["events_query"] and "level" in got["events_query"]
    wrong = ask(filled, "/clew/v1/parse", query="level=error | stats cont(ms")
    assert not wrong["ok"] and wrong["error"]["column"] > 10 and "pretty" not in wrong


@pytest.mark.parametrize("text,kind,want", [
    ("level=error | st|", "command", "stats"), ("ser|", "field", "service.name"), ("level=|", "value", "error"),
    ("level=e|", "value", "error"), ("source=l|", "dataset", "logs"), ("level=error | stats av|", "aggregate", "avg("),
    ("| stats avg(m|", "field", "ms"), ("| eval x = up|", "function", "upper("), ("| stats count() by serv|", "field", "service.name"),
    ("| where service.name = \"c|", "value", "\"cart\""), ("n>5 level in (info, w|", "value", "warn")])
def test_completions(server, text, kind, want):
    server.import_ndjson(events(500))
    cursor = text.index("|", 1) if text.count("|") > 1 and text.startswith("|") else text.rindex("|")
    cursor = text.rindex("|")
    query = text[:cursor]
    got = ask(server, "/clew/v1/parse", query=query, cursor=len(query))["completions"]
    found = [one for one in got["items"] if one["kind"] == kind and one["text"] == want]
    assert found, got
    assert got["end"] == len(query) and got["begin"] <= len(query)
    if kind == "value":
        assert found[0]["events"] > 0


def test_any_text_can_be_parsed(server):
    rng = random.Random(3)
    server.import_ndjson(events(20))
    bits = ["level", "=", "|", "stats", "(", ")", '"', "'", "`", "by", " ", "[", "]", "source=", "5m", "1e", "\\", "é", "/*", "--", "in", ","]
    for _ in range(300):
        text = "".join(rng.choice(bits) for _ in range(rng.randrange(12)))
        size = len(text.encode())
        got = ask(server, "/clew/v1/parse", query=text, cursor=rng.randrange(size + 1))
        last = 0
        for token in got["tokens"]:
            assert last <= token["begin"] < token["end"] <= size, (text, got["tokens"])
            last = token["end"]


def test_commands(filled):
    top = [json.loads(line) for line in filled.cli("top", "level").stdout.splitlines()]
    assert top[0]["value"] == "info" and sum(one["events"] for one in top) == 6000
    assert "level" in filled.cli("fields", "source=logs").stdout
    assert filled.cli("top", "nope", check=False).returncode == 1
    lines = filled.cli("query", "n=3000", "--format", "lines").stdout
    assert "request 3000 done" in lines and "service.name=" in lines
    assert "stats count" in filled.cli("queries").stdout


def test_bytes_that_are_no_utf8_never_leave_as_json(server):
    server.post("/api/v1/import?format=plain", b"good \xff\xfe line \xe4\xb8\n")
    for path, body in [("/clew/v1/search", {"query": "source=logs"}), ("/_plugins/_ppl", {"query": "source=logs"}),
                       ("/clew/v1/facets", {"query": "", "fields": ["message"]}),
                       ("/clew/v1/parse", {"query": "message=", "cursor": 8})]:
        reply = server.post(path, body)
        assert reply.status == 200
        assert "�" in reply.body.decode("utf-8"), path
    raw = server.post("/clew/v1/search", {"query": "source=logs | fields _raw", "bytes": True})
    assert b"good \xff\xfe line \xe4\xb8" in raw.body
