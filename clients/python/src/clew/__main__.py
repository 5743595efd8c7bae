"""python -m clew tail [QUERY]: events as they come, on standard output."""
from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Dict, List, Optional

from . import subscriber

_SHOWN_APART = ("@timestamp", "level", "levelname", "service.name", "message", "event")
# What a record has of its own beside what was logged; --json shows all.
_OF_THE_RECORD = frozenset((
    "args", "created", "filename", "funcName", "host.name", "levelno", "lineno", "module", "msecs", "msg", "name",
    "pathname", "process", "processName", "relativeCreated", "thread", "threadName", "span_id", "_seq", "_id"))


def line_of(fields: Dict[str, Any]) -> str:
    """The event for a person: time, level, service, message, then the fields that were logged."""
    level = str(fields.get("level") or fields.get("levelname") or "").lower()
    head = [str(fields.get("@timestamp", "")), level, str(fields.get("service.name") or ""),
            str(fields.get("message") or fields.get("event") or "")]
    more = [f"{name}={value}" for name, value in fields.items()
            if name not in _SHOWN_APART and name not in _OF_THE_RECORD and value not in (None, "", [])]
    return "  ".join(part for part in head if part) + ("  " + " ".join(more) if more else "")


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m clew", description="clew's Python client")
    commands = parser.add_subparsers(dest="command", required=True)
    tail = commands.add_parser("tail", help="events as they come")
    tail.add_argument("query", nargs="*", help="PPL, for example: level>=warn service.name=order")
    tail.add_argument("--last", type=int, default=10, help="begin with so many of the newest (default 10)")
    tail.add_argument("--json", action="store_true", help="whole events, one JSON object a line")
    tail.add_argument("--count", type=int, default=0, help="end after so many")
    tail.add_argument("--url", default="", help="the server (default: CLEW_URL, else http://127.0.0.1:4320)")
    options = parser.parse_args(arguments)
    return _tail(options)


def _tail(options: argparse.Namespace) -> int:
    def tell_missed(events: int) -> None:
        print(f"clew tail: {events} events came too fast and are not shown", file=sys.stderr)

    events = subscriber.Subscription(" ".join(options.query), url=options.url, last=options.last, on_missed=tell_missed)
    try:
        for number, event in enumerate(events, 1):
            print(json.dumps(event.fields, ensure_ascii=False) if options.json else line_of(event.fields), flush=True)
            if number == options.count:
                break
    except subscriber.SubscribeError as error:
        print(f"clew tail: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        events.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
