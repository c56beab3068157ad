"""Figures for Prometheus, on a port of this machine alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from faceplate.errors import BadSettings

__all__ = ["Metrics", "Snapshot", "served"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)


@dataclass(frozen=True)
class Snapshot:
    """How the server stands, at one moment."""

    jobs: Mapping[str, int]
    """State to how many jobs are in it."""
    frames_waiting: int
    deaths: Mapping[str, int]
    """Workers and engine rooms that ended without an answer."""
    memory: Mapping[str, int]
    """Bytes, by role."""


class Metrics:
    """Counts while the server runs.

    Args:
        look: Says how the server stands; called at every scrape, from another thread.
    """

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Standing(look))
        about: dict[str, Any] = {"namespace": "faceplate", "registry": self.registry}
        self._calls = Counter("rpc", "Calls that ended.", ["rpc", "code"], **about)
        self._seconds = Histogram(
            "rpc_seconds", "How long calls took.", ["rpc"], buckets=SECONDS, **about
        )
        self._busy = Counter(
            "engine_busy_seconds", "What frames kept the engine room busy.", **about
        )
        self._frames = Counter("frames", "Single frames that were answered.", **about)
        self._kept = Counter("predictions_kept", "Faces whose prediction was kept.", **about)
        self._made = Counter("predictions_made", "Predictions that the network made.", **about)

    def call(self, rpc: str, code: str, seconds: float) -> None:
        """Count a call that has ended."""
        self._calls.labels(rpc, code).inc()
        self._seconds.labels(rpc).observe(seconds)

    def busy(self, seconds: float) -> None:
        """Count the time that a question kept the engine room busy."""
        self._busy.inc(seconds)

    def frame(self, answer: Mapping[str, Any]) -> None:
        """Count a frame by what the engine says of it."""
        runs = int(answer.get("network_runs", 0))
        self._frames.inc()
        self._made.inc(runs)
        self._kept.inc(max(int(answer.get("faces", 0)) - runs, 0))


class _Standing(Collector):
    def __init__(self, look: Callable[[], Snapshot]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering does not look yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield gauges of how the server stands."""
        now = self._look()
        yield _gauge("jobs", "Jobs by state.", "state", now.jobs)
        yield _gauge("worker_deaths", "Ends without an answer.", "role", now.deaths)
        yield _gauge("memory_bytes", "Bytes in memory.", "role", now.memory)
        waiting = {"jobs": now.jobs.get("queued", 0), "frames": now.frames_waiting}
        yield _gauge("queue_length", "What waits.", "what", waiting)


def _gauge(name: str, text: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"faceplate_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


@contextmanager
def served(metrics: Metrics, port: int) -> Iterator[None]:
    """Serve the figures at 127.0.0.1 while the server runs; not at all for port 0.

    Raises:
        BadSettings: The port is in use.
    """
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=metrics.registry)
    except OSError as error:
        raise BadSettings(f"metrics_port: {port} cannot be bound: {error}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
