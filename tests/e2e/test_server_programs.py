"""Logs of real servers, followed by an agent while they write: PostgreSQL, MariaDB, nginx. Counts and fields equal what was done.
And what Filebeat's modules make of logs of MySQL and PostgreSQL, beside what the agent makes of them."""
import collections
import datetime
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

import clew_server
import foreign
from test_agent import count_of, make_agent, wait_for  # noqa: F401

SUITES = os.path.join(os.path.dirname(clew_server.SHARED_DATA), "suites")


def agent_config(tmp_path, server, sources, pipelines=None):
    path = tmp_path / "agent.yaml"
    path.write_text(json.dumps({"agent": {"servers": [server.url]}, "sources": sources, "pipelines": pipelines or {}}))  # JSON is YAML
    return path


# --- Filebeat's modules -------------------------------------------------------------------------------------------------

# Ours for a module's name, and what it takes to compare them.
FIELDS = {"@timestamp": "@timestamp", "log.level": "level", "mysql.thread_id": "db.thread_id", "event.code": "event.code",
          "event.provider": "event.provider", "process.pid": "process.pid", "postgresql.log.database": "db.name", "user.name": "db.user",
          "event.duration": "duration_ms", "message": "message"}
# MySQL begins events with a time of two forms; what has none goes on with the event before, as a module has it too.
MYSQL_BEGINS = "^([0-9]{4}-|[0-9]{6} )"

# What we say otherwise, each for a reason, by file (or kind) and field of the module; how many of them there are.
DIFFERENCES = {
    ("mysql", "log.level"): "System is a level of MySQL alone: it is info, as it compares with others",
    ("mysql", "mysql.thread_id"): "12 [ERROR] without a code: other programs put their process there, so it is that",
    ("postgresql", "@timestamp"): "EST is five hours behind, also in July: a module takes it for the zone of New York",
    ("postgresql", "user.name"): "[unknown] is nobody",
    ("postgresql", "postgresql.log.database"): "[unknown] is no database",
    ("postgresql", "message"): "a module without event.duration cut out keeps the whole line, or nothing but the query",
}


def wanted_value(kind, name, value):
    """A module's value as we would say it."""
    if name == "event.duration":
        return value / 1e6
    if kind == "mysql" and name == "message" and value.startswith("[MY-"):
        return value.split("] ", 2)[2]  # code and subsystem are fields
    return value


def time_of(text):
    """A time as both write it, without its zone, of microseconds."""
    text = text.replace("T", " ").replace("Z", "")[:26]
    text = text[:23] if text[23:24] in ("-", "+") else text
    return datetime.datetime.strptime(text if "." in text else text + ".0", "%Y-%m-%d %H:%M:%S.%f")


def same(kind, name, want, got):
    if got is None:
        return False
    if name == "@timestamp":
        # MySQL's older times have no zone: a module's is of its own, and ours is read here as UTC.
        return abs((time_of(got) - time_of(want)).total_seconds()) < 0.001  # a module keeps milliseconds
    if name == "event.duration":
        return abs(float(got) - want) < 1e-3  # a module's is cut by its own arithmetic
    return str(want).strip() == str(got).strip()


def module_files():
    files = []
    for kind, folder in (("mysql", "mysql/error/test"), ("postgresql", "postgresql/log/test")):
        path = os.path.join(SUITES, "filebeat-modules", folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            if name.endswith(".log"):
                files.append((kind, os.path.join(path, name)))
    return files


def test_mysql_and_postgresql_of_filebeat_s_modules(server, make_agent, tmp_path):  # noqa: F811
    files = module_files()
    if not files:
        pytest.skip("../shared/suites is not there")
    sources, wanted = {}, {}
    for n, (kind, path) in enumerate(files):
        with open(path + "-expected.json", encoding="utf-8") as text:
            wanted[n] = json.load(text)
        sources[f"f{n}"] = {"files": path, "dataset": f"f{n}"}
        if kind == "mysql":
            sources[f"f{n}"]["multiline"] = {"begins": MYSQL_BEGINS}
    make_agent("--config", agent_config(tmp_path, server, sources))
    good, bad, differ = 0, [], collections.Counter()
    for n, (kind, path) in enumerate(files):
        # A module's expectation ends after 100 events: what follows is ours alone.
        wait_for(lambda: count_of(server, f"f{n}") >= len(wanted[n]), f"{len(wanted[n])} events of {path}")
        known = {f["name"] for f in server.get(f"/clew/v1/datasets/f{n}/fields").json()["fields"]} | {"@timestamp"}
        asked = [ours for ours in FIELDS.values() if ours in known]
        rows = server.rows(f"source=f{n} | sort _seq | fields {', '.join(asked)}")
        for want, row in zip(wanted[n], rows):
            for name, ours in FIELDS.items():
                if name not in want:
                    continue
                value = wanted_value(kind, name, want[name])
                if same(kind, name, value, row.get(ours)):
                    good += 1
                elif (kind, name) in DIFFERENCES and is_difference(kind, name, value, row.get(ours)):
                    differ[kind, name] += 1
                else:
                    bad.append(f"{os.path.basename(path)}: {name}: {value!r} got {row.get(ours)!r}")
    print(f"\nfilebeat-modules mysql, postgresql: {good} values as expected, {sum(differ.values())} otherwise for a reason, {len(bad)} wrong")
    for (kind, name), count in sorted(differ.items()):
        print(f"  {kind} {name}: {count} times: {DIFFERENCES[kind, name]}")
    assert not bad, "\n".join(bad[:20])
    assert set(differ) == set(DIFFERENCES), "each difference is one of a value"


def is_difference(kind, name, want, got):
    """Whether a value differs just as DIFFERENCES says."""
    if name == "mysql.thread_id":
        return got is None
    if name == "@timestamp":
        return got is not None and (time_of(got) - time_of(want)).total_seconds() == 3600
    if name == "log.level":
        return want == "System" and got == "info"
    if name in ("user.name", "postgresql.log.database"):
        return want in ("unknown", "[unknown]") and got is None
    return got is not None and (got in want or want in got)


# --- servers ------------------------------------------------------------------------------------------------------------

def ended(process, how=None):
    """Stops a program that a test started, and gives what it printed."""
    process.send_signal(how) if how else process.terminate()
    try:
        return process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def until(condition, process, what):
    def there():
        assert process.poll() is None, f"{what}: the program has ended: {process.communicate()}"
        return condition()
    wait_for(there, what)


def has_line(path, text):
    return os.path.exists(path) and text in open(path, encoding="utf-8", errors="replace").read()


@pytest.fixture
def postgresql():
    """(run SQL -> (exit code, standard error), folder of its logs) of a PostgreSQL that logs every statement in all three forms."""
    places = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    found = shutil.which("psql") or (places and os.path.join(places[-1], "psql"))
    if not places or not os.path.exists(os.path.join(places[-1], "initdb")) or not os.path.exists(found):
        foreign.give_up("postgresql is not installed")
    folder = tempfile.mkdtemp(prefix="clew-pg-")
    user = {}
    if os.geteuid() == 0:  # it refuses to run as root
        user = {"user": "nobody"}
        shutil.chown(folder, "nobody")
        os.chmod(folder, 0o755)
    data, logs = os.path.join(folder, "data"), os.path.join(folder, "log")
    subprocess.run([os.path.join(places[-1], "initdb"), "-D", data, "-U", "app", "-A", "trust", "-N", "--locale=C"], check=True,
                   capture_output=True, cwd="/", **user)
    with open(os.path.join(data, "postgresql.conf"), "a", encoding="ascii") as conf:
        conf.write(f"listen_addresses = ''\nunix_socket_directories = '{folder}'\nfsync = off\nshared_buffers = 16MB\nlog_destination = "
                   f"'stderr,csvlog,jsonlog'\nlogging_collector = on\nlog_directory = '{logs}'\nlog_filename = 'pg.log'\nlog_file_mode = 0644\n"
                   "log_line_prefix = '%m [%p] %q%u@%d '\nlog_timezone = 'Asia/Ho_Chi_Minh'\nlog_min_duration_statement = 0\n")
    process = subprocess.Popen([os.path.join(places[-1], "postgres"), "-D", data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", **user)

    def sql(text):
        done = subprocess.run([found, "-h", folder, "-U", "app", "-d", "postgres", "-X", "-c", text], capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stderr
    try:
        until(lambda: has_line(os.path.join(logs, "pg.log"), "ready to accept connections"), process, "PostgreSQL to be ready")
        yield sql, logs
    finally:
        ended(process, signal.SIGINT)
        shutil.rmtree(folder)


# The keys of jsonlog are PostgreSQL's own: these steps give them the names that the other two forms have.
JSONLOG = [{"json": {"field": "message"}}, {"rename": {"user": "db.user", "dbname": "db.name", "pid": "process.pid", "error_severity": "level"}},
           {"regex": {"field": "message", "pattern": "^duration: (?<duration_ms>[0-9.]+) ms", "optional": True}},
           {"convert": {"duration_ms": "number"}}, {"set": {"source.kind": "database"}}]


def test_postgresql_in_its_three_forms(server, make_agent, tmp_path, postgresql):  # noqa: F811
    sql, logs = postgresql
    forms = {"stderr": "pg.log", "csv": "pg.csv", "json": "pg.json"}
    sources = {form: {"files": os.path.join(logs, name), "dataset": form, "zone": "Asia/Ho_Chi_Minh"} for form, name in forms.items()}
    sources["json"]["pipeline"] = "jsonlog"
    make_agent("--config", agent_config(tmp_path, server, sources, {"jsonlog": JSONLOG}))
    for n in range(20):
        assert sql(f"SELECT {n},\n  'two lines'")[0] == 0
    assert sql("SELECT pg_sleep(0.2)")[0] == 0
    assert sql("SELECT nope")[0] == 1
    for form in forms:
        wait_for(lambda: count_of(server, form) and server.rows(f"source={form} level>=error | fields message"), f"the error of {form}")
        row = server.rows(f"source={form} pg_sleep | where duration_ms >= 200 | fields duration_ms, db.user, db.name, process.pid, source.kind, level")[0]
        assert (row["db.user"], row["db.name"], row["source.kind"], row["level"]) == ("app", "postgres", "database", "LOG"), form
        assert 200 <= row["duration_ms"] < 10_000 and row["process.pid"] > 0
        message = server.rows(f"source={form} level>=error | fields message")[0]["message"]
        assert message.startswith('column "nope" does not exist'), form
        timed = server.rows(f"source={form} \"two lines\" | stats count() as n, max(@timestamp) as last")[0]
        assert timed["n"] == 20, form
        age = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - time_of(timed["last"])
        assert abs(age.total_seconds()) < 60, "times of the zone that the line names"


@pytest.fixture
def mariadb(tmp_path):
    """(run SQL -> exit code, error log, slow log) of a MariaDB without a network."""
    packages = ["mariadb-server-core", "mariadb-client-core", "mariadb-server", "libaio1", "liburing2", "libnuma1", "libmariadb3"]
    program, root, env = foreign.debian_program("mariadb", packages, "usr/sbin/mariadbd")
    client = shutil.which("mariadb") or os.path.join(root, "usr/bin/mariadb")
    folder = tempfile.mkdtemp(prefix="clew-my-")  # a socket's path is short
    error, slow, socket_path = tmp_path / "error.log", tmp_path / "slow.log", os.path.join(folder, "s")
    os.mkdir(os.path.join(folder, "data"))
    command = [program, "--no-defaults", f"--datadir={folder}/data", f"--lc-messages-dir={root}/usr/share/mysql", "--skip-grant-tables",
               "--skip-networking", f"--socket={socket_path}", f"--pid-file={folder}/pid", f"--log-error={error}", "--slow-query-log=1",
               f"--slow-query-log-file={slow}", "--long-query-time=0.1", "--innodb-buffer-pool-size=16M"]
    if os.geteuid() == 0:
        command.append("--user=root")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)

    def sql(text):
        return subprocess.run([client, "--no-defaults", "-S", socket_path, "-e", text], capture_output=True, text=True, timeout=60, env=env,
                              check=False).returncode
    try:
        until(lambda: has_line(error, "ready for connections"), process, "MariaDB to be ready")
        yield sql, error, slow
    finally:
        ended(process)
        shutil.rmtree(folder)


def test_mariadb_errors_and_slow_queries(server, make_agent, tmp_path, mariadb):  # noqa: F811
    sql, error, slow = mariadb
    make_agent("--config", agent_config(tmp_path, server, {
        "my": {"files": str(error), "dataset": "my", "multiline": {"begins": MYSQL_BEGINS}}, "slow": {"files": str(slow), "dataset": "slow"}}))
    assert sql("CREATE DATABASE shop") == 0
    for n in range(5):
        assert sql(f"USE shop; SELECT SLEEP(0.2),\n  {n}") == 0
    # What the server writes when it opens the log is an event besides.
    queries = "source=slow | where duration_ms > 200 and source.kind = 'database' | fields message, db.name, db.thread_id, duration_ms | sort message"
    wait_for(lambda: count_of(server, "slow") >= 5 and len(server.rows(queries)) == 5, "five slow queries")
    rows = server.rows(queries)
    assert [row["message"] for row in rows] == [f"SELECT SLEEP(0.2),\n  {n};" for n in range(5)]
    assert {row["db.name"] for row in rows} == {"shop"} and all(row["duration_ms"] < 10_000 for row in rows)
    lines = [line for line in open(error, encoding="utf-8") if re.match(MYSQL_BEGINS, line)]
    wait_for(lambda: count_of(server, "my") == len(lines), "the error log")
    levels = {row["level"]: row["n"] for row in server.rows("source=my | stats count() as n by level")}
    said = collections.Counter(re.search(r"\[(\w+)\]", line).group(1) for line in lines)
    assert levels == dict(said)
    assert server.rows("source=my \"ready for connections\" | fields db.thread_id, source.kind") == [{"db.thread_id": 0, "source.kind": "database"}]
    assert server.rows("source=my \"ready for connections\" | where like(message, '%Version:%') | stats count() as n") == [{"n": 1}]


def test_nginx_access_and_errors(server, make_agent, tmp_path):  # noqa: F811
    program, _, env = foreign.debian_program("nginx", ["nginx"], "usr/sbin/nginx")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    www = tmp_path / "www"
    www.mkdir()
    os.chmod(tmp_path, 0o755)
    (www / "page.html").write_text("hello\n")
    conf = tmp_path / "nginx.conf"
    conf.write_text(f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log info;\nevents {{}}\n"
                    f"http {{ access_log {tmp_path}/access.log combined;\n"
                    + "".join(f"{name}_temp_path {tmp_path}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
                    + f"server {{ listen 127.0.0.1:{port}; root {www}; location /gone/ {{ return 410; }} }} }}\n")
    make_agent("--config", agent_config(tmp_path, server, {"web": {"files": f"{tmp_path}/access.log", "dataset": "web"},
                                                           "err": {"files": f"{tmp_path}/error.log", "dataset": "err"}}))
    process = subprocess.Popen([program, "-c", conf, "-p", tmp_path, "-e", tmp_path / "error.log"], env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, process, "nginx to listen")
        for n in range(300):
            path = ("page.html", "missing.html", "gone/x")[n % 3]
            try:
                urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/{path}?n={n}", headers={"User-Agent": "test/1.0"}), timeout=10).read()
            except urllib.error.HTTPError as error:
                assert error.code in (404, 410)
        wait_for(lambda: count_of(server, "web") >= 300, "300 requests")
        wait_for(lambda: count_of(server, "err") and server.rows("source=err level=error | stats count() as n")[0]["n"] >= 100, "100 errors")
    finally:
        ended(process)
    rows = server.rows("source=web | stats count() as n by http.response.status_code, url.path | sort url.path")
    assert [(row["url.path"], row["http.response.status_code"], row["n"]) for row in rows] == [
        ("/gone/x", 410, 100), ("/missing.html", 404, 100), ("/page.html", 200, 100)]
    assert server.rows("source=web | where user_agent.original = 'test/1.0' | stats count() as n") == [{"n": 300}]
    errors = server.rows("source=err level=error | fields message, process.pid")
    assert len(errors) == 100 and all("missing.html" in row["message"] and row["process.pid"] > 0 for row in errors)
