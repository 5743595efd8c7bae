"""Debian's ClickHouse as a baseline: a server of its own on free loopback ports, the benchmark's events in one table."""
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

CONFIG = """<yandex>
<logger><level>warning</level><log>{d}/log</log><errorlog>{d}/err</errorlog></logger>
<http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host><timezone>UTC</timezone>
<path>{d}/data/</path><tmp_path>{d}/tmp/</tmp_path><mark_cache_size>268435456</mark_cache_size>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<profiles><default><max_threads>{cores}</max_threads></default></profiles><quotas><default/></quotas>
</yandex>"""

TABLE = """CREATE TABLE bench (timestamp DateTime, level String, service String, host String, trace_id String, user_id UInt32,
method String, path String, status UInt16, latency_ms Float64, ip String, message String)
ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY (service, timestamp)"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class ClickHouse:
    def __init__(self, folder=None):
        """In `folder`, which stays, or in one of its own, which goes with the server."""
        self.own = folder is None
        self.dir = folder or tempfile.mkdtemp(prefix="clew-bench-ch-")
        os.makedirs(self.dir, exist_ok=True)
        self.http = free_port()
        path = os.path.join(self.dir, "config.xml")
        with open(path, "w") as f:
            f.write(CONFIG.format(d=self.dir, http=self.http, tcp=free_port(), cores=os.cpu_count()))
        resource.setrlimit(resource.RLIMIT_NOFILE, (20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        self.process = subprocess.Popen(["clickhouse-server", "--config-file=" + path], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        end = time.time() + 30
        while True:
            try:
                self.ask("SELECT 1")
                break
            except OSError:
                if time.time() > end:
                    raise SystemExit("clickhouse-server did not start; see " + self.dir)
                time.sleep(0.1)

    def make_bench_table(self):
        self.ask(TABLE)

    def ask(self, query, body=b"", **settings):
        url = f"http://127.0.0.1:{self.http}/?" + urllib.parse.urlencode({**settings, "query": query})
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=600) as r:
            return r.read().decode()

    def insert(self, path, chunk=64 << 20):
        """Inserts a file of JSON lines; gives the seconds."""
        url = (f"http://127.0.0.1:{self.http}/?date_time_input_format=best_effort&input_format_skip_unknown_fields=1&query="
               + urllib.request.quote("INSERT INTO bench FORMAT JSONEachRow"))
        begun = time.time()
        with open(path, "rb") as f:
            rest = b""
            while True:
                data = f.read(chunk)
                if not data and not rest:
                    break
                data = rest + data
                cut = data.rfind(b"\n") + 1
                body, rest = data[:cut], data[cut:]
                urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=600).read()
        return time.time() - begun

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_merged(self):
        while self.ask("SELECT count() FROM system.merges").strip() != "0":
            time.sleep(0.2)

    def disk_bytes(self, table="bench"):
        return int(self.ask(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = '{table}'").strip() or 0)

    def timed(self, query, repeat=5):
        times = []
        for _ in range(repeat):
            begun = time.perf_counter()
            self.ask(query)
            times.append((time.perf_counter() - begun) * 1000)
        return round(sorted(times)[len(times) // 2], 2)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)
