"""Clients that push metrics: StatsD, DogStatsD, Graphite, InfluxDB and Datadog, at a server and through an agent, to PromQL."""
import gzip
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
import zlib

import pytest

import foreign
from test_agent import make_agent, wait_for  # noqa: F401
from test_listeners import address, config, of_source, stored
from test_otlp_metrics import ask, document, nanos, send, value
from test_remote_write import series, write

PACKAGES = ("statsd", "datadog", "influxdb-client")
HOST = os.uname().nodename


@pytest.fixture(scope="session")
def python():
    return foreign.python_with("metrics", "statsd, datadog, influxdb_client", *PACKAGES)


def run(python, script, *args):
    done = subprocess.run([python, "-c", script, *map(str, args)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def listening(make_server, tmp_path, kind, more=""):
    return make_server("--config", config(tmp_path, f"sources:\n  net: {{type: {kind}, listen: '127.0.0.1:0', dataset: net{more}}}\n"))


def number(server, query):
    rows = ask(server, query)
    return rows[0][1] if rows else None


STATSD = """
import sys, statsd
client = statsd.StatsClient(sys.argv[1], int(sys.argv[2]), prefix='shop')
for n in range(100):
    client.incr('orders', 2)
    client.timing('checkout', 250 if n < 99 else 2000)
client.gauge('stock', 40); client.gauge('stock', -3, delta=True)
for user in ('a', 'b', 'a'):
    client.set('users', user)
with client.pipeline() as pipe:
    pipe.incr('orders', 1); pipe.decr('carts', 1)
"""


def test_statsd_client(make_server, tmp_path, python):
    server = listening(make_server, tmp_path, "statsd", ", flush: 1s")
    run(python, STATSD, *address(of_source(server)["udp"]))
    wait_for(lambda: number(server, "shop_orders") == 201, "the counter")
    labels = ask(server, "shop_orders")[0][0]
    assert labels == {"__name__": "shop_orders", "job": "net", "instance": HOST}
    assert value(server, "shop_carts") == -1
    assert value(server, "shop_stock") == 37
    assert value(server, "max_over_time(shop_users[1m])") == 2
    assert value(server, "shop_checkout_count") == 100
    assert value(server, "round(shop_checkout_sum, 0.001)") == 99 * 0.25 + 2
    assert value(server, "histogram_count(shop_checkout)") == 100
    assert value(server, "histogram_quantile(0.5, shop_checkout)") == pytest.approx(0.25, rel=0.023)
    assert value(server, "histogram_quantile(0.999, shop_checkout)") == pytest.approx(2, rel=0.023)
    assert value(server, "max_over_time(shop_checkout_max[1m])") == 2
    wait_for(lambda: (number(server, "increase(shop_orders[1m])") or 0) >= 201, "what came in the first interval counts")


DOGSTATSD = """
import sys
from datadog import initialize, statsd
initialize(statsd_host=sys.argv[1], statsd_port=int(sys.argv[2]), statsd_constant_tags=['env:prod'], statsd_disable_buffering=False)
for n in range(50):
    statsd.increment('page.views', 2, tags=['page:home'])
    statsd.distribution('render.time', n / 100)
    statsd.histogram('size', n)
statsd.gauge('load', 0.5)
statsd.set('visitors', 'ann'); statsd.set('visitors', 'bob')
statsd.event('deploy', 'version 7\\nis out', alert_type='warning', tags=['service:cart'], date_happened=1795171000)
statsd.service_check('db.up', statsd.CRITICAL, message='no answer', hostname='db1')
statsd.flush()
"""


def test_dogstatsd_client(make_server, tmp_path, python):
    server = listening(make_server, tmp_path, "statsd", ", flush: 1s, buckets: [0.1, 0.25, 1]")
    run(python, DOGSTATSD, *address(of_source(server)["udp"]))
    wait_for(lambda: number(server, 'page_views{page="home",env="prod"}') == 100, "the counter")
    wait_for(lambda: number(server, 'render_time_bucket{le="0.25"}') == 26, "the distribution, 0 to 0.25")
    assert value(server, "size_count") == 50 and value(server, "size_sum") == 49 * 25
    assert value(server, "load") == 0.5
    stored(server, 2)
    event = server.rows("source=net | where `event.kind` = 'event' | fields `event.title`, message, level, `tags.service`, `tags.env`, `@timestamp`")[0]
    assert event["@timestamp"].startswith("2026-11-20 10:36:40")
    assert (event["event.title"], event["message"], event["level"], event["tags.service"], event["tags.env"]) == \
        ("deploy", "version 7\nis out", "warn", "cart", "prod")
    check = server.rows("source=net | where `event.kind` = 'service_check' | fields `check.name`, `check.status`, message, `host.name`")[0]
    assert (check["check.name"], check["check.status"], check["message"], check["host.name"]) == ("db.up", "critical", "no answer", "db1")


def test_statsd_refusals_are_counted(make_server, tmp_path):
    server = listening(make_server, tmp_path, "statsd", ", flush: 1s, series: 2")
    with socket.create_connection(address(of_source(server)["tcp"])) as connection:
        connection.sendall(b"a:1|c\na:1|g\nnothing\nb:1|q\nb:1|c\nc:1|c\n")
    for reason in ("exists", "invalid", "unsupported", "too_large"):
        wait_for(lambda r=reason: server.metric("clew_events_rejected_total", source="net", reason=r) == 1, reason)


def test_statsd_over_a_unix_socket(make_server, tmp_path):
    path = str(tmp_path / "statsd.sock")
    server = make_server("--config", config(tmp_path, f"sources:\n  net: {{type: statsd, listen: '{path}', protocol: unix, flush: 1s}}\n"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(path)
        client.send(b"jobs:3|c|#queue:a\njobs:4|c|#queue:a\n")
    wait_for(lambda: number(server, 'jobs{queue="a"}') == 7, "the counter")


def test_graphite(make_server, tmp_path):
    server = listening(make_server, tmp_path, "graphite", ", mappings: ['servers.*.cpu.* => cpu_usage{host=\"$1\", core=\"$2\"}']")
    now = int(time.time())
    with socket.create_connection(address(of_source(server)["tcp"])) as connection:
        for second in range(10):
            connection.sendall(f"servers.web1.cpu.0 0.{second} {now - 10 + second}\ndisk.free;mount=/;host=web1 {second} {now - 10 + second}\n".encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"queue.length 7\nbroken line here x\n", address(of_source(server)["udp"]))
    wait_for(lambda: number(server, 'count_over_time(disk_free{mount="/"}[1m])') == 10, "all ten")
    assert ask(server, "cpu_usage")[0] == ({"__name__": "cpu_usage", "host": "web1", "core": "0", "job": "net", "instance": HOST}, 0.9)
    wait_for(lambda: number(server, "queue_length") == 7, "the datagram, without a time")
    assert server.metric("clew_events_rejected_total", source="net", reason="invalid") == 1


INFLUX = """
import sys
from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
with InfluxDBClient(url=sys.argv[1], token='t', org='o', enable_gzip=True) as client:
    assert client.ping(), 'no ping'
    writer = client.write_api(write_options=SYNCHRONOUS)
    now = int(sys.argv[2])
    points = [Point('weather').tag('city', 'Zu rich').field('temperature', 20.0 + n).field('sunny', True).field('note', 'text')
              .time(now - 10 + n, WritePrecision.S) for n in range(10)]
    writer.write(bucket='b1', record=points, write_precision=WritePrecision.S)
"""


def test_influxdb_client(server, python):
    now = int(time.time())
    run(python, INFLUX, server.url, now)
    assert ask(server, "weather_temperature") == [({"__name__": "weather_temperature", "city": "Zu rich", "db": "b1"}, 29)]
    assert value(server, "count_over_time(weather_temperature[1m])") == 10
    assert value(server, "weather_sunny") == 1
    assert ask(server, '{__name__=~"weather_note.*"}') == []
    assert "clew_influx_text_fields_total 10" in server.get("/metrics").text
    body = gzip.compress(f"cpu,host=a value=1 {now}\ncpu,host=b value=x {now}\n".encode())
    reply = server.post("/write?db=old&precision=s", body, headers={"Content-Encoding": "gzip"})
    assert reply.status == 400
    assert reply.json()["error"].startswith("partial write: line 2: column 18: expected a number, true, false or a quoted text, not")
    assert ask(server, "cpu") == [({"__name__": "cpu", "host": "a", "db": "old"}, 1)]
    assert server.post("/write?precision=years", b"a b=1").status == 400
    assert server.get("/ping").status == 204 and server.get("/health").json()["status"] == "pass"


def test_influx_over_sockets(make_server, tmp_path):
    server = listening(make_server, tmp_path, "influx")
    with socket.create_connection(address(of_source(server)["tcp"])) as connection:
        connection.sendall(b"disk,path=/ used=5i,free=7i\nlog message=\"x\"\n")
    wait_for(lambda: number(server, 'disk_free{path="/",job="net"}') == 7, "the field")
    wait_for(lambda: server.metric("clew_events_rejected_total", source="net", reason="text_field") == 1, "the text")


DATADOG = """
import sys
from datadog import initialize, api
initialize(api_key='k', app_key='a', api_host=sys.argv[1], mute=False)
now = int(sys.argv[2])
for n in range(3):
    answer = api.Metric.send(metric='page.views', points=[(now - 30 + n * 10, 5)], type='count', interval=10, host='web1', tags=['env:prod'])
    assert answer['status'] == 'ok', answer
api.Metric.send([{'metric': 'load', 'points': [(now, 0.5)], 'type': 'gauge'}, {'metric': 'rps', 'points': [(now, 3)], 'type': 'rate', 'interval': 10}])
api.ServiceCheck.check(check='app.ok', host_name='web1', status=1, message='slow', tags=['env:prod'])
"""


def test_datadogpy(server, python):
    now = int(time.time())
    run(python, DATADOG, server.url, now)
    assert ask(server, "page_views") == [({"__name__": "page_views", "host": "web1", "env": "prod"}, 15)]
    assert value(server, "increase(page_views[1m])") > 0
    assert value(server, "load") == 0.5 and value(server, "rps") == 3
    stored_check = server.rows("source=logs | where `check.name` = 'app.ok' | fields `check.status`, level, `tags.env`")[0]
    assert (stored_check["check.status"], stored_check["level"], stored_check["tags.env"]) == ("warning", "warn", "prod")
    assert server.get("/api/v1/validate").json() == {"valid": True}
    body = {"series": [{"metric": "two", "type": 3, "points": [{"timestamp": now, "value": 2}, {"timestamp": now}], "tags": ["a:b"]}]}
    reply = server.post("/api/v2/series", zlib.compress(json.dumps(body).encode()), headers={"Content-Encoding": "deflate", "Content-Type": "application/json"})
    assert reply.status == 202 and "point 2 of \"two\"" in reply.json()["errors"][0]
    assert value(server, 'two{a="b"}') == 2
    assert server.post("/api/v2/series", b"\xff", headers={"Content-Type": "application/x-protobuf"}).status == 400


def test_the_same_counter_by_every_way(make_server, tmp_path):
    """Remote write, OTLP, StatsD, Datadog and Influx: equal series, but for the labels that say who sent them."""
    server = listening(make_server, tmp_path, "statsd", ", flush: 1s, labels: {instance: '', job: statsd}")
    now = int(time.time())
    for step, total in enumerate((5, 10, 15)):
        at = now - 20 + step * 10
        assert write(server, series({"__name__": "hits_made_total", "job": "write"}, [(at * 1000, float(total))])).status == 204
        send(server, document([{"timeUnixNano": nanos(at), "startTimeUnixNano": nanos(now - 30), "asInt": str(total)}]))
        body = {"series": [{"metric": "hits_made_total", "type": 1, "interval": 10, "points": [{"timestamp": at, "value": 5}], "tags": ["job:datadog"]}]}
        assert server.post("/api/v2/series", json.dumps(body).encode(), headers={"Content-Type": "application/json"}).status == 202
        assert server.post("/write?precision=s", f"hits_made_total,job=influx value={total} {at}".encode()).status == 204
    with socket.create_connection(address(of_source(server)["tcp"])) as connection:
        connection.sendall(b"hits_made_total:5|c\n" * 3)
    wait_for(lambda: len(ask(server, "hits_made_total == 15")) == 5, "all five")
    jobs = {row["job"] for row, _ in ask(server, "sum by (job) (hits_made_total) == 15")}
    assert jobs == {"write", "hand", "datadog", "influx", "statsd"}


def test_samples_of_an_agent_survive_everything(make_server, make_agent, tmp_path):
    """The agent adds up, its server is away, it is killed itself: what it had written arrives, a few bytes for many packets."""
    server = make_server()
    server.listen = server.listening["http"]
    path = tmp_path / "agent.yaml"
    path.write_text(f"agent:\n  servers: {server.url}\nsources:\n  app: {{type: statsd, listen: '127.0.0.1:0', flush: 1s}}\n"
                    "  graphite: {type: graphite, listen: '127.0.0.1:0'}\n")
    agent = make_agent("--config", path)

    def packets(count, start=0):
        with socket.create_connection(address(agent.ready["sources"]["app"]["tcp"])) as connection:
            connection.sendall(b"".join(b"jobs.done:1|c\nwork:%d|ms\n" % (n % 100) for n in range(start, start + count)))

    packets(1000)
    wait_for(lambda: number(server, f'jobs_done{{job="app",instance="{HOST}"}}') == 1000, "the counter")
    assert value(server, "histogram_count(work)") == 1000
    server.kill()
    packets(500)
    with socket.create_connection(address(agent.ready["sources"]["graphite"]["tcp"])) as connection:
        connection.sendall(b"disk.free 5\n")
    wait_for(lambda: agent.metric('clew_listener_samples_total{source="graphite"}') == 1, "the sample is in the queue")
    waiting = agent.metric('clew_listener_samples_total{source="app"}')
    wait_for(lambda: agent.metric('clew_listener_samples_total{source="app"}') > waiting + 1, "a flush without a server")
    agent.end(signal.SIGKILL)
    server.start()
    agent.start()
    wait_for(lambda: number(server, "max_over_time(jobs_done[5m])") == 1500, "what waited over the kill")
    wait_for(lambda: number(server, "disk_free") == 5, "the other listener's")
    wait_for(lambda: agent.metric("clew_agent_measurements_waiting") == 0, "an empty queue")
    packets(10)
    agent.end()  # what it has added up goes before it ends
    assert value(server, "jobs_done") == 10, "a total that begins anew"
    assert value(server, "resets(jobs_done[5m])") == 1
