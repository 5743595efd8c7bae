"""agent.py [--mib N] [--only NAME] [--no-rsyslog]: what `clew agent` costs, beside rsyslog forwarding the same file in the same run, and
beside Filebeat where there is one (CLEW_FILEBEAT).

The agent runs on one core (taskset) and sends to a sink on the other that acknowledges every batch and keeps nothing: the server's
CPU is not the agent's. A run ends when all lines of the file are acknowledged. CPU is the agent's user + system time over the whole
run, its start included. Files lie on a RAM disk where there is one, the agent's queue on the disk (its syncs are part of the cost).
`idle` follows 100 files that nobody writes. `grok` lines go through a pipeline: one expression, a time, a number, a condition. `syslog` is
received over UDP and TCP, 210 bytes of RFC 5424 each, and forwarded, by the agent and by rsyslog; and stored, by `clew serve` and as a
file by rsyslog. UDP is sent at --udp-rate: what the receiver had no room for is lost and counted.
"""
import argparse
import gzip
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


def grok_line(rng, n):
    w = rng.choice
    return (f"{clock(n)}Z {w(LEVELS)} [{w(SERVICES)}] 10.{rng.randrange(256)}.{rng.randrange(256)}.7 {w(['GET', 'POST'])} {w(PATHS)} "
            f"{w([200, 200, 404, 500])} {rng.randrange(10**6) / 1000}ms {message(rng)}\n")


MAKERS = {"plain": plain_line, "json": json_line, "access": access_line, "grok": grok_line}
# Of kinds whose lines go through one.
PIPELINES = {"grok": [
    {"grok": {"patterns": ["%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:level} \\[%{WORD:service.name}\\] %{IP:client.address} %{WORD:http.request.method} "
                           "%{NOTSPACE:url.path} %{INT:http.response.status_code:int} %{NUMBER:duration_ms:float}ms %{GREEDYDATA:message}"]}},
    {"timestamp": {"field": "time", "formats": ["auto"], "drop": True}},
    {"set": {"env": "prod"}},
    {"where": "http.response.status_code < 600"}]}


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

class Sink:
    """A server that keeps nothing; each connection has a thread that runs `serve(sink, connection)`."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.bytes = 0  # of bodies, or all
        self.lines = 0
        threading.Thread(target=self._accept, args=(serve,), daemon=True).start()

    def _accept(self, serve):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(serve, connection), daemon=True).start()

    def _serve(self, serve, connection):
        try:
            serve(self, connection)
        except OSError:
            pass


def acknowledge_posts(sink, connection):
    """Takes POSTs and answers each as a server does that has stored it."""
    room = bytearray(16 << 20)
    view = memoryview(room)
    have = 0
    reply = b'{"stored":1,"duplicate":0,"rejected":0}\n'
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(reply), reply)
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
        sink.bytes += length
        have = 0
        connection.sendall(answer)


def acknowledge_bulks(sink, connection):
    """Answers as Elasticsearch does: its version, a licence, every document of a bulk created; counts these as lines."""
    file = connection.makefile("rb")
    while request := file.readline():
        headers = {}
        while (line := file.readline().strip()):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", 0)))
        sink.bytes += len(body)
        if b"_bulk" in request:
            plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            count = plain.count(b"\n") // 2
            reply = b'{"errors":false,"items":[' + b",".join([b'{"create":{"status":201}}'] * count) + b"]}"
            sink.lines += count
        elif b"_license" in request:
            reply = b'{"license":{"uid":"x","type":"basic","status":"active","mode":"basic"}}'
        else:
            reply = b'{"name":"x","cluster_name":"x","version":{"number":"9.5.0","build_flavor":"default"},"tagline":"You Know, for Search"}'
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Elastic-Product: Elasticsearch\r\nContent-Length: %d\r\n\r\n%s" %
                           (len(reply), b"" if request.startswith(b"HEAD") else reply))


def count_lines(sink, connection):
    """Counts lines over TCP."""
    while got := connection.recv(1 << 20):
        sink.lines += got.count(b"\n")
        sink.bytes += len(got)


# --- runs -------------------------------------------------------------------------------------------------------------

def cpu_of(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def status_kib(pid, name):
    return int(re.search(rf"{name}:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])


def on_core(core, command):
    return ["taskset", "-c", str(core), *command] if os.cpu_count() > 1 else command


def metric_of(where, name):
    host, port = where.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b""
        while piece := connection.recv(1 << 20):
            text += piece
    return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)\r?$", text.decode(), re.M))


class AgentRun:
    def __init__(self, core, directory, sources, redact=True, more=""):
        self.sink = Sink(acknowledge_posts)
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
        return metric_of(self.ready["listening"], name)

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
    pipeline = PIPELINES.get(kind)
    source = f"  x:\n    files: {path}\n    dataset: bench\n" + ("    pipeline: x\n" if pipeline else "")
    more = f"  compression: {name.rsplit(' ', 1)[1]}\n" if "compression" in name else ""
    run = AgentRun(0, work, source, redact, more + (f"pipelines: {{x: {json.dumps(pipeline)}}}\n" if pipeline else ""))
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
    sink = Sink(count_lines)
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


def bench_filebeat(kind, ram, disk, mib):
    """A stock Filebeat that ships the same lines to a sink that answers as Elasticsearch."""
    program = os.environ.get("CLEW_FILEBEAT") or shutil.which("filebeat")
    path = os.path.join(ram, kind + ".log")
    lines, size = make_file(path, kind, mib)
    work = tempfile.mkdtemp(prefix="filebeat-", dir=disk)
    sink = Sink(acknowledge_bulks)
    config = os.path.join(work, "filebeat.yml")
    with open(config, "w") as out:
        json.dump({"filebeat.inputs": [{"type": "filestream", "id": "a", "paths": [path], "file_identity.native": None,
                                        "prospector.scanner.fingerprint.enabled": False}],
                   "output.elasticsearch": {"hosts": [f"http://127.0.0.1:{sink.port}"], "index": "x"}, "setup.template.enabled": False,
                   "setup.ilm.enabled": False, "path.data": os.path.join(work, "data"), "path.logs": os.path.join(work, "logs")}, out)
    os.chmod(config, 0o600)
    began = time.monotonic()
    with open(os.path.join(work, "log"), "w") as log:
        process = subprocess.Popen(on_core(0, [program, "-e", "-c", config, "--strict.perms=false"]), stdout=log, stderr=log)
    while sink.lines < lines and time.monotonic() - began < 170:
        time.sleep(0.05)
    wall = time.monotonic() - began
    cpu, peak = cpu_of(process.pid), status_kib(process.pid, "VmHWM")
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    shutil.rmtree(work)
    os.remove(path)
    report(baseline="filebeat", kind=kind, lines=sink.lines, of=lines, mb_per_s=round(size / wall / 1e6, 1),
           cpu_s_per_gb=round(cpu / size * 1e9, 2), cpu_s_per_million_lines=round(cpu / lines * 1e6, 3), peak_rss_mib=round(peak / 1024, 1))


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


def bench_bytes(data, ram, disk):
    """What of real files is sent, by compression: each file once, as it is."""
    for group in sorted(os.listdir(data)):
        files = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(data, group)) for name in sorted(names)
                 if not name.endswith((".gz", ".md"))]
        text = os.path.join(ram, "data")
        os.makedirs(text)
        for n, path in enumerate(files):
            shutil.copyfile(path, os.path.join(text, f"{n}.log"))
        size = sum(os.path.getsize(path) for path in files)
        shares = {}
        for compression in ("none", "lz4", "zstd"):
            work = tempfile.mkdtemp(prefix="agent-", dir=disk)
            run = AgentRun(0, work, f"  x:\n    files: {text}/*.log\n    dataset: bench\n", True, f"  compression: {compression}\n")
            before, same = -1, 0
            while same < 10:  # nothing more comes: all files are read and sent
                time.sleep(0.1)
                now = run.metric("clew_ship_stored_events_total") if run.metric("clew_agent_queue_events") == 0 else -1
                same = same + 1 if now == before and now > 0 else 0
                before = now
            shares[compression] = round(run.sink.bytes / size, 3)
            run.end()
            shutil.rmtree(work)
        shutil.rmtree(text)
        report(run="bytes of " + group, files=len(files), bytes=size, events=int(before), sent_share=shares)


RUNS = [("tail+ship", "plain", True), ("tail+ship, compression none", "plain", True),
        ("tail+ship, compression zstd", "plain", True), ("tail+JSON+ship, compression zstd", "json", True),
        ("tail+ship, redaction off", "plain", False), ("tail+JSON+ship", "json", True),
        ("tail+JSON+ship, redaction off", "json", False), ("tail+access log+ship", "access", True),
        ("tail+access log+ship, redaction off", "access", False), ("tail+grok+ship", "grok", True)]


# --- syslog -----------------------------------------------------------------------------------------------------------

def write_messages(path, count):
    rng = random.Random(5)
    with open(path, "wb") as out:
        for n in range(count):
            out.write(b'<165>1 2026-11-30T10:%02d:%02d.%03dZ web%d.example shop %d ID47 [meta@1 seq="%d" user="u%d"] order %d paid by '
                      b"customer %d in %d ms, total %d.%02d EUR, cart of %d items\n" %
                      (n // 60000 % 60, n // 1000 % 60, n % 1000, n % 20, 1000 + n % 50, n, n % 997, n, rng.randrange(10**6),
                       rng.randrange(900), rng.randrange(500), rng.randrange(100), rng.randrange(9)))


def send_messages(where, transport, path, rate):
    host, port = where.rsplit(":", 1)
    with open(path, "rb") as file:
        data = file.read()
    if transport == "tcp":
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(data)
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((host, int(port)))
        began = time.monotonic()
        for n, line in enumerate(data.split(b"\n")[:-1]):
            sender.send(line)
            if n % 100 == 99:
                time.sleep(max(0, n / rate - (time.monotonic() - began)))


def settled(count, wanted):
    """What count() says once it says the same for a second, or all has come."""
    before = -1
    while True:
        now = count()
        if now >= wanted or now == before:
            return int(now)
        before = now
        time.sleep(1)


def measure_syslog(receiver, transport, where, path, count, rate, pid, arrived):
    began, before = time.monotonic(), cpu_of(pid)
    send_messages(where, transport, path, rate)
    got = settled(arrived, count)
    report(run=f"syslog {transport}, {receiver}", sent=count, arrived=got, lost=count - got, seconds=round(time.monotonic() - began, 1),
           cpu_us_per_message=round((cpu_of(pid) - before) / max(got, 1) * 1e6, 2))


SYSLOG_SOURCE = "  net: {type: syslog, listen: '127.0.0.1:0', dataset: bench}\n"


def syslog_agent(transport, path, count, rate, work):
    run = AgentRun(0, work, SYSLOG_SOURCE)
    measure_syslog("clew agent, forwarded", transport, run.ready["sources"]["net"][transport], path, count, rate, run.pid,
                   lambda: run.metric("clew_ship_stored_events_total"))
    run.end()


def syslog_server(transport, path, count, rate, work):
    config = os.path.join(work, "clew.yaml")
    with open(config, "w", encoding="ascii") as out:
        out.write("sources:\n" + SYSLOG_SOURCE)
    process = subprocess.Popen(on_core(0, [CLEW, "serve", "--data", os.path.join(work, "data"), "--listen", "127.0.0.1:0", "--otlp-grpc",
                                           "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--config", config]), stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    listening = json.loads(process.stdout.readline())["listening"]
    measure_syslog("clew serve, stored", transport, listening["sources"]["net"][transport], path, count, rate, process.pid,
                   lambda: metric_of(listening["http"], "clew_events_stored_total"))
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def syslog_rsyslog(transport, path, count, rate, work, forward):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink, config, out = Sink(count_lines), os.path.join(work, "rsyslog.conf"), os.path.join(work, "out.log")
    action = (f'type="omfwd" target="127.0.0.1" port="{sink.port}" protocol="tcp" queue.type="LinkedList"' if forward else
              f'type="omfile" file="{out}"')
    buffer = ' rcvbufSize="16m"' if transport == "udp" else ""
    with open(config, "w", encoding="ascii") as file:
        file.write(f'global(workDirectory="{work}")\nmodule(load="im{transport}")\n'
                   f'input(type="im{transport}" address="127.0.0.1" port="{port}"{buffer})\n'
                   f'action({action} template="RSYSLOG_SyslogProtocol23Format")\n')
    process = subprocess.Popen(on_core(0, ["rsyslogd", "-n", "-f", config, "-i", os.path.join(work, "pid")]), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while not listens(transport, port):
        time.sleep(0.05)

    def lines():
        if forward:
            return sink.lines
        return int(subprocess.run(["wc", "-l", out], capture_output=True, text=True, check=True).stdout.split()[0]) if os.path.exists(out) else 0
    measure_syslog("rsyslog, " + ("forwarded" if forward else "written to a file"), transport, f"127.0.0.1:{port}", path, count, rate,
                   process.pid, lines)
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def listens(transport, port):
    with open(f"/proc/net/{transport}", encoding="ascii") as table:
        return f"0100007F:{port:04X}" in table.read()


def bench_syslog(ram, disk, count, rate, rsyslog):
    path = os.path.join(ram, "messages")
    write_messages(path, count)
    runs = [syslog_agent, syslog_server]
    if rsyslog and shutil.which("rsyslogd"):
        runs += [lambda *a: syslog_rsyslog(*a, forward=True), lambda *a: syslog_rsyslog(*a, forward=False)]
    for transport in ("tcp", "udp"):
        for run in runs:
            work = tempfile.mkdtemp(prefix="syslog-", dir=disk)
            run(transport, path, count, rate, work)
            shutil.rmtree(work)
    os.remove(path)


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--mib", type=int, default=256, help="bytes of each file")
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--only", help="runs whose names hold this")
    p.add_argument("--idle", type=int, default=20, help="seconds of the idle run; 0: none")
    p.add_argument("--no-rsyslog", action="store_true")
    p.add_argument("--messages", type=int, default=500_000, help="of syslog; 0: none")
    p.add_argument("--udp-rate", type=float, default=60_000, help="datagrams a second")
    p.add_argument("--data", help="a folder of folders of logs: the bytes that are sent of each by compression, and nothing else")
    o = p.parse_args(arguments)
    ram = tempfile.mkdtemp(prefix="clew-agent-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    disk = tempfile.mkdtemp(prefix="clew-agent-")
    if os.cpu_count() > 1:
        os.sched_setaffinity(0, {1})  # the sinks'
    try:
        if o.data:
            return bench_bytes(o.data, ram, disk)
        costs = {}
        for name, kind, redact in RUNS:
            if o.only and o.only not in name:
                continue
            costs[kind, redact, "none" not in name] = bench_agent(name, kind, ram, disk, o.mib, o.repeat, redact)
        for kind in ("plain", "json", "access", "grok"):
            if o.no_rsyslog or (kind, True, True) not in costs or shutil.which("rsyslogd") is None:
                continue
            baseline = bench_rsyslog(kind, ram, disk, min(o.mib, 64))
            report(kind=kind, share_of_rsyslogs_cpu_per_line=round(costs[kind, True, True] / baseline, 3))
        if (os.environ.get("CLEW_FILEBEAT") or shutil.which("filebeat")) and ("plain", True, True) in costs:
            bench_filebeat("plain", ram, disk, min(o.mib, 64))
        if o.messages and (not o.only or o.only in "syslog"):
            bench_syslog(ram, disk, o.messages, o.udp_rate, not o.no_rsyslog)
        if o.idle and not o.only:
            bench_idle(ram, disk, o.idle)
    finally:
        shutil.rmtree(ram)
        shutil.rmtree(disk)


if __name__ == "__main__":
    main()
