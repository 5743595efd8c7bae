"""Fixtures of the end-to-end tests: `server` is a running clew on an empty store."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import clew_server  # noqa: E402
import foreign  # noqa: E402


@pytest.fixture
def make_server(tmp_path):
    """Starts servers that end with the test: make_server(*flags)."""
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


@pytest.fixture(scope="session")
def shared_data():
    if not os.path.isdir(clew_server.SHARED_DATA):
        pytest.skip("../shared/data is not there")
    return clew_server.SHARED_DATA


@pytest.fixture(scope="session")
def node():
    """Runs a script of tests/e2e/node; gives its standard output."""
    return foreign.node_runner()


@pytest.fixture(scope="session")
def otel_python():
    """A Python with OpenTelemetry's SDK."""
    modules = "opentelemetry.exporter.otlp.proto.http.trace_exporter, opentelemetry.exporter.otlp.proto.grpc.metric_exporter"
    return foreign.python_with("otel", modules, "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http",
                               "opentelemetry-exporter-otlp-proto-grpc")
