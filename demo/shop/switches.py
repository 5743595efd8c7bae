"""Faults and slowness, set from outside while the services run: a JSON file that each service reads again when it changes."""
import json
import os
import random
import time

# name: (value from the beginning, what it does). A share is a probability from 0 to 1.
SWITCHES = {
    "user.slow_ms": (0, "milliseconds that looking up a user takes longer"),
    "user.fails": (0.0, "share of users that the database does not give"),
    "price.slow_ms": (0, "milliseconds that pricing takes longer"),
    "price.unknown": (0.03, "share of orders with an article that has no price"),
    "payment.declines": (0.08, "share of cards that the bank declines"),
    "payment.timeouts": (0.1, "share of questions to the gateway without an answer; three in a row fail the order"),
    "payment.slow_ms": (0, "milliseconds that the gateway takes longer"),
    "payment.crashes": (0.0, "share of charges in which the payment service dies"),
    "mail.fails": (0.02, "share of mails that the mail server refuses"),
    "mail.slow_ms": (0, "milliseconds that sending a mail takes longer"),
    "load.per_second": (2.0, "orders a second"),
}


class Switches:
    """The switches of one demo. Threads: any."""

    def __init__(self, path):
        self._path = path
        self._read_at = -1
        self._values = {}

    def get(self, name):
        """The value of a switch now."""
        try:
            changed = os.stat(self._path).st_mtime_ns
            if changed != self._read_at:
                self._values, self._read_at = read(self._path), changed
        except (OSError, ValueError):
            pass  # not there yet, or being written: what was known holds
        return self._values.get(name, SWITCHES[name][0])

    def strikes(self, name):
        """True as often as the share `name` says."""
        return random.random() < self.get(name)

    def linger(self, name):
        """Waits as long as the switch `name` says."""
        time.sleep(self.get(name) / 1e3)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, values):
    """Replaces the file at once, so that no service reads half of it."""
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
    os.replace(path + ".tmp", path)


def parse(text):
    """("payment.declines", 0.5) of "payment.declines=0.5". Errors: ValueError with what is wrong."""
    name, _, value = text.partition("=")
    if name not in SWITCHES:
        raise ValueError(f"{name}: no such switch; there are {', '.join(SWITCHES)}")
    try:
        return name, float(value)
    except ValueError:
        raise ValueError(f"{text}: expected {name}=NUMBER") from None
