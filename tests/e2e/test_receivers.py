"""What each receiver is sent, against the documented forms of the services; failures, slow and dead ends, secrets."""
import base64
import hashlib
import json
import shutil
import subprocess

import pytest

import fake_receivers
from test_alertmanager import alert, hooks, make_notifier, moment, post_to  # noqa: F401

GROUP = '{}:{alertname="High"}'
KEY = hashlib.sha256(GROUP.encode()).hexdigest()
ROUTE = "route: {{receiver: team, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}\nreceivers:\n- name: team\n"


def start(make_notifier, receiver, head="", alerts=""):  # noqa: F811
    return make_notifier(head + ROUTE.format() + receiver, alerts=alerts)


def fire(server):
    one = alert("High", moment(-1), moment(300), instance="i1")
    post_to(server.url, [one])
    return one


def resolve(server, one):
    post_to(server.url, [dict(one, endsAt=moment())])


def test_pagerduty(make_notifier, hooks):  # noqa: F811
    server = start(make_notifier, f"""  pagerduty_configs:
  - routing_key: key-of-32-characters
    url: {hooks.url}/v2/enqueue
    severity: critical
    class: load
    details: {{team: db}}
    links: [{{href: http://wiki, text: wiki}}]
""")
    hooks.answers["/v2/enqueue"] = [(429, "slow"), (500, "broken")]
    one = fire(server)
    got = hooks.wait("/v2/enqueue", 3)
    assert got[0].body == got[1].body == got[2].body  # tried again, the same
    trigger = got[2].json()
    assert trigger["routing_key"] == "key-of-32-characters" and trigger["event_action"] == "trigger"
    assert trigger["dedup_key"] == KEY
    assert trigger["client"] == "Alertmanager" and trigger["client_url"] == "http://am/#/alerts?receiver=team"
    assert trigger["links"] == [{"href": "http://wiki", "text": "wiki"}]
    payload = trigger["payload"]
    assert payload["summary"] == "[FIRING:1] High (i1)" and payload["severity"] == "critical" and payload["class"] == "load"
    assert payload["source"] == "Alertmanager"
    details = payload["custom_details"]
    assert details["num_firing"] == "1" and details["num_resolved"] == "0" and details["team"] == "db"
    assert details["firing"] == ("Labels:\n - alertname = High\n - instance = i1\nAnnotations:\n - runbook = http://r\n"
                                 " - summary = High is \"bad\"\nSource: http://prometheus/graph?g0=1\n")
    reply = server.post("/clew/v1/alerts/ack", {"group": GROUP, "by": "ann"})
    assert reply.status == 200, reply.text
    assert hooks.wait("/v2/enqueue", 4)[3].json() == {"routing_key": "key-of-32-characters", "dedup_key": KEY, "event_action": "acknowledge"}
    assert server.get("/clew/v1/alerts/groups").json()["groups"][0]["acknowledged"]["by"] == "ann"
    resolve(server, one)
    last = hooks.wait("/v2/enqueue", 5)[4].json()
    assert last["event_action"] == "resolve" and last["dedup_key"] == KEY


def test_slack_with_a_token_updates_its_message(make_notifier, hooks):  # noqa: F811
    server = start(make_notifier, f"""  slack_configs:
  - app_token: xoxb-secret
    app_url: {hooks.url}/api/chat.postMessage
    channel: '#ops'
    send_resolved: true
    fields: [{{title: Team, value: db}}]
""")
    hooks.otherwise["/api/chat.postMessage"] = json.dumps({"ok": True, "ts": "1503435956.000247", "channel": "C1"})
    hooks.otherwise["/api/chat.update"] = json.dumps({"ok": True, "ts": "1503435956.000247", "channel": "C1"})
    hooks.answers["/api/chat.postMessage"] = [(200, json.dumps({"ok": False, "error": "ratelimited"}))]
    one = fire(server)
    post = hooks.wait("/api/chat.postMessage", 2)[1]
    assert post.headers["Authorization"] == "Bearer xoxb-secret"
    assert post.headers["Content-Type"] == "application/json; charset=utf-8"
    body = post.json()
    assert body["channel"] == "#ops" and body["username"] == "Alertmanager"
    assert body["attachments"] == [{
        "title": "[FIRING:1] High (i1)", "title_link": "http://am/#/alerts?receiver=team",
        "fallback": "[FIRING:1] High (i1) | http://am/#/alerts?receiver=team", "color": "danger",
        "mrkdwn_in": ["fallback", "pretext", "text"], "fields": [{"title": "Team", "value": "db", "short": False}]}]
    server.kill()
    server.start()  # the message is remembered
    resolve(server, one)
    update = hooks.wait("/api/chat.update")[0].json()
    assert update["ts"] == "1503435956.000247" and update["channel"] == "C1"
    assert update["attachments"][0]["color"] == "good" and update["attachments"][0]["title"].startswith("[RESOLVED] High")


def test_slacks_incoming_webhook_and_teams_and_telegram(make_notifier, hooks):  # noqa: F811
    server = start(make_notifier, f"""  slack_configs:
  - {{api_url: '{hooks.url}/services/T/B/secret', channel: ops, icon_emoji: ':fire:', send_resolved: true}}
  msteams_configs:
  - webhook_url: {hooks.url}/teams
  msteamsv2_configs:
  - webhook_url: {hooks.url}/teamsv2
  telegram_configs:
  - {{api_url: '{hooks.url}', bot_token: 'T0K', chat_id: -100123, disable_notifications: true}}
""")
    one = fire(server)
    slack = hooks.wait("/services/T/B/secret")[0].json()
    assert slack["channel"] == "ops" and slack["icon_emoji"] == ":fire:" and slack["attachments"][0]["color"] == "danger"
    teams = hooks.wait("/teams")[0].json()
    assert teams["@type"] == "MessageCard" and teams["title"] == "[FIRING:1] High (i1)" and teams["themeColor"] == "8C1A1A"
    assert "# Alerts Firing:" in teams["text"] and "  - instance = i1\n" in teams["text"]
    card = hooks.wait("/teamsv2")[0].json()["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive" and card["content"]["type"] == "AdaptiveCard"
    assert card["content"]["body"][0]["text"] == "[FIRING:1] High (i1)"
    telegram = hooks.wait("/botT0K/sendMessage")[0].json()
    assert telegram["chat_id"] == -100123 and telegram["parse_mode"] == "HTML" and telegram["disable_notification"] is True
    assert "Alerts Firing:" in telegram["text"] and "High is &#34;bad&#34;" in telegram["text"]
    resolve(server, one)
    assert hooks.wait("/teams", 2)[1].json()["themeColor"] == "2DC72D"
    assert "Alerts Resolved:" in hooks.wait("/botT0K/sendMessage", 2)[1].json()["text"]


def test_opsgenie(make_notifier, hooks):  # noqa: F811
    server = start(make_notifier, f"""  opsgenie_configs:
  - {{api_key: K, api_url: '{hooks.url}', priority: P1, tags: 'a, b', responders: [{{name: db, type: team}}]}}
""")
    one = fire(server)
    made = hooks.wait("/v2/alerts")[0]
    assert made.headers["Authorization"] == "GenieKey K"
    body = made.json()
    assert body["alias"] == KEY and body["message"] == "[FIRING:1] High (i1)" and body["priority"] == "P1"
    assert body["tags"] == ["a", "b"] and body["responders"] == [{"name": "db", "type": "team"}]
    assert body["details"] == {"alertname": "High", "instance": "i1"} and "Alerts Firing:" in body["description"]
    assert server.post("/clew/v1/alerts/ack", {"group": GROUP, "by": "ann"}).status == 200
    assert hooks.wait(f"/v2/alerts/{KEY}/acknowledge")[0].json()["user"] == "ann"
    resolve(server, one)
    assert hooks.wait(f"/v2/alerts/{KEY}/close")[0].path.endswith("?identifierType=alias")


@pytest.mark.parametrize("secure", [False, True])
def test_email(make_notifier, hooks, tmp_path, secure):  # noqa: F811
    cert = key = None
    tls = "require_tls: false"
    if secure:
        if not shutil.which("openssl"):
            pytest.skip("no openssl to make a certificate with")
        cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
        tls = f"tls_config: {{ca_file: {cert}}}"
    mail = fake_receivers.MailReceiver(cert, key)
    try:
        mail.refusals.append("451 later")
        server = start(make_notifier, f"""  email_configs:
  - {{to: 'Ops <ops@example.org>, second@example.org', auth_username: u, auth_password: pass-w0rd, send_resolved: true, {tls},
     headers: {{X-Team: 'größe'}}}}
""", head=f"global: {{smtp_smarthost: '{mail.address}', smtp_from: 'clew@example.org'}}\n")
        one = fire(server)
        sender, to, message, was_secure = mail.wait(1)[0]
        assert (sender, to, was_secure) == ("clew@example.org", ["ops@example.org", "second@example.org"], secure)
        assert base64.b64decode(mail.logins[0][1]) == b"\0u\0pass-w0rd"
        assert message["Subject"] == "[FIRING:1] High (i1)" and message["X-Team"] == "größe" and message["From"] == "clew@example.org"
        text = message.get_body(("plain",)).get_content()
        html = message.get_body(("html",)).get_content()
        assert " - summary = High is \"bad\"\n" in text.replace("\r\n", "\n")
        assert "High is &#34;bad&#34;" in html and "<h3>[1] Firing</h3>" in html
        resolve(server, one)
        assert mail.wait(2)[1][2]["Subject"].startswith("[RESOLVED] High")
    finally:
        mail.close()


def test_starttls_is_demanded(make_notifier, hooks):  # noqa: F811
    mail = fake_receivers.MailReceiver()
    try:
        server = start(make_notifier, "  email_configs: [{to: a@b.c}]\n",
                       head=f"global: {{smtp_smarthost: '{mail.address}', smtp_from: 'clew@example.org'}}\n")
        tried = server.post("/clew/v1/alerts/receivers/team/test").json()["deliveries"]
        assert not tried[0]["ok"] and not mail.got
    finally:
        mail.close()


def test_secrets_are_shown_nowhere_and_link_local_is_refused(make_notifier, hooks, tmp_path):  # noqa: F811
    (tmp_path / "token").write_text("t0ken-in-a-file\n")
    server = start(make_notifier, f"""  webhook_configs:
  - {{url: '{hooks.url}/fails/secret-path', http_config: {{authorization: {{credentials_file: {tmp_path}/token}}}}}}
  - url: http://169.254.169.254/latest/secret-path
  - url: http://[fe80::1]/secret-path
  - url: http://[::ffff:169.254.169.254]/secret-path
  - {{url: 'http://127.0.0.1:1/secret-path', http_config: {{basic_auth: {{username: u, password: secret-pass}}}}}}
""")
    hooks.answers["/fails/secret-path"] = [(400, "no t0ken-in-a-file")] * 9
    tried = server.post("/clew/v1/alerts/receivers/team/test").json()["deliveries"]
    assert [one["ok"] for one in tried] == [False] * 5
    assert tried[0]["status"] == 400 and hooks.of("/fails/secret-path")[0].headers["Authorization"] == "Bearer t0ken-in-a-file"
    for one in tried[1:4]:
        assert "may not be called" in one["error"], one
    assert "127.0.0.1:1" in tried[4]["error"]
    shown = "".join(server.get(path).text for path in ("/api/v2/status", "/clew/v1/alerts/deliveries", "/clew/v1/alerts/receivers", "/metrics"))
    for secret in ("secret-path", "secret-pass", "t0ken-in-a-file"):
        assert secret not in shown + json.dumps(tried), secret
    assert not any("secret-path" in line or "t0ken" in line for line in server.log)


def test_a_slow_end_holds_no_other_up_and_a_dead_one_is_an_alert(make_notifier, hooks):  # noqa: F811
    server = make_notifier(f"""
route:
  receiver: both
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  routes:
  - matchers: [alertname=ClewNotificationsFailing]
    receiver: second
receivers:
- name: both
  webhook_configs: [{{url: '{hooks.url}/slow'}}, {{url: '{hooks.url}/quick'}}, {{url: '{hooks.url}/dead'}}]
- name: second
  webhook_configs: [{{url: '{hooks.url}/second'}}]
""")
    hooks.delays["/slow"] = 60
    hooks.answers["/dead"] = [(404, "gone")] * 1000
    for n in range(12):
        post_to(server.url, [alert(f"A{n}", moment(-1), moment(300))])
    quick = hooks.wait("/quick", 12)
    assert {one.json()["groupLabels"]["alertname"] for one in quick} == {f"A{n}" for n in range(12)}
    failing = hooks.wait("/second")[0].json()["alerts"][0]
    assert failing["labels"] == {"alertname": "ClewNotificationsFailing", "receiver": "both", "integration": "webhook", "severity": "critical"}
    assert "404" in failing["annotations"]["description"]
    assert server.stop() == 0  # in time, though something hangs


def test_the_heartbeat_stops_with_the_server(make_notifier, hooks):  # noqa: F811
    server = start(make_notifier, f"  webhook_configs: [{{url: '{hooks.url}/team'}}]\n",
                   alerts=f"  heartbeat_url: {hooks.url}/ping\n  heartbeat_interval: 100ms\n")
    assert hooks.wait("/ping", 5)[4].method == "GET"
    server.kill()
    beats = len(hooks.of("/ping"))
    hooks.got.clear()
    fresh = make_notifier(ROUTE.format() + f"  webhook_configs: [{{url: '{hooks.url}/team'}}]\n")
    fire(fresh)
    hooks.wait("/team")
    assert beats >= 5 and not hooks.of("/ping")


def test_mistakes_are_told_by_line_and_a_reload_keeps_what_was(make_notifier, hooks, tmp_path):  # noqa: F811
    server = start(make_notifier, f"  webhook_configs: [{{url: '{hooks.url}/one'}}]\n")
    import clew_server
    file = tmp_path / "alertmanager1.yml"
    good = file.read_text()
    file.write_text(good + "  victorops_configs: [{api_key: a}]\n")
    done = subprocess.run([clew_server.BINARY, "check", str(tmp_path / "clew1.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "alertmanager1.yml:5: " in done.stderr and "victorops_configs" in done.stderr, done.stderr
    server.process.send_signal(1)
    assert server.wait_log("nothing changes")
    file.write_text(good.replace("/one", "/two"))
    server.process.send_signal(1)
    assert server.wait_log("alerts: 1 receivers")
    fire(server)
    hooks.wait("/two")
    assert not hooks.of("/one")
