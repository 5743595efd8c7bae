"""kill -9 under load: what was acknowledged is there, once."""
import http.client
import json
import threading


class Writer(threading.Thread):
    """Writes numbered events in batches with keys until the server dies; remembers what was acknowledged."""

    def __init__(self, server, name, first):
        super().__init__()
        self.address = server.listening["http"]
        self.name = name
        self.next = first
        self.acked = []

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        while True:
            numbers = list(range(self.next, self.next + 50))
            body = "".join('{"index":{}}\n' + json.dumps({"w": self.name, "n": n}) + "\n" for n in numbers)
            try:
                connection.request("POST", "/ledger/_bulk", body, {"Clew-Batch": f"{self.name}:{self.next}"})
                reply = connection.getresponse()
                reply.read()
            except (OSError, http.client.HTTPException):
                return
            if reply.status == 200:
                self.acked += numbers
                self.next += 50


def test_kill_nine_loses_nothing_acknowledged(server):
    acked = {f"w{i}": [] for i in range(4)}
    resume = dict.fromkeys(acked, 0)
    for _ in range(5):
        writers = [Writer(server, name, resume[name]) for name in acked]
        for writer in writers:
            writer.start()
        threading.Event().wait(0.7)
        server.kill()
        for writer in writers:
            writer.join()
            acked[writer.name] += writer.acked
            resume[writer.name] = writer.next  # the batch in flight is sent again with its key
        server.start()
    for name, numbers in acked.items():
        rows = server.rows(f"source=ledger w={name} | stats count() as c, distinct_count(n) as d")
        assert rows[0]["c"] == rows[0]["d"], "an event is there twice"
        assert rows[0]["c"] >= len(numbers)
        # At most the one batch in flight at each kill was stored without an answer.
        assert rows[0]["c"] <= len(numbers) + 50
        low = server.rows(f"source=ledger w={name} n<{len(numbers)} | stats count() as c")
        assert low[0]["c"] == len(numbers)


def test_acknowledged_is_visible_at_once(server):
    for i in range(50):
        server.import_ndjson([{"i": i}])
        assert server.rows(f"source=logs i={i} | stats count() as c") == [{"c": 1}]


def test_flush_keeps_answers(server):
    server.import_ndjson([{"n": n, "level": "error" if n % 10 == 0 else "info"} for n in range(10_000)])
    query = "source=logs | stats count() as c, sum(n) as s by level | sort c"
    before = server.ppl(query)["datarows"]
    assert server.post("/clew/v1/flush").status == 200
    assert server.ppl(query)["datarows"] == before
    server.kill()
    server.start()
    assert server.ppl(query)["datarows"] == before == [[1000, sum(range(0, 10_000, 10)), "error"],
                                                       [9000, sum(n for n in range(10_000) if n % 10), "info"]]
