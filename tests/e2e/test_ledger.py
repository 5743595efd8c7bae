"""The ledger: every event that agents read is somewhere, over kills of both sides; what is lost is shown."""
import json
import os
import pathlib
import signal
import subprocess

import clew_server
from test_agent import count_of, make_agent, wait_for  # noqa: F401 (make_agent is a fixture)

SOURCES = ("app", "web", "jobs")


def write_lines(path, first, count):
    with open(path, "a", encoding="utf-8") as file:
        for n in range(first, first + count):
            file.write(f"2026-11-30T10:00:{n % 60:02}Z INFO {path.stem} line {n}\n")


def config(tmp_path, url):
    path = tmp_path / "agent.json"
    sources = {name: {"files": [str(tmp_path / f"{name}.log")], "dataset": name} for name in SOURCES}
    sources["jobs"]["pipeline"] = "quiet"
    sources["web"]["pipeline"] = "sorted"
    path.write_text(json.dumps({"agent": {"servers": [url], "dir": str(tmp_path / "agent")}, "sources": sources,
                                "pipelines": {"sorted": [{"route": [{"when": 'message LIKE "%3"', "dataset": "threes"}]}],
                                              "quiet": [{"where": {"condition": "NOT (message LIKE \"%7\")", "rule": "sevens"}}]}}))
    return str(path)


def ledger(server):
    return server.get("/clew/v1/ledger").json()


def agent_of(server):
    agents = ledger(server)["agents"]
    return agents[0] if agents else {}


def by_source(agent):
    return {source["source"]: source for source in agent.get("sources", [])}


def settled(server, read):
    """Once the agent has told that it read so much and that nothing waits."""
    def reached():
        agent = agent_of(server)
        return agent.get("read") == read and agent["waiting"] == 0 and agent["appended"] == agent["acknowledged"]
    wait_for(reached, f"{read} events read and acknowledged: {agent_of(server)}")
    return agent_of(server)


def command(server, *flags):
    done = subprocess.run([clew_server.BINARY, "ledger", "--url", server.url, *flags], capture_output=True, text=True,
                          timeout=30)
    return done.returncode, done.stdout


def test_nothing_is_missing_after_kills_of_both(server, make_agent, tmp_path):
    server.listen = server.listening["http"]
    for name in SOURCES:
        write_lines(tmp_path / f"{name}.log", 0, 1000)
    agent = make_agent("--config", config(tmp_path, server.url), directory=tmp_path / "agent")
    settled(server, 3000)
    for turn in range(1, 5):
        server.kill()
        for name in SOURCES:
            write_lines(tmp_path / f"{name}.log", 1000 * turn, 500)
        wait_for(lambda: agent.metric("clew_agent_queue_events") > 0, "events that wait")
        agent.end(signal.SIGKILL)
        for name in SOURCES:
            write_lines(tmp_path / f"{name}.log", 1000 * turn + 500, 500)
        server.start()
        agent.start()
    last = settled(server, 15000)
    assert last["missing"] == 0 and ledger(server)["missing"] == 0
    sources = by_source(last)
    # What was written, and what the rule took: 1 of 10.
    assert {name: sources[name]["read"] for name in SOURCES} == {name: 5000 for name in SOURCES}
    assert sources["jobs"]["dropped"] == {"sevens": 500} and last["dropped"] == 500
    assert {name: sources[name]["queued"] for name in SOURCES} == {"app": 5000, "web": 5000, "jobs": 4500}
    for name in SOURCES:
        one = sources[name]
        assert one["waiting"] == one["missing"] == one["refused"] == 0, one
        assert one["stored"] == one["acknowledged"] == one["queued"] <= one["sent"] + 14500, one
        assert one["flagged"] == {} and one["lag_ms"]["p50"] <= one["lag_ms"]["p99"], one
    assert last["stored"] == last["acknowledged"] == 14500 and last["elsewhere"] == 0 and last["refused"] == 0
    # One read of `web` goes to two datasets: no kill comes between them.
    stored = {name: count_of(server, name) for name in (*SOURCES, "threes")}
    assert stored == {"app": 5000, "web": 4500, "threes": 500, "jobs": 4500}
    code, text = command(server, "--format", "table")
    assert code == 0 and text.endswith("0 missing\n") and "500 by sevens" in text, text


def test_a_lost_journal_of_the_queue_is_missing(server, make_agent, tmp_path):
    server.listen = server.listening["http"]
    log = tmp_path / "app.log"
    write_lines(log, 0, 100)
    agent = make_agent("--url", server.url, str(log), directory=tmp_path / "agent")
    settled(server, 100)
    server.kill()
    write_lines(log, 100, 40)
    wait_for(lambda: agent.metric("clew_agent_queue_events") == 40, "events that wait")
    assert agent.end() == 0
    queue = tmp_path / "agent" / "queue"
    gone = [name for name in os.listdir(queue) if "state" not in name and "lock" not in name.lower()]
    assert gone
    for name in gone:
        (queue / name).unlink()
    server.start()
    agent.start()
    wait_for(lambda: agent_of(server).get("missing") == 40, f"40 missing events: {agent_of(server)}")
    agent_now = agent_of(server)
    assert by_source(agent_now)["files"]["missing"] == 40
    assert agent_now["missing_in_queue"] == 40 and agent_now["missing_here"] == 0 and agent_now["stored"] == 100
    code, text = command(server, "--format", "table")
    assert code == 1 and "40 events were lost in its queue" in text and text.endswith("40 missing\n"), text
    # It stays so over a restart of the server, also when the agent has gone.
    agent.end()
    server.kill()
    server.start()
    assert ledger(server)["missing"] == 40


def test_a_server_that_lost_its_count_knows_what_it_never_had(server, make_agent, tmp_path, make_server):
    log = tmp_path / "app.log"
    write_lines(log, 0, 100)
    agent = make_agent("--url", server.url, str(log), directory=tmp_path / "agent")
    settled(server, 100)
    agent.end()
    other = make_server()
    agent.args = ["--url", other.url, str(log)]
    write_lines(log, 100, 30)
    agent.start()
    last = settled(other, 130)
    assert (last["stored"], last["elsewhere"], last["missing"]) == (30, 100, 0)


def test_mistakes_of_a_report_are_named(server):
    for body, said in ({"appended": 1}, "producer"), ({"producer": "p", "sources": {"a": 1}}, "sources.a"), (
            {"producer": "p", "waiting": -1}, "waiting"):
        reply = server.post("/clew/v1/ledger", body)
        assert reply.status == 400 and said in reply.text, reply.text
    assert ledger(server) == {"missing": 0, "agents": [], "sources": []}


def test_what_a_power_failure_took_from_the_counts_is_found_in_the_store(server, make_agent, tmp_path):
    server.listen = server.listening["http"]
    log = tmp_path / "app.log"
    write_lines(log, 0, 100)
    agent = make_agent("--url", server.url, str(log), directory=tmp_path / "agent")
    settled(server, 100)
    agent.end(signal.SIGKILL)
    counts = pathlib.Path(server.data) / "ledger"
    kept = counts.read_bytes()
    write_lines(log, 100, 40)
    agent.start()
    wait_for(lambda: count_of(server, "logs") == 140, "140 events")
    server.kill()
    # Power fails: what was not synced is gone.
    assert counts.read_bytes()[:len(kept)] == kept and len(counts.read_bytes()) > len(kept)
    counts.write_bytes(kept)
    server.start()
    last = settled(server, 140)
    assert (last["stored"], last["missing"]) == (140, 0)
    files = by_source(last)["files"]
    assert (files["stored"], files["missing"], files["acknowledged"]) == (140, 0, 140)
    # Nor is an answer counted that the store does not have.
    agent.end()
    server.kill()
    server.start()
    server.kill()
    lines = counts.read_text().splitlines()
    state = json.loads(lines[0])
    state["state"]["stored"] = 90
    state["state"]["sources"]["files"]["stored"] = 90
    counts.write_text(json.dumps(state) + "\n")
    server.start()
    assert ledger(server)["missing"] == 50 and by_source(agent_of(server))["files"]["missing"] == 50


def test_flagged_events_and_lost_datagrams_are_told_by_source(server, make_agent, tmp_path):
    log = tmp_path / "app.log"
    with open(log, "wb") as file:
        for n in range(100):
            file.write(b"no time here\n" if n < 10 else b"2026-11-30T10:00:00Z INFO line %d%s\n" % (n, b"\xff" if n < 15 else b""))
    make_agent("--url", server.url, str(log), directory=tmp_path / "agent")
    files = by_source(settled(server, 100))["files"]
    assert files["flagged"] == {"bad_encoding": 5, "no_time": 10}, files
    assert files["flagged_percent"] == {"bad_encoding": 5.0, "no_time": 10.0}
    code, text = command(server, "--format", "table")
    assert code == 0 and "10.0% no_time" in text.replace("10% ", "10.0% "), text


def test_what_comes_without_an_agent_is_told_by_protocol(server):
    server.post("/_bulk", '{"index":{"_index":"shop"}}\n{"message":"a","time":"2026-11-30T10:00:00Z"}\n'
                          '{"index":{"_index":"shop"}}\n{"message":"b"}\n{"index":{"_index":"shop"}}\nno json\n',
                headers={"Content-Type": "application/x-ndjson"})
    server.post("/api/v1/import?format=ndjson", '{"message":"c"}\n')

    def by_name():
        return {one["source"]: one for one in ledger(server)["sources"]}
    bulk = by_name()["bulk"]
    assert (bulk["received"], bulk["stored"], bulk["rejected"], bulk["open"]) == (3, 2, {"not_an_object": 1}, 0), bulk
    assert bulk["flagged"] == {"no_time": 1}
    assert by_name()["import"]["stored"] == 1
    code, text = command(server, "--format", "table")
    assert code == 0 and "(this server)" in text and "1 by not_an_object" in text, text
    before = {name: (one["received"], one["stored"]) for name, one in by_name().items()}
    server.stop()
    server.start()
    assert {name: (one["received"], one["stored"]) for name, one in by_name().items()} == before
