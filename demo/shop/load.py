"""The customers: orders at the rate of the switch load.per_second, `--orders N` of them or until the parent ends."""
import argparse
import json
import os
import random
import sys
import threading
import urllib.error
import urllib.request
import uuid

from shop import switches

USERS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
ARTICLES = ("apples", "pears", "bread", "cheese", "coffee", "wine")
CARDS = ("4111111111111111", "5500000000000004", "340000000000009")


def place_order(url):
    """The status of one order."""
    order = {"user": random.choice(USERS), "card": random.choice(CARDS),
             "items": {article: random.randint(1, 3) for article in random.sample(ARTICLES, random.randint(1, 3))}}
    request = urllib.request.Request(url + "/orders", data=json.dumps(order).encode(), method="POST",
                                     headers={"Content-Type": "application/json", "X-Request-ID": str(uuid.uuid4())})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0  # nobody there: a service that starts again


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=0, help="how many; 0: without end")
    options = parser.parse_args()
    url = os.environ["SHOP_ORDER_URL"]
    rate = switches.Switches(os.path.join(os.environ["SHOP_DIR"], "switches.json"))
    counts = {}
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    done = 0
    while not ended.is_set() and (not options.orders or done < options.orders):
        status = place_order(url)
        counts[status] = counts.get(status, 0) + 1
        done += 1
        per_second = rate.get("load.per_second")
        while per_second <= 0 and not ended.wait(0.2):
            per_second = rate.get("load.per_second")
        ended.wait(random.expovariate(per_second or 1))
    print(json.dumps({"orders": done, "by_status": {str(status): n for status, n in sorted(counts.items())}}), flush=True)


if __name__ == "__main__":
    main()
