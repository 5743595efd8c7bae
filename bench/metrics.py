"""metrics.py [--series N] [--intervals N] [--pages DIR] [--only NAME]: samples by remote write into clew, VictoriaMetrics and Prometheus.

Every program gets the same requests (bench/metric_load.cc): this machine's node_exporter, its series again for each instance with values that
walk on their own, a sample every 15 s, 2,000 in a request, two connections. clew answers when a write is synced to the disk; VictoriaMetrics
keeps some seconds in memory only, Prometheus does not sync its log. Then, of each:
  cpu_us      user + system time a sample, from the first byte until what came is in files and merges rest
  bytes       of files a sample, index included: after a flush and merges; Prometheus' as in a snapshot, its log not counted
  rss         anonymous memory a series when the last sample has come, before anything is flushed by hand, and the most there was
  restart_s   ten more minutes of samples, kill -9, start: until a query gives every series
  rate_ms     sum by (mode)(rate(node_cpu_seconds_total[5m])) at 240 steps, the median of seven
Programs that are not installed are left out. Pages are taken from prometheus-node-exporter, one each 15 s, unless DIR has some.
"""
import argparse
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, "build/release/bin")
TICK = os.sysconf("SC_CLK_TCK")
STEP_S = 15
TAIL_INTERVALS = 40
PAGES = 20


def report(**line):
    print(json.dumps({"bench": "metrics", **line}), flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def capture_pages(folder):
    port = free_port()
    exporter = subprocess.Popen(["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        for n in range(PAGES):
            began = time.monotonic()
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read()
            with open(os.path.join(folder, f"{n:04}.txt"), "wb") as out:
                out.write(page)
            time.sleep(max(0, STEP_S - (time.monotonic() - began)))
    finally:
        exporter.kill()
        exporter.wait()


class Program:
    """One of the three on a free port, with a directory of its own."""
    name = ""
    write_path = "/api/v1/write"

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="clew-bench-")
        self.data = os.path.join(self.dir, "data")
        self.process = None
        self.target = ""
        self.spent = 0.0  # CPU of processes that ended

    def command(self, port):
        raise NotImplementedError

    def start(self):
        port = free_port()
        self.target = f"127.0.0.1:{port}"
        self.process = subprocess.Popen(self.command(port), stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.dir, "log"), "a"))
        while True:
            try:
                self.get(self.ready_path)
                return
            except (OSError, http.client.HTTPException):
                if self.process.poll() is not None:
                    raise SystemExit(f"{self.name} did not start: " + open(os.path.join(self.dir, "log")).read()[-2000:])
                time.sleep(0.02)

    def get(self, path, method="GET"):
        c = http.client.HTTPConnection(self.target, timeout=600)
        c.request(method, path)
        answer = c.getresponse()
        body = answer.read()
        if answer.status >= 300:
            raise http.client.HTTPException(f"{path}: {answer.status} {body[:300]}")
        return body

    def query(self, query, **more):
        path = "/api/v1/query" + ("_range" if "start" in more else "")
        more["nocache"] = 1  # VictoriaMetrics would answer from the time before
        return json.loads(self.get(path + "?" + urllib.parse.urlencode({"query": query, **more})))["data"]["result"]

    def status(self, field):
        text = open(f"/proc/{self.process.pid}/status", encoding="ascii").read()
        return int(re.search(rf"{field}:\s+(\d+)", text)[1]) * 1024

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def settle(self):
        """Until hardly any CPU is used."""
        rested = 0
        while rested < 2:
            before = self.cpu()
            time.sleep(1)
            rested = rested + 1 if self.cpu() - before < 0.05 else 0

    def bytes(self):
        return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(self.files()) for f in files)

    def files(self):
        return self.data

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.kill()
        shutil.rmtree(self.dir)


class Clew(Program):
    name = "clew"
    ready_path = "/health/ready"
    program = os.path.join(BIN, "clew")

    def command(self, port):
        return [self.program, "serve", "--listen", f"127.0.0.1:{port}", "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0",
                "--data", self.data]

    def flush(self):
        self.get("/clew/v1/flush?compact=true", "POST")

    def files(self):
        return os.path.join(self.data, "metrics")

    def bytes(self):
        # The journal's file is preallocated; what is in parts is not in it any more.
        return super().bytes() - sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(os.path.join(self.files(), "journal"))
                                     for f in files)


class Victoria(Program):
    name = "victoria-metrics"
    ready_path = "/health"
    program = "victoria-metrics"

    def command(self, port):
        return [self.program, f"-storageDataPath={self.data}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=12"]

    def flush(self):
        self.get("/internal/force_flush")
        self.settle()
        self.get("/internal/force_merge")


class Prometheus(Program):
    name = "prometheus"
    ready_path = "/-/ready"
    program = "prometheus"

    def command(self, port):
        config = os.path.join(self.dir, "prometheus.yml")
        with open(config, "w", encoding="ascii") as out:
            out.write("global: {}\n")
        return [self.program, f"--config.file={config}", f"--storage.tsdb.path={self.data}", f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-remote-write-receiver", "--web.enable-admin-api", "--storage.tsdb.retention.time=365d"]

    def flush(self):
        self.get("/api/v1/admin/tsdb/snapshot", "POST")

    def files(self):
        return os.path.join(self.data, "snapshots")


def load(program, o, end, first, intervals):
    out = subprocess.run([os.path.join(BIN, "clew_metric_load"), "--target", program.target, "--path", program.write_path, "--pages", o.pages,
                          "--series", str(o.series), "--intervals", str(intervals), "--first", str(first), "--end", str(end)],
                         check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def measure(program, o):
    end = int(time.time()) - 60
    tail = 0 if o.no_restart else TAIL_INTERVALS
    steps = o.intervals + tail
    program.start()
    try:
        idle = program.status("RssAnon")
        began = program.cpu()
        sent = load(program, o, end - tail * STEP_S, 0, o.intervals)
        ingest = program.cpu() - began
        line = {"program": program.name, "series": sent["series"], "samples": sent["samples"], "seconds": sent["seconds"],
                "rss": round((program.status("RssAnon") - idle) / sent["series"]), "rss_most": round(program.status("VmHWM") / sent["series"])}
        program.settle()
        program.flush()
        program.settle()
        line["cpu_us"] = round((program.cpu() - began) / sent["samples"] * 1e6, 4)
        line["cpu_us_ingest"] = round(ingest / sent["samples"] * 1e6, 4)
        line["bytes"] = round(program.bytes() / sent["samples"], 4)
        line["rss_flushed"] = round((program.status("RssAnon") - idle) / sent["series"])
        times = []
        for _ in range(7):
            at = time.monotonic()
            got = program.query("sum by (mode)(rate(node_cpu_seconds_total[5m]))", start=end - tail * STEP_S - 240 * STEP_S,
                                end=end - tail * STEP_S, step=STEP_S)
            times.append((time.monotonic() - at) * 1000)
        line["rate_ms"] = round(statistics.median(times), 1)
        line["rate_points"] = sum(len(series["values"]) for series in got)
        if tail:
            load(program, o, end, o.intervals, steps)
            program.kill()
            began = time.monotonic()
            program.start()
            want, found = sent["series"], 0
            changed = time.monotonic()
            while found < want and time.monotonic() - changed < 10:  # VictoriaMetrics' last seconds are gone
                result = program.query('count({job="node"})', time=end)
                before, found = found, int(result[0]["value"][1]) if result else 0
                if found != before:
                    changed = time.monotonic()
            line["restart_s"] = round(changed - began, 2)
            line["series_after"] = found
        report(**line)
    finally:
        program.end()


def main(args):
    p = argparse.ArgumentParser(prog="metrics", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--series", type=int, default=100_000)
    p.add_argument("--intervals", type=int, default=240)
    p.add_argument("--pages", help="a directory with pages of a node_exporter, 15 s apart")
    p.add_argument("--only", action="append", help="clew, victoria-metrics, prometheus; may be given again")
    p.add_argument("--no-restart", action="store_true")
    o = p.parse_args(args)
    made = None
    if not o.pages:
        if not shutil.which("prometheus-node-exporter"):
            raise SystemExit("metrics: no prometheus-node-exporter and no --pages")
        made = o.pages = tempfile.mkdtemp(prefix="clew-bench-pages-")
        capture_pages(made)
    try:
        for kind in (Clew, Victoria, Prometheus):
            if o.only and kind.name not in o.only:
                continue
            if not shutil.which(kind.program):
                report(program=kind.name, missing=True)
                continue
            measure(kind(), o)
    finally:
        if made:
            shutil.rmtree(made)


if __name__ == "__main__":
    import sys
    main(sys.argv[1:])
