"""promql.py [--series N] [--hours H] [--repeat N] [--show N]: PromQL queries in clew beside Debian's Prometheus in one run.

Both get the same samples by the same remote-write requests; then about 500 instant and range queries go to both in turn. Answers
must agree (to a part in 10^9; the order of equal values is free), and the times of both are compared. Samples lie off the ends of
all ranges, and counters far from 0: Prometheus before 3 counts a sample at the left end of a range and extrapolates to 0 before it
looks how far the range's end is, later ones and clew do not.
Needs build/release/bin/clew and Debian's package prometheus.
"""
import argparse
import http.client
import json
import math
import os
import random
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLEW = os.path.join(ROOT, "build/release/bin/clew")
CONTENT = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
STEP = 15


def report(**line):
    print(json.dumps({"bench": "promql", **line}), flush=True)


# --- samples ----------------------------------------------------------------------------------------------------------

def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def snappy_literals(data):
    """Snappy's block format without any compression."""
    out = [varint(len(data))]
    for at in range(0, len(data), 1 << 16):
        piece = data[at:at + (1 << 16)]
        out += [bytes([61 << 2]), struct.pack("<H", len(piece) - 1), piece]
    return b"".join(out)


def make_series(count, rng):
    """(labels, a function of the sample's number) of counters, gauges and histograms as services have them."""
    out = []

    def counter(rate, resets):
        state = [1e6]

        def next_value(_):
            if rng.random() < resets:
                state[0] = state[0] // 2
            state[0] += rng.randrange(rate + 1)
            return state[0]
        return next_value

    def gauge(middle):
        state = [middle]

        def next_value(_):
            state[0] += rng.uniform(-1, 1) * middle / 50
            return round(state[0], 3)
        return next_value

    instance = 0
    while len(out) < count:
        node = {"instance": f"10.0.{instance // 256}.{instance % 256}:9100", "job": ("api", "web", "worker", "node")[instance % 4]}
        instance += 1
        for cpu in range(4):
            for mode in ("user", "system", "idle", "iowait"):
                out.append(({"__name__": "cpu_seconds_total", "cpu": str(cpu), "mode": mode, **node}, counter(15, 0.0005)))
        for name in ("memory_free_bytes", "memory_used_bytes", "load1", "open_fds", "goroutines"):
            out.append(({"__name__": name, **node}, gauge(1000.0)))
        for handler in ("/", "/login", "/orders", "/search"):
            for code in ("200", "404", "500"):
                rate = {"200": 300, "404": 10, "500": 3}[code]
                out.append(({"__name__": "requests_total", "handler": handler, "code": code, **node}, counter(rate, 0.001)))
            bounds = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
            totals = [1e6] * len(bounds)

            def observe(i, totals=totals):
                first = rng.randrange(len(totals))
                for b in range(first, len(totals)):
                    totals[b] += rng.randrange(1, 20) if b == first else 0
                for b in range(1, len(totals)):
                    totals[b] = max(totals[b], totals[b - 1])
                return totals
            for b, le in enumerate(bounds):
                out.append(({"__name__": "request_seconds_bucket", "handler": handler, "le": le, **node},
                            (lambda i, b=b, observe=observe, totals=totals: (observe(i) if b == 0 else totals)[b])))
    return out


def requests_of(series, begin, hours):
    """Remote-write bodies in the order of time, ten minutes of 500 series each."""
    heads = [b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in sorted(labels.items())) for labels, _ in series]
    pack = struct.Struct("<d").pack
    per_window = 600 // STEP
    for window in range(hours * 6):
        for first in range(0, len(series), 500):
            body = []
            for at in range(first, min(first + 500, len(series))):
                message = [heads[at]]
                for i in range(window * per_window, (window + 1) * per_window):
                    millis = (begin + i * STEP + 3) * 1000  # off the minutes that subqueries are asked at
                    sample = b"\x09" + pack(series[at][1](i)) + b"\x10" + varint(millis)
                    message.append(b"\x12" + varint(len(sample)) + sample)
                body.append(field(1, b"".join(message)))
            yield snappy_literals(b"".join(body))


# --- servers ----------------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, name, command, port=None):
        self.name = name
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE if port is None else subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, text=True)
        if port is None:
            host = json.loads(self.process.stdout.readline())["listening"]
            port = int((host["http"] if isinstance(host, dict) else host).rsplit(":", 1)[1])
        self.port = port
        self.connection = None

    def call(self, method, path, body=None, headers=None):
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            try:
                self.connection.request(method, path, body, headers or {})
                reply = self.connection.getresponse()
                return reply.status, reply.read()
            except (http.client.HTTPException, OSError):
                self.connection = None
                if attempt == 2:
                    raise
        return None

    def query(self, path, parameters):
        began = time.perf_counter()
        status, body = self.call("GET", path + "?" + urllib.parse.urlencode(parameters))
        return time.perf_counter() - began, status, body

    def rss(self):
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1]) * 1024

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_prometheus(directory):
    config = os.path.join(directory, "prometheus.yml")
    open(config, "w").write("global: {scrape_interval: 1h}\n")
    port = free_port()  # it tells its own port nowhere
    server = Server("prometheus", ["prometheus", "--config.file", config, "--storage.tsdb.path", os.path.join(directory, "prometheus"),
                                   f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"], port)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if server.call("GET", "/-/ready")[0] == 200:
                return server
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("prometheus does not become ready")


# --- queries ----------------------------------------------------------------------------------------------------------

def make_queries(rng):
    gauges = ["memory_free_bytes", "memory_used_bytes", "load1", "open_fds", "goroutines"]
    counters = ["cpu_seconds_total", "requests_total"]
    picks = ['{job="api"}', '{job=~"a.*|web"}', '{job!="node"}', '{instance=~"10.0.0.1.*"}', '{handler="/login"}', '{code="500"}', ""]
    by = ["job", "instance", "job, instance", "code", "handler", "mode", "job, code"]
    windows = ["1m", "5m", "10m", "30m", "1h"]
    over = ["avg", "min", "max", "sum", "count", "stddev", "last"]
    forms = [
        lambda c: f"{c(counters)}{c(picks)}",
        lambda c: f"{c(gauges)}{c(picks[:4])}",
        lambda c: f"sum by ({c(by)}) (rate({c(counters)}{c(picks)}[{c(windows)}]))",
        lambda c: f"sum(increase({c(counters)}{c(picks)}[{c(windows)}]))",
        lambda c: f"rate(requests_total{c(picks)}[{c(windows)}])",
        lambda c: f"irate(cpu_seconds_total{{mode=\"{c(['user', 'system', 'idle'])}\"}}[{c(windows)}])",
        lambda c: f"{c(over)}_over_time({c(gauges)}{c(picks[:4])}[{c(windows)}])",
        lambda c: f"{c(['avg', 'min', 'max', 'count', 'stddev', 'sum'])} by ({c(by[:3])}) ({c(gauges)})",
        lambda c: f"topk({rng.randrange(1, 8)}, {c(gauges)}{c(picks[:4])})",
        lambda c: f"quantile by (job) (0.9, {c(gauges)})",
        lambda c: f"quantile_over_time(0.{rng.randrange(1, 9)}, {c(gauges)}[{c(windows)}])",
        lambda c: f"histogram_quantile(0.{rng.choice([5, 9, 95, 99])}, sum by (le, {c(['job', 'handler'])}) (rate(request_seconds_bucket[{c(windows[1:])}])))",
        lambda c: f"histogram_quantile(0.9, rate(request_seconds_bucket{{handler=\"/orders\",job=\"{c(['api', 'web'])}\"}}[{c(windows[1:])}]))",
        lambda c: (f"sum by (job) (rate(requests_total{{code=\"500\"}}[{(w := c(windows))}])) / sum by (job) (rate(requests_total[{w}]))"),
        lambda c: "memory_used_bytes / (memory_used_bytes + memory_free_bytes) > 0.4",
        lambda c: f"deriv({c(gauges)}[{c(windows[1:])}])",
        lambda c: f"predict_linear({c(gauges)}{c(picks[:4])}[{c(windows[1:])}], 3600)",
        lambda c: f"delta({c(gauges)}[{c(windows)}])",
        lambda c: f"changes({c(gauges)}[{c(windows)}])",
        lambda c: f"resets({c(counters)}{c(picks)}[{c(windows)}])",
        lambda c: f"max_over_time(sum by (job) (rate(requests_total[5m]))[{c(windows[2:])}:1m])",
        lambda c: f"sum by (instance) (load1) and on (instance) (memory_free_bytes > {rng.randrange(900, 1000)})",
        lambda c: f"load1 * on (instance, job) group_left sum by (instance, job) (open_fds)",
        lambda c: f"count by (job) (load1 offset {c(windows)}) unless count by (job) (goroutines > 1e9)",
        lambda c: f"label_replace(sum by (instance) (rate(cpu_seconds_total[5m])), \"host\", \"$1\", \"instance\", \"(.*):.*\")",
        lambda c: f"abs(ceil({c(gauges)}) - {rng.randrange(900, 1100)})",
        lambda c: f"absent({c(gauges)}{{job=\"{c(['api', 'nobody'])}\"}})",
        lambda c: f"count_values(\"value\", round({c(gauges)} / 100))",
        lambda c: f"bottomk by (job) (2, sum by (job, handler) (rate(requests_total[{c(windows)}])))",
        lambda c: f"avg without (cpu, mode) (rate(cpu_seconds_total{c(picks[:4])}[{c(windows)}]))",
        lambda c: f"clamp_max({c(gauges)}, 1000) - ignoring (cpu) group_left {c(gauges)} * 0",
    ]
    seen, out = set(), []
    while len(out) < 250:
        text = forms[len(out) % len(forms)](rng.choice) if len(out) < 8 * len(forms) else rng.choice(forms)(rng.choice)
        if text in seen and rng.random() < 0.95:
            text = f"({text}) * {rng.randrange(2, 99)}" if not text.startswith("topk") else text
        seen.add(text)
        out.append(text)
    return out


def number(text):
    return float(text)


def differs(a, b):
    a, b = number(a), number(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) != math.isnan(b)
    return not (a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-9))


def difference(query, ours, theirs):
    """What differs, in words; nothing when they agree."""
    ours, theirs = json.loads(ours), json.loads(theirs)
    if ours["status"] != theirs["status"]:
        return f"status {ours['status']} {ours.get('error', '')} | {theirs['status']} {theirs.get('error', '')}"
    if ours["status"] != "success":
        return None
    if ours["data"]["resultType"] != theirs["data"]["resultType"]:
        return "another type of result"

    def by_labels(data):
        return {json.dumps(s["metric"], sort_keys=True): s.get("values", [s.get("value")]) for s in data["result"]}
    def by_time(data):
        values = [v for s in data["result"] for v in s.get("values", [s.get("value")])]
        return {str(at): sorted((at, v) for t, v in values if t == at) for at in {t for t, _ in values}}
    by = by_time if "topk(" in query or "bottomk " in query else by_labels  # which of equal values is kept is free
    mine, other = by(ours["data"]), by(theirs["data"])
    if mine.keys() != other.keys():
        return f"{len(mine)} series, {len(other)} there; only in one: {sorted(mine.keys() ^ other.keys())[:2]}"
    for key, values in mine.items():
        if len(values) != len(other[key]):
            return f"{key}: {len(values)} steps, {len(other[key])} there"
        for (t, v), (at, w) in zip(values, other[key]):
            if t != at or differs(v, w):
                return f"{key} at {t}: {v}, {w} there"
    return None


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--series", type=int, default=3000)
    p.add_argument("--hours", type=int, default=4)
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--show", type=int, default=10, help="slowest beside Prometheus that are printed")
    o = p.parse_args(arguments)
    rng = random.Random(11)
    directory = tempfile.mkdtemp(prefix="clew-promql-")
    begin = (int(time.time()) - o.hours * 3600) // 600 * 600
    end = begin + o.hours * 3600
    servers = []
    try:
        clew = Server("clew", [CLEW, "serve", "--listen", "127.0.0.1:0", "--data", os.path.join(directory, "clew")])
        servers.append(clew)
        prometheus = start_prometheus(directory)
        servers.append(prometheus)
        series = make_series(o.series, rng)
        for body in requests_of(series, begin, o.hours):
            for server in servers:
                status, text = server.call("POST", "/api/v1/write", body, CONTENT)
                if status not in (200, 204):
                    raise SystemExit(f"{server.name}: {status} {text[:300]}")
        samples = len(series) * o.hours * 3600 // STEP
        for server in servers:
            report(server=server.name, series=len(series), samples=samples, rss_bytes_per_series=round(server.rss() / len(series)),
                   ingest_cpu_us_per_sample=round(server.cpu() / samples * 1e6, 3))
        asked, agree, faster, ratios, mine, theirs = 0, 0, 0, [], [], []
        rows = []
        cpu_before = [server.cpu() for server in servers]
        for text in make_queries(rng):
            at = rng.randrange(begin + 7200, end - 600) // STEP * STEP + 7
            step = rng.choice([15, 30, 60, 300])
            span = min(step * 240, (at - begin - 60) // step * step)
            kinds = {"query": ("/api/v1/query", {"query": text, "time": at}),
                     "query_range": ("/api/v1/query_range", {"query": text, "start": at - span, "end": at, "step": step})}
            for kind, (path, parameters) in kinds.items():
                times = {clew: [], prometheus: []}
                for _ in range(o.repeat):
                    bodies = {}
                    for server in servers:
                        seconds, _, bodies[server] = server.query(path, parameters)
                        times[server].append(seconds)
                asked += 1
                wrong = difference(text, bodies[clew], bodies[prometheus])
                if wrong:
                    report(differs=text, kind=kind, at=at, step=step, how=wrong)
                else:
                    agree += 1
                a, b = statistics.median(times[clew]), statistics.median(times[prometheus])
                mine.append(a)
                theirs.append(b)
                ratios.append(b / a)
                faster += a <= b
                rows.append((b / a, kind, text, round(a * 1e3, 2), round(b * 1e3, 2)))
        cpu = [round(server.cpu() - before, 2) for server, before in zip(servers, cpu_before)]
        rows.sort()
        for ratio, kind, text, a, b in rows[:o.show]:
            report(slowest_beside_prometheus=text, kind=kind, clew_ms=a, prometheus_ms=b, times=round(ratio, 2))
        report(queries=asked, agree=agree, at_least_as_fast=faster, share=round(faster / asked, 3),
               median_times_as_fast=round(statistics.median(ratios), 2), p10_times=round(sorted(ratios)[len(ratios) // 10], 2),
               clew_ms_in_all=round(sum(mine) * 1e3), prometheus_ms_in_all=round(sum(theirs) * 1e3),
               clew_cpu_s=cpu[0], prometheus_cpu_s=cpu[1], load=os.getloadavg()[0])
        return 0 if agree == asked else 1
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
