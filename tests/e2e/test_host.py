"""Measurements of the machine on the agent's /metrics: beside a real node_exporter where there is one."""
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from test_agent import Agent, make_agent, wait_for  # noqa: F401  (a fixture)

EXPORTER = shutil.which("prometheus-node-exporter")
# Its packagers leave out more mount points and devices than the program itself does, and than clew.
EXPORTER_ARGS = ["--collector.netdev.device-exclude=^$",
                 "--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|"
                 "var/lib/containers/storage/.+)($|/)"]
# Collectors of node_exporter that clew has, and their families' names.
OURS = re.compile(r"node_(boot_time_seconds|context_switches_total|cooling_device_|cpu_(guest_)?seconds_total|disk_|entropy_|filefd_|"
                  r"filesystem_|forks_total|intr_total|load|memory_|netstat_|network_|nf_conntrack_|pressure_|procs_|sockstat_|"
                  r"softnet_|thermal_zone_|time_|uname_|vmstat_)")
# What another process changes from one moment to the next by more than any bound.
RESTLESS = re.compile(r"node_(load\d+|procs_|sockstat_|filefd_allocated|disk_io_now|filesystem_.*(free|avail)|entropy_avail|memory_|netstat_Tcp_CurrEstab|nf_conntrack_entries$)")


def get(url):
    with urllib.request.urlopen(url, timeout=10) as reply:
        return reply.read().decode()


def parse(text):
    """Types by family, values by (name, labels); fails on what is no Prometheus text."""
    types, helps, values = {}, set(), {}
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helps.add(line.split(" ", 3)[2])
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} comes twice"
            assert kind in ("counter", "gauge", "untyped", "histogram", "summary")
            types[name] = kind
            continue
        if line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*)\})? (\S+)', line)
        assert match, line
        name, labels, value = match.groups()
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in types or family in types, f"{name} has no TYPE"
        assert name in helps or family in helps, f"{name} has no HELP"
        key = (name, tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))))
        assert key not in values, key
        values[key] = float(value)
    return types, values


@pytest.fixture
def agent(tmp_path):
    (tmp_path / "agent.yaml").write_text("sources: {machine: {type: host, every: 15s}}\n")
    agent = Agent(tmp_path / "agent", ["--config", tmp_path / "agent.yaml"]).start()
    agent.metrics = lambda: get("http://" + agent.ready["listening"] + "/metrics")
    yield agent
    agent.end()


def test_the_essentials_are_true(agent):
    types, values = parse(agent.metrics())
    by_name = {}
    for (name, _), value in values.items():
        by_name.setdefault(name, []).append(value)
    with open("/proc/meminfo") as file:
        total = int(re.search(r"MemTotal: +(\d+) kB", file.read()).group(1)) * 1024
    assert by_name["node_memory_MemTotal_bytes"] == [total]
    assert len(by_name["node_cpu_seconds_total"]) == 8 * len([n for n in os.listdir("/sys/devices/system/cpu") if re.fullmatch(r"cpu\d+", n)])
    root = os.statvfs("/")
    size = [v for (n, labels), v in values.items() if n == "node_filesystem_size_bytes" and ("mountpoint", "/") in labels]
    assert not size or size == [root.f_blocks * root.f_bsize]
    assert values[("node_uname_info", tuple(sorted({"domainname": domain_name(), "machine": os.uname().machine,
                                                     "nodename": os.uname().nodename, "release": os.uname().release,
                                                     "sysname": os.uname().sysname, "version": os.uname().version}.items())))] == 1
    assert types["node_cpu_seconds_total"] == "counter" and types["node_vmstat_pgfault"] == "untyped"
    assert by_name["clew_agent_queue_bytes"], "the agent's own numbers are there too"


def domain_name():
    with open("/proc/sys/kernel/domainname") as file:
        return file.read().strip()


def unix_time(text):
    return parse(text)[1][("node_time_seconds", ())]


def test_each_scrape_measures_anew(agent):
    first = unix_time(agent.metrics())
    deadline = time.monotonic() + 30
    while unix_time(agent.metrics()) < first + 1:
        assert time.monotonic() < deadline
    assert abs(unix_time(agent.metrics()) - time.time()) < 3


@pytest.mark.skipif(EXPORTER is None, reason="no prometheus-node-exporter")
def test_names_labels_and_values_are_node_exporters(agent):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % probe.getsockname()[1]
    process = subprocess.Popen([EXPORTER, "--web.listen-address=" + address, *EXPORTER_ARGS], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                get(f"http://{address}/metrics")
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None
        ours = agent.metrics()
        theirs = get(f"http://{address}/metrics")
        later = ours
        while unix_time(later) < unix_time(theirs):
            assert time.monotonic() < deadline
            later = agent.metrics()
    finally:
        process.kill()
        process.wait()
    our_types, our_values = parse(ours)
    their_types, their_values = parse(theirs)
    _, later_values = parse(later)
    wanted = {name: kind for name, kind in their_types.items() if OURS.match(name)}
    assert len(wanted) > 150
    assert {name: kind for name, kind in our_types.items() if OURS.match(name)} == wanted
    # Sets of labels; of what measures time itself the clock's source may say more on one side than the other.
    assert {key for key in our_values if key[0] in wanted} == {key for key in their_values if key[0] in wanted}
    compared = 0
    for key, theirs_value in their_values.items():
        if key[0] not in wanted or RESTLESS.match(key[0]):
            continue
        compared += 1
        # Theirs was measured between two of ours, so that a busy machine's counters have room to move.
        low, high = sorted((our_values[key], later_values[key]))
        slack = 0.02 * max(abs(theirs_value), 1)
        assert low - slack <= theirs_value <= high + slack, (key, low, theirs_value, high)
    assert compared > 200


def test_collections_cost_little(agent):
    """Each `every`, 15 s, one: that is far from half a percent of a core."""
    agent.metrics()
    _, values = parse(agent.metrics())
    seconds = sum(v for (name, _), v in values.items() if name == "node_scrape_collector_duration_seconds")
    assert seconds / 15 < 0.005, f"a collection took {seconds} s"


def test_two_of_them_are_a_mistake(tmp_path):
    import clew_server
    (tmp_path / "agent.yaml").write_text("sources:\n  a: {type: host}\n  b: {type: host}\n")
    done = subprocess.run([clew_server.BINARY, "check", str(tmp_path / "agent.yaml")], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "sources.a and sources.b are both of type host" in done.stderr


def test_measurements_go_to_the_server(make_server, make_agent, tmp_path):
    """By themselves, also what was measured while it was away; PromQL answers from them."""
    server = make_server()
    server.listen = server.listening["http"]
    config = tmp_path / "agent.yaml"
    config.write_text(f"agent:\n  servers: {server.url}\nsources:\n  node:\n    type: host\n    every: 1s\n")
    agent = make_agent("--config", config)

    def value(query):
        reply = server.get("/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        result = json.loads(reply.text)["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    wait_for(lambda: value("count_over_time(node_time_seconds[1h])") is not None, "the first measurement")
    with open("/proc/meminfo") as meminfo:
        total = int(meminfo.readline().split()[1]) * 1024
    assert value(f'node_memory_MemTotal_bytes{{job="node",instance="{os.uname().nodename}"}}') == total
    server.kill()
    failed = agent.metric("clew_agent_measurements_failed_total")
    wait_for(lambda: agent.metric("clew_agent_measurements_failed_total") > failed, "an attempt without a server")
    server.start()
    wait_for(lambda: (value("count_over_time(node_time_seconds[1h])") or 0) >= 4, "what was measured meanwhile")
    wait_for(lambda: value("sum(rate(node_cpu_seconds_total[1m]))") is not None, "a rate")
    assert agent.metric("clew_agent_measurements_dropped_total") == 0
    help_of = json.loads(server.get("/api/v1/metadata?metric=node_memory_MemTotal_bytes").text)["data"]
    assert help_of["node_memory_MemTotal_bytes"][0]["type"] == "gauge"
