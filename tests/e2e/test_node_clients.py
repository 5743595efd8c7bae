"""Real Node.js clients write to clew unchanged: Elasticsearch's and OpenSearch's bulk helpers, pino and winston."""
import json


def one(server, query):
    return server.ppl(query)["datarows"][0]


def test_elasticsearch_client_bulk_helper(server, node):
    statistics = json.loads(node("es_bulk.mjs", server.url, "js-logs", 10_000))
    assert statistics["successful"] == 10_000
    assert statistics["failed"] == 0 and statistics["dropped"] == 0
    assert statistics["tagline"] == "You Know, for Search"
    assert statistics["single"] == "created"
    assert statistics["count"] == 10_001
    assert one(server, "source=js-logs | stats count() as n, sum(n) as s, max(n) as m") == [10_001, 10_000 * 9_999 // 2 - 1, 9_999]
    assert one(server, "source=js-logs level=error | stats count()") == [1_000]
    assert one(server, "source=js-logs \"document number 77 from\" | stats count()") == [1]
    assert one(server, "source=js-logs | where _id = 'one' | fields message") == ["a single document"]


def test_opensearch_client_bulk_helper(server, node):
    statistics = json.loads(node("opensearch_bulk.mjs", server.url, "os-logs", 2_000))
    assert statistics["successful"] == 2_000 and statistics["failed"] == 0
    assert one(server, "source=os-logs | stats count(), max(n)") == [2_000, 1_999]


def test_pino_lines(server, node):
    server.cli("import", "-", "--dataset", "pino", stdin=node("pino_lines.mjs", 50))
    assert one(server, "source=pino | stats count(), sum(n)") == [50, 50 * 49 // 2]
    assert one(server, "source=pino level>=error | stats count()") == [10]
    row = one(server, "source=pino n=4 | fields message, level, service.name, request_id, error.type, host.name")
    assert row[0] == "order failed"
    assert row[2] == "checkout"
    line = one(server, "source=pino n=4 | fields err.message")
    assert line == ["no stock for item 4"]


def test_winston_lines(server, node):
    server.cli("import", "-", "--dataset", "winston", stdin=node("winston_lines.mjs", 50))
    assert one(server, "source=winston | stats count()") == [50]
    assert one(server, "source=winston level=error | stats count()") == [10]
    assert one(server, "source=winston \"card 14 refused\" | fields message, service.name") == ["card 14 refused", "payment"]
