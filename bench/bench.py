#!/usr/bin/env python3
"""bench.py [NAME...] [--events N]: clew's benchmarks, each with a baseline in the same run, as JSON lines.

Names: ingest ingest15 otlp size lookups queries ack memory traces agent metrics promql (default: all). agent.py, metrics.py and promql.py have flags of their own. Needs build/release/bin/{clew,clew_loadgen}.
`lookups` asks what the targets name, of events as they come; `queries` compares big5's and ClickBench's queries with ClickHouse
(query_sets.py), ends in a table, and takes --rows, --only, --set, --keep. CPU is the server's user + system time from the first byte sent until no merge is due. Machines are shared: read ratios.
"""
import argparse
import glob
import http.client
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import agent
import clickhouse
import metrics
import promql
import queries

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, "build/release/bin")
TICK = os.sysconf("SC_CLK_TCK")


def report(**line):
    print(json.dumps(line), flush=True)


def sh(command, **kw):
    return subprocess.run(command, check=True, capture_output=True, text=True, **kw).stdout


def scratch():
    return tempfile.mkdtemp(prefix="clew-bench-")


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3")


class Server:
    """A clew serve of its own on free ports, stopped by its process id. Its store goes with it unless `data` names one."""

    def __init__(self, *args, data=None):
        self.dir = scratch()
        self.data = data or os.path.join(self.dir, "data")
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.process = subprocess.Popen(
            [os.path.join(BIN, "clew"), "serve", "--listen", "127.0.0.1:0",
             "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--data", self.data, *args],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("the server did not start: " + open(os.path.join(self.dir, "log")).read()[-2000:])
            if line.startswith("{"):
                self.listening = json.loads(line)["listening"]
                break
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.http = self.listening["http"]
        self.peak_anon = 0
        self.sampling = True
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self):
        while self.sampling:
            try:
                text = open(f"/proc/{self.process.pid}/status").read()
            except OSError:
                return
            m = re.search(r"RssAnon:\s+(\d+)", text)
            if m:
                self.peak_anon = max(self.peak_anon, int(m[1]) * 1024)
            time.sleep(0.1)

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def get(self, path):
        c = http.client.HTTPConnection(self.http, timeout=60)
        c.request("GET", path)
        return c.getresponse().read().decode()

    def post(self, path):
        c = http.client.HTTPConnection(self.http, timeout=60)
        c.request("POST", path)
        return c.getresponse().read().decode()

    def metric(self, name):
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics"), re.M))

    def ppl(self, query, connection=None):
        c = connection or http.client.HTTPConnection(self.http, timeout=120)
        c.request("POST", "/_plugins/_ppl", json.dumps({"query": query}), {"Content-Type": "application/json"})
        answer = json.loads(c.getresponse().read())
        if "error" in answer:
            raise SystemExit(f"{query}: {json.dumps(answer)[:500]}")
        return answer

    def search_stats(self, query):
        """Statistics of a query: what it read, and where."""
        c = http.client.HTTPConnection(self.http, timeout=120)
        c.request("POST", "/clew/v1/search", json.dumps({"query": query}), {"Content-Type": "application/json"})
        for line in c.getresponse().read().splitlines():
            record = json.loads(line)
            if "error" in record:
                raise SystemExit(f"{query}: {json.dumps(record)[:500]}")
            if "end" in record:
                return record["end"]["stats"] if "stats" in record["end"] else record["end"]
        raise SystemExit(f"{query}: no end")

    def wait_merged(self, limit_s=600):
        end = time.time() + limit_s
        while time.time() < end:
            if self.metric("clew_merge_due") == 0:
                return
            time.sleep(0.2)
        raise SystemExit("merges did not end")

    def disk_bytes(self, below=""):
        top = os.path.join(self.data, below)
        return sum(os.lstat(os.path.join(d, f)).st_blocks * 512 for d, _, fs in os.walk(top) for f in fs)

    def stop(self):
        self.sampling = False
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        shutil.rmtree(self.dir)


def load(server, events, **flags):
    target = {"otlp": server.listening["otlp_http"], "otlp-grpc": server.listening["otlp_grpc"]}.get(flags.get("proto"), server.http)
    command = [os.path.join(BIN, "clew_loadgen"), "--target", target, "--events", str(events)]
    for k, v in flags.items():
        command += ["--" + k.replace("_", "-"), str(v)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stderr[-2000:])
    return json.loads(done.stdout)


def day_step(events, connections=4, hours=10):
    """Nanoseconds between events of one connection so that they spread over `hours`."""
    return int(hours * 3600e9 / max(1, events // connections))


def sample_file(events, shape):
    path = os.path.join(tempfile.gettempdir(), f"clew-bench-{shape}-{events}.ndjson")
    if not os.path.exists(path):
        sh([os.path.join(BIN, "clew_loadgen"), "--out", path, "--events", str(events), "--shape", shape,
            "--step-ns", str(day_step(events))])
    return path


def zstd3(path):
    begun = time.time()
    size = int(sh(f"zstd -3 -c {path} | wc -c", shell=True))
    return size, time.time() - begun


def clickhouse_ingest(path, n):
    if not shutil.which("clickhouse-server"):
        report(bench="ingest", baseline="clickhouse", skipped="clickhouse-server is not installed")
        return
    ch = clickhouse.ClickHouse()
    ch.make_bench_table()
    try:
        cpu = ch.cpu()
        seconds = ch.insert(path)
        ch.wait_merged()
        report(bench="ingest", baseline="clickhouse JSONEachRow, order by (service, time), no index, no sync", events=n,
               events_per_second=round(n / seconds), cpu_s_per_million=round((ch.cpu() - cpu) / n * 1e6, 3),
               disk_bytes_per_event=round(ch.disk_bytes() / n, 1))
    finally:
        ch.stop()


def clickhouse_queries(path, n, scale):
    ch = clickhouse.ClickHouse()
    ch.make_bench_table()
    try:
        ch.insert(path)
        ch.wait_merged()
        rng = random.Random(2)
        trace = ch.ask("SELECT trace_id FROM bench LIMIT 1").strip()
        for name, query in {
            "trace id": f"SELECT * FROM bench WHERE trace_id='{trace}'",
            "newest 50 by a word": "SELECT * FROM bench WHERE position(message,'gracefully')>0 ORDER BY timestamp DESC LIMIT 50",
            "histogram by level": "SELECT toStartOfHour(timestamp) h, level, count() FROM bench GROUP BY h, level",
            "count by service": "SELECT service, count() FROM bench GROUP BY service",
            "level and latency": f"SELECT count() FROM bench WHERE level='ERROR' AND latency_ms>{500 + rng.random():.3f}",
            "phrase": "SELECT count() FROM bench WHERE position(message,'worker gracefully')>0",
        }.items():
            report(bench="lookups", baseline="clickhouse", query=name, ms=round(ch.timed(query) * scale, 1), measured_on=n,
                   scaled_to=round(n * scale))
    finally:
        ch.stop()


def bench_ingest(events, shape="12", proto="bulk", name="ingest"):
    path = sample_file(min(events, 2_000_000), shape)
    n = sum(1 for _ in open(path, "rb"))
    compressed, zstd_seconds = zstd3(path)
    report(bench=name, baseline="zstd -3 of the same lines", cpu_s_per_million=round(zstd_seconds * 1e6 / n, 3),
           bytes_per_event=round(compressed / n, 1))
    report(bench=name, **json.loads(sh([os.path.join(BIN, "clew_baseline_simdjson"), path])))
    if shape == "12" and proto == "bulk":
        clickhouse_ingest(path, n)
    server = Server()
    try:
        load(server, 200_000, proto=proto, shape=shape, dataset="warmup")
        server.wait_merged()
        cpu, disk = server.cpu(), server.disk_bytes()
        begun = time.time()
        sent = load(server, events, proto=proto, shape=shape, seed=int(begun), step_ns=day_step(events))
        ingested = time.time() - begun
        cpu_ingest = server.cpu() - cpu
        server.wait_merged()
        cpu, disk = server.cpu() - cpu, server.disk_bytes() - disk
        dataset = "logs" if proto.startswith("otlp") else "bench"
        stored = server.ppl(f"source={dataset} | stats count() as n")["datarows"][0][0] - (200_000 if proto.startswith("otlp") else 0)
        ratio = None
        if not proto.startswith("otlp"):
            ratio = round(disk / events / (compressed / n), 3)
        report(bench=name, events=events, stored=stored, ledger_ok=stored == sent["acked"], retried=sent["retried"],
               events_per_second=round(events / ingested), bytes_per_event=round(sent["event_bytes"] / events, 1),
               cpu_s_per_million=round(cpu / events * 1e6, 3), cpu_s_per_million_until_acked=round(cpu_ingest / events * 1e6, 3),
               disk_bytes_per_event=round(disk / events, 2), disk_over_zstd3=ratio,
               peak_anon_mib=server.peak_anon >> 20, latency_ms_p99=sent["latency_ms_p99"])
    finally:
        server.stop()


def timed(server, make_query, repeat=9, cold=False):
    times, rows = [], 0
    for _ in range(repeat):
        if cold:
            drop_caches()
        query = make_query()
        connection = http.client.HTTPConnection(server.http, timeout=120)
        connection.connect()
        begun = time.perf_counter()
        answer = server.ppl(query, connection)
        times.append((time.perf_counter() - begun) * 1000)
        rows = answer["size"]
    return round(statistics.median(times), 2), [round(min(times), 2), round(max(times), 2)], rows


def report_reads(server, some):
    """Reads of the disk for one trace id that is there and one that is not."""
    segments = server.metric("clew_segments")
    for name, trace in {"hit": some[0][0], "miss": "".join(random.choices("0123456789abcdef", k=32))}.items():
        stats = server.search_stats(f"source=bench trace_id={trace}")
        reads = stats["index_reads"] + stats["column_reads"]
        report(bench="lookups", query="trace id, reads of a " + name, segments=segments, index_reads=stats["index_reads"],
               column_reads=stats["column_reads"], reads_per_segment=round(reads / max(1, segments), 2),
               kib_read=stats["bytes_read"] >> 10)


def bench_lookups(events):
    server = Server()
    try:
        step = day_step(events)
        start = int(time.time() * 1e6) - int(10 * 3600e6) - 3600_000_000
        load(server, int(events * 0.95), seed=7, step_ns=step, start_micros=start)
        server.wait_merged()
        fresh = start + int(9.5 * 3600e6)
        load(server, int(events * 0.05), seed=8, step_ns=step, start_micros=fresh)
        rng = random.Random(1)

        def off_minute(seconds):
            return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(start / 1e6 + seconds))

        def in_range():
            return f"where @timestamp >= '{off_minute(rng.randrange(1, 59))}' and @timestamp < '{off_minute(37000 + rng.randrange(1, 59))}'"

        some = server.ppl("source=bench | fields trace_id | head 2000")["datarows"]
        old_word = server.ppl("source=bench | sort @timestamp | fields user_id, @timestamp | head 50")["datarows"]
        queries = {
            "trace id, cold": (lambda: f"source=bench trace_id={rng.choice(some)[0]}", True),
            "newest 50 by a word": (lambda: f"source=bench {rng.choice(['gracefully', 'authorised', 'offset', 'uptime'])} | sort - @timestamp | head 50", False),
            "newest 50 by a number": (lambda: f"source=bench user_id={rng.randrange(50000)} | sort - @timestamp | head 50", False),
            "newest 50 in the oldest hour": (lambda: f"source=bench user_id={rng.choice(old_word)[0]} | where @timestamp < '{off_minute(rng.randrange(2000, 3500))}' | sort - @timestamp | head 50", False),
            "histogram by level": (lambda: f"source=bench | {in_range()} | stats count() by span(@timestamp, 1h), level", False),
            "histogram of everything": (lambda: f"source=bench | stats count() by span(@timestamp, {rng.choice([5, 10, 15, 20, 30])}m), level", False),
            "count by service": (lambda: f"source=bench | {in_range()} | stats count() by service.name", False),
            "count by service, all": (lambda: "source=bench | stats count() by service.name", False),
            "level and latency": (lambda: f"source=bench level=error latency_ms>{500 + rng.random() * 50:.3f} | stats count()", False),
            "phrase": (lambda: f"source=bench \"{rng.choice(['worker gracefully', 'slow query detected', 'cache miss', 'health check passed'])}\" | stats count()", False),
        }
        report_reads(server, some)
        for name, (make, cold) in queries.items():
            timed(server, make, repeat=2)
            median, spread, rows = timed(server, make, cold=cold)
            report(bench="lookups", events=events, query=name, ms=median, spread_ms=spread, rows=rows)
        report(bench="lookups", peak_anon_mib=server.peak_anon >> 20)
    finally:
        server.stop()
    baselines(events)


def baselines(events):
    n = min(events, 2_000_000)
    path = sample_file(n, "12")
    scale = events / n
    for name, command in {
        "ripgrep phrase": ["rg", "-c", "worker gracefully", path],
        "jq filter": ["jq", "-c", 'select(.level=="ERROR" and .latency_ms>500)|1', path],
    }.items():
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL)
        report(bench="lookups", baseline=name, ms=round((time.perf_counter() - begun) * 1000 * scale, 1),
               measured_on=n, scaled_to=events)
    if shutil.which("clickhouse-server"):
        clickhouse_queries(path, n, scale)


def bench_queries(o):
    if not shutil.which("clickhouse-server"):
        report(bench="queries", skipped="clickhouse-server is not installed")
        return
    queries.run(sys.modules[__name__], o.rows, o.only, o.keep, o.repeat, o.set or ["big5", "hits"])


def fdatasync_loop(seconds=3):
    path = tempfile.mktemp(prefix="clew-sync-")
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    os.posix_fallocate(fd, 0, 1 << 26)
    times, offset, block = [], 0, os.urandom(32 * 1024)
    end = time.time() + seconds
    while time.time() < end:
        begun = time.perf_counter()
        os.pwrite(fd, block, offset % (1 << 26))
        os.fdatasync(fd)
        times.append((time.perf_counter() - begun) * 1000)
        offset += len(block)
    os.close(fd)
    os.unlink(path)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def bench_ack(events):
    server = Server()
    try:
        p50, p99 = fdatasync_loop()
        report(bench="ack", baseline="fdatasync of 32 KiB, preallocated", ms_p50=round(p50, 3), ms_p99=round(p99, 3))
        sent = load(server, min(events, 2_000_000), connections=16, events_per_request=100)
        stored = server.ppl("source=bench | stats count() as n")["datarows"][0][0]
        report(bench="ack", events=sent["acked"], ms_p50=sent["latency_ms_p50"], ms_p99=sent["latency_ms_p99"],
               events_per_second=sent["events_per_second"], over_baseline_ms=round(sent["latency_ms_p99"] - p99, 2),
               visible_at_once=stored == sent["acked"])
    finally:
        server.stop()


def bench_memory(seconds):
    server = Server("--memory", "512MiB")
    try:
        stop = threading.Event()

        def ask():
            rng = random.Random(3)
            while not stop.wait(1):
                server.ppl(f"source=bench-* latency_ms>{rng.randrange(300, 500)} | stats count() by service.name")
        threading.Thread(target=ask, daemon=True).start()
        sent = load(server, 100_000 * seconds, rate=100_000, datasets=30, connections=4, step_ns=40_000)
        stop.set()
        report(bench="memory", seconds=seconds, events=sent["acked"], events_per_second=sent["events_per_second"],
               peak_anon_mib=server.peak_anon >> 20)
    finally:
        server.stop()


def bench_size():
    data = os.path.join(os.path.dirname(ROOT), "shared/data")
    if not os.path.isdir(data):
        report(bench="size", skipped="no ../shared/data")
        return
    sets = {"apache": ["access-logs/apache_combined.log"], "kafka": sorted(f for f in glob.glob(data + "/kafka/**", recursive=True) if os.path.isfile(f)),
            "zeek": sorted(glob.glob(data + "/zeek/*.json*")), "nezha": sorted(f for f in glob.glob(data + "/nezha/log/**", recursive=True) if os.path.isfile(f))}
    for name, files in sets.items():
        files = [f if os.path.isabs(f) else os.path.join(data, f) for f in files]
        server = Server()
        try:
            raw = tempfile.mkstemp(prefix="clew-raw-")[1]
            for f in files:
                sh(f"({'zcat' if f.endswith('.gz') else 'cat'} '{f}') >> {raw}", shell=True)
                sh([os.path.join(BIN, "clew"), "import", f, "--dataset", "size", "--url", "http://" + server.http])
            server.post("/clew/v1/flush")
            server.wait_merged()
            compressed, _ = zstd3(raw)
            report(bench="size", data=name, raw_bytes=os.path.getsize(raw), zstd3_bytes=compressed,
                   store_bytes=server.disk_bytes(), store_over_zstd3=round(server.disk_bytes() / compressed, 3),
                   segments_over_zstd3=round(server.disk_bytes("tenants") / compressed, 3))
            os.unlink(raw)
        finally:
            server.stop()


def bench_traces(spans):
    program = os.path.join(BIN, "clew_traces_path")
    folder = tempfile.mkdtemp(prefix="clew-bench-")
    try:
        process = subprocess.Popen([program, str(spans), os.path.join(folder, "store")], stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            report(bench="traces", **json.loads(line))
        if process.wait() != 0:
            sys.exit("clew_traces_path failed")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("names", nargs="*")
    p.add_argument("--events", type=int, default=0, help="events of ingest (50M) and lookups (20M)")
    p.add_argument("--seconds", type=int, default=600, help="of the memory run")
    p.add_argument("--rows", type=int, default=10_000_000, help="of queries: rows of big5, and half as many of hits")
    p.add_argument("--only", action="append", help="of queries: those whose names hold this; may be given again")
    p.add_argument("--set", action="append", choices=["big5", "hits"], help="of queries: one of the sets")
    p.add_argument("--keep", help="of queries: a directory in which the two stores stay for the next run")
    p.add_argument("--repeat", type=int, default=7, help="of queries: warm runs of each")
    o = p.parse_args()
    names = o.names or ["ingest", "ingest15", "otlp", "size", "lookups", "queries", "ack", "memory", "traces", "agent", "metrics", "promql"]
    report(machine=re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())[1], cores=os.cpu_count(),
           commit=sh(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"]).strip())
    for name in names:
        if name == "ingest":
            bench_ingest(o.events or 50_000_000)
        elif name == "ingest15":
            bench_ingest(o.events or 20_000_000, shape="15", name="ingest15")
        elif name == "otlp":
            bench_ingest(o.events or 20_000_000, proto="otlp", name="otlp http")
            bench_ingest(o.events or 20_000_000, proto="otlp-grpc", name="otlp grpc")
        elif name == "lookups":
            bench_lookups(o.events or 20_000_000)
        elif name == "queries":
            bench_queries(o)
        elif name == "ack":
            bench_ack(o.events or 2_000_000)
        elif name == "memory":
            bench_memory(o.seconds)
        elif name == "traces":
            bench_traces(o.events or 20_000_000)
        elif name == "size":
            bench_size()
        elif name == "agent":
            agent.main([])
        elif name == "metrics":
            metrics.main([])
        elif name == "promql":
            promql.main([])
        else:
            sys.exit(f"no benchmark is called {name!r}; see bench.py --help")


if __name__ == "__main__":
    main()
