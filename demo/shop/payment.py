"""payment: charges cards, through a gateway that does not always answer."""
import os
import random
import signal
import time

import clew
from shop.service import Refused, Service

service = Service("payment")
charges = service.metrics.counter("payment_charges_total", "Cards charged.", ("outcome",))

TRIES_MAX = 3


class Declined(Exception):
    """The bank says no."""


@service.route("POST", "/charges")
def charge(body):
    try:
        with clew.goal("charge card", order_id=body["order_id"], amount=body["amount"]):
            service.log.info("charging", card=body["card"], amount=body["amount"])  # the card leaves redacted
            maybe_crash()
            receipt = ask_until_answered(body)
    except Declined as error:
        charges.inc(outcome="declined")
        raise Refused(402, f"card declined: {error}") from error
    except TimeoutError as error:
        charges.inc(outcome="no_answer")
        raise Refused(504, str(error)) from error
    charges.inc(outcome="ok")
    return 200, {"receipt": receipt}


def ask_until_answered(body):
    for attempt in range(1, TRIES_MAX + 1):
        try:
            with clew.goal("ask the gateway", attempt=attempt):
                return ask_gateway(body)
        except TimeoutError:
            if attempt == TRIES_MAX:
                raise
            service.log.warning("gateway did not answer, trying again", attempt=attempt)
            time.sleep(0.02 * attempt)


def ask_gateway(body):
    service.switches.linger("payment.slow_ms")
    time.sleep(random.uniform(0.005, 0.03))
    if service.switches.strikes("payment.timeouts"):
        raise TimeoutError("gateway: no answer after 30 ms")
    if service.switches.strikes("payment.declines"):
        raise Declined("card expired")
    return f"rcpt-{body['order_id']}"


def maybe_crash():
    """Dies as by kill -9, after what was logged so far is out."""
    if service.switches.strikes("payment.crashes"):
        service.handler.flush()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    service.health.add("gateway", lambda: not service.switches.get("payment.timeouts") >= 1)
    service.run()
