"""Secrets out of a line before it leaves the process: passwords, tokens, keys, card numbers.

By the name of a field (`password=...`), and by the look of a text (`Authorization: Bearer ...`, a card number that
passes Luhn's check). What is taken away is replaced by `[redacted]`; the function says how often it was.
"""
from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Match, Tuple

from . import names

MARK = "[redacted]"
CARD_MARK = "[redacted card]"
DEPTH_MAX = 8

# A field is secret when one of these is in its name: written without case, `_`, `-` and `.`.
SECRET_NAMES = ("password", "passwd", "passphrase", "secret", "apikey", "accesskey", "privatekey", "authorization",
                "accesstoken", "refreshtoken", "authtoken", "idtoken", "sessiontoken", "bearertoken", "csrftoken",
                "setcookie", "cvv", "cvc")
SECRET_WHOLE_NAMES = frozenset(("token", "pwd", "pass", "cookie", "cookies", "credentials", "pin", "jwt"))
_NAME_NOISE = str.maketrans("", "", "_-. ")

# One of these must be in a text for the patterns below to be tried: finding a literal is far cheaper.
_HINTS = ("pass", "pwd", "secret", "token", "key", "authorization", "cookie", "bearer", "basic ", "eyj", "akia",
          "asia", "://", "private")
_SECRET_TEXT = re.compile(
    r"""(?P<name>(?:["']?[\w.-]*(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|"""
    r"""token|pwd|cookie)["']?\s*[:=]\s*|\b(?:authorization["']?\s*[:=]\s*["']?)?(?:bearer|basic)\s+"""
    r"""|authorization["']?\s*[:=]\s*))(?P<value>"[^"]*"|'[^']*'|[^\s,;&"'}\])]+)"""
    r"""|(?P<user>://[^\s/:@]+:)(?P<userpass>[^\s/@]+)(?=@)"""
    r"""|(?P<jwt>\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)|(?P<aws>\b(?:AKIA|ASIA)[0-9A-Z]{16}\b)"""
    r"""|(?P<pem>-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$))""",
    re.IGNORECASE)
_DIGITS = re.compile(r"\d{4}[ -]?\d")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])(?!\.\d)")


def redact_fields(fields: Dict[str, Any]) -> int:
    """Replaces what is secret in `fields` itself; how many values were. LogRecord's own attributes of fixed meaning
    (thread numbers, paths) are passed over."""
    count = 0
    for name, value in list(fields.items()):
        if name in _PASSED_OVER:
            continue
        made, found = _redacted(name, value, 0)
        if found:
            fields[name] = made
            count += found
    if count and fields.get("args"):
        fields["args"] = MARK  # a secret of the message came from here, with no name beside it
    return count


def redact_text(text: str) -> Tuple[str, int]:
    """`text` without what looks secret, and how many places were replaced."""
    count = 0
    low = text.lower()
    for hint in _HINTS:
        if hint in low:
            text, count = _SECRET_TEXT.subn(_mark, text)
            count -= text.count(_KEPT)
            text = text.replace(_KEPT, "")
            break
    if _DIGITS.search(text):
        text, cards = _cards_out(text)
        count += cards
    return text, count


def is_secret_name(name: str) -> bool:
    plain = name.lower().translate(_NAME_NOISE)
    if plain in SECRET_WHOLE_NAMES or name.lower().rpartition(".")[2] in SECRET_WHOLE_NAMES:
        return True
    return any(part in plain for part in SECRET_NAMES)


def is_card_number(digits: str) -> bool:
    """True for 13-19 digits that begin and end as a payment card's do."""
    length = len(digits)
    issued = (digits[0] == "4" and length in (13, 16, 19)
              or length == 16 and ("51" <= digits[:2] <= "55" or "2221" <= digits[:4] <= "2720")
              or length == 15 and digits[:2] in ("34", "37")
              or 16 <= length <= 19 and (digits[:4] == "6011" or digits[:2] in ("62", "65") or "644" <= digits[:3] <= "649")
              or length == 16 and "3528" <= digits[:4] <= "3589"
              or length == 14 and (digits[:2] in ("36", "38") or "300" <= digits[:3] <= "305"))
    return issued and _luhn(digits)


_PASSED_OVER = names.RECORD_NAMES - {"msg", "message", "exc_text", "stack_info", "args"} | {
    "@timestamp", "trace_id", "span_id", "parent_span_id", "request_id", "service.name", "host.name", "args"}
_KEPT = "\x00"  # stands before what a pattern matched and is to stay


def _redacted(name: str, value: Any, depth: int) -> Tuple[Any, int]:
    """(value or its replacement, how much was replaced)"""
    if name and is_secret_name(name) and value not in (None, "", True, False):
        return MARK, 1
    kind = type(value)
    if kind is str:
        return redact_text(value)
    if kind is int:
        return (CARD_MARK, 1) if 10**14 <= value < 10**16 and is_card_number(str(value)) else (value, 0)
    if depth >= DEPTH_MAX or kind not in (dict, list, tuple):
        return value, 0
    return _redacted_container(value, depth + 1)


def _redacted_container(value: Any, depth: int) -> Tuple[Any, int]:
    if isinstance(value, Mapping):
        pairs = [(key, _redacted(key if isinstance(key, str) else "", item, depth)) for key, item in value.items()]
        count = sum(found for _, (_, found) in pairs)
        return ({key: made for key, (made, _) in pairs}, count) if count else (value, 0)
    items = [_redacted("", item, depth) for item in value]
    count = sum(found for _, found in items)
    return ([made for made, _ in items], count) if count else (value, 0)


def _mark(found: "Match[str]") -> str:
    if found["value"] is not None:
        return _KEPT + found[0] if found["value"].strip("\"'").lower() in _WORDS else found["name"] + MARK
    return (found["user"] or "") + MARK


# Words that follow "token" or "password" in prose and are none: "token: expired", "password = None".
_WORDS = frozenset(("none", "null", "true", "false", "", "expired", "invalid", "missing", "required", "ok", MARK))


def _cards_out(text: str) -> Tuple[str, int]:
    count = 0

    def replace(found: "Match[str]") -> str:
        nonlocal count
        digits = found[0].replace(" ", "").replace("-", "")
        if not is_card_number(digits):
            return found[0]
        count += 1
        return CARD_MARK
    return _CARD.sub(replace, text), count


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and digits.strip("0") != ""
