"""Suppliers are invited by link: who is new proves its USCC once, who is on board just joins."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from scf.db.outbox import EffectContext
from scf.documents import service as documents
from scf.http.auth import OAuthClient
from scf.kernel.ids import parse_id
from scf.parties.models import Certificate, Party, Person
from scf.programmes import invitations
from scf.programmes.invitation_models import Invitation, Onboarding
from scf.programmes.models import Member
from tests.support.invitations import fresh_uscc, invitation_body, invited
from tests.support.invoices import cn_einvoice
from tests.support.jobs import match, upload, upload_row, work
from tests.support.receivables import NUMBERS, invoice_number

TABLES = (Party, Person, Certificate, OAuthClient, Member, Onboarding)


def counts(stage):
    with stage.database.reading() as session:
        return [session.scalar(select(func.count()).select_from(kind)) for kind in TABLES]


def shown(stage, guest):
    return stage.get(stage.cast.anchor, guest.path).json()


def refused(stage, guest, body):
    """Accept what must be refused; hold that nothing was written and one attempt counted."""
    before, attempts = counts(stage), shown(stage, guest)["attempts"]
    answer = guest.accept(body)
    assert counts(stage) == before
    assert shown(stage, guest)["attempts"] == attempts + 1
    return answer.status_code, answer.json()["code"]


def let_expire(stage, guest):
    with stage.database.transaction() as session:
        session.execute(
            update(Invitation)
            .where(Invitation.id == parse_id("inv", guest.id))
            .values(expires_at=stage.clock.real() - timedelta(seconds=1))
        )


class TestLetter:
    def test_it_says_who_invites_whom_to_whoever_holds_the_link(self, stage):
        guest = invited(stage)

        answer = guest.letter()

        assert answer.status_code == 200
        letter = answer.json()
        assert (letter["anchor"], letter["uscc"]) == (stage.cast.anchor.name, guest.uscc)
        assert letter["state"] == "OPENED"
        assert "contact" not in letter

    def test_another_token_learns_nothing_and_is_counted(self, stage):
        guest = invited(stage)

        known, unknown = (
            guest.letter("guess"),
            stage.http.get(
                f"/v1/invitations/inv_{'0' * 26}/letter", headers={"Invitation-Token": "guess"}
            ),
        )

        assert known.status_code == unknown.status_code == 404
        assert known.json() == unknown.json()
        assert (shown(stage, guest)["state"], shown(stage, guest)["attempts"]) == ("INVITED", 1)

    def test_too_many_attempts_lock_it(self, stage):
        guest = invited(stage)
        for _ in range(invitations.ATTEMPTS_MAX):
            assert guest.letter("guess").status_code == 404

        answer = guest.letter()

        assert (answer.status_code, answer.json()["code"]) == (403, "invitation.locked")

    def test_the_token_is_kept_as_its_hash_only(self, stage):
        guest = invited(stage)
        with stage.database.reading() as session:
            row = session.get_one(Invitation, parse_id("inv", guest.id))
            values = [getattr(row, column.key) for column in Invitation.__table__.columns]
        assert guest.token not in map(str, values)


class TestAcceptance:
    def test_a_new_supplier_comes_on_board_with_one_call(self, stage):
        guest = invited(stage)

        answer = guest.accept(guest.acceptance())

        assert answer.status_code == 201
        came = answer.json()
        token = stage.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(came["client"], guest.secret),
        ).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        party = stage.http.get(f"/v1/parties/{came['party']}", headers=headers).json()
        assert (party["uscc"], party["size_class"]) == (guest.uscc, "micro")
        (programme,) = stage.http.get("/v1/programmes", headers=headers).json()["items"]
        assert programme["id"] == stage.cast.programme
        ended = shown(stage, guest)
        assert (ended["state"], ended["party"], ended["contact"]) == (
            "ACCEPTED",
            came["party"],
            None,
        )

    def test_the_same_acceptance_again_is_answered_again(self, stage):
        guest = invited(stage)
        body = guest.acceptance()
        first = guest.accept(body)
        after = counts(stage)

        assert guest.accept(body).json() == first.json()
        assert counts(stage) == after

    def test_a_used_link_lets_nobody_else_in(self, stage):
        guest = invited(stage)
        identity = guest.identity()
        guest.accept(guest.acceptance(identity))
        other = guest.acceptance(identity, client_name="other system")
        assert refused(stage, guest, other) == (409, "invitation.state_forbids")

    def test_of_two_acceptances_at_once_one_wins(self, stage):
        guest = invited(stage)
        bodies = [guest.acceptance() for _ in range(2)]
        before = counts(stage)

        with ThreadPoolExecutor(2) as hands:
            statuses = sorted(answer.status_code for answer in hands.map(guest.accept, bodies))

        assert statuses == [201, 409]
        assert [b - a for a, b in zip(before, counts(stage), strict=True)] == [1] * len(TABLES)

    def test_a_certificate_of_another_uscc_proves_nothing(self, stage):
        guest = invited(stage)
        body = guest.acceptance(guest.identity(code=fresh_uscc()))
        assert refused(stage, guest, body) == (422, "certificate.refused")

    def test_a_certificate_of_another_person_proves_nothing(self, stage):
        guest = invited(stage)
        body = guest.acceptance(guest.identity(person=f"psn_{'0' * 26}"))
        assert refused(stage, guest, body) == (422, "certificate.refused")

    def test_the_declaration_is_signed_by_the_certificate_beside_it(self, stage):
        guest = invited(stage)
        body = guest.acceptance() | {"certificate": guest.acceptance()["certificate"]}
        assert refused(stage, guest, body) == (422, "onboarding.declaration_refused")

    @pytest.mark.parametrize(
        "changes",
        [
            {"challenge": "A" * 43},
            {"origin": "other.example/log"},
            {"invitation": f"inv_{'0' * 26}"},
        ],
    )
    def test_a_declaration_for_another_invitation_is_refused(self, stage, changes):
        guest = invited(stage)
        body = guest.acceptance(**changes)
        assert refused(stage, guest, body) == (422, "onboarding.declaration_refused")

    def test_a_declaration_that_is_no_declaration_is_refused(self, stage):
        guest = invited(stage)
        body = guest.acceptance(size_declared_on=stage.clock.now().date(), name="x" * 201)
        assert refused(stage, guest, body) == (422, "onboarding.declaration_refused")
        body["jws"] = "e30.e30.e30"
        assert refused(stage, guest, body) == (422, "onboarding.declaration_refused")


class TestEnds:
    def test_a_revoked_invitation_opens_nothing(self, stage):
        guest = invited(stage)
        body = guest.acceptance()
        assert stage.post(stage.cast.anchor, f"{guest.path}/revoke").json()["state"] == "REVOKED"
        assert refused(stage, guest, body) == (409, "invitation.state_forbids")
        assert guest.letter().json()["state"] == "REVOKED"

    def test_an_expired_one_is_refused_and_ended_by_the_clock(self, stage):
        guest = invited(stage)
        body = guest.acceptance()
        let_expire(stage, guest)
        assert refused(stage, guest, body) == (409, "invitation.expired")

        invitations.expire(EffectContext(stage.database, stage.settings, stage.clock))

        assert (shown(stage, guest)["state"], shown(stage, guest)["contact"]) == ("EXPIRED", None)
        assert refused(stage, guest, body) == (409, "invitation.expired")
        again = invited(stage, guest.uscc)
        assert again.accept(again.acceptance()).status_code == 201


class TestHosts:
    def test_only_the_anchor_party_invites(self, stage):
        body = invitation_body(stage, "t", fresh_uscc())
        answer = stage.post(stage.cast.supplier, "/v1/invitations", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "programme.not_member")

    def test_an_enterprise_has_one_open_invitation(self, stage):
        guest = invited(stage)
        body = invitation_body(stage, "t", guest.uscc)
        answer = stage.post(stage.cast.anchor, "/v1/invitations", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "invitation.exists")

    def test_members_are_not_invited_and_strangers_see_nothing(self, stage):
        body = invitation_body(stage, "t", stage.cast.supplier.uscc)
        answer = stage.post(stage.cast.anchor, "/v1/invitations", body)
        assert answer.json()["code"] == "programme.already_member"
        guest = invited(stage)
        assert stage.get(stage.cast.supplier, guest.path).status_code == 404
        assert stage.get(stage.cast.supplier, "/v1/invitations").json()["items"] == []
        assert stage.post(stage.cast.supplier, f"{guest.path}/revoke").status_code == 404

    def test_the_list_is_filtered(self, stage):
        guest = invited(stage)
        found = stage.get(stage.cast.anchor, "/v1/invitations", uscc=guest.uscc).json()["items"]
        assert [one["id"] for one in found] == [guest.id]
        none = stage.get(
            stage.cast.anchor, "/v1/invitations", uscc=guest.uscc, state="ACCEPTED"
        ).json()
        assert none["items"] == []


class TestJoining:
    def test_a_party_on_board_joins_with_what_is_known_of_it(self, stage):
        second = stage.cast.second_supplier
        member = next(
            m
            for m in stage.get(None, f"/v1/programmes/{stage.cast.programme}").json()["members"]
            if m["uscc"] == second.uscc
        )
        stage.post(
            None,
            f"/v1/programmes/{stage.cast.programme}/members/{member['party']}/revoke",
            {"reason": "换项目"},
        )
        guest = invited(stage, second.uscc)
        taken = guest.accept(guest.acceptance())
        assert taken.json()["code"] == "party.exists"
        before = counts(stage)
        assert stage.post(stage.cast.supplier, f"{guest.path}/join").status_code == 404

        answer = stage.post(second, f"{guest.path}/join")

        assert (answer.status_code, answer.json()["state"]) == (200, "ACCEPTED")
        assert [b - a for a, b in zip(before, counts(stage), strict=True)] == [0, 0, 0, 0, 1, 0]

    def test_lines_that_waited_for_a_supplier_go_on_once_it_is_in(self, stage):
        guest, number = invited(stage), invoice_number(next(NUMBERS))
        job = upload(stage, [upload_row("W-1", guest.uscc, number)])
        work(stage)

        def line():
            match(stage)
            return stage.get(stage.cast.anchor, "/v1/payables", job=job).json()["items"][0]

        assert line()["code"] == "payable.supplier_not_on_board"
        newcomer = guest.come_in()
        assert line()["state"] == "WAITING"
        original = cn_einvoice(
            number=number,
            seller=guest.uscc,
            buyer=stage.cast.anchor.uscc,
            net="100.00",
            tax="0.00",
            total="100.00",
            lines=[("100.00", "0", "0.00")],
        )
        with stage.database.transaction() as session:
            documents.register(
                session, newcomer, original=original, filename=None, now=stage.clock.now()
            )
        assert line()["state"] == "SUBMITTED"
