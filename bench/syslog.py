"""CPU per syslog message, clew's listener beside rsyslog writing a file: python3 bench/syslog.py [MESSAGES] [UDP_PER_SECOND]

Messages are RFC 5424 with structured data, about 210 bytes, by seed. One JSON line per receiver and transport: what arrived, microseconds
of CPU a message (all threads of the receiver, until everything is stored or written), datagrams lost.
"""
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import clew_server  # noqa: E402
import foreign  # noqa: E402

SENDER = r"""
import socket, sys, time
host, port, transport, path, rate = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5])
data = open(path, 'rb').read()
if transport == 'tcp':
    with socket.create_connection((host, port)) as s:
        for begin in range(0, len(data), 65536):
            s.sendall(data[begin:begin + 65536])
else:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((host, port))
    began = time.monotonic()
    for n, line in enumerate(data.split(b'\n')[:-1]):
        s.send(line)
        if n % 100 == 99:
            time.sleep(max(0, n / rate - (time.monotonic() - began)))
"""


def write_messages(path, count):
    random.seed(5)
    with open(path, "wb") as out:
        for n in range(count):
            out.write(b'<165>1 2026-11-30T10:%02d:%02d.%03dZ web%d.example shop %d ID47 [meta@1 seq="%d" user="u%d"] order %d paid by '
                      b"customer %d in %d ms, total %d.%02d EUR, cart of %d items\n" %
                      (n // 60000 % 60, n // 1000 % 60, n % 1000, n % 20, 1000 + n % 50, n, n % 997, n, random.randrange(10**6),
                       random.randrange(900), random.randrange(500), random.randrange(100), random.randrange(9)))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled(count, wanted):
    """What count() says once it says the same twice, or all has come."""
    before = -1
    while True:
        now = count()
        if now >= wanted or now == before:
            return now
        before = now
        time.sleep(1)


def send(where, transport, path, rate):
    host, port = where.rsplit(":", 1)
    subprocess.run([sys.executable, "-c", SENDER, host, port, transport, path, str(rate)], check=True)


def report(receiver, transport, wanted, arrived, cpu, seconds):
    print(json.dumps({"receiver": receiver, "transport": transport, "sent": wanted, "arrived": int(arrived), "lost": int(wanted - arrived),
                      "cpu_us_per_message": round(cpu / max(arrived, 1) * 1e6, 2), "seconds": round(seconds, 1)}), flush=True)


def run_clew(folder, transport, path, count, rate):
    config = os.path.join(folder, "clew.yaml")
    with open(config, "w", encoding="ascii") as out:
        out.write("sources:\n  net: {type: syslog, listen: '127.0.0.1:0', dataset: net}\n")
    server = clew_server.Server(os.path.join(folder, "data-" + transport), ["--config", config]).start()
    try:
        began, before = time.monotonic(), cpu_seconds(server.pid)
        send(server.listening["sources"]["net"][transport], transport, path, rate)
        arrived = settled(lambda: server.metric("clew_events_stored_total", source="net"), count)
        report("clew", transport, count, arrived, cpu_seconds(server.pid) - before, time.monotonic() - began)
    finally:
        server.kill()


def run_rsyslog(folder, transport, path, count, rate):
    try:
        program, root, env = foreign.debian_program("rsyslog", ["rsyslog", "libestr0", "libfastjson4", "liblognorm5"], "usr/sbin/rsyslogd")
    except BaseException as why:  # pytest's way to skip
        return print(f"no rsyslog: {why}", file=sys.stderr)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    out, config = os.path.join(folder, transport + ".log"), os.path.join(folder, "rsyslog.conf")
    with open(config, "w", encoding="ascii") as file:
        more = ' rcvbufSize="16m"' if transport == "udp" else ""
        file.write(f'global(workDirectory="{folder}")\nmodule(load="im{transport}")\n'
                   f'input(type="im{transport}" address="127.0.0.1" port="{port}"{more})\n'
                   f'action(type="omfile" file="{out}" template="RSYSLOG_SyslogProtocol23Format")\n')
    process = subprocess.Popen([program, "-n", "-f", config, "-i", os.path.join(folder, "pid"), "-M",
                                os.path.join(root, "usr/lib/x86_64-linux-gnu/rsyslog")], env=env)
    try:
        time.sleep(2)
        began, before = time.monotonic(), cpu_seconds(process.pid)
        send(f"127.0.0.1:{port}", transport, path, rate)

        def lines():
            if not os.path.exists(out):
                return 0
            return int(subprocess.run(["wc", "-l", out], capture_output=True, text=True, check=True).stdout.split()[0])
        arrived = settled(lines, count)
        report("rsyslog", transport, count, arrived, cpu_seconds(process.pid) - before, time.monotonic() - began)
    finally:
        process.kill()
        process.wait()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 60_000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "messages")
        write_messages(path, count)
        for transport in ("tcp", "udp"):
            run_rsyslog(folder, transport, path, count, rate)
            run_clew(folder, transport, path, count, rate)


main()
