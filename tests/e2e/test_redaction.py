"""Secrets sent through every protocol: none is in the data directory, the journal, answers, errors or the log."""
import base64
import json
import os
import random
import string
import time

import pytest

import protobuf_wire as pb
from test_protocols import LOGS_EXPORT, SPAN, TRACE, TRACE_EXPORT, export

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


class Canaries:
    """Lines with a made-up secret each; `secrets` holds what must be nowhere."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.secrets = []

    def text(self, characters, count):
        return "".join(self.random.choice(characters) for _ in range(count))

    def keep(self, secret):
        self.secrets.append(secret)
        return secret

    def card(self):
        digits = [4] + [self.random.randrange(10) for _ in range(14)]
        total = sum(d if n % 2 else (d * 2 - 9 if d > 4 else d * 2) for n, d in enumerate(digits))
        return "".join(map(str, digits + [-total % 10]))

    def lines(self):
        """One line of each kind of secret, as programs write them."""
        one, keep = self.text, self.keep
        password = keep(one(ALNUM, 14) + "7x")
        basic = keep(base64.b64encode(f"user:{one(ALNUM, 16)}".encode()).decode())
        key_line = keep(one(ALNUM, 64))
        jwt = "eyJhbGciOiJIUzI1NiJ9." + keep("eyJ" + one(ALNUM, 40)) + "." + keep(one(ALNUM, 43))
        return [
            f"login failed password={password} for alice",
            f'config {{"client_secret":"{keep(one(ALNUM, 24))}","n":1}}',
            f"GET /v1/items?api_key={keep(one(ALNUM, 32))}&page=2",
            f"session started access_token={keep(one(ALNUM, 40) + '7')}",
            f"loaded encryption_key: {keep(one(ALNUM, 43))}",
            f"Authorization: Token {keep(one(ALNUM, 40) + '4')}",
            f"Cookie: lang=en; sid={keep(one(ALNUM, 32))}",
            f"redirect /x;JSESSIONID={keep(one(HEX, 32))}",
            f"PUT https://b.example.com/a?X-Amz-Signature={keep(one(HEX, 64))}&x=1",
            f"--password {keep(one(ALNUM, 15) + '1')} --port 1",
            f"upstream sent Bearer {keep(one(ALNUM, 40) + '5')}",
            f"proxy said no to Basic {basic}",
            f"connecting to postgres://app:{keep(one(ALNUM, 16))}@db:5432/shop",
            f"-----BEGIN RSA PRIVATE KEY-----\\n{key_line}\\n-----END RSA PRIVATE KEY-----",
            f"-----BEGIN PGP PRIVATE KEY BLOCK-----\\n{keep(one(ALNUM, 64))}\\n-----END PGP PRIVATE KEY BLOCK-----",
            f"card {keep(self.card())} accepted",
            f"got {jwt}",
            "uses " + keep("AKIA" + one(string.ascii_uppercase, 16)),
            "uses " + keep("AIza" + one(ALNUM, 35)),
            "uses " + keep("ya29." + one(ALNUM, 60)),
            "uses " + keep("ghp_" + one(ALNUM, 36)),
            "uses " + keep("glpat-" + one(ALNUM, 20)),
            "uses " + keep("xoxb-" + one(string.digits, 12) + "-" + one(ALNUM, 24)),
            "POST https://hooks.slack.com/services/" + keep("T" + one(ALNUM, 8) + "/B" + one(ALNUM, 8) + "/" + one(ALNUM, 24)),
            "POST https://discord.com/api/webhooks/" + keep(one("123456789", 18) + "/" + one(ALNUM, 68)),
            "uses " + keep(one("123456789", 10) + ":AA" + one(ALNUM, 33)),
            "uses " + keep("sk_" + "live_" + one(ALNUM, 24)),
            "uses " + keep("sq0atp-" + one(ALNUM, 22)),
            "uses " + keep("shpat_" + one(HEX, 32)),
            "uses " + keep("SG." + one(ALNUM, 22) + "." + one(ALNUM, 43)),
            "uses " + keep("key-" + one(HEX, 32)),
            "uses " + keep("SK" + one(HEX, 32)),
            "uses " + keep("npm_" + one(ALNUM, 36)),
            "uses " + keep("pypi-AgEIcHlwaS5vcmc" + one(ALNUM, 100)),
            "uses " + keep("rubygems_" + one(HEX, 48)),
            "uses " + keep("dckr_pat_" + one(ALNUM, 27)),
            "uses " + keep("dop_v1_" + one(HEX, 64)),
            "uses " + keep("sk-" + one(ALNUM, 48)),
            "uses " + keep("sk-ant-api03-" + one(ALNUM, 93)),
            "uses " + keep("hf_" + one(string.ascii_letters, 34)),
            "uses " + keep("dapi" + one(HEX, 32)),
            "uses " + keep("hvs." + one(ALNUM, 90)),
            "uses " + keep(one(ALNUM, 14) + ".atlasv1." + one(ALNUM, 67)),
            "uses " + keep("glsa_" + one(ALNUM, 32) + "_" + one(HEX, 8)),
            "uses " + keep("NRAK-" + one(string.ascii_uppercase, 27)),
            "uses " + keep("dt0c01." + one(string.ascii_uppercase, 24) + "." + one(string.ascii_uppercase, 64)),
            "uses " + keep("ATATT3" + one(ALNUM, 180)),
            "uses " + keep("lin_api_" + one(ALNUM, 40)),
            "uses " + keep("PMAK-" + one(HEX, 24) + "-" + one(HEX, 34)),
            "uses " + keep("pul-" + one(HEX, 40)),
            "uses " + keep("dp.pt." + one(ALNUM, 43)),
            "uses " + keep("pscale_tkn_" + one(ALNUM, 43)),
            "uses " + keep("AGE-SECRET-KEY-1" + one(string.ascii_uppercase, 58)),
            "uses " + keep(one(ALNUM, 3) + "8Q~" + one(ALNUM, 34)),
            "uses " + keep("$2b$12$" + one(ALNUM, 53)),
            f"CREATE USER a IDENTIFIED BY '{keep(one(ALNUM, 16))}'",
        ]

    def fields(self):
        """Fields whose names alone say what they are."""
        return {name: self.keep(self.text(string.ascii_lowercase, 20))
                for name in ("password", "client_secret", "api_key", "authorization", "cookie", "token", "private_key")}


def bulk(server, canaries, dataset="logs"):
    body = ""
    for line in canaries.lines():
        body += json.dumps({"create": {"_index": dataset}}) + "\n"
        body += json.dumps({"message": line, "request": {"headers": canaries.fields()}, "list": [line, {"a": line}]}) + "\n"
    reply = server.post("/_bulk", body, headers={"Content-Type": "application/x-ndjson"})
    assert reply.status == 200 and not reply.json()["errors"], reply.text
    return reply


def otlp_records(canaries):
    now = time.time_ns()
    return [{"time": now + n, "body": line, "attributes": {"detail": line, **canaries.fields()}}
            for n, line in enumerate(canaries.lines())]


def otlp_http(server, canaries, dataset="logs"):
    body = pb.logs_request(otlp_records(canaries), {"service.name": "cart", "dsn": canaries.lines()[12]})
    return server.post("/v1/logs", body, headers={"Content-Type": "application/x-protobuf", "Clew-Dataset": dataset})


def otlp_grpc(server, canaries, dataset="logs"):
    body = pb.logs_request(otlp_records(canaries), {"service.name": "cart"})
    export(server, LOGS_EXPORT, body, metadata=(("clew-dataset", dataset),))
    now = time.time_ns()
    spans = [{"trace_id": TRACE, "span_id": SPAN, "name": line, "start": now, "end": now + 9} for line in canaries.lines()]
    export(server, TRACE_EXPORT, pb.traces_request(spans, canaries.fields()))


def loki(server, canaries, _dataset="logs"):
    now = time.time_ns()
    page = {"streams": [{"stream": {"app": "shop"}, "values": [[str(now + n), line] for n, line in enumerate(canaries.lines())]}]}
    reply = server.post("/loki/api/v1/push", page)
    assert reply.status == 204, reply.text
    return reply


def imported(server, canaries, dataset="logs"):
    server.import_ndjson([{"msg": line, **canaries.fields()} for line in canaries.lines()], dataset)
    lines = [f"2026-11-30T10:00:00Z INFO app: {line}" for line in canaries.lines()]
    server.import_text("\n".join(lines) + "\n", dataset)
    pairs = " ".join(f'{name}="{value}"' for name, value in canaries.fields().items())
    server.import_text(f"time=2026-11-30T10:00:00Z level=info msg=hello {pairs}\n" * 3, dataset, format="logfmt")
    key = canaries.keep(canaries.text(ALNUM, 64))
    server.import_text(f"-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n", dataset)


def zipkin(server, canaries, _dataset="logs"):
    spans = [{"traceId": TRACE, "id": f"{n:016x}", "name": line, "timestamp": time.time_ns() // 1000, "duration": 5,
              "tags": {"detail": line, **canaries.fields()},
              "annotations": [{"timestamp": time.time_ns() // 1000, "value": line}]}
             for n, line in enumerate(canaries.lines(), 1)]
    reply = server.post("/api/v2/spans", spans)
    assert reply.status == 202, reply.text
    return reply


def logrecord(server, canaries, dataset="logs"):
    import urllib.parse
    for line in canaries.lines()[:20]:
        form = urllib.parse.urlencode({"msg": line, "levelname": "INFO", "name": "app", **canaries.fields()})
        reply = server.post(f"/api/v1/logrecord?dataset={dataset}", form,
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert reply.status == 204, reply.text


SENDERS = [bulk, otlp_http, otlp_grpc, loki, imported, zipkin, logrecord]


def found_in(directory, secrets):
    """Secrets that lie in any file below `directory`, as they were written."""
    found = set()
    for root, _, files in os.walk(directory):
        for name in files:
            with open(os.path.join(root, name), "rb") as file:
                data = file.read()
            found |= {secret for secret in secrets if secret.encode() in data}
    return found


def answers(server):
    """Everything that a reader can see, as text."""
    text = ""
    for source in ("logs", "traces"):
        reply = server.post("/_plugins/_ppl", {"query": f"source={source} | head 10000"})
        assert reply.status == 200, reply.text
        text += reply.text + server.cli("query", f"source={source} | head 10000", "--raw").stdout
    return text


def assert_nowhere(server, secrets):
    assert found_in(server.data, secrets) == set()
    seen = answers(server)
    assert "[redacted:" in seen
    assert [secret for secret in secrets if secret in seen] == []
    log = "".join(server.log)
    assert [secret for secret in secrets if secret in log] == []


def test_no_canary_is_anywhere(server):
    canaries = Canaries(1)
    for send in SENDERS:
        send(server, canaries)
    assert len(canaries.secrets) > 400
    assert_nowhere(server, canaries.secrets)  # in the journal
    assert server.post("/clew/v1/flush").status == 200
    assert_nowhere(server, canaries.secrets)  # in segments
    bulk(server, canaries)
    assert server.post("/clew/v1/flush").status == 200
    server.kill()  # what comes back from disk alone
    server.start()
    assert_nowhere(server, canaries.secrets)
    bulk(server, canaries)
    assert server.metric("clew_redacted_total") > 400
    assert server.metric("clew_redacted_total", rule="github_token") > 0
    assert server.rows("source=logs | where like(message, 'login failed%') | head 1 | fields message, _flags")[0][
        "message"] == "login failed password=[redacted:password] for alice"
    server.assert_counts_add_up()


def test_the_scan_sees_what_is_not_redacted(make_server, tmp_path):
    config = tmp_path / "clew.yaml"
    config.write_text("redact:\n  datasets:\n    plain: off\n")
    server = make_server("--config", str(config))
    kept, gone = Canaries(2), Canaries(3)
    bulk(server, kept, "plain")
    bulk(server, gone, "logs")
    assert found_in(server.data, gone.secrets) == set()
    assert len(found_in(server.data, kept.secrets)) > len(kept.secrets) // 2
    rows = server.post("/_plugins/_ppl", {"query": "source=plain | head 10000"}).text
    assert [secret for secret in kept.secrets if secret not in rows] == []


def test_own_rules_and_reload(make_server, tmp_path):
    config = tmp_path / "clew.yaml"
    config.write_text("redact:\n  rules:\n    employee:\n      regex: 'EMP-[0-9]+'\n      replacement: '[employee]'\n")
    server = make_server("--config", str(config))
    server.import_ndjson([{"message": "badge EMP-4711 opened"}])
    assert server.rows("source=logs | fields message") == [{"message": "badge [employee] opened"}]
    assert server.metric("clew_redacted_total", rule="employee") == 1
    config.write_text("redact:\n  default: off\n")
    os.kill(server.pid, 1)
    assert server.wait_log("redact: as the configuration says now")
    server.import_ndjson([{"message": "badge EMP-4712 password=hunter22"}], "other")
    assert server.rows("source=other | fields message") == [{"message": "badge EMP-4712 password=hunter22"}]


@pytest.mark.parametrize("path,body,content", [
    ("/_bulk", '{"create":{"_index":"A password=SECRET"}}\n{"a":1}\n', "application/x-ndjson"),
    ("/_bulk", '{"create":{"_index":"logs"}}\n{"password":"SECRET"\n', "application/x-ndjson"),
    ("/_bulk", '{"password=SECRET":{}}\n{"a":1}\n', "application/x-ndjson"),
    ("/api/v1/import", '{"password":"SECRET",,}\n', "application/x-ndjson"),
    ("/api/v1/import?format=json", '{"password":"SECRET"', "application/json"),
    ("/loki/api/v1/push", '{"streams":[{"stream":{"a":"b"},"values":[["password=SECRET","x"]]}]}', "application/json"),
    ("/loki/api/v1/push", '{"streams":[{"labels":"{password=SECRET","entries":[]}]}', "application/json"),
    ("/v1/logs", '{"resourceLogs":[{"password":"SECRET",]}', "application/json"),
    ("/api/v2/spans", '[{"traceId":"password=SECRET","id":1}]', "application/json"),
])
def test_errors_do_not_quote_secrets(server, path, body, content):
    secret = "hunter2CanaryValue99"
    reply = server.post(path, body.replace("SECRET", secret), headers={"Content-Type": content})
    assert secret not in reply.text
    assert secret not in "".join(server.log)
    assert found_in(server.data, [secret]) == set()
