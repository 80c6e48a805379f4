"""Agreements over goods that went every step: what may be released, what replaces what, what the bank sees, whom alarms reach."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from scf.collateral import effects
from scf.evidence import keys
from scf.evidence.sequencing import open_log
from scf.feed.sending import Sender
from scf.pledges import realising
from scf_ledger.note import Signer
from scf_workers.webhooks import Courier
from tests.support.actors import STORY_BEGINS
from tests.support.collateral import money
from tests.support.lending import Desk, lending_desk
from tests.support.log import sequence_all
from tests.support.problems import refusal
from tests.support.real_goods import WAREHOUSE, Goods
from tests.support.receiving import receiving
from tests.support.services import Servers, fresh_database
from tests.support.warehouse import Yard, open_yard, tonnes
from tests.support.watching import a_device, context, watch


@pytest.fixture(scope="module")
def open_desk(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The real API, register and token service, with the cast in place."""
    folder = tmp_path_factory.mktemp("goods")
    with fresh_database(servers) as database_url, lending_desk(database_url, folder) as found:
        yield found


@pytest.fixture(scope="module")
def yard(open_desk: Desk) -> Yard:
    return open_yard(open_desk.stage)


@pytest.fixture(scope="module")
def signer(open_desk: Desk) -> Signer:
    """The key of the log, which is opened with it."""
    made = Signer.generate("test.example/log")
    with open_desk.stage.database.transaction() as session:
        open_log(session, made, now=open_desk.stage.clock.real())
    return made


@pytest.fixture
def goods(open_desk: Desk, yard: Yard) -> Goods:
    open_desk.stage.clock.set(STORY_BEGINS + timedelta(hours=11))
    return Goods(open_desk, yard)


def tomorrow(goods, **by):
    stage = goods.desk.stage
    stage.clock.set(stage.clock.now() + timedelta(**(by or {"days": 1})))


def pool(goods, receipt):
    found = goods.yard.pool(goods.yard.trader, receipt["pool"])
    return found["used"]["quantity"], found["free"]["quantity"]


def tasks(goods, kind, subject, who=None):
    items = goods.desk.seen(who or goods.bank, "/v1/tasks", kind=kind, subject=subject)["items"]
    return [one for one in items if one["state"] == "open"]


class TestReleases:
    def test_go_to_the_floor_and_not_below_it(self, goods):
        """G11: F is 10,000,000; of 140 t at 75,000 6.666 t may go, not 6.667."""
        _, receipt, pledge = goods.pledged("140.000")
        goods.agreed().cover(pledge)
        goods.owe("7000000.00")

        fields = goods.refuses(pledge, "6.667", "below_floor")
        assert fields["value_after"] == money("9999975.00")
        assert fields["floor"] == money("10000000.00")
        goods.refuses(pledge, None, "below_floor")
        assert pool(goods, receipt) == ("140.000", "0.000")

        assert goods.release(pledge, "6.666").is_success
        assert pool(goods, receipt) == ("133.334", "6.666")
        assert goods.seen()["mark"]["value"] == money("10500000.00")  # as marked last
        goods.refuses(pledge, "0.001", "below_floor")

    def test_are_held_to_the_price_of_the_signature(self, goods):
        _, receipt, pledge = goods.pledged("140.000")
        goods.agreed().cover(pledge)
        goods.owe("7000000.00")
        draft = goods.release_draft(pledge, "6.000").json()
        tomorrow(goods, hours=2)
        goods.price("74000.00", "2025-11-03T14:00:00Z")
        before = goods.desk.types()

        refused = goods.hand_back(pledge, draft)

        assert refusal(refused, 409, "collateral.release_refused")["fields"] == {
            "reason": "below_floor",
            "value_after": money("9916000.00"),  # 134 t at the spot of 74,000
            "floor": money("10000000.00"),
        }
        assert goods.desk.types() == before
        assert pool(goods, receipt) == ("140.000", "0.000")

    def test_of_everything_go_when_nothing_is_owed(self, goods):
        _, receipt, pledge = goods.pledged("5.000")
        goods.agreed().cover(pledge)
        goods.owe("7000000.00")
        goods.refuses(pledge, None, "frozen")
        goods.owe("0.00", receipt_no="HK-9")
        assert goods.release(pledge).is_success
        assert pool(goods, receipt) == ("0.000", "5.000")
        (shown,) = goods.seen()["goods"]
        assert (shown["pledge_state"], shown["quantity"]) == ("RELEASED", tonnes("0.000"))
        assert (shown["rank"], shown["held"]) == (None, [])


class TestSubstitutes:
    @pytest.fixture
    def static(self, goods):
        """140 t under a static pledge for 3,000,000: the floor is far below."""
        _, _, pledge = goods.pledged("140.000")
        goods.agreed(kind="static").cover(pledge)
        goods.owe("3000000.00")
        return goods, pledge

    def test_come_in_before_what_they_replace_goes(self, static):
        goods, pledge = static
        goods.refuses(pledge, "0.001", "not_replaced")
        _, _, new = goods.pledged("50.000")
        tomorrow(goods, minutes=1)
        assert goods.cover(new)["mark"]["value"] == money("14250000.00")
        goods.refuses(pledge, "0.001", "not_replaced")  # a top-up replaces nothing

    def test_let_no_more_go_than_they_are_worth(self, static):
        goods, pledge = static
        _, _, new = goods.pledged("50.000")
        goods.cover(new, replaces=pledge)

        goods.refuses(pledge, "50.001", "worth_less")
        goods.refuses(pledge, None, "worth_less")
        assert goods.release(pledge, "30.000").is_success
        goods.refuses(pledge, "20.001", "worth_less")
        assert goods.release(pledge, "20.000").is_success
        goods.refuses(pledge, "0.001", "worth_less")

        old, substitute = goods.seen()["goods"]
        assert (old["quantity"], substitute["quantity"]) == (tonnes("90.000"), tonnes("50.000"))
        assert (old["replaces"], substitute["replaces"]) == (None, pledge)

    def test_are_for_goods_of_the_same_agreement(self, static):
        goods, _ = static
        _, _, new = goods.pledged("1.000")
        _, _, stranger = goods.pledged("1.000")
        body = {"pledge": new, "replaces": stranger}
        refused = goods.desk.refused(goods.bank, f"{goods.path}/pledges", body)
        assert (refused["code"], refused["field"]) == ("collateral.pledge_unfit", "replaces")

    def test_the_value_is_at_no_moment_below_the_floor(self, goods):
        """A floating pledge at its floor: old goods go only after the new ones came."""
        _, _, pledge = goods.pledged("134.000")
        goods.agreed().cover(pledge)
        goods.owe("7000000.00")
        goods.refuses(pledge, "10.000", "below_floor")
        _, _, new = goods.pledged("10.000")
        value = goods.cover(new, replaces=pledge)["mark"]["value"]
        assert value == money("10800000.00")
        assert goods.release(pledge, "10.000").is_success
        tomorrow(goods, minutes=1)
        assert goods.desk.did(goods.bank, f"{goods.path}/mark", {})["mark"]["value"] == money(
            "10050000.00"
        )


class TestTheBanksView:
    def test_shows_goods_lines_reading_insurance_rank_and_proof(self, goods):
        stage, yard = goods.desk.stage, goods.yard
        lot, receipt, pledge = goods.pledged("140.000", location="V-1")
        goods.agreed().cover(pledge)
        goods.owe("7000000.00")
        assert goods.seen()["last_reading"] is None
        paper = yard.paper(lot["id"], yard.keeper, "daily_stock", tonnes("139.990"), number="RB-1")
        assert paper.is_success

        last = goods.seen()["last_reading"]
        assert (last["source"], last["said_by"], last["device"]) == ("daily_report", "RB-1", None)
        assert last["quantity"] == tonnes("139.990")
        tomorrow(goods, minutes=10)
        scale = a_device(stage, yard.keeper, warehouse=WAREHOUSE, location="V-1", serial="DB-7")
        reading = scale.said(1, stage.clock.now(), "139.980")
        scale.send(reading)
        yard.owe(receipt, "12000.00")
        policy = {
            "insurer": "渝安财险(示例)",
            "policy": "PZ-1",
            "amount": money("12000000.00"),
            "first_on": "2025-11-01",
            "last_on": "2026-10-31",
        }
        goods.desk.did(goods.bank, f"{goods.path}/insurances", policy)

        for who in (goods.bank, yard.trader, yard.supervisor):
            seen = goods.seen(who)
            (one,) = seen["goods"]
            assert one["last_reading"] == seen["last_reading"] == one["held"][0]["last_reading"]
            assert seen["last_reading"] == {
                "source": "device",
                "lot": lot["id"],
                "device": scale.id,
                "said_by": "DB-7",
                "seq": 1,
                "at": reading["at"],
                "quantity": tonnes("139.980"),
            }
            assert (one["quantity"], one["value"]) == (tonnes("140.000"), money("10500000.00"))
            assert (one["rank"], one["realise_from"]) == (2, None)  # after the keeper's lien
            assert one["links"] == {
                "pledge": f"/v1/pledges/{pledge}",
                "proof": f"/v1/pledges/{pledge}/proof",
                "standing": f"/v1/pledge-records/{pledge}",
            }
            assert seen["insured_for"] == money("12000000.00")
            assert (seen["mark"]["line"], seen["mark"]["ltv_bps"]) == ("clear", 6667)
        listed = goods.desk.seen(goods.bank, "/v1/control-agreements", limit=500)["items"]
        (mine,) = [item for item in listed if item["id"] == goods.id]
        assert mine == {name: value for name, value in seen.items() if name != "goods"}
        yard.owe(receipt, "0.00")
        assert goods.seen()["goods"][0]["rank"] == 1
        watch(stage)

    def test_goods_on_two_receipts_after_a_division_are_all_there(self, goods):
        lot, receipt, pledge = goods.pledged("140.000")
        goods.agreed().cover(pledge)
        goods.owe("7000000.00")
        yard, parts = goods.yard, ("100.000", "40.000")
        into = [
            {
                "number": f"{receipt['number']}-{n}",
                "lots": [{"lot": lot["id"], "quantity": tonnes(q)}],
            }
            for n, q in enumerate(parts)
        ]
        asked = yard.divide([receipt], into)
        assert asked.status_code == 201, asked.text
        division = asked.json()["id"]
        assert yard.sign_division(division, yard.trader).is_success
        assert yard.sign_division(division, goods.bank, "consent").is_success
        assert yard.carry_out(division).status_code == 201

        (one,) = goods.seen()["goods"]
        assert sorted(held["quantity"]["quantity"] for held in one["held"]) == sorted(parts)
        assert (one["quantity"], one["rank"]) == (tonnes("140.000"), 1)


class TestEarlyRealisation:
    """Civil Code 442: a receipt that ends before the debt of 2026-05-03."""

    def test_is_told_while_there_is_time_and_taken_back_when_prolonged(self, goods):
        stage = goods.desk.stage
        _, receipt, pledge = goods.pledged("10.000", stored_until="2025-12-20")
        goods.agreed().cover(pledge)
        assert goods.seen()["goods"][0]["realise_from"] == "2025-12-20"
        results = goods.desk.seen(goods.bank, "/v1/rule-results", subject=pledge)["items"]
        outcomes = {one["rule"]: one["outcome"] for found in results for one in found["results"]}
        assert outcomes["RCC-442"] == "report"

        realising.turn(context(stage))
        assert tasks(goods, "pledge.early_realise", pledge) == []  # not before thirty days
        stage.clock.set(STORY_BEGINS + timedelta(days=20))
        realising.turn(context(stage))
        assert realising.turn(context(stage)) == 0
        (task,) = tasks(goods, "pledge.early_realise", pledge)
        assert (task["due_on"], task["fields"]["principal_due_on"]) == ("2025-12-20", "2026-05-03")

        assert goods.yard.amend(receipt, stored_until="2026-06-30").is_success
        realising.turn(context(stage))
        assert tasks(goods, "pledge.early_realise", pledge) == []
        assert goods.seen()["goods"][0]["realise_from"] is None

    def test_is_over_with_the_pledge(self, goods):
        stage = goods.desk.stage
        _, _, pledge = goods.pledged("10.000", stored_until="2025-11-20")
        realising.turn(context(stage))
        assert len(tasks(goods, "pledge.early_realise", pledge)) == 1
        goods.desk.release(pledge)
        realising.turn(context(stage))
        assert tasks(goods, "pledge.early_realise", pledge) == []


class TestConcentration:
    def test_above_its_limit_is_a_task_of_the_bank_once_a_month(self, goods):
        stage = goods.desk.stage
        _, _, pledge = goods.pledged("140.000")
        goods.agreed().cover(pledge)
        goods.owe("7000000.00")
        tomorrow(goods)
        effects.turn(context(stage))
        effects.turn(context(stage))
        found = tasks(goods, "concentration.review", goods.bank.id)
        assert {(one["fields"]["by"], one["fields"]["name"]) for one in found} == {
            ("warehouse", WAREHOUSE),
            ("goods", "电解铜"),
        }
        assert {one["fields"]["share_bps"] for one in found} == {10_000}
        (seen,) = goods.desk.seen(goods.bank, "/v1/collateral/portfolio")
        whole = int(seen["now"]["value"]["amount"].replace(".", ""))
        excess = {
            by: int(seen[by][0]["excess"]["amount"].replace(".", ""))
            for by in ("warehouses", "goods")
        }
        assert excess == {
            "warehouses": whole - whole * 3_000 // 10_000,
            "goods": whole - whole * 5_000 // 10_000,
        }


ALERTS = (
    *("margin_call.warned", "margin_call.called", "margin_call.breached"),
    *("receipt.withdrawal_refused", "alarm.raised", "receipt.moved"),
)
"""Warning, call, the freeze of a breach, a refused outbound, a loss, the freeze of what is disputed."""
SUBJECTS = ("margin_call", "control", "receipt", "alarm", "lot", "pledge")


class TestAlerts:
    @pytest.fixture
    def posts(self, goods, signer):
        """Endpoints of both banks for everything from now on, and what is sent to each."""
        app, stage = goods.desk.stage.http.app, goods.desk.stage
        app.state.settings = app.state.settings.model_copy(update={"webhooks_loopback": True})
        keys.make_feed_keys(app.state.settings)
        sequence_all(stage.settings.database_url, signer)
        courier = Courier(
            database=stage.database,
            secret=keys.webhook_secret(app.state.settings),
            public_url="https://scf.example",
            sender=Sender(loopback=True, seconds_max=2.0),
            clock=stage.clock,
        )
        deliver(courier)
        with receiving() as mine, receiving() as others:
            for who, at in ((goods.bank, mine), (stage.cast.second_bank, others)):
                goods.desk.did(who, "/v1/webhooks", {"url": at.url, "types": ["*"]})

            def sent():
                sequence_all(stage.settings.database_url, signer)
                deliver(courier)
                return [[json.loads(body) for body in at.bodies] for at in (mine, others)]

            yield sent

    def test_of_each_kind_reach_the_pledgee_by_feed_and_webhook_and_no_other_bank(
        self, goods, posts
    ):
        stage, yard = goods.desk.stage, goods.yard
        before = len(fed(goods, goods.bank))
        lot, receipt, pledge = goods.pledged("140.000", location="W-1")
        scale = a_device(stage, yard.keeper, warehouse=WAREHOUSE, location="W-1")
        goods.agreed().cover(pledge)
        goods.owe("7000000.00")
        assert yard.withdraw(receipt, tonnes("1.000"), "TH-1").status_code == 409
        tomorrow(goods)
        for hour, price in enumerate(("74000.00", "70500.00", "62000.00"), 1):
            goods.price(price, f"2025-11-04T0{hour}:00:00Z")
        scale.send(scale.said(1, stage.clock.now(), "100.000"))
        watch(stage)
        assert yard.lose(lot, tonnes("40.000")).is_success

        mine, others = posts()
        told = fed(goods, goods.bank)[before:]
        assert [kind for kind in ALERTS if told.count(kind) < 1] == []
        assert [told.count(kind) for kind in ALERTS[:5]] == [1, 1, 1, 1, 1]
        assert sorted(one["type"] for one in mine) == sorted(told)
        assert {one["data"]["subject"] for one in mine} >= {pledge, receipt["id"], goods.id}
        notices = goods.desk.seen(goods.bank, "/v1/notices", limit=500)["items"]
        kinds = {one["kind"] for one in notices if one["subject"] == pledge}
        assert {"receipt.withdrawal_refused", "receipt.disputed"} <= kinds

        found = [one["type"] for one in others] + fed(goods, stage.cast.second_bank)
        assert [kind for kind in found if kind.partition(".")[0] in SUBJECTS] == []


def deliver(courier):
    """Take turns until nothing is due."""

    async def turns():
        while begun := await courier.turn():
            await asyncio.gather(*begun)

    asyncio.run(turns())


def fed(goods, who):
    """Types of all events in a party's feed, in the order of the log."""
    types, after = [], -1
    while (page := goods.desk.seen(who, "/v1/events", after=after))["items"]:
        types += [one["type"] for one in page["items"]]
        after = page["next"]
    return types
