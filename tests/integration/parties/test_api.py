"""Registering and ending parties, people, certificates, mandates and systems through the API."""

import hashlib
import json
import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from scf.http.idempotency import StoredAnswer
from scf.kernel.clock import instant_text
from scf.kernel.ids import parse_id, public_id
from scf.parties import names
from scf.parties.authority import LocalAuthority, subject_name
from scf.parties.models import (
    Certificate,
    Mandate,
    Party,
    Person,
    PersonErasure,
    PersonKey,
    PersonName,
    serial_text,
)
from scf_ledger.encoding import b64, b64url
from scf_ledger.event_types import Scope
from tests.support import actors
from tests.support.actors import AUTHORITY_BEGINS, MANDATES_END, PASSPHRASE, STORY_BEGINS

NEW_USCC = "91350100M000100Y43"
SUFFIX = "01k3e5m8q2x7v9b4c6d8f0g1h2"
ENTERPRISE = {
    "uscc": NEW_USCC,
    "name": "新供应商(示例)",
    "kind": "enterprise",
    "size_class": "small",
}


def refusal(answer, status, code, field=None):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert answer.json()["field"] == field
    return answer.json()


def counts(stage):
    with stage.database.reading() as session:
        kinds = (Party, Person, PersonName, Certificate, Mandate)
        return [session.scalar(select(func.count()).select_from(kind)) for kind in kinds]


@pytest.fixture
def newcomer(stage):
    """A party registered a moment ago, without people."""
    return stage.post(None, "/v1/parties", ENTERPRISE).json()


@pytest.fixture
def person(stage, newcomer):
    return stage.post(None, f"/v1/parties/{newcomer['id']}/persons", {"name": "王五(示例)"}).json()


def certificate_for(stage, party_id, person_id, *, scope=Scope.ENTERPRISE, key_name=None):
    """A certificate for somebody, from an authority of the scope; nothing is put on file."""
    with stage.database.reading() as session:
        party = session.get(Party, parse_id("pty", party_id))
        person = session.get(Person, parse_id("psn", person_id))
    return actors.certify(
        party,
        person,
        authority=stage.cast.authorities[scope],
        keys=stage.cast.keys,
        key_name=key_name or uuid.uuid4().hex,
    )


def mandate_body(**changes):
    body = {
        "role": "signer",
        "acts": ["pledge"],
        "limit": {"amount": "1000000.00", "currency": "CNY"},
        "valid_from": instant_text(STORY_BEGINS),
        "valid_to": instant_text(MANDATES_END),
    }
    return body | changes


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
            page = stage.get(None, "/v1/parties", size=2, **({"cursor": cursor} if cursor else {}))
            seen += [party["id"] for party in page.json()["items"]]
            cursor = page.json()["next"]
            if cursor is None:
                break

        assert len(seen) == len(set(seen)) == 5
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


class TestCertificates:
    def test_one_that_an_authority_vouches_for_is_put_on_file(self, stage, newcomer, person):
        identity = certificate_for(stage, newcomer["id"], person["id"])

        answer = stage.post(
            None, f"/v1/persons/{person['id']}/certificates", {"pem": actors.pem_of(identity)}
        )

        assert answer.status_code == 201, answer.text
        assert answer.json()["person"] == person["id"]
        assert answer.json()["serial"] == serial_text(identity.certificate.serial_number)
        assert answer.json()["valid_from"] == instant_text(AUTHORITY_BEGINS)
        again = stage.post(
            None, f"/v1/persons/{person['id']}/certificates", {"pem": actors.pem_of(identity)}
        )
        refusal(again, 409, "certificate.exists", "pem")

    def test_it_names_this_party_and_this_person(self, stage, newcomer, person):
        other = stage.post(None, f"/v1/parties/{newcomer['id']}/persons", {"name": "赵六(示例)"})
        for_other = certificate_for(stage, newcomer["id"], other.json()["id"])
        of_anchor = stage.cast.anchor.people["clerk"].identity
        before = counts(stage)

        for identity in (for_other, of_anchor):
            answer = stage.post(
                None, f"/v1/persons/{person['id']}/certificates", {"pem": actors.pem_of(identity)}
            )
            refusal(answer, 422, "certificate.refused", "pem")
        assert counts(stage) == before

    def test_an_authority_for_banks_does_not_vouch_for_an_enterprise(self, stage, newcomer, person):
        identity = certificate_for(stage, newcomer["id"], person["id"], scope=Scope.BANK)

        answer = stage.post(
            None, f"/v1/persons/{person['id']}/certificates", {"pem": actors.pem_of(identity)}
        )

        refusal(answer, 422, "certificate.refused", "pem")

    def test_an_authority_that_is_not_listed_does_not_vouch(
        self, stage, newcomer, person, tmp_path
    ):
        stranger = LocalAuthority.init(
            tmp_path / "stranger",
            scope=Scope.ENTERPRISE,
            valid_from=AUTHORITY_BEGINS,
            passphrase=PASSPHRASE,
        )
        request = (stage.cast.keys.folder / "anchor-clerk.csr").read_bytes()
        certificate = stranger.issue(request, valid_from=AUTHORITY_BEGINS)
        pem = certificate.public_bytes(Encoding.PEM).decode()

        answer = stage.post(None, f"/v1/persons/{person['id']}/certificates", {"pem": pem})

        refusal(answer, 422, "certificate.refused", "pem")

    @pytest.mark.parametrize("pem", ["", "nonsense", "证书", "-----BEGIN CERTIFICATE-----\nAA\n"])
    def test_rubbish_is_refused(self, stage, person, pem):
        answer = stage.post(None, f"/v1/persons/{person['id']}/certificates", {"pem": pem})

        refusal(answer, 422, "certificate.refused", "pem")

    def test_an_expired_or_revoked_one_comes_too_late(self, stage, newcomer, person):
        identity = certificate_for(stage, newcomer["id"], person["id"])
        path = f"/v1/persons/{person['id']}/certificates"
        body = {"pem": actors.pem_of(identity)}
        authority_id = stage.cast.authority_ids[Scope.ENTERPRISE]
        authority = stage.cast.authorities[Scope.ENTERPRISE]

        stage.clock.set(identity.certificate.not_valid_after_utc + timedelta(seconds=1))
        refusal(stage.post(None, path, body), 422, "certificate.refused", "pem")
        stage.clock.set(STORY_BEGINS)
        authority.revoke(serial_text(identity.certificate.serial_number), at=STORY_BEGINS)
        crl = {"crl": b64(authority.crl(at=STORY_BEGINS))}
        lists = f"/v1/authorities/{public_id('aut', authority_id)}/revocation-lists"
        assert stage.post(None, lists, crl).json()["revoked_count"] == 0
        refusal(stage.post(None, path, body), 422, "certificate.refused", "pem")

    def test_a_key_belongs_to_one_person(self, stage, newcomer, person):
        other = stage.post(None, f"/v1/parties/{newcomer['id']}/persons", {"name": "赵六(示例)"})
        first = certificate_for(stage, newcomer["id"], person["id"])
        stage.post(None, f"/v1/persons/{person['id']}/certificates", {"pem": actors.pem_of(first)})
        subject = subject_name(code=NEW_USCC, person=other.json()["id"])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        request = builder.sign(first.key, hashes.SHA256())
        authority = stage.cast.authorities[Scope.ENTERPRISE]
        certificate = authority.issue(
            request.public_bytes(Encoding.PEM), valid_from=AUTHORITY_BEGINS
        )

        answer = stage.post(
            None,
            f"/v1/persons/{other.json()['id']}/certificates",
            {"pem": certificate.public_bytes(Encoding.PEM).decode()},
        )

        refusal(answer, 409, "certificate.key_shared", "pem")


class TestAuthorities:
    def test_a_leaf_is_no_authority_and_one_is_listed_once(self, stage):
        leaf = actors.pem_of(stage.cast.anchor.people["clerk"].identity)
        authority = stage.cast.authorities[Scope.BANK].pem

        refusal(
            stage.post(None, "/v1/authorities", {"pem": leaf, "scope": "bank"}),
            422,
            "authority.refused",
            "pem",
        )
        refusal(
            stage.post(None, "/v1/authorities", {"pem": authority, "scope": "enterprise"}),
            409,
            "authority.listed",
        )
        listed = stage.get(stage.cast.supplier, "/v1/authorities").json()
        assert {one["scope"] for one in listed} == {"enterprise", "bank"}

    def test_a_list_ends_certificates_and_takes_nothing_back(self, stage):
        authority = stage.cast.authorities[Scope.ENTERPRISE]
        path = f"/v1/authorities/{public_id('aut', stage.cast.authority_ids[Scope.ENTERPRISE])}"
        lists = f"{path}/revocation-lists"
        clerk = stage.cast.anchor.people["clerk"]
        empty = b64(authority.crl(at=STORY_BEGINS))
        authority.revoke(serial_text(clerk.identity.certificate.serial_number), at=STORY_BEGINS)
        full = b64(authority.crl(at=STORY_BEGINS + timedelta(hours=1)))

        assert stage.post(None, lists, {"crl": full}).json()["revoked_count"] == 1

        listed = stage.get(None, f"/v1/persons/{clerk.person}/certificates").json()
        assert [one["revocation_reason"] for one in listed] == ["吊销列表 CRL"]
        refusal(stage.post(None, lists, {"crl": empty}), 409, "revocation_list.old")
        refusal(stage.post(None, lists, {"crl": full}), 409, "revocation_list.old")

    def test_a_list_is_signed_by_its_own_authority(self, stage):
        bank = stage.cast.authorities[Scope.BANK]
        path = f"/v1/authorities/{public_id('aut', stage.cast.authority_ids[Scope.ENTERPRISE])}"
        foreign = b64(bank.crl(at=STORY_BEGINS))

        for crl, code in [
            (foreign, "revocation_list.refused"),
            (b64(b"\x30\x00"), "revocation_list.refused"),
            ("", "revocation_list.refused"),
            ("!!", "value.invalid"),
        ]:
            answer = stage.post(None, f"{path}/revocation-lists", {"crl": crl})
            refusal(answer, 422, code, "crl")


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


class TestPermissions:
    OPERATORS = (
        ("/v1/parties", ENTERPRISE),
        ("/v1/parties/{party}/persons", {"name": "x"}),
        ("/v1/parties/{party}/clients", {"name": "x", "secret_sha256": b64url(bytes(32))}),
        ("/v1/parties/{party}/revoke", {"reason": "x"}),
        ("/v1/persons/{person}/certificates", {"pem": "x"}),
        ("/v1/persons/{person}/mandates", mandate_body()),
        ("/v1/authorities", {"pem": "x", "scope": "bank"}),
        ("/v1/authorities/{authority}/revoke", {"reason": "x"}),
        ("/v1/authorities/{authority}/revocation-lists", {"crl": "AA=="}),
    )
    OWNERS = (
        "/v1/persons/{person}/revoke",
        "/v1/persons/{person}/erase",
        "/v1/mandates/{mandate}/revoke",
        "/v1/certificates/{certificate}/revoke",
        "/v1/clients/{client}/revoke",
    )
    READS = (
        "/v1/parties/{party}",
        "/v1/parties/{party}/persons",
        "/v1/parties/{party}/clients",
        "/v1/persons/{person}",
        "/v1/persons/{person}/certificates",
        "/v1/persons/{person}/mandates",
    )

    @pytest.fixture
    def places(self, stage):
        """What belongs to the supplier."""
        supplier = stage.cast.supplier
        owner = supplier.people["owner"]
        authority = stage.cast.authority_ids[Scope.ENTERPRISE]
        (mandate,) = owner.mandates.values()
        return {
            "party": supplier.id,
            "person": owner.person,
            "mandate": public_id("mnd", mandate),
            "certificate": public_id("crt", owner.certificate_id),
            "client": public_id("cli", supplier.client_id),
            "authority": public_id("aut", authority),
        }

    def test_a_party_cannot_do_the_operators_work(self, stage, places):
        before = counts(stage)

        for path, body in self.OPERATORS:
            answer = stage.post(stage.cast.supplier, path.format(**places), body)
            refusal(answer, 403, "auth.operator_only")
        assert counts(stage) == before

    def test_anothers_affairs_are_not_there(self, stage, places):
        for path in self.READS:
            answer = stage.get(stage.cast.bank, path.format(**places))
            refusal(answer, 404, "subject.not_found")
        for path in self.OWNERS:
            body = None if "clients" in path else {"reason": "x"}
            answer = stage.post(stage.cast.bank, path.format(**places), body)
            refusal(answer, 404, "subject.not_found")

    def test_what_is_not_there_looks_the_same(self, stage):
        nothing = {name: f"{prefix}_{SUFFIX}" for name, prefix in PREFIXES.items()}

        for path in self.READS[:-2]:
            answer = stage.get(stage.cast.bank, path.format(**nothing))
            refusal(answer, 404, "subject.not_found")
        for path in self.OWNERS:
            body = None if "clients" in path else {"reason": "x"}
            for who in (stage.cast.bank, None):
                answer = stage.post(who, path.format(**nothing), body)
                refusal(answer, 404, "subject.not_found")

    def test_a_party_reads_and_ends_its_own(self, stage, places):
        supplier = stage.cast.supplier

        for path in self.READS:
            assert stage.get(supplier, path.format(**places)).status_code == 200
        for path in ("/v1/mandates/{mandate}/revoke", "/v1/certificates/{certificate}/revoke"):
            answer = stage.post(supplier, path.format(**places), {"reason": "密钥遗失"})
            assert answer.json()["revocation_reason"] == "密钥遗失"
        for path in ("/v1/persons/{person}/erase", "/v1/persons/{person}/revoke"):
            body = {"reason": "离职"}
            assert stage.post(supplier, path.format(**places), body).status_code == 200
        assert stage.post(supplier, "/v1/clients/{client}/revoke".format(**places)).is_success

    def test_the_operator_is_no_party(self, stage):
        refusal(stage.get(None, f"/v1/drafts/dft_{SUFFIX}"), 403, "auth.party_only")

    @pytest.mark.parametrize("identity", ["x", "rcv_" + SUFFIX, "pty_" + "z" * 26, "pty_é"])
    def test_a_malformed_id_is_named(self, stage, identity):
        answer = stage.get(None, f"/v1/parties/{identity}")

        assert refusal(answer, 422, "id.invalid")["fields"]["expected"] == "pty_…"

    def test_nobody_comes_in_without_a_token(self, stage, places):
        for path in self.READS:
            answer = stage.http.get(path.format(**places))
            refusal(answer, 401, "auth.token_invalid")
            assert answer.headers["www-authenticate"] == "Bearer"


PREFIXES = {
    "party": "pty",
    "person": "psn",
    "mandate": "mnd",
    "certificate": "crt",
    "client": "cli",
    "authority": "aut",
}


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
