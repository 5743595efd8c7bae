"""kill -9 of the whole server under concurrent ingest: what was acknowledged is there once, what was not is there whole
or not at all. CLEW_KILL_CYCLES=1000 for the long form."""
import http.client
import json
import os
import random
import threading

CYCLES = int(os.environ.get("CLEW_KILL_CYCLES", "6"))
WRITERS = 4
BATCH = 50


class Writer(threading.Thread):
    """Sends batches of numbered events until the server dies; each batch has a key, a failed one is sent again first."""

    def __init__(self, name, state):
        super().__init__()
        self.writer, self.state = name, state
        self.duplicates = 0

    def run(self):
        connection = http.client.HTTPConnection(self.state["address"], timeout=30)
        while not self.state["stop"].is_set():
            sequence = self.state["next"][self.writer]
            first = sequence * BATCH
            body = "".join('{"create":{"_index":"kill"}}\n' + json.dumps({"w": self.writer, "n": first + i}) + "\n" for i in range(BATCH))
            try:
                connection.request("POST", "/_bulk", body, {"Content-Type": "application/x-ndjson",
                                                             "Clew-Batch": f"writer-{self.writer}:{sequence + 1}"})
                reply = connection.getresponse()
                text = reply.read()
            except (OSError, http.client.HTTPException):
                return  # killed: this batch is in doubt and goes again after the restart
            if reply.status == 200 and b'"errors":false' in text:
                self.state["next"][self.writer] = sequence + 1
            elif reply.status not in (429, 503):
                self.state["bad"].append((reply.status, text[:300]))
                return


def test_killed_server_loses_and_repeats_nothing(make_server):
    server = make_server()
    rng = random.Random(11)
    state = {"next": [0] * WRITERS, "bad": []}
    for _ in range(CYCLES):
        state["stop"] = threading.Event()
        state["address"] = server.listening["http"]
        writers = [Writer(w, state) for w in range(WRITERS)]
        for writer in writers:
            writer.start()
        state["stop"].wait(rng.uniform(0.05, 0.4))
        server.kill()
        state["stop"].set()
        for writer in writers:
            writer.join()
        assert not state["bad"], state["bad"][0]
        server.start()
    check(server, state["next"])


def check(server, acknowledged):
    rows = server.rows("source=kill | stats count() as n, distinct_count(n) as d, max(n) as m by w")
    assert len(rows) == WRITERS
    for row in rows:
        acked = acknowledged[row["w"]] * BATCH
        assert row["n"] == row["d"], f"writer {row['w']}: {row['n'] - row['d']} events twice"
        assert row["n"] == row["m"] + 1, f"writer {row['w']}: {row['m'] + 1 - row['n']} events missing in between"
        assert acked <= row["n"] <= acked + BATCH, f"writer {row['w']}: acknowledged {acked}, stored {row['n']}"


def test_repeated_batch_is_stored_once(server):
    events = [{"n": n} for n in range(100)]
    first = server.import_ndjson(events, "repeat", {"Clew-Batch": "me:7"}).json()
    again = server.import_ndjson(events, "repeat", {"Clew-Batch": "me:7"}).json()
    assert (first["stored"], first["duplicate"]) == (100, 0)
    assert (again["stored"], again["duplicate"]) == (0, 100)
    assert server.count("repeat") == 100
    server.kill()
    server.start()
    once_more = server.import_ndjson(events, "repeat", {"Clew-Batch": "me:7"}).json()
    assert once_more["duplicate"] == 100
    assert server.count("repeat") == 100


def test_received_is_stored_duplicate_dropped_or_rejected(server):
    server.post("/api/v1/import?dataset=sum", '{"a":1}\nnot json\n{"a":2}\n[3]\n{"a":3}\n')
    server.import_ndjson([{"a": 4}], "sum", {"Clew-Batch": "p:1"})
    server.import_ndjson([{"a": 4}], "sum", {"Clew-Batch": "p:1"})
    received = server.metric("clew_events_received_total")
    parts = [server.metric(f"clew_events_{name}_total") for name in ("stored", "duplicate", "dropped", "rejected")]
    assert received == 7
    assert sum(parts) == received, parts
    assert parts[3] == 2
