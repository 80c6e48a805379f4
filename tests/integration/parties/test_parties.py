"""Registering and ending parties, their people, mandates and systems through the API."""

import hashlib
import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from scf.http.idempotency import StoredAnswer
from scf.kernel.clock import instant_text
from scf.kernel.ids import parse_id, public_id
from scf.parties import names
from scf.parties.models import (
    Person,
    PersonErasure,
    PersonKey,
    PersonName,
)
from scf_ledger.encoding import b64url
from tests.support import actors
from tests.support.actors import STORY_BEGINS
from tests.support.parties import (
    ENTERPRISE,
    certificate_for,
    counts,
    mandate_body,
)
from tests.support.problems import refusal


class TestParties:
    def test_the_operator_registers_one(self, stage, newcomer):
        assert newcomer["id"].startswith("pty_")
        assert newcomer | ENTERPRISE == newcomer
        assert newcomer["revoked_at"] is None
        assert stage.get(None, f"/v1/parties/{newcomer['id']}").json() == newcomer

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"uscc": "91350100M000100Y4Z"}, "uscc.invalid", "uscc"),
            ({"uscc": None}, "value.invalid", "uscc"),
            ({"name": ""}, "request.invalid", "name"),
            ({"name": "a\u0000b"}, "request.invalid", "name"),
            ({"kind": "operator"}, "request.invalid", "kind"),
            ({"size_class": None}, "party.size_wrong", "size_class"),
            ({"kind": "bank"}, "party.size_wrong", "size_class"),
            ({"operator": True}, "request.invalid", "operator"),
            ({"uscc": "91500118MAYYC0A174"}, "party.exists", "uscc"),
        ],
    )
    def test_a_bad_one_is_refused_by_name_and_nothing_is_kept(self, stage, changes, code, field):
        before = counts(stage)

        answer = stage.post(None, "/v1/parties", ENTERPRISE | changes)

        refusal(answer, 409 if code == "party.exists" else 422, code, field)
        assert counts(stage) == before

    def test_pages_go_through_all_and_a_party_sees_itself(self, stage):
        seen, cursor = [], None
        for _ in range(9):
            page = stage.get(None, "/v1/parties", limit=2, **({"cursor": cursor} if cursor else {}))
            seen += [party["id"] for party in page.json()["items"]]
            cursor = page.json()["next"]
            if cursor is None:
                break

        assert len(seen) == len(set(seen)) == 6
        own = stage.get(stage.cast.bank, "/v1/parties").json()["items"]
        assert [party["id"] for party in own] == [stage.cast.bank.id]

    def test_leaving_ends_everything_at_once(self, stage):
        supplier = stage.cast.supplier
        hand = supplier.people["owner"]

        left = stage.post(None, f"/v1/parties/{supplier.id}/revoke", {"reason": "退出平台"})

        assert left.json()["revoked_at"] is not None
        refusal(stage.get(supplier, f"/v1/parties/{supplier.id}"), 401, "auth.token_invalid")
        for kind in ("certificates", "mandates"):
            listed = stage.get(None, f"/v1/persons/{hand.person}/{kind}").json()
            assert [one["revocation_reason"] for one in listed] == ["退出平台"]
        again = stage.post(None, f"/v1/parties/{supplier.id}/revoke", {"reason": "再次"})
        refusal(again, 409, "revocation.already")
        people = stage.post(None, f"/v1/parties/{supplier.id}/persons", {"name": "新人(示例)"})
        refusal(people, 403, "party.revoked")


class TestPeople:
    def test_a_name_is_kept_apart_and_encrypted(self, stage, newcomer, person):
        assert "name" not in person
        shown = stage.get(None, f"/v1/persons/{person['id']}").json()
        assert shown == person | {"name": "王五(示例)"}

        with stage.database.reading() as session:
            rows = session.execute(text("SELECT to_jsonb(p)::text FROM persons p")).scalars()
            assert not any("王五" in row for row in rows)
            identity = parse_id("psn", person["id"])
            stored = session.get(PersonName, identity)
            assert "王五(示例)".encode() not in stored.ciphertext
            answers = session.scalars(select(StoredAnswer.body)).all()
            assert not any("王五".encode() in body for body in answers)

    def test_a_name_does_not_open_under_another_person(self, stage, newcomer, person):
        other = stage.post(None, f"/v1/parties/{newcomer['id']}/persons", {"name": "赵六(示例)"})
        one, two = (parse_id("psn", p["id"]) for p in (person, other.json()))
        with stage.database.transaction() as session:
            taken = session.get(PersonName, one)
            kept = session.get(PersonName, two)
            kept.nonce, kept.ciphertext = taken.nonce, taken.ciphertext
            session.get(PersonKey, two).key = session.get(PersonKey, one).key
            session.flush()
            with pytest.raises(InvalidTag):
                names.name_of(session, two)
            session.rollback()

    def test_erasing_leaves_the_id_and_the_fact(self, stage, person):
        path = f"/v1/persons/{person['id']}"

        erased = stage.post(None, f"{path}/erase", {"reason": "本人申请删除"})

        assert erased.status_code == 200
        assert erased.json()["reason"] == "本人申请删除"
        assert erased.json()["erased_by"] == public_id("cli", stage.cast.operator.client_id)
        assert stage.get(None, path).json()["name"] is None
        refusal(stage.post(None, f"{path}/erase", {"reason": "x"}), 409, "person.already_erased")
        with stage.database.reading() as session:
            identity = parse_id("psn", person["id"])
            assert session.get(PersonKey, identity) is None
            assert session.get(PersonName, identity) is None
            assert session.get(PersonErasure, identity).reason == "本人申请删除"
            assert session.get(Person, identity) is not None

    def test_the_fact_of_erasing_is_not_undone(self, stage, person):
        stage.post(None, f"/v1/persons/{person['id']}/erase", {"reason": "本人申请删除"})

        for statement in ("DELETE FROM person_erasures", "UPDATE person_erasures SET reason = ''"):
            with (
                pytest.raises(DBAPIError, match="append-only"),
                stage.database.transaction() as session,
            ):
                session.execute(text(statement))

    def test_whoever_left_gets_nothing_more(self, stage, newcomer, person):
        stage.post(None, f"/v1/persons/{person['id']}/revoke", {"reason": "离职"})
        pem = actors.pem_of(certificate_for(stage, newcomer["id"], person["id"]))
        before = counts(stage)

        path = f"/v1/persons/{person['id']}"
        refusal(stage.post(None, f"{path}/certificates", {"pem": pem}), 403, "person.revoked")
        refusal(stage.post(None, f"{path}/mandates", mandate_body()), 403, "person.revoked")
        assert counts(stage) == before


class TestMandates:
    def test_one_is_granted_and_ended(self, stage, person):
        path = f"/v1/persons/{person['id']}/mandates"

        granted = stage.post(None, path, mandate_body())
        ended = stage.post(
            None, f"/v1/mandates/{granted.json()['id']}/revoke", {"reason": "岗位调整"}
        )

        assert granted.status_code == 201
        assert granted.json() | mandate_body() == granted.json()
        assert ended.json()["revocation_reason"] == "岗位调整"
        assert stage.get(None, path).json() == [ended.json()]

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"acts": []}, "request.invalid", "acts"),
            ({"acts": ["fly"]}, "mandate.meaningless", "acts"),
            ({"acts": ["accept"]}, "mandate.meaningless", "acts"),  # a bank's
            ({"acts": ["confirm"]}, "mandate.meaningless", "acts"),  # takes maker and checker
            ({"role": "maker"}, "mandate.meaningless", "acts"),  # pledge is signed by one
            ({"role": "boss"}, "request.invalid", "role"),
            ({"valid_to": instant_text(STORY_BEGINS)}, "mandate.meaningless", "valid_to"),
            ({"limit": {"amount": "-1.00", "currency": "CNY"}}, "money.invalid", "limit"),
            ({"limit": {"amount": "1", "currency": "XXX"}}, "money.invalid", "limit"),
            ({"limit": 5}, "money.invalid", "limit"),
        ],
    )
    def test_one_without_sense_is_refused(self, stage, person, changes, code, field):
        before = counts(stage)

        answer = stage.post(None, f"/v1/persons/{person['id']}/mandates", mandate_body(**changes))

        refusal(answer, 422, code, field)
        assert counts(stage) == before


class TestSystems:
    def test_one_keeps_its_secret_and_works_until_it_is_shut_out(self, stage, newcomer):
        secret = secrets.token_urlsafe(32)
        body = {"name": "ERP", "secret_sha256": b64url(hashlib.sha256(secret.encode()).digest())}
        client = stage.post(None, f"/v1/parties/{newcomer['id']}/clients", body).json()

        def token():
            form = {"grant_type": "client_credentials"}
            return stage.http.post("/oauth/token", data=form, auth=(client["id"], secret))

        bearer = {"Authorization": f"Bearer {token().json()['access_token']}"}
        path = f"/v1/parties/{newcomer['id']}"
        assert stage.http.get(path, headers=bearer).json()["name"] == "新供应商(示例)"
        ended = stage.post(None, f"/v1/clients/{client['id']}/revoke")

        assert ended.json()["revoked_at"] is not None
        refusal(stage.http.get(path, headers=bearer), 401, "auth.token_invalid")
        assert token().status_code == 401
        refusal(stage.post(None, f"/v1/clients/{client['id']}/revoke"), 409, "revocation.already")
        with stage.database.reading() as session:
            bodies = session.scalars(select(StoredAnswer.body)).all()
            assert not any(secret.encode() in body for body in bodies)


class TestRaces:
    def test_one_code_is_registered_once(self, stage):
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda _: stage.post(None, "/v1/parties", ENTERPRISE), range(8))
            )

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
        assert {a.json()["code"] for a in answers if a.status_code == 409} == {"party.exists"}

    def test_nobody_who_is_leaving_gets_a_mandate(self, stage, person):
        path = f"/v1/persons/{person['id']}"
        jobs = [(f"{path}/mandates", mandate_body())] * 4 + [(f"{path}/revoke", {"reason": "离职"})]

        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda job: stage.post(None, *job), jobs))

        assert answers[-1].status_code == 200
        assert {a.status_code for a in answers[:-1]} <= {201, 403}
        listed = stage.get(None, f"{path}/mandates").json()
        assert all(mandate["revoked_at"] for mandate in listed)


def test_a_command_sent_twice_is_done_once(stage):
    first = stage.post(None, "/v1/parties", ENTERPRISE, key="one")
    second = stage.post(None, "/v1/parties", ENTERPRISE, key="one")

    assert second.headers["idempotency-replayed"] == "true"
    assert json.loads(second.content) == first.json()
