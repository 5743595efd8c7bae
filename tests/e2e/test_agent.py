"""clew agent on real files before a real server: rotation, kills of both, outages, standard input."""
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
import urllib.request

import pytest

import clew_server

ROTATIONS = int(os.environ.get("CLEW_AGENT_ROTATIONS", "60"))
LINES = int(os.environ.get("CLEW_AGENT_LINES", "30000"))
WAIT_SECONDS = 60


class Agent:
    """clew agent with its own directory; stopped, killed and started again."""

    def __init__(self, directory, args):
        self.directory, self.args = str(directory), [str(a) for a in args]
        self.process, self.ready, self.log = None, {}, []

    def start(self):
        command = [clew_server.BINARY, "agent", "--dir", self.directory, "--listen", "127.0.0.1:0", *self.args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True).start()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise RuntimeError("clew agent ended:\n" + "".join(self.log[-40:]))
        self.ready = json.loads(line)
        return self

    def _read_log(self, pipe):
        for line in pipe:
            self.log.append(line)

    def end(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        code = self.process.wait(20)
        self.process = None
        return code

    def metric(self, name):
        url = "http://" + self.ready["listening"] + "/metrics"
        with urllib.request.urlopen(url, timeout=10) as reply:
            lines = reply.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


@pytest.fixture
def make_agent(tmp_path):
    started = []

    def make(*args, directory=None):
        agent = Agent(directory or tmp_path / f"agent{len(started)}", args)
        started.append(agent)
        return agent.start()

    yield make
    for agent in started:
        if agent.process is not None:
            agent.end(signal.SIGKILL)


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {WAIT_SECONDS} s: {what}")


def count_of(server, dataset):
    reply = server.post("/_plugins/_ppl", {"query": f"source={dataset} | stats count() as n"})
    return reply.json()["datarows"][0][0] if reply.status == 200 else 0


def test_files_reach_the_server_with_their_host_and_path(server, make_agent, tmp_path):
    log = tmp_path / "app.log"
    log.write_text("2026-11-30T10:00:00Z INFO first\n"
                   "2026-11-30T10:00:01Z ERROR failed\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\n"
                   "KeyError: 'x'\n"
                   "2026-11-30T10:00:02Z INFO last\n")
    make_agent("--url", server.url, "--dataset", "app", str(tmp_path / "*.log"))
    wait_for(lambda: count_of(server, "app") == 3, "three events")
    rows = server.rows("source=app | sort @timestamp | fields message, level, host.name, log.file.path, error.type")
    assert [row["message"] for row in rows] == ["first", "failed", "last"]
    assert [row["error.type"] for row in rows] == [None, "KeyError", None]
    assert {row["log.file.path"] for row in rows} == {str(log)}
    assert {row["host.name"] for row in rows} == {os.uname().nodename}
    with open(log, "a") as more:
        more.write("2026-11-30T10:00:03Z INFO more\n")
    wait_for(lambda: count_of(server, "app") == 4, "the line that was added")


def test_the_configuration_names_sources(server, make_agent, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.log").write_text("".join(f"{name} {i}\n" for i in range(100)))
    config = tmp_path / "agent.yaml"
    config.write_text(f"agent:\n  servers: {server.url}\nsources:\n"
                      + "".join(f"  {n}:\n    files: [{tmp_path}/{n}/*.log]\n    dataset: set-{n}\n" for n in ("a", "b")))
    make_agent("--config", config)
    for name in ("a", "b"):
        wait_for(lambda: count_of(server, f"set-{name}") == 100, f"the lines of {name}")


def test_standard_input_ends_with_everything_stored(server, tmp_path):
    lines = "".join(f'{{"n":{i},"message":"line {i}"}}\n' for i in range(5000)) + '{"n":5000}'
    done = subprocess.run([clew_server.BINARY, "agent", "--stdin", "--dataset", "piped", "--url", server.url, "--dir",
                           str(tmp_path / "agent")], input=lines, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert server.rows("source=piped | stats count() as c, max(n) as m, distinct_count(n) as d") == [
        {"c": 5001, "m": 5000, "d": 5001}]


def test_lines_of_standard_input_and_of_imported_files_join_as_those_of_files_do(server, tmp_path):
    trace = ("2026-11-30T10:00:01Z ERROR failed\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\n"
             "KeyError: 'x'\n")
    text = "2026-11-30T10:00:00Z INFO first\n" + trace + "2026-11-30T10:00:02Z INFO last\n"
    done = subprocess.run([clew_server.BINARY, "agent", "--stdin", "--dataset", "piped", "--url", server.url, "--dir",
                           str(tmp_path / "agent")], input=text, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    # Bodies of an import are 1 MiB: traces lie at their ends too.
    (tmp_path / "big.log").write_text((text * 20000))
    done = subprocess.run([clew_server.BINARY, "import", "--url", server.url, "--dataset", "imported",
                           str(tmp_path / "big.log")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for dataset, times in ("piped", 1), ("imported", 20000):
        assert server.rows(f"source={dataset} | stats count() as n by message, error.type | sort message") == [
            {"n": times, "message": "failed", "error.type": "KeyError"},
            {"n": times, "message": "first", "error.type": None},
            {"n": times, "message": "last", "error.type": None}]


def test_the_last_event_of_standard_input_does_not_wait_for_another(server, tmp_path):
    process = subprocess.Popen([clew_server.BINARY, "agent", "--stdin", "--dataset", "open", "--url", server.url, "--dir",
                                str(tmp_path / "agent")], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        process.stdin.write("2026-11-30T10:00:00Z INFO only\n")
        process.stdin.flush()
        wait_for(lambda: count_of(server, "open") == 1, "the event, with the pipe still open")
    finally:
        process.stdin.close()
        process.wait(20)


@pytest.mark.parametrize("compression", ["lz4", "zstd", "none"])
def test_events_arrive_however_they_are_compressed(server, make_agent, tmp_path, compression):
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-11-30T10:00:00Z INFO request {i} of user {i % 97} took {i * 7919 % 1000} ms\n" for i in range(20000)))
    config = tmp_path / "agent.yaml"
    config.write_text(f"agent:\n  servers: {server.url}\n  compression: {compression}\nsources:\n  app: {{files: {log}, dataset: app}}\n")
    agent = make_agent("--config", config)
    wait_for(lambda: count_of(server, "app") == 20000, "all lines")
    sent = agent.metric("clew_ship_sent_bytes_total")
    assert sent < os.path.getsize(log) * {"lz4": 0.6, "zstd": 0.4, "none": 2}[compression], sent
    assert server.rows("source=app | where message like '%user 5 %' | stats count() as n")[0]["n"] == 20000 // 97 + (5 < 20000 % 97)


def test_an_agent_sends_otlp_to_any_server(make_server, make_agent, tmp_path):
    near, far = make_server(), make_server()
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-11-30T10:00:{i % 60:02}Z ERROR request {i} failed\n" for i in range(3000)))
    config = tmp_path / "agent.yaml"
    config.write_text(f"agent:\n  servers: {near.url}\n  otlp:\n    url: http://{far.listening['otlp_http']}\n"
                      f"    headers: {{X-Scope-OrgID: shop}}\nsources:\n  app: {{files: {log}, dataset: app}}\n")
    make_agent("--config", config)
    for server in near, far:
        wait_for(lambda: count_of(server, "app") == 3000, "all lines")
    query = "source=app | where level = 'ERROR' | stats count() as n, min(@timestamp) as a, max(@timestamp) as b, distinct_count(message) as m by host.name"
    assert near.rows(query) == far.rows(query)
    assert far.rows(query)[0]["n"] == 3000
    assert far.rows("source=app | head 1 | fields severityNumber, severityText, log.file.path")[0] == {
        "severityNumber": 17, "severityText": "ERROR", "log.file.path": str(log)}


def test_mistakes_are_told(tmp_path):
    def run(*args):
        done = subprocess.run([clew_server.BINARY, "agent", *args], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    assert run() == (1, "clew agent: nothing to read: name files, pass --stdin, or write sources into the configuration\n")
    code, text = run("--format", "grok", "--dir", str(tmp_path / "a"), "/tmp/x")
    assert code == 1 and "unknown format" in text
    code, text = run("--dataset", "clew", "--dir", str(tmp_path / "c"), "/tmp/x")
    assert code == 1 and "own log" in text
    code, text = run("--listen", "0.0.0.0:0", "--dir", str(tmp_path / "b"), "/tmp/x")
    assert code == 1 and "listen on 127.0.0.1" in text


def test_secrets_stay_on_the_machine(make_server, make_agent, tmp_path):
    """Neither the agent's queue nor what it sends has them, while no server is there and afterwards."""
    server = make_server()
    server.listen = server.listening["http"]
    server.kill()
    canary = "kanarienvogel7"
    (tmp_path / "x.log").write_text(f'login password={canary} for al\n{{"message":"in","password":"{canary}"}}\n')
    agent = make_agent("--url", "http://" + server.listen, "--dataset", "secrets", str(tmp_path / "*.log"))
    wait_for(lambda: agent.metric("clew_agent_queue_events") == 2, "both lines in the queue")

    def holds_canary(directory):
        return any(canary.encode() in open(os.path.join(top, name), "rb").read()
                   for top, _, names in os.walk(directory) for name in names)

    assert not holds_canary(agent.directory)
    server.start()
    wait_for(lambda: count_of(server, "secrets") == 2, "both lines on the server")
    assert not holds_canary(server.data)
    assert agent.metric("clew_redacted_total") == 2
    rows = server.rows("source=secrets | fields message")
    assert {row["message"] for row in rows} == {"login password=[redacted:password] for al", "in"}


class Rotator(threading.Thread):
    """Writes numbered lines and rotates the file in every way."""

    def __init__(self, directory, lines, rotations, rng):
        super().__init__()
        self.path, self.lines, self.rotations, self.rng = str(directory / "app.log"), lines, rotations, rng
        self.number = 0
        self.done_rotations = 0

    def run(self):
        per_file = self.lines // (self.rotations + 1)
        out = open(self.path, "a")
        while self.number < self.lines:
            for _ in range(min(per_file, self.lines - self.number)):
                out.write(f"2026-11-30T10:00:00Z INFO line {self.number} of the run\n")
                self.number += 1
            out.flush()
            if self.number < self.lines:
                out = self.rotate(out)
        out.close()

    def rotate(self, out):
        self.done_rotations += 1
        rotated = f"{self.path}.{self.done_rotations}"
        way = self.rng.choice(["rename", "rename", "late", "gzip", "copy"])
        if way == "copy":  # logrotate's copytruncate
            shutil.copyfile(self.path, rotated)
            out.truncate(0)
            return out
        os.rename(self.path, rotated)
        if way == "late":  # the program goes on with the old file for a while
            out.write(f"2026-11-30T10:00:00Z INFO line {self.number} of the run\n")
            self.number += 1
        out.close()
        if way == "gzip":
            with open(rotated, "rb") as plain, gzip.open(rotated + ".gz", "wb") as packed:
                shutil.copyfileobj(plain, packed)
            os.remove(rotated)
        return open(self.path, "a")


def test_rotation_kills_and_outages_lose_and_repeat_nothing(make_server, make_agent, tmp_path):
    rng = random.Random(5)
    logs = tmp_path / "logs"
    logs.mkdir()
    server = make_server()
    server.listen = server.listening["http"]  # the agent knows its server by this address
    agent = make_agent("--url", server.url, "--dataset", "rotated", str(logs / "app.log*"))
    rotator = Rotator(logs, LINES, ROTATIONS, rng)
    rotator.start()
    for _ in range(6):
        rotator.join(rng.uniform(0.05, 0.3))
        agent.end(signal.SIGKILL)
        agent.start()
        rotator.join(rng.uniform(0.05, 0.3))
        server.kill()
        rotator.join(rng.uniform(0.05, 0.5))
        server.start()
    rotator.join()
    wait_for(lambda: count_of(server, "rotated") >= LINES, f"{LINES} lines; there are {count_of(server, 'rotated')}")
    assert agent.end() == 0
    answer = server.rows("source=rotated | parse message 'line (?<n>\\\\d+) of' | stats count() as c, distinct_count(n) as d")
    assert answer == [{"c": LINES, "d": LINES}], (answer, rotator.done_rotations)


def test_what_is_written_while_no_server_answers_arrives_later(make_server, make_agent, tmp_path):
    server = make_server()
    server.listen = server.listening["http"]
    url = server.url
    server.kill()
    log = tmp_path / "x.log"
    log.write_text("".join(f"before {i}\n" for i in range(1000)))
    agent = make_agent("--url", url, "--dataset", "later", str(tmp_path / "*.log"))
    wait_for(lambda: agent.metric("clew_agent_read_lines_total") == 1000, "the lines are read")
    assert agent.end() == 0, "an agent without a server stops too"
    with open(log, "a") as more:
        more.write("".join(f"after {i}\n" for i in range(1000)))
    agent.start()
    server.start()
    wait_for(lambda: count_of(server, "later") == 2000, "both parts")


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon"))


def test_memory_stays_flat_while_no_server_answers(make_server, make_agent, tmp_path):
    server = make_server()
    server.listen = server.listening["http"]
    log = tmp_path / "x.log"
    log.touch()
    agent = make_agent("--url", server.url, "--dataset", "later", str(log))
    lines = 0

    def write(count):
        nonlocal lines
        with open(log, "a", encoding="utf-8") as out:
            for n in range(lines, lines + count):
                out.write(f"2026-11-30T10:00:00Z INFO line {n} of an outage, with some more words to it than that\n")
        lines += count
        wait_for(lambda: agent.metric("clew_agent_read_lines_total") == lines, "the lines are read")
    write(100_000)
    wait_for(lambda: count_of(server, "later") == lines, "the first part")
    server.kill()
    write(100_000)
    before = resident_bytes(agent.process.pid)
    write(600_000)  # 50 MB wait on disk
    assert agent.metric("clew_agent_queue_events") >= 600_000
    grown = resident_bytes(agent.process.pid) - before
    assert grown < 16 << 20, grown
    server.start()
    wait_for(lambda: count_of(server, "later") == lines, "all lines")
    assert server.rows("source=later | stats distinct_count(message) as n") == [{"n": lines}]


def test_the_agent_keeps_its_share_of_the_processors(server, make_agent, tmp_path):
    lines = "".join(f'{{"n":{i},"level":"info","message":"request {i} took {i * 7919 % 1000} ms","user":"u{i % 977}"}}\n' for i in range(1_200_000))
    (tmp_path / "x.log").write_text(lines)
    config = tmp_path / "agent.yaml"
    config.write_text(f"agent:\n  servers: {server.url}\n  cpu: 10%\nsources:\n  x:\n    files: {tmp_path}/x.log\n    dataset: slowly\n")
    begun = time.monotonic()
    agent = make_agent("--config", config)
    wait_for(lambda: count_of(server, "slowly") == 1_200_000, "all lines")
    seconds = time.monotonic() - begun
    with open(f"/proc/{agent.process.pid}/stat") as stat:
        ticks = sum(int(word) for word in stat.read().rsplit(")", 1)[1].split()[11:13])
    used = ticks / os.sysconf("SC_CLK_TCK")
    # Half a second of the budget is saved up at first, and a batch is not cut short.
    assert used <= 0.1 * seconds + 0.2, f"{used} s of CPU in {seconds} s"
    assert agent.metric("clew_agent_cpu_cores") < 0.5
