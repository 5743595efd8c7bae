"""Middlewares and outgoing clients with the real frameworks; a framework that is not installed is skipped by name."""
import asyncio
import http.server
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import wsgiref.util

import pytest

import clew
from clew import health as healths
from clew import metrics as metric
from clew import serving
from conftest import PACKAGE_ROOT

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def goal_of(collected):
    (end,) = collected.of_event("goal.end")
    return end


# --- WSGI

def call_wsgi(app, path="/orders/17", method="GET", **headers):
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "REMOTE_ADDR": "10.0.0.1"}
    environ.update({"HTTP_" + name.upper(): value for name, value in headers.items()})
    wsgiref.util.setup_testing_defaults(environ)
    told = {}

    def start_response(status, given, exc_info=None):
        told["status"], told["headers"] = int(status.split()[0]), dict(given)
    body = app(environ, start_response)
    try:
        told["body"] = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    return told


def hello(environ, start_response):
    logging.info("inside")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def test_wsgi_makes_an_id_and_echoes_it(collected):
    told = call_wsgi(clew.wsgi.Middleware(hello))
    request_id = told["headers"]["X-Request-ID"]
    assert request_id and all(line["request_id"] == request_id for line in collected.lines)
    end = goal_of(collected)
    assert end["name"] == "GET /orders/{id}" and end["http.response.status_code"] == 200 and end["outcome"] == "ok"
    assert end["url.path"] == "/orders/17" and end["client.address"] == "10.0.0.1"
    assert clew.context.current().trace_id == ""


@pytest.mark.parametrize("headers", [{"x_request_id": "r-1", "traceparent": TRACEPARENT},
                                     {"x_request_id": "r-1", "b3": f"{TRACE}-{SPAN}-1"},
                                     {"x_request_id": "r-1", "x_b3_traceid": TRACE, "x_b3_spanid": SPAN}])
def test_wsgi_takes_what_it_is_given(collected, headers):
    told = call_wsgi(clew.wsgi.Middleware(hello), **headers)
    assert told["headers"]["X-Request-ID"] == "r-1"
    inside = [line for line in collected.lines if line["message"] == "inside"][0]
    end = goal_of(collected)
    assert inside["trace_id"] == TRACE and inside["span_id"] == end["span_id"] and end["parent_span_id"] == SPAN


def test_wsgi_an_id_that_would_split_a_header_is_replaced():
    told = call_wsgi(clew.wsgi.Middleware(hello), x_request_id="a\r\nSet-Cookie: x")
    assert "\r" not in told["headers"]["X-Request-ID"]


def test_wsgi_failures(collected):
    def broken(environ, start_response):
        raise KeyError("order")

    def breaks_later(environ, start_response):
        start_response("200 OK", [])
        yield b"a"
        raise OSError("gone")

    def says_503(environ, start_response):
        start_response("503 Service Unavailable", [])
        return [b""]
    with pytest.raises(KeyError):
        call_wsgi(clew.wsgi.Middleware(broken))
    with pytest.raises(OSError):
        call_wsgi(clew.wsgi.Middleware(breaks_later))
    call_wsgi(clew.wsgi.Middleware(says_503))
    reasons = [end["reason"] for end in collected.of_event("goal.end")]
    assert reasons == ["KeyError: 'order'", "OSError: gone", "answered 503"]


def test_wsgi_serves_health_and_metrics(collected):
    health, registry = healths.Health(), metric.Registry()
    health.add("database", lambda: False)
    app = clew.wsgi.Middleware(hello, health=health, metrics=registry)
    call_wsgi(app)
    ready = call_wsgi(app, "/health/ready")
    assert ready["status"] == 503 and json.loads(ready["body"])["database"] is False
    assert json.loads(call_wsgi(app, "/health/live")["body"]) == {"status": "alive"}
    page = call_wsgi(app, "/metrics")["body"].decode()
    assert 'http_requests_total{method="GET",endpoint="/orders/{id}",status="200"} 1' in page
    assert 'http_request_duration_seconds_bucket{method="GET",endpoint="/orders/{id}",le="+Inf"} 1' in page
    assert len(collected.of_event("goal.end")) == 1  # probes are no goals


@pytest.mark.parametrize("path, name", [("/", "/"), ("/a/17/b", "/a/{id}/b"), ("/users/alice", "/users/alice"),
                                        ("/o/0f8fad5b-d9cb-469f-a165-70867728950e?x=1", "/o/{id}")])
def test_names_of_paths(path, name):
    assert serving.general_path(path) == name


# --- health and metrics alone

def test_health_bodies():
    health = healths.Health(starting=True, keep_s=0)
    up = {"database": True}
    health.add("database", lambda: up["database"])

    @health.check("queue")
    def queue():
        if not up["database"]:
            raise ConnectionError("refused")
    assert health.answer("/health/startup") == (503, {"status": "starting"})
    assert health.answer("/health/ready")[0] == 503
    health.started()
    assert health.answer("/health/startup")[0] == 200
    assert health.answer("/health/ready") == (200, {"status": "ready"})
    up["database"] = False
    status, body = health.answer("/readyz")
    assert status == 503 and body["database"] is False and body["queue"] is False
    assert body["status"] == "not ready" and "refused" in body["reason"]
    assert health.answer("/health/live") == (200, {"status": "alive"}) and health.answer("/other") is None
    health.stopping()
    assert "stopping" in health.answer("/health/ready")[1]["reason"]


def test_a_check_that_hangs_is_one_thread():
    release = threading.Event()
    health = healths.Health(keep_s=0, timeout_s=0.05)
    health.add("slow", lambda: release.wait(30))
    before = threading.active_count()
    for _ in range(5):
        assert health.answer("/health/ready")[1]["slow"] is False
    assert threading.active_count() == before + 1
    release.set()


def test_probes_are_cheap():
    calls = []
    health = healths.Health(keep_s=60)
    health.add("database", lambda: calls.append(1))
    for _ in range(1000):
        assert health.answer("/health/ready")[0] == 200
    assert len(calls) == 1


def test_health_server():
    registry = metric.Registry()
    registry.gauge("queue_depth", "Waiting.").set(3)
    server = healths.serve(0, healths.Health(), registry)
    try:
        url = "http://127.0.0.1:%d" % server.server_address[1]
        assert urllib.request.urlopen(url + "/health/ready").status == 200
        assert b"queue_depth 3\n" in urllib.request.urlopen(url + "/metrics").read()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(url + "/x")
    finally:
        server.shutdown()
        server.server_close()


def test_metrics_text():
    registry = metric.Registry()
    counter = registry.counter("orders_total", 'Orders\nby "region".', ("region",))
    counter.inc(region='N"Y\n')
    counter.inc(2.5, region="CA")
    assert registry.counter("orders_total", "", ("region",)) is counter
    seconds = registry.histogram("latency", "L.", buckets=(0.1, 1))
    for value in (0.05, 0.1, 0.5, 7):
        seconds.observe(value)
    text = registry.text()
    assert '# HELP orders_total Orders\\nby "region".\n# TYPE orders_total counter\n' in text
    assert 'orders_total{region="CA"} 2.5\n' in text and 'orders_total{region="N\\"Y\\n"} 1\n' in text
    assert text.endswith('latency_bucket{le="0.1"} 2\nlatency_bucket{le="1"} 3\nlatency_bucket{le="+Inf"} 4\n'
                         'latency_sum 7.65\nlatency_count 4\n')
    with pytest.raises(ValueError):
        counter.inc(-1, region="x")
    with pytest.raises(ValueError):
        counter.inc(city="x")
    with pytest.raises(ValueError):
        registry.gauge("orders_total", "")
    with pytest.raises(ValueError):
        registry.gauge("bad name", "")


def test_metrics_are_bounded(monkeypatch):
    monkeypatch.setattr(metric, "SERIES_MAX", 10)
    counter = metric.Registry().counter("c", "", ("id",))
    for n in range(100):
        counter.inc(id=n)
    assert 'c{id="other"} 90' in "\n".join(counter.lines()) and len(counter.lines()) == 13


# --- ASGI

async def call_asgi(app, path="/orders/17", headers=()):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)
    scope = {"type": "http", "method": "GET", "path": path, "headers": [*headers], "client": ("10.0.0.1", 5), "query_string": b""}
    await app(scope, receive, send)
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[-1].get("body")


async def hello_asgi(scope, receive, send):
    await asyncio.sleep(0)
    logging.info("inside")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_asgi(collected):
    app = clew.asgi.Middleware(hello_asgi, health=healths.Health())
    status, headers, body = asyncio.run(call_asgi(app, headers=[(b"x-request-id", b"r-1"), (b"traceparent", TRACEPARENT.encode())]))
    assert (status, headers["x-request-id"], body) == (200, "r-1", b"hello")
    inside = [line for line in collected.lines if line["message"] == "inside"][0]
    assert inside["request_id"] == "r-1" and inside["trace_id"] == TRACE and goal_of(collected)["parent_span_id"] == SPAN
    assert asyncio.run(call_asgi(app, "/health/live"))[2] == b'{"status": "alive"}'


def test_asgi_requests_at_once_do_not_mix(collected):
    app = clew.asgi.Middleware(hello_asgi)

    async def all_at_once():
        await asyncio.gather(*(call_asgi(app, headers=[(b"x-request-id", b"r-%d" % n)]) for n in range(30)))
    asyncio.run(all_at_once())
    inside = [line["request_id"] for line in collected.lines if line["message"] == "inside"]
    assert sorted(inside) == sorted(f"r-{n}" for n in range(30))
    spans = {line["request_id"]: line["span_id"] for line in collected.of_event("goal.end")}
    assert all(spans[line["request_id"]] == line["span_id"] for line in collected.lines if line["message"] == "inside")


def test_asgi_failure(collected):
    async def broken(scope, receive, send):
        raise KeyError("order")
    with pytest.raises(KeyError):
        asyncio.run(call_asgi(clew.asgi.Middleware(broken)))
    assert goal_of(collected)["reason"] == "KeyError: 'order'"


# --- frameworks

def test_flask(collected):
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")
    registry = metric.Registry()
    clew.flask.init_app(app, metrics=registry, health=healths.Health())

    @app.route("/orders/<int:order_id>")
    def order(order_id):
        app.logger.warning("looking for %d", order_id)
        if order_id == 0:
            raise LookupError("no such order")
        return {"id": order_id}
    client = app.test_client()
    given = client.get("/orders/17", headers={"X-Request-ID": "r-1"})
    made = client.get("/orders/0")
    assert given.headers["X-Request-ID"] == "r-1" and given.json == {"id": 17}
    assert made.data and made.status_code == 500 and made.headers["X-Request-ID"] not in ("", "r-1")
    ok, failed = collected.of_event("goal.end")
    assert ok["name"] == failed["name"] == "GET /orders/<int:order_id>" and ok["outcome"] == "ok"
    assert failed["reason"] == "LookupError: no such order"
    looking = [line for line in collected.lines if line["message"].startswith("looking")]
    assert [line["request_id"] for line in looking] == ["r-1", made.headers["X-Request-ID"]]
    assert client.get("/health/ready").json == {"status": "ready"}
    assert 'endpoint="/orders/<int:order_id>",status="500"} 1' in client.get("/metrics").text


@pytest.mark.parametrize("name", ["starlette", "fastapi"])
def test_starlette_and_fastapi(collected, name):
    framework = pytest.importorskip(name)
    testclient = pytest.importorskip("starlette.testclient")
    if name == "fastapi":
        app = framework.FastAPI()

        @app.get("/orders/{order_id}")
        async def order(order_id: int):
            logging.info("looking")
            if order_id == 0:
                raise LookupError("no such order")
            return {"id": order_id}
    else:
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        def order(request):
            logging.info("looking")
            if request.path_params["order_id"] == "0":
                raise LookupError("no such order")
            return JSONResponse({"id": 17})
        app = Starlette(routes=[Route("/orders/{order_id}", order)])
    getattr(clew, name).init_app(app)
    client = testclient.TestClient(app, raise_server_exceptions=False)
    given = client.get("/orders/17", headers={"X-Request-ID": "r-1"})
    failed = client.get("/orders/0")
    assert given.headers["X-Request-ID"] == "r-1" and given.json() == {"id": 17}
    assert failed.status_code == 500 and failed.headers["X-Request-ID"]
    first, second = collected.of_event("goal.end")
    assert first["name"].startswith("GET /orders/{") and second["reason"] == "LookupError: no such order"
    looking = [line for line in collected.lines if line["message"] == "looking"]  # also from a thread of the pool
    assert [line["request_id"] for line in looking] == ["r-1", failed.headers["X-Request-ID"]]


DJANGO = """
import asyncio, json, logging, sys
import django
from django.conf import settings
from django.http import JsonResponse
from django.urls import path
import clew
settings.configure(DEBUG=False, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=["clew.django.Middleware"], SECRET_KEY="x")
django.setup()
lines = []
class Collector(logging.Handler):
    def emit(self, record): lines.append(clew.fields_of(record))
logging.getLogger().addHandler(Collector())
logging.getLogger().setLevel(logging.INFO)
def order(request, order_id):
    logging.info("looking")
    if order_id == 0: raise LookupError("no such order")
    return JsonResponse({"id": order_id})
urlpatterns = [path("orders/<int:order_id>", order)]
from django.test import AsyncClient, Client
if sys.argv[1] == "sync":
    client = Client(raise_request_exception=False)
    given, failed = client.get("/orders/17", HTTP_X_REQUEST_ID="r-1"), client.get("/orders/0")
else:
    client = AsyncClient(raise_request_exception=False)
    async def both(): return await client.get("/orders/17", **{"X-Request-ID": "r-1"}), await client.get("/orders/0")
    given, failed = asyncio.run(both())
print(json.dumps([given.status_code, given["X-Request-ID"], failed.status_code, failed["X-Request-ID"],
    [line["request_id"] for line in lines if line["message"] == "looking"],
    [(line["name"], line.get("reason")) for line in lines if line.get("event") == "goal.end"]]))
"""


@pytest.mark.parametrize("way", ["sync", "async"])
def test_django(tmp_path, way):
    pytest.importorskip("django")
    (tmp_path / "site_of_test.py").write_text(DJANGO)
    done = subprocess.run([sys.executable, str(tmp_path / "site_of_test.py"), way], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": PACKAGE_ROOT})
    assert done.returncode == 0, done.stderr
    ok, ok_id, failed, failed_id, looking, ends = json.loads(done.stdout.splitlines()[-1])
    assert (ok, ok_id, failed) == (200, "r-1", 500) and looking == ["r-1", failed_id]
    assert ends == [["GET /orders/<int:order_id>", None],
                    ["GET /orders/<int:order_id>", "LookupError: no such order"]]


def test_gunicorn_with_preload(server, tmp_path):
    pytest.importorskip("gunicorn")
    (tmp_path / "shop.py").write_text("""
import logging, os, clew
logging.getLogger().setLevel(logging.INFO)
logging.getLogger().addHandler(clew.Handler(os.environ["URL"], service="shop", spill=os.environ["SPILL"]))
logging.info("loaded")  # starts the sending thread before the workers are forked
def hello(environ, start_response):
    logging.info("served")
    start_response("200 OK", [])
    return [b"hello"]
app = clew.wsgi.Middleware(hello)
""")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    process = subprocess.Popen([sys.executable, "-m", "gunicorn", "--preload", "-w", "3", "-b", f"fd://{listener.fileno()}",
                                "--chdir", str(tmp_path), "shop:app"], pass_fds=[listener.fileno()], stderr=subprocess.PIPE,
                               env={**os.environ, "PYTHONPATH": PACKAGE_ROOT, "URL": server.url, "SPILL": str(tmp_path / "s")})
    try:
        url = "http://127.0.0.1:%d/" % listener.getsockname()[1]
        for _ in range(60):
            assert urllib.request.urlopen(url, timeout=30).read() == b"hello"
    finally:
        process.terminate()
        errors = process.communicate(timeout=30)[1]
        listener.close()
    counts = {row["message"]: row["n"] for row in server.rows("source=logs | stats count() as n by message")}
    assert (counts.get("loaded"), counts.get("served")) == (1, 60), (counts, errors[-2000:])


# --- outgoing

class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def echo_url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d/" % server.server_address[1]
    server.shutdown()
    server.server_close()


def has_ids(headers, goal):
    return headers.get("traceparent") == f"00-{goal.trace_id}-{goal.span_id}-01" and headers.get("x-request-id") == "r-1"


def test_requests(echo_url):
    requests = pytest.importorskip("requests")
    with clew.goal("ask") as goal:
        clew.set_request_id("r-1")
        assert has_ids(clew.requests.attach(requests.Session()).get(echo_url).json(), goal)
        assert "traceparent" not in requests.get(echo_url).json()
        clew.requests.instrument()
        clew.requests.instrument()
        try:
            assert has_ids(requests.get(echo_url).json(), goal)
        finally:
            clew.requests.uninstrument()
        assert "traceparent" not in requests.get(echo_url).json()


def test_urllib3(echo_url):
    urllib3 = pytest.importorskip("urllib3")
    pool = urllib3.PoolManager()
    with clew.goal("ask") as goal:
        clew.set_request_id("r-1")
        assert has_ids(json.loads(pool.request("GET", echo_url, headers=clew.headers()).data), goal)
        clew.urllib3.instrument()
        try:
            sent = json.loads(pool.request("GET", echo_url, headers={"a": "b"}).data)
            assert has_ids(sent, goal) and sent["a"] == "b"
            assert has_ids(json.loads(pool.request("GET", echo_url).data), goal)
        finally:
            clew.urllib3.uninstrument()
        assert "traceparent" not in json.loads(pool.request("GET", echo_url).data)


def test_httpx(echo_url):
    httpx = pytest.importorskip("httpx")

    async def ask():
        async with clew.httpx.attach(httpx.AsyncClient()) as client:
            return (await client.get(echo_url)).json()

    async def ask_instrumented():
        async with httpx.AsyncClient() as client:
            return (await client.get(echo_url)).json()
    with clew.goal("ask") as goal:
        clew.set_request_id("r-1")
        assert has_ids(clew.httpx.attach(httpx.Client()).get(echo_url).json(), goal)
        assert has_ids(asyncio.run(ask()), goal)
        clew.httpx.instrument()
        try:
            assert has_ids(httpx.get(echo_url).json(), goal) and has_ids(asyncio.run(ask_instrumented()), goal)
        finally:
            clew.httpx.uninstrument()
        assert "traceparent" not in httpx.get(echo_url).json()


def test_aiohttp(echo_url):
    aiohttp = pytest.importorskip("aiohttp")

    async def ask(**options):
        async with aiohttp.ClientSession(**options) as session:
            async with session.get(echo_url) as reply:
                return await reply.json(content_type=None)
    with clew.goal("ask") as goal:
        clew.set_request_id("r-1")
        assert has_ids(asyncio.run(ask(trace_configs=[clew.aiohttp.trace_config()])), goal)
        clew.aiohttp.instrument()
        try:
            assert has_ids(asyncio.run(ask()), goal)
        finally:
            clew.aiohttp.uninstrument()
        assert "traceparent" not in asyncio.run(ask())


def test_lines_of_libraries_arrive(collected, echo_url):
    requests = pytest.importorskip("requests")
    with clew.goal("ask") as goal:
        requests.get(echo_url)
    (line,) = [line for line in collected.lines if line["name"] == "urllib3.connectionpool" and "HTTP/1.1" in line["message"]]
    assert line["span_id"] == goal.span_id


# --- two services in a chain

def test_two_flask_services_keep_the_id(collected):
    flask = pytest.importorskip("flask")
    requests = pytest.importorskip("requests")
    from werkzeug.serving import make_server
    back, front = flask.Flask("back"), flask.Flask("front")
    for app in (back, front):
        clew.flask.init_app(app)
    servers = []

    def start(app):
        server = make_server("127.0.0.1", 0, app, threaded=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"
    back.add_url_rule("/price", view_func=lambda: (logging.info("priced"), "12")[1])
    back_url = start(back)
    session = clew.requests.attach(requests.Session())
    front.add_url_rule("/order", view_func=lambda: session.get(back_url + "/price").text)
    front_url = start(front)
    try:
        reply = requests.get(front_url + "/order", headers={"X-Request-ID": "r-7"})
    finally:
        for server in servers:
            server.shutdown()
    deadline = time.monotonic() + 10
    while len(collected.of_event("goal.end")) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert reply.text == "12" and reply.headers["X-Request-ID"] == "r-7"
    ends = {line["name"]: line for line in collected.of_event("goal.end")}
    assert ends["GET /price"]["parent_span_id"] == ends["GET /order"]["span_id"]
    assert ends["GET /price"]["trace_id"] == ends["GET /order"]["trace_id"]
    assert [line["request_id"] for line in collected.lines if line["message"] == "priced"] == ["r-7"]


# Serves one request, asks the next service inside of it, and ends. argv: name, listening socket, URL of the next or "".
LINK = """
import logging, os, socket, sys, urllib.request, wsgiref.simple_server
import clew
from clew import propagate
name, listener, next_url = sys.argv[1], int(sys.argv[2]), sys.argv[3]
root = logging.getLogger()
root.setLevel(logging.INFO)
root.addHandler(clew.Handler(os.environ["URL"], service=name, spill="", quiet=True))

def app(environ, start_response):
    logging.info("in %s", name)
    if next_url:
        urllib.request.urlopen(urllib.request.Request(next_url, headers=propagate.headers()), timeout=30).read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]

class Server(wsgiref.simple_server.WSGIServer):
    def server_bind(self):
        self.socket = socket.socket(fileno=listener)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address
        self.setup_environ()

server = Server(("127.0.0.1", 0), wsgiref.simple_server.WSGIRequestHandler, bind_and_activate=False)
server.server_bind()
server.set_app(clew.wsgi.Middleware(app))
server.handle_request()
"""


def test_a_request_stays_one_through_services_that_speak_different_headers(server, tmp_path):
    """W3C into the first, B3 in one header to the second, in several to the third, W3C to the last: one tree in the server."""
    names = ["edge", "shop", "pay", "mail"]
    speak = ["b3", "b3multi", "tracecontext", "tracecontext"]
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    urls = [f"http://127.0.0.1:{one.getsockname()[1]}/step" for one in sockets] + [""]
    processes = [
        subprocess.Popen([sys.executable, "-c", LINK, name, str(one.fileno()), after], pass_fds=[one.fileno()],
                         stderr=subprocess.PIPE, text=True,
                         env={**os.environ, "PYTHONPATH": PACKAGE_ROOT, "URL": server.url, "OTEL_PROPAGATORS": way})
        for name, way, one, after in zip(names, speak, sockets, urls[1:])]
    try:
        asked = urllib.request.Request(urls[0], headers={"traceparent": TRACEPARENT, "X-Request-ID": "r-chain-1"})
        reply = urllib.request.urlopen(asked, timeout=30)
        assert reply.read() == b"ok" and reply.headers["X-Request-ID"] == "r-chain-1"
        for process in processes:
            assert process.wait(30) == 0, process.communicate()[1]
    finally:
        for process, one in zip(processes, sockets):
            process.kill()
            process.communicate()
            one.close()
    for reference in (TRACE, "r-chain-1", "in mail"):
        trace = server.post("/clew/v1/goals", {"of": reference}).json()
        assert trace["trace_id"] == TRACE
        steps = [step for step in trace["steps"] if "missing" not in step.get("problems", [])]
        base = steps[0]["depth"]  # the caller of the first is known by its id alone
        assert [(step["depth"] - base, step["service"]) for step in steps] == list(enumerate(names))
        assert [[line["message"] for line in step["lines"]] for step in steps] == [["in " + name] for name in names]
    assert server.rows("source=logs request_id=r-chain-1 message='in mail' | fields trace_id") == [{"trace_id": TRACE}]
