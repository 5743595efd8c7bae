"""clew sync: a lost mirror is filled again from the other, with the same `_id`s."""
import json
import re
import shutil
import signal
import struct

from test_agent import count_of, make_agent, wait_for  # noqa: F401: make_agent is a fixture
from test_batches import body_of, example_part, part_of, send


def ids_of(server, dataset="*"):
    lines = server.post("/clew/v1/export", {"query": f"source={dataset}", "ids": True}).lines()
    return sorted(line["_id"] for line in lines if "_id" in line)


def events_of(server, dataset):
    lines = server.post("/clew/v1/export", {"query": f"source={dataset}", "ids": True}).lines()
    return {line["_id"]: {k: v for k, v in line.items() if k not in ("_ingest_time", "_seq")} for line in lines if "_id" in line}


def documents_of(server, dataset):
    lines = server.post("/clew/v1/export", {"query": f"source={dataset}", "raw": True, "ids": True}).lines()
    return sorted(json.dumps(line, sort_keys=True) for line in lines if "_export" not in line)


def sync(source, target, *more, check=True):
    done = target.cli("sync", "--from", source.url, *more, check=check)
    stored, known = re.match(r"([\d,]+) events stored, ([\d,]+) were", done.stdout).groups()
    return int(stored.replace(",", "")), int(known.replace(",", "")), done


def keyed(server, dataset, events, key):
    reply = server.import_ndjson(events, dataset=dataset, headers={"Clew-Batch": key})
    assert reply.status == 200 and reply.json()["stored"] == len(events), reply.text


def test_a_lost_mirror_is_filled_again(make_server, make_agent, tmp_path):  # noqa: F811
    left, lost = make_server(), make_server()
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-11-30T10:00:{i % 60:02}Z INFO line {i}  took {i * 7} ms\n" for i in range(3000)))
    config = tmp_path / "agent.yaml"
    config.write_text(f"agent:\n  servers: [{left.url}, {lost.url}]\n  mirror: yes\n"
                      f"sources:\n  app:\n    files: [{log}]\n    dataset: app\n")
    agent = make_agent("--config", str(config))
    wait_for(lambda: count_of(left, "app") == 3000 and count_of(lost, "app") == 3000, "both have all")
    assert agent.end(signal.SIGTERM) == 0
    assert ids_of(left) == ids_of(lost)
    lost.kill()
    shutil.rmtree(lost.data)
    lost.start()
    assert ids_of(lost) == []
    assert sync(left, lost)[:2] == (3000, 0)
    assert len(ids_of(left)) == 3000 and ids_of(lost) == ids_of(left)
    assert documents_of(lost, "app") == documents_of(left, "app")
    assert sync(left, lost)[:2] == (0, 3000)
    assert len(ids_of(lost)) == 3000


def wide_events(n):
    return [{"@timestamp": f"2026-11-{20 + i % 3}T10:00:{i % 60:02}Z", "n": i, "level": "error" if i % 9 == 0 else "info",
             "message": f"order {i} failed", "price": 1.50, "big": 18446744073709551615, "none": None, "empty": {},
             "user": {"name": f"u{i}", "tags": ["a", "b", i], "deep": {"er": [{"x": 1}, {"x": 2, "y": "z"}]}},
             **{f"field{i}_{j}": j for j in range(40)}} for i in range(n)]


def test_documents_come_back_equal_from_journal_and_segments(make_server):
    left, lost = make_server(), make_server()
    keyed(left, "shop", wide_events(60), "host:1")
    lines = "".join(f'10.0.0.{i} - - [30/Nov/2026:10:00:{i:02} +0000] "GET /{i} HTTP/1.1" 200 {i}\n' for i in range(60))
    assert left.request("POST", "/api/v1/import?dataset=web&format=auto", lines.encode(), {"Clew-Batch": "host:2"}).json()["stored"] == 60
    assert left.post("/clew/v1/flush").status == 200
    keyed(left, "shop", wide_events(10), "host:3")
    body = body_of(part_of("logs"), part_of("shop"))
    assert send(left, body, "agent:9").json()["stored"] == 4
    assert sync(left, lost)[:2] == (134, 0)
    for dataset in ("shop", "web", "logs"):
        assert events_of(lost, dataset) == events_of(left, dataset)
        assert documents_of(lost, dataset) == documents_of(left, dataset)
    for source in (left, lost):
        assert sorted(source.cli("export", "source=web", "--format", "raw").stdout.splitlines()) == sorted(lines.splitlines())
    # The same keys are known there to whoever sends them again.
    assert send(lost, body, "agent:9").json() == {"stored": 0, "duplicate": 4, "rejected": 0}


def test_only_what_is_missing_is_stored_and_it_is_known_after_a_restart(make_server):
    left, lost = make_server(), make_server()
    for batch in range(5):
        keyed(left, "logs", [{"n": n} for n in range(100)], f"host:{batch}")
        if batch % 2:
            keyed(lost, "logs", [{"n": n} for n in range(100)], f"host:{batch}")
    assert sync(left, lost)[:2] == (300, 200)
    assert len(ids_of(lost)) == 500 and ids_of(lost) == ids_of(left)
    lost.kill()
    lost.start()
    assert sync(left, lost)[:2] == (0, 500)


def test_rows_of_batches_that_are_partly_gone_keep_their_ids(make_server):
    left, lost = make_server(), make_server()
    keyed(left, "logs", [{"n": n} for n in range(10)], "host:1")
    left.post("/clew/v1/flush")
    keyed(left, "logs", [{"n": n} for n in range(10)], "host:2")
    assert left.post("/clew/v1/delete", {"dataset": "logs", "query": "n<3", "wait": True}).json()["deleted"] == 6
    stored, known, done = sync(left, lost)
    assert (stored, known) == (14, 0) and "6 events of these batches were deleted" in done.stdout
    assert ids_of(lost) == ids_of(left) == sorted(f"host:{b}:{n}" for b in (1, 2) for n in range(3, 10))
    assert sync(left, lost)[:2] == (0, 14)


def test_what_has_no_key_is_told_and_datasets_are_chosen(make_server):
    left, lost = make_server(), make_server()
    keyed(left, "shop", [{"n": 1}], "host:1")
    keyed(left, "web", [{"n": 2}, {"n": 3}], "host:2")
    left.import_ndjson([{"n": n} for n in range(7)], dataset="own")
    assert sync(left, lost, "--dataset", "web")[:2] == (2, 0)
    stored, known, done = sync(left, lost, check=False)
    assert (stored, known, done.returncode) == (1, 2, 1)
    assert "left out: 7 events that came to the source without Clew-Batch" in done.stderr
    wrong = lost.cli("sync", check=False)
    assert wrong.returncode == 1 and "--from URL" in wrong.stderr


def test_pages_that_are_wrong_are_refused_whole(server):
    assert server.get("/clew/v1/sync?after=x").status == 400
    assert server.get("/clew/v1/sync?from=1").status == 400
    page = b"\x03a:1" + struct.pack("<I", len(body_of(example_part()))) + body_of(example_part())
    assert server.request("POST", "/clew/v1/sync", page).json() == {"stored": 2, "duplicate": 0, "rejected": 0, "errors": []}
    for wrong in (b"", page[:-1], b"\x02a1" + page[4:], b"\x03b:1\xff\xff\xff\xff"):
        assert server.request("POST", "/clew/v1/sync", wrong).status == 400
    assert server.request("POST", "/clew/v1/sync", page).json()["duplicate"] == 2
    reply = server.get("/clew/v1/sync")
    assert json.loads(reply.headers["Clew-Sync"])["events"] == 2
    assert server.request("POST", "/clew/v1/sync", reply.body).json()["duplicate"] == 2
