"""Numbers about a server in the format of Prometheus; none contains a name or a prediction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import HTTPException
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class ServerMetrics:
    """Counts of one server.

    Args:
        waiting: Number of pictures that wait or are predicted.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "utkage_requests", "Requests for predictions.", ["status"], registry=self._registry
        )
        self.pictures = Counter(
            "utkage_pictures",
            "Pictures, by ok, no_face or failed.",
            ["status"],
            registry=self._registry,
        )
        self.faces = Counter("utkage_faces", "Faces with predictions.", registry=self._registry)
        self.seconds = Histogram(
            "utkage_request_seconds",
            "Time of a request for predictions.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=self._registry,
        )
        gauge = Gauge(
            "utkage_waiting", "Pictures that wait or are predicted.", registry=self._registry
        )
        gauge.set_function(waiting)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count the request that the body answers, by its status, and its time."""
        started = time.perf_counter()
        status = 500
        try:
            yield
            status = 200
        except HTTPException as error:
            status = error.status_code
            raise
        finally:
            self.requests.labels(str(status)).inc()
            self.seconds.observe(time.perf_counter() - started)

    def text(self) -> bytes:
        """All numbers, as Prometheus reads them."""
        return bytes(generate_latest(self._registry))
