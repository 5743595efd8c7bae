"""SIGHUP: what can change does, without a request lost; of the rest the log says so."""
import os
import signal

import clew_server


def write(path, text):
    path.write_text(text)


def test_a_reload_changes_what_can_change(make_server, tmp_path):
    config = tmp_path / "clew.yaml"
    write(config, "query:\n  rows: 5\nretention:\n  total: 100d\n")
    server = make_server("--config", str(config))
    server.import_ndjson([{"n": n} for n in range(50)])
    assert len(server.rows("source=logs")) == 5
    assert server.get("/clew/v1/retention").json()["default"]["total_days"] == 100
    write(config, "query:\n  rows: 7\n  timeout: 5s\nretention:\n  total: 90d\n  datasets:\n    logs:\n      total: 60d\n"
                  "ingest:\n  line: 2KiB\nhttp:\n  connections: 5\nthreads: 3\n")
    os.kill(server.pid, signal.SIGHUP)
    assert server.wait_log("http: changes at the next start") and server.wait_log("threads: changes at the next start")
    assert server.wait_log("retention.hot and retention.total: changes at the next start")
    assert len(server.rows("source=logs")) == 7
    rules = server.get("/clew/v1/retention").json()
    assert rules["default"]["total_days"] == 100 and rules["datasets"][0]["total_days"] == 60
    server.import_text("x" * 5000 + "\n", "cut", format="plain")
    assert server.rows("source=cut | fields _raw")[0]["_raw"] == "x" * 2048
    assert server.get("/health/ready").status == 200


def test_mistakes_change_nothing(make_server, tmp_path):
    config = tmp_path / "clew.yaml"
    write(config, "query:\n  rows: 5\n")
    server = make_server("--config", str(config))
    server.import_ndjson([{"n": n} for n in range(50)])
    write(config, "query:\n  rows: 9\n  timeuot: 5s\n")
    os.kill(server.pid, signal.SIGHUP)
    assert server.wait_log("nothing changes") and server.wait_log("did you mean timeout?")
    assert len(server.rows("source=logs")) == 5
    write(config, "query:\n  rows: 5\n")
    os.kill(server.pid, signal.SIGHUP)
    assert server.wait_log("nothing has changed")


def test_limits_are_keys(make_server, tmp_path):
    config = tmp_path / "clew.yaml"
    write(config, "http:\n  body: 1MiB\n")
    server = make_server("--config", str(config))
    assert server.post("/_bulk", b"x" * (2 << 20)).status == 413
    keys = clew_server.subprocess.run([clew_server.BINARY, "check", "--keys"], capture_output=True, text=True, check=True)
    assert "http.stall_timeout" in keys.stdout and "ingest.line" in keys.stdout
    write(config, "http:\n  body: 10KiB\ningest:\n  line: 17MiB\nquery:\n  rows: 0\n")
    wrong = clew_server.subprocess.run([clew_server.BINARY, "check", str(config)], capture_output=True, text=True)
    assert wrong.returncode == 1 and (wrong.stdout + wrong.stderr).count("is not from") == 3
