"""What Elasticsearch's clients ask and write."""
import json

from clew_server import gzipped

import pytest


def bulk(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_answers_as_a_product(server):
    reply = server.get("/")
    assert reply.headers["X-Elastic-Product"] == "Elasticsearch"
    assert reply.json()["tagline"] == "You Know, for Search"
    page = server.get("/", headers={"Accept": "text/html,application/xhtml+xml"})
    assert page.headers["Content-Type"].startswith("text/html")


def test_bulk_items_answer_one_by_one(server):
    body = bulk({"index": {"_index": "shop-2026.11.20"}}, {"a": 1}, {"create": {"_index": "shop", "_id": "x"}}, {"a": 2},
                {"create": {"_index": "shop", "_id": "x"}}, {"a": 3}, {"update": {"_index": "shop", "_id": "x"}},
                {"doc": {"a": 4}}, {"delete": {"_index": "shop", "_id": "x"}}, {"index": {"_index": "shop"}}, [1, 2])
    reply = server.post("/_bulk", body, headers={"Content-Type": "application/x-ndjson"})
    assert reply.status == 200
    answer = reply.json()
    assert answer["errors"] is True
    statuses = [next(iter(item.values()))["status"] for item in answer["items"]]
    assert statuses[0] == 201 and statuses[1] == 201
    assert statuses[2] == 409
    assert all(status == 400 for status in statuses[3:])
    assert [next(iter(item)) for item in answer["items"]] == ["index", "create", "create", "update", "delete", "index"]
    assert server.rows("source=shop | sort a | fields a") == [{"a": 1}, {"a": 2}]
    server.assert_counts_add_up()


def test_create_conflicts_with_an_earlier_request(server):
    for status in (201, 409):
        reply = server.request("PUT", "/shop/_create/7", {"a": 1})
        assert reply.status == status, reply.text
    assert server.count("shop") == 1
    server.assert_counts_add_up()


def test_index_in_the_path_and_encodings(server):
    import zstandard
    for i, (name, encode) in enumerate([("gzip", gzipped), ("zstd", lambda t: zstandard.compress(t.encode())),
                                        ("deflate", lambda t: __import__("zlib").compress(t.encode()))]):
        body = encode(bulk({"index": {}}, {"n": i}))
        reply = server.post("/enc/_bulk", body, headers={"Content-Encoding": name})
        assert reply.status == 200 and reply.json()["errors"] is False, (name, reply.text)
    assert server.rows("source=enc | sort n | fields n") == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_repeated_batch_key_is_stored_once(server):
    body = bulk({"index": {}}, {"n": 1}, {"index": {}}, {"n": 2})
    for _ in range(3):
        reply = server.post("/logs/_bulk", body, headers={"Clew-Batch": "agent-1:41"})
        assert reply.status == 200
    assert server.count() == 2
    assert server.metric("clew_events_duplicate_total") == 4
    server.assert_counts_add_up()
    # The key is known after a crash, too.
    server.kill()
    server.start()
    server.post("/logs/_bulk", body, headers={"Clew-Batch": "agent-1:41"})
    assert server.count() == 2
    assert server.post("/logs/_bulk", body, headers={"Clew-Batch": "no key"}).status == 400


def test_malformed_bulk_is_refused_whole(server):
    reply = server.post("/_bulk", '{"nonsense":1}\n{"a":1}\n')
    assert reply.status == 400
    error = reply.json()
    assert error["status"] == 400 and error["error"]["type"] and error["error"]["root_cause"]
    server.assert_counts_add_up()


@pytest.mark.parametrize("path", ["/_cluster/health", "/_license", "/_xpack", "/_nodes/http", "/_cat/indices?format=json",
                                  "/_alias", "/_data_stream", "/_ilm/policy", "/_index_template"])
def test_what_clients_ask_before_they_write(server, path):
    reply = server.get(path)
    assert reply.status == 200, reply.text
    assert reply.headers["X-Elastic-Product"] == "Elasticsearch"
    reply.json()


def test_templates_are_found_again(server):
    assert server.get("/_index_template/beat").status == 404
    assert server.request("PUT", "/_index_template/beat", {"index_patterns": ["beat-*"]}).json() == {"acknowledged": True}
    assert server.get("/_index_template/beat").json()["index_templates"][0]["name"] == "beat"
    assert server.request("HEAD", "/_index_template/beat").status == 200
    assert server.request("DELETE", "/_index_template/beat").status == 200
    assert server.get("/_index_template/beat").status == 404


def test_index_life(server):
    assert server.request("HEAD", "/shop").status == 404
    mappings = {"mappings": {"properties": {"price": {"type": "double"}, "user": {"properties": {"id": {"type": "long"}}}}}}
    assert server.request("PUT", "/shop", mappings).json()["acknowledged"] is True
    server.post("/shop/_doc", {"price": "12.5"})
    assert server.request("HEAD", "/shop").status == 200
    assert server.get("/shop/_count").json()["count"] == 1
    assert server.post("/shop/_refresh").status == 200
    assert server.request("DELETE", "/shop").json() == {"acknowledged": True}
    assert server.request("HEAD", "/shop").status == 404
