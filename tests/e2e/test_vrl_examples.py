"""The examples of VRL's parse functions (../shared/suites/vrl-examples) through the processors that answer to them."""
import datetime
import json
import os
import re
import subprocess

import pytest

import clew_server

EXAMPLES = os.path.join(os.path.dirname(clew_server.ROOT), "shared", "suites", "vrl-examples", "docs", "generated")

# What we do otherwise, by function and number of the example.
DIFFERENCES = {
    ("parse_json", 1): "an event is an object: an array is kept as the line it is",
    ("parse_json", 2): "an event is an object: a text is kept as the line it is",
    ("parse_json", 3): "an event is an object: a number is kept as the line it is",
    ("parse_json", 4): "an event is an object: a number is kept as the line it is",
    ("parse_json", 5): "an event is an object: a boolean is kept as the line it is",
    ("parse_json", 7): "no max_depth: members below the limit of depth are flattened, none stays text",
    ("parse_key_value", 1): "@timestamp is the event's time: a time as text goes there when it can be read",
    ("parse_key_value", 3): "kv takes pairs: a key alone is left in the message",
    ("parse_logfmt", 1): "@timestamp is the event's time: a time as text goes there when it can be read",
    ("parse_syslog", 0): "eventSource= \"Application\" is no structured data (RFC 5424, 6.3): the message is kept whole and flagged",
    ("parse_regex", 1): "groups without a name are not kept: a name costs nothing",
    ("parse_regex", 3): "groups without a name are not kept",
    ("parse_query_string", 1): "kv takes pairs, and values as they are: a key alone is left out, %2B stays",
    ("parse_query_string", 2): "kv takes values as they are: %5b%5d stays in the name",
}

# Fields of ours for VRL's names.
ACCESS = {"host": "source.address", "method": "http.request.method", "path": "url.original", "size": "http.response.body.bytes",
          "status": "http.response.status_code", "user": "user.name", "agent": "user_agent.original", "referrer": "http.request.referrer",
          "client": "source.address", "referer": "http.request.referrer", "remote_addr": "source.address", "remote_user": "user.name",
          "timestamp": "@timestamp", "body_bytes_size": "http.response.body.bytes", "http_referer": "http.request.referrer", "http_user_agent": "user_agent.original"}
ERRORS = {"severity": "level", "client": "client.address", "pid": "process.pid", "tid": "thread.name", "thread": "thread.name", "module": "logger",
          "timestamp": "@timestamp"}
SYSLOG = {"appname": "program", "hostname": "host.name", "procid": "process.pid", "msgid": "syslog.msgid", "severity": "level",
          "facility": "syslog.facility", "message": "message", "timestamp": "@timestamp"}
GLOG = {"file": "code.file", "line": "code.line", "id": "thread.name", "message": "message", "timestamp": "@timestamp"}


# Of access logs: identd's name is not kept, requests and protocols stand in url.original and http.version, times are compared by the suites of
# Filebeat; what an ingress adds behind the agent, and servers' names in errors, stay in the line and the message.
LEFT = ("identity", "protocol", "request", "compression", "cid", "host_header", "server", "port", "http_x_forwarded_for", "req_id", "request_length",
        "request_time", "proxy_upstream_name", "proxy_alternative_upstream_name", "upstream_addr", "upstream_response_length",
        "upstream_response_time", "upstream_status")


def text_of(source):
    """The first text of a VRL program, and what follows."""
    match = re.search(r"s'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", source, re.S)
    raw, escaped = match.groups()
    text = raw.replace("\\'", "'") if raw is not None else re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m.group(1), m.group(1)), escaped)
    return text, source[match.end():]


def argument(rest, name):
    match = re.search(name + r':\s*"([^"]*)"', rest)
    return match and match.group(1)


def steps_of(function, rest, source, value):
    if function == "parse_regex":
        pattern = re.search(r"r'([^']*)'", source).group(1)
        return [{"regex": {"field": "message", "pattern": pattern}}]
    if function == "parse_grok":
        pattern = re.search(r'pattern = "([^"]*)"', source).group(1)
        return [{"grok": {"field": "message", "patterns": [pattern]}}]
    if function == "parse_key_value":
        options = {"field": "message"}
        for ours, theirs in (("between", "field_delimiter"), ("equals", "key_value_delimiter")):
            if argument(rest, theirs):
                options[ours] = argument(rest, theirs)
        return [{"kv": options}]
    if function == "parse_csv":
        return [{"csv": {"field": "message", "columns": ["c0", "c1", "c2"][:len(value)], "separator": argument(rest, "delimiter") or ","}}]
    if function == "parse_common_log" and "%+" in rest:  # a layout of the time that is not Apache's
        return [{"dissect": {"pattern": '%{source.address} %{} %{user.name} [%{time}] "%{http.request.method} %{url.original} %{}" '
                                        "%{http.response.status_code|int} %{http.response.body.bytes|int}"}},
                {"timestamp": {"field": "time", "formats": ["auto"]}}]
    if function in ("parse_apache_log", "parse_nginx_log"):
        return [{"plain": {"field": "message"}} if '"error"' in rest else {"access": {"field": "message"}}]
    if function == "parse_query_string":
        return [{"replace": {"field": "message", "regex": "^\\?", "with": ""}}, {"kv": {"field": "message", "between": "&"}}]
    if function == "parse_groks":
        aliases = dict(re.findall(r'"(\w+)": "(%\{[^"]*|username=[^"]*)"', source))
        patterns = re.findall(r'"((?:%\{\w+\} ?)+)"', source[:source.index("alias")])
        return [{"grok": {"field": "message", "patterns": patterns, "definitions": aliases}}]
    return {"parse_json": [{"json": {"field": "message"}}], "parse_logfmt": [{"logfmt": {"field": "message"}}],
            "parse_common_log": [{"access": {"field": "message"}}], "parse_syslog": [{"syslog": {"field": "message"}}],
            "parse_linux_authorization": [{"syslog": {"field": "message"}}],
            "parse_klog": [{"parse": {"format": "plain", "field": "message"}}], "parse_glog": [{"parse": {"format": "plain", "field": "message"}}]}[function]


def names_of(function, rest):
    if function in ("parse_apache_log", "parse_nginx_log"):
        return ERRORS if '"error"' in rest else ACCESS
    if function == "parse_common_log":
        return ACCESS
    if function in ("parse_syslog", "parse_linux_authorization"):
        return SYSLOG
    return GLOG if function in ("parse_klog", "parse_glog") else {}


def expected_of(function, value, rest):
    """Field -> value as we say it; fields that we do not keep apart are left out."""
    if function == "parse_csv":
        return {f"c{i}": item for i, item in enumerate(value)}
    names, wanted = names_of(function, rest), {}
    for name, item in value.items():
        if function in ("parse_apache_log", "parse_nginx_log") and name in LEFT:
            continue
        if function in ("parse_apache_log", "parse_nginx_log") and name == "message" and ("method" in value or "cid" in value):
            continue  # of an access log it is the whole line; of nginx's errors the connection and what follows the reason stay in it
        if name == "host" and "cid" in value:
            continue
        if name == "client" and "port" in value:
            item = f"{item}:{value['port']}"
        if function == "parse_common_log" and name in ("identity", "message", "protocol", "timestamp"):
            continue  # identd's name is not kept; the others stand in url.original, http.version, @timestamp
        if function == "parse_syslog" and (name == "version" or isinstance(item, dict)):
            if isinstance(item, dict):
                wanted.update({f"syslog.{name}.{key}": inner for key, inner in item.items()})
            continue
        if function in ("parse_klog", "parse_glog") and name == "level":
            continue  # the letter of the line: I for info, compared as a level all the same
        wanted[names.get(name, name)] = item
    return wanted


def cases():
    if not os.path.isdir(EXAMPLES):
        return
    for function in ("parse_klog", "parse_glog", "parse_common_log", "parse_csv", "parse_key_value", "parse_logfmt", "parse_json", "parse_grok",
                     "parse_regex", "parse_syslog", "parse_linux_authorization", "parse_apache_log", "parse_nginx_log", "parse_groks", "parse_query_string"):
        with open(os.path.join(EXAMPLES, function + ".json"), encoding="utf-8") as file:
            for number, example in enumerate(json.load(file)["examples"]):
                if "return" in example:
                    yield pytest.param(function, number, example, id=f"{function}-{number}")


def same(function, name, got, want):
    if name == "@timestamp" and function in ("parse_klog", "parse_glog", "parse_syslog", "parse_linux_authorization", "parse_common_log", "parse_groks", "parse_apache_log", "parse_nginx_log"):
        # The year of a time without one is that of the day on which it is read.
        def read(text):
            return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00").replace(" ", "T")).replace(year=2000, tzinfo=None)
        return read(got) == read(want)
    return got == want or str(got) == str(want)


def test_the_suite_is_read():
    if not os.path.isdir(EXAMPLES):
        pytest.skip("../shared/suites is not there")
    known = {(case.values[0], case.values[1]) for case in cases()}
    assert set(DIFFERENCES) <= known, "each difference is one of a case"
    print(f"\nvrl-examples: {len(known) - len(DIFFERENCES)} of {len(known)} as VRL has them, {len(DIFFERENCES)} named differences")


@pytest.mark.parametrize("function, number, example", cases())
def test_example(function, number, example, tmp_path):
    if (function, number) in DIFFERENCES:
        return
    text, rest = text_of(example["source"])
    steps = "\n".join("- " + json.dumps(step) for step in steps_of(function, rest, example["source"], example["return"]))
    ran = subprocess.run([clew_server.BINARY, "pipeline", "try", "--quiet", "--format", "raw", "--steps", steps, text],
                         capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    event = json.loads(ran.stdout)
    for name, want in expected_of(function, example["return"], rest).items():
        assert name in event and same(function, name, event[name], want), f"{name}: {event.get(name)!r} for {want!r} in {event}"
