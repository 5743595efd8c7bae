"""Pipelines of processors: in the agent and by `clew pipeline test` and `try`."""
import json
import os
import subprocess

import pytest

import clew_server
from test_agent import count_of, make_agent, wait_for  # noqa: F401

PARSE_ERROR = 16  # a bit of _flags
PIPELINES = r"""
pipelines:
  shop:
    - grok: {patterns: ['%{IP:client.ip} %{WORD:method} %{NOTSPACE:url} %{INT:status:int} at=%{GREEDYDATA:at}']}
    - timestamp: {field: at, formats: ['%d/%b/%Y:%H:%M:%S %z'], drop: yes}
    - where: {condition: 'status >= 400 OR sample = true', rule: errors_only}
    - rename: {method: http.request.method}
    - set: {env: prod}
"""
TESTS = r"""
tests:
  - name: a 404 stays
    pipeline: shop
    input: '10.1.2.3 GET /cart 404 at=10/Oct/2026:13:55:36 +0200'
    expect: {status: 404, http: {request: {method: GET}}, '@timestamp': '2026-10-10T11:55:36Z', env: prod}
  - {pipeline: shop, input: '10.1.2.3 GET /cart 200 at=10/Oct/2026:13:55:36 +0200', dropped: yes}
"""


def run(*args, **options):
    return subprocess.run([clew_server.BINARY, *map(str, args)], capture_output=True, text=True, timeout=60, **options)


def rows_of(server, query):
    return list(server.ppl(query)["datarows"])


def test_the_agent_runs_the_pipeline_of_a_source(server, make_agent, tmp_path):  # noqa: F811
    log = tmp_path / "shop.log"
    line = "10.1.2.{} GET /cart/{} {} at=10/Oct/2026:13:55:{:02d} +0200\n"
    log.write_text("".join(line.format(i % 200, i, 500 if i % 4 == 0 else 200, i % 60) for i in range(4000))
                   + "not of the shop\n")
    config = tmp_path / "agent.yaml"
    config.write_text(PIPELINES + f"sources:\n  shop: {{files: {log}, dataset: shop, pipeline: shop}}\n")
    agent = make_agent("--config", config, "--url", server.url)
    wait_for(lambda: count_of(server, "shop") == 1001, "1001 events")
    assert rows_of(server, "source=shop status=500 env=prod http.request.method=GET | stats count() as n") == [[1000]]
    kept = rows_of(server, "source=shop \"not of the shop\" | fields message, env, _flags")
    assert kept[0][0] == "not of the shop" and kept[0][1] == "prod" and kept[0][2] & PARSE_ERROR
    assert agent.metric('clew_pipeline_dropped_events_total{pipeline="shop",rule="errors_only"}') == 3000
    assert agent.metric('clew_pipeline_failed_events_total{pipeline="shop",rule="grok 1"}') == 1
    assert agent.metric("clew_pipeline_events_total") == 4001


def test_cases_pass_and_fail_readably(tmp_path):
    good = tmp_path / "good.yaml"
    good.write_text(PIPELINES + TESTS)
    done = run("pipeline", "test", good)
    assert (done.returncode, done.stdout) == (0, "2 passed, 0 failed\n"), done.stderr
    assert run("check", good).returncode == 0
    assert run("agent", "test", good).returncode == 0
    apart = tmp_path / "apart.yaml"
    apart.write_text("config: good.yaml\n" + TESTS.replace("status: 404,", "status: 500,"))
    done = run("pipeline", "test", apart)
    assert done.returncode == 1
    assert "FAIL a 404 stays" in done.stdout and "  status\n    expected 500\n    got      404" in done.stdout
    assert "1 passed, 1 failed" in done.stdout


def test_what_logstash_s_filters_do():
    cases = os.path.join(clew_server.ROOT, "tests", "pipelines", "logstash.yaml")
    done = run("pipeline", "test", cases)
    if "country.mmdb" in done.stderr:
        pytest.skip("no country database")
    print(f"\nLogstash's filters: {done.stdout.splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_line_step_by_step(tmp_path):
    config = tmp_path / "agent.yaml"
    config.write_text(PIPELINES)
    done = run("pipeline", "try", "--config", config, "shop", "10.1.2.3 GET /x 404 at=10/Oct/2026:13:55:36 +0200")
    assert done.returncode == 0, done.stderr
    assert "  grok 1\n" in done.stdout and '    + client.ip: "10.1.2.3"' in done.stdout
    assert json.loads(done.stdout.splitlines()[-1])["env"] == "prod"
    done = run("pipeline", "try", "--quiet", "--steps", "- logfmt: {}", input="a=1 b=2\na=2 b=3\n")
    assert [json.loads(line)["a"] for line in done.stdout.splitlines()] == [1, 2]


def test_mistakes_are_told_with_their_line(tmp_path):
    config = tmp_path / "agent.yaml"
    config.write_text("pipelines:\n  p:\n    - jsn: {}\nsources: {a: {files: /x, pipeline: q}}\n")
    done = run("check", config)
    assert done.returncode == 1
    assert f"{config}:3: no processor jsn; did you mean json?" in done.stderr
    assert "sources.a.pipeline: there is no pipeline q" in done.stderr


def test_the_server_runs_the_pipeline_of_a_dataset(make_server, tmp_path):
    config = tmp_path / "clew.yaml"
    config.write_text(PIPELINES.replace("- grok: {patterns", "- grok: {field: message, patterns")
                      + "    - route: [{when: 'status >= 500', dataset: errors}]\n"
                      + "datasets:\n  shop: {pipeline: shop}\n")
    server = make_server("--config", str(config))
    line = "10.1.2.3 GET /cart {} at=10/Oct/2026:13:55:36 +0200"
    events = [{"message": line.format(status), "n": n} for n, status in enumerate([200, 404, 500, 200, 503])]
    assert server.import_ndjson(events, dataset="shop").status == 200
    assert server.import_ndjson(events, dataset="other").status == 200
    assert count_of(server, "shop") == 1 and count_of(server, "errors") == 2 and count_of(server, "other") == 5
    assert rows_of(server, "source=errors | sort n | fields n, status, env, client.ip") == [
        [2, 500, "prod", "10.1.2.3"], [4, 503, "prod", "10.1.2.3"]]
    assert server.metric("clew_events_dropped_total", rule="errors_only") == 2
    server.assert_counts_add_up()


def test_samples_stand_for_what_they_came_from(server, make_agent, tmp_path):  # noqa: F811
    log = tmp_path / "app.log"
    log.write_text("".join(f"level={'debug' if i % 10 else 'error'} n={i} msg=x\n" for i in range(50000)))
    config = tmp_path / "agent.yaml"
    config.write_text("pipelines:\n  less:\n    - logfmt: {}\n    - sample: {keep: 0.01, when: \"level = 'debug'\"}\n"
                      f"sources:\n  app: {{files: {log}, dataset: less, pipeline: less}}\n")
    make_agent("--config", config, "--url", server.url)

    def weight():
        reply = server.post("/_plugins/_ppl", {"query": "source=less | stats sum(_weight) as w"})
        return reply.json()["datarows"][0][0] if reply.status == 200 else 0

    wait_for(lambda: weight() == 50000, "a weight of all that was read")
    assert rows_of(server, "source=less | where level='error' | stats count() as n") == [[5000]]
    assert 5000 < count_of(server, "less") < 6000
