"""The OpenAPI document is what the server does: the same routes, and answers of the shapes it says."""
import re
import urllib.parse

import pytest

KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


class Schemas:
    """As much of JSON Schema as the document uses."""

    def __init__(self, document):
        self.known = document["components"]["schemas"]

    def problems(self, schema, value, at="$"):
        if "$ref" in schema:
            return self.problems(self.known[schema["$ref"].rsplit("/", 1)[1]], value, at)
        if "oneOf" in schema:
            tries = [self.problems(one, value, at) for one in schema["oneOf"]]
            return [] if sum(not found for found in tries) == 1 else [f"{at}: not exactly one of the forms: {value}"]
        if "enum" in schema:
            return [] if value in schema["enum"] else [f"{at}: {value!r} is none of {schema['enum']}"]
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(self.is_kind(kind, value) for kind in kinds):
            return [f"{at}: {value!r} is no {kinds}"]
        out = []
        if isinstance(value, dict) and "properties" in schema:
            out += [f"{at}: no {name}" for name in schema.get("required", []) if name not in value]
            for name, member in value.items():
                if name in schema["properties"]:
                    out += self.problems(schema["properties"][name], member, f"{at}.{name}")
                elif schema.get("additionalProperties") is False:
                    out.append(f"{at}: {name} is not in the document")
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                out += self.problems(schema["items"], item, f"{at}[{i}]")
        return out

    @staticmethod
    def is_kind(kind, value):
        if kind == "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        if kind == "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        return isinstance(value, KINDS[kind])


@pytest.fixture
def filled(server):
    server.import_ndjson([{"@timestamp": f"2026-11-20T10:00:{n % 60:02}Z", "n": n, "ms": n * 1.5, "service": "cart",
                           "level": "error" if n % 3 == 0 else "info", "host": "h",
                           "message": f"took {n} ms", **({"exception": f"ValueError: bad {n}"} if n % 6 == 0 else {})}
                          for n in range(300)])
    server.import_ndjson([{"trace_id": "t1", "span_id": "s1", "name": "GET /", "service": "a", "duration_ms": 5,
                           "start": "2026-11-20T10:00:00Z", "end": "2026-11-20T10:00:00.005Z"}], dataset="traces")
    server.post("/clew/v1/flush")
    return server


def test_the_routes_are_the_documents(server):
    document = server.get("/clew/v1/openapi.json").json()
    there = {route.replace("*}", "}") for route in document["x-clew-routes"] if route.split(" ")[1].startswith("/clew/v1/")}
    written = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert there == written
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), path


def calls(server):
    """One real request for every path."""
    query = {"query": "source=logs level=error", "since": "52w"}
    began = server.post("/clew/v1/queries", {"query": "source=logs | stats count() by level"}).json()["id"]
    while server.get(f"/clew/v1/queries/{began}/result").status == 409:
        pass
    yield "post", "/clew/v1/search", "", {**query, "limit": 3}
    yield "post", "/clew/v1/search", "", {"query": "source=logs | stats count() by level"}
    yield "post", "/clew/v1/check", "", {"query": "level=error"}
    yield "post", "/clew/v1/parse", "", {"query": "source=logs level=", "cursor": 18}
    yield "post", "/clew/v1/parse", "", {"query": "| stats ("}
    yield "post", "/clew/v1/explain", "", {"query": "level=error", "analyze": True}
    yield "post", "/clew/v1/fields", "", query
    yield "post", "/clew/v1/facets", "", {**query, "fields": ["level", "ms", "nope"], "top": 2}
    yield "post", "/clew/v1/histogram", "", {**query, "series": 1, "by": "n"}
    yield "post", "/clew/v1/patterns", "", {"query": "source=logs"}
    yield "post", "/clew/v1/errors", "", {"query": "source=logs"}
    yield "get", "/clew/v1/patterns", "", None
    yield "get", "/clew/v1/errors", "", None
    yield "get", "/clew/v1/datasets", "", None
    yield "get", "/clew/v1/datasets/{NAME}/fields", "logs", None
    yield "get", "/clew/v1/queries", "", None
    yield "post", "/clew/v1/queries", "", {"query": "source=logs | head 1"}
    yield "get", "/clew/v1/queries/{ID}", str(began), None
    yield "get", "/clew/v1/queries/{ID}/result", str(began), None
    yield "put", "/clew/v1/subscriptions/{NAME}", "pager", {"query": "level=error", "start": "oldest"}
    yield "get", "/clew/v1/subscriptions", "", None
    yield "get", "/clew/v1/subscriptions/{NAME}", "pager", None
    yield "get", "/clew/v1/subscriptions/{NAME}/events", "pager", None
    yield "post", "/clew/v1/subscriptions/{NAME}/events", "pager", {"limit": 3, "wait_ms": 10}
    yield "post", "/clew/v1/subscriptions/{NAME}/ack", "pager", {"up_to": 3}
    yield "delete", "/clew/v1/subscriptions/{NAME}", "pager", None
    for what in ("traces", "goals"):
        yield "get", f"/clew/v1/{what}/{{ID}}", "t1", None
        yield "post", f"/clew/v1/{what}", "", {"of": "t1"}
        yield "get", f"/clew/v1/{what}", "", None
    yield "get", "/clew/v1/services", "", None
    yield "get", "/clew/v1/services/{NAME}/operations", "a", None
    yield "get", "/clew/v1/dependencies", "", None
    server.post("/api/v2/alerts", [{"labels": {"alertname": "High"}}])
    yield "get", "/clew/v1/alerts/groups", "", None
    yield "post", "/clew/v1/alerts/ack", "", {"group": "{}:{}", "by": "ann"}
    yield "get", "/clew/v1/alerts/groups", "", None
    yield "get", "/clew/v1/alerts/deliveries", "", None
    yield "get", "/clew/v1/alerts/receivers", "", None
    yield "post", "/clew/v1/alerts/receivers/{NAME}/test", "nobody", None
    yield "get", "/clew/v1/retention", "", None
    yield "put", "/clew/v1/retention/{NAME}", "logs", {"total_days": 300}
    yield "post", "/clew/v1/retention/apply", "", {"dry_run": True}
    yield "post", "/clew/v1/delete", "", {"dataset": "logs", "query": "n=5", "dry_run": True}
    yield "post", "/clew/v1/flush", "", {}
    page = server.post("/clew/v1/search", {"query": "source=logs", "limit": 2, "ids": True, "cursor": ""}).lines()
    name = page[1]["row"]["_id"]
    yield "post", "/clew/v1/search", "", {"query": "source=logs", "limit": 2, "ids": True}
    yield "get", "/clew/v1/events/{ID}", name, None
    yield "get", f"/clew/v1/context?of={name}", "", None
    yield "post", "/clew/v1/context", "", {"of": name, "by": ["service", "level"], "before": 2, "after": 2}
    yield "get", "/clew/v1/export?query=source%3Dlogs", "", None
    yield "post", "/clew/v1/export", "", {"query": "source=logs", "marks": True, "order": "newest"}
    yield "get", "/clew/v1/usage?by=dataset,service,day", "", None
    yield "get", "/clew/v1/top?ask=3+by+level", "", None
    yield "post", "/clew/v1/top", "", {"ask": "3 sum(n) by level, service where n > 5", "since": "52w"}
    yield "get", "/clew/v1/top/lists", "", None
    yield "get", "/clew/v1/usage?by=field", "", None
    yield "post", "/clew/v1/ledger", "", {"producer": "p", "host": "h", "appended": 7, "waiting": 2, "acknowledged": 5,
                                          "sources": {"app": {"read": 9, "queued": 7, "dropped": {"debug": 2}}}}
    yield "get", "/clew/v1/ledger", "", None
    yield "get", "/clew/v1/openapi.json", "", None


def test_answers_have_the_shape_of_the_document(filled):
    document = filled.get("/clew/v1/openapi.json").json()
    schemas = Schemas(document)
    seen = set()
    for method, asked, name, body in calls(filled):
        path = asked.split("?")[0]
        operation = document["paths"][path][method]
        if body is not None and "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert schemas.problems(schema, body) == [], (path, body)
        real = re.sub(r"{\w+}", urllib.parse.quote(name), asked)
        reply = filled.request(method.upper(), real, body)
        assert str(reply.status) in operation["responses"], (path, reply.text)
        content = operation["responses"][str(reply.status)]["content"]
        assert reply.headers["Content-Type"].split(";")[0] in content, path
        schema = next(iter(content.values()))["schema"]
        values = reply.lines() if "x-ndjson" in reply.headers["Content-Type"] else [reply.json()]
        assert values
        for value in values:
            assert schemas.problems(schema, value) == [], (method, path)
        seen.add((method, path))
    # A snapshot writes where the test says; cancelling, tails, which have no end, and batches, which are
    # no JSON, have tests of their own.
    left = {("post", "/clew/v1/snapshot"), ("get", "/clew/v1/tail"), ("post", "/clew/v1/tail"), ("post", "/clew/v1/batches"), ("get", "/clew/v1/sync"), ("post", "/clew/v1/sync"), ("delete", "/clew/v1/queries/{ID}"), ("get", "/clew/v1/traces/compare"),
            ("get", "/clew/v1/traces/typical"), ("get", "/clew/v1/top/lists/{NAME}")}
    assert {(m, p) for p, methods in document["paths"].items() for m in methods} - seen == left


def test_mistakes_have_the_shape_of_the_document(filled):
    document = filled.get("/clew/v1/openapi.json").json()
    schemas = Schemas(document)
    for path, methods in document["paths"].items():
        if "post" in methods and "requestBody" in methods["post"]:
            for body in ({"qurey": 1}, "{"):
                reply = filled.post(path.replace("{NAME}", "logs").replace("{ID}", "1"), body)
                assert reply.status == 400, (path, body, reply.text)
                assert schemas.problems(schemas.known["Error"], reply.json()) == [], path
    for path in ("/clew/v1/queries/999999", "/clew/v1/queries/999999/result", "/clew/v1/nothing"):
        assert schemas.problems(schemas.known["Error"], filled.get(path).json()) == []


def test_only_post_flushes(server):
    assert server.get("/clew/v1/flush").status == 405
