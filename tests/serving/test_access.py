"""Who may use a server: tokens, and the pages of other sites that a browser shows."""

from __future__ import annotations

from typing import Any

import pytest
from held_predictor import HeldPredictor

PREDICT = "/v1/predict"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:8000", "127.0.0.1", "[::1]:8000", "192.168.1.7:8000", "localhost:8000"),
        *(
            "LOCALHOST",
            "utkage:8000",
            "a.localhost:80",
            "faces.example.com",
            "Faces.Example.com.:1",
        ),
    ],
)
def test_hosts_of_the_server(make_client, quick: HeldPredictor, host: str) -> None:
    client = make_client(predictor=quick, server_names=("faces.example.com",))
    for method, path in (("POST", PREDICT), ("GET", "/v1/info"), ("GET", "/")):
        response = client.request(method, path, content=b"x", headers={"Host": host})
        assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "host",
    [
        *("evil.test:8000", "evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "", ":8000"),
        *(
            "evil.test#127.0.0.1",
            "a@evil.test",
            "[::1].evil.test",
            "[evil.test",
            "127.0.0.1@b.test",
        ),
    ],
)
def test_a_page_whose_name_leads_here_reads_nothing(
    make_client, quick: HeldPredictor, host: str
) -> None:
    client = make_client(predictor=quick)
    paths = "/v1/info", "/metrics", "/", "/openapi.json", "/healthz", "/none"
    for method, path in (("POST", PREDICT), *(("GET", path) for path in paths)):
        response = client.request(method, path, content=b"x", headers={"Host": host})
        assert response.status_code == 403
        assert "--server-name" in response.json()["error"]
    assert quick.seen == []


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://testserver", 200),
        ("https://TESTSERVER", 200),
        ("https://faces.example.com", 200),
        ("http://evil.test", 403),
        ("http://testserver.evil.test", 403),
        ("http://testserver:81", 403),
        ("null", 403),
        ("", 403),
        ("chrome-extension://abc", 403),
    ],
)
def test_a_page_of_another_site_starts_no_prediction(
    make_client, quick: HeldPredictor, origin: str, status: int
) -> None:
    client = make_client(predictor=quick, server_names=("faces.example.com",))
    response = client.post(PREDICT, content=b"x", headers={"Origin": origin})
    assert response.status_code == status
    assert len(quick.seen) == (status == 200)
    assert "access-control-allow-origin" not in response.headers


def test_a_token_opens_every_name(make_client, quick: HeldPredictor) -> None:
    client = make_client(predictor=quick, token="secret")
    foreign = {"Host": "faces.example.com", "Origin": "https://evil.test"}
    assert client.post(PREDICT, content=b"x", headers=foreign).status_code == 401
    right = {**foreign, "Authorization": "Bearer secret"}
    response = client.post(PREDICT, content=b"x", headers=right)
    assert response.status_code == 200
    # A page of another site gets no permission to read it.
    assert "access-control-allow-origin" not in response.headers
    preflight = client.options(
        PREDICT, headers={**foreign, "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 405
    assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize(
    "given",
    [
        *([], ["secret"], ["Bearer wrong"], ["Bearer"], ["Bearer secret2"], ["Basic secret"]),
        *(["Bearer secret", "Bearer secret"], ["Bearer wrong", "Bearer secret"]),
        *(["Bearer \xff"], ["Bearer secret secret"], ["Bearersecret"]),
    ],
)
def test_what_is_no_token(make_client, quick: HeldPredictor, given: list[str]) -> None:
    client = make_client(predictor=quick, token="secret")
    headers: Any = [(b"Authorization", value.encode("latin-1")) for value in given]
    for method, path in (("POST", PREDICT), ("GET", "/metrics"), ("GET", "/v1/info")):
        response = client.request(method, path, content=b"x", headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert "Authorization: Bearer TOKEN" in response.json()["error"]
    assert quick.seen == []
    right = {"Authorization": "Bearer secret"}
    counted = client.get("/metrics", headers=right).text
    assert 'utkage_requests_total{status="401"} 1.0' in counted


def test_the_scheme_of_a_token_has_any_case(make_client, quick: HeldPredictor) -> None:
    client = make_client(predictor=quick, token="secret")
    for value in ("bearer secret", "BEARER secret", "Bearer  secret"):
        response = client.post(PREDICT, content=b"x", headers={"Authorization": value})
        assert response.status_code == 200
    described = client.get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
