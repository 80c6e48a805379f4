"""Who may do what: the operator, a party with its own affairs, and nobody else."""

import pytest

from scf.kernel.ids import public_id
from scf_ledger.encoding import b64url
from scf_ledger.event_types import Scope
from tests.support.parties import ENTERPRISE, SUFFIX, counts, mandate_body
from tests.support.problems import refusal


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
