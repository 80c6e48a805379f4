"""The debtor is told of a pledge, takes the notice in, reads it, and signs the 回执."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from scf.evidence import queries
from tests.support.actors import STORY_BEGINS
from tests.support.pdf import attached, packed, text_of
from tests.support.problems import refusal
from tests.support.receivables import ACCOUNT, identity

NOTHING: dict = {}


@pytest.fixture(scope="module")
def registered(open_desk):
    """One pledge in force for the file."""
    return open_desk.ready_pledge(open_desk.receivable(1))


@pytest.fixture(scope="module")
def notice(open_desk, registered):
    """The notice over it, issued by the bank."""
    path = f"/v1/pledges/{registered}/notify-debtor"
    return open_desk.did(open_desk.stage.cast.bank, path, NOTHING)


def step(desk, who, notice, name, body=None):
    path = f"/v1/debtor-notices/{notice['id']}/{name}"
    return desk.stage.post(who, path, NOTHING if body is None else body)


def seen(desk, who, notice):
    return desk.seen(who, f"/v1/debtor-notices/{notice['id']}")


def told(desk, notice):
    with desk.stage.database.reading() as session:
        return [event.type for event in queries.history(session, identity(notice["id"]))]


class TestIssuing:
    def test_only_a_pledge_in_force_is_told(self, desk):
        bank = desk.stage.cast.bank
        pledge = desk.signed_pledge(desk.receivable(2))
        before = desk.types()

        answer = desk.stage.post(bank, f"/v1/pledges/{pledge}/notify-debtor", NOTHING)

        problem = refusal(answer, 409, "debtor_notice.pledge_not_effective")
        assert problem["fields"] == {"state": "SIGNED"}
        assert desk.types() == before

    def test_a_notice_says_who_what_and_where_to_pay(self, desk, registered, notice):
        cast = desk.stage.cast
        registration = desk.pledge(registered)["registration"]

        assert (notice["state"], notice["version"]) == ("ISSUED", 1)
        assert notice["pledge"] == registered
        assert notice["reg_no"] == registration["reg_no"]
        assert notice["amount"] == {"amount": "1245000.00", "currency": "CNY"}
        assert notice["pay_to"]["account"] == ACCOUNT
        assert [notice[side]["uscc"] for side in ("pledgor", "pledgee", "debtor")] == [
            cast.supplier.uscc,
            cast.bank.uscc,
            cast.anchor.uscc,
        ]
        assert told(desk, notice) == ["debtor_notice.issued"]

    def test_a_pledge_is_told_once(self, desk, registered, notice):
        problem = desk.refused(
            desk.stage.cast.supplier, f"/v1/pledges/{registered}/notify-debtor", NOTHING
        )

        assert problem["code"] == "debtor_notice.already_issued"
        assert problem["fields"] == {"notice": notice["id"]}

    def test_a_stranger_sees_nothing(self, desk, registered, notice):
        stranger = desk.stage.cast.second_bank
        path = f"/v1/pledges/{registered}/notify-debtor"

        refusal(desk.stage.post(stranger, path, NOTHING), 404, "subject.not_found")
        refusal(step(desk, stranger, notice, "deliver"), 404, "subject.not_found")
        for file in ("", "/notice.pdf", "/receipt.pdf"):
            answer = desk.stage.get(stranger, f"/v1/debtor-notices/{notice['id']}{file}")
            refusal(answer, 404, "subject.not_found")
        assert desk.seen(stranger, "/v1/debtor-notices")["items"] == []


class TestTheDatabase:
    @pytest.mark.parametrize("state", ["READ", "ACKNOWLEDGED"])
    def test_a_step_cannot_be_left_out(self, desk, notice, state):
        """Whatever the code does."""
        leap = text("UPDATE debtor_notices SET state = :state")
        with desk.stage.database.engine.connect() as connection:
            with pytest.raises(IntegrityError, match=f"ISSUED does not become {state}"):
                connection.execute(leap, {"state": state})
            connection.rollback()

    def test_a_state_has_its_time(self, desk, notice):
        with desk.stage.database.engine.connect() as connection:
            with pytest.raises(IntegrityError, match="times_of_its_state"):
                connection.execute(text("UPDATE debtor_notices SET state = 'DELIVERED'"))
            connection.rollback()


class TestTwoAtOnce:
    def test_pledgee_and_pledgor_issue_one_notice(self, desk):
        cast = desk.stage.cast
        pledge = desk.ready_pledge(desk.receivable(3))
        path = f"/v1/pledges/{pledge}/notify-debtor"

        with ThreadPoolExecutor(2) as pool:
            both = [
                pool.submit(desk.stage.post, who, path, {}) for who in (cast.bank, cast.supplier)
            ]
            answers = sorted((one.result() for one in both), key=lambda one: one.status_code)

        assert [answer.status_code for answer in answers] == [201, 409]
        assert answers[1].json()["fields"] == {"notice": answers[0].json()["id"]}


class TestTheWay:
    def test_from_issue_to_acknowledgement(self, desk, notice):
        """Each step at its own time, in order, by the debtor alone; the 回执 is signed."""
        stage, cast = desk.stage, desk.stage.cast
        anchor, path = cast.anchor, f"/v1/debtor-notices/{notice['id']}"
        signers = {"signers": anchor.signers("acknowledge")}
        assert ids(desk, anchor, waiting=True)[0] == notice["id"]
        assert ids(desk, cast.supplier, waiting=True) == []

        for name in ("read", "acknowledge-draft"):
            answer = step(desk, anchor, notice, name, signers if "draft" in name else None)
            assert (
                refusal(answer, 409, "debtor_notice.state_forbids")["fields"]["state"] == "ISSUED"
            )
        refusal(step(desk, cast.bank, notice, "deliver"), 403, "debtor_notice.not_allowed")
        assert seen(desk, cast.bank, notice) == notice

        stage.clock.set(STORY_BEGINS + timedelta(hours=1))
        delivered = step(desk, anchor, notice, "deliver").json()
        refusal(step(desk, anchor, notice, "deliver"), 409, "debtor_notice.state_forbids")
        stage.clock.set(STORY_BEGINS + timedelta(hours=2))
        assert step(desk, anchor, notice, "read").json()["state"] == "READ"
        answer = stage.get(cast.bank, f"{path}/receipt.pdf")
        assert refusal(answer, 409, "debtor_notice.not_acknowledged")["fields"] == {"state": "READ"}

        done = desk.signed(anchor, f"{path}/acknowledge-draft", signers, f"{path}/acknowledge")

        assert (done["state"], done["version"]) == ("ACKNOWLEDGED", 3)
        assert delivered["delivered_at"].startswith("2025-11-03T03:")
        assert done["read_at"].startswith("2025-11-03T04:")
        assert seen(desk, cast.supplier, notice) == seen(desk, cast.bank, notice) == done
        assert notice["id"] not in ids(desk, anchor, waiting=True)
        assert ids(desk, anchor, state="ACKNOWLEDGED") == [notice["id"]]
        assert told(desk, notice) == [
            "debtor_notice.issued",
            "debtor_notice.delivered",
            "debtor_notice.acknowledged",
        ]

    def test_the_papers_show_what_the_events_say(self, desk, notice):
        stage, cast = desk.stage, desk.stage.cast
        path = f"/v1/debtor-notices/{notice['id']}"

        answer = stage.get(cast.anchor, f"{path}/notice.pdf")
        receipt = stage.get(cast.bank, f"{path}/receipt.pdf")

        assert (
            answer.headers["content-type"] == receipt.headers["content-type"] == "application/pdf"
        )
        assert answer.headers["content-disposition"].startswith("attachment;")
        paper, signed = text_of(answer.content), text_of(receipt.content)
        shared = [
            notice["reg_no"],
            notice["pledge"],
            notice["pledge_event"],
            notice["receivable_event"],
            "1,245,000.00元（大写：人民币壹佰贰拾肆万伍仟元整）",
            packed(f"账号 {ACCOUNT}"),
            *(f"{one.name}（统一社会信用代码{one.uscc}）" for one in (cast.bank, cast.supplier)),
        ]
        for said in shared:
            assert said in paper, said
            assert said in signed, said
        assert "应收账款质押通知书" in paper
        assert "应收账款质押通知书回执" in signed
        (certificate,) = attached(answer.content).values()
        mine = stage.get(cast.bank, f"/v1/pledges/{notice['pledge']}/registration-certificate")
        assert certificate == mine.content
        assert all(name.endswith(".jws") for name in attached(receipt.content))
        assert stage.get(cast.anchor, f"{path}/notice.pdf").content == answer.content


class TestAnotherAccount:
    """What the debtor was told has changed: it is told again, and signs again."""

    NEW = "6222 0000 0000 0077"

    def test_a_changed_account_reaches_the_debtor(self, desk):
        cast = desk.stage.cast
        claim = desk.receivable(4)
        pledge = desk.ready_pledge(claim)
        before = desk.did(cast.bank, f"/v1/pledges/{pledge}/notify-debtor", NOTHING)
        self.change(desk, claim, {**before["pay_to"], "account": self.NEW})

        waiting = desk.seen(cast.anchor, "/v1/debtor-notices", waiting=True)["items"]
        (after,) = [one for one in waiting if one["pledge"] == pledge]
        assert (after["state"], after["pay_to"]["account"]) == ("ISSUED", self.NEW)
        assert after["issued_by"] == before["issued_by"]
        old = seen(desk, cast.bank, before)
        assert old["pay_to"] == before["pay_to"]
        assert old["replaced_at"] == after["issued_at"]

        for notice in (before, after):
            for name in ("deliver", "read"):
                step(desk, cast.anchor, notice, name)
        signers = {"signers": cast.anchor.signers("acknowledge")}
        path = f"/v1/debtor-notices/{before['id']}/acknowledge-draft"
        problem = desk.refused(cast.anchor, path, signers)
        assert (problem["code"], problem["fields"]) == (
            "debtor_notice.replaced",
            {"notice": after["id"]},
        )
        path = f"/v1/debtor-notices/{after['id']}"
        done = desk.signed(cast.anchor, f"{path}/acknowledge-draft", signers, f"{path}/acknowledge")
        assert done["state"] == "ACKNOWLEDGED"

    def change(self, desk, claim, account):
        cast = desk.stage.cast
        body = {"pay_to": account, "reason": "监管账户变更"}
        change = desk.did(cast.supplier, f"/v1/receivables/{claim}/account-changes", body)
        path = f"/v1/account-changes/{change['id']}"
        for who, act in (
            (cast.supplier, "account"),
            (cast.anchor, "account"),
            (cast.bank, "consent"),
        ):
            done = desk.signed(who, f"{path}/draft", {"signers": who.signers(act)}, f"{path}/sign")
        assert done["state"] == "DONE"


def ids(desk, who, **parameters):
    return [one["id"] for one in desk.seen(who, "/v1/debtor-notices", **parameters)["items"]]
