"""A full disk refuses writes, keeps answering, and takes writes again when there is space. Needs root for a tmpfs."""
import os
import subprocess
import time

import pytest

SIZE_MIB = 96


@pytest.fixture
def small_disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", path]).returncode:
        pytest.skip("cannot mount a tmpfs here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_disk_fills_and_empties(make_server, small_disk):
    server = make_server(data=small_disk / "data")
    stored = 0
    for cycle in range(int(os.environ.get("CLEW_DISK_CYCLES", "3"))):
        ballast = small_disk / "ballast"
        with open(ballast, "wb") as f:
            free = os.statvfs(small_disk)
            f.write(b"x" * int(free.f_bavail * free.f_bsize - (4 << 20)))
        wait_until(lambda: server.import_ndjson([{"probe": 1}], "probe").status == 503, 20, "writes are not refused")
        refused = server.import_ndjson([{"n": n} for n in range(100)], "full")
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) >= 1
        ready = server.get("/health/ready")
        assert ready.status == 503 and ready.json()["disk"] is False
        assert server.get("/health/live").status == 200
        if stored:
            assert server.count("full") == stored
        os.unlink(ballast)
        wait_until(lambda: server.import_ndjson([{"probe": 1}], "probe").status == 200, 10, "writes do not resume")
        reply = server.import_ndjson([{"n": n, "cycle": cycle} for n in range(100)], "full").json()
        assert reply["stored"] == 100
        stored += 100
        assert server.count("full") == stored
    server.kill()
    server.start()
    assert server.count("full") == stored
