"""Goods in: two sources weigh and assay, the keeper signs, the lot's pool counts what is there."""

import pytest
from sqlalchemy import inspect

from scf.kernel.ids import parse_id
from scf.stock import queries
from tests.support.problems import refusal
from tests.support.racing import at_once
from tests.support.warehouse import Yard, pieces, tonnes

VINS = ("LSVAA4181E2184841", "LFPH3ACC3B1A00001")


def shown(yard: Yard, lot: str):
    return yard.stage.get(yard.keeper, f"/v1/lots/{lot}").json()


class TestStoring:
    def test_what_two_sources_saw_is_there(self, yard: Yard):
        lot = yard.enter(tonnes("140.200")).json()["id"]
        for who, seen in ((yard.keeper, "140.100"), (yard.supervisor, "140.000")):
            yard.paper(lot, who, "weighing", tonnes(seen))
            yard.paper(lot, who, "assay", passed=True)

        stored = yard.store(lot)

        assert stored.status_code == 200, stored.text
        assert stored.json()["state"] == "STORED"
        assert stored.json()["stored"] == tonnes("140.000")
        pool = yard.pool(yard.keeper, stored.json()["pool"])
        assert (pool["confirmed"], pool["used"]) == (tonnes("140.000"), tonnes("0.000"))

    def test_one_source_is_not_enough(self, yard: Yard):
        lot = yard.enter(tonnes("140.000")).json()["id"]
        for _ in range(2):
            yard.paper(lot, yard.keeper, "weighing", tonnes("140.000"))
            yard.paper(lot, yard.keeper, "assay", passed=True)

        refused = yard.store(lot)

        assert (refused.status_code, refused.json()["code"]) == (409, "lot.not_yet_seen")
        assert yard.stage.get(yard.keeper, f"/v1/lots/{lot}").json()["state"] == "ENTERED"

    def test_sources_that_disagree_are_kept_and_storing_is_refused(self, yard: Yard):
        lot = yard.enter(tonnes("140.000")).json()["id"]
        yard.paper(lot, yard.keeper, "weighing", tonnes("140.000"))

        kept = yard.paper(lot, yard.supervisor, "weighing", tonnes("139.500"))

        assert (kept.status_code, kept.json()["state"]) == (200, "ENTERED"), kept.text
        assert len(shown(yard, lot)["papers"]) == 2
        fields = refusal(yard.store(lot), 409, "lot.sources_disagree")["fields"]
        assert (fields["least"], fields["most"]) == ("139500", "140000")
        again = yard.paper(lot, yard.supervisor, "weighing", tonnes("139.900"))
        assert again.json()["state"] == "WEIGHED"

    def test_an_assay_that_failed_is_kept_and_storing_is_refused(self, yard: Yard):
        lot = yard.enter(tonnes("140.000")).json()["id"]
        yard.seen(lot, tonnes("140.000"))
        assert shown(yard, lot)["state"] == "ASSAYED"

        assert yard.paper(lot, yard.supervisor, "assay", passed=False).status_code == 200

        assert len(shown(yard, lot)["papers"]) == 5
        fields = refusal(yard.store(lot), 409, "lot.assay_failed")["fields"]
        assert fields["source"] == yard.supervisor.uscc
        assert shown(yard, lot)["stored"] is None

    def test_an_assay_that_comes_between_draft_and_signature_is_seen(self, yard: Yard):
        lot = yard.enter(tonnes("140.000")).json()["id"]
        yard.seen(lot, tonnes("140.000"))
        signers = {"signers": yard.keeper.signers("store")}
        draft = yard.stage.post(yard.keeper, f"/v1/lots/{lot}/storing-draft", signers).json()
        assert yard.paper(lot, yard.supervisor, "assay", passed=False).status_code == 200

        signed = {"authorizations": yard.keeper.sign_all(draft)}
        stored = yard.stage.post(yard.keeper, f"/v1/lots/{lot}/store", signed)

        refusal(stored, 409, "subject.version_moved")
        assert shown(yard, lot)["stored"] is None

    def test_a_depositor_stands_for_no_supervisor(self, yard: Yard):
        lot = yard.enter(tonnes("140.000")).json()["id"]
        for who in (yard.keeper, yard.trader):
            yard.paper(lot, who, "weighing", tonnes("140.000"))
            yard.paper(lot, who, "assay", passed=True)

        assert shown(yard, lot)["state"] == "ENTERED"
        refusal(yard.store(lot), 409, "lot.not_yet_seen")

    def test_without_a_supervisor_keeper_and_depositor_see_the_goods(self, yard: Yard):
        lot = yard.enter(tonnes("140.000"), supervisor=None).json()["id"]
        for who in (yard.keeper, yard.trader):
            yard.paper(lot, who, "weighing", tonnes("140.000"))
            yard.paper(lot, who, "assay", passed=True)

        assert yard.store(lot).json()["state"] == "STORED"

    @pytest.mark.parametrize("kind", ["daily_stock", "patrol", "location_card", "exit_slip"])
    def test_a_depositor_says_nothing_of_what_lies_there(self, yard: Yard, kind):
        lot = yard.enter(tonnes("140.000")).json()["id"]

        refused = yard.paper(lot, yard.trader, kind, tonnes("1.000"))

        refusal(refused, 403, "lot.action_not_allowed", "kind")
        assert shown(yard, lot)["papers"] == []

    def test_a_paper_is_not_of_tomorrow(self, yard: Yard):
        lot = yard.enter(tonnes("140.000")).json()["id"]

        paper = {"quantity": tonnes("1.000"), "made_on": "2025-11-04"}
        refusal(
            yard.paper(lot, yard.keeper, "weighing", **paper),
            422,
            "lot.paper_from_future",
            "made_on",
        )

        assert shown(yard, lot)["papers"] == []

    @pytest.mark.parametrize(
        ("kind", "quantity"), [("weighing", "0.000"), ("daily_stock", "-0.001")]
    )
    def test_only_a_stock_report_says_none(self, yard: Yard, kind, quantity):
        lot = yard.enter(tonnes("140.000")).json()["id"]

        refused = yard.paper(lot, yard.keeper, kind, tonnes(quantity))

        refusal(refused, 422, "quantity.invalid", "quantity")
        assert yard.paper(lot, yard.keeper, "daily_stock", tonnes("0.000")).is_success
        assert len(shown(yard, lot)["papers"]) == 1

    def test_papers_are_listed_without_their_originals(self, yard: Yard):
        lot = yard.enter(tonnes("1.000")).json()["id"]
        yard.paper(lot, yard.keeper, "weighing", tonnes("1.000"))

        with yard.stage.database.reading() as session:
            (paper,) = queries.papers(session, parse_id("lot", lot))
            assert inspect(paper).unloaded == {"original"}
            assert paper.original.startswith(b"weighing of lot_")

    def test_a_neighbour_sees_nothing(self, yard: Yard):
        lot = yard.stored("1.000")

        answer = yard.stage.get(yard.stage.cast.supplier, f"/v1/lots/{lot['id']}")

        assert (answer.status_code, answer.json()["code"]) == (404, "subject.not_found")


class TestSingleThings:
    def test_a_vehicle_is_in_one_place_at_a_time(self, yard: Yard):
        units = [{"name": vin, "quantity": pieces(1), "certificate_no": "HGZ1"} for vin in VINS]
        entered = yard.enter(pieces(2), goods="乘用车", grade=None, units=units)
        assert entered.status_code == 201, entered.text

        again = yard.enter(pieces(1), goods="乘用车", grade=None, units=units[:1])

        assert (again.status_code, again.json()["code"]) == (409, "lot.unit_stored_already")
        assert again.json()["fields"]["units"] == [VINS[0]]

    @pytest.mark.parametrize(
        "written", ["lsvaa4181e2184841", " LSVAA4181E2184841 ", "ＬＳＶＡＡ4181Ｅ2184841"]
    )
    def test_however_its_name_is_written(self, yard: Yard, written: str):
        units = [{"name": VINS[0], "quantity": pieces(1)}]
        yard.enter(pieces(1), goods="乘用车", grade=None, units=units)

        again = yard.enter(
            pieces(1), goods="乘用车", grade=None, units=[{**units[0], "name": written}]
        )

        assert (again.status_code, again.json()["code"]) == (409, "lot.unit_stored_already")

    def test_things_are_counted_in_the_unit_of_their_lot(self, yard: Yard):
        units = [{"name": VINS[0], "quantity": tonnes("0.001")}]

        refused = yard.enter(pieces(1), goods="乘用车", grade=None, units=units)

        assert (refused.status_code, refused.json()["code"]) == (422, "lot.unit_names_invalid")
        assert refused.json()["fields"]["given"] == ["TNE"]

    def test_entered_twice_at_one_moment_one_lot_has_it(self, yard: Yard):
        units = [{"name": "ROLL-2025-07", "quantity": pieces(1)}]

        answers = at_once(
            *[lambda: yard.enter(pieces(1), goods="乘用车", grade=None, units=units)] * 6
        )

        assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409, 409]


class TestLossStandard:
    def test_what_would_blind_the_watch_is_refused(self, yard: Yard):
        refused = yard.enter(tonnes("10.000"), loss_standard="0.0501")

        assert (refused.status_code, refused.json()["code"]) == (422, "lot.loss_standard_too_wide")
        assert yard.enter(tonnes("10.000"), loss_standard="0.05").status_code == 201

    def test_a_misspelt_vin_is_refused(self, yard: Yard):
        wrong = VINS[0].replace("4841", "4842")

        refused = yard.enter(pieces(1), units=[{"name": wrong, "quantity": pieces(1)}])

        assert (refused.status_code, refused.json()["code"]) == (422, "lot.unit_names_invalid")
        assert refused.json()["fields"]["misspelt"] == [wrong]
