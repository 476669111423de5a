"""Numbers about a server in the format of Prometheus; none contains a name or a prediction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from fastapi import HTTPException
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from utkage.prediction.photos import Photo

# What `generate_latest` writes; only recent versions of prometheus_client have it as a constant.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ServerMetrics:
    """Counts of one server.

    Args:
        waiting: Number of pictures that wait or are predicted.
        held: Number of bytes of the bodies that are held.
    """

    def __init__(self, waiting: Callable[[], int], held: Callable[[], int]) -> None:
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
        self.failures = Counter(
            "utkage_predictor_failures", "Errors of the predictor.", registry=self._registry
        )
        for name, meaning, value in (
            ("utkage_waiting", "Pictures that wait or are predicted.", waiting),
            ("utkage_held_bytes", "Bytes of the bodies that are held.", held),
        ):
            Gauge(name, meaning, registry=self._registry).set_function(value)
        # Memory, processor time and open files, on Linux.
        ProcessCollector(registry=self._registry)

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

    def count(self, photos: Sequence[Photo]) -> None:
        """Count pictures and their faces."""
        for photo in photos:
            self.pictures.labels(photo.status).inc()
            self.faces.inc(len(photo.faces))

    def text(self) -> bytes:
        """All numbers, as Prometheus reads them."""
        return bytes(generate_latest(self._registry))
