"""Errors and messages in groups; queries that go on without their client."""
import json
import time

PYTHON = """Traceback (most recent call last):
  File "/srv/{file}.py", line {line}, in handle
    charge(order)
  File "/srv/pay.py", line {line}, in charge
    raise PaymentError("order {n} of user 'u{n}' refused")
PaymentError: order {n} of user 'u{n}' refused"""


def events():
    out = []
    for n in range(300):
        base = {"@timestamp": f"2026-11-20T10:{n // 60:02}:{n % 60:02}Z", "service": "pay" if n % 2 else "cart"}
        if n % 3 == 0:
            out.append({**base, "levelname": "ERROR", "message": f"charge {n} failed",
                        "exc_info": PYTHON.format(file="web" if n % 2 else "job", line=n, n=n)})
        elif n % 3 == 1:
            out.append({**base, "level": "error", "message": f"timeout after {n} ms talking to 10.0.0.{n % 7}:80"})
        else:
            out.append({**base, "level": "info", "message": f"request {n} done"})
    return out


def groups(server, **body):
    return server.post("/clew/v1/errors", {"query": "", **body}).json()


def test_errors_in_groups(server):
    made = events()
    server.import_ndjson(made[:150])
    server.post("/clew/v1/flush")
    server.import_ndjson(made[150:])
    got = groups(server)
    assert got["events"] == 200 and sum(g["events"] for g in got["groups"]) == 200
    by_type = {}
    for group in got["groups"]:
        by_type.setdefault(group["type"], []).append(group)
    assert [g["events"] for g in by_type[None]] == [100]  # one text without variables, no stack
    assert sorted(g["events"] for g in by_type["PaymentError"]) == [50, 50]  # two ways to the failure
    timeouts = by_type[None][0]
    assert timeouts["first_seen"] == "2026-11-20T10:00:01.000Z" and timeouts["last_seen"] == "2026-11-20T10:04:58.000Z"
    assert sorted(timeouts["services"]) == ["cart", "pay"] and timeouts["message"].startswith("timeout after 298")
    name = timeouts["fingerprint"]
    assert server.rows(f'source=logs | where _error_group = "{name}" | stats count() as n') == [{"n": 100}]
    assert groups(server, query="service.name=pay")["events"] == 100
    assert all("_error_group" not in json.dumps(row) for row in server.rows("source=logs"))


def test_no_errors_no_groups(server):
    server.import_ndjson([{"level": "info", "message": "fine"}])
    got = groups(server)
    assert got["events"] == 0 and got["groups"] == []


def test_patterns(server):
    server.import_ndjson(events())
    got = server.post("/clew/v1/patterns", {"query": "", "top": 10}).json()
    found = {p["pattern"]: p["events"] for p in got["patterns"]}
    assert found == {"charge <*> failed": 100, "timeout after <*> ms talking to <*>": 100, "request <*> done": 100}
    assert got["events"] == 300 and got["shapes"] == 3 and len(got["patterns"][0]["sample"]) == 3
    charge = next(p for p in got["patterns"] if p["pattern"] == "charge <*> failed")
    assert charge["first_seen"] == "2026-11-20T10:00:00.000Z" and charge["last_seen"] == "2026-11-20T10:04:57.000Z"
    assert charge["sample"] == ["charge 297 failed", "charge 294 failed", "charge 291 failed"] and charge["share"] == 100 / 300


def test_patterns_do_not_depend_on_where_rows_lie(server):
    def ask(**more):
        got = server.post("/clew/v1/patterns", {"query": "source=logs", **more}).json()
        return got["events"], got["shapes"], got["patterns"]

    server.import_ndjson(events())
    server.import_ndjson([{"@timestamp": "2026-11-20T11:00:00Z", "message": f"rare {'x' * n} {n}", "svc": f"node-{n % 3}"}
                          for n in range(40)])
    server.import_ndjson([{"@timestamp": "2026-11-20T12:00:00Z", "n": 1}])  # no message
    fresh, by_svc = ask(), ask(field="svc")
    server.post("/clew/v1/flush")
    assert ask() == fresh and ask(field="svc") == by_svc
    assert fresh[:2] == (340, 43) and sum(p["events"] for p in fresh[2]) == 340
    assert by_svc[:2] == (40, 1) and by_svc[2][0]["pattern"] == "<*>" and by_svc[2][0]["share"] == 1
    # The language says the same, and finds the events of a pattern.
    rows = server.rows("source=logs | stats count() as n by _pattern | where n = 100 | fields _pattern | sort _pattern")
    assert [row["_pattern"] for row in rows] == ["charge <*> failed", "request <*> done", "timeout after <*> ms talking to <*>"]
    assert server.rows("source=logs _pattern='charge <*> failed' | stats count() as n") == [{"n": 100}]
    assert server.rows("source=logs | where pattern(message) != _pattern | stats count() as n") == [{"n": 0}]
    got = server.get("/clew/v1/patterns?query=level%3Derror&top=1").json()
    assert [p["pattern"] for p in got["patterns"]] == ["charge <*> failed"] and got["events"] == 200
    assert server.get("/clew/v1/patterns?top=none").status == 400
    shown = server.cli("patterns", "level=error", "-n", "1").stdout
    assert "charge <*> failed" in shown and "100" in shown


def wait(done):
    deadline = time.monotonic() + 20
    while not (got := done()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return got


def test_a_query_goes_on_without_its_client(server):
    server.import_ndjson(events())
    query = {"query": "source=logs | fields message | sort message", "limit": 0}
    reply = server.post("/clew/v1/queries", query)
    assert reply.status == 202
    number = reply.json()["id"]
    wait(lambda: server.get(f"/clew/v1/queries/{number}").json()["kept"])
    strip = lambda lines: [line for line in lines if "row" in line]  # noqa: E731
    assert strip(server.get(f"/clew/v1/queries/{number}/result").lines()) == strip(server.post("/clew/v1/search", query).lines())
    assert server.post("/clew/v1/queries", {"query": "| stats ("}).status == 400
    failed = server.post("/clew/v1/queries", {"query": "source=nope"}).json()["id"]
    wait(lambda: server.get(f"/clew/v1/queries/{failed}").json()["kept"])
    assert server.get(f"/clew/v1/queries/{failed}/result").status == 404
    assert server.request("DELETE", f"/clew/v1/queries/{number}").status == 404  # it is over


def test_a_running_query_is_listed_and_cancelled(server):
    server.import_ndjson([{"a": n, "text": "x" * 50} for n in range(20_000)])
    heavy = "source=logs | " + " | ".join(f"eval t{i} = replace(text, \"(x+x+)+y\", \"z\")" for i in range(150)) + " | stats count() by a"
    number = server.post("/clew/v1/queries", {"query": heavy, "timeout_ms": 600_000}).json()["id"]
    shown = server.get(f"/clew/v1/queries/{number}").json()
    assert shown["query"] == heavy
    if shown["running"]:
        assert server.cli("queries", "--cancel", str(number), check=False).returncode in (0, 1)
    wait(lambda: not server.get(f"/clew/v1/queries/{number}").json()["running"])
