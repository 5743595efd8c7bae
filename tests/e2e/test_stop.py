"""SIGTERM ends the server within 10 s, whatever runs."""
import json
import socket
import threading
import time

import pytest

EVENTS = 60_000
SECONDS_MAX = 10


@pytest.fixture(name="full_server")
def server_with_much_to_answer(server):
    for begin in range(0, EVENTS, 20_000):
        server.import_ndjson([{"n": n, "message": f"order {n} " + "lorem ipsum dolor " * 20} for n in range(begin, begin + 20_000)])
    return server


def ask_without_reading(server, query):
    """A connection on which a search runs and whose answer nobody takes."""
    host, port = server.listening["http"].rsplit(":", 1)
    client = socket.create_connection((host, int(port)), timeout=30)
    body = json.dumps({"query": query, "limit": 10 * EVENTS, "timeout_ms": 600_000})
    client.sendall(f"POST /clew/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return client


def stop_in_time(server):
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < SECONDS_MAX


def test_with_a_client_that_takes_nothing(full_server):
    client = ask_without_reading(full_server, "fields n, message")
    assert client.recv(64).startswith(b"HTTP/1.1 200")
    stop_in_time(full_server)
    client.close()


def test_with_a_query_that_runs_for_minutes(full_server):
    # Every row against every pattern: far longer than the test.
    slow = " or ".join(f"like(message, '%{a}%{b}%dolor {a}{b}%')" for a in range(30) for b in range(10))
    client = ask_without_reading(full_server, "source=logs | where " + slow + " | stats count()")
    assert client.recv(64).startswith(b"HTTP/1.1 200")  # the schema: the scan begins
    stop_in_time(full_server)
    client.close()


def test_while_clients_write_and_ask(full_server):
    ended = threading.Event()

    def write():
        while not ended.is_set():
            try:
                full_server.import_ndjson([{"n": n} for n in range(1_000)])
            except (OSError, AssertionError):
                return

    def ask():
        while not ended.is_set():
            try:
                full_server.request("POST", "/clew/v1/search", {"query": "stats count() by span(@timestamp, 1m), level"})
            except OSError:
                return

    threads = [threading.Thread(target=work) for work in (write, write, ask, ask)]
    for thread in threads:
        thread.start()
    try:
        while full_server.metric("clew_http_requests_total") < 60:
            pass
        stop_in_time(full_server)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
