"""The scenes in which the bank checks on its own."""

from pathlib import Path
from typing import Any, Final

from scf.story import checks
from scf.story.checks import Checked
from scf.story.desk import Desk, StoryDiverged
from scf.story.scenes import Story
from scf.story.waiting import NotYet

VERIFYING: Final = "scf-verify"
MOVED_ON: Final = "日志收录解除 / the release in the log"
FRAGMENTS: Final = {
    "record": "记录",
    "inclusion": "入账",
    "checkpoint": "检查点",
    "authorization": "签署",
    "completeness": "齐备",
    "anchor": "上链",
    "standing": "现状",
}
MARKS: Final = {"pass": "✓", "fail": "✗", "not_checked": "–"}


def check(story: Story, trust: Path, pledge: str, confirmed: dict[str, Any]) -> list[Checked]:
    """The bank takes its proofs away and checks them; forged copies fail where they were forged."""
    story.stage.screen.scene("银行自行核验", "The bank checks on its own")
    desk, rpc = story.cast.bank.desk, story.stage.settings.chain_rpc_url
    folder, log = story.stage.folder / "proofs", f"{story.stage.settings.public_url}/log"
    own = checks.take_away(desk, f"/v1/pledges/{pledge}/proof", folder / "pledge.scfproof")
    event = _event_of(desk, confirmed["id"], "receivable.confirmed")
    said = checks.take_away(desk, f"/v1/events/{event}/proof", folder / "confirmation.scfproof")
    if "release" not in story.stage.journal:
        run(story, "质押证明，含现状", own, kind="pledge", trust=trust, rpc=rpc, log=log)
    results = [
        run(story, "质押证明", own, kind="pledge", trust=trust, rpc=rpc),
        run(story, "确权证明", said, kind="event", trust=trust, rpc=rpc),
    ]
    titles = {"record": "篡改一个字节的证明", "completeness": "抽走一份文件的证明"}
    for fragment, file in checks.forgeries(own).items():
        forged = run(
            story, titles[fragment], file, kind="pledge", trust=trust, rpc=rpc, expect="fail"
        )
        if forged.fragments[fragment] != "fail":
            raise StoryDiverged(step="forgery", fragment=fragment, found=forged.fragments)
        results.append(forged)
    return results


def check_standing(story: Story, proof: Checked, trust: Path) -> None:
    """The old proof is still true of its day; the log says that the pledge has moved on."""
    story.stage.screen.scene("旧证明的现状", "What the old proof's standing says")
    log = f"{story.stage.settings.public_url}/log"

    def moved_on() -> Checked:
        checked = checks.verify(proof.file, kind="pledge", trust=trust, expect="fail", log=log)
        if checked.fragments["standing"] != "fail":
            raise NotYet(str(checked.fragments))
        return checked

    checked = story.stage.patience.until(MOVED_ON, moved_on)
    _show(story, "已解除质押的旧证明", checked)


def run(story: Story, title: str, file: Path, *, expect: str = "pass", **how: Any) -> Checked:
    """Run the verifier until whom it asks answers, and show the ticks. Raises StoryDiverged."""
    checked = story.stage.patience.until(
        VERIFYING, lambda: checks.verify(file, expect=expect, **how)
    )
    _show(story, title, checked)
    return checked


def _show(story: Story, title: str, checked: Checked) -> None:
    ticks = "  ".join(
        f"{MARKS[status]} {FRAGMENTS[name]}" for name, status in checked.fragments.items()
    )
    verdict = "通过" if checked.verdict == "pass" else "不通过"
    story.stage.screen.form(
        story.cast.bank.name,
        f"scf-verify · {title}",
        {"文件": checked.file.name, "核验": ticks},
        result=f"{verdict}（{'预期如此' if checked.as_expected else '与预期不符'}）",
        good=checked.as_expected,
    )
    if not checked.as_expected:
        raise StoryDiverged(step="verify", file=checked.file.name, found=checked.fragments)


def _event_of(desk: Desk, subject: str, type_: str) -> str:
    """Find an event of a subject in the party's own feed. Raises StoryDiverged."""
    after = -1
    while items := (feed := desk.see("/v1/events", after=after))["items"]:
        for event in items:
            if (event["subject"], event["type"]) == (subject, type_):
                return str(event["id"])
        after = feed["next"]
    raise StoryDiverged(step="feed", subject=subject, expected=type_)
