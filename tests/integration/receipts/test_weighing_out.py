"""What goes out is weighed twice; a difference is in the record, and everybody with a part in the goods is told."""

import pytest
from sqlalchemy import select

from scf.capacity.models import Notice
from scf.evidence.models import Event
from scf.kernel.ids import parse_id
from scf_ledger.event import parse_disclosure
from tests.support.problems import refusal
from tests.support.warehouse import Yard, tonnes


@pytest.fixture
def receipt(yard: Yard):
    """A hundred tons, of which ten are pledged, and an order for forty."""
    found = yard.issued(yard.stored("100.000"), "100.000")
    yard.hold(found, yard.stage.cast.bank, "10.000")
    assert yard.withdraw(found, tonnes("40.000"), "TH-1").status_code == 201
    return found


def hand_over(yard: Yard, receipt):
    path = f"/v1/warehouse-receipts/{receipt['id']}"
    body = {"order_no": "TH-1", "papers": ["JVBERi0xLjcK"]}
    return yard.sign(yard.keeper, "deliver", f"{path}/delivery-draft", f"{path}/deliver", **body)


def record(yard: Yard, receipt) -> dict:
    """What the newest event of a receipt says."""
    with yard.stage.database.reading() as session:
        own = select(Event).where(Event.subject_id == parse_id("whr", receipt["id"]))
        event = session.scalars(own.order_by(Event.version.desc()).limit(1)).one()
    said = map(parse_disclosure, event.disclosures.split("~"))
    return {"type": event.type, **{one.name: one.value for one in said}}


def told(yard: Yard, receipt) -> dict[str, dict]:
    """Who was told of a difference, and what."""
    with yard.stage.database.reading() as session:
        own = select(Notice).where(
            Notice.subject == receipt["id"], Notice.kind == "receipt.exit_differs"
        )
        return {str(one.party_id): one.fields for one in session.scalars(own)}


def left(yard: Yard, receipt) -> str:
    return str(yard.pool(yard.trader, receipt["pool"])["confirmed"]["quantity"])


class TestWeighing:
    @pytest.mark.parametrize("scales", [[], ["keeper"], ["supervisor"]])
    def test_one_source_is_not_enough(self, yard: Yard, receipt, scales):
        for role in scales:
            yard.weigh_out(receipt, "TH-1", getattr(yard, role))
        absent = {"keeper", "supervisor"} - set(scales)

        refused = refusal(hand_over(yard, receipt), 409, "receipt.exit_unweighed", "order_no")

        missing = sorted(getattr(yard, role).uscc for role in absent)
        assert hand_over(yard, receipt).json()["fields"]["missing"] == missing, refused
        assert left(yard, receipt) == "100.000"

    def test_the_depositor_stands_for_neither(self, yard: Yard, receipt):
        for who in (yard.keeper, yard.trader):
            yard.weigh_out(receipt, "TH-1", who)
        refusal(hand_over(yard, receipt), 409, "receipt.exit_unweighed")

    def test_what_both_saw_is_in_the_record(self, yard: Yard, receipt):
        yard.weigh_out(receipt, "TH-1", yard.keeper, tonnes("40.050"))
        yard.weigh_out(receipt, "TH-1", yard.supervisor, tonnes("39.960"))

        assert hand_over(yard, receipt).status_code == 200

        said = record(yard, receipt)
        assert (said["type"], said["quantity"]) == ("receipt.delivered", tonnes("40.000"))
        assert {one["source"]: one["quantity"] for one in said["weighed"]} == {
            yard.keeper.uscc: tonnes("40.050"),
            yard.supervisor.uscc: tonnes("39.960"),
        }
        assert len(said["papers"]) == 3
        assert told(yard, receipt) == {}
        assert left(yard, receipt) == "60.000"

    def test_the_newest_of_each_source_counts(self, yard: Yard, receipt):
        yard.weigh_out(receipt, "TH-1", yard.keeper, tonnes("400.000"))
        for who in (yard.keeper, yard.supervisor):
            yard.weigh_out(receipt, "TH-1", who)

        assert hand_over(yard, receipt).status_code == 200

        assert [one["quantity"] for one in record(yard, receipt)["weighed"]] == [
            tonnes("40.000")
        ] * 2

    def test_what_was_weighed_for_another_order_does_not_count(self, yard: Yard, receipt):
        assert yard.withdraw(receipt, tonnes("5.000"), "TH-2").status_code == 201
        for who in (yard.keeper, yard.supervisor):
            yard.weigh_out(receipt, "TH-2", who)
        refusal(hand_over(yard, receipt), 409, "receipt.exit_unweighed")

    @pytest.mark.parametrize(
        ("keeper", "supervisor"),
        [
            ("40.000", "40.121"),  # the supervisor saw more leave than was ordered
            ("39.870", "39.870"),  # both saw less
            ("39.930", "40.060"),  # each within the tolerance of the order, not of the other
        ],
    )
    def test_a_difference_is_recorded_and_told_to_everybody(
        self, yard: Yard, receipt, keeper, supervisor
    ):
        yard.weigh_out(receipt, "TH-1", yard.keeper, tonnes(keeper))
        yard.weigh_out(receipt, "TH-1", yard.supervisor, tonnes(supervisor))

        assert hand_over(yard, receipt).status_code == 200

        concerned = (yard.keeper, yard.supervisor, yard.trader, yard.stage.cast.bank)
        found = told(yard, receipt)
        assert found.keys() == {str(one.party_id) for one in concerned}
        (fields,) = {str(one): one for one in found.values()}.values()
        assert (fields["order_no"], fields["quantity"]) == ("TH-1", tonnes("40.000"))
        assert {one["quantity"]["quantity"] for one in fields["weighed"]} == {keeper, supervisor}
        assert left(yard, receipt) == "60.000"


@pytest.mark.parametrize("kind", ["assay", "daily_stock", "location_card"])
def test_only_a_weighing_is_for_an_order(yard: Yard, receipt, kind):
    path = f"/v1/warehouse-receipts/{receipt['id']}/withdrawals"
    order = yard.stage.get(yard.keeper, path).json()[0]["id"]
    lot = receipt["lots"][0]["lot"]

    refused = yard.paper(lot, yard.keeper, kind, tonnes("1.000"), order=order)

    refusal(refused, 422, "lot.order_not_weighed", "order")
