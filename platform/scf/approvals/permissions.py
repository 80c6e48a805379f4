"""Who may see and move a case: the bank whose it is, and nobody else; under mandates that hold."""

from uuid import UUID

from sqlalchemy.orm import Session

from scf.approvals import journal
from scf.approvals.journal import Open
from scf.approvals.models import Case
from scf.evidence.service import SubjectNotFound, require_version
from scf.http.auth import Actor
from scf.kernel.errors import NotAllowed
from scf.parties.models import Party, PartyKind


class BankOnly(NotAllowed):
    """Only a bank approves loans."""

    code = "approval.bank_only"
    title = "仅银行可以配置审批制度"
    title_en = "Only a bank has a policy"


def require_bank(party: Party) -> None:
    """Raise BankOnly."""
    if party.kind is not PartyKind.BANK:
        raise BankOnly(kind=party.kind.value)


def visible(session: Session, party_id: UUID, case_id: UUID) -> Case:
    """Return a bank's own case. Raises SubjectNotFound."""
    case = session.get(Case, case_id)
    if case is None or case.bank_id != party_id:
        raise SubjectNotFound
    return case


def lock_for(session: Session, actor: Actor, case_id: UUID, expected_version: int | None) -> Open:
    """Return a bank's own case, locked. Raises SubjectNotFound, VersionMoved."""
    visible(session, actor.party, case_id)
    found = journal.lock(session, case_id)
    require_version(found.case, expected_version)
    return found
