"""user: who the customers are."""
import logging
import random
import time

import clew
from shop.service import Service

service = Service("user")
database = logging.getLogger("user.database")


@service.route("GET", "/users/{id}")
def user(user_id, _):
    with clew.bind(user_id=user_id):
        return 200, look_up(user_id)


@clew.goal("look up user")
def look_up(user_id):
    began = time.perf_counter()
    service.switches.linger("user.slow_ms")
    time.sleep(random.uniform(0.002, 0.008))
    if service.switches.strikes("user.fails"):
        raise ConnectionError("database: too many connections")
    database.info("select * from users where id = %s", user_id,
                  extra={"duration_ms": round((time.perf_counter() - began) * 1e3, 3), "rows": 1})
    number = sum(map(ord, user_id))
    return {"id": user_id, "mail": f"{user_id}@example.org", "region": ("NY", "CA", "TX")[number % 3]}


if __name__ == "__main__":
    service.health.add("database", lambda: not service.switches.get("user.fails") >= 1)
    service.run()
