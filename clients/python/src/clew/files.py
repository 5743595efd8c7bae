"""JSON lines on standard output, or in files that rotate and that an agent tails."""
from __future__ import annotations

import logging
import logging.handlers
import sys
from typing import Any, Optional, TextIO

from . import redact as redaction
from . import structured


def _formatter(names: str, service: str, redact: bool, fields: Any) -> structured.JsonFormatter:
    taken_away = redaction.redact_fields if redact else (lambda _: 0)
    return structured.JsonFormatter(names, service=service, redact=taken_away, **fields)


class StdoutHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """One JSON object a line on standard output (or `stream`): what containers want."""

    def __init__(self, *, service: str = "", names: str = "record", redact: bool = True,
                 stream: Optional[TextIO] = None, level: int = logging.NOTSET, **fields: Any) -> None:
        super().__init__(sys.stdout if stream is None else stream)
        self.setLevel(level)
        self.setFormatter(_formatter(names, service, redact, fields))


class RotatingFileHandler(logging.handlers.RotatingFileHandler):
    """One JSON object a line in `path`. At `bytes_max` it is renamed to path.1, path.1 to path.2, up to `files_max`.

    Rotation is by rename, so a reader that holds the file open reads it to its end. Each line is written whole and
    handed to the kernel before the call returns: kill -9 loses none. One process per file: several would rotate each
    other's.
    """

    def __init__(self, path: str, *, service: str = "", names: str = "record", redact: bool = True,
                 bytes_max: int = 64 * 2**20, files_max: int = 5, level: int = logging.NOTSET, **fields: Any) -> None:
        super().__init__(path, maxBytes=bytes_max, backupCount=files_max, encoding="utf-8",
                         errors="backslashreplace", delay=True)
        self.setLevel(level)
        self.setFormatter(_formatter(names, service, redact, fields))
