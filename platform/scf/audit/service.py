"""The whole audit, in the order in which one thing rests on another."""

import time
from typing import Final

from sqlalchemy.orm import Session

from scf.audit import chain as chains
from scf.audit import (
    confirmations,
    daily_files,
    evaluations,
    lists,
    log,
    onboardings,
    parties,
    statements,
)
from scf.audit.finding import Different, Report, expect
from scf.audit.history import orphan
from scf.audit.subjects import (
    approvals,
    blind_holds,
    collateral,
    consignments,
    debtor_notices,
    devices,
    documents,
    financings,
    freight_bills,
    invoice_checks,
    lots,
    pledges,
    pools,
    prices,
    receipts,
    receivables,
    reconciliations,
    red_notes,
    stages,
    stock_alarms,
    stocktakes,
    trade,
)
from scf.db.session import Database
from scf.evidence.contracts import connect
from scf.kernel.ids import public_id
from scf.settings import Settings
from scf_ledger.chain.client import Chain

SUBJECTS = (
    *(stages, blind_holds, stocktakes, lots, receipts),
    *(documents, trade, receivables, pools, pledges, financings, debtor_notices, red_notes),
    *(invoice_checks, reconciliations, approvals, prices, collateral, devices, stock_alarms),
    *(consignments, freight_bills),
)
ON_CHAIN: Final = frozenset({"anchors", "chain_home", "chain_transactions"})
ATTEMPTS_MAX: Final = 4
PAUSE_SECONDS: Final = 3  # the sender notices lost blocks, and sends again, within this


def audit_installation(settings: Settings) -> Report:
    """Audit an installation with its chain; one that has just lost blocks is looked at again.

    Raises DatabaseBusy where the database is away.
    """
    database, chain = Database(settings.database_url, pool_size=1), connect(settings)
    try:
        for _ in range(ATTEMPTS_MAX):
            with database.reading() as session:
                report = audit(session, chain=chain)
            if report.difference is None or report.difference.table not in ON_CHAIN:
                break
            time.sleep(PAUSE_SECONDS)
    finally:
        database.close()
    return report


def audit(session: Session, *, chain: Chain | None = None) -> Report:
    """Read everything again; end at the first difference. One snapshot of the database."""
    report = Report()
    try:
        _audit(session, chain, report)
    except Different as found:
        report.difference = found.difference
    return report


def _audit(session: Session, chain: Chain | None, report: Report) -> None:
    codes = parties.usccs(session, report)
    parties.check_papers(session, codes, report)
    found = orphan(session)
    if found is not None:
        key = public_id("evt", found["id"])
        expect("events", key, "subject_id", found["subject_id"], "一个已有对象 a known subject")
    for subjects in SUBJECTS:
        subjects.check(session, codes, report)
    statements.check(session, codes, report)
    confirmations.check(session, codes, report)
    evaluations.check(session, report)
    lists.check(session, codes, report)
    onboardings.check(session, codes, report)
    log.check(session, report)
    daily_files.check(session, codes, report)
    chains.check(session, chain, report)
