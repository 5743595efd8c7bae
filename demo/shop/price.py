"""price: what a basket costs."""
import random
import time

import clew
from shop.service import Service

service = Service("price")

PRICES = {"apples": 3, "pears": 4, "bread": 5, "cheese": 12, "coffee": 9, "wine": 18}
REBATE_FROM = 40


class NoPrice(Exception):
    """An article that is not in the list."""


@service.route("POST", "/quotes")
def quote(body):
    with clew.goal("price the basket", articles=len(body["items"])) as goal:
        total = sum(price_of(article) * count for article, count in body["items"].items())
        goal.note(total=total)
        if total >= REBATE_FROM:
            service.log.info("rebate given", total=total, rebate=round(total * 0.1, 2))
            total = round(total * 0.9, 2)
        return 200, {"total": total}


@clew.timed
def price_of(article):
    service.switches.linger("price.slow_ms")
    time.sleep(random.uniform(0.001, 0.004))
    if article not in PRICES or service.switches.strikes("price.unknown"):
        service.log.warning("article without a price", article=article)
        raise NoPrice(f"no price for {article}")
    return PRICES[article]


if __name__ == "__main__":
    service.run()
