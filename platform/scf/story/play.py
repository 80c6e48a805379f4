"""The story from beginning to end, and what it comes to."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from scf import bootstrap
from scf.audit.service import audit_installation
from scf.db.session import Database
from scf.documents.models import Document
from scf.kernel.ids import parse_id
from scf.story import arrival, credit, figures, month, outside, proving, ranking, scenes, second_act
from scf.story.checks import Checked
from scf.story.desk import StoryDiverged
from scf.story.enrol import enrol
from scf.story.names import write_names
from scf.story.scenes import Story
from scf.story.script import RATE
from scf.story.second_platform import try_to_lock
from scf.story.stage import OVER, Stage
from scf.story.waiting import NotYet
from scf_ledger.tokens.client import Invoice

ANCHORING: Final = "全部事件入账、上链 / every event logged and anchored"
LOCKING: Final = "令牌服务、链 / token service and chain"
AUDITING: Final = "全面核对 / reading everything again"
CHAIN: Final = {"checked": "已核对", "unavailable": "无法访问", "not_checked": "未核对"}


def play(stage: Stage) -> dict[str, Any]:
    """Play the story, or what is left of it, and return the report. Raises what its parts raise."""
    database = Database(stage.settings.database_url, pool_size=2)
    try:
        _open(stage, database)
        cast = enrol(stage)
        trust = bootstrap.write_trust(stage.settings, database)
        story = Story(stage, cast)
        proofs, arrived = _tell(story, trust, database)
        goods = second_act.tell(stage, cast, trust)
        if goods is not None:
            arrival.show_checks(story, arrived)
        report = {
            **settle(stage, database),
            "trust": str(trust),
            "names": str(write_names(stage, cast)),
            "proofs": [proof.to_json() for proof in proofs],
            "refused": story.refused,
            "warehouse": goods,
            "audit": _audited(stage),
        }
        stage.journal.once(OVER, lambda: True)
        return report
    finally:
        database.close()


def _open(stage: Stage, database: Database) -> None:
    """Take the story up where it stands."""
    if OVER in stage.journal:
        stage.screen.say(
            "演示已完成过：以下为记录，证明与账目重新核验 / told before: verified anew"
        )
    else:
        with database.reading() as session:
            stage.go_on(figures.last_event_at(session))
    stage.journal.once("papers", lambda: stage.script.papers.sha256)


def _tell(story: Story, trust: Path, database: Database) -> tuple[list[Checked], arrival.Arrived]:
    """Play scene after scene; the bank checks in the middle and at the end."""
    ids = scenes.register_documents(story)
    receivable = scenes.submit_receivable(story, ids)["id"]
    confirmed = scenes.confirm(story, receivable)
    credit.configure(story)
    asked = scenes.ask(story, receivable)
    financing, other = asked["bank"]["id"], asked["second_bank"]["id"]
    credit.decide(story, financing)
    ranking.show(story, story.cast.bank, financing, "first")
    scenes.approve(story, story.cast.bank, financing, "bank", RATE)
    pledge = scenes.pledge(story, financing)["id"]
    scenes.refuse_second_bank(story, other)
    scenes.perfect(story, pledge)
    ranking.show(story, story.cast.second_bank, other, "second")
    scenes.publish_revocations(story)
    _second_platform(story, database, ids)
    outside.ask(story, database, ids)
    proofs = proving.check(story, trust, pledge, confirmed)
    credit.clear(story, financing)
    scenes.disburse(story, financing)
    credit.take_dossier(story, financing)
    month.take_back(story, ids, pledge)
    scenes.collect(story, receivable, financing)
    scenes.release(story, pledge, financing)
    month.keep_silent(story)
    arrived = arrival.upload(story)
    proving.check_standing(story, proofs[0], trust)
    return proofs, arrived


def _second_platform(story: Story, database: Database, ids: Iterable[str]) -> None:
    """Another platform holds the same papers, and finds the asset locked."""
    stage = story.stage

    def attempt() -> Any:
        with database.reading() as session:
            papers = [session.get_one(Document, parse_id("doc", text)) for text in ids]
            invoices = [Invoice(p.seller_uscc, p.number, p.original_sha256) for p in papers]
            registry = figures.registry_address(session)
        return try_to_lock(stage.settings, stage.folder, invoices, registry)

    problem = stage.journal.once("second-platform", lambda: stage.patience.until(LOCKING, attempt))
    story.refuse("a second platform's lock on the same invoices", "另一平台", "链上锁定", problem)


def settle(stage: Stage, database: Database) -> dict[str, Any]:
    """Wait until every event is in the log and the log's head is anchored. Raises StoryStuck."""

    def look() -> dict[str, Any]:
        with database.reading() as session:
            found = figures.totals(session)
        if found is None or found["anchor"]["size"] != found["events"]:
            raise NotYet(str(found))
        return found

    return stage.patience.until(ANCHORING, look)


def _audited(stage: Stage) -> str:
    """Read everything again, from events to the contract. Raises StoryDiverged at a difference."""
    stage.screen.scene("审计", "Audit")
    with stage.screen.waiting(AUDITING):
        report = audit_installation(stage.settings)
    if report.difference is not None:
        raise StoryDiverged(step="audit", **report.difference.to_json())
    rows = {
        "已复核": f"{sum(report.rows.values())} 行，{len(report.rows)} 张表",
        "链": CHAIN[report.chain],
    }
    stage.screen.form("平台", "scf audit", rows, result="一致 clean")
    return "clean"
