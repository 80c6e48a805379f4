"""The 回款账户 changes only when everybody concerned has signed."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from scf.evidence.models import Event
from scf_ledger.event import parse_disclosure
from tests.support.actors import Company, Stage
from tests.support.banking import DIGITS, entry, told
from tests.support.pools import Value
from tests.support.receivables import confirmed_receivable, identity, money, pay

NEW = "6222 0000 0000 0077"


def pool_of(stage: Stage, receivable: dict) -> Value:
    return Value(stage, identity(receivable["pool"]), stage.cast.supplier.party_id)


def proposed(stage: Stage, receivable: dict, who: Company | None = None, **other: object) -> dict:
    account = {**receivable["pay_to"], "account": NEW, **other}
    answer = stage.post(
        who or stage.cast.supplier,
        f"/v1/receivables/{receivable['id']}/account-changes",
        {"pay_to": account, "reason": "基本户变更"},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def signed(stage: Stage, change: dict, who: Company, act: str = "account"):
    path = f"/v1/account-changes/{change['id']}"
    drafted = stage.post(who, f"{path}/draft", {"signers": who.signers(act)})
    if not drafted.is_success:
        return drafted
    return stage.post(who, f"{path}/sign", {"authorizations": who.sign_all(drafted.json())})


def ended(stage: Stage, change: dict, who: Company):
    return stage.post(who, f"/v1/account-changes/{change['id']}/end", {"reason": "账号有误"})


def account_of(stage: Stage, receivable: dict) -> str:
    shown = stage.get(stage.cast.supplier, f"/v1/receivables/{receivable['id']}").json()
    return shown["pay_to"]["account"]


class TestChanging:
    def test_without_an_encumbrance_both_owners_suffice(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        change = proposed(stage, receivable)
        assert signed(stage, change, stage.cast.supplier).json()["state"] == "OPEN"
        assert account_of(stage, receivable) != NEW
        assert signed(stage, change, stage.cast.anchor).json()["state"] == "DONE"
        assert account_of(stage, receivable) == NEW

    def test_every_holder_signs_too(self, stage: Stage):
        cast, receivable = stage.cast, confirmed_receivable(stage)
        pool_of(stage, receivable).reserve(6_000)
        pool_of(stage, receivable).reserve(4_000, "b", cast.second_bank.party_id)
        change = proposed(stage, receivable, cast.anchor)
        assert len(change["signers"]) == 2  # a debtor learns of no bank
        for who, act in (
            (cast.anchor, "account"),
            (cast.bank, "consent"),
            (cast.supplier, "account"),
        ):
            assert signed(stage, change, who, act).json()["state"] == "OPEN"
        assert account_of(stage, receivable) != NEW
        assert signed(stage, change, cast.second_bank, "consent").json()["state"] == "DONE"
        assert account_of(stage, receivable) == NEW
        with stage.database.reading() as session:
            event = session.scalars(
                select(Event).where(
                    Event.type == "receivable.account_changed",
                    Event.subject_id == identity(receivable["id"]),
                )
            ).one()
        assert len(event.authorizations) == 6
        shown = map(parse_disclosure, event.disclosures.split("~"))
        record = {one.name: one.value for one in shown}
        assert record["holders"] == sorted([cast.bank.uscc, cast.second_bank.uscc])

    def test_payments_count_against_the_account_of_their_time(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        told(stage, stage.cast.bank, entry(1, 3_000, receivable=receivable["id"]))
        change = proposed(stage, receivable)
        for who in (stage.cast.supplier, stage.cast.anchor):
            signed(stage, change, who)
        stage.clock.set(datetime(2025, 11, 5, 2, 0, tzinfo=UTC))
        new = NEW.replace(" ", "")
        days = (
            *((2, DIGITS, "2025-11-01"), (3, DIGITS, "2025-11-03"), (4, DIGITS, "2025-11-04")),
            *((5, new, "2025-11-02"), (6, new, "2025-11-03"), (7, new, "2025-11-05")),
        )
        for n, account, day in days:
            row = entry(n, 100, receivable=receivable["id"], account=account, booked_on=day)
            assert told(stage, stage.cast.bank, row, name=f"N{n}")["recorded"] == 1
        payments = stage.get(
            stage.cast.supplier, f"/v1/receivables/{receivable['id']}/payments"
        ).json()
        judged = [(p["account"], p["paid_on"], p["to_named_account"]) for p in payments]
        assert judged == [
            (DIGITS, "2025-11-03", True),
            (DIGITS, "2025-11-01", True),
            (DIGITS, "2025-11-03", True),  # on the day of the change either one is right
            (DIGITS, "2025-11-04", False),
            (new, "2025-11-02", False),
            (new, "2025-11-03", True),
            (new, "2025-11-05", True),
        ]
        shown = stage.get(stage.cast.supplier, f"/v1/receivables/{receivable['id']}").json()
        assert shown["paid"] == money("34.00")


class TestOneAtATime:
    """A second proposal costs nobody its signature: the first is signed or ended before."""

    def propose_again(self, stage: Stage, receivable: dict, who: Company):
        body = {"pay_to": {**receivable["pay_to"], "account": "6222 8"}, "reason": "另一账户"}
        return stage.post(who, f"/v1/receivables/{receivable['id']}/account-changes", body)

    def test_a_second_is_refused_and_names_the_first(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        change = proposed(stage, receivable)
        signed(stage, change, stage.cast.supplier)
        answer = self.propose_again(stage, receivable, stage.cast.anchor)
        assert (answer.status_code, answer.json()["code"]) == (409, "account_change.already_open")
        assert answer.json()["fields"] == {"change": change["id"]}
        kept = stage.get(stage.cast.anchor, f"/v1/account-changes/{change['id']}").json()
        assert (kept["state"], kept["signed"]) == ("OPEN", [stage.cast.supplier.id])

    @pytest.mark.parametrize("name", ["supplier", "anchor", "bank"])
    def test_any_signer_ends_it_and_all_see_why(self, stage: Stage, name: str):
        cast, receivable = stage.cast, confirmed_receivable(stage)
        pool_of(stage, receivable).reserve(5_000)
        change = proposed(stage, receivable)
        who: Company = getattr(cast, name)
        assert ended(stage, change, cast.second_bank).status_code == 404
        assert ended(stage, change, who).json()["state"] == "ENDED"
        for reader in (cast.supplier, cast.anchor, cast.bank):
            seen = stage.get(reader, f"/v1/account-changes/{change['id']}").json()
            hidden = reader is cast.anchor and who is cast.bank  # a debtor learns of no bank
            assert seen["ended_by"] == (None if hidden else who.id)
            assert seen["ended_because"] == "账号有误"
        late = signed(stage, change, cast.supplier)
        assert (late.status_code, late.json()["code"]) == (409, "account_change.not_open")
        assert ended(stage, change, who).status_code == 409
        assert self.propose_again(stage, receivable, cast.anchor).status_code == 201

    def test_one_that_can_no_longer_be_signed_gives_way(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        change = proposed(stage, receivable)
        assert pay(stage, receivable["id"], "1.00", f"G-{receivable['line_no']}").is_success
        assert self.propose_again(stage, receivable, stage.cast.anchor).status_code == 201
        seen = stage.get(stage.cast.supplier, f"/v1/account-changes/{change['id']}").json()
        assert seen["state"] == "OVERTAKEN"


class TestRefusals:
    def test_the_same_account(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        answer = stage.post(
            stage.cast.supplier,
            f"/v1/receivables/{receivable['id']}/account-changes",
            {"pay_to": receivable["pay_to"], "reason": "无"},
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "account_change.same_account")

    def test_a_bank_proposes_nothing(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        body = {"pay_to": {**receivable["pay_to"], "account": NEW}, "reason": "无"}
        path = f"/v1/receivables/{receivable['id']}/account-changes"
        assert stage.post(stage.cast.bank, path, body).status_code == 403
        assert stage.post(stage.cast.second_supplier, path, body).status_code == 404

    def test_nobody_signs_twice_or_without_a_part(self, stage: Stage):
        change = proposed(stage, confirmed_receivable(stage))
        signed(stage, change, stage.cast.supplier)
        again = signed(stage, change, stage.cast.supplier)
        assert (again.status_code, again.json()["code"]) == (409, "account_change.not_open")
        stranger = signed(stage, change, stage.cast.second_supplier)
        assert stranger.status_code == 404

    def test_a_receivable_that_moved_on_needs_a_new_proposal(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        change = proposed(stage, receivable)
        signed(stage, change, stage.cast.supplier)
        assert pay(stage, receivable["id"], "1.00", f"V-{receivable['line_no']}").is_success
        answer = signed(stage, change, stage.cast.anchor)
        assert (answer.status_code, answer.json()["code"]) == (409, "account_change.overtaken")
        assert account_of(stage, receivable) != NEW

    def test_a_new_holder_has_to_sign_too(self, stage: Stage):
        receivable = confirmed_receivable(stage)
        change = proposed(stage, receivable)
        signed(stage, change, stage.cast.supplier)
        pool_of(stage, receivable).reserve(5_000)
        answer = signed(stage, change, stage.cast.anchor)
        assert (answer.status_code, answer.json()["code"]) == (409, "account_change.overtaken")
        assert account_of(stage, receivable) != NEW

    @pytest.mark.parametrize("name", ["supplier", "anchor"])
    def test_a_signature_for_another_proposal_does_not_count(self, stage: Stage, name: str):
        who: Company = getattr(stage.cast, name)
        receivable = confirmed_receivable(stage)
        first = proposed(stage, receivable, account="6222 0000 0000 0666")
        path = f"/v1/account-changes/{first['id']}/draft"
        drafted = stage.post(who, path, {"signers": who.signers("account")}).json()
        assert ended(stage, first, stage.cast.supplier).is_success
        second = proposed(stage, receivable)
        answer = stage.post(
            who,
            f"/v1/account-changes/{second['id']}/sign",
            {"authorizations": who.sign_all(drafted)},
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "statement.altered")
        shown = stage.get(who, f"/v1/account-changes/{second['id']}").json()
        assert shown["signed"] == []
