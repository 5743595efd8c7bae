"""The real binary as a test sees it: started on free ports, asked over HTTP, killed and started again."""
import gzip
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("CLEW_BIN", os.path.join(ROOT, "build/release/bin/clew"))
SHARED_DATA = os.path.join(os.path.dirname(ROOT), "shared", "data")
READY_SECONDS = 30


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.text.splitlines() if line.strip()]


class Server:
    """clew serve on one data directory. `url` is the HTTP listener's; `listening` all of them."""

    def __init__(self, data, args=()):
        self.data = str(data)
        self.args = list(args)
        self.self_scrape = False  # its own series would stand among those of a test
        self.listen = "127.0.0.1:0"  # a test that restarts a server for the same clients sets what it got
        self.process = None
        self.listening = {}
        self.log = []

    def start(self):
        assert self.process is None
        command = [BINARY, "serve", "--data", self.data, "--listen", self.listen, "--otlp-grpc", "127.0.0.1:0",
                   "--otlp-http", "127.0.0.1:0", *([] if self.self_scrape else ["--no-self-scrape"]), *self.args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True).start()
        killer = threading.Timer(READY_SECONDS, self.process.kill)
        killer.start()
        line = self.process.stdout.readline()
        killer.cancel()
        if not line:
            self.process.wait()
            raise RuntimeError(f"clew serve ended with {self.process.returncode}:\n" + "".join(self.log[-40:]))
        self.listening = json.loads(line)["listening"]
        threading.Thread(target=self._drain, args=(self.process.stdout,), daemon=True).start()
        return self

    def _read_log(self, pipe):
        for line in pipe:
            self.log.append(line)

    def wait_log(self, text, seconds=10):
        """True once a line of stderr holds `text`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(text in line for line in self.log):
                return True
            time.sleep(0.02)
        return False

    @staticmethod
    def _drain(pipe):
        for _ in pipe:
            pass

    @property
    def url(self):
        return "http://" + self.listening["http"]

    @property
    def pid(self):
        return self.process.pid

    def stop(self, seconds=15):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._ended(seconds)

    def kill(self):
        """SIGKILL, as `kill -9`."""
        self.process.kill()
        return self._ended(10)

    def _ended(self, seconds):
        code = self.process.wait(seconds)
        self.process = None
        return code

    def request(self, method, path, body=None, headers=None, base=None, timeout=60):
        """A Reply whatever the status. `body`: bytes, text, or something to send as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        request = urllib.request.Request((base or self.url) + path, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return Reply(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body if body is not None else b"", **more)

    def ppl(self, query):
        """The answer to a PPL query, {"schema","datarows","total","size"}; an error fails the test with its reason."""
        reply = self.post("/_plugins/_ppl", {"query": query})
        assert reply.status == 200, f"{query}: {reply.status} {reply.text}"
        return reply.json()

    def rows(self, query):
        """Rows of a PPL query as dicts."""
        answer = self.ppl(query)
        names = [column["name"] for column in answer["schema"]]
        return [dict(zip(names, row)) for row in answer["datarows"]]

    def count(self, source="logs"):
        return self.rows(f"source={source} | stats count() as n")[0]["n"]

    def import_ndjson(self, events, dataset="logs", headers=None):
        body = "".join(json.dumps(event) + "\n" for event in events)
        return self.post(f"/api/v1/import?dataset={dataset}", body, headers=headers)

    def import_text(self, text, dataset="logs", **params):
        """Lines of text in whatever format; gives the import's answer."""
        query = urllib.parse.urlencode({"dataset": dataset, "format": "auto", **params})
        reply = self.post(f"/api/v1/import?{query}", text)
        assert reply.status == 200, reply.text
        return reply.json()

    def assert_counts_add_up(self):
        """received = stored + duplicate + dropped + rejected, over all sources."""
        parts = [self.metric(f"clew_events_{name}_total") for name in ("stored", "duplicate", "dropped", "rejected")]
        assert self.metric("clew_events_received_total") == sum(parts), parts

    def metric(self, name, **labels):
        """The sum of a metric's samples whose labels include `labels`."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            found = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", line)
            if not found or found.group(1) != name:
                continue
            have = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found.group(2) or ""))
            if all(have.get(key) == value for key, value in labels.items()):
                total += float(found.group(3))
        return total

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def cli(self, *args, stdin=None, check=True, timeout=120):
        """Runs a client command against this server."""
        done = subprocess.run([BINARY, *args], input=stdin, capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, "CLEW_URL": self.url, "NO_COLOR": "1"}, check=False)
        assert not check or done.returncode == 0, f"clew {' '.join(args)}: {done.returncode}\n{done.stderr}"
        return done


def gzipped(text):
    return gzip.compress(text.encode() if isinstance(text, str) else text)
