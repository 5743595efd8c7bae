"""Counters, gauges and histograms in Prometheus' text form, for processes without prometheus_client.

    metrics = clew.metrics.Registry()
    orders = metrics.counter("orders_total", "Orders taken.", ("region",))
    orders.inc(region="NY")

The middlewares count requests in it and serve /metrics (`metrics=metrics`). One registry is one process's: with several
workers each answers for itself.
"""
from __future__ import annotations

import math
import re
import threading
from typing import Any, Callable, Dict, List, Sequence, Tuple

SERIES_MAX = 10_000  # of one metric; further label values share the series `other`
SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*$")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*$")


class _Metric:
    """Series by their label values. Threads: any."""

    kind = ""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        if not _NAME.match(name) or not all(_LABEL.match(label) for label in labels):
            raise ValueError(f"{name}{tuple(labels)}: not a metric's name and labels")
        self.name = name
        self._text = text
        self._labels = tuple(labels)
        self._lock = threading.Lock()
        self._series: Dict[Tuple[str, ...], Any] = {}
        if not labels:
            self._series[()] = self._new()

    def lines(self) -> List[str]:
        text = self._text.replace("\\", r"\\").replace("\n", r"\n")
        made = [f"# HELP {self.name} {text}", f"# TYPE {self.name} {self.kind}"]
        with self._lock:
            for key, series in sorted(self._series.items()):
                made += self._series_lines(key, series)
        return made

    def _new(self) -> Any:
        return 0.0

    def _key(self, labels: Dict[str, Any]) -> Tuple[str, ...]:
        if labels.keys() != set(self._labels):
            raise ValueError(f"{self.name}: expected the labels {self._labels}")
        key = tuple(str(labels[label]) for label in self._labels)
        if key not in self._series:
            if len(self._series) >= SERIES_MAX:
                key = ("other",) * len(key)
            self._series.setdefault(key, self._new())
        return key

    def _series_lines(self, key: Tuple[str, ...], series: Any) -> List[str]:
        return [f"{self.name}{self._label_text(key)} {_number(series)}"]

    def _label_text(self, key: Tuple[str, ...], *more: Tuple[str, str]) -> str:
        pairs = [*zip(self._labels, key), *more]
        return "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs) + "}" if pairs else ""


class Counter(_Metric):
    """A number that only grows."""

    kind = "counter"

    def inc(self, by: float = 1, **labels: Any) -> None:
        if by < 0:
            raise ValueError(f"{self.name}: a counter does not go down")
        with self._lock:
            self._series[self._key(labels)] += by


class Gauge(_Metric):
    """A number that goes up and down."""

    kind = "gauge"

    def set(self, value: float, **labels: Any) -> None:
        with self._lock:
            self._series[self._key(labels)] = value

    def inc(self, by: float = 1, **labels: Any) -> None:
        with self._lock:
            self._series[self._key(labels)] += by

    def dec(self, by: float = 1, **labels: Any) -> None:
        self.inc(-by, **labels)


class Histogram(_Metric):
    """Observations counted by size."""

    kind = "histogram"

    def __init__(self, name: str, text: str, labels: Sequence[str], buckets: Sequence[float]) -> None:
        self._bounds = tuple(sorted(float(bound) for bound in buckets if bound != math.inf))
        super().__init__(name, text, labels)

    def observe(self, value: float, **labels: Any) -> None:
        with self._lock:
            key = self._key(labels)
            counts, total = self._series[key]
            place = sum(1 for bound in self._bounds if value > bound)
            counts[place] += 1
            self._series[key] = (counts, total + value)

    def _new(self) -> Any:
        return [0] * (len(self._bounds) + 1), 0.0

    def _series_lines(self, key: Tuple[str, ...], series: Any) -> List[str]:
        counts, total = series
        made, below = [], 0
        for bound, count in zip((*self._bounds, math.inf), counts):
            below += count
            made.append(f"{self.name}_bucket{self._label_text(key, ('le', _number(bound)))} {below}")
        made.append(f"{self.name}_sum{self._label_text(key)} {_number(total)}")
        made.append(f"{self.name}_count{self._label_text(key)} {below}")
        return made


class Registry:
    """The metrics of one process. Asking for a name again gives the same metric."""

    CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._metrics: Dict[str, _Metric] = {}

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        found: Counter = self._get(name, Counter, lambda: Counter(name, text, labels))
        return found

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        found: Gauge = self._get(name, Gauge, lambda: Gauge(name, text, labels))
        return found

    def histogram(self, name: str, text: str, labels: Sequence[str] = (),
                  buckets: Sequence[float] = SECONDS_BUCKETS) -> Histogram:
        found: Histogram = self._get(name, Histogram, lambda: Histogram(name, text, labels, buckets))
        return found

    def text(self) -> str:
        """What /metrics answers."""
        with self._lock:
            metrics = list(self._metrics.values())
        return "".join(line + "\n" for metric in metrics for line in metric.lines())

    def _get(self, name: str, kind: Any, make: Callable[[], Any]) -> Any:
        with self._lock:
            found = self._metrics.get(name)
            if found is None:
                found = self._metrics[name] = make()
            if type(found) is not kind:
                raise ValueError(f"{name} is a {found.kind} already")
            return found


def _number(value: float) -> str:
    if value == math.inf:
        return "+Inf"
    return repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
