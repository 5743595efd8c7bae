"""agent.py [--mib N] [--only NAME] [--no-rsyslog]: what `clew agent` costs, beside rsyslog forwarding the same file in the same run.

The agent runs on one core (taskset) and sends to a sink on the other that acknowledges every batch and keeps nothing: the server's
CPU is not the agent's. A run ends when all lines of the file are acknowledged. CPU is the agent's user + system time over the whole
run, its start included. Files lie on a RAM disk where there is one, the agent's queue on the disk (its syncs are part of the cost).
`idle` follows 100 files that nobody writes.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLEW = os.path.join(ROOT, "build/release/bin/clew")
TICK = os.sysconf("SC_CLK_TCK")
BLOCK_BYTES = 16 << 20


def report(**line):
    print(json.dumps({"bench": "agent", **line}), flush=True)


# --- files ------------------------------------------------------------------------------------------------------------

WORDS = ("order payment cart session cache retry worker queue shard index upstream handler request reply timeout "
         "connection user account invoice stock").split()
LEVELS = ["INFO"] * 17 + ["WARN"] * 2 + ["ERROR"]
SERVICES = ["cart", "checkout", "gateway", "inventory", "payment", "search", "shipping", "users"]
PATHS = ["/api/v1/orders", "/api/v1/cart", "/static/app.js", "/health", "/login", "/api/v1/search", "/img/logo.png"]
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0 Safari/537.36",
          "curl/7.88.1", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15"]


def clock(n):
    ms = n * 7 % 1000
    return f"2026-11-30T{10 + n // 3_600_000 % 10:02d}:{n // 60_000 % 60:02d}:{n // 1000 % 60:02d}.{ms:03d}"


def make_shapes():
    """What a program of sixty log statements writes; {} is a variable."""
    rng = random.Random(3)
    holes = ["id={d}", "{d} bytes", "{hex}", "took {ms} ms", "on {ip}", "user {d}", "attempt {digit} of 5"]
    return [" ".join(rng.choice(holes) if rng.random() < 0.35 else rng.choice(WORDS) for _ in range(rng.randrange(6, 14)))
            for _ in range(60)]


SHAPES = make_shapes()


def message(rng):
    return rng.choice(SHAPES).format(d=rng.randrange(10**6), hex=f"{rng.getrandbits(32):08x}", ms=rng.randrange(10**5) / 1000,
                                     ip=f"10.{rng.randrange(256)}.{rng.randrange(256)}.7", digit=rng.randrange(1, 6))


def plain_line(rng, n):
    w = rng.choice
    return f"{clock(n)}Z {w(LEVELS)} [{w(SERVICES)}] {message(rng)}\n"


def json_line(rng, n):
    w = rng.choice
    return json.dumps({"@timestamp": clock(n) + "Z", "level": w(LEVELS).lower(), "service.name": w(SERVICES),
                       "host": f"node-{rng.randrange(20)}", "trace_id": f"{rng.getrandbits(128):032x}",
                       "user_id": rng.randrange(10**6), "method": w(["GET", "POST"]), "path": f"{w(PATHS)}/{rng.randrange(10**4)}",
                       "status": w([200, 200, 200, 404, 500]), "latency_ms": rng.randrange(10**6) / 1000,
                       "ip": f"10.{rng.randrange(256)}.{rng.randrange(256)}.9",
                       "message": message(rng)}) + "\n"


def access_line(rng, n):
    w = rng.choice
    return (f'203.0.{rng.randrange(256)}.{rng.randrange(256)} - - [30/Nov/2026:{10 + n // 3_600_000 % 10:02d}:{n // 60_000 % 60:02d}:'
            f'{n // 1000 % 60:02d} +0000] "{w(["GET", "POST"])} {w(PATHS)}?id={rng.randrange(10**5)} HTTP/1.1" '
            f'{w([200, 200, 304, 404, 500])} {rng.randrange(10**5)} "https://shop.example{w(PATHS)}" "{w(AGENTS)}"\n')


MAKERS = {"plain": plain_line, "json": json_line, "access": access_line}


def make_file(path, kind, mib):
    """About `mib` MiB of lines; gives how many lines and bytes."""
    rng = random.Random(7)
    lines, size = [], 0
    while size < min(BLOCK_BYTES, mib << 20):
        lines.append(MAKERS[kind](rng, len(lines)))
        size += len(lines[-1])
    block = "".join(lines).encode()
    times = max(1, (mib << 20) // len(block))
    with open(path, "wb") as out:
        for _ in range(times):
            out.write(block)
    return len(lines) * times, len(block) * times


# --- sinks ------------------------------------------------------------------------------------------------------------

class BatchSink:
    """Takes POSTs and acknowledges them; keeps nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.bytes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        room = bytearray(16 << 20)
        view = memoryview(room)
        have = 0
        reply = b'{"stored":1,"duplicate":0,"rejected":0}\n'
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(reply), reply)
        try:
            while True:
                end = room.find(b"\r\n\r\n", 0, have)
                while end < 0:
                    got = connection.recv_into(view[have:])
                    if not got:
                        return
                    have += got
                    end = room.find(b"\r\n\r\n", 0, have)
                length = int(re.search(rb"(?i)content-length: *(\d+)", bytes(view[:end]))[1])
                left = length - (have - end - 4)
                while left > 0:
                    got = connection.recv_into(view[:min(left, len(room))])
                    if not got:
                        return
                    left -= got
                self.bytes += length
                have = 0
                connection.sendall(answer)
        except OSError:
            return


class LineSink:
    """Counts lines over TCP."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self.port = self.listener.getsockname()[1]
        self.lines = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._count, args=(connection,), daemon=True).start()

    def _count(self, connection):
        while True:
            got = connection.recv(1 << 20)
            if not got:
                return
            self.lines += got.count(b"\n")


# --- runs -------------------------------------------------------------------------------------------------------------

def cpu_of(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def status_kib(pid, name):
    return int(re.search(rf"{name}:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])


def on_core(core, command):
    return ["taskset", "-c", str(core), *command] if os.cpu_count() > 1 else command


class AgentRun:
    def __init__(self, core, directory, sources, redact=True, more=""):
        self.sink = BatchSink()
        config = os.path.join(directory, "agent.yaml")
        with open(config, "w") as out:
            out.write(f"agent:\n  servers: http://127.0.0.1:{self.sink.port}\n  dir: {directory}/agent\n  listen: 127.0.0.1:0\n{more}"
                      + ("" if redact else "redact:\n  default: off\n") + "sources:\n" + sources)
        self.began = time.monotonic()
        self.log = open(os.path.join(directory, "log"), "w")
        self.process = subprocess.Popen(on_core(core, [CLEW, "agent", "--config", config]), stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        self.pid = self.ready["pid"]

    def metric(self, name):
        host, port = self.ready["listening"].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            text = b""
            while piece := connection.recv(1 << 20):
                text += piece
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text.decode(), re.M))

    def wait_stored(self, lines, seconds=170):
        while self.metric("clew_ship_stored_events_total") < lines:
            if time.monotonic() - self.began > seconds:
                raise SystemExit(f"only {self.metric('clew_ship_stored_events_total')} of {lines} lines in {seconds} s")
            time.sleep(0.05)
        return time.monotonic() - self.began

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def one_agent_run(name, kind, ram, disk, mib, redact):
    path = os.path.join(ram, kind + ".log")
    lines, size = make_file(path, kind, mib)
    work = tempfile.mkdtemp(prefix="agent-", dir=disk)
    run = AgentRun(0, work, f"  x:\n    files: {path}\n    dataset: bench\n", redact,
                   "  compression: none\n" if "compression none" in name else "")
    wall = run.wait_stored(lines)
    cpu = cpu_of(run.pid)
    peak, anon = status_kib(run.pid, "VmHWM"), status_kib(run.pid, "RssAnon")
    sent = run.sink.bytes
    run.end()
    shutil.rmtree(work)
    os.remove(path)
    return {"wall": wall, "cpu": cpu, "size": size, "lines": lines, "peak": peak, "anon": anon, "sent": sent}


def bench_agent(name, kind, ram, disk, mib, repeat, redact=True):
    runs = [one_agent_run(name, kind, ram, disk, mib, redact) for _ in range(repeat)]
    rates = sorted(r["size"] / r["wall"] / 1e6 for r in runs)
    last = runs[-1]
    report(run=name, redaction=redact, lines=last["lines"], bytes=last["size"], runs=repeat,
           mb_per_s=round(statistics.median(rates), 1), spread_mb_per_s=[round(rates[0], 1), round(rates[-1], 1)],
           cpu_s_per_gb=round(statistics.median(r["cpu"] / r["size"] * 1e9 for r in runs), 2),
           cpu_s_per_million_lines=round(statistics.median(r["cpu"] / r["lines"] * 1e6 for r in runs), 3),
           sent_share=round(last["sent"] / last["size"], 3), peak_rss_mib=round(max(r["peak"] for r in runs) / 1024, 1))
    return statistics.median(r["cpu"] / r["lines"] * 1e6 for r in runs)


def bench_rsyslog(kind, ram, disk, mib):
    path = os.path.join(ram, kind + ".log")
    lines, size = make_file(path, kind, mib)
    work = tempfile.mkdtemp(prefix="rsyslog-", dir=disk)
    sink = LineSink()
    config = os.path.join(work, "rsyslog.conf")
    with open(config, "w") as out:
        out.write(f'global(workDirectory="{work}" maxMessageSize="64k")\nmodule(load="imfile")\n'
                  f'input(type="imfile" File="{path}" Tag="x" ruleset="out" freshStartTail="off")\n'
                  f'template(name="line" type="string" string="%msg%\\n")\n'
                  f'ruleset(name="out") {{ action(type="omfwd" target="127.0.0.1" port="{sink.port}" protocol="tcp" template="line"\n'
                  f'  queue.type="LinkedList") }}\n')
    began = time.monotonic()
    process = subprocess.Popen(on_core(0, ["rsyslogd", "-n", "-f", config, "-i", os.path.join(work, "pid")]),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while sink.lines < lines and time.monotonic() - began < 170:
        time.sleep(0.05)
    wall = time.monotonic() - began
    cpu = cpu_of(process.pid)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    shutil.rmtree(work)
    os.remove(path)
    report(baseline="rsyslog", kind=kind, lines=sink.lines, of=lines, mb_per_s=round(size / wall / 1e6, 1),
           cpu_s_per_gb=round(cpu / size * 1e9, 2), cpu_s_per_million_lines=round(cpu / lines * 1e6, 3))
    return cpu / lines * 1e6


def bench_idle(ram, disk, seconds):
    for i in range(100):
        with open(os.path.join(ram, f"idle{i}.log"), "w") as out:
            out.write(f"{clock(i)}Z INFO nothing follows\n")
    work = tempfile.mkdtemp(prefix="agent-", dir=disk)
    run = AgentRun(0, work, f"  x:\n    files: {ram}/idle*.log\n    dataset: bench\n")
    run.wait_stored(100)
    before, began = cpu_of(run.pid), time.monotonic()
    time.sleep(seconds)
    share = (cpu_of(run.pid) - before) / (time.monotonic() - began)
    report(run="idle, 100 files", seconds=seconds, cpu_percent_of_a_core=round(share * 100, 3),
           rss_mib=round(status_kib(run.pid, "VmRSS") / 1024, 1), anon_mib=round(status_kib(run.pid, "RssAnon") / 1024, 1))
    run.end()
    shutil.rmtree(work)


RUNS = [("tail+ship", "plain", True), ("tail+ship, compression none", "plain", True),
        ("tail+ship, redaction off", "plain", False), ("tail+JSON+ship", "json", True),
        ("tail+JSON+ship, redaction off", "json", False), ("tail+access log+ship", "access", True),
        ("tail+access log+ship, redaction off", "access", False)]


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--mib", type=int, default=256, help="bytes of each file")
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--only", help="runs whose names hold this")
    p.add_argument("--idle", type=int, default=20, help="seconds of the idle run; 0: none")
    p.add_argument("--no-rsyslog", action="store_true")
    o = p.parse_args(arguments)
    ram = tempfile.mkdtemp(prefix="clew-agent-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    disk = tempfile.mkdtemp(prefix="clew-agent-")
    if os.cpu_count() > 1:
        os.sched_setaffinity(0, {1})  # the sinks'
    try:
        costs = {}
        for name, kind, redact in RUNS:
            if o.only and o.only not in name:
                continue
            costs[kind, redact, "none" not in name] = bench_agent(name, kind, ram, disk, o.mib, o.repeat, redact)
        for kind in ("plain", "json", "access"):
            if o.no_rsyslog or (kind, True, True) not in costs or shutil.which("rsyslogd") is None:
                continue
            baseline = bench_rsyslog(kind, ram, disk, min(o.mib, 64))
            report(kind=kind, share_of_rsyslogs_cpu_per_line=round(costs[kind, True, True] / baseline, 3))
        if o.idle and not o.only:
            bench_idle(ram, disk, o.idle)
    finally:
        shutil.rmtree(ram)
        shutil.rmtree(disk)


if __name__ == "__main__":
    main()
