"""Who would be paid first: what a bank looks at before its money moves."""

from typing import Any

from scf.story.enrol import Party
from scf.story.scenes import Story, text_of


def show(story: Story, bank: Party, financing: str, when: str) -> None:
    """A bank's rank if it registered now, and what it would get of what the debtor owes."""
    path = f"/v1/financings/{financing}/rank"
    found: dict[str, Any] = story.stage.journal.once(f"rank:{when}", lambda: bank.desk.see(path))
    recovery = found["recoveries"][0]
    own = next(share for share in recovery["shares"] if share["whose"] == "own")
    rows = {"现在登记的次序": f"第 {found['rank']} 位，共 {len(found['places'])} 位"}
    rows |= {
        f"第 {place['rank']} 位": f"{place['name']}，{text_of(place['amount'])}；{place['reason']}"
        for place in found["places"]
    }
    rows[f"若回款 {text_of(recovery['total'])}"] = f"本行可得 {text_of(own['gets'])}"
    story.show(bank, "受偿次序与回收测算", rows, result=found["places"][0]["article"])
