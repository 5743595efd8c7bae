"""JSON lines in each vocabulary, the structured logger, samplers, redaction, files."""
import io
import json
import logging
import re

import pytest

import clew
from clew import limits, redact
from clew.files import RotatingFileHandler, StdoutHandler
from clew.structured import JsonFormatter, severity_number


def record(msg="sold %d %s", args=(3, "pears"), level=logging.WARNING, **extra):
    made = logging.LogRecord("shop.till", level, "/srv/till.py", 42, msg, args, None, "sell")
    made.__dict__.update(extra)
    return made


def failed_record():
    try:
        raise ValueError("no\nstock")
    except ValueError:
        import sys
        return logging.LogRecord("shop", logging.ERROR, "/srv/till.py", 42, "failed", (), sys.exc_info(), "sell")


def line(names, made, **options):
    text = JsonFormatter(names, service="till", **options).format(made)
    assert "\n" not in text
    return json.loads(text)


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


def test_record_names():
    made = line("record", record(amount=50))
    assert TIME.match(made["@timestamp"]) and made["message"] == "sold 3 pears" and made["args"] == [3, "pears"]
    assert made["levelname"] == "WARNING" and made["funcName"] == "sell" and made["amount"] == 50
    assert made["service.name"] == "till" and made["host.name"]


def test_logstash_names():
    made = line("logstash", failed_record())
    assert TIME.match(made["@timestamp"]) and made["@version"] == 1 and made["source_host"]
    assert made["message"] == "failed" and made["levelname"] == "ERROR" and made["name"] == "shop"
    assert made["exception"][0].startswith("Traceback") and made["exception"][-1] == "stock"


def test_ecs_names():
    made = line("ecs", failed_record())
    assert list(made)[:4] == ["@timestamp", "log.level", "message", "ecs.version"]
    assert made["log.level"] == "error" and made["log.logger"] == "shop" and made["log.origin.file.line"] == 42
    assert made["log.origin.function"] == "sell" and made["process.pid"] and made["process.thread.name"]
    assert made["error.type"] == "ValueError" and made["error.stack_trace"].startswith("Traceback")


def test_otel_names():
    with clew.goal("g") as goal:
        made = line("otel", record(amount=50))
    assert made["body"] == "sold 3 pears" and made["severityText"] == "WARNING" and made["severityNumber"] == 13
    assert (made["traceId"], made["spanId"]) == (goal.trace_id, goal.span_id)
    assert made["attributes"]["code.line.number"] == 42 and made["attributes"]["amount"] == 50
    assert made["resource"]["service.name"] == "till"


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="expected one of ecs, logstash, otel, record"):
        JsonFormatter("splunk")


def test_the_time_is_utc_whatever_the_zone(monkeypatch):
    import time
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    time.tzset()
    try:
        made = record()
        made.created = 1762799445.123456
        assert line("ecs", made)["@timestamp"] == "2025-11-10T18:30:45.123456Z"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("level, number", [(5, 1), (10, 5), (20, 9), (25, 11), (30, 13), (40, 17), (50, 21), (90, 24)])
def test_severities(level, number):
    assert severity_number(level) == number


def test_wrong_arguments_keep_both():
    assert line("record", record(msg="%d of %d", args=("x",)))["message"] == "%d of %d ['x']"


def test_messages_that_are_no_text():
    assert line("record", record(msg={"event": "x"}, args=()))["message"] == "{'event': 'x'}"
    assert line("record", record(msg=ValueError("bad"), args=()))["msg"] == "bad"


# --- the structured logger

def test_get_logger(collected):
    log = clew.get_logger("order-service")
    log.info("order_processed", user="alice", order_id=12345, amount=50)
    (made,) = collected.lines
    assert made["event"] == made["message"] == "order_processed" and made["service.name"] == "order-service"
    assert (made["user"], made["order_id"], made["amount"]) == ("alice", 12345, 50)
    assert made["name"] == "order-service" and made["funcName"] == "test_get_logger"
    assert made["filename"] == "test_structured.py"


def test_get_logger_any_field_name(collected):
    clew.get_logger("users").info("user_created", name="alice", message="hello", module="billing", args=[1], level="gold",
                                  created="yesterday", thread=7, event_id=3)
    (made,) = collected.lines
    assert made["name"] == "alice" and made["module"] == "billing" and made["fields.message"] == "hello"
    assert made["fields.args"] == [1] and made["fields.created"] == "yesterday" and made["message"] == "user_created"


def test_get_logger_bind_exception_and_levels(collected):
    log = clew.get_logger("s", region="NY").bind(order=7)
    assert log.set_request_id("r-9") == "r-9"
    try:
        raise KeyError("k")
    except KeyError:
        log.exception("lookup_failed")
    log.log(logging.DEBUG, "fine")
    logging.getLogger("s").setLevel(logging.ERROR)
    try:
        log.warning("not told")
    finally:
        logging.getLogger("s").setLevel(logging.NOTSET)
    error, fine = collected.lines
    assert error["region"] == "NY" and error["order"] == 7 and error["error.type"] == "KeyError"
    assert error["request_id"] == fine["request_id"] == "r-9"


# --- samplers

def test_every_n_is_exact_in_weight(collected):
    log = clew.get_logger("poll").every(10_000)
    for n in range(25_000):
        log.info("polled", n=n)
    log._sampler.finish()
    assert [made["n"] for made in collected.lines] == [0, 10_000, 20_000, 24_999]
    assert sum(made.get("weight", 1) for made in collected.lines) == 25_000


def test_every_as_a_filter_of_any_logger(collected):
    logger = logging.getLogger("noisy")
    chosen = limits.Every(100)
    logger.addFilter(chosen)
    try:
        for _ in range(250):
            logger.info("a")
        for _ in range(5):
            logger.info("b")
        chosen.finish()
    finally:
        logger.removeFilter(chosen)
    weight = {"a": 0, "b": 0}
    for made in collected.lines:
        weight[made["message"]] += made.get("weight", 1)
    assert weight == {"a": 250, "b": 5} and len(collected.lines) == 3 + 1 + 1 + 1


def test_rate_limit(collected):
    now = [0.0]
    logger = logging.getLogger("burst")
    chosen = limits.RateLimit(per_second=10, burst=5, clock=lambda: now[0])
    logger.addFilter(chosen)
    try:
        for step in range(100):
            now[0] = step * 0.01
            logger.info("x")
    finally:
        chosen.finish()
        logger.removeFilter(chosen)
    assert 13 <= len(collected.lines) <= 16
    assert sum(made.get("weight", 1) for made in collected.lines) == 100


# --- secrets

@pytest.mark.parametrize("text, want", [
    ("password=hunter2 ok", "password=[redacted] ok"),
    ('{"password": "hun\'ter 2", "a": 1}', '{"password": [redacted], "a": 1}'),
    ("GET /?api_key=k123&x=1", "GET /?api_key=[redacted]&x=1"),
    ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
    ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted]"),
    ("X-Auth-Token: s3cr3t", "X-Auth-Token: [redacted]"),
    ("postgres://bob:pa55@db/x", "postgres://bob:[redacted]@db/x"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def end", "jwt [redacted] end"),
    ("key AKIAIOSFODNN7EXAMPLE used", "key [redacted] used"),
    ("card 4111 1111 1111 1111 ok", "card [redacted card] ok"), ("4111-1111-1111-1111", "[redacted card]"),
    ("amex 378282246310005", "amex [redacted card]"),
    # What looks like it and is none.
    ("card 4111111111111112", "card 4111111111111112"), ("order 1762799445123456", "order 1762799445123456"),
    ("took 4111111111111111.5 ms", "took 4111111111111111.5 ms"), ("a token was expired", "a token was expired"),
    ("password: missing", "password: missing"), ("the monkey = 3", "the monkey = 3"), ("primary key: 7", "primary key: 7"),
    ("a4111111111111111", "a4111111111111111"),
])
def test_texts(text, want):
    assert redact.redact_text(text)[0] == want
    assert redact.redact_text(text)[1] == (text != want)


@pytest.mark.parametrize("name, secret", [
    ("password", True), ("db_password", True), ("Authorization", True), ("apiKey", True), ("x-api-key", True),
    ("token", True), ("access_token", True), ("user.pwd", True), ("set-cookie", True), ("client_secret", True),
    ("monkey", False), ("token_count", False), ("passenger", False), ("key", False), ("compass", False), ("pinned", False),
    ("tokens", False), ("author", False),
])
def test_names(name, secret):
    assert redact.is_secret_name(name) is secret


def test_fields_and_what_is_deep_in_them():
    fields = {"message": "in", "form": {"user": "al", "password": "x", "cards": ["4111111111111111", 5]}, "token": None,
              "password_set": True, "card": 4111111111111111, "thread": 4111111111111111, "args": ["x"]}
    assert redact.redact_fields(fields) == 3
    assert fields["form"] == {"user": "al", "password": "[redacted]", "cards": ["[redacted card]", 5]}
    assert fields["token"] is None and fields["thread"] == 4111111111111111 and fields["args"] == "[redacted]"


# --- files

def test_rotation_loses_no_line(tmp_path):
    path = tmp_path / "app.json"
    handler = RotatingFileHandler(str(path), service="till", bytes_max=20_000, files_max=100)
    logger = logging.getLogger("file.test")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    for n in range(500):
        logger.info("line", extra={"n": n, "password": "hunter2"})
    logger.removeHandler(handler)
    handler.close()
    files = sorted(tmp_path.iterdir(), key=lambda each: -int(each.suffix[1:]) if each.suffix[1:].isdigit() else 0)
    assert len(files) > 5
    lines = [json.loads(text) for file in files for text in file.read_text().splitlines()]
    assert [made["n"] for made in lines] == list(range(500)) and all(made["password"] == "[redacted]" for made in lines)


def test_stdout():
    stream = io.StringIO()
    handler = StdoutHandler(service="till", names="ecs", stream=stream, region="NY")
    handler.emit(record())
    made = json.loads(stream.getvalue())
    assert made["message"] == "sold 3 pears" and made["region"] == "NY"
