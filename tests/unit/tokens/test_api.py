"""The token service over HTTP, in process."""

import json

import pytest
from fastapi.testclient import TestClient

from scf_ledger.tokens import errors
from scf_ledger.tokens.api import BODY_MAX, create_app
from tests.unit.tokens.conftest import CONTRACT, NOW, asset

BODY = {"assets": [asset()], "expiry": NOW + 86_400, "valid_for": 60}


@pytest.fixture
def http(desk):
    return TestClient(create_app(desk.service), raise_server_exceptions=False)


@pytest.fixture
def headers(desk):
    return {"Authorization": f"Bearer {desk.admit()[1]}", "Idempotency-Key": "one"}


def problem(response):
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found["status"] == response.status_code
    own = not found["code"].startswith("http.")
    assert found["type"] == (f"/docs/errors#{found['code']}" if own else "about:blank")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in found["title"])
    assert found["detail"].isascii()
    return found["code"]


def test_a_ticket_is_created(http, headers, desk):
    response = http.post("/v1/tickets", json=BODY, headers=headers)

    assert response.status_code == 201
    assert response.json()["signer"] == desk.signer.address
    again = http.post("/v1/tickets", json=BODY, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == response.content
    assert "Idempotency-Replayed" not in response.headers


def test_names_what_a_ticket_would_lock_and_nothing_more(http, headers, desk):
    ticket = http.post("/v1/tickets", json=BODY, headers=headers).json()
    assets = [*BODY["assets"], asset() | {"kind": "order"}]

    response = http.post("/v1/tokens", json={"assets": assets}, headers=headers)

    assert response.status_code == 200
    assert response.json().keys() == {"tokens"}
    invoice, order = response.json()["tokens"]
    assert [invoice] == ticket["tokens"]
    assert order != invoice
    assert [(outcome, count) for _, outcome, count in desk.log()] == [("issued", 1), ("named", 2)]


def test_naming_counts_towards_the_limit(http, headers, desk):
    limit = desk.service._terms.assets_per_minute
    ask = {"assets": [asset() | {"number": str(n)} for n in range(200)]}
    for _ in range(limit // 200):
        assert http.post("/v1/tokens", json=ask, headers=headers).is_success

    response = http.post("/v1/tokens", json=ask, headers=headers)

    assert (response.status_code, problem(response)) == (429, "token.rate_exceeded")


def test_health_says_who_it_is(http, desk):
    assert http.get("/healthz").json() == {
        "status": "ok",
        "signer": desk.signer.address,
        "chain_id": 31337,
        "contract": CONTRACT,
    }


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic eDp4"])
@pytest.mark.parametrize("content", [b"", b"{", json.dumps(BODY).encode()])
def test_strangers_are_turned_away(http, desk, authorization, content):
    headers = {"Idempotency-Key": "one", "Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization

    response = http.post("/v1/tickets", content=content, headers=headers)

    assert problem(response) == "token.operator_unknown"
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert desk.log() == []


@pytest.mark.parametrize(
    "change",
    [
        {"assets": []},
        {"assets": [asset()] * 201},
        {"assets": [asset() | {"kind": "voucher"}]},
        {"assets": [asset() | {"number": ""}]},
        {"assets": [asset() | {"document_sha256": "short"}]},
        {"assets": [asset() | {"more": 1}]},
        {"expiry": "soon"},
        {"expiry": 1.5},
        {"expiry": 2**48},
        {"valid_for": 0},
        {"valid_for": 1801},
        {"more": 1},
    ],
)
def test_what_does_not_fit_is_refused_and_logged(http, headers, desk, change):
    response = http.post("/v1/tickets", json=BODY | change, headers=headers)

    assert problem(response) == "request.invalid"
    assert response.json()["fields"]["faults"][0]["field"]
    assert [outcome for _, outcome, _ in desk.log()] == ["request.invalid"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"x"', b"null", b"NaN"])
def test_what_is_no_request_at_all_is_refused(http, headers, desk, content):
    headers = headers | {"Content-Type": "application/json"}

    response = http.post("/v1/tickets", content=content, headers=headers)

    assert problem(response) in {"request.invalid", "http.400"}
    assert response.status_code in {400, 422}


@pytest.mark.parametrize("key", [None, "", "x" * 201, "钥匙"])
def test_a_request_names_itself(http, headers, desk, key):
    headers = headers | {"Idempotency-Key": key}
    if key is None:
        del headers["Idempotency-Key"]

    response = http.post(
        "/v1/tickets", json=BODY, headers={k: v.encode() for k, v in headers.items()}
    )

    assert problem(response) == "idempotency.key_missing"
    assert [outcome for _, outcome, _ in desk.log()] == ["idempotency.key_missing"]


def test_sizes_are_bounded(http, headers):
    large = http.post("/v1/tickets", content=b" " * (BODY_MAX + 1), headers=headers)
    endless = http.post("/v1/tickets", content=iter([b"{}"]), headers=headers)

    assert problem(large) == problem(endless) == "request.too_large"


def test_too_many_are_told_when_to_come_again(http, headers):
    assets = [asset(str(number)) for number in range(11)]

    response = http.post("/v1/tickets", json=BODY | {"assets": assets}, headers=headers)

    assert problem(response) == "token.rate_exceeded"
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "60"


def test_other_paths_are_problems_too(http):
    assert problem(http.get("/nowhere")) == "http.404"
    assert problem(http.get("/v1/tickets")) == "http.405"


def test_the_description_is_openapi(http):
    found = http.get("/openapi.json").json()

    assert found["openapi"].startswith("3.1")
    assert "429" in found["paths"]["/v1/tickets"]["post"]["responses"]


def test_every_type_leads_to_its_row(http):
    page = http.get("/docs/errors")

    assert page.status_code == 200
    for refusal in errors.Refusal.__subclasses__():
        assert f'id="{refusal.code}"' in page.text
        assert refusal.title in page.text
