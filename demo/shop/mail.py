"""mail: sends what waits in the queue. Each mail belongs to the order that put it there, whenever that was."""
import os
import random
import threading
import time

import clew
from shop.service import Service
from shop.spool import Spool

service = Service("mail")
queue = Spool(os.path.join(os.environ["SHOP_DIR"], "mail-queue"))
sent = service.metrics.counter("mails_total", "Mails.", ("outcome",))
depth = service.metrics.gauge("mail_queue_depth", "Messages that wait.")

POLL_S = 0.1


def work():
    while True:
        depth.set(queue.depth())
        message = queue.take()
        if message is None:
            time.sleep(POLL_S)
            continue
        with clew.follow(message["headers"]):
            deliver(message["body"])


def deliver(body):
    try:
        with clew.goal("send confirmation", order_id=body["order_id"]):
            service.switches.linger("mail.slow_ms")
            time.sleep(random.uniform(0.01, 0.05))
            if service.switches.strikes("mail.fails"):
                raise ConnectionRefusedError("smtp: 451 try again later")
            service.log.info("mail sent", to=body["to"])
            sent.inc(outcome="ok")
    except ConnectionRefusedError:
        sent.inc(outcome="failed")  # told by the goal


if __name__ == "__main__":
    threading.Thread(target=work, name="mailer", daemon=True).start()
    service.run()
