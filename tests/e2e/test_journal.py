"""clew agent on systemd's journal: a real journald in a namespace of its own."""
import os
import signal
import socket
import subprocess
import tempfile

import pytest

from test_agent import count_of, make_agent, wait_for  # noqa: F401  (a fixture)

JOURNALD = "/lib/systemd/systemd-journald"


@pytest.fixture
def journald(tmp_path):
    """Its namespace; entries go to the sockets of /run/systemd/journal.NAMESPACE."""
    if os.geteuid() != 0 or not os.path.exists(JOURNALD):
        pytest.skip("needs root and systemd-journald")
    name = "clew" + os.path.basename(tempfile.mktemp())
    process = subprocess.Popen([JOURNALD, name], stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: process.poll() is not None or os.path.exists(f"/run/systemd/journal.{name}/stdout"), "its sockets")
        if process.poll() is not None:
            pytest.skip("journald does not run here: " + process.stderr.read())
        yield name
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(20)
        for top in ("/run/log/journal", "/var/log/journal", "/run/systemd"):
            subprocess.run(["find", top, "-maxdepth", "1", "-name", f"*.{name}", "-exec", "rm", "-rf", "{}", "+"],
                           stderr=subprocess.DEVNULL, check=False)


def test_services_and_programs_that_log_to_the_journal(server, make_agent, journald, tmp_path):  # noqa: F811
    def connect(kind, name):
        to = socket.socket(socket.AF_UNIX, kind)
        to.connect(f"/run/systemd/journal.{journald}/{name}")
        return to

    config = tmp_path / "agent.yaml"
    config.write_text(f"agent:\n  servers: {server.url}\nsources:\n  journal:\n    type: journal\n"
                      f"    namespace: {journald}\n    dataset: journal\n")
    with connect(socket.SOCK_DGRAM, "socket") as native:
        native.send(b"MESSAGE=native\nPRIORITY=3\nSYSLOG_IDENTIFIER=shop\nORDER=17\nCODE_FILE=a.py\nCODE_LINE=12\n")
    with connect(socket.SOCK_DGRAM, "dev-log") as syslog:
        syslog.send(b"<11>Nov 30 10:00:00 cron[77]: run-parts failed")
    agent = make_agent("--config", config)
    with connect(socket.SOCK_STREAM, "stdout") as output:
        output.sendall(b"web\n\n6\n0\n0\n0\n0\n")
        output.sendall(b"2026-11-30 10:00:00 ERROR failed\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 'x'\n"
                       b"{\"level\":\"warn\",\"msg\":\"json\",\"n\":5}\n")
    programs = "source=journal program in ('shop', 'cron', 'web')"
    wait_for(lambda: count_of(server, "journal") > 0, "the dataset")
    wait_for(lambda: server.rows(f"{programs} | stats count() as n") == [{"n": 4}], "four events")
    rows = server.rows(f"{programs} | sort program, message | fields program, message, level, error.type, ORDER, code.line")
    assert rows == [
        {"program": "cron", "message": "run-parts failed", "level": "error", "error.type": None, "ORDER": None, "code.line": None},
        {"program": "shop", "message": "native", "level": "error", "error.type": None, "ORDER": "17", "code.line": 12},
        {"program": "web", "message": "failed", "level": "ERROR", "error.type": "KeyError", "ORDER": None, "code.line": None},
        {"program": "web", "message": "json", "level": "warn", "error.type": None, "ORDER": None, "code.line": None}]
    before = count_of(server, "journal")
    agent.end(signal.SIGKILL)
    with connect(socket.SOCK_DGRAM, "socket") as native:
        native.send(b"MESSAGE=while nobody looked\nSYSLOG_IDENTIFIER=shop\n")
    agent.start()
    wait_for(lambda: count_of(server, "journal") > before, "what came meanwhile")
    assert server.rows("source=journal program=shop | stats count() as n, distinct_count(message) as d") == [{"n": 2, "d": 2}]
