"""A stock Filebeat writes to clew unchanged, by output.elasticsearch and by output.logstash, while clew is killed and started again.

Filebeat is `filebeat` of the PATH, or what CLEW_FILEBEAT names. It has no package in Debian; it can be built with Go from its module
(github.com/elastic/beats/v7, the package filebeat/cmd with filebeat/input/default-inputs, in a module with the replacements of its go.mod).
"""
import json
import os
import shutil
import socket
import subprocess

import pytest

from test_agent import count_of, wait_for
from test_listeners import config

LINES = 100_000


@pytest.fixture
def filebeat(tmp_path):
    """Starts Filebeat on tmp_path/in.log with an output; ended with the test."""
    program = os.environ.get("CLEW_FILEBEAT") or shutil.which("filebeat")
    if not program:
        pytest.skip("no filebeat; CLEW_FILEBEAT can name one")
    started = []

    def start(output):
        conf = tmp_path / "filebeat.yml"
        conf.write_text(json.dumps({
            "filebeat.inputs": [{"type": "filestream", "id": "a", "paths": [str(tmp_path / "in.log")], "file_identity.native": None,
                                 "prospector.scanner.fingerprint.enabled": False}],
            "setup.template.enabled": False, "setup.ilm.enabled": False, "path.data": str(tmp_path / "fbdata"),
            "path.logs": str(tmp_path / "fblogs"), **output}))
        os.chmod(conf, 0o600)
        log = open(tmp_path / "filebeat.out", "w", encoding="utf-8")
        started.append(subprocess.Popen([program, "-e", "-c", conf, "--strict.perms=false"], stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait(30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("kind", ["elasticsearch", "logstash"])
def test_every_line_arrives_though_the_server_is_killed(make_server, filebeat, tmp_path, kind):
    lines = [f"2026-11-30T10:00:00.{n % 1000:03d}Z INFO [shop] order {n} placed\n" for n in range(LINES)]
    (tmp_path / "in.log").write_text("".join(lines[:LINES // 2]))
    port = free_port()
    server = make_server("--config", config(tmp_path, f"sources:\n  beats: {{type: beats, listen: '127.0.0.1:{port}', dataset: fb}}\n"))
    if kind == "elasticsearch":
        filebeat({"output.elasticsearch": {"hosts": [server.url], "index": "fb", "backoff.max": "1s"}})
    else:
        filebeat({"output.logstash": {"hosts": [f"127.0.0.1:{port}"], "backoff.max": "1s"}})
    wait_for(lambda: count_of(server, "fb") > 1000, "the first lines")
    server.listen = server.listening["http"]  # the same addresses after the restart
    server.kill()
    with open(tmp_path / "in.log", "a", encoding="ascii") as more:
        more.writelines(lines[LINES // 2:])
    server.start()

    def distinct():
        return server.rows("source=fb | stats distinct_count(message) as n")[0]["n"] if count_of(server, "fb") else 0
    wait_for(lambda: distinct() == LINES, "every line")
    # What was stored and not acknowledged before the kill is sent again: a batch or few, not the file.
    repeated = server.count("fb") - LINES
    print(f"\nfilebeat, output.{kind}: {LINES} lines, {repeated} sent twice around a kill -9")
    assert repeated < LINES // 4
    row = server.rows("source=fb message = '2026-11-30T10:00:00.999Z INFO [shop] order 99999 placed' | fields host.name, log.file.path, agent.type")[0]
    assert row == {"host.name": os.uname().nodename, "log.file.path": str(tmp_path / "in.log"), "agent.type": "filebeat"}
    with open(tmp_path / "filebeat.out", encoding="utf-8") as log:
        refused = [line for line in log if "Cannot index event" in line or "dropped" in line.lower() and '"log.level":"error"' in line]
    assert not refused, refused[:3]


def test_lines_of_filebeat_are_taken_apart_where_a_dataset_has_a_pipeline(make_server, filebeat, tmp_path):
    (tmp_path / "in.log").write_text("2026-11-30T10:00:00.250Z ERROR [shop] order 7 failed\n" * 20)
    server = make_server("--config", config(tmp_path, "pipelines: {lines: [{plain: {}}]}\ndatasets: {fb: {pipeline: lines}}\n"))
    filebeat({"output.elasticsearch": {"hosts": [server.url], "index": "fb"}})
    wait_for(lambda: count_of(server, "fb") == 20, "twenty lines")
    rows = server.rows("source=fb level=error | stats count() as n by message, @timestamp")
    assert rows == [{"n": 20, "message": "[shop] order 7 failed", "@timestamp": "2026-11-30 10:00:00.25"}]
