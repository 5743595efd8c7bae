"""Fixtures of the client's tests. They run against the package in src/, on whatever Python runs pytest."""
import logging
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE_ROOT = os.path.join(os.path.dirname(HERE), "src")
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, PACKAGE_ROOT)
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "e2e"))  # clew_server: the real binary

import clew  # noqa: E402
from clew import context, goals  # noqa: E402


@pytest.fixture(autouse=True)
def no_scope(monkeypatch):
    """Each test begins without a request, without the environment's settings, and leaves logging as it was."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "CLEW_")) and name != "CLEW_BIN" or name in ("TRACEPARENT", "TRACESTATE"):
            monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    context.clear()
    yield
    context.clear()
    root.handlers[:] = handlers
    root.setLevel(level)


class Collector(logging.Handler):
    """Keeps each record as clew would send it."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(clew.fields_of(record))

    def of_event(self, event):
        return [line for line in self.lines if line.get("event") == event]


@pytest.fixture
def collected():
    """A handler on the root logger, at level DEBUG."""
    handler = Collector()
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    assert goals.LOGGER
    return handler


@pytest.fixture
def clew_binary():
    import clew_server
    if not os.path.exists(clew_server.BINARY):
        pytest.skip(f"no program at {clew_server.BINARY}: build it, or set CLEW_BIN")
    return clew_server.BINARY


@pytest.fixture
def make_server(clew_binary, tmp_path):
    """Starts real servers that end with the test."""
    import clew_server
    started = []

    def make(*args, data=None):
        server = clew_server.Server(data or tmp_path / f"data{len(started)}", args)
        started.append(server)
        return server.start()

    yield make
    for server in started:
        if server.process is not None:
            server.kill()


@pytest.fixture
def server(make_server):
    return make_server()
