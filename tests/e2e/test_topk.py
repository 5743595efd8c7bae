"""clew top: the heaviest values by fields and labels, against exact answers."""
import collections
import json
import os
import random
import shutil
import socket
import subprocess
import time

import pytest

from test_remote_write import series, write

NOW = int(time.time())


def top(server, *words, **options):
    done = server.cli("top", *words, "--format", "ndjson", **options)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def events(count, age=60):
    """Requests of few endpoints and many users, all within the last `age` seconds."""
    rng = random.Random(7)
    at = time.time() - age
    return [{"@timestamp": at + age * i / count, "endpoint": f"/e{int(rng.random() ** 3 * 40)}", "level": rng.choice(["info", "error"]),
             "user": f"u{rng.randrange(5000)}", "bytes": rng.randrange(1000)} for i in range(count)]


def test_events_by_field(server):
    rows, said = top(server, "10", "by", "endpoint", "last", "5m")
    assert rows == [] and said.startswith("exact; 0 events"), "a store without any dataset has nothing, which is no mistake"
    sent = events(20_000)
    server.import_ndjson(sent)
    server.import_ndjson([{"@timestamp": time.time() - 4000, "endpoint": "/old"}] * 10)
    exact = collections.Counter(event["endpoint"] for event in sent).most_common(10)
    rows, said = top(server, "10", "by", "endpoint", "last", "5m")
    assert [row["sum"] for row in rows] == [count for _, count in exact]
    assert {row["endpoint"]: row["sum"] for row in rows[:5]} == dict(exact[:5])
    assert all(row["error"] == 0 for row in rows) and said.startswith("exact; 20,000 events with 40 different values")
    rows, _ = top(server, "3", "by", "endpoint", "where", "level=error", "last", "1h")
    errors = collections.Counter(event["endpoint"] for event in sent if event["level"] == "error").most_common(3)
    assert [(row["endpoint"], row["sum"]) for row in rows] == errors
    rows, _ = top(server, "2", "sum(bytes)", "by", "endpoint,", "level", "last", "1h")
    sums = collections.Counter()
    for event in sent:
        sums[event["endpoint"], event["level"]] += event["bytes"]
    assert [((row["endpoint"], row["level"]), row["sum"]) for row in rows] == sums.most_common(2)
    rows, said = top(server, "1", "by", "endpoint", "last", "2h")
    assert "20,010 events" in said


def test_metrics_by_label(server):
    for job, step in (("api", 30), ("web", 15), ("idle", 0)):
        samples = [((NOW - 600 + i * 15) * 1000, float(i * step)) for i in range(41)]
        assert write(server, series({"__name__": "requests_total", "job": job}, samples)).status == 204
    answer = server.post("/clew/v1/top", {"ask": "10 by job of requests_total last 5m", "to": NOW * 1000}).json()
    assert [row["values"]["job"] for row in answer["rows"]] == ["api", "web"]
    assert [row["sum"] for row in answer["rows"]] == [600, 300]
    assert answer["promql"].startswith("topk(10, sum by (job) (increase(requests_total[")


def test_mistakes_say_what_to_write(server):
    server.import_ndjson([{"level": "info"}])
    for words, said in ((["10", "by"], "by takes a name"),
                        (["10", "by", "level", "last", "soon"], "last takes a duration"),
                        (["10", "by", "level", "where", "level", ">"], "expected an expression")):
        done = server.cli("top", *words, check=False)
        assert done.returncode == 1 and said in done.stderr, done.stderr
    reply = server.post("/clew/v1/top", {"ask": "by level last 5m", "since": "1h"})
    assert reply.status == 400 and "said twice" in reply.text
    assert server.get("/clew/v1/top?ask=by+level+last+1h").json()["rows"][0]["values"] == {"level": "info"}


def test_the_most_frequent_values_of_a_field_as_before(server):
    server.import_ndjson([{"level": "info"}, {"level": "info"}, {"level": "warn"}])
    rows, _ = top(server, "level")
    assert [(row["value"], row["events"]) for row in rows] == [("info", 2), ("warn", 1)]


def wait_list(server, name, wanted, seconds=30):
    """Until the standing list has these rows, as (values, sum)."""
    deadline = time.monotonic() + seconds
    while True:
        reply = server.get("/clew/v1/top/lists/" + name)
        found = [(tuple(row["values"].values()), row["sum"]) for row in reply.json()["rows"]] if reply.status == 200 else reply.text
        if found == wanted or time.monotonic() > deadline:
            assert found == wanted
            return reply.json()
        time.sleep(0.1)


LISTS = """
topk:
  lists:
    endpoints: 3 by endpoint last 1h
    errors: "10 sum(bytes) by endpoint, level where level='error' last 1h"
"""


@pytest.fixture
def listed(make_server, tmp_path):
    config = tmp_path / "clew.yaml"
    config.write_text(LISTS)
    return make_server("--config", str(config))


def exact_lists(sent):
    endpoints = collections.Counter(event["endpoint"] for event in sent)
    sums = collections.Counter()
    for event in sent:
        if event["level"] == "error":
            sums[event["endpoint"], event["level"]] += event["bytes"]
    order = lambda counter, most: sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:most]  # noqa: E731
    return [((key,), count) for key, count in order(endpoints, 3)], order(sums, 10)


def test_standing_lists_survive_a_kill(listed):
    sent = events(5_000)
    listed.import_ndjson(sent[:3_000])
    endpoints, errors = exact_lists(sent[:3_000])
    wait_list(listed, "endpoints", endpoints)
    listed.import_ndjson(sent[3_000:])
    listed.kill()
    listed.start()
    endpoints, errors = exact_lists(sent)
    answer = wait_list(listed, "endpoints", endpoints)
    assert answer["answer"] == "exact" and answer["total"] == 5_000 and answer["bound"] == 0
    wait_list(listed, "errors", errors)
    assert [one["name"] for one in listed.get("/clew/v1/top/lists").json()["lists"]] == ["endpoints", "errors"]
    assert listed.get("/clew/v1/top/lists/none").status == 404
    rows, said = top(listed, "--list", "endpoints")
    assert [(row["endpoint"],) for row in rows] == [key for key, _ in endpoints] and said.startswith("exact")


class RedisServer:
    """Debian's redis-server with an append-only file, killed and started again on the same port."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--requirepass", "pa:ss"], stdout=subprocess.DEVNULL)
        while self.ask("PING") != "PONG":
            assert self.process.poll() is None
            time.sleep(0.05)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, *words):
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True, check=False,
                              env={**os.environ, "REDISCLI_AUTH": "pa:ss"})
        return done.stdout.strip()

    def top(self, name, most=10):
        lines = self.ask("ZREVRANGE", "clew:top:" + name, "0", str(most - 1), "WITHSCORES").splitlines()
        return [(key, float(score)) for key, score in zip(lines[::2], lines[1::2])]

    def wait(self, name, wanted, seconds=30):
        deadline = time.monotonic() + seconds
        while sorted(self.top(name)) != sorted(wanted):
            assert time.monotonic() < deadline, (self.top(name), wanted)
            time.sleep(0.1)


@pytest.fixture
def redis(tmp_path):
    if shutil.which("redis-server") is None or shutil.which("redis-cli") is None:
        pytest.skip("there is no redis-server: apt-get install redis-server")
    folder = tmp_path / "redis"
    folder.mkdir()
    one = RedisServer(folder).start()
    yield one
    one.kill()


def test_lists_in_redis_are_right_after_kills(make_server, tmp_path, redis):
    config = tmp_path / "clew.yaml"
    config.write_text(LISTS + f"  redis: redis://:pa%3Ass@127.0.0.1:{redis.port}/0\n")
    server = make_server("--config", str(config))
    sent = events(4_000)

    def expect(events_sent):
        endpoints, errors = exact_lists(events_sent)
        redis.wait("endpoints", [(key[0], count) for key, count in endpoints])
        redis.wait("errors", [(json.dumps(list(key), separators=(",", ":")), count) for key, count in errors])

    server.import_ndjson(sent[:1_000])
    expect(sent[:1_000])
    assert "exact" in redis.ask("HGETALL", "clew:top:endpoints:about").split()
    before = sorted(redis.top("endpoints"))
    server.kill()
    redis.kill()
    redis.start()
    assert sorted(redis.top("endpoints")) == before, "the append-only file has them while clew is away"
    redis.kill()
    server.start()
    server.import_ndjson(sent[1_000:2_000])
    deadline = time.monotonic() + 20
    while server.metric("clew_topk_redis_failures_total") == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    redis.start()
    expect(sent[:2_000])
    redis.kill()
    redis.start()
    server.import_ndjson(sent[2_000:])
    server.kill()
    server.start()
    expect(sent)
    redis.ask("FLUSHALL")
    expect(sent)
