"""HTTP shapes of pledge records."""

from typing import Any, Literal, Self

from pydantic import Field

from scf.evidence.log import Covering
from scf.evidence.models import Event
from scf.feed import folding
from scf.feed.folding import History, Standing, Told
from scf.feed.permissions import Relation
from scf.feed.reading import PoolThen, RecordThen
from scf.http.schemas import (
    DateText,
    DigestText,
    EventId,
    InstantText,
    MeasureOut,
    Out,
    PledgeId,
    PoolId,
    UsccText,
)
from scf.kernel.clock import parse_date, parse_instant
from scf.kernel.ids import public_id
from scf.kernel.quantity import read_measure
from scf.pledges.models import State
from scf.pledges.priority import ClaimKind
from scf.rules.models import RuleEvaluation
from scf_ledger.encoding import b64url
from scf_ledger.event import record_of

OTHER = "其他权利人"


class LinksOut(Out):
    """Where to go on: paths of this API."""

    event: str = Field(examples=["/v1/events/evt_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    event_proof: str
    record: str = Field(description="该时点的质押记录 The record as it stood then")
    record_proof: str

    @classmethod
    def to(cls, event: str, pledge: str, index: int) -> Self:
        """Link an event of a pledge."""
        return cls(
            event=f"/v1/events/{event}",
            event_proof=f"/v1/events/{event}/proof",
            record=f"/v1/pledge-records/{pledge}?as_of_index={index}",
            record_proof=f"/v1/pledge-records/{pledge}/proof?as_of_index={index}",
        )


class VersionOut(Out):
    """One version of a pledge, as it was shown then."""

    index: int = Field(description="在日志中的序号", examples=[41])
    event: EventId
    type: str = Field(examples=["pledge.registered"])
    pledge: PledgeId
    version: int = Field(examples=[4])
    occurred_at: InstantText
    hash: DigestText = Field(description="事件正文的 SHA-256")
    record: dict[str, Any]
    links: LinksOut

    @classmethod
    def of(cls, event: Event, index: int) -> Self:
        """Show a version to the pledgee."""
        names = public_id("evt", event.id), public_id("plg", event.subject_id)
        return cls(
            index=index,
            event=event.id,
            type=event.type,
            pledge=event.subject_id,
            version=event.version,
            occurred_at=event.occurred_at,
            hash=b64url(event.body_hash),
            record=record_of(event.disclosures.split("~")),
            links=LinksOut.to(*names, index),
        )


class VersionsOut(Out):
    """A part of the feed; `next` is always there, since the log goes on."""

    items: list[VersionOut]
    next: int = Field(description="下次以此作为 after", examples=[1041])


class SourceOut(Out):
    """The event that says so."""

    event: EventId
    index: int
    at: InstantText

    @classmethod
    def of(cls, told: Told) -> Self:
        """Name an event."""
        return cls(event=told.id, index=told.index, at=told.occurred_at)


class ConfirmationOut(Out):
    """The debtor's confirmation, or the keeper's issue: whose signatures, by which certificates."""

    event: EventId
    hash: DigestText
    signed_at: InstantText
    amount: MeasureOut
    debtor_uscc: UsccText
    creditor_uscc: UsccText | None
    authorizations: list[DigestText]
    certificate_serials: list[str]

    @classmethod
    def of(cls, then: RecordThen) -> Self:
        """Show what the pledge rests on."""
        event = then.confirmation
        record = record_of(event.disclosures.split("~"))
        return cls(
            event=event.id,
            hash=b64url(event.body_hash),
            signed_at=event.occurred_at,
            amount=read_measure(record.get("confirmed") or record["quantity"]),
            debtor_uscc=record.get("debtor") or record.get("buyer") or record["keeper"],
            creditor_uscc=record.get("creditor") or record.get("seller") or record.get("holder"),
            authorizations=[b64url(hash_) for hash_ in event.authorizations],
            certificate_serials=list(then.confirmation_serials),
        )


class EncumbranceOut(Out):
    """Who stands where on a value. Another's is 其他权利人, with what the register shows to anyone."""

    rank: int = Field(examples=[1])
    whose: Literal["own", "other"]
    name: str = Field(examples=[OTHER])
    pledge: str | None
    kind: ClaimKind | None
    amount: MeasureOut
    perfected_by: Literal["registration", "notice"] | None
    effective_at: InstantText | None
    article: str
    reason: str
    reason_en: str

    @classmethod
    def of(cls, one: Standing, own: str, relation: Relation) -> Self:
        """Show a place to the pledgee, or to the pledgor, who is a party to them all."""
        claim, known = one.ranked.claim, one.ref == own or relation is Relation.PLEDGOR
        effective_at = one.ranked.since
        by_notice: Literal["registration", "notice"] | None = "notice" if effective_at else None
        return cls(
            rank=one.ranked.rank,
            whose="own" if one.ref == own else "other",
            name=one.ref if known else OTHER,
            pledge=one.ref if known else None,
            kind=claim.kind if known else None,
            amount=one.held,
            perfected_by="registration" if one.public else by_notice,
            effective_at=effective_at,
            article=one.ranked.article,
            reason=one.ranked.reason,
            reason_en=one.ranked.reason_en,
        )


class PoolThenOut(Out):
    """What is confirmed of a value, how much is taken, what this pledge held of it, and who else did."""

    pool: PoolId
    source: SourceOut
    confirmed: MeasureOut
    used: MeasureOut
    free: MeasureOut
    shortfall: MeasureOut
    held: MeasureOut
    encumbrances: list[EncumbranceOut]

    @classmethod
    def of(cls, then: PoolThen, own: str, relation: Relation) -> Self:
        """Show a pool; what another took and did not make public is shown to the pledgor only."""
        sums = folding.sums(then.history)
        return cls(
            pool=then.id,
            source=SourceOut.of(then.history.newest),
            confirmed=sums.confirmed,
            used=sums.used,
            free=sums.free,
            shortfall=sums.shortfall,
            held=then.held,
            encumbrances=[
                EncumbranceOut.of(one, own, relation)
                for one in then.standings
                if one.public or one.ref == own or relation is Relation.PLEDGOR
            ],
        )


class SearchThenOut(Out):
    """The newest search of the register."""

    cert_no: str
    clean: bool
    source: SourceOut

    @classmethod
    def of(cls, told: Told) -> Self:
        """Show a search."""
        return cls(
            cert_no=told.record["cert_no"],
            clean=told.record["clean"],
            source=SourceOut.of(told),
        )


class RegistrationThenOut(Out):
    """What stood at the register; `expires_on` where an event says so, as every new one does."""

    reg_no: str
    registered_at: InstantText
    certificate_sha256: DigestText
    expires_on: DateText | None
    cancelled_at: InstantText | None
    source: SourceOut

    @classmethod
    def of(cls, history: History) -> Self | None:
        """Show a registration with what was changed of it."""
        first = history.last("pledge.registered")
        if first is None:
            return None
        newest = history.last("pledge.registered", "pledge.registration_changed") or first
        cancelled = history.last("pledge.cancelled")
        expires_on = newest.record.get("expires_on")
        return cls(
            reg_no=first.record["reg_no"],
            registered_at=parse_instant(first.record["registered_at"]),
            certificate_sha256=newest.record["certificate_sha256"],
            expires_on=parse_date(expires_on) if expires_on else None,
            cancelled_at=cancelled.occurred_at if cancelled else None,
            source=SourceOut.of(newest),
        )


class LockThenOut(Out):
    """The lock that stood on chain."""

    tokens: list[str]
    tx: str
    ticket_sha256: DigestText
    source: SourceOut

    @classmethod
    def of(cls, told: Told) -> Self:
        """Show a lock."""
        record = told.record
        return cls(
            tokens=record["tokens"],
            tx=record["tx"],
            ticket_sha256=record["ticket_sha256"],
            source=SourceOut.of(told),
        )


class RuleThenOut(Out):
    """What a transition of pledge or claim was held to."""

    evaluation: str
    transition: str
    subject: str
    on: DateText
    worst: str
    results: list[dict[str, Any]]

    @classmethod
    def of(cls, row: RuleEvaluation) -> Self:
        """Show an evaluation."""
        return cls(
            evaluation=public_id("rul", row.id),
            transition=row.transition,
            subject=row.subject,
            on=row.on,
            worst=row.worst.value,
            results=[
                {key: kept[key] for key in ("rule", "version", "outcome")} for kept in row.results
            ],
        )


class AnchorThenOut(Out):
    """The signed head that covers the record, and where on chain it is anchored, once that is final."""

    size: int
    root: DigestText
    tx_hash: str | None
    block_number: int | None

    @classmethod
    def of(cls, covering: Covering) -> Self:
        """Show a head."""
        sent = covering.transaction
        return cls(
            size=covering.checkpoint.size,
            root=b64url(covering.checkpoint.root),
            tx_hash=f"0x{sent.tx_hash.hex()}" if sent and sent.tx_hash else None,
            block_number=sent.block_number if sent else None,
        )


class RecordOut(Out):
    """A pledge as it stood, told from the events in the log alone."""

    pledge: PledgeId
    version: int
    state: State
    since: InstantText
    as_of_index: int = Field(
        description="所依据的最新日志序号 The newest entry that counted: ask by it for the same again"
    )
    log_size: int
    hash: DigestText
    pledgor_uscc: UsccText
    pledgee_uscc: UsccText
    kind: ClaimKind
    amount: MeasureOut
    principal: dict[str, Any]
    confirmation: ConfirmationOut
    pools: list[PoolThenOut]
    search: SearchThenOut | None
    registration: RegistrationThenOut | None
    lock: LockThenOut | None
    rules: list[RuleThenOut]
    anchor: AnchorThenOut | None
    links: LinksOut

    @classmethod
    def of(cls, then: RecordThen) -> Self:
        """Show a record to one of the pledge's parties."""
        history, own = then.history, public_id("plg", then.pledge.id)
        state, since = folding.state(history)
        search, lock = history.last("pledge.searched"), folding.lock(history)
        newest = history.newest
        return cls(
            pledge=then.pledge.id,
            version=newest.version,
            state=state,
            since=since,
            as_of_index=then.index,
            log_size=then.log_size,
            hash=b64url(newest.hash),
            pledgor_uscc=history.field("pledgor"),
            pledgee_uscc=history.field("pledgee"),
            kind=folding.kind(history),
            amount=read_measure(history.told[0].record["amount"]),
            principal=history.field("principal"),
            confirmation=ConfirmationOut.of(then),
            pools=[PoolThenOut.of(one, own, then.relation) for one in then.pools],
            search=SearchThenOut.of(search) if search else None,
            registration=RegistrationThenOut.of(history),
            lock=LockThenOut.of(lock) if lock else None,
            rules=[RuleThenOut.of(row) for row in then.rules],
            anchor=AnchorThenOut.of(then.covering) if then.covering else None,
            links=LinksOut.to(public_id("evt", newest.id), own, then.index),
        )
