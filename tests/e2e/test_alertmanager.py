"""clew as an Alertmanager, beside Debian's: the same alerts give the same notifications; Prometheus and amtool talk to it."""
import datetime
import json
import os
import shutil
import subprocess
import time
import urllib.request

import pytest

import fake_receivers
import foreign

CONFIG = """
route:
  receiver: team
  group_by: [alertname, cluster]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 1h
  routes:
  - matchers: ['severity="critical"']
    receiver: pager.one
    continue: true
  - match_re: {{service: 'cart|shop'}}
    receiver: shop
    group_by: ['...']
inhibit_rules:
- source_matchers: [alertname=Down]
  target_matchers: [severity=warning]
  equal: [cluster]
receivers:
- name: team
  webhook_configs: [{{url: '{url}/team'}}]
- name: pager.one
  webhook_configs: [{{url: '{url}/pager', max_alerts: 1}}]
- name: shop
  webhook_configs: [{{url: '{url}/shop', send_resolved: false}}]
"""


@pytest.fixture
def hooks():
    made = fake_receivers.HttpReceiver()
    yield made
    made.close()


@pytest.fixture
def make_notifier(make_server, tmp_path):
    """A server with this configuration of Alertmanager's."""
    count = [0]

    def make(text, data=None, alerts=""):
        count[0] += 1
        file = tmp_path / f"alertmanager{count[0]}.yml"
        file.write_text(text)
        own = tmp_path / f"clew{count[0]}.yaml"
        own.write_text(f"alerts:\n  config_file: {file}\n  external_url: http://am\n{alerts}")
        return make_server("--config", str(own), data=data)
    return make


def moment(seconds=0):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alert(name, starts, ends, **labels):
    return {"labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name} is \"bad\"", "runbook": "http://r"},
            "startsAt": starts, "endsAt": ends, "generatorURL": "http://prometheus/graph?g0=1"}


def post_to(url, alerts):
    request = urllib.request.Request(url + "/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.status == 200


def test_a_webhook_gets_alertmanagers_json(make_notifier, hooks):
    server = make_notifier(CONFIG.format(url=hooks.url))
    starts, ends = moment(-5), moment(300)
    post_to(server.url, [alert("High", starts, ends, cluster="a", instance="i1")])
    body = hooks.wait("/team")[0].json()
    assert body == {
        "receiver": "team", "status": "firing", "alerts": [{
            "status": "firing", "labels": {"alertname": "High", "cluster": "a", "instance": "i1"},
            "annotations": {"runbook": "http://r", "summary": "High is \"bad\""}, "startsAt": body["alerts"][0]["startsAt"],
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus/graph?g0=1",
            "fingerprint": body["alerts"][0]["fingerprint"]}],
        "groupLabels": {"alertname": "High", "cluster": "a"},
        "commonLabels": {"alertname": "High", "cluster": "a", "instance": "i1"},
        "commonAnnotations": {"runbook": "http://r", "summary": "High is \"bad\""}, "externalURL": "http://am", "version": "4",
        "groupKey": "{}:{alertname=\"High\", cluster=\"a\"}", "truncatedAlerts": 0}
    assert len(body["alerts"][0]["fingerprint"]) == 16
    assert hooks.of("/team")[0].headers["Content-Type"] == "application/json"


def start_alertmanager(tmp_path, config):
    program, root, env = foreign.debian_program("prometheus-alertmanager", ["prometheus-alertmanager"],
                                                "usr/bin/prometheus-alertmanager")
    command = [program]
    if root != "/":
        # It looks for its templates where the package puts them: for this process alone they are there.
        if os.geteuid() != 0:
            foreign.give_up("prometheus-alertmanager is not installed")
        command = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0/usr/share" /usr/share && exec "$@"', root, program]
    file = tmp_path / "debian.yml"
    file.write_text(config)
    port = fake_receivers.free_port()
    process = subprocess.Popen([*command, f"--config.file={file}", f"--storage.path={tmp_path / 'am'}",
                                f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
                                "--web.external-url=http://am", "--web.route-prefix=/"], env=env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url + "/-/ready", timeout=2).close()
            return process, url
        except OSError:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)


def test_the_same_notifications_as_debians_alertmanager(make_notifier, hooks, tmp_path):
    """The same posts to both; what the receivers got, path by path, in order, is the same but for nothing."""
    theirs = fake_receivers.HttpReceiver()
    process, debian = start_alertmanager(tmp_path, CONFIG.format(url=theirs.url))
    try:
        ours = make_notifier(CONFIG.format(url=hooks.url)).url
        starts, ends = moment(), moment(300)

        def post(*alerts):
            post_to(debian, alerts)
            post_to(ours, alerts)

        def settled(team, pager, shop):
            for receiver in (hooks, theirs):
                receiver.wait("/team", team)
                receiver.wait("/pager", pager)
                receiver.wait("/shop", shop)

        first = [alert("High", starts, ends, cluster="a", instance=f"i{n}", job=f"j{n % 2}") for n in range(4)]
        cart = alert("Slow", starts, ends, cluster="b", service="cart", path="/é\"\\")
        down = [alert("Down", starts, ends, cluster="c", severity="critical", instance=f"i{n}") for n in range(2)]
        muted = alert("Noise", starts, ends, cluster="c", severity="warning")
        post(*first, cart, *down, muted)
        settled(1, 1, 1)
        # One resolved, one new; later all resolved.
        over = dict(first[0], endsAt=moment())
        post(over, alert("High", moment(), ends, cluster="a", instance="new", job="j0"))
        settled(2, 1, 1)
        post(*[dict(one, endsAt=moment()) for one in first + [cart, muted] + down])
        settled(3, 2, 1)
        for path in ("/team", "/pager", "/shop"):
            mine = [one.json() for one in hooks.of(path)]
            other = [one.json() for one in theirs.of(path)]
            assert mine == other, path
        assert [one["status"] for one in (got.json() for got in hooks.of("/pager"))] == ["firing", "resolved"]
        assert hooks.of("/pager")[0].json()["truncatedAlerts"] == 1
        assert hooks.of("/pager")[0].json()["receiver"] == r"pager\.one"
    finally:
        process.kill()
        process.wait()
        theirs.close()


def test_amtool(make_notifier, hooks):
    amtool, _, env = foreign.debian_program("prometheus-alertmanager", ["prometheus-alertmanager"], "usr/bin/amtool")
    server = make_notifier(CONFIG.format(url=hooks.url))
    post_to(server.url, [alert("High", moment(), moment(300), cluster="a"), alert("Low", moment(), moment(300), cluster="b")])

    def run(*args):
        done = subprocess.run([amtool, f"--alertmanager.url={server.url}", *args], env=env, capture_output=True, text=True,
                              timeout=30, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    assert {one["labels"]["alertname"] for one in json.loads(run("alert", "query", "-o", "json"))} == {"High", "Low"}
    assert "High" in run("alert", "query", "cluster=a") and "Low" not in run("alert", "query", "cluster=a")
    silence = run("silence", "add", "alertname=~Hi.*", "cluster!=z", "--comment=c", "--author=me", "--duration=1h").strip()
    found = json.loads(run("silence", "query", "-o", "json"))
    assert [one["id"] for one in found] == [silence] and found[0]["status"]["state"] == "active"
    assert "High" not in run("alert", "query") and "High" in run("alert", "query", "--silenced")
    run("silence", "update", silence, "--duration=2h", "--comment=longer")
    run("silence", "expire", silence)
    assert json.loads(run("silence", "query", "-o", "json")) == []
    assert "High" in run("alert", "query")
    run("alert", "add", "alertname=Made", "cluster=m")
    assert "Made" in run("alert", "query", "-o", "extended")
    assert "pager.one" in run("config", "routes", "test", "severity=critical")
    assert "receiver: team" in run("config", "show")
    groups = server.get("/api/v2/alerts/groups").json()
    assert {group["receiver"]["name"] for group in groups} == {"team"}
    assert {one["name"] for one in server.get("/alertmanager/api/v2/receivers").json()} == {"team", "pager.one", "shop"}


def test_debians_prometheus_sends_its_alerts(make_notifier, hooks, tmp_path):
    prometheus = shutil.which("prometheus")
    if not prometheus:
        foreign.give_up("prometheus is not installed")
    server = make_notifier(CONFIG.format(url=hooks.url))
    (tmp_path / "rules.yml").write_text("groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: Always\n    expr: vector(7) > 0\n"
                                        "    labels: {cluster: x}\n    annotations: {summary: 'is {{ $value }}'}\n")
    (tmp_path / "prometheus.yml").write_text(
        "global: {evaluation_interval: 1s}\nrule_files: [rules.yml]\nalerting:\n  alertmanagers:\n  - static_configs:\n"
        f"    - targets: ['{server.url[7:]}']\n")
    process = subprocess.Popen([prometheus, f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                                f"--web.listen-address=127.0.0.1:{fake_receivers.free_port()}",
                                "--rules.alert.resend-delay=1s"],  # what it tells before it knows whom is told again so late
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        body = hooks.wait("/team", seconds=60)[0].json()
        assert body["alerts"][0]["labels"] == {"alertname": "Always", "cluster": "x"}
        assert body["alerts"][0]["annotations"] == {"summary": "is 7"}
    finally:
        process.kill()
        process.wait()


def test_kill_9_neither_pages_twice_nor_forgets(make_notifier, hooks, tmp_path):
    data = tmp_path / "data"
    server = make_notifier(CONFIG.format(url=hooks.url), data=data)
    starts = moment()
    post_to(server.url, [alert("High", starts, moment(300), cluster="a")])
    server.kill()  # within the group's wait
    server.start()
    hooks.wait("/team")
    silence = server.post("/api/v2/silences", {"matchers": [{"name": "cluster", "value": "s", "isRegex": False, "isEqual": True}],
                                               "startsAt": moment(), "endsAt": moment(300), "createdBy": "me", "comment": "c"})
    assert silence.status == 200, silence.text
    for _ in range(4):
        server.kill()
        server.start()
        assert [one["labels"]["alertname"] for one in server.get("/api/v2/alerts").json()] == ["High"]
        assert server.get("/api/v2/silence/" + silence.json()["silenceID"]).json()["status"]["state"] == "active"
    post_to(server.url, [alert("High", starts, moment(), cluster="a")])
    server.kill()
    server.start()
    got = hooks.wait("/team", 2)
    assert [one.json()["status"] for one in got] == ["firing", "resolved"]
    # A group of later is told: nothing else was before it.
    post_to(server.url, [alert("Next", moment(), moment(300), cluster="a")])
    assert hooks.wait("/team", 3)[2].json()["alerts"][0]["labels"]["alertname"] == "Next"


def test_what_is_wrong_is_answered(make_notifier, hooks):
    server = make_notifier(CONFIG.format(url=hooks.url))
    for body in ("{}", "[1]", "[{\"labels\":{\"a\":1}}]", "[{\"labels\":{\"alertname\":\"x\"},\"startsAt\":\"soon\"}]", "[{\"labels\":{}}]"):
        reply = server.post("/api/v2/alerts", body)
        assert reply.status == 400 and isinstance(reply.json(), str), (body, reply.text)
    one = {"matchers": [{"name": "a", "value": "b", "isRegex": False}], "startsAt": moment(), "endsAt": moment(60), "createdBy": "m", "comment": ""}
    for change in ({"matchers": []}, {"endsAt": moment(-5)}, {"matchers": [{"name": "a", "value": "(", "isRegex": True}]},
                   {"matchers": [{"name": "a", "value": "", "isRegex": False}]}, {"windows": [{"weekdays": ["x"]}]}):
        assert server.post("/api/v2/silences", {**one, **change}).status == 400, change
    assert server.post("/api/v2/silences", {**one, "id": "0000"}).status == 404
    assert server.get("/api/v2/silence/0000").status == 404
    assert server.get("/api/v2/alerts?filter=%3D").status == 400
    windows = [{"times": [{"start_time": "02:00", "end_time": "03:00"}], "weekdays": ["monday:friday"], "location": "Europe/Berlin"}]
    made = server.post("/api/v2/silences", {**one, "windows": windows})
    assert server.get("/api/v2/silence/" + made.json()["silenceID"]).json()["windows"] == windows
