#!/usr/bin/env python3
"""What a log call costs the caller, and what became of the lines: `python3 bench/call_cost.py [--calls N] [--url URL]`.

Without --url the server is down (a port on which nobody listens). Prints percentiles of logger.info() beside a
StreamHandler that formats a plain line to nowhere, at 1,000 calls/s and in a tight loop, then the drop counters.
"""
import argparse
import logging
import os
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src"))
from clew.handler import Handler  # noqa: E402

CALLS_PER_SECOND = 1_000


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def report(name, nanos):
    nanos.sort()
    us = {label: percentile(nanos, share) / 1e3 for label, share in
          (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))}
    print(f"{name:28s} " + "  ".join(f"{label} {value:8.1f} us" for label, value in us.items()))
    return us


def measure(logger, calls, paced):
    taken = []
    for n in range(calls):
        begun = time.perf_counter_ns()
        logger.info("order_processed", extra={"user": "alice", "order_id": n, "amount": 50.5})
        taken.append(time.perf_counter_ns() - begun)
        if paced:
            time.sleep(1 / CALLS_PER_SECOND)
    return taken


def only(logger, handler):
    logger.handlers[:] = [handler]
    return logger


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--spill", default="", help="a spill directory; default a new one")
    options = parser.parse_args()
    held = socket.socket()
    held.bind(("127.0.0.1", 0))  # bound, never listening
    url = options.url or f"http://127.0.0.1:{held.getsockname()[1]}"
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    plain = logging.StreamHandler(open(os.devnull, "w", encoding="utf-8"))
    plain.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    report("StreamHandler, tight loop", measure(only(logger, plain), options.calls, False))
    with tempfile.TemporaryDirectory() as temporary:
        handler = Handler(url, service="bench", spill=options.spill or temporary, quiet=True)
        only(logger, handler)
        measure(logger, 200, False)
        report("clew, tight loop", measure(logger, options.calls, False))
        report("StreamHandler, 1,000 calls/s", measure(only(logger, plain), min(options.calls, 5_000), True))
        only(logger, handler)
        report("clew, 1,000 calls/s", measure(logger, min(options.calls, 5_000), True))
        handler.flush(30)
        print("counters", handler.stats())
        handler.close()
    held.close()


if __name__ == "__main__":
    main()
