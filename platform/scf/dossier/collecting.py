"""Bringing together what belongs into a financing's file, each paper with where it is proven."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.dossier import desk_papers, proving, trade_papers
from scf.dossier.layout import Dossier, Slot
from scf.dossier.proving import PLEDGE, Proofs
from scf.evidence import proofs as evidence_proofs
from scf.evidence import queries as evidence
from scf.evidence.models import Event
from scf.financing import queries as financings
from scf.financing.models import Contract, Financing
from scf.http.auth import Actor
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.papers import typesetting
from scf.papers.layouts import Paper
from scf.parties import papers as signed
from scf.pledges import notice_papers
from scf.pledges.models import Pledge, PledgeSearch, SearchStep
from scf.pledges.notice_models import DebtorNotice, NoticeState
from scf.receivables import papers as receivable_papers
from scf.receivables.models import Receivable
from scf_ledger import canonical

SIGNED = {
    "financing.approved": ("offer", "贷款条件（银行签署）"),
    "pledge.signed": ("pledge", "担保合同要点（借款人签署）"),
    "pledge.accepted": ("acceptance", "接受通知书（银行签署）"),
    "financing.extended": ("extension", "展期协议（双方签署）"),
    "pledge.released": ("release", "解除通知书（银行签署）"),
}
NEEDED = frozenset({"financing.approved", "pledge.signed", "pledge.accepted"})
_STEPS = {SearchStep.BEFORE: "登记前查询证明", SearchStep.AFTER: "登记后复查证明"}


@dataclass(frozen=True, slots=True)
class _File:
    """What is being put together, for whom, and where its proofs can be asked for again."""

    session: Session
    actor: Actor
    public_url: str
    dossier: Dossier
    proofs: Proofs

    def add_signed(self, slot: Slot, name: str, title: str, event: Event) -> None:
        """Put in the paper that an event's parties signed."""
        authorizations = evidence_proofs.authorizations(self.session, event)
        paper = signed.signed_paper(self.session, self.actor, authorizations)
        proof = signed.proof_of(self.session, event, public_url=self.public_url)
        self.add_paper(slot, name, title, replace(paper, proof=proof), event)

    def add_paper(self, slot: Slot, name: str, title: str, paper: Paper, event: Event) -> None:
        """Put in a paper as PDF, which an event proves."""
        by = [f"{self.proofs.of(event)}: {'authorizations' if event.authorizations else 'record'}"]
        self.dossier.add(slot, name, title, typesetting.paper(paper), proven_by=by)


def collect(
    session: Session, actor: Actor, financing: Financing, *, public_url: str
) -> tuple[Dossier, Proofs]:
    """Return the dossier of a financing and the events that it rests on. Raises EvidencePending."""
    dossier, proofs = Dossier(), Proofs(session)
    file = _File(session, actor, public_url, dossier, proofs)
    receivable = session.get_one(Receivable, financing.receivable_id)
    pledge = None if financing.pledge_id is None else session.get_one(Pledge, financing.pledge_id)
    told = evidence.history(session, financing.id)
    own = [] if pledge is None else evidence.history(session, pledge.id)
    for event in told:
        proofs.of(event)
    proven = proving.put_pledge(session, dossier, actor.party, pledge)
    _put_contract(file, financing, {event.type: event for event in [*told, *own]})
    trade_papers.put(session, dossier, proofs, receivable)
    _put_confirmation(file, receivable)
    _put_registry(file, pledge, own, proven=proven)
    _put_notice(file, pledge)
    desk_papers.put(session, dossier, proofs, financing)
    _put_money(file, financing, {event.id: event for event in told})
    proofs.put(dossier)
    return dossier, proofs


def _put_contract(file: _File, financing: Financing, events: Mapping[str, Event]) -> None:
    """Put the contract's text in, and what both sides signed over its hash."""
    dossier = file.dossier
    if financing.contract_sha256 is None:
        dossier.miss(Slot.CONTRACT, "合同", "银行尚未出具贷款条件 No offer yet")
    else:
        text = file.session.get_one(Contract, financing.contract_sha256).body
        by = [f"{file.proofs.of(events['financing.approved'])}: contract_sha256"]
        dossier.add(Slot.CONTRACT, "contract.txt", "借款暨担保合同", text, proven_by=by)
    for type_, (name, title) in SIGNED.items():
        if type_ in events:
            file.add_signed(Slot.CONTRACT, f"{name}.pdf", title, events[type_])
        elif type_ in NEEDED:
            dossier.miss(Slot.CONTRACT, title, "尚未签署 Not signed yet")


def _put_confirmation(file: _File, receivable: Receivable) -> None:
    assert receivable.confirmed_event_hash is not None, "only a confirmed claim is financed"
    event = evidence.event_by_hash(file.session, receivable.confirmed_event_hash)
    paper = receivable_papers.confirmation_paper(
        file.session, file.actor, receivable, public_url=file.public_url
    )
    file.add_paper(Slot.CONFIRMATION, "confirmation.pdf", "应收账款确权函", paper, event)


def _put_registry(file: _File, pledge: Pledge | None, own: list[Event], *, proven: bool) -> None:
    """Put the certificates of searches and of the registration in."""
    dossier = file.dossier
    rows = [] if pledge is None else _searches(file.session, pledge.id)
    for number, row in enumerate(rows, 1):
        dossier.add(
            Slot.REGISTRY,
            f"search-{number:02}-{row.step.value}.{_ending(row.certificate)}",
            f"{_STEPS.get(row.step, '登记复查证明')} {row.cert_no}",
            row.certificate,
            proven_by=[f"{PLEDGE}: pledge.searched cert_no"] if proven else [],
        )
    for step, title in _STEPS.items():
        if step not in {row.step for row in rows}:
            dossier.miss(Slot.REGISTRY, title, "尚无 None yet")
    entry = pledge.registration if pledge else None
    registered = next((event for event in own if event.type == "pledge.registered"), None)
    if entry is None or entry.certificate is None or registered is None:
        dossier.miss(Slot.REGISTRY, "登记证明", "尚未登记 Not registered yet")
        return
    dossier.add(
        Slot.REGISTRY,
        f"registration.{_ending(entry.certificate)}",
        f"登记证明 {entry.reg_no}",
        entry.certificate,
        proven_by=[f"{file.proofs.of(registered)}: certificate_sha256"],
    )


def _put_notice(file: _File, pledge: Pledge | None) -> None:
    notices = [] if pledge is None else _notices(file.session, pledge.id)
    if not notices:
        reason = "尚未通知债务人 The debtor was not notified"
        file.dossier.miss(Slot.NOTICE, "债务人通知书", reason)
    for number, notice in enumerate(notices, 1):
        told = {event.type: event for event in evidence.history(file.session, notice.id)}
        paper = notice_papers.notice_paper(file.session, notice, public_url=file.public_url)
        event = next(told[type_] for type_ in notice_papers.SENT if type_ in told)
        file.add_paper(Slot.NOTICE, f"{number:02}-notice.pdf", "债务人通知书", paper, event)
        if notice.state is not NoticeState.ACKNOWLEDGED:
            reason = f"债务人尚未签署（{notice.state.value}）Not acknowledged"
            file.dossier.miss(Slot.NOTICE, "回执", reason)
            continue
        event = told["debtor_notice.acknowledged"]
        file.add_signed(Slot.NOTICE, f"{number:02}-receipt.pdf", "回执", event)


def _put_money(file: _File, financing: Financing, events: Mapping[UUID, Event]) -> None:
    rows = financings.receipts(file.session, [financing.id])[financing.id]
    if not rows:
        file.dossier.miss(Slot.MONEY, "放款回单", "尚未放款 Not paid out yet")
    for number, row in enumerate(rows, 1):
        content = canonical.encode(
            {
                "kind": row.kind.value,
                "receipt_no": row.receipt_no,
                "on": row.on.isoformat(),
                "amount": financing.money(row.amount_minor).to_json(),
                "principal": financing.money(row.principal_minor).to_json(),
                "interest": financing.money(row.interest_minor).to_json(),
                "event": public_id("evt", row.event_id),
                "reported_at": instant_text(row.reported_at),
            }
        )
        file.dossier.add(
            Slot.MONEY,
            f"{number:02}-{row.kind.value}.json",
            f"回单 {row.receipt_no}",
            content,
            proven_by=[f"{file.proofs.of(events[row.event_id])}: amount, receipt_no"],
        )


def _searches(session: Session, pledge_id: UUID) -> list[PledgeSearch]:
    found = select(PledgeSearch).where(PledgeSearch.pledge_id == pledge_id)
    return list(session.scalars(found.order_by(PledgeSearch.id)))


def _notices(session: Session, pledge_id: UUID) -> list[DebtorNotice]:
    found = select(DebtorNotice).where(
        DebtorNotice.pledge_id == pledge_id, DebtorNotice.issued_at.is_not(None)
    )
    return list(session.scalars(found.order_by(DebtorNotice.id)))


def _ending(content: bytes) -> str:
    return "pdf" if content.startswith(b"%PDF") else "json"
