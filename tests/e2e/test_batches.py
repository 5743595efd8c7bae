"""What agents send: POST /clew/v1/batches, with the example part of docs/formats/batch.md."""
import gzip
import os
import re
import struct

import clew_server


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def example_part():
    with open(os.path.join(clew_server.ROOT, "docs/formats/batch.md"), encoding="utf-8") as page:
        lines = re.search(r"```hex part\n(.*?)```", page.read(), re.S).group(1).splitlines()
    return bytes(int(word, 16) for line in lines for word in line.split()[1:])


def part_of(dataset, version=1):
    """The example's two events in another dataset of four letters, or said to be of another version."""
    part = bytearray(example_part())
    (head_bytes,) = struct.unpack_from("<I", part, 8)
    assert part[17:21] == b"logs"
    part[17:21] = dataset.encode()
    struct.pack_into("<H", part, 4, version)
    struct.pack_into("<I", part, 12, crc32c(part[16:16 + head_bytes], crc32c(part[:12])))
    return bytes(part)


def body_of(*parts):
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def send(server, body, key="host-1:7", **headers):
    if key:
        headers["Clew-Batch"] = key
    return server.request("POST", "/clew/v1/batches", body, headers)


def counts(server):
    found = {}
    for name, labels, value in re.findall(r"clew_events_(\w+)_total\{([^}]*)\} (\d+)", server.get("/metrics").text):
        if 'source="agent"' in labels:
            reason = re.search(r'reason="(\w+)"', labels)
            found[name if reason is None else reason.group(1)] = int(value)
    return found


def rows_of(server, query):
    return [line["row"] for line in server.post("/clew/v1/search", {"query": query, "ids": True}).lines() if "row" in line]


def test_a_batch_is_stored_once_however_often_it_is_sent(server):
    first = send(server, body_of(example_part()))
    assert first.status == 200, first.text
    assert first.json() == {"stored": 2, "duplicate": 0, "rejected": 0}
    assert send(server, body_of(example_part())).json() == {"stored": 0, "duplicate": 2, "rejected": 0}
    rows = rows_of(server, "source=logs")
    assert sorted((row["_id"], row["level"], row["ms"]) for row in rows) == [
        ("host-1:7:0", "INFO", 12), ("host-1:7:1", "INFO", 7)]
    assert counts(server) == {"received": 4, "stored": 2, "duplicate": 2}


def test_parts_of_one_body_are_one_commit(server):
    assert send(server, body_of(part_of("logs"), part_of("shop"))).json()["stored"] == 4
    assert len(rows_of(server, "source=logs")) == 2
    assert {row["_id"] for row in rows_of(server, "source=shop")} == {"host-1:7:2", "host-1:7:3"}


def test_a_body_may_be_compressed(server):
    reply = send(server, gzip.compress(body_of(example_part())), **{"Content-Encoding": "gzip"})
    assert reply.json()["stored"] == 2


def test_it_is_known_after_a_kill(server):
    assert send(server, body_of(example_part())).json()["stored"] == 2
    server.kill()
    server.start()
    assert send(server, body_of(example_part())).json()["duplicate"] == 2
    assert len(rows_of(server, "source=logs")) == 2


def test_what_is_wrong_is_refused_whole_and_counted(server):
    good = part_of("logs")
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    refused = [
        (body_of(good), None, 400, "Clew-Batch"),
        (body_of(good), "nokey", 400, "PRODUCER:SEQUENCE"),
        (b"", "a:1", 400, "without a part"),
        (body_of(good)[:-1], "a:1", 400, "part 1 at byte 0"),
        (body_of(part_of("shop"), flipped), "a:1", 400, f"part 2 at byte {4 + len(good)}"),
        (body_of(good, good), "a:1", 400, "second part of the dataset"),
        (body_of(part_of("logs", version=2)), "a:1", 400, "version 2"),
        (body_of(part_of("clew")), "a:1", 403, "clew"),
    ]
    for body, key, status, reason in refused:
        reply = send(server, body, key)
        assert (reply.status, reason in reply.json()["error"]["reason"]) == (status, True), (reply.status, reply.text)
    assert rows_of(server, "source=*") == []
    found = counts(server)
    assert found.pop("received") == sum(found.values())
    # A part that cannot be read counts as one event, the others as those that they hold.
    assert found == {"stored": 0, "duplicate": 0, "syntax": 4 + 4, "corrupt": 2, "unsupported": 1, "bad_name": 2}
