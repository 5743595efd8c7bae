"""Collectors of others over HTTP: Splunk's HTTP Event Collector, Datadog's logs intake, CloudWatch's subscriptions."""
import base64
import gzip
import json

import foreign
from test_listener_clients import PACKAGES, run
from test_listeners import stored


def test_splunk_events_get_their_fields(server):
    events = [{"time": 1796032800.125, "host": "web1", "source": "/var/log/app.log", "sourcetype": "app", "index": "shop",
               "event": {"message": "paid", "order": {"id": 7}}, "fields": {"region": "eu"}},
              {"time": "1796032801", "event": "a line of text", "index": "shop"}]
    reply = server.post("/services/collector/event?sourcetype=fallback", "".join(map(json.dumps, events)))
    assert (reply.status, reply.json()) == (200, {"text": "Success", "code": 0})
    rows = server.rows("source=shop | sort `@timestamp` | fields `@timestamp`, message, host.name, splunk.source, splunk.sourcetype, order.id, region")
    assert rows == [{"@timestamp": "2026-11-30 10:00:00.125", "message": "paid", "host.name": "web1", "splunk.source": "/var/log/app.log",
                     "splunk.sourcetype": "app", "order.id": 7, "region": "eu"},
                    {"@timestamp": "2026-11-30 10:00:01", "message": "a line of text", "host.name": None, "splunk.source": None,
                     "splunk.sourcetype": "fallback", "order.id": None, "region": None}]


def test_splunk_answers_as_its_clients_expect(server):
    assert server.get("/services/collector/health").json() == {"text": "HEC is healthy", "code": 17}
    assert server.post("/services/collector", "").json()["code"] == 5
    bad = server.post("/services/collector", json.dumps({"event": "good"}) + json.dumps({"host": "none"}) + "{")
    assert bad.status == 400 and bad.json() == {"text": "Event field is required", "code": 12, "invalid-event-number": 1}
    assert server.count() == 1, "the good one is kept"
    assert server.post("/services/collector", "rubbish").json()["code"] == 6
    assert server.post("/services/collector", json.dumps({"event": "x", "index": "no/such"})).json()["code"] == 7
    asked = server.post("/services/collector", json.dumps({"event": "x"}), headers={"X-Splunk-Request-Channel": "c"}).json()
    acks = server.post("/services/collector/ack?channel=c", {"acks": [asked["ackId"], asked["ackId"] + 5]}).json()["acks"]
    assert acks == {str(asked["ackId"]): True, str(asked["ackId"] + 5): False}
    assert server.post("/services/collector/ack", {"acks": [1]}).json()["code"] == 10
    server.assert_counts_add_up()


def test_splunk_raw_lines(server):
    reply = server.post("/services/collector/raw?host=web1&sourcetype=log&index=raw&channel=c",
                        "2026-11-30T10:00:00Z ERROR first\n2026-11-30T10:00:01Z INFO second\n")
    assert reply.status == 200 and "ackId" in reply.json()
    rows = server.rows("source=raw | sort `@timestamp` | fields message, level, host.name, splunk.sourcetype")
    assert [row["message"] for row in rows] == ["first", "second"] and rows[0]["level"] == "ERROR"
    assert rows[1]["host.name"] == "web1" and rows[1]["splunk.sourcetype"] == "log"


def test_splunk_handler(server):
    python = foreign.python_with("listeners", "pygelf, rfc5424logging, pylogbeat, splunk_handler", *PACKAGES)
    host, port = server.listening["http"].rsplit(":", 1)
    run(python, """
import logging, sys
from splunk_handler import SplunkHandler
handler = SplunkHandler(host=sys.argv[1], port=int(sys.argv[2]), token='any', index='shop', protocol='http', source='app', flush_interval=0.2)
log = logging.getLogger('shop')
log.addHandler(handler)
for n in range(200):
    log.error('order %d', n)
logging.shutdown()
""", host, port)
    stored(server, 200, "shop")


def test_splunk_needs_the_ingest_key(make_server, tmp_path):
    path = tmp_path / "clew.yaml"
    path.write_text("auth: {ingest_key: geheim-aber-lang-genug}\n")
    server = make_server("--config", str(path))
    event = json.dumps({"event": "x"})
    assert server.post("/services/collector", event).status == 401
    assert server.post("/services/collector", event, headers={"Authorization": "Splunk geheim-aber-lang-genug"}).status == 200


def test_datadog_logs(server):
    logs = [{"message": "paid", "ddsource": "python", "ddtags": "env:prod,team:pay,canary", "hostname": "web1", "service": "shop", "status": "error"},
            {"message": {"order": 7, "message": "inside"}, "timestamp": 1796032800125}, "no object"]
    reply = server.post("/api/v2/logs", gzip.compress(json.dumps(logs).encode()), headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    assert reply.status == 202, reply.text
    rows = server.rows("source=logs | fields message, host.name, service.name, level, datadog.source, tags.env, tags.canary, order")
    first = next(row for row in rows if row["message"] == "paid")
    assert first == {"message": "paid", "host.name": "web1", "service.name": "shop", "level": "error", "datadog.source": "python",
                     "tags.env": "prod", "tags.canary": True, "order": None}
    assert next(row for row in rows if row["message"] == "inside")["order"] == 7
    assert server.metric("clew_events_rejected_total", source="datadog_logs") == 1
    assert server.post("/v1/input", {"message": "one"}).status == 202
    assert server.post("/api/v2/logs", "no json").status == 400
    server.assert_counts_add_up()


def cloudwatch(*messages):
    return {"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/shop", "logStream": "2026/11/30/[$LATEST]a",
            "subscriptionFilters": ["all"],
            "logEvents": [{"id": str(n), "timestamp": 1796032800125 + n, "message": message} for n, message in enumerate(messages)]}


def test_cloudwatch_by_firehose_and_directly(server):
    data = [base64.b64encode(gzip.compress(json.dumps(m).encode())).decode()
            for m in (cloudwatch("one", "two"), {"messageType": "CONTROL_MESSAGE", "logEvents": []}, cloudwatch("three"))]
    reply = server.post("/aws/firehose?dataset=aws", {"requestId": "r-1", "timestamp": 1, "records": [{"data": d} for d in data]})
    assert reply.status == 200 and reply.json()["requestId"] == "r-1" and reply.json()["timestamp"] > 1796000000000
    assert server.post("/aws/cloudwatch?dataset=aws", gzip.compress(json.dumps(cloudwatch("four")).encode())).status == 202
    assert server.post("/aws/cloudwatch?dataset=aws", cloudwatch("five")).status == 202
    rows = server.rows("source=aws | stats count() as n by aws.log.group, aws.log.stream, aws.owner")
    assert rows == [{"n": 5, "aws.log.group": "/aws/lambda/shop", "aws.log.stream": "2026/11/30/[$LATEST]a", "aws.owner": "123456789012"}]
    assert server.rows("source=aws | where message = 'two' | fields `@timestamp`")[0]["@timestamp"] == "2026-11-30 10:00:00.126"
    bad = server.post("/aws/firehose", {"requestId": "r-2", "records": [{"data": "!!"}]}, headers={"X-Amz-Firehose-Request-Id": "r-2"})
    assert bad.status == 400 and bad.json()["requestId"] == "r-2" and "base64" in bad.json()["errorMessage"]
    assert server.post("/aws/firehose", {"requestId": "r-3", "records": [{"data": base64.b64encode(b"\x1f\x8bxx").decode()}]}).status == 400
    assert server.post("/aws/cloudwatch", "[]").status == 400
    server.assert_counts_add_up()
