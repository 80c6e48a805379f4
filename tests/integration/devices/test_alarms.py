"""Goods that are not as the book says: the receipt is disputed, nothing leaves, until the alarm is lifted."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from scf.evidence.models import Event
from scf.kernel.ids import parse_id
from scf_ledger.event import record_of
from tests.support.actors import STORY_BEGINS
from tests.support.problems import refusal
from tests.support.racing import at_once
from tests.support.warehouse import found, open_yard, pieces, tonnes
from tests.support.watching import a_device, device_body, new_key, pledged, watch

PLACE = {"warehouse": "港桥 1 号仓"}
PLACES = (f"A-{number}" for number in range(100, 200))


@pytest.fixture(scope="module")
def yard(stage):
    return open_yard(stage)


@pytest.fixture(autouse=True)
def at_the_beginning(stage):
    stage.clock.set(STORY_BEGINS)


@pytest.fixture
def goods(stage, yard):
    """140 t of copper at a place of their own, under one receipt, with a scale under them."""
    place = next(PLACES)
    lot = yard.stored("140.000", location=place)
    receipt = yard.issued(lot, "140.000")
    scale = a_device(stage, yard.keeper, location=place, **PLACE)
    stage.clock.set(STORY_BEGINS + timedelta(minutes=10))
    return lot, receipt, scale


def weigh(stage, scale, seq, value, **other):
    taken = scale.send(scale.said(seq, stage.clock.now(), value, **other))
    assert taken["stored"] == 1
    watch(stage)


def alarms(stage, who, lot):
    items = stage.get(who, "/v1/stock-alarms", limit=500).json()["items"]
    return [one for one in items if one["lot"] == lot["id"]]


def state(stage, yard, receipt):
    return stage.get(yard.keeper, f"/v1/warehouse-receipts/{receipt['id']}").json()["state"]


class TestMeasured:
    @pytest.mark.parametrize("value", ["140.000", "139.160", "140.840"])
    def test_within_tolerance_nothing_happens(self, stage, yard, goods, value):
        """0.5 % of 140 t are 700 kg, the loss standard allows 140 kg more."""
        lot, receipt, scale = goods
        weigh(stage, scale, 1, value)
        assert alarms(stage, yard.keeper, lot) == []
        assert state(stage, yard, receipt) == "ACTIVE"

    @pytest.mark.parametrize("value", ["139.159", "140.841", "0.000", "-1.000"])
    def test_beyond_it_the_receipt_is_disputed_and_nothing_leaves(self, stage, yard, goods, value):
        lot, receipt, scale = goods
        weigh(stage, scale, 1, value)

        (alarm,) = alarms(stage, yard.keeper, lot)
        counted = "0.000" if value.startswith("-") else value
        assert {name: alarm[name] for name in ("book", "counted", "tolerance", "receipts")} == {
            "book": tonnes("140.000"),
            "counted": tonnes(counted),
            "tolerance": tonnes("0.840"),
            "receipts": [receipt["id"]],
        }
        assert state(stage, yard, receipt) == "DISPUTED"
        refused = yard.withdraw(receipt, tonnes("1.000"), f"TH-{scale.id}".upper())
        refusal(refused, 409, "receipt.state_forbids")
        for who in (yard.keeper, yard.supervisor, yard.trader):
            assert alarms(stage, who, lot) == [alarm]
        assert alarms(stage, stage.cast.bank, lot) == []
        path = f"/v1/stock-alarms/{alarm['id']}"
        refusal(stage.get(stage.cast.bank, path), 404, "subject.not_found")

    def test_is_told_once_while_it_stands(self, stage, yard, goods):
        lot, _, scale = goods
        for seq in range(1, 4):
            weigh(stage, scale, seq, "100.000")
        watch(stage)
        assert len(alarms(stage, yard.keeper, lot)) == 1
        with stage.database.reading() as session:
            of_lot = Event.subject_id == parse_id("lot", lot["id"])
            counted = select(Event.type).where(of_lot, Event.type == "lot.counted")
            assert len(session.scalars(counted).all()) == 1

    def test_a_level_from_before_the_goods_moved_or_long_ago_says_nothing(self, stage, yard, goods):
        lot, _, scale = goods
        old = scale.said(1, STORY_BEGINS - timedelta(minutes=1), "0.000")
        scale.send(old)
        watch(stage)
        stage.clock.set(STORY_BEGINS + timedelta(hours=3))
        scale.send(scale.said(2, STORY_BEGINS + timedelta(hours=1), "0.000"))
        watch(stage)
        assert alarms(stage, yard.keeper, lot) == []

    def test_what_is_ordered_out_may_be_on_its_way(self, stage, yard, goods):
        lot, receipt, scale = goods
        assert yard.withdraw(receipt, tonnes("20.000"), f"TH-{scale.id}".upper()).is_success
        weigh(stage, scale, 1, "120.000")
        assert alarms(stage, yard.keeper, lot) == []
        assert yard.deliver(receipt, f"TH-{scale.id}".upper()).is_success
        stage.clock.set(stage.clock.now() + timedelta(minutes=1))
        weigh(stage, scale, 2, "120.000")
        assert alarms(stage, yard.keeper, lot) == []
        weigh(stage, scale, 3, "119.000")
        (alarm,) = alarms(stage, yard.keeper, lot)
        assert (alarm["book"], alarm["tolerance"]) == (tonnes("120.000"), tonnes("0.740"))

    def test_devices_elsewhere_or_in_another_unit_say_nothing_of_it(self, stage, yard, goods):
        lot, _, scale = goods
        for other in (
            a_device(stage, yard.keeper, location="Z-1", **PLACE),
            a_device(stage, yard.trader, **PLACE),
            a_device(stage, yard.keeper, kind="gate", **PLACE),
        ):
            weigh(stage, other, 1, "0.000")
        pieces = a_device(stage, yard.keeper, kind="camera", unit="C62", **PLACE)
        weigh(stage, pieces, 1, "0")
        assert alarms(stage, yard.keeper, lot) == []
        assert scale.seen()["last_seq"] == 0

    def test_no_receipt_is_issued_while_it_stands(self, stage, yard):
        """Over the free part; drafted before it was raised, too, over the second of two lots."""
        place, other = next(PLACES), next(PLACES)
        lot, far = yard.stored("10.000", location=place), yard.stored("10.000", location=other)
        yard.issued(lot, "4.000")
        both = [{"lot": one["id"], "quantity": tonnes("6.000")} for one in (far, lot)]
        drafted = yard.issuance(far, tonnes("12.000"), lots=both)
        scale = a_device(stage, yard.keeper, location=place, **PLACE)
        stage.clock.set(STORY_BEGINS + timedelta(minutes=10))
        weigh(stage, scale, 1, "5.000")
        (alarm,) = alarms(stage, yard.keeper, lot)

        problem = refusal(yard.issue(lot, tonnes("6.000")), 409, "alarm.standing", "lots")

        assert problem["fields"] == {"lot": lot["id"], "alarm": alarm["id"]}
        refusal(drafted(), 409, "alarm.standing")
        used = [yard.pool(yard.keeper, one["pool"])["used"] for one in (lot, far)]
        assert used == [tonnes("4.000"), tonnes("0.000")]

    def test_a_receipt_issued_beside_it_is_disputed_or_refused(self, stage, yard):
        place = next(PLACES)
        lot = yard.stored("10.000", location=place)
        issue = yard.issuance(lot, tonnes("10.000"))
        scale = a_device(stage, yard.keeper, location=place, **PLACE)
        stage.clock.set(STORY_BEGINS + timedelta(minutes=10))
        scale.send(scale.said(1, stage.clock.now(), "5.000"))

        issued, _ = at_once(issue, lambda: watch(stage))

        (alarm,) = alarms(stage, yard.keeper, lot)
        if issued.status_code == 201:
            assert alarm["receipts"] == [issued.json()["id"]]
            assert state(stage, yard, issued.json()) == "DISPUTED"
        else:
            assert alarm["receipts"] == []
            assert issued.json()["code"] in {"alarm.standing", "subject.version_moved"}


class TestGates:
    """What leaves through a gate was let go by the book, or had come in and was never stored."""

    @pytest.fixture
    def engines(self, stage, yard):
        """Three engines under one receipt in a warehouse of their own, its gate counting pieces."""
        place = {"warehouse": f"发动机库 {next(PLACES)}"}
        lot = yard.stored_goods(pieces(3), goods="发动机总成", grade=None, **place)
        receipt = yard.issue(lot, pieces(3)).json()
        gate = a_device(stage, yard.keeper, kind="gate", unit="C62", location=None, **place)
        stage.clock.set(STORY_BEGINS + timedelta(minutes=10))
        return lot, receipt, gate

    def test_what_is_ordered_or_handed_over_passes(self, stage, yard, engines):
        lot, receipt, gate = engines
        assert yard.withdraw(receipt, pieces(1), f"TH-{gate.id}".upper()).is_success
        weigh(stage, gate, 1, "-1")
        assert yard.deliver(receipt, f"TH-{gate.id}".upper()).is_success
        stage.clock.set(stage.clock.now() + timedelta(minutes=1))
        weigh(stage, gate, 2, "0")
        assert alarms(stage, yard.keeper, lot) == []

    def test_handed_over_first_it_may_pass_within_the_hour(self, stage, yard, engines):
        lot, receipt, gate = engines
        assert yard.withdraw(receipt, pieces(2), f"TH-{gate.id}".upper()).is_success
        assert yard.deliver(receipt, f"TH-{gate.id}".upper()).is_success
        stage.clock.set(stage.clock.now() + timedelta(minutes=30))
        weigh(stage, gate, 1, "-2")
        assert alarms(stage, yard.keeper, lot) == []

    def test_what_nobody_let_go_disputes_the_receipt(self, stage, yard, engines):
        lot, receipt, gate = engines
        weigh(stage, gate, 1, "-1")
        (alarm,) = alarms(stage, yard.supervisor, lot)
        assert (alarm["book"], alarm["counted"]) == (pieces(3), pieces(2))
        assert alarm["tolerance"] == pieces(0)
        assert state(stage, yard, receipt) == "DISPUTED"
        refused = yard.withdraw(receipt, pieces(1), f"TH-{gate.id}".upper())
        refusal(refused, 409, "receipt.state_forbids")

    def test_more_than_was_ordered_is_too_much(self, stage, yard, engines):
        lot, receipt, gate = engines
        assert yard.withdraw(receipt, pieces(1), f"TH-{gate.id}".upper()).is_success
        weigh(stage, gate, 1, "-2")
        (alarm,) = alarms(stage, yard.keeper, lot)
        assert (alarm["counted"], alarm["tolerance"]) == (pieces(1), pieces(1))

    def test_what_came_in_and_was_not_stored_may_leave_again(self, stage, yard, engines):
        lot, receipt, gate = engines
        weigh(stage, gate, 1, "2")
        weigh(stage, gate, 2, "-2")
        assert alarms(stage, yard.keeper, lot) == []
        assert state(stage, yard, receipt) == "ACTIVE"
        weigh(stage, gate, 3, "-1")
        assert len(alarms(stage, yard.keeper, lot)) == 1

    def test_what_came_in_and_was_stored_may_not(self, stage, yard, engines):
        """Two in, put on the book; two of the old ones out: what came in pays for nothing."""
        lot, _, gate = engines
        weigh(stage, gate, 1, "2")
        place = {"warehouse": lot["warehouse"], "location": lot["location"]}
        yard.stored_goods(pieces(2), goods="发动机总成", grade=None, **place)
        stage.clock.set(stage.clock.now() + timedelta(minutes=1))
        weigh(stage, gate, 2, "-2")
        (alarm,) = alarms(stage, yard.keeper, lot)
        assert (alarm["book"], alarm["counted"]) == (pieces(5), pieces(3))

    def test_late_and_out_of_order_it_comes_to_the_same(self, stage, yard, engines):
        lot, _, gate = engines
        start = stage.clock.now() - timedelta(minutes=9)
        said = [
            gate.said(n, start + timedelta(minutes=n), "-1" if n == 2 else "1") for n in (1, 2, 3)
        ]
        gate.send(said[2])
        gate.send(said[0], said[1])
        watch(stage)
        assert alarms(stage, yard.keeper, lot) == []

    def test_an_alarm_that_was_lifted_counts_no_more(self, stage, yard, engines):
        lot, receipt, gate = engines
        weigh(stage, gate, 1, "-1")
        (alarm,) = alarms(stage, yard.keeper, lot)
        path = f"/v1/stock-alarms/{alarm['id']}"
        reason = {"reason": "计数误触发，已现场清点"}
        assert stage.post(yard.keeper, f"{path}/lifting", reason).is_success
        for who in (yard.keeper, yard.supervisor):
            assert yard.sign(who, "lift", f"{path}/draft", f"{path}/sign").is_success
        stage.clock.set(stage.clock.now() + timedelta(minutes=1))
        weigh(stage, gate, 2, "0")
        assert len(alarms(stage, yard.keeper, lot)) == 1
        assert state(stage, yard, receipt) == "ACTIVE"


class TestReported:
    def test_the_daily_stock_report_is_held_to_the_book(self, stage, yard, goods):
        lot, receipt, _ = goods
        agreeing = yard.paper(lot["id"], yard.keeper, "daily_stock", tonnes("139.900"))
        assert agreeing.is_success, agreeing.text
        watch(stage)
        assert (alarms(stage, yard.keeper, lot), state(stage, yard, receipt)) == ([], "ACTIVE")

        short = yard.paper(lot["id"], yard.supervisor, "daily_stock", tonnes("138.000"))
        assert short.is_success
        watch(stage)
        watch(stage)

        (alarm,) = alarms(stage, yard.trader, lot)
        assert alarm["counted"] == tonnes("138.000")
        assert yard.supervisor.uscc in alarm["evidence"]
        assert state(stage, yard, receipt) == "DISPUTED"

    def test_a_report_of_a_day_before_the_book_moved_disputes_nothing(self, stage, yard, goods):
        lot, receipt, _ = goods
        late = yard.paper(
            lot["id"], yard.keeper, "daily_stock", tonnes("150.000"), made_on="2025-11-02"
        )
        assert late.is_success, late.text
        watch(stage)
        assert (alarms(stage, yard.keeper, lot), state(stage, yard, receipt)) == ([], "ACTIVE")

    def test_an_empty_place_is_reported_empty(self, stage, yard, goods):
        lot, receipt, scale = goods
        assert yard.withdraw(receipt, tonnes("140.000"), f"TH-{scale.id}".upper()).is_success
        assert yard.deliver(receipt, f"TH-{scale.id}".upper()).is_success
        empty = yard.paper(lot["id"], yard.keeper, "daily_stock", tonnes("0.000"))
        assert empty.is_success, empty.text
        watch(stage)
        assert alarms(stage, yard.keeper, lot) == []


class TestLifting:
    @pytest.fixture
    def alarm(self, stage, yard, goods):
        lot, _, scale = goods
        weigh(stage, scale, 1, "100.000")
        return alarms(stage, yard.keeper, lot)[0]

    def unsupervised(self, stage, yard):
        """Goods that no supervisor watches, weighed and assayed by keeper and depositor, under a receipt."""
        place = next(PLACES)
        entered = yard.enter(tonnes("10.000"), supervisor=None, location=place)
        lot = entered.json()["id"]
        for who in (yard.keeper, yard.trader):
            yard.paper(lot, who, "weighing", tonnes("10.000"))
            yard.paper(lot, who, "assay", passed=True)
        lot = yard.store(lot).json()
        scale = a_device(stage, yard.keeper, location=place, **PLACE)
        return lot, yard.issued(lot, "10.000"), scale

    @pytest.fixture
    def unwatched(self, stage, yard):
        lot, receipt, scale = self.unsupervised(stage, yard)
        stage.clock.set(STORY_BEGINS + timedelta(minutes=10))
        weigh(stage, scale, 1, "5.000")
        return lot, receipt, alarms(stage, yard.keeper, lot)[0]

    @pytest.fixture
    def unwatched_and_pledged(self, stage, yard):
        lot, receipt, scale = self.unsupervised(stage, yard)
        pledged(stage, yard, receipt)
        stage.clock.set(STORY_BEGINS + timedelta(minutes=10))
        weigh(stage, scale, 1, "5.000")
        return alarms(stage, yard.keeper, lot)[0]

    def propose(self, stage, who, alarm, reason="衡器零点漂移，已校准"):
        return stage.post(who, f"/v1/stock-alarms/{alarm['id']}/lifting", {"reason": reason})

    def sign(self, stage, who, alarm, act="lift"):
        path = f"/v1/stock-alarms/{alarm['id']}"
        draft = stage.post(who, f"{path}/draft", {"signers": who.signers(act)})
        if not draft.is_success:
            return draft
        return stage.post(who, f"{path}/sign", {"authorizations": who.sign_all(draft.json())})

    def test_takes_keeper_and_supervisor_together(self, stage, yard, goods, alarm):
        _, receipt, scale = goods
        refusal(self.sign(stage, yard.keeper, alarm), 409, "alarm.lifting_not_proposed")
        assert self.propose(stage, yard.keeper, alarm).is_success

        first = self.sign(stage, yard.keeper, alarm)
        assert (first.status_code, first.json()["lifted_at"]) == (200, None), first.text
        assert state(stage, yard, receipt) == "DISPUTED"
        refusal(self.sign(stage, yard.keeper, alarm), 409, "alarm.lifting_not_proposed")
        second = self.sign(stage, yard.supervisor, alarm)

        assert second.status_code == 200, second.text
        assert second.json()["lifted_at"] is not None
        assert state(stage, yard, receipt) == "ACTIVE"
        refusal(self.propose(stage, yard.keeper, alarm), 409, "alarm.lifted")
        assert yard.withdraw(receipt, tonnes("1.000"), f"TH-{scale.id}".upper()).is_success

    def test_is_not_the_holders(self, stage, yard, goods, alarm):
        _, receipt, _ = goods
        refusal(self.propose(stage, yard.trader, alarm), 403, "alarm.not_allowed")
        refusal(self.propose(stage, stage.cast.bank, alarm), 404, "subject.not_found")
        assert state(stage, yard, receipt) == "DISPUTED"

    def test_without_supervisor_and_pledge_takes_keeper_and_holder(self, stage, yard, unwatched):
        _, receipt, alarm = unwatched
        refusal(self.propose(stage, yard.supervisor, alarm), 404, "subject.not_found")
        assert self.propose(stage, yard.keeper, alarm).is_success
        assert self.sign(stage, yard.keeper, alarm).json()["lifted_at"] is None
        assert state(stage, yard, receipt) == "DISPUTED"
        assert self.sign(stage, yard.trader, alarm).json()["lifted_at"] is not None
        assert state(stage, yard, receipt) == "ACTIVE"

    def test_without_supervisor_is_the_pledgees_where_goods_are_pledged(
        self, stage, yard, unwatched_and_pledged
    ):
        alarm = unwatched_and_pledged
        for who in (yard.keeper, yard.trader):
            refusal(self.propose(stage, who, alarm), 403, "alarm.not_allowed")
        assert self.propose(stage, stage.cast.bank, alarm).is_success
        assert self.sign(stage, stage.cast.bank, alarm, "waive").json()["lifted_at"] is not None

    def test_an_other_proposal_voids_what_was_signed(self, stage, yard, alarm):
        assert self.propose(stage, yard.keeper, alarm, "一").is_success
        assert self.sign(stage, yard.keeper, alarm).is_success
        again = self.propose(stage, yard.supervisor, alarm, "二")
        assert again.json()["signed"] == []
        lifted = self.sign(stage, yard.supervisor, alarm)
        assert lifted.json()["lifted_at"] is None

    def test_a_receipt_waits_for_every_alarm_over_it(self, stage, yard, goods, alarm):
        lot, receipt, _ = goods
        yard.paper(lot["id"], yard.keeper, "daily_stock", tonnes("100.000"))
        watch(stage)
        other = next(one for one in alarms(stage, yard.keeper, lot) if one["id"] != alarm["id"])
        assert other["receipts"] == [receipt["id"]]
        for one in (alarm, other):
            assert state(stage, yard, receipt) == "DISPUTED"
            self.propose(stage, yard.keeper, one)
            for who in (yard.keeper, yard.supervisor):
                assert self.sign(stage, who, one).is_success
        assert state(stage, yard, receipt) == "ACTIVE"


class TestSilence:
    def test_is_told_once_and_ends_when_it_is_heard_again(self, stage, yard):
        camera = a_device(stage, yard.keeper, kind="camera", unit="C62", **PLACE)
        first = camera.said(1, stage.clock.now(), "5")
        camera.send(first)
        stage.clock.set(STORY_BEGINS + timedelta(minutes=60, seconds=59))
        watch(stage)
        assert camera.seen()["silent_at"] is None
        stage.clock.set(STORY_BEGINS + timedelta(minutes=61, seconds=1))
        watch(stage)
        watch(stage)
        assert camera.seen()["silent_at"] is not None
        again = camera.send(first, camera.said(2, STORY_BEGINS, "x"))
        assert (again["known"], len(again["refused"])) == (1, 1)
        assert camera.seen()["silent_at"] is not None
        camera.send(camera.said(2, stage.clock.now(), "5"))
        assert camera.seen()["silent_at"] is None
        with stage.database.reading() as session:
            of_device = Event.subject_id == parse_id("dev", camera.id)
            types = select(Event.type).where(of_device).order_by(Event.version)
            told = session.scalars(types).all()
        assert told == ["device.registered", "device.silent", "device.heard_again"]

    def test_is_told_of_a_device_that_never_was_heard(self, stage, yard):
        camera = a_device(stage, yard.keeper, kind="camera", unit="C62", **PLACE)
        stage.clock.set(STORY_BEGINS + timedelta(minutes=61, seconds=1))
        watch(stage)
        assert camera.seen()["silent_at"] is not None
        with stage.database.reading() as session:
            of_device = Event.subject_id == parse_id("dev", camera.id)
            silent = select(Event).where(of_device, Event.type == "device.silent")
            record = record_of(session.scalars(silent).one().disclosures.split("~"))
        assert (record["heard_at"], record["minutes"]) == (None, 61)


class TestPlaces:
    def test_a_supervisor_watches_where_it_supervises(self, stage, yard, goods):
        lot, receipt, _ = goods
        own = a_device(
            stage, yard.supervisor, keeper=yard.keeper.id, location=lot["location"], **PLACE
        )
        weigh(stage, own, 1, "90.000")
        assert state(stage, yard, receipt) == "DISPUTED"
        assert own.seen(yard.keeper)["owner"] == yard.supervisor.id
        assert own.seen(yard.trader)["id"] == own.id
        sent = own.hand_in(own.sign([own.said(2, STORY_BEGINS)]), who=yard.trader)
        refusal(sent, 403, "device.not_allowed")

    def test_nobody_watches_at_anothers(self, stage, yard):
        stranger = found(stage, "second_trader")
        body = device_body(new_key(), keeper=yard.keeper.id, **PLACE)
        refusal(stage.post(stranger, "/v1/devices", body), 404, "subject.not_found")
