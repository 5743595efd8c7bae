"""`bench.py queries`: the same generated rows in clew and in ClickHouse, the same questions to both, answers compared."""
import hashlib
import http.client
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import threading
import time
import urllib.parse

import clickhouse
import query_sets

DAYS = 13
HITS_SHARE = 0.5  # rows of `hits` for one of big5
CONFIG = """query:
  timeout: 120s
  memory: 4GiB
  groups: 20000000
memory: 8GiB
"""


def generate(binary, shape, rows, start, path):
    with open(path, "wb") as out:
        subprocess.run([os.path.join(binary, "clew_query_rows"), "--shape", shape, "--rows", str(rows), "--seed", "5",
                        "--start", str(start), "--seconds", str(DAYS * 86400 - 3600)], stdout=out, check=True)


def pieces(path, size):
    """The file in pieces of whole lines."""
    with open(path, "rb") as f:
        rest = b""
        while data := f.read(size):
            data = rest + data
            cut = data.rfind(b"\n") + 1
            yield data[:cut]
            rest = data[cut:]
        if rest:
            yield rest


def post_all(bodies, address, path, connections):
    """Posts each body; gives the seconds."""
    lock, failures = threading.Lock(), []

    def work():
        connection = http.client.HTTPConnection(address, timeout=600)
        while not failures:
            with lock:
                body = next(bodies, None)
            if body is None:
                return
            while True:
                connection.request("POST", path, body)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status not in (429, 503):
                    break
                time.sleep(0.05)
            if answer.status != 200:
                failures.append(text[:300])
    begun = time.time()
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise SystemExit(f"{path}: {failures[0]!r}")
    return time.time() - begun


class Stores:
    """clew and ClickHouse with the rows of both sets, in `folder`; kept there for the next run with `keep`."""

    def __init__(self, bench, rows, folder, sets):
        self.bench, self.rows = bench, {"big5": rows, "hits": int(rows * HITS_SHARE)}
        os.makedirs(folder, exist_ok=True)
        self.marker = os.path.join(folder, "rows.json")
        # The newest whole day is yesterday, so that the store takes no time for odd.
        self.start = int(time.time()) // 86400 * 86400 - DAYS * 86400
        ready = {}
        if os.path.exists(self.marker):
            with open(self.marker) as f:
                ready = json.load(f)
            self.start = ready.pop("start")
        config = os.path.join(folder, "clew.yaml")
        with open(config, "w") as f:
            f.write(CONFIG)
        self.clew = bench.Server("--config", config, data=os.path.join(folder, "clew"))
        self.clickhouse = clickhouse.ClickHouse(os.path.join(folder, "clickhouse"))
        for shape in sets:
            if ready.get(shape) != self.rows[shape]:
                if shape in ready:
                    raise SystemExit(f"{folder} has {ready[shape]} rows of {shape}; give --rows as then, or another --keep")
                self.load(shape, os.path.join(folder, shape + ".ndjson"))
                ready[shape] = self.rows[shape]
                with open(self.marker, "w") as f:
                    json.dump({**ready, "start": self.start}, f)
        self.connection = http.client.HTTPConnection(self.clew.http, timeout=300)
        self.baseline = http.client.HTTPConnection(f"127.0.0.1:{self.clickhouse.http}", timeout=300)

    def load(self, shape, path):
        generate(self.bench.BIN, shape, self.rows[shape], self.start, path)
        cpu, bytes_before = self.clew.cpu(), self.clew.disk_bytes()
        seconds = post_all(pieces(path, 4 << 20), self.clew.http, f"/api/v1/import?dataset={shape}", 3)
        self.clew.post("/clew/v1/flush")
        self.clew.wait_merged()
        self.bench.report(bench="queries", set=shape, store="clew", rows=self.rows[shape], bytes=os.path.getsize(path),
                          rows_per_second=round(self.rows[shape] / seconds),
                          cpu_s_per_million=round((self.clew.cpu() - cpu) / self.rows[shape] * 1e6, 2),
                          disk_bytes_per_row=round((self.clew.disk_bytes() - bytes_before) / self.rows[shape], 1))
        ch = self.clickhouse
        ch.ask(f"CREATE TABLE {shape} ({query_sets.TABLES[shape]}) ENGINE = MergeTree PARTITION BY toDate(`@timestamp`) "
               f"ORDER BY `@timestamp`", allow_experimental_low_cardinality_type=1)
        cpu = ch.cpu()
        query = urllib.parse.urlencode({"query": f"INSERT INTO {shape} FORMAT JSONEachRow", "date_time_input_format": "best_effort",
                                        "allow_experimental_low_cardinality_type": 1})
        seconds = post_all(pieces(path, 64 << 20), f"127.0.0.1:{ch.http}", "/?" + query, 2)
        ch.ask(f"OPTIMIZE TABLE {shape}")
        ch.wait_merged()
        self.bench.report(bench="queries", set=shape, store="clickhouse", rows=int(ch.ask(f"SELECT count() FROM {shape}")),
                          rows_per_second=round(self.rows[shape] / seconds),
                          cpu_s_per_million=round((ch.cpu() - cpu) / self.rows[shape] * 1e6, 2),
                          disk_bytes_per_row=round(ch.disk_bytes(shape) / self.rows[shape], 1))
        os.unlink(path)

    def ask_clew(self, ppl):
        """Milliseconds, the columns' names, and the rows."""
        body = json.dumps({"query": ppl})
        self.connect(self.connection)
        begun = time.perf_counter()
        self.connection.request("POST", "/_plugins/_ppl", body, {"Content-Type": "application/json"})
        text = self.connection.getresponse().read()
        ms = (time.perf_counter() - begun) * 1000
        answer = json.loads(text)
        if "error" in answer:
            raise ValueError(answer["error"].get("details") or answer["error"].get("reason"))
        return ms, [c["name"] for c in answer["schema"]], answer["datarows"]

    @staticmethod
    def connect(connection):
        """Anew, and not counted: a server closes what is idle while the other one works."""
        connection.close()
        connection.connect()

    def ask_clickhouse(self, sql):
        self.connect(self.baseline)
        begun = time.perf_counter()
        self.baseline.request("POST", "/?allow_experimental_low_cardinality_type=1", (sql + " FORMAT JSONCompact").encode())
        response = self.baseline.getresponse()
        text = response.read()
        ms = (time.perf_counter() - begun) * 1000
        if response.status != 200:
            raise ValueError(text[:300].decode("utf-8", "replace"))
        answer = json.loads(text)
        return ms, [c["name"] for c in answer["meta"]], answer["data"]

    def stop(self):
        self.clew.stop()
        self.clickhouse.stop()


class Literals:
    """Values for `<name>` in queries, others in each repetition and for each query, the same in both languages."""

    def __init__(self, stores, sets):
        self.stores = stores
        ask = lambda sql: [r[0] for r in stores.ask_clickhouse(sql)[2]]
        self.lists = {}
        if "big5" in sets:
            step = max(1, stores.rows["big5"] // 400)
            self.lists.update(
                id=ask(f"SELECT `event.id` FROM big5 WHERE cityHash64(`event.id`) % {step} = 0 ORDER BY `event.id` LIMIT 400"),
                stream=ask("SELECT `aws.cloudwatch.log_stream` AS k FROM big5 GROUP BY k ORDER BY count() DESC LIMIT 20, 300"),
                path=ask("SELECT `log.file.path` AS k FROM big5 GROUP BY k ORDER BY count() DESC LIMIT 20, 300"),
                region=ask("SELECT `cloud.region` AS k FROM big5 GROUP BY k ORDER BY k"),
                process=["kernel", "systemd", "cron", "sshd", "rsyslogd", "auditd", "chronyd"],
                word=["brassmoose", "canyonhawk", "emberlynx", "goldmonkey", "cinderpanda", "crystalcrab", "dawnfox", "forestotter",
                      "ginger" + "puma", "boldcarp", "azurebison", "bronzeeagle", "cloudmule", "coralorca"],
                part=["nemoose", "yonhawk", "berlyn", "oldmonk", "inderpan", "stalcra", "awnfox", "restott"])
        if "hits" in sets:
            self.lists.update(
                user=ask("SELECT UserID FROM hits GROUP BY UserID ORDER BY cityHash64(UserID) LIMIT 200"),
                url_hash=ask("SELECT URLHash FROM hits WHERE CounterID < 63 GROUP BY URLHash ORDER BY count() DESC LIMIT 5"),
                referer_hash=ask("SELECT RefererHash FROM hits WHERE CounterID < 63 AND Referer != '' GROUP BY RefererHash ORDER BY count() DESC LIMIT 5"))

    def time(self, seconds):
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.stores.start + seconds))

    def fill(self, query, repetition):
        """The query's two texts for one repetition."""
        seed = int(hashlib.sha256(f"{query.name} {repetition}".encode()).hexdigest()[:12], 16)
        rng = random.Random(seed)
        day = 86400
        begin = rng.randrange(1 * day, 3 * day)
        short = rng.randrange(2 * day, 10 * day)
        size = rng.randrange(100, 1900)
        first = rng.randrange(0, 3)
        values = {
            "from": self.time(begin), "to": self.time(begin + rng.randrange(8 * day, 9 * day)),
            "short_from": self.time(short), "short_to": self.time(short + rng.randrange(6 * 3600, 9 * 3600)),
            "size": size, "size2": size + rng.randrange(200, 2000), "tmin": rng.randrange(10, 200), "number": rng.randrange(1, 9),
            "counter": rng.randrange(60, 63), "day": self.time(first * day)[:10], "day2": self.time((first + 8) * day)[:10],
            "many": max(1, self.stores.rows["hits"] // 1000 + rng.randrange(-20, 20)),
        }
        for name, choices in self.lists.items():
            chosen = rng.sample(choices, min(3, len(choices)))
            for i, value in enumerate(chosen):
                values[name + ("" if i == 0 else str(i + 1))] = value
        texts = []
        for text in (query.ppl, query.sql):
            for name, value in values.items():
                text = text.replace(f"<{name}>", str(value))
            texts.append(text)
        return texts


def plain(value):
    """A cell such that equal values of the two systems are equal."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        if value.lstrip("-").isdigit() and len(value) < 20:
            return int(value)
        return value[:-4] if value.endswith(".000") else value
    if isinstance(value, float):
        return int(value) if value == int(value) else float(f"{value:.9g}")
    return value


def same_cell(a, b):
    """Sums of doubles differ in their last digits with the order of the rows."""
    if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
        return a == b
    return a == b or (max(abs(a), abs(b)) > 2**53 or isinstance(a, float)) and math.isclose(a, b, rel_tol=1e-8)


def compared(query, ours, theirs):
    """None when the answers are equal, else what differs."""
    (names, rows), (their_names, their_rows) = ours, theirs
    if query.same == "count":
        return None if len(rows) == len(their_rows) else f"{len(rows)} rows, {len(their_rows)}"
    missing = [n for n in their_names if n not in names]
    if missing:
        return f"no column {missing}"
    places = [names.index(n) for n in their_names]
    a = [tuple(plain(row[p]) for p in places) for row in rows]
    b = [tuple(plain(v) for v in row) for row in their_rows]
    if len(a) != len(b):
        return f"{len(a)} rows, {len(b)}"
    keys = [their_names.index(k) for k in query.keys]
    key = lambda row: tuple(row[k] for k in keys)
    if query.same in ("ties", "keys"):
        if not all(map(same_cell, (v for r in a for v in key(r)), (v for r in b for v in key(r)))):
            return f"keys {[key(r) for r in a][:3]}, {[key(r) for r in b][:3]}"
        last = key(a[-1]) if a else None
        if query.same == "keys":
            return None
        a, b = [r for r in a if key(r) != last], [r for r in b if key(r) != last]
    if query.same != "order":
        a, b = sorted(a, key=repr), sorted(b, key=repr)
    i = next((i for i in range(len(a)) if not all(map(same_cell, a[i], b[i]))), None)
    if i is not None:
        return f"row {i}: {str(a[i])[:200]}, {str(b[i])[:200]}"
    return None


def cpu_ns(pid):
    """CPU of all threads of a process until now."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        except OSError:
            pass
    return total


def measure(stores, literals, query, shape, repeat, limit_s=12):
    """One line of the report."""
    line = {"bench": "queries", "set": shape, "query": query.name, "log": query.log}
    ours, theirs, differs, cpu, runs = [], [], None, 0, 0
    begun = time.time()
    try:
        for i in range(-1, repeat):
            ppl, sql = literals.fill(query, i)
            before = cpu_ns(stores.clew.process.pid)
            ms, names, rows = stores.ask_clew(ppl)
            used = cpu_ns(stores.clew.process.pid) - before
            their_ms, their_names, their_rows = stores.ask_clickhouse(sql)
            differs = differs or compared(query, (names, rows), (their_names, their_rows))
            if i < 0:
                continue
            ours.append(ms)
            theirs.append(their_ms)
            cpu, runs = cpu + used, runs + 1
            if time.time() - begun > limit_s and runs >= 3:
                break
    except ValueError as error:
        return {**line, "failed": str(error), "ppl": ppl, "sql": sql}
    median, their_median = statistics.median(ours), statistics.median(theirs)
    line.update(ms=round(median, 2), spread_ms=[round(min(ours), 2), round(max(ours), 2)], clickhouse_ms=round(their_median, 2),
                ratio=round(median / their_median, 2), equal=differs is None, rows=len(rows), cpu_ms=round(cpu / runs / 1e6, 2), runs=runs)
    if query.scans:
        line["mrows_per_core_s"] = round(stores.rows[shape] / (cpu / runs) * 1e3, 1)
    if differs:
        line.update(differs=differs, ppl=ppl, sql=sql)
    return line


def verdict(line):
    if "failed" in line:
        return "failed"
    if not line["equal"]:
        return "DIFFERS"
    if line["ratio"] > (1 if line["log"] else 3):
        return "slower"
    return "ok"


def table(lines):
    """The report for people."""
    out = ["| query | clew ms | ClickHouse ms | ratio | CPU ms | M rows/core/s | |", "|---|---:|---:|---:|---:|---:|---|"]
    for line in lines:
        name = line["set"] + " " + line["query"] if line["set"] == "big5" else line["query"]
        if "failed" in line:
            out.append(f"| {name} | {line['failed'][:80]} | | | | | failed |")
            continue
        log = " (log)" if line["log"] else ""
        out.append(f"| {name}{log} | {line['ms']} | {line['clickhouse_ms']} | {line['ratio']} | {line['cpu_ms']} | "
                   f"{line.get('mrows_per_core_s', '')} | {verdict(line)} |")
    verdicts = [verdict(line) for line in lines]
    out.append("")
    out.append(", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts))))
    return "\n".join(out)


def run(bench, rows, only, keep, repeat, sets):
    folder = keep or os.path.join(bench.scratch(), "queries")
    stores = Stores(bench, rows, folder, sets)
    lines = []
    try:
        literals = Literals(stores, sets)
        for shape in sets:
            for query in query_sets.SETS[shape]:
                if only and not any(part in query.name for part in only):
                    continue
                lines.append(measure(stores, literals, query, shape, repeat))
                bench.report(**lines[-1])
        bench.report(bench="queries", peak_anon_mib=stores.clew.peak_anon >> 20)
    finally:
        stores.stop()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(table(lines), flush=True)
