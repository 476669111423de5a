"""A server's application with the shipped weights, and a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from held_predictor import HeldPredictor

from utkage.prediction.predictor import Predictor
from utkage.serving.settings import ServeSettings

testclient = pytest.importorskip("starlette.testclient")
pytest.importorskip("prometheus_client")

Client = Any
MakeClient = Callable[..., Client]


@pytest.fixture(scope="session")
def loaded() -> Predictor:
    """The shipped weights."""
    return Predictor.shipped(workers=2, flip=False)


@pytest.fixture
def held(loaded: Predictor) -> Iterator[HeldPredictor]:
    """A predictor that waits."""
    predictor = HeldPredictor(loaded)
    yield predictor
    predictor.released.set()


@pytest.fixture
def quick(held: HeldPredictor) -> HeldPredictor:
    """A predictor that finds no face, at once."""
    held.released.set()
    return held


@pytest.fixture
def make_client(loaded: Predictor) -> Iterator[MakeClient]:
    """Clients of servers with given limits, which end with the test."""
    from utkage.serving.application import create_application
    from utkage.serving.service import Service

    with ExitStack() as stack:

        def make(
            page: Path | None = None,
            predictor: Predictor = loaded,
            reporter: Any = None,
            **limits: Any,
        ) -> Client:
            service = Service(predictor, ServeSettings(**limits), reporter)
            client = testclient.TestClient(create_application(service, page))
            client.service = service
            return stack.enter_context(client)

        yield make


@pytest.fixture
def portrait(examples: Path) -> bytes:
    return (examples / "portrait.jpg").read_bytes()
