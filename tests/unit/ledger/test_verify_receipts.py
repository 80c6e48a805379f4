"""Who vouches for a registration: the register's own receipt, and nothing that only looks like one."""

from pathlib import Path

import pytest

from scf_ledger import trust
from scf_ledger.verify import cli, verify_file
from tests.golden import formats as f
from tests.golden import register, story
from tests.unit.ledger.verdicts import failing, verify

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def told():
    return story.tell()


def vouched_by(report):
    return report.facts["registration"]["vouched_by"]


class TestWhoVouches:
    def test_the_register_where_its_receipt_holds(self, told):
        report = verify(register.with_receipt(told, register.make_receipt(told)))

        assert report.passed, failing(report)
        assert vouched_by(report) == "register"

    def test_the_golden_file_made_by_other_code(self):
        believed = trust.parse((GOLDEN / "receipt-trust.json").read_bytes())
        report = verify_file((GOLDEN / "receipt.scfproof").read_bytes(), believed)

        assert report.passed, failing(report)
        assert vouched_by(report) == "register"

    def test_the_platform_where_there_is_no_receipt(self, told):
        bare = register.with_receipt(told, register.make_receipt(told))
        del bare.proof["entries"][story.FILE_STEPS.index("registered")]["receipt"]
        report = verify(bare)

        assert report.passed
        assert vouched_by(report) == "platform"

    def test_the_platform_where_no_authority_of_registers_is_listed(self, told):
        vouched = register.with_receipt(told, register.make_receipt(told))
        vouched.trust["cas"].pop()
        report = verify(vouched)

        assert report.passed, "a receipt costs a bank nothing that does not know the register"
        assert vouched_by(report) == "platform"

    def test_the_command_says_so(self, told, tmp_path, capsys):
        files = {
            "register": register.with_receipt(told, register.make_receipt(told)),
            "platform": told,
        }
        for word, one in files.items():
            (tmp_path / "a.scfproof").write_bytes(one.proof_bytes)
            (tmp_path / "trust.json").write_bytes(one.trust_bytes)
            cli.main([str(tmp_path / "a.scfproof"), "--trust", str(tmp_path / "trust.json")])
            assert cli._VOUCHED[word] in capsys.readouterr().out


OTHER_PLEDGE = f.make_id("plg", "another")
REVOKED_CA = f.make_ca("Test CA for registers")

ATTACKS = {
    "of another pledge": ({"reference": OTHER_PLEDGE}, "receipt.other_subject"),
    "of a pledge whose id only begins alike": (
        {"reference": story.PLEDGE + "0"},
        "receipt.other_subject",
    ),
    "of another entry": ({"number": "DJ9", "initial_no": "DJ9"}, "receipt.differs"),
    "of another time": ({"registered_at": "2025-11-09T01:30:00Z"}, "receipt.differs"),
    "of another certificate": (
        {"certificate_sha256": f.b64u(f.sha256(b"another"))},
        "receipt.differs",
    ),
    "for another loan": ({"contract_no": f.b64u(f.sha256(b"another"))}, "receipt.differs"),
    "for another sum": ({"amount": f.cny("1.00")}, "receipt.differs"),
    "for another bank": ({"secured_party": story.CAR_MAKER}, "receipt.differs"),
    "against another grantor": ({"grantor": story.CAR_MAKER}, "receipt.differs"),
    "of another form": ({"format": "scf-receipt/2"}, "format.malformed"),
    "that says more": ({"note": "x"}, "format.malformed"),
    "by an authority that nobody listed": (
        {"ca": f.make_ca("Nobody's CA")},
        "certificate.invalid",
    ),
    "by an authority of banks": ({"ca": story.BANK_CA}, "certificate.invalid"),
}


class TestAttacks:
    @pytest.mark.parametrize("name", ATTACKS)
    def test_a_receipt(self, told, name):
        bent, code = ATTACKS[name]
        report = verify(register.with_receipt(told, register.make_receipt(told, **bent)))

        assert not report.passed
        assert failing(report) == {"authorization": code}
        assert "registration" not in report.facts, "nobody vouches for what does not hold"

    def test_a_changed_byte_of_what_it_says(self, told):
        given = register.make_receipt(told)
        head, payload, signature = given["jws"].split(".")
        other = register.make_receipt(told, expires_on="2027-08-10")["jws"].split(".")[1]
        assert other != payload
        report = verify(
            register.with_receipt(told, {**given, "jws": f"{head}.{other}.{signature}"})
        )

        assert failing(report) == {"authorization": "signature.invalid"}

    def test_a_certificate_of_another_key(self, told):
        other = register.make_receipt(told, word="another register")
        given = {**register.make_receipt(told), "certificate": other["certificate"]}

        report = verify(register.with_receipt(told, given))
        assert failing(report) == {"authorization": "receipt.other_key"}

    def test_a_statement_is_no_receipt(self, told):
        step = told.steps["signed"]
        given = {**register.make_receipt(told), "jws": step.authorizations[0]}

        report = verify(register.with_receipt(told, given))
        assert failing(report) == {"authorization": "format.malformed"}

    def test_a_key_that_was_revoked(self, told):
        given = register.make_receipt(told)
        certificate = f.make_certificate(
            story.REGISTRY_CA,
            uscc=story.REGISTER,
            person=f.make_id("per", "register"),
            word="register",
        )[1]
        crl = f.make_crl(story.REGISTRY_CA, revoked=[(certificate, "2025-06-01")])
        report = verify(register.with_receipt(told, {**given, "revocations": f.b64(crl)}))

        assert failing(report) == {"authorization": "authorization.revoked"}

    def test_a_revocation_list_from_before(self, told):
        old = f.make_crl(story.REGISTRY_CA, issued_at="2025-11-01")
        report = verify(register.with_receipt(told, register.make_receipt(told, crl=old)))

        assert failing(report) == {"authorization": "authorization.no_revocation_list"}

    def test_beside_what_is_no_registration(self, told):
        report = verify(register.with_receipt(told, register.make_receipt(told), step="locked"))

        assert failing(report) == {"authorization": "receipt.unexpected"}
