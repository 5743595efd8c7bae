"""A queue between processes: a folder with one file for each message, taken oldest first.

A message carries the sender's request in its headers, as one of Kafka's or AMQP's would.
"""
import json
import os
import time
import uuid

import clew

MESSAGES_MAX = 10_000


class Spool:
    """Threads and processes: any may put; each message is taken by one."""

    def __init__(self, folder):
        self._folder = folder
        os.makedirs(folder, exist_ok=True)

    def put(self, body):
        """Errors: OverflowError when too many messages wait."""
        if self.depth() >= MESSAGES_MAX:
            raise OverflowError(f"{MESSAGES_MAX} messages wait already")
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        path = os.path.join(self._folder, name)
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            json.dump({"headers": clew.inject({}), "body": body}, file)
        os.rename(path + ".tmp", path + ".message")

    def take(self):
        """The oldest message, None when there is none."""
        for name in sorted(os.listdir(self._folder)):
            if not name.endswith(".message"):
                continue
            path = os.path.join(self._folder, name)
            try:
                os.rename(path, path + ".taken")  # one taker wins
            except FileNotFoundError:
                continue
            with open(path + ".taken", encoding="utf-8") as file:
                message = json.load(file)
            os.remove(path + ".taken")
            return message
        return None

    def depth(self):
        return sum(name.endswith(".message") for name in os.listdir(self._folder))
