"""The C++ client against the real server: its goals are part of the caller's tree."""
import json
import os
import subprocess

import clew_server
import pytest

EXAMPLE = os.path.join(os.path.dirname(clew_server.BINARY), "clew_client_example")
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_goals_and_spdlog_lines_of_a_cpp_service(server):
    if not os.path.exists(EXAMPLE):
        pytest.skip("clew_client_example is not built")
    server.import_ndjson([{"event": "goal.end", "goal": True, "name": "place order", "trace_id": TRACE, "span_id": SPAN,
                           "outcome": "failed", "duration_ms": 60_000, "service.name": "order"}])
    port = server.listening["http"].rpartition(":")[2]
    done = subprocess.run([EXAMPLE, port, f"00-{TRACE}-{SPAN}-01"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    tree = server.cli("tree", TRACE).stdout
    steps = {step["name"]: step for step in (json.loads(line)["step"] for line in tree.splitlines()
                                             if line.startswith('{"step"'))}
    bank = steps["ask the bank"]
    assert bank["service"] == "gateway" and bank["outcome"] == "failed" and bank["cause"] is True
    assert bank["reason"] == "std::runtime_error: no answer" and bank["parent_span_id"] == SPAN
    assert [line["message"] for line in bank["lines"]] == ["the bank is slow: 300 ms"]
    row = server.rows("source=logs amount=12.5 event='goal.end' | fields service.name, level, amount")[0]
    assert row["service.name"] == "gateway" and row["level"] == "error"
