"""A fleet: a hundred agents at one server, and a service that is scaled while it logs."""
import subprocess
import sys

from test_agent import count_of, make_agent, wait_for  # noqa: F401  (a fixture)

AGENTS = 100
LINES = 300

# Writes numbered lines until its standard input ends: an instance of a service.
INSTANCE = """
import sys, threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
with open(sys.argv[1], "w") as log:
    n = 0
    while not stop.wait(0.002):
        log.write(f"instance {sys.argv[2]} line {n}\\n")
        n += 1
    log.flush()
print(n)
"""


def test_a_hundred_agents_lose_and_repeat_nothing(server, make_agent, tmp_path):  # noqa: F811
    agents = []
    for i in range(AGENTS):
        log = tmp_path / f"host{i}" / "app.log"
        log.parent.mkdir()
        log.write_text("".join(f"host {i} line {n}\n" for n in range(LINES // 2)))
        agents.append(make_agent("--url", server.url, "--dataset", "fleet", str(log)))
    for i in range(AGENTS):
        with open(tmp_path / f"host{i}" / "app.log", "a") as log:
            log.write("".join(f"host {i} line {n}\n" for n in range(LINES // 2, LINES)))
    wait_for(lambda: count_of(server, "fleet") >= AGENTS * LINES, "all lines of all agents")
    for agent in agents:
        assert agent.end() == 0
    assert server.rows("source=fleet | stats count() as c, distinct_count(message) as d") == [
        {"c": AGENTS * LINES, "d": AGENTS * LINES}]


def test_a_service_that_is_scaled_while_it_logs(server, make_agent, tmp_path):  # noqa: F811
    (tmp_path / "logs").mkdir()
    make_agent("--url", server.url, "--dataset", "scaled", str(tmp_path / "logs" / "*.log"))
    running, written, started = [], 0, 0

    def scale_to(instances):
        nonlocal written, started
        while len(running) > instances:
            instance = running.pop(0)
            out, _ = instance.communicate(timeout=30)
            written += int(out)
        while len(running) < instances:
            path = tmp_path / "logs" / f"{started}.log"
            running.append(subprocess.Popen([sys.executable, "-c", INSTANCE, str(path), str(started)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            started += 1

    for instances in (3, 10, 2):
        before = count_of(server, "scaled")
        scale_to(instances)
        wait_for(lambda: count_of(server, "scaled") > before + 500, f"lines of {instances} instances")  # noqa: B023
    scale_to(0)
    wait_for(lambda: count_of(server, "scaled") >= written, f"{written} lines")
    assert server.rows("source=scaled | stats count() as c, distinct_count(message) as d") == [{"c": written, "d": written}]
