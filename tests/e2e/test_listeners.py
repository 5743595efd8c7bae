"""Listeners of a server and of an agent: syslog from rsyslog, syslog-ng and logger(1), lines of JSON."""
import json
import os
import shutil
import signal
import socket
import subprocess

import pytest

import foreign
from test_agent import make_agent, wait_for  # noqa: F401


def config(tmp_path, text):
    path = tmp_path / "clew.yaml"
    path.write_text(text)
    return str(path)


def address(where):
    host, port = where.rsplit(":", 1)
    return host, int(port)


def of_source(server, name="net"):
    return server.listening["sources"][name]


def send_tcp(where, data):
    with socket.create_connection(address(where), timeout=10) as connection:
        connection.sendall(data)


def send_udp(where, *datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, address(where))


def stored(server, count, dataset="net", by=None):
    """Waits for so many events; `by` is the process that sends them."""
    def there():
        assert by is None or by.poll() is None, "the sender has ended"
        reply = server.post("/_plugins/_ppl", {"query": f"source={dataset} | stats count() as n"})
        return reply.status == 200 and reply.json()["datarows"][0][0] >= count
    wait_for(there, f"{count} events in {dataset}")
    assert server.count(dataset) == count


SYSLOG = "sources:\n  net: {type: syslog, listen: '127.0.0.1:0', dataset: net}\n"


def test_syslog_over_udp_and_tcp_gets_its_fields(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, SYSLOG))
    at = of_source(server)
    send_udp(at["udp"],
             b"<165>1 2026-11-30T10:00:00.003Z web1.example shop 2341 ID47 [meta@1 seq=\"7\" q=\"a \\\"b\\\"\"] first",
             b"<34>Nov 30 10:00:01 web2 su[77]: 'su root' failed\n",
             b"<13>no time and no host")
    send_tcp(at["tcp"], b"<13>1 2026-11-30T10:00:03Z web3 a - - - line one\n<13>1 2026-11-30T10:00:04Z web3 a - - - line two")
    counted = b"".join(b"%d %s" % (len(m), m) for m in
                       [b"<13>1 2026-11-30T10:00:05Z web4 a - - - two\nlines", b"<13>1 2026-11-30T10:00:06Z web4 a - - - next"])
    send_tcp(at["tcp"], counted)
    stored(server, 7)
    rows = {row["message"]: row for row in server.rows(
        "source=net | fields message, host.name, program, process.pid, syslog.msgid, syslog.facility, level, log.source.address, "
        "`@timestamp`, `syslog.meta@1.seq`, `syslog.meta@1.q`")}
    first = rows["first"]
    assert first["host.name"] == "web1.example" and first["program"] == "shop" and first["process.pid"] == 2341
    assert first["syslog.msgid"] == "ID47" and first["syslog.facility"] == "local4" and first["level"] == "notice"
    assert first["syslog.meta@1.seq"] == "7" and first["syslog.meta@1.q"] == 'a "b"'
    assert first["log.source.address"] == "127.0.0.1" and first["@timestamp"].startswith("2026-11-30 10:00:00.003")
    assert rows["'su root' failed"]["host.name"] == "web2" and rows["'su root' failed"]["process.pid"] == 77
    assert rows["no time and no host"]["level"] == "notice"
    assert {"line one", "line two", "two\nlines", "next"} <= set(rows)
    assert server.metric("clew_events_received_total", source="net") == 7
    assert server.metric("clew_events_stored_total", source="net") == 7
    assert server.metric("clew_listener_datagrams_total", source="net") == 3
    server.assert_counts_add_up()


def test_messages_keep_their_bytes_where_asked(make_server, tmp_path):
    both = "".join(f"  {name}: {{type: syslog, listen: '127.0.0.1:0', protocol: udp, dataset: {name}, raw: {raw}}}\n" for name, raw in
                   (("with", "yes"), ("without", "no")))
    server = make_server("--config", config(tmp_path, "sources:\n" + both))
    message = b"<165>1 2026-11-30T10:00:00.003+01:00 web1.example shop 7 - - first"
    for name in ("with", "without"):
        send_udp(of_source(server, name)["udp"], message)
        stored(server, 1, name)
    assert server.cli("query", "--raw", "source=with").stdout.encode().rstrip() == message
    assert "<165>" not in server.cli("query", "--raw", "source=without").stdout


def test_what_is_no_syslog_is_kept_or_counted(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, "sources:\n  net: {type: syslog, listen: '127.0.0.1:0', dataset: net, "
                                                      "message: 1KiB, connections: 2}\n"))
    at = of_source(server)
    send_udp(at["udp"], b"\xff\xfe rubbish", b"", b"<999>1 x", b"<13>1 not-a-time")
    send_tcp(at["tcp"], b"<13>" + b"x" * 5000 + b"\n<13>after\n")
    send_tcp(at["tcp"], b"9 <13>first" + b"rubbish that has no length")
    stored(server, 3 + 2 + 1)
    assert server.rows("source=net | where message = 'after' | stats count() as n")[0]["n"] == 1
    wait_for(lambda: server.metric("clew_events_rejected_total", source="net", reason="syntax") == 1, "the broken frame")
    assert server.metric("clew_listener_connections_closed_total", source="net", reason="invalid") == 1
    held = [socket.create_connection(address(at["tcp"])) for _ in range(2)]
    wait_for(lambda: server.metric("clew_listener_connections_total", source="net") == 4, "two open connections")
    with socket.create_connection(address(at["tcp"]), timeout=10) as third:
        assert third.recv(1) == b""
    assert server.metric("clew_listener_connections_refused_total", source="net") == 1
    for connection in held:
        connection.close()
    server.assert_counts_add_up()


def test_json_lines_over_tcp_and_udp(make_server, tmp_path):
    server = make_server("--config", config(tmp_path, "sources:\n  net: {type: json, listen: '127.0.0.1:0', dataset: net}\n"))
    at = of_source(server)
    event = {"@timestamp": "2026-11-30T10:00:00.123Z", "@version": "1", "message": "paid", "logger_name": "shop.Pay", "level": "INFO",
             "level_value": 20000, "nested": {"a": [1, 2]}}
    lines = "".join(json.dumps({**event, "n": n}) + "\r\n" for n in range(1000)).encode()
    with socket.create_connection(address(at["tcp"]), timeout=10) as connection:
        for begin in range(0, len(lines), 777):
            connection.sendall(lines[begin:begin + 777])
    send_udp(at["udp"], json.dumps({**event, "n": -1}).encode(), b"no json")
    stored(server, 1002)
    row = server.rows("source=net | where n = 999 | fields message, level, log.source.address")[0]
    assert row["message"] == "paid" and row["level"] == "INFO" and row["log.source.address"] == "127.0.0.1"
    assert server.rows("source=net | where message = 'no json' | stats count() as n")[0]["n"] == 1
    assert server.rows("source=net | where n >= 0 | stats sum(n) as s")[0]["s"] == 499500


def test_an_address_beyond_loopback_is_refused(make_server, tmp_path):
    path = config(tmp_path, "sources:\n  net: {type: syslog, listen: '0.0.0.0:0', dataset: net}\n")
    with pytest.raises(RuntimeError, match="nobody has to authenticate"):
        make_server("--config", path)


def test_a_type_or_transport_that_cannot_be_is_told_with_the_fix(server, tmp_path):
    path = config(tmp_path, "sources:\n  a: {type: syslogg}\n  b: {type: syslog}\n  c: {type: json, listen: x:1, protocol: sctp}\n")
    said = server.cli("check", path, check=False)
    assert said.returncode != 0
    told = said.stdout + said.stderr
    assert "syslogg" in told and "sources.b lacks listen: write listen: 127.0.0.1:5514" in told and "sctp" in told


def agent_config(tmp_path, server, sources):
    return config(tmp_path, f"agent: {{servers: ['{server.url}']}}\nsources:\n{sources}")


def test_an_agent_takes_syslog_through_an_outage_of_the_server(server, make_agent, tmp_path):  # noqa: F811
    agent = make_agent("--config", agent_config(tmp_path, server,
                                                "  net: {type: syslog, listen: '127.0.0.1:0', dataset: net}\n"))
    server.listen = server.listening["http"]
    tcp = agent.ready["sources"]["net"]["tcp"]
    send_tcp(tcp, b"".join(b"<13>1 2026-11-30T10:00:00Z h a - - - before %d\n" % n for n in range(5000)))
    stored(server, 5000)
    server.kill()
    send_tcp(tcp, b"".join(b"<13>1 2026-11-30T10:00:00Z h a - - - during %d password=hunter2\n" % n for n in range(5000)))
    wait_for(lambda: agent.metric("clew_agent_queue_events") == 5000, "events in the queue")
    server.start()
    stored(server, 10000)
    assert server.rows("source=net | where message like '%hunter2%' | stats count() as n")[0]["n"] == 0
    assert agent.end() == 0


def test_what_was_sent_before_a_stop_is_stored(make_server, tmp_path):
    path = config(tmp_path, SYSLOG)
    server = make_server("--config", path)
    at = of_source(server)
    with socket.create_connection(address(at["tcp"]), timeout=10) as connection:
        connection.sendall(b"".join(b"<13>1 2026-11-30T10:00:00Z h a - - - line %d\n" % n for n in range(20000)))
        send_udp(at["udp"], *[b"<13>1 2026-11-30T10:00:00Z h a - - - datagram %d" % n for n in range(100)])
        wait_for(lambda: server.metric("clew_listener_connections_total", source="net") == 1, "the connection")
        assert server.stop() == 0
    server.start()
    assert server.count("net") == 20100


# Real senders.

def test_logger_writes_to_a_unix_socket_udp_and_tcp(make_server, tmp_path):
    if not shutil.which("logger"):
        foreign.give_up("logger is not installed")
    path = tmp_path / "log.sock"
    server = make_server("--config", config(tmp_path, SYSLOG + f"  local: {{type: syslog, listen: {path}, dataset: net}}\n"))
    host, port = address(of_source(server)["udp"])
    subprocess.run(["logger", "--socket", path, "-t", "tool", "-p", "user.err", "over the socket"], check=True)
    subprocess.run(["logger", "-n", host, "-P", str(port), "-d", "-t", "tool", "--rfc3164", "over udp, old"], check=True)
    subprocess.run(["logger", "-n", host, "-P", str(port), "-d", "-t", "tool", "--rfc5424", "over udp, new"], check=True)
    host, port = address(of_source(server)["tcp"])
    subprocess.run(["logger", "-n", host, "-P", str(port), "-T", "-t", "tool", "over tcp"], check=True)
    subprocess.run(["logger", "-n", host, "-P", str(port), "-T", "--octet-count", "-t", "tool", "over tcp, counted"], check=True)
    stored(server, 5)
    rows = {row["message"]: row for row in server.rows("source=net | fields message, program, level, host.name")}
    assert set(rows) == {"over the socket", "over udp, old", "over udp, new", "over tcp", "over tcp, counted"}
    assert {row["program"] for row in rows.values()} == {"tool"}
    assert rows["over the socket"]["level"] == "err"
    assert {row["host.name"].split(".")[0] for row in rows.values()} == {os.uname().nodename.split(".")[0]}


@pytest.fixture(scope="session")
def rsyslog():
    path, root, env = foreign.debian_program("rsyslog", ["rsyslog", "libestr0", "libfastjson4", "liblognorm5"], "usr/sbin/rsyslogd")
    return path, os.path.join(root, "usr/lib/x86_64-linux-gnu/rsyslog"), env


@pytest.mark.parametrize("forward", ["Protocol='udp' Template='RSYSLOG_SyslogProtocol23Format'",
                                     "Protocol='udp' Template='RSYSLOG_TraditionalForwardFormat'",
                                     "Protocol='tcp' TCP_Framing='octet-counted' Template='RSYSLOG_SyslogProtocol23Format'",
                                     "Protocol='tcp' Template='RSYSLOG_ForwardFormat'"])
def test_rsyslog_forwards(make_server, rsyslog, tmp_path, forward):
    program, modules, env = rsyslog
    server = make_server("--config", config(tmp_path, SYSLOG))
    host, port = address(of_source(server)["udp" if "udp" in forward else "tcp"])
    log = tmp_path / "in.log"
    log.write_text("".join(f"line {n}\n" for n in range(2000)))
    conf = tmp_path / "rsyslog.conf"
    conf.write_text("module(load='imfile')\n"
                    f"global(workDirectory='{tmp_path}' localHostname='box7')\n"
                    f"input(type='imfile' File='{log}' Tag='shop:' Severity='warning' Facility='local3')\n"
                    f"action(type='omfwd' Target='{host}' Port='{port}' {forward})\n".replace("'", '"'))
    process = subprocess.Popen([program, "-n", "-f", conf, "-i", tmp_path / "pid", "-M", modules], env=env)
    try:
        stored(server, 2000, by=process)
    finally:
        process.terminate()
        process.wait(20)
    rows = server.rows("source=net | stats count() as n by host.name, program, level, syslog.facility")
    assert rows == [{"n": 2000, "host.name": "box7", "program": "shop", "level": "warning", "syslog.facility": "local3"}]
    assert server.rows("source=net | stats distinct_count(message) as n")[0]["n"] == 2000


@pytest.mark.parametrize("destination", ["syslog('{host}' port({tcp}) transport('tcp'))", "network('{host}' port({tcp}))",
                                         "syslog('{host}' port({udp}) transport('udp'))"])
def test_syslog_ng_forwards(make_server, tmp_path, destination):
    libraries = ("usr/lib/x86_64-linux-gnu", "usr/lib/syslog-ng")
    program, root, env = foreign.debian_program("syslog-ng", ["syslog-ng-core", "libivykis0", "libnet1", "libwrap0"], "usr/sbin/syslog-ng", libraries)
    server = make_server("--config", config(tmp_path, SYSLOG))
    at = of_source(server)
    host, tcp = address(at["tcp"])
    log = tmp_path / "in.log"
    log.write_text("".join(f"<28>Nov 30 10:00:00 box8 shop[12]: line {n}\n" for n in range(2000)))
    conf = tmp_path / "syslog-ng.conf"
    where = destination.format(host=host, tcp=tcp, udp=address(at["udp"])[1])
    conf.write_text("@version: 3.38\noptions { keep-hostname(yes); };\n"
                    f"source s {{ file('{log}' follow-freq(1)); }};\ndestination d {{ {where}; }};\nlog {{ source(s); destination(d); }};\n")
    process = subprocess.Popen([program, "-F", "-f", conf, f"--module-path={root}/usr/lib/syslog-ng/3.38", "-R", tmp_path / "persist",
                                "-p", tmp_path / "pid", "-c", tmp_path / "ctl", "--no-caps"], env=env)
    try:
        stored(server, 2000, by=process)
    finally:
        process.terminate()
        process.wait(20)
    rows = server.rows("source=net | stats count() as n by host.name, program, level, process.pid")
    assert rows == [{"n": 2000, "host.name": "box8", "program": "shop", "level": "warning", "process.pid": 12}]


def test_a_changed_listener_is_told_to_take_a_restart(make_server, tmp_path):
    path = config(tmp_path, SYSLOG)
    server = make_server("--config", path)
    config(tmp_path, SYSLOG.replace("dataset: net", "dataset: other"))
    os.kill(server.pid, signal.SIGHUP)
    assert server.wait_log("sources: changes at the next start")
