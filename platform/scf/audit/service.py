"""The whole audit, in the order in which one thing rests on another."""

from sqlalchemy.orm import Session

from scf.audit import chain as chains
from scf.audit import log, parties, statements
from scf.audit.finding import Different, Report, expect
from scf.audit.history import orphan
from scf.audit.subjects import documents, financings, pledges, pools, receivables
from scf.kernel.ids import public_id
from scf_ledger.chain.client import Chain

SUBJECTS = (documents, receivables, pools, pledges, financings)


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
    log.check(session, report)
    chains.check(session, chain, report)
