"""Conformance cases that lie beside the project, as far as they are about taking logs in."""
import glob
import json
import os
import re

import pytest

import clew_server

SUITES = os.path.join(os.path.dirname(clew_server.ROOT), "shared", "suites")


@pytest.fixture(scope="module")
def suites():
    if not os.path.isdir(SUITES):
        pytest.skip("../shared/suites is not there")
    return SUITES


def read(*path):
    with open(os.path.join(SUITES, *path), encoding="utf-8") as file:
        return file.read()


# --- OpenSearch's REST tests of _bulk --------------------------------------------------------------------------------

def bulk_cases():
    try:
        import yaml
    except ImportError:
        return
    for path in sorted(glob.glob(os.path.join(SUITES, "opensearch-bulk-yaml/bulk/*.yml"))):
        with open(path, encoding="utf-8") as file:
            for document in yaml.safe_load_all(file):
                for name, steps in (document or {}).items():
                    yield pytest.param(steps, id=f"{os.path.basename(path)}: {name}")


def bulk_body(body):
    if isinstance(body, str):
        return body
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in body)


def at(answer, path):
    for key in path.split("."):
        answer = answer[int(key)] if isinstance(answer, list) else answer[key]
    return answer


def perform(server, call):
    """Gives the answer of a step, or none where it is about reading documents back, which clew does in PPL."""
    name, args = next((key, value) for key, value in call.items() if key not in ("catch", "headers"))
    if name == "bulk":
        query = "".join(f"&{key}={str(value).lower()}" for key, value in args.items() if key not in ("body", "index"))
        index = "/" + args["index"] if "index" in args else ""
        return server.post(f"{index}/_bulk?{query[1:]}", bulk_body(args["body"]),
                           headers={"Content-Type": "application/x-ndjson"})
    if name == "count":
        return {"count": server.count(args["index"])}
    return None


@pytest.mark.parametrize("steps", bulk_cases())
def test_bulk_of_opensearch(server, steps):
    answer = None
    for step in steps:
        kind, value = next(iter(step.items()))
        if kind == "do":
            reply = perform(server, value)
            if reply is None:
                answer = None
                continue
            if "catch" in value:
                assert reply.status == 400
                assert re.search(value["catch"].strip("/"), reply.json()["error"]["reason"]), reply.text
            answer = reply if isinstance(reply, dict) else reply.json()
        elif kind == "match" and answer is not None:
            path, want = next(iter(value.items()))
            assert at(answer, path) == want, (path, answer)


# --- the formats that users have --------------------------------------------------------------------------------------

def import_file(server, name, *args):
    dataset = re.sub(r"\W", "_", name.split(".")[0].lower())
    server.cli("import", os.path.join(SUITES, "user-formats", name), "--dataset", dataset, *args)
    return dataset


def times(server, dataset):
    return [row["@timestamp"] for row in server.rows(f"source={dataset} | sort _seq | fields @timestamp")]


def test_times_of_users_formats_are_exact_to_the_microsecond(server, suites):
    v1 = import_file(server, "logstash_formatter_v1.ndjson")
    created = [json.loads(line)["created"] for line in read("user-formats/logstash_formatter_v1.ndjson").splitlines()]
    got = times(server, v1)
    for text, seconds in zip(got, created):
        micros = round(seconds * 1e6) % 1_000_000
        assert abs(int(text.split(".")[1].ljust(9, "0")[:6]) - micros) <= 1, (text, seconds)
    assert len(set(got)) == 4 == len(got)
    v0 = [json.loads(line)["@timestamp"] for line in read("user-formats/logstash_formatter_v0.ndjson").splitlines()]
    want = [time.replace("T", " ").rstrip("Z").rstrip("0").rstrip(".") for time in v0]
    assert [time[:26].rstrip("0").rstrip(".") for time in times(server, import_file(server, "logstash_formatter_v0.ndjson"))] == want
    local = import_file(server, "jsonformatter_local.ndjson", "--zone", "Asia/Ho_Chi_Minh")
    assert set(times(server, local)) == {"2026-11-20 11:55:34.963"}
    assert times(server, import_file(server, "jsonformatter.ndjson"))[0] == "2026-11-20 10:37:05.479"
    assert times(server, import_file(server, "structuredlogger.ndjson"))[:2] == ["2026-11-20 10:37:05.484954",
                                                                                 "2026-11-20 10:37:05.484965"]
    assert times(server, import_file(server, "basicconfig.log"))[0] == "2026-11-20 10:37:05.485"
    assert times(server, import_file(server, "plain.log"))[:2] == ["2025-11-10 18:30:45.123", "2025-11-10 18:31:02.456"]
    assert len(times(server, import_file(server, "stdout.log"))) == 3
    assert len(times(server, import_file(server, "order_created.json"))) == 1


def test_fields_of_users_formats(server, suites):
    v1 = import_file(server, "logstash_formatter_v1.ndjson")
    row = server.rows(f"source={v1} | sort _seq | head 1 | fields level, host.name, logger, code.module, code.function, "
                      "code.line, message")[0]
    first = json.loads(read("user-formats/logstash_formatter_v1.ndjson").splitlines()[0])
    assert row == {"level": "INFO", "host.name": "vm", "logger": "b", "code.module": "gen", "code.function": first["funcName"],
                   "code.line": 17, "message": "Processing request"}
    orders = import_file(server, "orders.ndjson")
    assert server.rows(f'source={orders} | where amount > 100 AND region = "NY" | stats count() as n') == [{"n": 2}]
    sums = server.rows(f"source={orders} | stats sum(amount) as s by region")
    assert {row["region"]: row["s"] for row in sums} == {"NY": 450, "CA": 200}
    levels = server.rows(f"source={import_file(server, 'basicconfig.log')} | sort _seq | fields level, message")
    assert levels[:2] == [{"level": "INFO", "message": "Processing order 12345"},
                          {"level": "ERROR", "message": "Order 12345 failed: boom"}]


# --- Filebeat's log files ---------------------------------------------------------------------------------------------

NAMES = {"http.request.method": "http.request.method", "http.response.status_code": "http.response.status_code",
         "source.address": "source.address", "user.name": "user.name", "http.version": "http.version"}


@pytest.mark.parametrize("name", ["nginx/access/test/access.log",
                                  "apache/access/test/test.log", "apache/access/test/ubuntu-2.2.22.log",
                                  "apache/access/test/darwin-2.4.23.log"])
def test_access_logs_have_the_fields_that_filebeat_gives(server, suites, name):
    want = json.loads(read("filebeat-modules", name + "-expected.json"))
    answer = server.import_text(read("filebeat-modules", name), "web")
    assert answer["received"] == len(want) and answer["rejected"] == 0
    known = {field["name"] for field in server.get("/clew/v1/datasets/web/fields").json()["fields"]}
    asked = [field for field in NAMES if field in known]
    assert {"http.request.method", "http.response.status_code", "source.address"} <= set(asked)
    rows = server.rows(f"source=web | sort _seq | fields {', '.join(asked)}, @timestamp, _raw")
    for row, event in zip(rows, want):
        if "http.request.method" not in event:
            continue  # a line that is no request
        for field in asked:
            if field in event:
                assert str(row[field]) == str(event[field]), (field, event["event.original"] if "event.original" in event else row)


@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(SUITES, "filebeat-modules/*/*/test/*.log"))))
def test_log_files_of_filebeat_come_in_whole(server, suites, path):
    with open(path, "rb") as file:
        lines = [line for line in file.read().split(b"\n") if line.strip()]
    answer = server.import_text(b"\n".join(lines) + b"\n", "files")
    # Lines that go on with the one before are one event with it: statements over several lines, stack traces.
    events = server.rows("source=files | stats count() as n")[0]["n"]
    assert answer["rejected"] == 0 and answer["received"] == events <= len(lines)
    raw = server.cli("query", "source=files", "--raw", "--limit", "0", "--oldest-first").stdout
    assert sorted(raw.splitlines()) == sorted(b"\n".join(lines).decode("utf-8", "replace").splitlines())
