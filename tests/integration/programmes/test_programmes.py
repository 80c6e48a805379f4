"""Programmes: who takes part, and who sees whom."""

import pytest

from scf.kernel.ids import new_id, public_id
from scf.pledges.kinds import SecurityKind
from scf.programmes.models import Member, MemberRole, Product
from scf.programmes.service import NotMember, ProgrammeClosed, require_member
from tests.support.problems import refusal


def path(stage, tail=""):
    return f"/v1/programmes/{stage.cast.programme}{tail}"


def names(answer):
    return {member["name"] for member in answer.json()["members"]}


class TestSecurities:
    """Which kinds of security a core enterprise's programme allows."""

    def test_all_unless_said_and_kept_in_one_order(self, stage):
        anchor = stage.cast.anchor.id
        body = {"name": "限定方式(示例)", "anchor": anchor, "securities": ["factoring", "pledge"]}
        made = stage.post(None, "/v1/programmes", body).json()
        allow = f"/v1/programmes/{made['id']}/securities"

        assert stage.get(None, path(stage)).json()["securities"] is None
        assert made["securities"] == ["pledge", "factoring"]
        changed = stage.post(None, allow, {"securities": ["pledge"]}).json()
        assert changed["securities"] == ["pledge"]
        refusal(stage.post(None, allow, {"securities": []}), 422, "request.invalid")
        refusal(stage.post(None, allow, {"securities": ["mortgage"]}), 422, "request.invalid")
        refusal(
            stage.post(stage.cast.anchor, allow, {"securities": None}), 403, "auth.operator_only"
        )
        assert stage.get(None, f"/v1/programmes/{made['id']}").json()["securities"] == ["pledge"]
        assert stage.post(None, allow, {"securities": None}).json()["securities"] is None

    def test_they_are_the_kinds_that_banks_take(self):
        assert [one.value for one in Product] == [one.value for one in SecurityKind]


class TestSeeing:
    def test_the_anchor_and_the_operator_see_everybody(self, stage):
        everybody = {c.name for c in companies(stage)}

        assert names(stage.get(stage.cast.anchor, path(stage))) == everybody
        assert names(stage.get(None, path(stage))) == everybody

    def test_suppliers_do_not_see_one_another_nor_do_banks_see_them(self, stage):
        cast = stage.cast
        common = {cast.anchor.name, cast.bank.name, cast.second_bank.name}

        assert names(stage.get(cast.supplier, path(stage))) == common | {cast.supplier.name}
        assert names(stage.get(cast.second_supplier, path(stage))) == common | {
            cast.second_supplier.name
        }
        assert names(stage.get(cast.bank, path(stage))) == common

    def test_a_stranger_sees_nothing(self, stage):
        other = stage.post(
            None, "/v1/programmes", {"name": "另一项目(示例)", "anchor": stage.cast.supplier.id}
        ).json()

        refusal(
            stage.get(stage.cast.bank, f"/v1/programmes/{other['id']}"), 404, "subject.not_found"
        )
        nothing = f"/v1/programmes/{public_id('prg', new_id())}"
        refusal(stage.get(stage.cast.bank, nothing), 404, "subject.not_found")
        listed = stage.get(stage.cast.bank, "/v1/programmes").json()["items"]
        assert [programme["id"] for programme in listed] == [stage.cast.programme]
        assert len(stage.get(None, "/v1/programmes").json()["items"]) == 2

    def test_pages_go_through_all(self, stage):
        for number in range(3):
            body = {"name": f"项目{number}(示例)", "anchor": stage.cast.anchor.id}
            stage.post(None, "/v1/programmes", body)

        first = stage.get(stage.cast.anchor, "/v1/programmes", limit=3).json()
        rest = stage.get(stage.cast.anchor, "/v1/programmes", limit=3, cursor=first["next"]).json()

        ids = [programme["id"] for programme in first["items"] + rest["items"]]
        assert len(ids) == len(set(ids)) == 4
        assert rest["next"] is None


class TestTakingPart:
    def test_business_is_between_members_in_their_roles(self, stage):
        cast, programme = stage.cast, stage.cast.programme_id
        with stage.database.reading() as session:
            for company, role in [
                (cast.anchor, MemberRole.ANCHOR),
                (cast.supplier, MemberRole.SUPPLIER),
                (cast.bank, MemberRole.FUNDER),
            ]:
                found = require_member(session, programme, company.party_id, role)
                assert found.anchor_id == cast.anchor.party_id

            for party, role in [
                (cast.supplier.party_id, MemberRole.FUNDER),
                (cast.bank.party_id, MemberRole.SUPPLIER),
                (new_id(), MemberRole.SUPPLIER),
            ]:
                with pytest.raises(NotMember):
                    require_member(session, programme, party, role)
            with pytest.raises(NotMember):
                require_member(session, new_id(), cast.anchor.party_id, MemberRole.ANCHOR)

    def test_a_closed_programme_takes_no_business(self, stage):
        closed = stage.post(None, path(stage, "/revoke"), {"reason": "到期"})

        assert closed.json()["revoked_at"] is not None
        with stage.database.reading() as session, pytest.raises(ProgrammeClosed):
            require_member(
                session, stage.cast.programme_id, stage.cast.bank.party_id, MemberRole.FUNDER
            )
        member = {"party": stage.cast.bank.id, "role": "funder"}
        refusal(stage.post(None, path(stage, "/members"), member), 409, "programme.closed")
        refusal(
            stage.post(None, path(stage, "/revoke"), {"reason": "再次"}), 409, "revocation.already"
        )

    def test_one_leaves_and_may_come_back(self, stage):
        bank = stage.cast.bank
        left = stage.post(None, path(stage, f"/members/{bank.id}/revoke"), {"reason": "退出"})

        assert bank.name not in names(left)
        with stage.database.reading() as session, pytest.raises(NotMember):
            require_member(session, stage.cast.programme_id, bank.party_id, MemberRole.FUNDER)
        assert stage.get(bank, path(stage)).status_code == 200  # what it did there stays its own
        back = stage.post(None, path(stage, "/members"), {"party": bank.id, "role": "funder"})
        assert bank.name in names(back)

    @pytest.mark.parametrize(
        ("who", "role", "status", "code"),
        [
            ("bank", "supplier", 422, "programme.role_not_for_kind"),
            ("supplier", "funder", 422, "programme.role_not_for_kind"),
            ("supplier", "anchor", 422, "programme.role_not_for_kind"),
            ("anchor", "supplier", 422, "programme.role_not_for_kind"),
            ("anchor", "anchor", 409, "programme.already_member"),
            ("bank", "funder", 409, "programme.already_member"),
        ],
    )
    def test_a_place_without_sense_is_refused(self, stage, who, role, status, code):
        before = rows(stage)
        party = getattr(stage.cast, who).id

        answer = stage.post(None, path(stage, "/members"), {"party": party, "role": role})

        refusal(answer, status, code)
        assert rows(stage) == before

    def test_the_anchor_stays_and_strangers_cannot_leave(self, stage):
        anchor = path(stage, f"/members/{stage.cast.anchor.id}/revoke")
        stranger = path(stage, f"/members/{public_id('pty', new_id())}/revoke")

        refusal(stage.post(None, anchor, {"reason": "x"}), 422, "programme.role_not_for_kind")
        refusal(stage.post(None, stranger, {"reason": "x"}), 404, "subject.not_found")

    def test_only_the_operator_arranges_programmes(self, stage):
        before = rows(stage)
        body = {"name": "x", "anchor": stage.cast.anchor.id}
        member = {"party": stage.cast.bank.id, "role": "funder"}

        for tail, value in [
            ("", body),
            (f"/{stage.cast.programme}/members", member),
            (f"/{stage.cast.programme}/members/{stage.cast.bank.id}/revoke", {"reason": "x"}),
            (f"/{stage.cast.programme}/revoke", {"reason": "x"}),
        ]:
            answer = stage.post(stage.cast.anchor, f"/v1/programmes{tail}", value)
            refusal(answer, 403, "auth.operator_only")
        assert rows(stage) == before

    def test_an_anchor_is_a_party_that_is_there(self, stage):
        before = rows(stage)
        for anchor, status, code in [
            (public_id("pty", new_id()), 404, "subject.not_found"),
            (stage.cast.bank.id, 422, "programme.role_not_for_kind"),
        ]:
            answer = stage.post(None, "/v1/programmes", {"name": "x", "anchor": anchor})
            refusal(answer, status, code)
        assert rows(stage) == before


def companies(stage):
    cast = stage.cast
    return [cast.anchor, cast.supplier, cast.second_supplier, cast.bank, cast.second_bank]


def rows(stage):
    with stage.database.reading() as session:
        return session.query(Member.id, Member.revoked_at).order_by(Member.id).all()
