"""The demo shop against the real server: from any line of a failed order, `clew tree` says which goal failed, and why."""
import json
import os
import subprocess
import sys

import clew_server

RUN = os.path.join(clew_server.ROOT, "demo/run.py")
ALL_WELL = ["price.unknown=0", "payment.declines=0", "payment.timeouts=0", "mail.fails=0", "load.per_second=50"]


def run_shop(server, tmp_path, orders, *switches):
    done = subprocess.run([sys.executable, RUN, "--clew", server.url, "--dir", str(tmp_path / "shop"), "--orders",
                           str(orders), *ALL_WELL, *switches], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def steps_of(server, *what, stdin=None):
    tree = server.cli("tree", *what, stdin=stdin).stdout
    return [json.loads(line)["step"] for line in tree.splitlines() if line.startswith('{"step"')]


def test_orders_that_go_well_are_one_tree_of_five_services(server, tmp_path):
    assert run_shop(server, tmp_path, 3)["by_status"] == {"200": 3}
    rows = server.rows("source=shop event='goal.end' | stats count() as n by service.name, name")
    counts = {(row["service.name"], row["name"]): row["n"] for row in rows}
    for key in [("order", "POST /orders"), ("order", "place order"), ("user", "look up user"), ("price", "price the basket"),
                ("payment", "charge card"), ("payment", "ask the gateway"), ("mail", "send confirmation")]:
        assert counts.get(key) == 3, (key, counts)
    traces = server.rows("source=shop goal=true | stats distinct_count(trace_id) as traces, "
                         "distinct_count(process) as processes")[0]
    assert traces == {"traces": 3, "processes": 5}
    order = server.rows("source=shop event=order_processed | head 1 | fields trace_id")[0]["trace_id"]
    steps = steps_of(server, order)
    assert {step["service"] for step in steps} == {"order", "user", "price", "payment", "mail"}
    assert sum(step.get("parent") is None for step in steps) == 1 and all(step["outcome"] == "ok" for step in steps if step.get("goal"))


def test_any_line_of_a_failed_order_tells_what_failed_and_why(server, tmp_path):
    assert run_shop(server, tmp_path, 1, "payment.declines=1")["by_status"] == {"502": 1}
    lines = server.cli("query", "source=shop", "--raw").stdout.splitlines()
    ids = [json.loads(line).get("trace_id") for line in lines]
    of_order = [line for line, trace_id in zip(lines, ids) if trace_id]
    assert len(of_order) > 8
    for line in (of_order[0], of_order[len(of_order) // 2], of_order[-1]):
        steps = {step["name"]: step for step in steps_of(server, stdin=line + "\n")}
        assert steps["place order"]["outcome"] == steps["charge card"]["outcome"] == "failed"
        assert [name for name, step in steps.items() if step.get("cause")] == ["ask the gateway"]
        assert steps["ask the gateway"]["service"] == "payment"
        assert steps["ask the gateway"]["reason"] == "Declined: card expired"
        assert steps["place order"]["reason"] == "CallFailed: payment: card declined: card expired"
        assert steps["look up user"]["outcome"] == steps["price the basket"]["outcome"] == "ok"
    stored = server.cli("query", "source=shop", "--raw").stdout
    for card in ("4111111111111111", "5500000000000004", "340000000000009"):
        assert card not in stored


def test_retries_fold(server, tmp_path):
    run_shop(server, tmp_path, 1, "payment.timeouts=1")
    trace = server.rows("source=shop name='place order' | head 1 | fields trace_id")[0]["trace_id"]
    steps = steps_of(server, trace)
    asked = [step for step in steps if step["name"] == "ask the gateway"]
    assert asked[-1]["outcome"] == "failed" and asked[-1]["tries"] == 3


def test_a_service_that_dies_leaves_a_goal_without_an_end(server, tmp_path):
    run_shop(server, tmp_path, 1, "payment.crashes=1")
    trace = server.rows("source=shop name='place order' | head 1 | fields trace_id")[0]["trace_id"]
    steps = {step["name"]: step for step in steps_of(server, trace)}
    assert steps["charge card"]["outcome"] == "open" and "no_end" in steps["charge card"]["problems"]
    assert steps["place order"]["outcome"] == "failed"
    # What died is where it broke, not who waited for it.
    assert [name for name, step in steps.items() if step.get("cause")] == ["charge card"]
    text = server.cli("tree", trace, "--format", "tree").stdout
    [broke] = [line for line in text.splitlines() if "broke here" in line]
    assert "charge card  open" in broke and broke.endswith("no end seen  ◀ broke here")
    assert "GET /users/{id}  ok" in text
