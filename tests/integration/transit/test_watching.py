"""Where consignments are: what gives alarm halts them, tells the pledgee, and is cleared by it alone."""

from datetime import timedelta

from sqlalchemy import func, select

from scf.capacity.models import Notice
from scf.db.outbox import EffectContext
from scf.kernel.clock import instant_text
from scf.kernel.ids import parse_id
from scf.transit import effects
from scf.transit.models import Position
from tests.support.transit import FROM, HALFWAY, TO, Road
from tests.support.watching import a_device

ASTRAY = {"lat": "29.361000", "lon": "106.127000"}  # 556 m beside the road, 500 are allowed


def later(road: Road, minutes: int) -> None:
    clock = road.desk.stage.clock
    clock.set(clock.now() + timedelta(minutes=minutes))


def told(road: Road, pledge: str) -> list[tuple[str, str | None]]:
    with road.desk.stage.database.reading() as session:
        notices = select(Notice).where(Notice.subject == pledge).order_by(Notice.id)
        return [(one.kind, one.fields.get("alarm")) for one in session.scalars(notices)]


def kept(road: Road, journey: dict) -> int:
    with road.desk.stage.database.reading() as session:
        found = select(func.count()).where(
            Position.consignment_id == parse_id("csg", journey["id"])
        )
        return session.scalars(found).one()


class TestAlarms:
    def test_leaving_the_fence_halts_it_until_the_pledgee_clears(self, road: Road):
        receipt = road.receipt("40.000")
        pledge = road.pledged(receipt)
        journey = road.under_way(receipt)
        path, bank = f"/v1/consignments/{journey['id']}", road.desk.stage.cast.bank
        later(road, 120)

        assert road.seen(journey, road.at(-60, HALFWAY)).json()["state"] == "IN_TRANSIT"
        assert road.seen(journey, road.at(-30, ASTRAY)).json()["state"] == "HALTED"

        assert told(road, pledge)[1:] == [("consignment.alarmed", "left_fence")]
        lot = road.weighed("40.000")
        refused = road.arrive(journey, lot)
        assert (refused.status_code, refused.json()["code"]) == (409, "consignment.state_forbids")
        refused = road.desk.refused(road.yard.trader, f"{path}/clear", {"reason": "绕行"})
        assert refused["code"] == "consignment.cleared_by_pledgee"

        cleared = road.desk.did(bank, f"{path}/clear", {"reason": "道路施工绕行，已核实"})
        assert cleared["state"] == "IN_TRANSIT"
        assert road.arrive(journey, lot).json()["state"] == "ARRIVED"

    def test_a_bank_that_came_on_the_way_clears_until_it_let_go(self, road: Road):
        receipt = road.receipt("8.000")
        journey = road.under_way(receipt)
        path, bank = f"/v1/consignments/{journey['id']}", road.desk.stage.cast.bank
        assert road.desk.stage.get(bank, path).status_code == 404
        pledge = road.pledged(receipt)
        later(road, 120)
        road.seen(journey, road.at(-30, ASTRAY))

        refused = road.desk.refused(road.yard.trader, f"{path}/clear", {"reason": "绕行"})
        assert refused["code"] == "consignment.cleared_by_pledgee"
        assert [one["kind"] for one in road.desk.seen(bank, path)["alarms"]] == ["left_fence"]
        listed = road.desk.seen(bank, "/v1/consignments")["items"]
        assert journey["id"] in [one["id"] for one in listed]
        cleared = road.desk.did(bank, f"{path}/clear", {"reason": "已核实"})
        assert cleared["state"] == "IN_TRANSIT"

        road.desk.release(pledge)
        road.seen(journey, road.at(-20, HALFWAY), road.at(-10, ASTRAY))
        assert road.desk.stage.get(bank, path).status_code == 404
        cleared = road.desk.did(road.yard.trader, f"{path}/clear", {"reason": "已核实"})
        assert cleared["state"] == "IN_TRANSIT"

    def test_an_open_seal_and_a_long_stop_give_alarm_once_each(self, road: Road):
        journey = road.under_way(road.receipt("5.000"))
        later(road, 180)

        seen = [road.at(minutes, HALFWAY, seal="open") for minutes in (-100, -70, -39)]
        road.seen(journey, *seen)
        road.seen(journey, road.at(-30, HALFWAY, seal="open"))

        alarms = road.shown(journey)["alarms"]
        assert sorted(one["kind"] for one in alarms) == ["seal_open", "standing"]
        assert alarms[-1]["kind"] == "standing"
        assert alarms[-1]["seen_at"] == seen[-1]["at"]

    def test_it_may_stand_at_a_stop_and_move_on_the_road(self, road: Road):
        journey = road.under_way(road.receipt("5.000"))
        later(road, 180)

        road.seen(journey, road.at(-170, FROM), road.at(-100, FROM), road.at(-60, HALFWAY))
        shown = road.seen(journey, road.at(-20, TO)).json()

        assert shown["state"] == "IN_TRANSIT"

    def test_known_positions_change_nothing(self, road: Road):
        journey = road.under_way(road.receipt("5.000"))
        later(road, 60)
        position = road.at(-30, HALFWAY)

        for _ in range(2):
            assert road.seen(journey, position).status_code == 200

        assert kept(road, journey) == 1

    def test_positions_of_another_time_are_refused_whole(self, road: Road):
        journey = road.under_way(road.receipt("5.000"))
        later(road, 60)

        answer = road.seen(journey, road.at(-30, HALFWAY), road.at(5, HALFWAY))

        assert (answer.status_code, answer.json()["code"]) == (422, "consignment.position_untimely")
        assert answer.json()["field"] == "positions.1.at"
        assert road.seen(journey, road.at(-90, HALFWAY)).status_code == 422
        assert kept(road, journey) == 0


def test_a_device_that_goes_along_is_read(road: Road):
    """Its signed readings are the positions; a second turn finds nothing new."""
    gps = a_device(
        road.desk.stage, road.carrier, kind="gps", unit=None, location=None, warehouse="渝C12345"
    )
    journey = road.under_way(road.receipt("5.000"), device=gps.id)
    later(road, 60)
    now = road.desk.stage.clock.now()
    gps.send(
        {"seq": 1, "at": instant_text(now - timedelta(minutes=20)), **HALFWAY},
        {"seq": 2, "at": instant_text(now - timedelta(minutes=10)), **ASTRAY},
    )
    stage = road.desk.stage
    context = EffectContext(stage.database, stage.settings, stage.clock)

    effects.turn(context)
    effects.turn(context)

    shown = road.shown(journey)
    assert (shown["state"], kept(road, journey)) == ("HALTED", 2)
    assert [(one["kind"], one["seen_at"]) for one in shown["alarms"]] == [
        ("left_fence", instant_text(now - timedelta(minutes=10)))
    ]


def test_another_carriers_device_does_not_go_along(road: Road):
    gps = a_device(
        road.desk.stage, road.yard.keeper, kind="gps", unit=None, location=None, warehouse="x"
    )
    body = road.body(road.receipt("5.000"), device=gps.id)

    refused = road.desk.refused(road.yard.trader, "/v1/consignments", body)

    assert refused["code"] == "consignment.device_unfit"
