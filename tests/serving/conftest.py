"""A server's application with the shipped weights, and a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from utkage.prediction.predictor import Predictor
from utkage.serving.settings import ServeSettings

testclient = pytest.importorskip("starlette.testclient")
pytest.importorskip("prometheus_client")

Client = Any
MakeClient = Callable[..., Client]


@pytest.fixture(scope="session")
def loaded() -> Callable[[str], Predictor]:
    """Predictors by how they treat rotated pictures; each is loaded once."""
    made: dict[str, Predictor] = {}

    def of(rotate: str) -> Predictor:
        if rotate not in made:
            made[rotate] = Predictor.shipped(rotate=rotate, workers=2, flip=False)
        return made[rotate]

    return of


@pytest.fixture
def make_client(loaded: Callable[[str], Predictor]) -> Iterator[MakeClient]:
    """Clients of servers with given limits, which end with the test."""
    from utkage.serving.application import Service, create_application

    with ExitStack() as stack:

        def make(
            page: Path | None = None,
            open_predictor: Callable[[str], Predictor] = loaded,
            **limits: Any,
        ) -> Client:
            service = Service(open_predictor, "auto", ServeSettings(**limits))
            client = testclient.TestClient(create_application(service, page))
            client.service = service
            return stack.enter_context(client)

        yield make


@pytest.fixture
def portrait(examples: Path) -> bytes:
    return (examples / "portrait.jpg").read_bytes()
