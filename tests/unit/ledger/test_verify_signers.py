"""Signatures that count no more, and lines of baskets that somebody else signed."""

from tests.golden import formats as f
from tests.golden import story
from tests.golden.story import tell
from tests.unit.ledger.verdicts import failing, verify


class TestRevocation:
    def revoked(self, day, witnesses):
        told = tell(noise=3, witnesses=witnesses)
        certificate = told.people["supplier"][1]
        crl = f.make_crl(story.ENTERPRISE_CA, [(certificate, day)], issued_at="2026-03-01")
        told.proof["revocations"][0] = f.b64(crl)
        return failing(verify(told))

    def test_counts_where_nothing_proves_that_the_entry_was_earlier(self):
        assert self.revoked("2026-02-01", []) == {"authorization": "authorization.revoked"}

    def test_after_the_witnesses_saw_the_entry_takes_nothing_back(self):
        assert self.revoked("2026-02-01", story.WITNESSES) == {}

    def test_before_the_witnesses_saw_the_entry_counts(self):
        assert self.revoked("2025-12-31", story.WITNESSES) == {
            "authorization": "authorization.revoked"
        }

    def test_needs_a_list_from_after_the_statement(self):
        told = tell(noise=3)
        told.proof["revocations"][1] = f.b64(f.make_crl(story.BANK_CA, issued_at="2025-10-01"))
        assert failing(verify(told)) == {"authorization": "authorization.no_revocation_list"}

    def test_by_another_authority_of_the_same_name_is_none(self):
        told = tell(noise=3)
        key = f.make_key("mallory")
        false_ca = (key, story.BANK_CA[1])
        told.proof["revocations"][1] = f.b64(f.make_crl(false_ca))
        assert failing(verify(told)) == {"authorization": "certificate.invalid"}


class TestBasket:
    def test_line_of_another_basket_is_refused(self):
        told = tell(noise=3, basket=("confirmed",))
        texts = told.proof["entries"][0]["authorizations"]
        line = f.b64u(f.rfc8785.dumps([f.b64u(b"s" * 16), {
            "subject": story.RECEIVABLE, "version": 1, "subject_event": f.b64u(f.sha256(b"x")),
        }]))  # fmt: skip
        told.proof["entries"][0]["authorizations"] = [
            text.split("~")[0] + f"~{line}~" for text in texts
        ]
        assert failing(verify(told)) == {"authorization": "authorization.line_not_signed"}

    def test_without_its_line_says_nothing_of_this_claim(self):
        told = tell(noise=3, basket=("confirmed",))
        entry = told.proof["entries"][0]
        entry["authorizations"] = [text.split("~")[0] for text in entry["authorizations"]]
        assert failing(verify(told)) == {"authorization": "authorization.one_line_shown"}
