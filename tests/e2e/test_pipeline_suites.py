"""Suites of others: grok's pattern library, and log files with what Filebeat's modules make of them."""
import datetime
import json
import os
import subprocess

import pytest

import clew_server
from test_agent import count_of, make_agent, wait_for  # noqa: F401

SUITES = os.path.join(os.path.dirname(clew_server.SHARED_DATA), "suites")


def run(*args, **options):
    return subprocess.run([clew_server.BINARY, *map(str, args)], capture_output=True, text=True, timeout=60, **options)


@pytest.fixture(scope="module")
def suites():
    if not os.path.isdir(SUITES):
        pytest.skip("../shared/suites is not there")
    return SUITES


def definitions(folder):
    parts = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as lines:
            for line in lines:
                if line.strip() and not line.startswith("#"):
                    part, _, regex = line.rstrip("\n").partition(" ")
                    parts[part] = regex.strip()
    return parts


@pytest.mark.parametrize("kind", ["legacy", "ecs-v1"])
def test_every_pattern_of_grok_s_library_compiles(suites, kind, tmp_path):
    folder = os.path.join(suites, "grok-patterns", "patterns", kind)
    if not os.path.isdir(folder):
        pytest.skip(f"{folder} is not there")
    parts = definitions(folder)
    config = tmp_path / "grok.yaml"
    pipelines = {part: [{"grok": {"patterns": ["%{" + part + "}"], "definitions": parts}}] for part in parts}
    text = json.dumps({"pipelines": pipelines}).replace("${", "$${")
    config.write_text(text[: 1 << 20] if len(text) < 1 << 20 else "")
    refused = {}
    for part in parts:
        steps = json.dumps(pipelines[part])
        done = run("pipeline", "try", "--quiet", "--steps", steps, input="x\n")
        if done.returncode != 0:
            refused[part] = done.stderr.strip().splitlines()[-1]
    print(f"grok-patterns/{kind}: {len(parts) - len(refused)} of {len(parts)} compile")
    for part, why in refused.items():
        print(f"  {part}: {why[-160:]}")
    assert not refused, refused


# What a module says under which name.
FIELDS = ["@timestamp", "source.address", "http.request.method", "http.response.status_code",
          "http.response.body.bytes", "url.original", "user_agent.original", "process.pid", "host.hostname"]
NAMES = {"host.hostname": "host.name"}
MODULES = [("apache/access/test", "test.log", "- access: {}"), ("apache/access/test", "test-vhost.log", "- access: {}"),
           ("apache/access/test", "ubuntu-2.2.22.log", "- access: {}"),
           ("apache/access/test", "darwin-2.4.23.log", "- access: {}"),
           ("nginx/access/test", "access.log", "- access: {}"), ("nginx/access/test", "test.log", "- access: {}"),
           ("nginx/access/test", "test-with-host.log", "- access: {}"),
           ("system/auth/test", "test.log", "- syslog: {}"), ("system/auth/test", "secure-rhel7.log", "- syslog: {}"),
           ("system/auth/test", "auth-ubuntu1204.log", "- syslog: {}"),
           ("system/syslog/test", "suse-syslog.log", "- syslog: {}"),
           ("apache/error/test", "test.log", "- plain: {}"), ("nginx/error/test", "error.log", "- plain: {}")]


def same(name, want, got):
    if name == "@timestamp":  # without a year and a zone the module's answer is of its own year and zone
        return want[5:19] == str(got)[5:19]
    return str(want) == str(got)


def test_events_of_filebeat_s_modules(suites):
    passed, failed = 0, {}
    for folder, name, steps in MODULES:
        path = os.path.join(suites, "filebeat-modules", folder, name)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8", errors="surrogateescape") as text:
            lines = [line.rstrip("\n") for line in text if line.strip()]
        with open(path + "-expected.json", encoding="utf-8") as text:
            wanted = json.load(text)
        done = run("pipeline", "try", "--quiet", "--steps", steps, input="\n".join(lines) + "\n")
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        if len(events) != len(wanted):
            failed[f"{folder}/{name}"] = f"{len(events)} events for {len(wanted)}"
            continue
        good = bad = 0
        first = ""
        for want, got in zip(wanted, events):
            for field in FIELDS:
                if field not in want:
                    continue
                ok = same(field, want[field], got.get(NAMES.get(field, field)))
                good, bad = good + ok, bad + (not ok)
                first = first or ("" if ok else f"{field}: {want[field]!r} got {got.get(NAMES.get(field, field))!r}")
        print(f"{folder}/{name}: {good} of {good + bad} values as expected" + (f"; first other: {first}" if bad else ""))
        passed += good
        if bad:
            failed[f"{folder}/{name}"] = f"{bad} values, as {first}"
    print(f"{passed} values as expected; {failed}")
    assert passed >= VALUES_LEAST


VALUES_LEAST = 390


# Fluent Bit's Kubernetes filter: logs of containers by the names that the kubelet gives them, and the records that come of them. It asks
# the API server for labels and annotations, and obeys annotations; an agent has what names and lines say.
KUBERNETES = os.path.join(SUITES, "fluent-bit-data", "tests", "runtime", "data", "kubernetes")


def kubernetes_records():
    """(log file, stream or None) -> records that Fluent Bit made of it."""
    records = {}
    for folder in sorted(os.listdir(os.path.join(KUBERNETES, "log"))):
        for name in sorted(os.listdir(os.path.join(KUBERNETES, "log", folder))):
            for stream in (None, "stdout", "stderr"):
                out = os.path.join(KUBERNETES, "out", folder, name.removesuffix(".log") + (f"_{stream}" if stream else "") + ".out")
                if os.path.exists(out):
                    with open(out, encoding="utf-8") as text:
                        records[os.path.join(folder, name), stream] = [json.loads(line) for line in text if line.strip()]
    return records


def test_container_logs_of_fluent_bit_s_kubernetes_cases(server, make_agent, tmp_path):  # noqa: F811
    if not os.path.isdir(KUBERNETES):
        pytest.skip("../shared/suites is not there")
    records = kubernetes_records()
    links, lines = tmp_path / "containers", {}
    links.mkdir()
    for number, path in enumerate(sorted({path for path, _ in records})):
        space, pod, container = os.path.basename(path).removesuffix(".log").split("_")
        with open(os.path.join(KUBERNETES, "log", path), encoding="utf-8") as text:
            lines[path] = [json.loads(line) for line in text if line.strip()]
        link = links / f"{pod}_{space}_{container}-{number:064x}.log"
        link.symlink_to(os.path.join(KUBERNETES, "log", path))
    make_agent("--url", server.url, "--dataset", "pods", str(links / "*.log"))
    wait_for(lambda: count_of(server, "pods") == sum(map(len, lines.values())), "every line of every container")
    good, bad = 0, []
    known = {field["name"] for field in server.get("/clew/v1/datasets/pods/fields").json()["fields"]}
    asked = ", ".join(["@timestamp", "_raw"] + [name for name in ("log.iostream", "message", "text") if name in known])
    for (path, stream), wanted in records.items():
        space, pod, container = os.path.basename(path).removesuffix(".log").split("_")
        rows = server.rows(f"source=pods | where kubernetes.namespace = '{space}' and kubernetes.pod.name = '{pod}' and "
                           f"kubernetes.container.name = '{container}'" + (f" and log.iostream = '{stream}'" if stream else "") +
                           f" | sort _seq | fields {asked}")
        for (when, record), row in zip(wanted, rows):
            names = record["kubernetes"]
            inner = record.get("text")
            checks = {"names": (names["pod_name"], names["namespace_name"], names["container_name"]) == (pod, space, container),
                      "stream": record.get("stream") in (None, row.get("log.iostream")),
                      "time": annotated(record) or row["@timestamp"].startswith(str(datetime.datetime.utcfromtimestamp(when))[:19]),
                      "text": inner is None or inner in (row.get("text"), row.get("message")) or has_line_end(record)}
            good += sum(checks.values())
            bad += [f"{path}: {what}: {record} got {row}" for what, ok in checks.items() if not ok]
        if len(rows) < len(wanted):
            bad.append(f"{path}: {len(rows)} rows of {len(wanted)}")
    print(f"\nfluent-bit-data kubernetes: {len(records)} outputs, {good} facts as expected, {len(bad)} otherwise")
    assert not bad, "\n".join(bad[:10])


def has_line_end(record):
    """Named difference: a text of the inner object has a line end as it is, which is no JSON; Fluent Bit unescapes once less. It is kept as a text."""
    return "\n" in record.get("log", "").rstrip("\n")


def annotated(record):
    """Whether an annotation of the pod named a parser, which takes the time from the line."""
    return any(name.startswith("fluentbit.io/parser") for name in record["kubernetes"].get("annotations", {}))
