"""order: takes orders, and asks the others for what it needs."""
import itertools
import os
import random

import clew
from shop.service import CallFailed, Service, call, is_alive
from shop.spool import Spool

service = Service("order")
queue = Spool(os.path.join(os.environ["SHOP_DIR"], "mail-queue"))
orders = service.metrics.counter("orders_total", "Orders.", ("region", "outcome"))
revenue = service.metrics.counter("orders_revenue_total", "What customers paid.", ("region",))
numbers = itertools.count(random.randrange(10_000, 90_000))


@service.route("POST", "/orders")
def place(body):
    order_id = next(numbers)
    region = "unknown"
    try:
        with clew.bind(order_id=order_id, user_id=body["user"]), clew.goal("place order", items=body["items"]) as goal:
            customer = call("user", "GET", "/users/" + body["user"])
            region = customer["region"]
            total = call("price", "POST", "/quotes", {"items": body["items"]})["total"]
            goal.note(amount=total, region=region)
            call("payment", "POST", "/charges", {"order_id": order_id, "amount": total, "card": body["card"]})
            queue.put({"order_id": order_id, "to": customer["mail"]})
            service.log.info("order_processed", user=body["user"], amount=total, region=region)
    except CallFailed:
        orders.inc(region=region, outcome="failed")
        raise
    orders.inc(region=region, outcome="ok")
    revenue.inc(total, region=region)
    return 200, {"order_id": order_id, "total": total}


if __name__ == "__main__":
    for name in ("user", "price", "payment"):
        service.health.add(name, lambda name=name: is_alive(name))
    service.run()
