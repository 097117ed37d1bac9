"""Hands what a replica counts to Ray, which has a page for Prometheus on every machine; /metrics is of one replica."""

import threading
import time

from prometheus_client import CollectorRegistry
from ray.serve.metrics import Gauge

SECONDS = 5  # between two copies
PREFIX = "sightline_"


class Mirror:
    """Copies a registry's series into gauges of Ray: also counters, whose values Prometheus takes as they are.

    Ray puts `ray_` before each name, and the labels deployment and replica.
    """

    def __init__(self, registry: CollectorRegistry):
        self._registry = registry
        self._gauges: dict[str, Gauge] = {}
        self._told: set[tuple] = set()

    def start(self) -> None:
        """Copy from now on, in a thread of its own."""
        threading.Thread(target=self._work, name="mirror", daemon=True).start()

    def copy(self) -> None:
        """Copy every series as it is now; one that is no more, such as that of a replaced model, becomes 0."""
        now = {
            (sample.name, *sample.labels.items()): sample.value
            for family in self._registry.collect()
            for sample in family.samples
            if sample.name.startswith(PREFIX) and not sample.name.endswith("_created")
        }
        for name, *labels in self._told | now.keys():
            self._gauge(name, dict(labels)).set(now.get((name, *labels), 0), dict(labels))
        self._told |= now.keys()

    def _gauge(self, name: str, labels: dict[str, str]) -> Gauge:
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, tag_keys=tuple(labels))
        return self._gauges[name]

    def _work(self) -> None:
        while True:
            self.copy()
            time.sleep(SECONDS)
