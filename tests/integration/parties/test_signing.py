"""A statement is believed only when every hand, key, mandate and byte is right; else nothing changes."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from scf.evidence.service import VersionMoved
from scf.kernel.errors import Conflict, Refused
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.parties import queries, rules, signing
from scf.parties.models import Person
from scf.parties.queries import CertificateUnknown, MandateUnknown
from scf.parties.schemas import SignerIn
from scf_ledger import jws as ledger_jws
from scf_ledger import statement as ledger_statement
from scf_ledger.certificates import load_certificate
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.event_types import Scope
from tests.support import actors
from tests.support.actors import STORY_BEGINS
from tests.support.desk import AMOUNT, Desk, high_s, refused, resigned


class TestDrafting:
    def test_maker_and_checker_get_the_same_paper_in_two_copies(self, desk):
        make, check = desk.draft()

        first, second = (ledger_statement.parse_statement(s.payload) for s in (make, check))
        assert (first.step, second.step) == ("make", "check")
        assert first.content == second.content
        assert first.about == second.about
        assert first.about.version == 3
        assert first.content["names"] == {
            desk.cast.anchor.uscc: "渝川汽车(示例)",
            desk.cast.supplier.uscc: "永川兴锐冲压件(示例)",
        }
        assert len({first.id, second.id}) == len({first.person, second.person}) == 2
        assert make.draft_id == check.draft_id
        assert b"kept" not in make.payload

    def test_a_single_signature_has_no_step(self, shared):
        with shared.database.transaction() as session:
            desk = Desk(session, shared.cast, shared.cast.supplier, "pledge")
            (only,) = desk.draft()
            assert ledger_statement.parse_statement(only.payload).step is None
            session.rollback()

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"act": "accept"}, rules.ActNotForParty),
            ({"amount": Money.parse("5000000.01")}, rules.MandateLimitExceeded),
            ({"now": STORY_BEGINS - timedelta(days=2)}, rules.MandateNotInForce),
            ({"now": actors.MANDATES_END}, rules.MandateNotInForce),
            ({"content": {"reason": "x" * 70_000}}, signing.ContentUnwritable),
            ({"content": {"pay_to": {"户名": "x"}}}, signing.ContentUnwritable),
            ({"content": {"rate": 0.0385}}, signing.ContentUnwritable),
        ],
    )
    def test_what_could_not_count_is_not_drafted(self, desk, changes, error):
        with pytest.raises(error):
            desk.draft(**changes)
        assert desk.rows() == []

    def test_the_signers_are_the_right_people_in_the_right_order(self, desk):
        make, check = desk.signers()
        bank = SignerIn.model_validate(desk.cast.bank.signers("accept")[0])
        borrowed = SignerIn(person=check.person, mandate=make.mandate)
        unknown = SignerIn(person=make.person, mandate=new_id())

        for signers, error in [
            ([check, make], rules.MandateNotFor),
            ([make], rules.HandsWrong),
            ([make, check, make], rules.HandsWrong),
            ([make, make], rules.SamePerson),
            ([bank, check], rules.MandateNotFor),
            ([borrowed, make], rules.MandateNotFor),
            ([unknown, check], MandateUnknown),
        ]:
            with pytest.raises(error):
                desk.draft(signers=signers)
        assert desk.rows() == []


class TestCollecting:
    def test_both_hands_make_it_count(self, desk):
        statements = desk.draft()
        signed = desk.sign(statements)

        act = desk.collect(signed)

        assert act.content["confirmed"] == AMOUNT.to_json()
        assert act.reserved == {"secret": "kept"}
        assert act.draft_id == statements[0].draft_id
        assert act.authorizations == [ledger_statement.authorization_hash(one) for one in signed]
        pems = queries.certificates_for(desk.session, act.authorizations)
        for row in statements:
            (believed,) = (
                pem
                for pem in pems
                if ledger_jws.parse(row.jws).thumbprint
                == ledger_statement.certificates.thumbprint(load_certificate(pem))
            )
            assert ledger_statement.verify(row.jws, load_certificate(believed)).step == row.step

    def test_the_order_of_handing_in_does_not_matter(self, desk):
        statements = desk.draft()
        signed = desk.sign(statements)

        act = desk.collect(signed[::-1])

        assert act.authorizations == [ledger_statement.authorization_hash(one) for one in signed]

    def test_a_high_s_is_normalised_before_it_is_hashed(self, desk):
        signed = desk.sign(desk.draft())

        act = desk.collect([high_s(signed[0]), signed[1]])

        assert act.authorizations == [ledger_statement.authorization_hash(one) for one in signed]

    def test_a_statement_takes_effect_once(self, desk):
        signed = desk.sign(desk.draft())
        desk.collect(signed)

        refused(desk, signing.StatementUsed, signed)
        refused(desk, signing.StatementUsed, [high_s(one) for one in signed])

    def test_one_hand_is_not_two(self, desk):
        first, second = desk.sign(desk.draft())

        refused(desk, rules.HandsWrong, [first])
        refused(desk, rules.HandsWrong, [first, first])
        refused(desk, rules.HandsWrong, [first, high_s(first)])
        refused(desk, rules.HandsWrong, [first, second, second])
        other = desk.sign(desk.draft())
        refused(desk, rules.HandsWrong, [first, other[1]])

    def test_only_the_bytes_drafted_are_taken(self, desk):
        statements = desk.draft()
        _, second = desk.sign(statements)

        for changes in (
            {b"1245000.00": b"1245000.01"},
            {b'"step":"make"': b'"step":"check"'},
            {b'"version":3': b'"version":4'},
            {b"T02:00:00Z": b"T02:00:01Z"},
        ):
            forged = resigned(desk, statements, changes)
            refused(desk, signing.StatementAltered, [forged, second])

    def test_a_statement_that_was_never_drafted_is_unknown(self, desk):
        statements = desk.draft()
        _, second = desk.sign(statements)
        other = public_id("stm", new_id()).encode()
        forged = resigned(desk, statements, {public_id("stm", statements[0].id).encode(): other})

        refused(desk, signing.StatementUnknown, [forged, second])

    def test_it_counts_for_its_own_party_act_and_subject(self, desk):
        signed = desk.sign(desk.draft())
        elsewhere = SimpleNamespace(id=new_id(), version=3, head_hash=bytes(range(32)))
        supplier = queries.party(desk.session, desk.cast.supplier.party_id)

        refused(desk, signing.StatementUnknown, signed, subject=elsewhere)
        refused(desk, signing.StatementUnknown, signed, party=supplier)
        refused(desk, signing.StatementUnknown, signed, act="dispute")

    def test_a_moved_version_is_a_conflict(self, desk):
        signed = desk.sign(desk.draft())
        desk.subject.version = 4

        error = refused(desk, VersionMoved, signed)

        assert isinstance(error, Conflict)
        assert (error.code, error.fields) == (
            "subject.version_moved",
            {"version": 4, "expected": 3},
        )

    @pytest.mark.parametrize(
        "late", [signing.DRAFT_TTL, signing.DRAFT_TTL + timedelta(days=400), timedelta(days=1)]
    )
    def test_a_draft_expires(self, desk, late):
        signed = desk.sign(desk.draft())

        refused(desk, signing.StatementExpired, signed, now=desk.now + late)

    def test_until_its_last_instant_it_counts(self, desk):
        signed = desk.sign(desk.draft())

        desk.collect(signed, now=desk.now + signing.DRAFT_TTL - timedelta(microseconds=1))

    def test_a_signature_is_by_the_person_named(self, desk):
        statements = desk.draft()
        first, second = desk.sign(statements)
        people = desk.company.people
        swapped = ledger_jws.sign(
            statements[0].payload,
            people["approver"].identity.key,
            people["approver"].identity.certificate,
        )
        banker = desk.cast.bank.people["officer"].identity
        foreign = ledger_jws.sign(statements[0].payload, banker.key, banker.certificate)

        refused(desk, rules.CertificateWrongHolder, [swapped, second])
        refused(desk, rules.CertificateWrongHolder, [foreign, second])
        assert desk.collect([first, second])

    def test_a_certificate_in_the_header_is_not_its_key(self, desk):
        statements = desk.draft()
        _, second = desk.sign(statements)
        clerk = desk.company.people["clerk"].identity
        mallory = ec.generate_private_key(ec.SECP256R1())

        forged = ledger_jws.sign(statements[0].payload, mallory, clerk.certificate)

        refused(desk, signing.SignatureInvalid, [forged, second])

    def test_a_certificate_is_on_file(self, desk):
        statements = desk.draft()
        _, second = desk.sign(statements)
        unfiled = actors.certify(
            desk.party,
            desk.session.get(Person, desk.company.people["clerk"].person_id),
            authority=desk.cast.authorities[Scope.ENTERPRISE],
            keys=desk.cast.keys,
            key_name=f"unfiled-{new_id().hex}",
        )
        signed = ledger_jws.sign(statements[0].payload, unfiled.key, unfiled.certificate)

        refused(desk, CertificateUnknown, [signed, second])

    @pytest.mark.parametrize(
        "break_it",
        [
            lambda jws: "",
            lambda jws: "a.b.c",
            lambda jws: jws + ".x",
            lambda jws: jws.replace(".", "..", 1),
            lambda jws: jws[:-2],
            lambda jws: jws + "A",
            lambda jws: " " + jws,
            lambda jws: jws.rsplit(".", 1)[0] + "." + b64url(bytes(64)),
            lambda jws: jws.rsplit(".", 1)[0] + "." + b64url(bytes(32) + b"\xff" * 32),
            lambda jws: b64url(b'{"alg":"none"}') + jws[jws.index(".") :],
            lambda jws: (
                b64url(from_b64url(jws.split(".")[0]).replace(b"ES256", b"ES384"))
                + jws[jws.index(".") :]
            ),
            lambda jws: "é" + jws[1:],
            lambda jws: "\ud800" + jws[1:],
            lambda jws: "A" * 98_305,
        ],
    )
    def test_rubbish_is_malformed(self, desk, break_it):
        first, second = desk.sign(desk.draft())

        refused(desk, signing.StatementMalformed, [break_it(first), second])

    def test_a_flipped_bit_anywhere_is_refused(self, desk):
        first, second = desk.sign(desk.draft())
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

        for position in range(0, len(first), 29):
            if first[position] == ".":
                continue
            other = alphabet[(alphabet.index(first[position]) + 32) % 64]
            mutated = first[:position] + other + first[position + 1 :]
            with pytest.raises(Refused):
                desk.collect([mutated, second])
        assert all(jws is None for _, jws, _ in desk.rows())
