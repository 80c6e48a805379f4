"""Random stocktakes: neither side, nor whoever makes blocks, chooses what is counted; anyone can check the draw."""

import hashlib
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from scf.evidence.models import Event
from scf.kernel.ids import parse_id
from scf.stocktakes.models import StocktakeSide
from scf_ledger.encoding import b64url, from_b64url
from tests.support.actors import STORY_BEGINS
from tests.support.problems import refusal
from tests.support.stocktakes import SALTS, VALUES, FakeChain, Run, block
from tests.support.warehouse import open_yard, tonnes
from tests.support.watching import pledged

CHECK = Path(__file__).parents[3] / "docs/examples/check_draw.py"


@pytest.fixture(scope="module")
def yard(stage):
    return open_yard(stage)


@pytest.fixture(scope="module")
def lots(stage, yard):
    """Five lots, each with a receipt that is pledged to the bank."""
    found = []
    for number in range(5):
        lot = yard.stored("100.000", location=f"S-{number}")
        pledged(stage, yard, yard.issued(lot, "100.000"))
        found.append(lot["id"])
    return found


@pytest.fixture(autouse=True)
def at_the_beginning(stage):
    stage.clock.set(STORY_BEGINS)


@pytest.fixture
def chain():
    return FakeChain()


@pytest.fixture
def bank(stage):
    return stage.cast.bank


@pytest.fixture
def run(stage, yard, bank, chain, lots):
    return Run(stage, yard, bank, chain, lots)


class TestCalling:
    def test_is_the_banks_over_what_it_holds(self, stage, run, yard, bank, lots):
        other = yard.stored("10.000", location="S-9")["id"]
        for who, listed in (
            (stage.cast.second_bank, lots),
            (yard.keeper, lots),
            (yard.supervisor, lots),
            (bank, [*lots, other]),
            (bank, ["lot_01k3e5m8q2x7v9b4c6d8f0g1h2"]),
        ):
            refusal(run.call(lots=listed, who=who), 404, "subject.not_found")
        refusal(run.call(draws=6), 422, "stocktake.draws_too_many", "draws")
        refusal(run.call(lots=[lots[0], lots[0]]), 422, "stocktake.lots_mixed", "lots")

    def test_the_keeper_learns_of_it_when_it_is_over(self, stage, run, yard):
        run.call()
        for who in (yard.keeper, yard.trader, stage.cast.second_bank):
            refusal(stage.get(who, f"/v1/stocktakes/{run.id}"), 404, "subject.not_found")
            assert run.id not in stage.get(who, "/v1/stocktakes", limit=500).text
        assert run.seen(yard.supervisor)["state"] == "CALLED"
        stage.clock.set(STORY_BEGINS + timedelta(days=2))
        run.turn()
        assert run.seen(yard.keeper)["state"] == "FAILED"


class TestDrawing:
    def test_is_made_of_both_values_and_the_block_announced_before(self, run, lots):
        seen = run.until_drawn()

        assert (seen["height"], seen["block_hash"]) == (120, f"0x{block(120).hex()}")
        seed = hashlib.sha256(VALUES["bank"] + VALUES["supervisor"] + block(120)).digest()
        assert seen["seed"] == b64url(seed)
        by_hash = sorted(lots, key=lambda lot: hashlib.sha256(seed + lot.encode()).digest())
        assert seen["drawn"] == by_hash[:2]
        assert seen["state"] == "DRAWN"

    def test_anyone_checks_it_with_twenty_lines_of_python(self, stage, run, bank, tmp_path):
        run.until_drawn()
        file = tmp_path / "draw.json"
        file.write_bytes(stage.get(bank, f"/v1/stocktakes/{run.id}/draw").content)
        good = subprocess.run(
            [sys.executable, CHECK, file], capture_output=True, check=False, text=True
        )
        assert (good.returncode, good.stderr) == (0, "")
        said = json.loads(file.read_text())
        for change in (
            {"drawn": said["drawn"][::-1]},
            {"block_hash": "0x" + "00" * 32},
            {"bank": {**said["bank"], "value": b64url(bytes(32))}},
            {"lots": said["lots"][1:]},
        ):
            file.write_text(json.dumps(said | change))
            bad = subprocess.run([sys.executable, CHECK, file], capture_output=True, check=False)
            assert bad.returncode == 1, change

    def test_the_list_is_fixed_before_anybody_commits(self, stage, run, lots):
        run.call()
        with stage.database.reading() as session:
            of_run = Event.subject_id == parse_id("stk", run.id)
            event = session.scalars(select(Event).where(of_run)).one()
        record = dict(json.loads(from_b64url(text))[1:] for text in event.disclosures.split("~"))
        text = json.dumps(sorted(lots), separators=(",", ":")).encode()
        assert record["lots_sha256"] == b64url(hashlib.sha256(text).digest())

    def test_no_height_is_announced_before_both_committed(self, run, chain):
        run.call()
        run.commit("bank")
        run.turn()
        assert (run.seen()["state"], run.seen()["height"], chain.asked) == ("CALLED", None, [])

    def test_a_block_counts_when_it_is_final(self, run, chain):
        run.call()
        run.commit("bank")
        run.commit("supervisor")
        run.turn()
        for number in (119, 120, 122):
            chain.number = number
            run.turn()
            assert run.seen()["state"] == "ANNOUNCED"
            refusal(run.reveal("bank"), 409, "stocktake.step_refused")
        chain.number = 123
        run.turn()
        assert run.seen()["state"] == "SEALED"

    def test_a_lost_block_is_announced_anew_while_nothing_is_revealed(self, run, chain):
        run.until_sealed()
        before = run.seen()["block_hash"]
        chain.fork, chain.number = b"other", 110
        run.turn()
        seen = run.seen()
        assert (seen["state"], seen["height"], seen["block_hash"]) == ("ANNOUNCED", 130, None)
        chain.number = 140
        run.turn()
        assert run.seen()["block_hash"] == f"0x{block(130, b'other').hex()}" != before

    def test_and_stands_once_a_value_is_known(self, run, chain):
        run.until_sealed()
        before = run.seen()["block_hash"]
        assert run.reveal("bank").is_success
        chain.fork = b"other"
        run.turn()
        assert (run.seen()["state"], run.seen()["block_hash"]) == ("SEALED", before)


class TestCheating:
    def test_a_commitment_is_made_once_and_is_ones_own(self, run):
        run.call()
        assert run.commit("bank").is_success
        refusal(run.commit("bank", b"x" * 32), 409, "stocktake.step_refused")
        digest = b64url(hashlib.sha256(SALTS["bank"] + VALUES["bank"]).digest())
        copied = run.act(run.yard.supervisor, "commit", {"commitment": digest})
        refusal(copied, 422, "stocktake.commitment_copied", "commitment")
        assert len(run.seen()["sides"]) == 1

    @pytest.mark.parametrize("change", ["value", "salt"])
    def test_nothing_else_is_revealed_than_was_committed(self, run, change):
        run.until_sealed()
        wrong = run.reveal("bank", **{change: b64url(b"z" * 32)})
        refusal(wrong, 422, "stocktake.reveal_wrong", "value")
        assert run.seen()["sides"][0]["value"] is None

    def test_strangers_take_no_part(self, stage, run, yard):
        run.until_sealed()
        body = {"salt": b64url(SALTS["bank"]), "value": b64url(VALUES["bank"])}
        for who in (yard.keeper, stage.cast.second_bank):
            refusal(run.act(who, "reveal", body), 404, "subject.not_found")

    @pytest.mark.parametrize("name", ["bank", "supervisor"])
    def test_not_revealing_is_failing(self, stage, run, name):
        run.until_sealed()
        other = {"bank": "supervisor", "supervisor": "bank"}[name]
        assert run.reveal(other).is_success
        stage.clock.set(STORY_BEGINS + timedelta(hours=24, minutes=1))
        refusal(run.reveal(name), 409, "stocktake.step_refused")
        run.turn()
        seen = run.seen()
        assert (seen["state"], seen["failed"]) == ("FAILED", [run.side(name).id])
        assert (seen["seed"], seen["drawn"]) == (None, None)

    def test_who_fails_is_told_to_the_bank_which_repeats_it(self, stage, run, bank, yard):
        """It disputes nothing: the owner of the goods has not failed."""
        run.until_sealed()
        assert run.reveal("bank").is_success
        stage.clock.set(STORY_BEGINS + timedelta(hours=24, minutes=1))
        run.turn()
        run.turn()
        failed = run.id

        (task,) = self.repeats(stage, bank, failed)
        assert (task["state"], task["role"], task["due_on"]) == ("open", "risk", "2025-11-07")
        assert task["fields"] == {"failed": [yard.supervisor.uscc], "lots": sorted(run.lots)}
        for who in (yard.supervisor, yard.keeper, stage.cast.second_bank):
            assert self.repeats(stage, who, failed) == []
        alarms = stage.get(bank, "/v1/stock-alarms", limit=500).json()["items"]
        assert [one for one in alarms if one["lot"] in run.lots] == []

        run.chain.number = 100
        drawn = run.until_drawn()["drawn"]
        assert run.count(drawn[0], tonnes("100.000")).is_success
        assert self.repeats(stage, bank, failed)[0]["state"] == "open"
        assert run.count(drawn[1], tonnes("100.000")).json()["state"] == "DONE"
        assert self.repeats(stage, bank, failed)[0]["state"] == "done"

    def repeats(self, stage, who, stocktake):
        answer = stage.get(who, "/v1/tasks", kind="stocktake.repeat", subject=stocktake)
        return answer.json()["items"]

    def test_not_committing_and_not_counting_are_failing_too(self, stage, run):
        run.call()
        run.commit("bank")
        stage.clock.set(STORY_BEGINS + timedelta(hours=24, minutes=1))
        run.turn()
        assert run.seen()["failed"] == [run.yard.supervisor.id]
        stage.clock.set(STORY_BEGINS)
        run.chain.number = 100
        run.until_drawn()
        stage.clock.set(STORY_BEGINS + timedelta(hours=48, minutes=1))
        run.turn()
        assert run.seen()["failed"] == [run.yard.supervisor.id]

    def test_the_database_opens_only_what_was_closed(self, stage, run):
        run.until_sealed()
        opened = update(StocktakeSide).values(
            salt=b"a" * 32, value=b"b" * 32, revealed_at=STORY_BEGINS
        )
        with pytest.raises(DBAPIError), stage.database.transaction() as session:
            session.execute(opened.where(StocktakeSide.value.is_(None)))


class TestCounting:
    def test_ends_with_the_last_drawn_lot(self, run, yard):
        drawn = run.until_drawn()["drawn"]
        spared = next(lot for lot in run.lots if lot not in drawn)
        refusal(run.count(spared, tonnes("100.000")), 422, "stocktake.not_drawn", "lot")
        refusal(run.count(drawn[0], tonnes("-1.000")), 422, "quantity.invalid", "counted")
        refusal(run.count(drawn[0], tonnes("1.000"), run.bank), 409, "stocktake.step_refused")
        assert run.count(drawn[0], tonnes("99.900")).json()["state"] == "DRAWN"
        refusal(run.count(drawn[0], tonnes("99.900")), 422, "stocktake.not_drawn", "lot")
        done = run.count(drawn[1], tonnes("100.000")).json()
        assert (done["state"], done["failed"], len(done["counts"])) == ("DONE", [], 2)
        assert run.seen(yard.keeper)["state"] == "DONE"

    def test_a_difference_disputes_the_receipts_and_tells_the_bank(self, stage, run, yard, bank):
        drawn = run.until_drawn()["drawn"]
        assert run.count(drawn[0], tonnes("0.000")).is_success

        alarms = stage.get(bank, "/v1/stock-alarms", limit=500).json()["items"]
        (alarm,) = [one for one in alarms if one["lot"] == drawn[0]]
        assert (alarm["book"], alarm["counted"]) == (tonnes("100.000"), tonnes("0.000"))
        (receipt,) = alarm["receipts"]
        path = f"/v1/warehouse-receipts/{receipt}"
        assert stage.get(yard.trader, path).json()["state"] == "DISPUTED"
        # The pledgee lifts it alone.
        path = f"/v1/stock-alarms/{alarm['id']}"
        assert stage.post(bank, f"{path}/lifting", {"reason": "已复核"}).is_success
        lifted = yard.sign(bank, "waive", f"{path}/draft", f"{path}/sign")
        assert lifted.json()["lifted_at"] is not None, lifted.text
        receipt_path = f"/v1/warehouse-receipts/{receipt}"
        assert stage.get(yard.trader, receipt_path).json()["state"] == "ACTIVE"
