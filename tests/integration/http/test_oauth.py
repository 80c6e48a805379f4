"""A system shows its id and secret, and gets a token for an hour (RFC 6749)."""

import base64
import hashlib
from urllib.parse import quote_plus

import pytest
from sqlalchemy import func, select, text

from scf.http.auth import AccessToken
from scf.kernel.ids import new_id, public_id
from scf.parties import service

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(stage):
    """The supplier's system: its id and secret."""
    supplier = stage.cast.supplier
    return public_id("cli", supplier.client_id), supplier.client_secret


def tokens(stage):
    with stage.database.reading() as session:
        return session.scalar(select(func.count()).select_from(AccessToken))


def ask(stage, form, **kwargs):
    return stage.http.post("/oauth/token", data=form, **kwargs)


class TestToken:
    def test_it_opens_the_door_to_its_own_party(self, stage, client):
        answer = ask(stage, {"grant_type": "client_credentials"}, auth=client)

        assert answer.status_code == 200
        assert answer.json()["token_type"] == "Bearer"
        assert answer.json()["expires_in"] == 3600
        assert answer.headers["cache-control"] == "no-store"
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        seen = stage.http.get("/v1/parties", headers=bearer).json()["items"]
        assert [party["id"] for party in seen] == [stage.cast.supplier.id]

    def test_the_secret_may_stand_in_the_form(self, stage, client):
        identity, secret = client
        form = {"grant_type": "client_credentials", "client_id": identity, "client_secret": secret}

        assert ask(stage, form).status_code == 200

    def test_basic_credentials_are_form_encoded_first(self, stage):
        """RFC 6749, 2.3.1."""
        secret = "a b+c/d:e%f=é"
        with stage.database.transaction() as session:
            registered = service.register_client(
                session,
                stage.cast.supplier.party_id,
                name="ERP 2",
                secret_sha256=hashlib.sha256(secret.encode()).digest(),
                now=stage.clock.real(),
            )
            identity = public_id("cli", registered.id)

        answer = ask(
            stage, {"grant_type": "client_credentials"}, auth=(identity, quote_plus(secret))
        )

        assert answer.status_code == 200

    def test_no_token_and_no_secret_is_stored_in_the_clear(self, stage, client):
        token = ask(stage, {"grant_type": "client_credentials"}, auth=client).json()["access_token"]

        with stage.database.reading() as session:
            for table in ("access_tokens", "oauth_clients", "idempotency_keys"):
                rows = session.execute(text(f"SELECT t::text FROM {table} t")).scalars()
                for row in rows:
                    assert token not in row
                    assert client[1] not in row

    def test_it_expires(self, stage, client):
        token = ask(stage, {"grant_type": "client_credentials"}, auth=client).json()["access_token"]
        with stage.database.transaction() as session:
            session.execute(text("UPDATE access_tokens SET expires_at = now() - interval '1 s'"))

        answer = stage.http.get("/v1/parties", headers={"Authorization": f"Bearer {token}"})

        assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")


class TestRefusals:
    def test_a_wrong_secret_and_an_unknown_client_look_the_same(self, stage, client):
        before = tokens(stage)
        form = {"grant_type": "client_credentials"}
        unknown = public_id("cli", new_id())

        answers = [
            ask(stage, form, auth=auth)
            for auth in [
                (client[0], "wrong"),
                (client[0], ""),
                (unknown, client[1]),
                ("cli_x", client[1]),
                ("", ""),
                (client[0], client[1] + "é"),
            ]
        ]

        assert {answer.status_code for answer in answers} == {401}
        assert {answer.content for answer in answers} == {answers[0].content}
        assert answers[0].json()["error"] == "invalid_client"
        assert answers[0].headers["www-authenticate"].startswith("Basic")
        assert tokens(stage) == before

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (b"", "invalid_request"),
            (b"grant_type=password", "unsupported_grant_type"),
            (b"grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
            (b"grant_type=client_credentials&scope=all", "invalid_scope"),
            (b"grant_type=client_credentials&client_id=cli_x", "invalid_request"),
            (b"grant_type=%ff", "invalid_request"),
            (b"\xff\xfe", "invalid_request"),
            (b"x=" + b"y" * 5000, "invalid_request"),
            (b"&".join(b"a%d=1" % n for n in range(20)), "invalid_request"),
        ],
    )
    def test_a_form_without_sense_is_refused(self, stage, client, content, error):
        before = tokens(stage)

        answer = stage.http.post(
            "/oauth/token", content=content, headers={"Content-Type": FORM}, auth=client
        )

        assert (answer.status_code, answer.json()["error"]) == (400, error)
        assert tokens(stage) == before

    def test_json_is_no_form(self, stage, client):
        answer = stage.http.post(
            "/oauth/token", json={"grant_type": "client_credentials"}, auth=client
        )

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize(
        "header",
        ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Digest x"],
    )
    def test_a_broken_header_is_refused(self, stage, header):
        answer = ask(stage, {"grant_type": "client_credentials"}, headers={"Authorization": header})

        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
