"""What the services share: an HTTP server with goals, health and metrics; calls to other services; logging to clew."""
import http.server
import json
import logging
import os
import re
import socket
import sys
import threading
import urllib.error
import urllib.request

import clew
from clew import serving
from shop import switches

CALL_TIMEOUT_S = 10
BODY_BYTES_MAX = 65_536


class CallFailed(Exception):
    """Another service said no, or nothing. The text is its reason."""


class Refused(Exception):
    """The service cannot do what it was asked: the status to answer, and the reason."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Service:
    """One service of the shop. Its socket is handed down by run.py, so that it keeps its address over a crash."""

    def __init__(self, name):
        self.name = name
        self.switches = switches.Switches(os.path.join(os.environ["SHOP_DIR"], "switches.json"))
        self.metrics = clew.metrics.Registry()
        self.health = clew.health.Health()
        self.serving = serving.Serving(health=self.health, metrics=self.metrics)
        self.log = clew.get_logger(name)
        self._routes = []
        self.handler = clew.Handler(os.environ["CLEW_URL"], service=name, dataset="shop",
                                    spill=os.path.join(os.environ["SHOP_DIR"], "spill"))
        logging.getLogger().addHandler(self.handler)
        logging.getLogger().setLevel(logging.INFO)

    def route(self, method, pattern):
        """Decorator: `function(groups.., body)` answers (status, JSON value). `{id}` in the pattern is a group."""
        compiled = re.compile(re.sub(r"\{\w+\}", "([^/]+)", pattern) + "$")

        def decorate(function):
            self._routes.append((method, compiled, pattern, function))
            return function
        return decorate

    def find(self, method, path):
        for its_method, compiled, pattern, function in self._routes:
            match = compiled.match(path)
            if match and its_method == method:
                return pattern, function, match.groups()
        return "", None, ()

    def run(self):
        """Serves until run.py ends: its end of our standard input closes then."""
        held = socket.socket(fileno=int(os.environ["SHOP_SOCKET"]))
        server = _Server(held, self)
        threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
        self.log.info("service started", port=held.getsockname()[1])
        sys.stdin.read()
        self.health.stopping()
        server.shutdown()
        self.log.info("service stopped")
        logging.shutdown()


def call(service, method, path, body=None):
    """Asks another service, with the ids of this request. Errors: CallFailed."""
    url = os.environ[f"SHOP_{service.upper()}_URL"] + path
    request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode(), method=method,
                                     headers={"Content-Type": "application/json", **clew.headers()})
    try:
        with urllib.request.urlopen(request, timeout=CALL_TIMEOUT_S) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise CallFailed(f"{service}: {_reason(error)}") from None
    except (OSError, http.client.HTTPException) as error:
        raise CallFailed(f"{service}: {getattr(error, 'reason', error)}") from None


def is_alive(service):
    with urllib.request.urlopen(os.environ[f"SHOP_{service.upper()}_URL"] + "/health/live", timeout=1):
        return True


def _reason(error):
    try:
        return json.load(error)["error"]
    except (ValueError, KeyError):
        return f"answered {error.code}"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, held, service):
        super().__init__(held.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = held
        self.service = service


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._serve("GET")

    def do_POST(self):
        self._serve("POST")

    def _serve(self, method):
        service, path = self.server.service, self.path.partition("?")[0]
        body = self._body()
        own = service.serving.own_answer(method, path)
        if own is not None:
            return self._send(own.status, own.content_type, own.body)
        pattern, function, groups = service.find(method, path)
        request = service.serving.begin(method, path, self.headers.items(), self.client_address[0])
        status = 500
        try:
            status, value = function(*groups, body) if function else (404, {"error": f"no such path: {path}"})
        except Refused as error:
            status, value, request.error = error.status, {"error": str(error)}, error
        except CallFailed as error:
            status, value, request.error = 502, {"error": str(error)}, error
        except Exception as error:
            value, request.error = {"error": clew.goals.reason_of(error)}, error
        headers = request.response_headers
        request.end(status, pattern)
        self._send(status, "application/json", json.dumps(value).encode(), headers)

    def _body(self):
        size = min(int(self.headers.get("Content-Length") or 0), BODY_BYTES_MAX)
        data = self.rfile.read(size)
        try:
            return json.loads(data) if data else None
        except ValueError:
            return None

    def _send(self, status, content_type, body, headers=()):
        self.send_response(status)
        for name, value in [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass  # requests are goals already
