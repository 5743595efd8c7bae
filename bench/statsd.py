#!/usr/bin/env python3
"""What an agent makes of StatsD packets: are the sums exact, what does it cost, how many bytes go on to the server.

    python3 bench/statsd.py [PACKETS_PER_SECOND] [SECONDS]      CLEW_BIN names another program

One-line packets over UDP, half counters and half timers with tags, go to `clew agent`; a relay between the agent and `clew serve` counts
bytes. Prints one JSON line.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BINARY = os.environ.get("CLEW_BIN", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../build/release/bin/clew"))
FLUSH_SECONDS = 10
PASSED_ON = ("content-type", "content-encoding", "clew-batch", "x-prometheus-remote-write-version")


def start(*args):
    process = subprocess.Popen([BINARY, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return process, json.loads(process.stdout.readline())


def relay(url):
    """(server, counts): passes POSTs on and counts the bodies of /api/v1/write."""
    counts = {"bytes": 0, "writes": 0}

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/v1/write":
                counts["bytes"] += len(body)
                counts["writes"] += 1
            headers = {name: value for name, value in self.headers.items() if name.lower() in PASSED_ON}
            try:
                status = urllib.request.urlopen(urllib.request.Request(url + self.path, body, headers)).status
            except urllib.error.HTTPError as error:
                status = error.code
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, counts


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def metric(base, name):
    lines = urllib.request.urlopen(base + "/metrics").read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def ask(url, query):
    answer = json.load(urllib.request.urlopen(url + "/api/v1/query?" + urllib.parse.urlencode({"query": query})))
    return float(answer["data"]["result"][0]["value"][1])


def send(address, rate, seconds):
    """(packets, counters, bytes, seconds) that were sent."""
    lines = [(f"app.requests.count:1|c|#endpoint:/v{n % 50},code:{200 + n % 3}" if n % 2 else f"app.latency:{n % 997}|ms|#endpoint:/v{n % 50}").encode()
             for n in range(2000)]
    host, port = address.rsplit(":", 1)
    sent = total_bytes = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((host, int(port)))
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < seconds:
            due = int(passed * rate)
            while sent < due:
                line = lines[sent % 2000]
                sender.send(line)
                total_bytes += len(line)
                sent += 1
        return sent, sent // 2, total_bytes, time.monotonic() - begin


def main():
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as folder:
        server, ready = start("serve", "--data", folder + "/data", "--listen", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0")
        url = "http://" + ready["listening"]["http"]
        between, out = relay(url)
        config = folder + "/agent.yaml"
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"agent:\n  servers: http://127.0.0.1:{between.server_port}\n"
                       f"sources:\n  app: {{type: statsd, listen: '127.0.0.1:0', protocol: [udp], flush: {FLUSH_SECONDS}s}}\n")
        agent, ready = start("agent", "--dir", folder + "/agent", "--listen", "127.0.0.1:0", "--config", config)
        before = cpu_seconds(agent.pid)
        packets, counters, sent_bytes, took = send(ready["sources"]["app"]["udp"], rate, seconds)
        base = "http://" + ready["listening"]
        end = time.monotonic() + 3 * FLUSH_SECONDS
        writes = out["writes"]
        while time.monotonic() < end and out["writes"] < writes + 2:
            time.sleep(0.2)
        print(json.dumps({
            "packets": packets, "packets_per_second": round(packets / took), "dropped": metric(base, "clew_listener_datagrams_dropped_total"),
            "counters_sent": counters, "counters_stored": ask(url, "sum(app_requests_count)"),
            "timers_sent": packets - counters, "timers_stored": ask(url, "histogram_count(sum(app_latency))"),
            "p50_seconds": round(ask(url, "histogram_quantile(0.5, sum(app_latency))"), 4),
            "agent_cpu_us_per_packet": round((cpu_seconds(agent.pid) - before) / packets * 1e6, 2),
            "bytes_in": sent_bytes, "bytes_out": out["bytes"], "share_percent": round(100 * out["bytes"] / sent_bytes, 3)}))
        for process in (agent, server):
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
