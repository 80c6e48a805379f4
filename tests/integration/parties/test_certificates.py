"""Certificates are put on file when a listed authority vouches for them, and end when it says so."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.parties.authority import LocalAuthority, subject_name
from scf.parties.models import (
    serial_text,
)
from scf_ledger.encoding import b64
from scf_ledger.event_types import Scope
from tests.support import actors
from tests.support.actors import AUTHORITY_BEGINS, PASSPHRASE, STORY_BEGINS
from tests.support.parties import NEW_USCC, certificate_for, counts
from tests.support.problems import refusal


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
