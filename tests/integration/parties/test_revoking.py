"""What is revoked stops counting at once, in the same moment even."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from scf.parties import certification, rules, service, signing
from scf.parties.authority import LocalAuthority
from scf.parties.models import Person, Role, serial_text
from scf.parties.schemas import SignerIn
from scf_ledger.event_types import Scope
from tests.support import actors
from tests.support.actors import STORY_BEGINS
from tests.support.desk import AMOUNT, Desk, refused


class TestRevoking:
    """What is revoked between draft and hand-in stops the hand-in."""

    def test_a_certificate(self, desk):
        signed = desk.sign(desk.draft())
        certification.revoke_certificate(
            desk.session,
            desk.company.people["clerk"].certificate_id,
            reason="密钥遗失",
            now=desk.now,
        )

        refused(desk, rules.CertificateRevoked, signed)

    def test_a_certificate_by_its_authoritys_list(self, desk, tmp_path):
        signed = desk.sign(desk.draft())
        copy = shutil.copytree(desk.cast.authorities[Scope.ENTERPRISE].folder, tmp_path / "ca")
        authority = LocalAuthority.open(copy, passphrase=actors.PASSPHRASE)
        clerk = desk.company.people["clerk"].identity.certificate
        authority.revoke(serial_text(clerk.serial_number), at=desk.now)

        _, ended = certification.receive_revocations(
            desk.session,
            desk.cast.authority_ids[Scope.ENTERPRISE],
            der=authority.crl(at=desk.now),
            now=desk.now,
        )

        assert ended == 1
        refused(desk, rules.CertificateRevoked, signed)

    def test_an_authority(self, desk):
        signed = desk.sign(desk.draft())
        certification.revoke_authority(
            desk.session, desk.cast.authority_ids[Scope.ENTERPRISE], reason="停业", now=desk.now
        )

        refused(desk, rules.CertificateRevoked, signed)

    @pytest.mark.parametrize("hand", [0, 1])
    def test_a_mandate(self, desk, hand):
        signed = desk.sign(desk.draft())
        service.revoke_mandate(
            desk.session, desk.signers()[hand].mandate, reason="岗位调整", now=desk.now
        )

        refused(desk, rules.MandateRevoked, signed)
        with pytest.raises(rules.MandateRevoked):
            desk.draft()

    def test_a_person(self, desk):
        signed = desk.sign(desk.draft())
        service.revoke_person(
            desk.session, desk.company.people["approver"].person_id, reason="离职", now=desk.now
        )

        refused(desk, rules.MandateRevoked, signed)

    def test_a_party(self, desk):
        signed = desk.sign(desk.draft())
        service.revoke_party(desk.session, desk.company.party_id, reason="退出", now=desk.now)

        refused(desk, rules.PartyRevoked, signed)

    def test_a_mandate_that_ends_meanwhile(self, desk):
        anchor = desk.party
        person = desk.session.get(Person, desk.company.people["clerk"].person_id)
        brief = service.grant_mandate(
            desk.session,
            person.id,
            role=Role.MAKER,
            acts=["confirm"],
            limit=AMOUNT,
            valid_from=desk.now,
            valid_to=desk.now + timedelta(minutes=30),
            now=desk.now,
        )
        maker = SignerIn(person=person.id, mandate=brief.id)
        signed = desk.sign(desk.draft(party=anchor, signers=[maker, desk.signers()[1]]))

        refused(desk, rules.MandateNotInForce, signed)


class TestStorage:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE mandates SET limit_minor = limit_minor + 1",
            "UPDATE mandates SET acts = '{release}'",
            "UPDATE mandates SET role = 'checker', revoked_at = now()",
            "DELETE FROM mandates",
            "UPDATE certificates SET person_id = (SELECT max(id::text)::uuid FROM persons)",
            "DELETE FROM certificates",
            "UPDATE certificate_authorities SET scope = 'bank'",
        ],
    )
    def test_the_database_refuses_to_edit_what_is_only_revoked(self, desk, statement):
        with pytest.raises(DBAPIError, match="revoked once and never edited"):
            desk.session.execute(text(statement))
        desk.session.rollback()

    def test_nothing_comes_back_from_revocation(self, desk):
        service.revoke_mandate(
            desk.session, desk.signers()[0].mandate, reason="岗位调整", now=desk.now
        )
        with pytest.raises(DBAPIError, match="revoked once"):
            desk.session.execute(text("UPDATE mandates SET revoked_at = NULL"))
        desk.session.rollback()


class TestRaces:
    """Two real connections, at the same moment."""

    def test_a_statement_is_used_by_one_of_two(self, shared):
        anchor = shared.cast.anchor
        with shared.database.transaction() as session:
            desk = Desk(session, shared.cast, anchor)
            signed = desk.sign(desk.draft())
        barrier = threading.Barrier(2)

        def hand_in():
            with shared.database.transaction() as session:
                mine = Desk(session, shared.cast, anchor, subject=desk.subject)
                barrier.wait()
                try:
                    mine.collect(signed)
                except signing.StatementUsed:
                    return "used"
                return "done"

        with ThreadPoolExecutor(2) as pool:
            answers = sorted(future.result() for future in [pool.submit(hand_in) for _ in "ab"])
        assert answers == ["done", "used"]

    def test_a_revocation_waits_for_a_signature_under_way_and_stops_the_next(self, shared):
        anchor = shared.cast.second_supplier
        with shared.database.transaction() as session:
            desk = Desk(session, shared.cast, anchor, "pledge")
            first, second = (desk.sign(desk.draft()) for _ in "ab")
            mandate = desk.signers()[0].mandate
        revoked = threading.Event()

        def revoke():
            with shared.database.transaction() as session:
                service.revoke_mandate(session, mandate, reason="岗位调整", now=STORY_BEGINS)
                revoked.set()

        with ThreadPoolExecutor(1) as pool:
            with shared.database.transaction() as session:
                Desk(session, shared.cast, anchor, "pledge", subject=desk.subject).collect(first)
                waiting = pool.submit(revoke)
                assert not revoked.wait(0.5)
            waiting.result(timeout=10)
        with (
            pytest.raises(rules.MandateRevoked),
            shared.database.transaction() as session,
        ):
            Desk(session, shared.cast, anchor, "pledge", subject=desk.subject).collect(second)
