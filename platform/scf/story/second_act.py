"""The second act from beginning to end: what a warehouse adds to the receivable's story, and what it comes to."""

from pathlib import Path
from typing import Any, Final

from scf.kernel.calendar import CalendarUnpublished
from scf.story import checks, copper, margin, proving, scale, vehicles
from scf.story.checks import Checked
from scf.story.enrol import Cast
from scf.story.goods import perfect
from scf.story.scenes import publish_revocations
from scf.story.stage import Stage
from scf.story.warehouse import Season, Yard, open_yard

UNPUBLISHED: Final = "存货融资未演示：该年度节假日安排尚未公布 / goods are left out: that year's holidays are not published"


def tell(stage: Stage, cast: Cast, trust: Path) -> dict[str, Any] | None:
    """Play the act, or what is left of it; return what it came to, None where no calendar reaches its days."""
    try:
        season = Season.of(stage.script)
    except CalendarUnpublished:
        stage.screen.say(UNPUBLISHED)
        return None
    yard = open_yard(stage, cast, season)
    lot = copper.store(yard)
    receipt, cars = copper.put_on_receipt(yard, lot), vehicles.store(yard)
    stage.on("仓单出质", "Receipts are pledged", season.pledged_on, "09:00")
    pledge, cars_pledge = copper.pledge(yard, "TJ-01", receipt), vehicles.pledge(yard, cars)
    control = margin.agree(yard)
    copper.show_pledge(yard, pledge, receipt)
    margin.lend(yard, control, pledge)
    copper.hold_back(yard, pledge, receipt)
    call = margin.fall(yard, control)
    more = margin.bring_more(yard)
    perfect(yard, "QC-01", cars_pledge)
    sold = vehicles.sell(yard, cars_pledge, cars)
    margin.cure(yard, control, call, more)
    months = margin.play_2008(yard)
    device = scale.report(yard)
    scale.freeze(yard, lot, receipt, pledge)
    stage.on("银行核验仓单质押", "The bank checks its pledge of goods", season.checked_on, "09:30")
    proofs = _prove(yard, trust, {"goods-pledge": pledge, "vehicles-pledge": cars_pledge})
    scale.close(yard, device)
    return {
        "receipt": receipt["id"],
        "margin": margin.figures(call),
        "months_of_2008": months,
        "vehicles": sold,
        "refused": yard.story.refused,
        "proofs": [proof.to_json() for proof in proofs],
    }


def _prove(yard: Yard, trust: Path, pledges: dict[str, str]) -> list[Checked]:
    """The bank takes its pledges' proofs away, and checks them as any other."""
    publish_revocations(yard.story, "goods:revocations")
    folder, rpc = yard.stage.folder / "proofs", yard.stage.settings.chain_rpc_url
    proofs = []
    for name, pledge in pledges.items():
        path = f"/v1/pledges/{pledge}/proof"
        file = checks.take_away(yard.bank.desk, path, folder / f"{name}.scfproof")
        proof = proving.run(yard.story, "仓单质押证明", file, kind="pledge", trust=trust, rpc=rpc)
        proofs.append(proof)
    return proofs
