"""One event by its _id, and the events around one: complete and in order, also where many share a moment."""
import json
import random
import urllib.parse

import pytest

HOSTS = ["h0", "h1", "h2"]


def events(count=3000, seed=11):
    """In runs of the same moment; threads, files and traces of their own."""
    rng = random.Random(seed)
    out = []
    for n in range(count):
        moment = n // 7
        out.append({"@timestamp": f"2026-11-20T{10 + moment // 3600:02}:{moment // 60 % 60:02}:{moment % 60:02}Z", "n": n,
                    "level": rng.choice(["info", "info", "warn", "error"]), "service": {"name": rng.choice(["cart", "pay", "ship"])},
                    "host": {"name": rng.choice(HOSTS)}, "process": {"pid": rng.choice([7, 8])},
                    "thread": {"name": rng.choice(["main", "worker-1"])}, "trace_id": f"{rng.randrange(40):032x}",
                    "log": {"file": {"path": rng.choice(["/var/log/a.log", "/var/log/b.log"])}}, "message": f"request {n} done"})
    return out


@pytest.fixture(params=["journal", "segments", "both"])
def filled(server, request):
    """Written in an order that is not that of time: `_seq` is the place in `server.events`, from 1 on."""
    written = events()
    random.Random(5).shuffle(written)
    half = len(written) // 2
    assert server.import_ndjson(written[:half]).status == 200
    if request.param == "both":
        assert server.post("/clew/v1/flush").status == 200
    assert server.import_ndjson(written[half:]).status == 200
    if request.param == "segments":
        assert server.post("/clew/v1/flush").status == 200
    server.events = sorted(enumerate(written), key=lambda pair: (pair[1]["@timestamp"], pair[0]))
    return server


def id_of(server, n):
    rows = server.rows(f"source=logs n={n} | fields _id")
    assert len(rows) == 1
    return rows[0]["_id"]


def around(server, status=200, **body):
    reply = server.post("/clew/v1/context", body)
    assert reply.status == status, reply.text
    return reply.json()


def wanted(server, n, before, after, same):
    """The numbers of the events around, counted in Python."""
    alike = [event for _, event in server.events if same(event)]
    at = next(i for i, event in enumerate(alike) if event["n"] == n)
    return [e["n"] for e in alike[max(0, at - before):at]], [e["n"] for e in alike[at + 1:at + 1 + after]]


BY = {"host": lambda e: lambda o: o["host"] == e["host"],
      "service": lambda e: lambda o: o["service"] == e["service"],
      "trace": lambda e: lambda o: o["trace_id"] == e["trace_id"],
      "file": lambda e: lambda o: o["log"] == e["log"] and o["host"] == e["host"],
      "thread": lambda e: lambda o: all(o[k] == e[k] for k in ("thread", "process", "service", "host")),
      "dataset": lambda e: lambda o: True,
      "host,service": lambda e: lambda o: o["host"] == e["host"] and o["service"] == e["service"],
      "level": lambda e: lambda o: o["level"] == e["level"],
      "process.pid,level": lambda e: lambda o: o["process"] == e["process"] and o["level"] == e["level"],
      "": lambda e: lambda o: o["log"] == e["log"] and o["host"] == e["host"]}


@pytest.mark.parametrize("by", BY)
def test_context_is_what_a_count_says(filled, by):
    by_number = {event["n"]: event for _, event in filled.events}
    for n, before, after in ((0, 5, 5), (1, 0, 3), (1234, 10, 10), (1500, 40, 0), (2999, 5, 5)):
        got = around(filled, of=id_of(filled, n), before=before, after=after, **({"by": by} if by else {}))
        numbers = [row["fields"]["n"] for row in got["rows"]]
        want_before, want_after = wanted(filled, n, before, after, BY[by](by_number[n]))
        assert numbers == want_before + [n] + want_after, (by, n)
        assert [row["this"] for row in got["rows"]] == [i == got["at"] for i in range(len(numbers))]
        assert numbers[got["at"]] == n and got["rows"][got["at"]]["offset_ms"] == 0
        offsets = [row["offset_ms"] for row in got["rows"]]
        assert offsets == sorted(offsets) and got["answer"] == "exact"
        if before:
            assert got["more_before"] == (len(wanted(filled, n, 10_000, 0, BY[by](by_number[n]))[0]) > len(want_before))


def test_a_query_narrows_what_is_around(filled):
    got = around(filled, of=id_of(filled, 1000), by="host", query="level>=warn", before=20, after=20)
    levels = {row["level"] for i, row in enumerate(got["rows"]) if i != got["at"]}
    assert levels == {"warn", "error"} and len(got["rows"]) == 41


def test_get_is_the_same_as_post(filled):
    name = id_of(filled, 700)
    params = urllib.parse.urlencode({"of": name, "by": "host,service", "before": 3, "after": 4})
    got = filled.get(f"/clew/v1/context?{params}").json()
    posted = around(filled, of=name, by=["host", "service"], before=3, after=4)
    assert got["rows"] == posted["rows"] and got["same"] == {"host.name": got["rows"][3]["host"], "service.name": got["rows"][3]["service"]}


def test_the_query_of_a_context_gives_the_same_rows(filled):
    got = around(filled, of=id_of(filled, 900), by="host,service", before=1000, after=1000)
    assert not got["more_before"] and not got["more_after"]
    again = filled.post("/clew/v1/search", {"query": got["query"] + " | fields n", "order": "oldest", "limit": 0}).lines()
    assert [line["row"]["n"] for line in again if "row" in line] == [row["fields"]["n"] for row in got["rows"]]


def test_mistakes_say_what_there_is(server):
    server.import_ndjson([{"@timestamp": "2026-11-20T10:00:00Z", "service": "cart", "message": "alone", "tags": ["a", "b"]}])
    name = server.rows("source=logs | fields _id")[0]["_id"]
    reason = around(server, of=name, by="thread", status=400)["error"]["reason"]
    assert "thread.name" in reason and "service" in reason and "host" not in reason
    assert "file" in around(server, of=name, by="file", status=400)["error"]["reason"]
    assert "no single value" in around(server, of=name, by="tags", status=400)["error"]["reason"]
    assert around(server, of=name, before=1001, status=400)["error"]["code"] == "invalid"
    assert "_id" in around(server, of="nothing:1:2", status=404)["error"]["reason"]
    assert around(server, status=400)["error"]["code"] == "invalid"
    assert "did you mean" in server.get("/clew/v1/context?of=x&befor=3").json()["error"]["reason"]
    # The only event of its service is shown alone.
    alone = around(server, of=name)
    assert len(alone["rows"]) == 1 and not alone["more_before"] and not alone["more_after"]


def test_an_event_by_its_id(server):
    server.import_ndjson([{"@timestamp": "2026-11-20T10:00:00.123456789Z", "severity": "ERROR", "app": "cart", "a": {"b": [1, 2]},
                           "msg": "it failed", "empty": None}], "shop")
    name = server.rows("source=shop | fields _id")[0]["_id"]
    for _ in range(2):
        event = server.get("/clew/v1/events/" + name).json()
        assert event["dataset"] == "shop" and event["@timestamp"] == "2026-11-20T10:00:00.123456789Z"
        assert event["fields"] == {"severity": "ERROR", "app": "cart", "a.b": [1, 2], "msg": "it failed"}
        assert event["level"] == "ERROR" and event["service"] == "cart" and event["message"] == "it failed"
        assert event["derived"] == {"message": "it failed", "level": "ERROR", "service.name": "cart"}
        assert json.loads(event["raw"])["a"] == {"b": [1, 2]} and event["flags"] == []
        server.post("/clew/v1/flush")
    missing = server.get("/clew/v1/events/" + name + "9")
    assert missing.status == 404 and name + "9" in missing.json()["error"]["reason"]
    assert server.get("/clew/v1/events/" + name + "?dataset=logs").status == 404
    assert server.get("/clew/v1/events/" + name + "?dataset=shop").status == 200


def test_ids_that_clients_gave(server):
    names = ["order/17", "a b", "100%", "ünï", "?x=1#y"]
    body = "".join(json.dumps({"index": {"_id": name}}) + "\n" + json.dumps({"n": i}) + "\n" for i, name in enumerate(names))
    assert server.post("/shop/_bulk", body, headers={"Content-Type": "application/x-ndjson"}).json()["errors"] is False
    for i, name in enumerate(names):
        event = server.get("/clew/v1/events/" + urllib.parse.quote(name, safe="")).json()
        assert event["fields"]["n"] == i and event["_id"] == name
        assert around(server, of=name, by="dataset")["rows"][i]["_id"] == name


def test_spans_have_a_place_too(server):
    server.import_ndjson([{"trace_id": "t1", "span_id": f"s{n}", "name": "GET /", "service": "a", "duration_ms": 5,
                           "start": f"2026-11-20T10:00:0{n}Z"} for n in range(5)], dataset="traces")
    name = server.rows("source=traces span_id=s2 | fields _id")[0]["_id"]
    got = around(server, of=name)
    assert [row["fields"]["span_id"] for row in got["rows"]] == ["s0", "s1", "s2", "s3", "s4"]


def test_a_pasted_line_on_the_command_line(server):
    lines = [f"2026-11-20 10:00:{n:02} {'ERROR' if n == 30 else 'INFO'} step {n} of the {'payment' if n == 30 else 'work'}"
             for n in range(60)]
    server.import_text("\n".join(lines) + "\n", "app")
    want = lines[25:36]

    def shown(done):
        return [json.loads(line) for line in done.stdout.splitlines()]
    for args, stdin in ((["step 30 of the payment"], None), ([lines[30]], None), (lines[30].split(), None), ([], lines[30] + "\n")):
        rows = shown(server.cli("context", *args, "-C", "5", stdin=stdin))
        assert [row["message"].split()[-4] for row in rows] == [line.split()[4] for line in want], args
        assert [row["this"] for row in rows] == [i == 5 for i in range(11)]
    text = server.cli("context", rows[5]["_id"], "-B", "1", "-A", "2", "--format", "lines").stdout.splitlines()
    assert text[0] == "2026-11-20" and [line[0] for line in text[1:]] == [" ", ">", " ", " "]
    assert "ERROR" in text[2] and text[2].endswith("step 30 of the payment")
    piped = server.cli("query", "source=app level=error | head 1", "--raw").stdout
    assert shown(server.cli("context", "-C", "1", stdin=piped))[1]["this"]
    missing = server.cli("context", "no such line anywhere", check=False)
    assert missing.returncode == 1 and "no such line anywhere" in missing.stderr


def test_control_characters_of_a_log_stay_in_it(server):
    server.import_ndjson([{"message": "a\u001b[31mred\nnext", "service": "x\u001b]0;t\u0007"}])
    name = server.rows("source=logs | fields _id")[0]["_id"]
    out = server.cli("context", name, "--format", "lines").stdout
    assert "\u001b" not in out and "\u0007" not in out and len(out.splitlines()) == 2
