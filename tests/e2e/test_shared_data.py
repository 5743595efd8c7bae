"""Real logs come in whole, with sensible fields; `stats` agrees with a computation in Python."""
import collections
import glob
import gzip
import json
import os
import re

import pytest


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        return file.read()


def bring_in(server, path, dataset, **params):
    answer = server.import_text(read(path), dataset, **params)
    assert answer["rejected"] == 0
    return answer


def counts(server, query):
    """{group: count} of a query that ends in `stats count() as c by g`."""
    rows = server.rows(query)
    return {next(value for key, value in row.items() if key != "c"): row["c"] for row in rows}


def test_apache_access_log(server, shared_data):
    path = os.path.join(shared_data, "access-logs/apache_combined.log")
    lines = read(path).decode("utf-8", "replace").splitlines()
    assert bring_in(server, path, "apache")["stored"] == len(lines) == 10_000
    want = collections.Counter(int(re.search(r'" (\d{3}) ', line).group(1)) for line in lines)
    assert counts(server, "source=apache | stats count() as c by http.response.status_code") == want
    addresses = len({line.split()[0] for line in lines})
    assert server.rows("source=apache | stats distinct_count(source.address) as d") == [{"d": addresses}]
    posts = sum('"POST ' in line for line in lines)
    assert server.rows("source=apache http.request.method=POST | stats count() as c") == [{"c": posts}]


def test_nginx_json(server, shared_data):
    path = os.path.join(shared_data, "access-logs/nginx_plus.ndjson")
    events = [json.loads(line) for line in read(path).splitlines() if line.strip()]
    bring_in(server, path, "nginx")
    assert server.count("nginx") == len(events)
    accepted = [event["connections"]["accepted"] for event in events]
    rows = server.rows("source=nginx | stats max(connections.accepted) as m, sum(connections.accepted) as s, "
                       "distinct_count(address) as d")
    assert rows == [{"m": max(accepted), "s": sum(accepted), "d": len({event["address"] for event in events})}]


def test_auth_log(server, shared_data):
    path = os.path.join(shared_data, "auth/auth.log")
    lines = read(path).decode().splitlines()
    assert bring_in(server, path, "auth")["stored"] == len(lines)
    want = collections.Counter(re.match(r"\w{3} +\d+ [\d:]+ \S+ ([^\s\[:]+)", line).group(1) for line in lines)
    assert counts(server, "source=auth | stats count() as c by program") == want
    failed = sum("Failed password" in line for line in lines)
    assert server.rows('source=auth "failed password" | stats count() as c') == [{"c": failed}]


def test_zeek_json(server, shared_data):
    paths = sorted(glob.glob(os.path.join(shared_data, "zeek", "**", "*ssl*"), recursive=True))
    path = next(path for path in paths if os.path.isfile(path))
    events = [json.loads(line) for line in read(path).splitlines() if line.strip()]
    body = read(path)
    stored = 0
    lines = body.splitlines(keepends=True)
    for begin in range(0, len(lines), 20_000):
        stored += server.import_text(b"".join(lines[begin:begin + 20_000]), "zeek", format="ndjson")["stored"]
    assert stored == len(events)
    want = collections.Counter(event.get("version") for event in events if event.get("version") is not None)
    assert counts(server, "source=zeek | where isnotnull(version) | stats count() as c by version") == want


@pytest.mark.parametrize("folder", ["kafka", "lnav", "mysql-slow", "postgres"])
def test_every_file_loads_whole(server, shared_data, folder):
    files = [path for path in sorted(glob.glob(os.path.join(shared_data, folder, "**", "*"), recursive=True))
             if os.path.isfile(path) and os.path.getsize(path) < 32 << 20 and not path.endswith((".bz2", ".tar", ".zip"))]
    assert files
    total = 0
    for path in files:
        body = read(path)
        if b"\0" in body[:4096] or not body.strip():
            continue
        answer = server.import_text(body, "all")
        assert answer["rejected"] == 0, path
        total += answer["stored"]
    assert server.count("all") == total > 0
    server.assert_counts_add_up()


def test_cloudtrail_has_the_time_and_the_error_of_its_events(server, shared_data):
    paths = sorted(glob.glob(os.path.join(shared_data, "cloudtrail/*.json")))
    records = [record for path in paths for record in json.loads(read(path))["Records"]]
    for path in paths:
        bring_in(server, path, "cloudtrail")
    assert server.count("cloudtrail") == len(records)
    want = collections.Counter(record["eventTime"][:13].replace("T", " ") + ":00:00" for record in records)
    assert counts(server, "source=cloudtrail | stats count() as c by span(@timestamp, 1h)") == want
    codes = collections.Counter(record["errorCode"] for record in records if "errorCode" in record)
    got = counts(server, "source=cloudtrail | where isnotnull(`error.type`) | stats count() as c by `error.type`")
    assert got == codes


def test_what_journalctl_prints(server):
    server.import_text('{"__REALTIME_TIMESTAMP":"1763632800123456","MESSAGE":"Started x","PRIORITY":"3",'
                       '"_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"systemd"}\n', "host")
    assert server.rows("source=host | fields @timestamp, message, level, host.name, service.name") == [
        {"@timestamp": "2025-11-20 10:00:00.123456", "message": "Started x", "level": "error", "host.name": "h1",
         "service.name": "systemd"}]
