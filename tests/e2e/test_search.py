"""Asking: streamed and whole, cut, cancelled and wrong."""
import json
import socket
import time

import pytest


def fill(server, count=5000):
    events = [{"@timestamp": f"2026-11-20T10:{n // 60 % 60:02}:{n % 60:02}.{n % 1000:03}Z", "n": n,
               "level": "error" if n % 10 == 0 else "info", "message": f"request {n} done"} for n in range(count)]
    assert server.import_ndjson(events).status == 200


def records(reply):
    return reply.lines()


def test_stream_has_schema_rows_and_end(server):
    fill(server)
    lines = records(server.post("/clew/v1/search", {"query": "source=logs level=error | fields n, message", "limit": 0}))
    assert [c["name"] for c in lines[0]["schema"]] == ["n", "message"]
    rows = [line["row"] for line in lines if "row" in line]
    assert sorted(row["n"] for row in rows) == list(range(0, 5000, 10))
    end = lines[-1]["end"]
    assert end["answer"] == "exact" and end["rows"] == 500 and end["stats"]["rows_scanned"] >= 500


def test_newest_first_and_ranges(server):
    fill(server, 3600)

    def ask(**more):
        lines = records(server.post("/clew/v1/search", {"query": "source=logs | fields n", **more}))
        return [line["row"]["n"] for line in lines if "row" in line]
    assert ask(limit=3) == [3599, 3598, 3597]
    assert ask(limit=3, order="oldest") == [0, 1, 2]
    assert ask(**{"from": "2026-11-20T10:01:00Z", "to": "2026-11-20T10:01:03Z"}) == [62, 61, 60]
    assert ask(**{"to": "2026-11-20T10:00:00Z"}) == []


def test_a_cut_answer_says_so(server):
    fill(server, 12_000)
    lines = records(server.post("/clew/v1/search", {"query": "source=logs | fields n"}))
    assert lines[-1]["end"]["answer"] == "cut; limit=rows; value=10000"
    whole = server.post("/_plugins/_ppl", {"query": "source=logs | fields n"})
    assert whole.headers["Clew-Answer"] == "cut; limit=rows; value=10000" and whole.json()["total"] == 10_000


@pytest.mark.parametrize("query,code,status", [("source=logs | stats avg(", "SYNTAX_ERROR", 400),
                                               ("source=nope", "INDEX_NOT_FOUND", 404),
                                               ("source=logs | where nope = 1", "FIELD_NOT_FOUND", 400)])
def test_mistakes_have_a_place(server, query, code, status):
    fill(server, 10)
    reply = server.post("/clew/v1/search", {"query": query})
    assert reply.status == status and reply.json()["error"]["code"] == code
    same = server.post("/_plugins/_ppl", {"query": query})
    assert same.status == status and same.json()["error"]["code"] == code and same.json()["status"] == status


def test_bodies_are_strict(server):
    assert "did you mean" in server.post("/clew/v1/search", {"qurey": "x"}).json()["error"]["reason"]
    assert server.post("/clew/v1/search", "{").status == 400
    assert server.post("/clew/v1/search", {"query": "x", "since": "soon"}).status == 400
    assert server.post("/_plugins/_ppl", {}).status == 400


def test_formats_of_ppl(server):
    server.import_ndjson([{"n": 1, "s": "a,b"}, {"n": 2, "s": "=1+1"}])
    query = {"query": "source=logs | sort n | fields n, s"}
    assert server.post("/_plugins/_ppl?format=csv", query).text.splitlines() == ["n,s", '1,"a,b"', "2,'=1+1"]
    assert server.post("/_plugins/_ppl?format=raw", query).text.splitlines()[0] == "n|s"
    assert server.post("/_plugins/_ppl?format=xml", query).status == 400
    assert server.post("/_plugins/_ppl/_explain", query).json()["calcite"]["logical"]
    assert server.post("/clew/v1/check", query).json() == {"ok": True}


def test_closing_the_connection_ends_the_query(server):
    fill(server, 20_000)
    host, port = server.listening["http"].split(":")
    body = json.dumps({"query": "source=logs", "limit": 0}).encode()
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(b"POST /clew/v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        sock.recv(1000)
    deadline = time.monotonic() + 10
    while any(query["running"] for query in server.get("/clew/v1/queries").json()["queries"]):
        assert time.monotonic() < deadline
    assert server.get("/livez").status == 200


def test_datasets_and_fields(server):
    fill(server, 100)
    datasets = server.get("/clew/v1/datasets").json()["datasets"]
    assert [(d["name"], d["rows"]) for d in datasets] == [("logs", 100)]
    names = {field["name"] for field in server.get("/clew/v1/datasets/logs/fields").json()["fields"]}
    assert {"n", "level", "message"} <= names
    assert server.get("/clew/v1/datasets/none/fields").status == 404


def test_fields_say_where_values_came_from(server):
    stream = {"stream": {"app": "cart"}, "values": [["1795170000000000000", "a line"]]}
    assert server.post("/loki/api/v1/push", {"streams": [stream]}).status == 204
    fill(server, 10)

    def origins():
        found = {}
        for dataset in server.get("/clew/v1/datasets").json()["datasets"]:
            for field in server.get(f"/clew/v1/datasets/{dataset['name']}/fields").json()["fields"]:
                found.setdefault(field["name"], set()).update(field["origins"])
        return found

    def check():
        found = origins()
        assert found["app"] == {"label"} and found["n"] == {"record"}

    check()
    assert server.post("/clew/v1/flush").status == 200
    check()
    server.stop()
    server.start()
    check()
