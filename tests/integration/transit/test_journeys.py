"""Custody moves, the right stays: no gap, no doubling, and the bank's proof holds at the new keeper's."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from scf.audit.finding import Report
from scf.audit.subjects import consignments, lots, receipts
from scf.capacity.models import Notice
from scf.db.outbox import EffectContext
from scf.evidence.sequencing import open_log
from scf.kernel.ids import parse_id
from scf.parties import certification
from scf.parties import queries as parties
from scf.parties.models import Party
from scf.receipts import amending
from scf.receipts.models import ReceiptLot
from scf.transit import queries
from scf.transit.models import Consignment
from scf_ledger import trust
from scf_ledger.note import Signer
from scf_ledger.verify import Fragment, Status, verify_file
from tests.support.actors import STORY_BEGINS
from tests.support.log import sequence_all
from tests.support.transit import Road
from tests.support.warehouse import tonnes

ORIGIN = "test.example/log"
OFFLINE = set(Fragment) - {Fragment.ANCHOR, Fragment.STANDING}
HOURS = itertools.count(1)


@pytest.fixture(scope="module")
def signer(open_way: Road) -> Signer:
    """The key of the log, which is opened with it."""
    made, stage = Signer.generate(ORIGIN), open_way.desk.stage
    with stage.database.transaction() as session:
        open_log(session, made, now=stage.clock.real())
    return made


def report_of(road: Road, signer: Signer, pledge: str):
    """What the verifier says of the bank's proof."""
    stage, cast = road.desk.stage, road.desk.stage.cast
    at = STORY_BEGINS + timedelta(hours=next(HOURS))
    with stage.database.transaction() as session:
        for scope, authority in cast.authorities.items():
            certification.receive_revocations(
                session, cast.authority_ids[scope], der=authority.crl(at=at), now=at
            )
    sequence_all(stage.settings.database_url, signer)
    with stage.database.reading() as session:
        content = trust.build(
            logs=[(ORIGIN, str(signer.verifier), None)], authorities=parties.authorities(session)
        )
    file = stage.get(cast.bank, f"/v1/pledges/{pledge}/proof").content
    return verify_file(file, trust.parse(content))


def verified(road: Road, signer: Signer, pledge: str) -> None:
    report = report_of(road, signer, pledge)
    found = {name: outcome.status for name, outcome in report.fragments.items()}
    assert {found[name] for name in OFFLINE} == {Status.PASS}, report.as_json()


def account(road: Road, receipt: dict) -> tuple[int, int, int]:
    """What lies in lots for a receipt, what travels, what its pool has left; in kilograms."""
    identity = parse_id("whr", receipt["id"])
    with road.desk.stage.database.reading() as session:
        lying = session.scalars(
            select(ReceiptLot.quantity_minor).where(ReceiptLot.receipt_id == identity)
        )
        pool = road.yard.pool(road.yard.trader, receipt["pool"])
        left = int(pool["confirmed"]["quantity"].replace(".", ""))
        return sum(lying), queries.in_transit(session, identity), left


def told(road: Road, pledge: str) -> list[str]:
    with road.desk.stage.database.reading() as session:
        notices = select(Notice).where(Notice.subject == pledge).order_by(Notice.id)
        return [one.kind for one in session.scalars(notices)]


class TestToAnotherKeeper:
    def test_the_pledge_goes_along_and_is_proven_there(self, road: Road, signer: Signer):
        receipt = road.receipt("140.000")
        pledge = road.pledged(receipt)
        origin = road.yard.pool(road.yard.keeper, lot_pool(road, receipt))
        assert (origin["confirmed"], origin["used"]) == (tonnes("140.000"), tonnes("140.000"))

        journey = road.under_way(receipt)

        assert (journey["state"], journey["in_transit"]) == ("IN_TRANSIT", tonnes("140.000"))
        assert account(road, receipt) == (0, 140_000, 140_000)
        origin = road.yard.pool(road.yard.keeper, lot_pool(road, receipt))
        assert (origin["confirmed"], origin["used"]) == (tonnes("0.000"), tonnes("0.000"))
        verified(road, signer, pledge)

        arrived = road.arrive(journey, road.weighed("140.000"))

        assert arrived.status_code == 200, arrived.text
        assert (arrived.json()["state"], arrived.json()["in_transit"]) == (
            "ARRIVED",
            tonnes("0.000"),
        )
        assert account(road, receipt) == (140_000, 0, 140_000)
        there = road.goods(receipt, road.far_keeper)
        assert (there["keeper"], there["items"]["warehouse"]) == (road.far_keeper.id, "珞璜 2 号库")
        assert (there["holder"], there["pool"]) == (receipt["holder"], receipt["pool"])
        assert there["title_event"] == receipt["title_event"]
        assert (
            road.desk.stage.get(
                road.yard.keeper, f"/v1/warehouse-receipts/{receipt['id']}"
            ).status_code
            == 404
        )
        pool = road.yard.pool(road.yard.trader, receipt["pool"])
        assert (pool["confirmed"], pool["used"]) == (tonnes("140.000"), tonnes("140.000"))
        assert told(road, pledge) == ["consignment.dispatched", "consignment.arrived"]
        verified(road, signer, pledge)

    def test_what_is_missing_dilutes_and_the_bank_is_told(self, road: Road, signer: Signer):
        receipt = road.receipt("50.000")
        pledge = road.pledged(receipt)
        journey = road.under_way(receipt)

        arrived = road.arrive(journey, road.weighed("50.000", "49.400"))

        assert arrived.json()["arrived"] == tonnes("49.400")
        assert account(road, receipt) == (49_400, 0, 49_400)
        pool = road.yard.pool(road.yard.trader, receipt["pool"])
        assert (pool["shortfall"], pool["used"]) == (tonnes("0.600"), tonnes("50.000"))
        assert told(road, pledge) == [
            "consignment.dispatched",
            "pool.diluted",
            "consignment.arrived",
        ]
        verified(road, signer, pledge)

    def test_more_than_was_carried_is_not_the_receipts(self, road: Road):
        receipt = road.receipt("20.000")
        journey = road.under_way(receipt)

        road.arrive(journey, road.weighed("20.000", "20.020"))

        assert account(road, receipt) == (20_000, 0, 20_000)
        pool = road.yard.pool(road.far_keeper, lot_pool(road, receipt))
        assert (pool["confirmed"], pool["free"]) == (tonnes("20.020"), tonnes("0.020"))

    def test_the_new_keeper_hands_out_what_arrived(self, road: Road):
        receipt = road.receipt("5.000")
        road.arrive(road.under_way(receipt), road.weighed("5.000"))

        yard = road.yard
        assert yard.withdraw(receipt, tonnes("5.000"), "TH-1").status_code == 201
        path = f"/v1/warehouse-receipts/{receipt['id']}/delivery-draft"
        signers = yard.keeper.signers("deliver")
        body = {"order_no": "TH-1", "papers": ["JVBERi0xLjcK"], "signers": signers}
        assert yard.stage.post(yard.keeper, path, body).status_code == 404  # no longer its keeper

    def test_nothing_is_ordered_out_of_goods_on_their_way(self, road: Road):
        receipt = road.receipt("5.000")
        road.under_way(receipt)

        refused = road.yard.withdraw(receipt, tonnes("1.000"), "TH-1")

        assert (refused.status_code, refused.json()["code"]) == (409, "receipt.goods_elsewhere")
        assert account(road, receipt) == (0, 5_000, 5_000)


class TestWhoHasToSign:
    def test_pledged_goods_do_not_travel_without_the_pledgee(self, road: Road):
        receipt = road.receipt("10.000")
        road.pledged(receipt)
        journey = road.plan(receipt)
        assert road.step(journey, road.yard.trader, "consign").status_code == 200

        refused = road.step(journey, road.yard.keeper, "hand_over")

        assert (refused.status_code, refused.json()["code"]) == (409, "consignment.state_forbids")
        assert account(road, receipt) == (10_000, 0, 10_000)
        assert road.shown(journey)["state"] == "PLANNED"

    def test_a_pledge_that_came_since_overtakes_the_plan(self, road: Road):
        receipt = road.receipt("10.000")
        journey = road.plan(receipt)
        road.agree(journey)
        road.pledged(receipt)

        refused = road.step(journey, road.yard.keeper, "hand_over")

        assert (refused.status_code, refused.json()["code"]) == (409, "consignment.plan_overdue")
        assert account(road, receipt) == (10_000, 0, 10_000)

    def test_the_carrier_takes_over_what_the_keeper_handed_over(self, road: Road):
        journey = road.plan(road.receipt("5.000"))
        road.agree(journey)

        refused = road.step(journey, road.carrier, "take_over")

        assert (refused.status_code, refused.json()["code"]) == (
            409,
            "consignment.not_handed_over",
        )

    def test_a_step_half_signed_for_a_day_is_signed_anew(self, road: Road):
        receipt = road.receipt("5.000")
        journey = road.plan(receipt)
        road.agree(journey)
        road.step(journey, road.yard.keeper, "hand_over")
        clock = road.desk.stage.clock
        clock.set(clock.now() + timedelta(hours=25))

        refused = road.step(journey, road.carrier, "take_over")

        assert refused.json()["code"] == "consignment.not_handed_over"
        assert road.dispatch(journey)["state"] == "IN_TRANSIT"

    def test_a_stranger_sees_nothing_and_others_have_their_own_part(self, road: Road):
        receipt = road.receipt("5.000")
        journey = road.plan(receipt)
        stage, path = road.desk.stage, f"/v1/consignments/{journey['id']}"

        assert stage.get(stage.cast.second_bank, path).status_code == 404
        refused = road.desk.refused(road.buyer, f"{path}/cancel", {"reason": "x"})
        assert refused["code"] == "subject.not_found"
        refused = road.desk.refused(road.carrier, f"{path}/cancel", {"reason": "x"})
        assert refused["code"] == "consignment.action_not_allowed"

    def test_a_receipt_travels_once_at_a_time(self, road: Road):
        receipt = road.receipt("5.000")
        journey = road.plan(receipt)

        refused = road.desk.refused(road.yard.trader, "/v1/consignments", road.body(receipt))
        assert refused["code"] == "consignment.journey_open"

        road.desk.did(
            road.yard.trader, f"/v1/consignments/{journey['id']}/cancel", {"reason": "改期"}
        )
        assert road.plan(receipt)["state"] == "PLANNED"

    def test_what_is_lost_does_not_travel(self, road: Road):
        receipt = road.receipt("2.000")
        road.yard.lose({"id": receipt["lots"][0]["lot"]}, tonnes("2.000"))
        (loss,) = road.yard.restraints(receipt)
        path = f"/v1/warehouse-receipts/{receipt['id']}/restraints/{loss['id']}/settle"
        road.desk.did(road.yard.trader, path, {"reason": "已按市价赔付"})

        refused = road.desk.refused(road.yard.trader, "/v1/consignments", road.body(receipt))

        assert refused["code"] == "consignment.nothing_left"
        assert account(road, receipt) == (0, 0, 0)

    @pytest.mark.parametrize(
        ("role", "code"),
        [("keeper", "consignment.carrier_unfit"), ("trader", "consignment.carrier_unfit")],
    )
    def test_the_carrier_is_nobody_else(self, road: Road, role: str, code: str):
        receipt = road.receipt("5.000")
        who = getattr(road.yard, role)

        body = road.body(receipt, carrier=who.uscc)
        assert road.desk.refused(road.yard.trader, "/v1/consignments", body)["code"] == code

    def test_a_lot_of_other_goods_is_not_the_receipts(self, road: Road):
        receipt = road.receipt("5.000")
        journey = road.under_way(receipt)
        lot = road.weighed("5.000", goods="电解铝", grade="AL99.70")

        answer = road.draft_arrival(journey, lot)

        assert (answer.status_code, answer.json()["code"]) == (422, "consignment.lot_unfit")
        assert account(road, receipt) == (0, 5_000, 5_000)


class TestToABuyer:
    def test_pledged_goods_are_handed_out_after_the_release_only(self, road: Road):
        receipt = road.receipt("30.000")
        pledge = road.pledged(receipt)
        journey = road.sale(receipt)
        road.agree(journey)
        road.dispatch(journey)

        refused = road.hand_out(journey)

        assert (refused.status_code, refused.json()["code"]) == (409, "receipt.goods_pledged")
        assert account(road, receipt) == (0, 30_000, 30_000)
        assert told(road, pledge) == ["consignment.dispatched", "receipt.withdrawal_refused"]

        road.desk.release(pledge)
        done = road.hand_out(journey)

        assert (done.status_code, done.json()["state"]) == (200, "DELIVERED")
        assert account(road, receipt) == (0, 0, 0)
        assert road.goods(receipt)["state"] == "DELIVERED"

    def test_who_bought_of_a_former_holder_is_handed_nothing(self, road: Road):
        """Passed on while it travels: the buyer is not the new holder's; passed back it is the holder's again."""
        receipt, supplier = road.receipt("6.000"), road.desk.stage.cast.supplier
        journey = road.sale(receipt)
        road.agree(journey)
        road.dispatch(journey)
        assert road.yard.endorse(receipt, supplier).is_success
        assert road.yard.attest(receipt).is_success

        refused = road.hand_out(journey)

        assert (refused.status_code, refused.json()["code"]) == (409, "consignment.holder_other")
        assert account(road, receipt) == (0, 6_000, 6_000)
        assert road.shown(journey)["state"] == "IN_TRANSIT"
        assert road.yard.endorse(receipt, road.yard.trader, holder=supplier).is_success
        assert road.yard.attest(receipt).is_success
        assert road.hand_out(journey).json()["state"] == "DELIVERED"

    def test_a_receipt_that_expires_on_the_road_is_handed_out(self, road: Road):
        receipt = road.yard.issued(road.yard.stored("4.000"), "4.000", stored_until="2025-11-10")
        journey = road.sale(receipt)
        road.agree(journey)
        road.dispatch(journey)
        stage = road.desk.stage
        stage.clock.set(stage.clock.now() + timedelta(days=10))
        amending.turn(EffectContext(stage.database, stage.settings, stage.clock))
        assert road.goods(receipt)["state"] == "EXPIRED"

        assert road.hand_out(journey).json()["state"] == "DELIVERED"

        assert road.goods(receipt)["state"] == "DELIVERED"

    def test_goods_for_a_warehouse_are_not_handed_out(self, road: Road):
        journey = road.under_way(road.receipt("5.000"))

        refused = road.hand_out(journey)

        assert refused.json()["code"] == "consignment.destination_other"


class TestTheDatabaseHolds:
    def test_goods_that_travel_are_in_no_lot(self, road: Road):
        """Whoever would put them back into the old lot as well is refused at the commit."""
        receipt = road.receipt("5.000")
        road.under_way(receipt)
        identity = parse_id("whr", receipt["id"])

        with (
            pytest.raises(DBAPIError, match="on the way"),
            road.desk.stage.database.transaction() as s,
        ):
            s.execute(
                update(ReceiptLot)
                .where(ReceiptLot.receipt_id == identity)
                .values(quantity_minor=5_000)
            )

        assert account(road, receipt) == (0, 5_000, 5_000)

    def test_goods_that_travel_do_not_vanish(self, road: Road):
        receipt = road.receipt("5.000")
        journey = road.under_way(receipt)
        identity = parse_id("csg", journey["id"])

        with (
            pytest.raises(DBAPIError, match="on the way"),
            road.desk.stage.database.transaction() as s,
        ):
            s.execute(
                update(Consignment)
                .where(Consignment.id == identity)
                .values(state="ARRIVED", in_transit_minor=0, arrived_minor=5_000)
            )

        assert account(road, receipt) == (0, 5_000, 5_000)

    def test_a_receipts_goods_travel_once(self, road: Road):
        receipt = road.receipt("5.000")
        journey = road.plan(receipt)

        with pytest.raises(DBAPIError), road.desk.stage.database.transaction() as s:
            s.execute(
                text(
                    "INSERT INTO consignments SELECT (jsonb_populate_record(NULL::consignments,"
                    " to_jsonb(c) || jsonb_build_object('id', gen_random_uuid()))).*"
                    " FROM consignments c WHERE id = :id"
                ),
                {"id": parse_id("csg", journey["id"])},
            )


def lot_pool(road: Road, receipt: dict) -> str:
    """The pool of the newest lot that a receipt has something to do with."""
    shown = road.goods(receipt)
    keeper = road.yard.keeper if shown["keeper"] == road.yard.keeper.id else road.far_keeper
    lots = [
        part["lot"]
        for part in shown["lots"]
        if road.desk.stage.get(keeper, f"/v1/lots/{part['lot']}").is_success
    ]
    pool: str = road.desk.seen(keeper, f"/v1/lots/{lots[-1]}")["pool"]
    return pool


def test_the_audit_finds_nothing(road: Road, signer: Signer):
    """Every journey of this file, folded again from its events."""
    stage = road.desk.stage
    sequence_all(stage.settings.database_url, signer)

    with stage.database.reading() as session:
        codes = {party.id: party.uscc for party in session.scalars(select(Party))}
        report = Report()
        for one in (consignments, receipts, lots):
            one.check(session, codes, report)

    assert report.rows["consignments"] >= 1
