#!/usr/bin/env python3
"""run.py --clew URL [--dir DIR] [--orders N] [NAME=NUMBER..]: the shop, until standard input closes or a signal comes.

With --orders N it makes so many orders, waits until the queue is empty, and ends. The arguments after that set switches.
"""
import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from shop import switches  # noqa: E402

SERVICES = ("user", "price", "payment", "mail", "order")
RESTART_S = 1.0
STOP_S = 8.0


class Shop:
    """The processes of the demo. Sockets are ours, so that a service that starts again has its old address."""

    def __init__(self, clew_url, folder):
        self._folder = folder
        self._sockets = {name: _listener() for name in SERVICES}
        self._environment = {**os.environ, "CLEW_URL": clew_url, "SHOP_DIR": folder,
                             "PYTHONPATH": os.pathsep.join([HERE, os.path.join(HERE, "../clients/python/src")])}
        for name, held in self._sockets.items():
            self._environment[f"SHOP_{name.upper()}_URL"] = "http://127.0.0.1:%d" % held.getsockname()[1]
        self._processes = {}
        self._ending = threading.Event()

    def urls(self):
        return {name: self._environment[f"SHOP_{name.upper()}_URL"] for name in SERVICES}

    def start(self):
        for name in SERVICES:
            self._start(name)
        threading.Thread(target=self._watch, daemon=True).start()

    def load(self, orders):
        """The process of the customers."""
        return subprocess.Popen([sys.executable, "-m", "shop.load", "--orders", str(orders)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE if orders else subprocess.DEVNULL, env=self._environment, text=True)

    def wait_until_mailed(self, seconds):
        deadline = time.monotonic() + seconds
        while os.listdir(os.path.join(self._folder, "mail-queue")) and time.monotonic() < deadline:
            time.sleep(0.05)

    def stop(self):
        """Closes each service's standard input, which ends it in order; then kills what is left."""
        self._ending.set()
        for process in self._processes.values():
            process.stdin.close()
        deadline = time.monotonic() + STOP_S
        for process in self._processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for held in self._sockets.values():
            held.close()

    def _start(self, name):
        held = self._sockets[name].fileno()
        self._processes[name] = subprocess.Popen(
            [sys.executable, "-m", f"shop.{name}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[held],
            env={**self._environment, "SHOP_SOCKET": str(held)})

    def _watch(self):
        while not self._ending.wait(RESTART_S):
            for name, process in list(self._processes.items()):
                if process.poll() is not None and not self._ending.is_set():
                    process.stdin.close()
                    self._start(name)


def _listener():
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.listen(128)
    return held


def _wait_for_the_end():
    """Until standard input closes, SIGTERM or Ctrl-C."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(0.5):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clew", required=True, help="clew's URL")
    parser.add_argument("--dir", default=os.path.join(os.path.dirname(HERE), "build/demo"))
    parser.add_argument("--orders", type=int, default=0)
    parser.add_argument("switches", nargs="*", metavar="NAME=NUMBER")
    options = parser.parse_args()
    os.makedirs(os.path.join(options.dir, "mail-queue"), exist_ok=True)
    try:
        chosen = dict(switches.parse(text) for text in options.switches)
    except ValueError as error:
        parser.error(str(error))
    values = {name: value for name, (value, _) in switches.SWITCHES.items()}
    switches.write(os.path.join(options.dir, "switches.json"), {**values, **chosen})
    shop = Shop(options.clew, os.path.abspath(options.dir))
    shop.start()
    load = None
    try:
        load = shop.load(options.orders)
        if options.orders:
            print(load.stdout.read().strip(), flush=True)  # communicate() would close its standard input: its end
            shop.wait_until_mailed(30)
        else:
            print(json.dumps({"shop": shop.urls()}), flush=True)
            _wait_for_the_end()
    finally:
        if load is not None:
            load.stdin.close()
            load.wait()
        shop.stop()


if __name__ == "__main__":
    main()
