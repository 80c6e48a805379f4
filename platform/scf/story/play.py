"""The story from beginning to end, and what it comes to."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from scf import bootstrap
from scf.audit.service import audit
from scf.db.session import Database
from scf.documents.models import Document
from scf.evidence.contracts import connect
from scf.kernel.ids import parse_id
from scf.settings import Settings
from scf.story import checks, figures, scenes
from scf.story.checks import Checked
from scf.story.desk import POLL_SECONDS, Desk, StoryDiverged, StoryStuck
from scf.story.enrol import enrol
from scf.story.journal import Journal
from scf.story.scenes import Story
from scf.story.screens import Screen
from scf.story.second_platform import try_to_lock
from scf_ledger.tokens.client import Invoice

SETTLE_SECONDS: Final = 120
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


def play(settings: Settings, screen: Screen) -> dict[str, Any]:
    """Play the story, or what is left of it, and return the report. Raises what its parts raise."""
    folder = settings.data / "story"
    journal = Journal(folder / "journal.json")
    database = Database(settings.database_url, pool_size=2)
    try:
        cast = enrol(settings, journal, folder)
        trust = bootstrap.write_trust(settings, database)
        story = Story(settings, journal, screen, cast)
        proofs = _tell(story, folder, trust, database)
        settled = settle(database)
        return {
            **settled,
            "trust": str(trust),
            "proofs": [proof.to_json() for proof in proofs],
            "refused": story.refused,
            "audit": _audited(settings, database, screen),
        }
    finally:
        database.close()


def _tell(story: Story, folder: Path, trust: Path, database: Database) -> list[Checked]:
    """Play scene after scene; the bank checks in the middle and at the end."""
    ids = scenes.register_documents(story)
    receivable = scenes.submit_receivable(story, ids)["id"]
    confirmed = scenes.confirm(story, receivable)
    asked = scenes.ask(story, receivable)
    bank = story.cast.bank
    scenes.approve(story, bank, asked["bank"]["id"], "bank", scenes.RATE)
    pledge = scenes.pledge(story, asked["bank"]["id"])["id"]
    scenes.refuse_second_bank(story, asked["second_bank"]["id"])
    scenes.perfect(story, pledge)
    scenes.publish_revocations(story)
    _second_platform(story, folder, database, ids)
    proofs = _check(story, folder / "proofs", trust, pledge, confirmed)
    scenes.disburse(story, asked["bank"]["id"])
    scenes.collect(story, receivable, asked["bank"]["id"])
    scenes.release(story, pledge, asked["bank"]["id"])
    _check_standing(story, proofs[0], trust)
    return proofs


def _second_platform(story: Story, folder: Path, database: Database, ids: Iterable[str]) -> None:
    """Another platform holds the same papers, and finds the asset locked."""

    def attempt() -> Any:
        with database.reading() as session:
            papers = [session.get_one(Document, parse_id("doc", text)) for text in ids]
            invoices = [Invoice(p.seller_uscc, p.number, p.original_sha256) for p in papers]
            registry = figures.registry_address(session)
        return try_to_lock(story.settings, folder, invoices, registry)

    problem = story.journal.once("second-platform", attempt)
    story.refuse("a second platform's lock on the same invoices", "另一平台", "链上锁定", problem)


def _check(
    story: Story, folder: Path, trust: Path, pledge: str, confirmed: dict[str, Any]
) -> list[Checked]:
    """The bank takes its proofs away and checks them; forged copies fail where they were forged."""
    story.screen.scene("银行自行核验", "The bank checks on its own", "")
    desk, rpc = story.cast.bank.desk, story.settings.chain_rpc_url
    own = checks.take_away(desk, f"/v1/pledges/{pledge}/proof", folder / "pledge.scfproof")
    event = _event_of(desk, confirmed["id"], "receivable.confirmed")
    said = checks.take_away(desk, f"/v1/events/{event}/proof", folder / "confirmation.scfproof")
    log = f"{story.settings.public_url}/log"
    results = [
        checks.verify(own, kind="pledge", trust=trust, expect="pass", rpc=rpc),
        checks.verify(said, kind="event", trust=trust, expect="pass", rpc=rpc),
    ]
    if "release" not in story.journal:
        checked = checks.verify(own, kind="pledge", trust=trust, expect="pass", rpc=rpc, log=log)
        _show(story, "质押证明（离线、上链、现状）", checked)
    for fragment, file in checks.forgeries(own).items():
        forged = checks.verify(file, kind="pledge", trust=trust, expect="fail", rpc=rpc)
        if forged.fragments[fragment] != "fail":
            raise StoryDiverged(step="forgery", fragment=fragment, found=forged.fragments)
        results.append(forged)
    titles = ("质押证明", "确权证明", "篡改一个字节的证明", "抽走一份文件的证明")
    for title, checked in zip(titles, results, strict=True):
        _show(story, title, checked)
    return results


def _check_standing(story: Story, proof: Checked, trust: Path) -> None:
    """The old proof is still true of its day; the log says that the pledge has moved on."""
    story.screen.scene("旧证明的现状", "What the old proof's standing says", "")
    log = f"{story.settings.public_url}/log"
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        checked = checks.verify(proof.file, kind="pledge", trust=trust, expect="fail", log=log)
        if checked.fragments["standing"] == "fail" or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    _show(story, "已解除质押的旧证明", checked)


def _show(story: Story, title: str, checked: Checked) -> None:
    ticks = "  ".join(
        f"{MARKS[status]} {FRAGMENTS[name]}" for name, status in checked.fragments.items()
    )
    verdict = "通过" if checked.verdict == "pass" else "不通过"
    story.screen.form(
        story.cast.bank.name,
        f"scf-verify · {title}",
        {"文件": checked.file.name, "核验": ticks},
        result=f"{verdict}（预期如此）" if checked.as_expected else f"{verdict}（与预期不符）",
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


def settle(database: Database) -> dict[str, Any]:
    """Wait until every event is in the log and the log's head is anchored. Raises StoryStuck."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        with database.reading() as session:
            found = figures.totals(session)
        if found is not None and found["anchor"]["size"] == found["events"]:
            return found
        if time.monotonic() > deadline:
            raise StoryStuck(step="anchor", found=found)
        time.sleep(POLL_SECONDS)


def _audited(settings: Settings, database: Database, screen: Screen) -> str:
    """Read everything again, from events to the contract. Raises StoryDiverged at a difference."""
    screen.scene("审计", "Audit", "")
    with database.reading() as session:
        report = audit(session, chain=connect(settings))
    if report.difference is not None:
        raise StoryDiverged(step="audit", **report.difference.to_json())
    rows = {
        "已复核": f"{sum(report.rows.values())} 行，{len(report.rows)} 张表",
        "链": report.chain,
    }
    screen.form("平台", "scf audit", rows, result="一致 clean")
    return "clean"
