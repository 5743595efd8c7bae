"""Where lines go and as what, from arguments and the environment.

Order: arguments, CLEW_URL, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT (as OTLP), else clew on this
machine. OpenTelemetry's variables mean what its specification says.
"""
from __future__ import annotations

import os
import tempfile
import urllib.parse
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional

from . import record
from .transport.shipper import Limits

DEFAULT_URL = "http://127.0.0.1:4320"


@dataclass(frozen=True)
class Settings:
    """`protocol` is "clew" or "otlp"; `spill` a directory, "" for none; `static` stands in each line."""

    url: str = DEFAULT_URL
    protocol: str = "clew"
    dataset: str = "logs"
    logs_path: str = "/v1/logs"
    traces_path: str = "/v1/traces"
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 10.0
    compress: bool = False
    spill: str = ""
    static: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = Limits()
    enabled: bool = True


def from_environment(url: str = "", protocol: str = "", environ: Optional[Mapping[str, str]] = None) -> Settings:
    """Settings for a handler that was given `url` and `protocol`, or nothing."""
    env = os.environ if environ is None else environ
    logs_url = env.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "")
    base_url = env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if not url:
        url = env.get("CLEW_URL", "")
        if not url and (logs_url or base_url):
            url, protocol = logs_url or base_url, "otlp"
    made = Settings(url=url or DEFAULT_URL, protocol=protocol or "clew", dataset=env.get("CLEW_DATASET", "logs"),
                    static=_static(env), limits=_limits(env),
                    enabled=env.get("OTEL_SDK_DISABLED", "").lower() != "true")
    if made.protocol not in ("clew", "otlp"):
        raise ValueError(f"protocol={made.protocol!r}: expected clew or otlp")
    if made.protocol == "otlp":
        made = _otlp(made, env, logs_url)
    return replace(made, spill=env.get("CLEW_SPILL_DIR", default_spill_directory()))


def default_spill_directory() -> str:
    """A directory of this user; it outlives the process, not the machine."""
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return os.path.join(tempfile.gettempdir(), f"clew-spill-{owner}")


def key_values(text: str) -> Dict[str, str]:
    """`a=1,b=2` with percent signs decoded, as OTEL_RESOURCE_ATTRIBUTES and ..._HEADERS are written."""
    made: Dict[str, str] = {}
    for pair in text.split(","):
        name, equals, value = pair.partition("=")
        if equals and name.strip():
            made[urllib.parse.unquote(name.strip())] = urllib.parse.unquote(value.strip())
    return made


def _static(env: Mapping[str, str]) -> Dict[str, Any]:
    attributes: Dict[str, Any] = dict(key_values(env.get("OTEL_RESOURCE_ATTRIBUTES", "")))
    service = env.get("OTEL_SERVICE_NAME", "") or attributes.get("service.name", "")
    return {**record.static_fields(service), **attributes, **({"service.name": service} if service else {})}


def _limits(env: Mapping[str, str]) -> Limits:
    limits = Limits()
    delay_ms = _number(env, "OTEL_BLRP_SCHEDULE_DELAY")
    lines = _number(env, "OTEL_BLRP_MAX_QUEUE_SIZE")
    batch = _number(env, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE")
    return replace(limits, linger_s=limits.linger_s if delay_ms is None else delay_ms / 1e3,
                   queue_lines_max=int(lines or limits.queue_lines_max),
                   batch_lines_max=int(batch or limits.batch_lines_max))


def _otlp(settings: Settings, env: Mapping[str, str], logs_url: str) -> Settings:
    parts = urllib.parse.urlsplit(settings.url)
    path = parts.path.rstrip("/")
    is_whole = path.endswith("/v1/logs") or settings.url == logs_url
    logs_path = (path or "/") if is_whole else path + "/v1/logs"
    traces = urllib.parse.urlsplit(env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")).path
    headers = key_values(env.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
    headers.update(key_values(env.get("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "")))
    timeout = _number(env, "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT") or _number(env, "OTEL_EXPORTER_OTLP_TIMEOUT")
    compression = env.get("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", env.get("OTEL_EXPORTER_OTLP_COMPRESSION", ""))
    return replace(settings, url=f"{parts.scheme}://{parts.netloc}", logs_path=logs_path,
                   traces_path=traces or logs_path.replace("/v1/logs", "/v1/traces"), headers=headers,
                   timeout_s=timeout / 1e3 if timeout else settings.timeout_s, compress=compression == "gzip")


def _number(env: Mapping[str, str], name: str) -> Optional[float]:
    try:
        value = float(env[name])
    except (KeyError, ValueError):
        return None
    return value if value >= 0 else None
