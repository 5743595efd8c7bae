"""Loggers of Node.js, Java and Python over the transports that they are used with. Counts and fields equal what was logged."""
import json
import os
import shutil
import subprocess

import pytest

import clew_server
import foreign
from test_agent import count_of, make_agent, wait_for  # noqa: F401
from test_listeners import address, config, of_source, stored

JAVA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "java")
JSON_LINES = "sources:\n  net: {type: json, listen: '127.0.0.1:0', dataset: net}\n"


def test_pino_over_tcp(make_server, node, tmp_path):
    server = make_server("--config", config(tmp_path, JSON_LINES))
    node("pino_socket.mjs", address(of_source(server)["tcp"])[1], 500)
    stored(server, 500)
    assert server.rows("source=net level>=error | stats count() as n") == [{"n": 100}]
    assert server.rows("source=net | stats sum(n) as s") == [{"s": 500 * 499 // 2}]
    row = server.rows("source=net n=499 | fields message, service.name, err.message, error.type")[0]
    assert row == {"message": "order failed", "service.name": "checkout", "err.message": "no stock for item 499", "error.type": "Error"}


def test_winston_over_http(server, node):
    host, port = address(server.listening["http"])
    assert node("winston_http.mjs", host, port, "/api/v1/import?dataset=winston", 100) == "0"
    assert server.rows("source=winston | stats count() as n, sum(n) as s") == [{"n": 100, "s": sum(n for n in range(100) if n % 5 != 4)}]
    assert server.rows("source=winston level=error | stats count() as n") == [{"n": 20}]
    row = server.rows("source=winston \"card 99 refused\" | fields message, service.name, level")[0]
    assert row == {"message": "card 99 refused", "service.name": "payment", "level": "error"}


@pytest.fixture(scope="session")
def logback():
    """The class path of logback with logstash-logback-encoder."""
    if not shutil.which("java") or not shutil.which("javac") or not shutil.which("mvn"):
        foreign.give_up("java, javac and mvn are not installed")
    folder = os.path.join(clew_server.ROOT, "build", "java")
    if not os.path.isdir(os.path.join(folder, "lib")):
        os.makedirs(folder, exist_ok=True)
        foreign.fetch("logback", "mvn", "-q", "-B", "-f", os.path.join(JAVA, "pom.xml"), "dependency:copy-dependencies",
                      "-DoutputDirectory=" + os.path.join(folder, "part"))
        os.rename(os.path.join(folder, "part"), os.path.join(folder, "lib"))
    return os.path.join(folder, "lib", "*")


def run_java(class_path, xml, tmp_path, count):
    path = tmp_path / "logback.xml"
    path.write_text(f"<configuration><import class='net.logstash.logback.encoder.LogstashEncoder'/>{xml}"
                    "<root level='DEBUG'><appender-ref ref='A'/></root></configuration>")
    done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-cp", class_path, f"-Dlogback.configurationFile={path}", os.path.join(JAVA, "Shop.java"),
                           str(count)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def check_java(server):
    assert server.rows("source=net level=error | stats count() as n") == [{"n": 100}]
    assert server.rows("source=net | stats sum(n) as s") == [{"s": sum(n for n in range(500) if n % 5 != 4)}]
    row = server.rows("source=net \"order 499 failed\" | fields message, level, logger, thread.name, request_id, error.type, error.stack")[0]
    stack = row.pop("error.stack")
    assert row == {"message": "order 499 failed", "level": "ERROR", "logger": "com.shop.Cart", "thread.name": "main", "request_id": "req-42",
                   "error.type": "java.lang.IllegalStateException"}
    assert stack.startswith("java.lang.IllegalStateException: no stock for item 499\n\tat Shop.main(")


def test_logback_over_tcp(make_server, tmp_path, logback):
    server = make_server("--config", config(tmp_path, JSON_LINES))
    where = of_source(server)["tcp"]
    run_java(logback, "<appender name='A' class='net.logstash.logback.appender.LogstashTcpSocketAppender'>"
                      f"<destination>{where}</destination><encoder class='LogstashEncoder'/></appender>", tmp_path, 500)
    stored(server, 500)
    check_java(server)


def test_logback_s_default_pattern_in_a_file(server, make_agent, tmp_path, logback):  # noqa: F811
    log = tmp_path / "shop.log"
    run_java(logback, f"<appender name='A' class='ch.qos.logback.core.FileAppender'><file>{log}</file><encoder><pattern>"
                      "%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} -%kvp- %msg%n</pattern></encoder></appender>", tmp_path, 500)
    make_agent("--url", server.url, "--dataset", "net", str(log))
    wait_for(lambda: count_of(server, "net") == 500, "500 events, traces whole")
    row = server.rows("source=net \"order 499 failed\" | fields level, logger, thread.name, error.type, error.stack")[0]
    assert row.pop("error.stack").startswith("java.lang.IllegalStateException: no stock for item 499\n\tat ")
    assert row == {"level": "ERROR", "logger": "com.shop.Cart", "thread.name": "main", "error.type": "java.lang.IllegalStateException"}
    assert server.rows("source=net level=error | stats count() as n") == [{"n": 100}]


PYTHON = r"""
import json, logging, sys, time
class JsonFormatter(logging.Formatter):
    def format(self, record):
        out = {"timestamp": self.formatTime(record), "level": record.levelname, "logger": record.name, "message": record.getMessage(),
               "request_id": getattr(record, "request_id", None)}
        if record.exc_info:
            out["exception"] = self.formatException(record.exc_info)
        return json.dumps(out)
kind, path = sys.argv[1:3]
handler = logging.FileHandler(path)
handler.setFormatter(JsonFormatter() if kind == "json" else logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
logging.basicConfig(level=logging.DEBUG, handlers=[handler])
log = logging.getLogger("shop.cart")
for n in range(500):
    if n % 5 == 4:
        try:
            {}[f"item {n}"]
        except KeyError:
            log.exception("order %d failed", n, extra={"request_id": f"req-{n}"})
    else:
        log.info("order %d placed", n, extra={"request_id": f"req-{n}"})
"""


@pytest.mark.parametrize("kind", ["json", "plain"])
def test_python_s_logging_while_an_agent_follows(server, make_agent, tmp_path, kind):  # noqa: F811
    log = tmp_path / "app.log"
    make_agent("--url", server.url, "--dataset", "net", str(tmp_path / "*.log"))
    done = subprocess.run(["python3", "-c", PYTHON, kind, log], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: count_of(server, "net") == 500, "500 events, traces whole")
    row = server.rows("source=net \"order 499 failed\" | fields message, level, logger, error.type, error.stack")[0]
    assert row["error.stack"].startswith("Traceback (most recent call last)") and row["error.stack"].endswith("KeyError: 'item 499'")
    assert (row["message"], row["level"], row["logger"], row["error.type"]) == ("order 499 failed", "ERROR", "shop.cart", "KeyError")
    assert server.rows("source=net level=error | stats count() as n") == [{"n": 100}]
    if kind == "json":
        assert server.rows("source=net request_id = 'req-499' | stats count() as n") == [{"n": 1}]
