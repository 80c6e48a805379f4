"""Goods in: two sources weigh and assay, the keeper signs, the lot's pool counts what is there."""

from tests.support.warehouse import Yard, pieces, tonnes

VINS = ("LSVAA4181E2184841", "LFPH3ACC3B1A00001")


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

    def test_sources_that_disagree_are_refused_and_nothing_is_kept(self, yard: Yard):
        lot = yard.enter(tonnes("140.000")).json()["id"]
        yard.paper(lot, yard.keeper, "weighing", tonnes("140.000"))

        refused = yard.paper(lot, yard.supervisor, "weighing", tonnes("139.500"))

        assert (refused.status_code, refused.json()["code"]) == (409, "lot.sources_disagree")
        assert len(yard.stage.get(yard.keeper, f"/v1/lots/{lot}").json()["papers"]) == 1

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

    def test_a_misspelt_vin_is_refused(self, yard: Yard):
        wrong = VINS[0].replace("4841", "4842")

        refused = yard.enter(pieces(1), units=[{"name": wrong, "quantity": pieces(1)}])

        assert (refused.status_code, refused.json()["code"]) == (422, "lot.unit_names_invalid")
        assert refused.json()["fields"]["misspelt"] == [wrong]
