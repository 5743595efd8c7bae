"""Pages of metrics for tests: a server whose pages a test sets, and what was asked of it."""
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Pages:
    """`pages[PATH] = text` or (status, headers, body); `requests` holds (path, headers) of what came."""

    def __init__(self, tls=None):
        self.pages = {}
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path.split("?")[0]
                outer.requests.append((self.path, dict(self.headers)))
                page = outer.pages.get(path)
                if callable(page):
                    page = page(self)
                if page is None:
                    page = (404, {}, b"no such page\n")
                if isinstance(page, str):
                    page = (200, {"Content-Type": TEXT}, page.encode())
                status, headers, body = page
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = "http://" + self.address
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def query(server, expression, at=None):
    """An instant query's answer: [(labels, number)]."""
    params = {"query": expression}
    if at is not None:
        params["time"] = str(at)
    reply = server.get("/api/v1/query?" + urllib.parse.urlencode(params))
    assert reply.status == 200, reply.text
    data = json.loads(reply.text)["data"]
    if data["resultType"] == "matrix":
        return [(one["metric"], one["values"]) for one in data["result"]]
    return [(one["metric"], float(one["value"][1])) for one in data["result"]]


def wait_for(what, seconds=20):
    """The first true answer of `what()`; fails after so long, with the last one."""
    deadline = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"did not come: {answer}"
        time.sleep(0.05)


def targets(server, pool=None):
    reply = server.get("/api/v1/targets")
    assert reply.status == 200, reply.text
    active = json.loads(reply.text)["data"]["activeTargets"]
    return [one for one in active if pool is None or one["scrapePool"] == pool]
