"""Pools on a real database, which keeps the rule whatever the code does."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from scf.capacity.models import Notice, PoolEntry
from scf.capacity.service import (
    CapacityExceeded,
    CapacityInsufficient,
    NotHeld,
    lock_pools,
    require_free,
)
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import Refused
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf_ledger.event import record_of
from tests.support.actors import Stage
from tests.support.pools import Value, open_value


@pytest.fixture
def value(stage: Stage) -> Value:
    return open_value(stage)


def records(value: Value) -> list[dict]:
    with value.stage.database.reading() as session:
        statement = select(Event).where(Event.subject_id == value.id).order_by(Event.version)
        return [record_of(event.disclosures.split("~")) for event in session.scalars(statement)]


def entries_sum(value: Value) -> tuple[int, int]:
    with value.stage.database.reading() as session:
        confirmed, used = session.execute(
            select(
                func.sum(PoolEntry.confirmed_delta_minor), func.sum(PoolEntry.used_delta_minor)
            ).where(PoolEntry.pool_id == value.id)
        ).one()
        return int(confirmed), int(used)


class TestTaking:
    def test_takes_what_is_free(self, value: Value):
        value.reserve(60)

        assert value.numbers == (100, 60, 40, 0)
        assert records(value)[-1]["used_delta"] == {"amount": "0.60", "currency": "CNY"}

    def test_g7_a_second_taker_of_too_much_fails(self, value: Value):
        """Confirmed 100, pledge 60, voucher 50: the second fails, free stays 40."""
        value.reserve(60, "pledge")

        with pytest.raises(CapacityInsufficient):
            value.reserve(50, "voucher")

        assert value.numbers == (100, 60, 40, 0)
        assert len(records(value)) == 2

    def test_g14_an_order_financed_leaves_the_rest_to_its_receivable(self, value: Value):
        """One economic value, one pool: what the order's lender took is not free for the receivable."""
        value.reserve(70, "order")

        with pytest.raises(CapacityExceeded) as refused:
            value.reserve(31, "receivable", actor=value.owner)
        value.reserve(30, "receivable")

        assert refused.value.fields == {"free": Money(30), "asked": Money(31)}
        assert value.numbers == (100, 100, 0, 0)

    def test_a_bank_learns_no_number_and_no_name(self, value: Value):
        value.reserve(60)

        with pytest.raises(CapacityInsufficient) as refused:
            value.reserve(60, "b", actor=value.stage.cast.second_bank.party_id)

        assert refused.value.fields == {}
        assert refused.value.field is None
        assert refused.value.title == "可用额度不足"

    @pytest.mark.parametrize("amount", [0, -1])
    def test_takes_more_than_nothing(self, value: Value, amount: int):
        with pytest.raises(Refused) as refused:
            value.reserve(amount)
        assert refused.value.code == "capacity.amount_not_positive"

    def test_takes_in_the_pools_currency_only(self, value: Value):
        with pytest.raises(Refused) as refused:
            require_free(value.row, Money(1, "USD"), viewer=None)
        assert refused.value.code == "money.currency_mismatch"


class TestFacts:
    def test_a_payment_takes_the_free_part_first(self, value: Value):
        value.reserve(60)

        value.pay(30)

        assert value.numbers == (70, 60, 10, 0)
        assert records(value)[-1]["holder"] is None

    def test_then_encumbrances_move_to_the_proceeds_in_order(self, value: Value):
        value.reserve(60, "first")
        value.reserve(30, "second")

        value.pay(80)

        assert value.numbers == (20, 20, 0, 0)
        paid = [r for r in records(value) if r["kind"] == "PAY"]
        assert [r["confirmed_delta"]["amount"] for r in paid] == ["-0.10", "-0.60", "-0.10"]
        assert [r["holder"] for r in paid] == [
            None,
            public_id("plg", value.holders["first"]),
            public_id("plg", value.holders["second"]),
        ]

    def test_a_payment_leaves_a_shortfall_as_it_is(self, value: Value):
        value.reserve(80)
        value.dilute(50)

        value.pay(40)

        assert value.numbers == (10, 40, 0, 30)

    def test_an_overpayment_never_enters(self, value: Value):
        value.pay(150)
        value.pay(1)

        assert value.numbers == (0, 0, 0, 0)
        assert len(records(value)) == 2

    def test_a_loss_below_what_is_used_is_a_shortfall_and_holders_are_told(self, value: Value):
        value.reserve(60, "a")
        value.reserve(20, "b", actor=value.stage.cast.second_bank.party_id)

        value.dilute(50)

        assert value.numbers == (50, 80, 0, 30)
        assert value.row.state == "DILUTED"
        with value.stage.database.reading() as session:
            told = session.execute(
                select(Notice.party_id, Notice.subject)
                .join(Event, Event.id == Notice.event_id)
                .where(Event.subject_id == value.id)
            ).all()
        cast = value.stage.cast
        assert set(told) == {
            (cast.bank.party_id, public_id("plg", value.holders["a"])),
            (cast.second_bank.party_id, public_id("plg", value.holders["b"])),
        }

    def test_a_loss_may_go_below_zero(self, value: Value):
        value.dilute(130)

        assert value.numbers == (-30, 0, 0, 30)

    def test_a_release_gives_back_all_that_is_held(self, value: Value):
        value.reserve(60)
        value.dilute(70)

        value.release()

        assert value.numbers == (30, 0, 30, 0)
        assert value.row.state == "OPEN"

    def test_nothing_is_left_to_release_after_the_payment(self, value: Value):
        value.reserve(100)
        value.pay(100)

        assert value.release() is None
        assert len(records(value)) == 3

    def test_only_a_holder_releases(self, value: Value):
        with pytest.raises(NotHeld):
            value.release("nobody")

    def test_entries_sum_to_the_row_and_events_tell_them(self, value: Value):
        value.reserve(60)
        value.pay(70)
        value.dilute(20)
        value.release()

        assert entries_sum(value) == value.numbers[:2]
        last = records(value)[-1]
        amounts = (last["confirmed"]["amount"], last["used"]["amount"], last["shortfall"]["amount"])
        assert amounts == ("0.10", "0.00", "0.00")


WRITES = {
    "an amount": "UPDATE pools SET confirmed_minor = confirmed_minor + 1",
    "what is used": "UPDATE pools SET used_minor = 0 WHERE id = :pool",
    "the currency": "UPDATE pools SET currency = 'USD' WHERE id = :pool",
    "the row away": "DELETE FROM pools WHERE id = :pool",
    "every row away": "TRUNCATE pools CASCADE",
    "an entry": "UPDATE pool_entries SET used_delta_minor = 1 WHERE pool_id = :pool",
    "an entry away": "DELETE FROM pool_entries WHERE pool_id = :pool",
    "a pool born rich": (
        "INSERT INTO pools (id, version, secret, asset, asset_id, owner_id, parties, currency,"
        " confirmed_minor, used_minor, opened_at) SELECT gen_random_uuid(), 0, secret, asset,"
        " asset_id, owner_id, parties, currency, 100, 0, opened_at FROM pools"
    ),
}
ENTRIES = {
    "more than is free": ("RESERVE", 0, 41, True),
    "a reservation below zero": ("RESERVE", 0, -1, True),
    "value without a holder": ("RESERVE", 0, 1, False),
    "a second opening": ("OPEN", 10, 0, False),
    "paying what is encumbered as free": ("PAY", -41, 0, False),
    "paying out more value than encumbrance": ("PAY", -41, -10, True),
    "a loss that adds": ("DILUTE", 5, 0, False),
    "giving back more than is held": ("RELEASE", 0, -61, True),
    "giving back to the value": ("RELEASE", 5, -5, True),
}


class TestTheDatabaseKeepsTheRule:
    @pytest.mark.parametrize("what", WRITES)
    def test_nobody_writes(self, value: Value, what: str):
        value.reserve(60)

        with pytest.raises(DBAPIError), value.stage.database.transaction() as session:
            session.execute(text(WRITES[what]), {"pool": value.id})

        assert value.numbers == (100, 60, 40, 0)

    @pytest.mark.parametrize("what", ENTRIES)
    def test_no_entry_does(self, value: Value, what: str):
        kind, confirmed, used, held = ENTRIES[what]
        value.reserve(60)

        with pytest.raises(DBAPIError), value.locked() as (session, pool):
            session.execute(
                text(
                    "INSERT INTO pool_entries (pool_id, version, kind, confirmed_delta_minor,"
                    " used_delta_minor, holder_id, holder, party_id, entered_at)"
                    " VALUES (:pool, :version, :kind, :confirmed, :used, :holder, 'x', :party, now())"
                ),
                {
                    "pool": pool.id,
                    "version": pool.version + 1,
                    "kind": kind,
                    "confirmed": confirmed,
                    "used": used,
                    "holder": value.holder("a") if held else None,
                    "party": value.bank if held else None,
                },
            )

        assert value.numbers == (100, 60, 40, 0)

    def test_an_entry_without_its_event_is_not_kept(self, value: Value):
        with pytest.raises(DBAPIError), value.locked() as (session, pool):
            session.execute(
                text(
                    "INSERT INTO pool_entries (pool_id, version, kind, confirmed_delta_minor,"
                    " used_delta_minor, entered_at) VALUES (:pool, 2, 'DILUTE', -1, 0, now())"
                ),
                {"pool": pool.id},
            )

        assert value.numbers == (100, 0, 100, 0)


class TestLocking:
    def test_pools_come_in_id_order_and_all_or_none(self, stage: Stage):
        ids = [open_value(stage).id for _ in range(5)]
        with stage.database.transaction() as session:
            assert [pool.id for pool in lock_pools(session, reversed(ids))] == sorted(ids)
            with pytest.raises(SubjectNotFound):
                lock_pools(session, [*ids, new_id()])


class TestWhoSeesWhat:
    def test_the_owner_sees_numbers_a_holder_its_own_part_a_stranger_nothing(self, value: Value):
        cast, path = value.stage.cast, f"/v1/pools/{public_id('cap', value.id)}"
        value.reserve(60)

        owner = value.stage.get(cast.supplier, path).json()
        debtor = value.stage.get(cast.anchor, path).json()
        holder = value.stage.get(cast.bank, path).json()
        stranger = value.stage.get(cast.second_bank, path)

        assert owner["free"] == {"amount": "0.40", "currency": "CNY"}
        assert debtor["confirmed"] == {"amount": "1.00", "currency": "CNY"}
        assert debtor["used"] is debtor["free"] is debtor["shortfall"] is None
        assert holder["held"] == {"amount": "0.60", "currency": "CNY"}
        assert holder["confirmed"] is holder["used"] is holder["free"] is None
        assert (stranger.status_code, stranger.json()["code"]) == (404, "subject.not_found")

    def test_a_holder_reads_its_notices(self, value: Value):
        cast = value.stage.cast
        value.reserve(60)
        value.dilute(50)

        page = value.stage.get(cast.bank, "/v1/notices").json()

        notice = page["items"][-1]
        assert notice["kind"] == "pool.diluted"
        assert notice["subject"] == public_id("plg", value.holders["a"])
        assert notice["fields"]["diluted"] == {"amount": "0.50", "currency": "CNY"}
        others = value.stage.get(cast.second_bank, "/v1/notices").json()["items"]
        assert notice["subject"] not in [other["subject"] for other in others]
        after = value.stage.get(cast.bank, "/v1/notices", cursor=notice["id"]).json()
        assert after["items"] == []
