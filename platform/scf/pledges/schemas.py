"""HTTP shapes of pledges."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from scf.http.schemas import (
    DateText,
    DigestText,
    In,
    InstantText,
    MeasureOut,
    MoneyOut,
    Out,
    PartyId,
    PledgeId,
    PoolId,
    PositiveMoney,
    PositiveQuantity,
    Prose,
    QuantityOut,
    RateText,
    ReceivableId,
    StageId,
    WarehouseReceiptId,
)
from scf.parties.models import Party
from scf.parties.schemas import SignerIn
from scf.pledges import rules
from scf.pledges.kinds import Security, SecurityKind
from scf.pledges.models import OPEN, LockState, Pledge, PledgeLock, PledgeRegistration, State
from scf.pledges.queries import Goods
from scf.pledges.rules import Missing, Searches, Standing, Waits
from scf.receivables.schemas import SideOut
from scf_ledger.encoding import b64url

_SYSTEMS = {Waits.REGISTRY: "动产融资统一登记公示系统", Waits.CHAIN: "区块链"}


class AcceptanceIn(In):
    """Who is going to accept: maker, then checker."""

    signers: list[SignerIn] = Field(min_length=2, max_length=2)


class ReleaseIn(AcceptanceIn):
    """Why a pledge is released, and who signs it: maker, then checker."""

    reason: Prose = Field(examples=["主债权已清偿"])


class PartReleaseIn(ReleaseIn):
    """How much of the goods is released, why, and who signs it: maker, then checker."""

    released: PositiveQuantity


class RecourseIn(AcceptanceIn):
    """What is demanded of the seller, until when, why, and who signs: maker, then checker."""

    amount: PositiveMoney
    due_on: DateText
    reason: Prose = Field(examples=["付款义务人到期未付"])


class ReasonIn(In):
    """Why a pledge is given up."""

    reason: Prose = Field(examples=["借款人撤回申请"])


class SecurityIn(In):
    """What a bank takes: a pledge unless said; an assignment or factoring with its two choices."""

    kind: SecurityKind = SecurityKind.PLEDGE
    recourse: bool = Field(default=True, description="有无追索权 May the bank turn to the seller")
    disclosed: bool = Field(default=True, description="明保理或暗保理 Is the debtor told at once")

    def security(self) -> Security:
        """Return what the service takes. Raises SecurityInvalid."""
        return Security(self.kind, self.recourse, self.disclosed)


class SecurityOut(Out):
    """What a bank takes, and from when it binds whom, with the article."""

    kind: SecurityKind
    recourse: bool
    disclosed: bool
    name: str = Field(examples=["有追索权明保理"])
    between_parties: str
    third_parties: str
    debtor: str
    surplus: Literal["pledgor", "pledgee"] = Field(
        description="清偿后的余款归谁 Whose the surplus is (Civil Code 766, 767)"
    )

    @classmethod
    def of(cls, security: Security) -> Self:
        """Show a security with its law."""
        law = security.law
        return cls(
            kind=security.kind,
            recourse=security.recourse,
            disclosed=security.disclosed,
            name=security.name,
            between_parties=law.between_parties,
            third_parties=law.third_parties,
            debtor=law.debtor,
            surplus="pledgee" if security.surplus_is_holders else "pledgor",
        )


class WaitingOut(Out):
    """In whose hands something is: a party's, the register's or the chain's."""

    who: Literal["party", "registry", "chain"]
    party: PartyId | None
    name: str = Field(examples=["示例农商行"])


class StandingOut(Out):
    """到哪一步、从何时起、在谁手里 Where it stands, since when, in whose hands."""

    line: str = Field(examples=["已签约, 未登记, 质权未设立；办理登记中"])
    line_en: str
    since: InstantText
    waiting_for: WaitingOut | None

    @classmethod
    def of(cls, standing: Standing, parties: Mapping[Waits, Party]) -> Self:
        """Show a standing; `parties` are those that it may wait for."""
        return cls(
            line=standing.line,
            line_en=standing.line_en,
            since=standing.since,
            waiting_for=_waiting(standing.waits_for, parties),
        )


def _waiting(waits: Waits | None, parties: Mapping[Waits, Party]) -> WaitingOut | None:
    if waits is None:
        return None
    if waits in _SYSTEMS:
        who: Literal["registry", "chain"] = "registry" if waits is Waits.REGISTRY else "chain"
        return WaitingOut(who=who, party=None, name=_SYSTEMS[waits])
    return WaitingOut(who="party", party=parties[waits].id, name=parties[waits].name)


class PrincipalOut(Out):
    """The debt that is secured (主债权)."""

    contract_sha256: DigestText
    amount: MoneyOut
    rate: RateText
    due_on: DateText


class RegistrationOut(Out):
    """What stands at the register."""

    reference: str
    reg_no: str | None = Field(examples=["20251030000000000001"])
    registered_at: InstantText | None
    expires_on: DateText | None
    certificate_sha256: DigestText | None
    cancellation_due_on: DateText | None
    cancelled_at: InstantText | None

    @classmethod
    def of(cls, entry: PledgeRegistration) -> Self:
        """Show a registration, its certificate by hash."""
        certificate = entry.certificate
        return cls(
            reference=entry.reference,
            reg_no=entry.reg_no,
            registered_at=entry.registered_at,
            expires_on=entry.expires_on,
            certificate_sha256=b64url(hashlib.sha256(certificate).digest())
            if certificate
            else None,
            cancellation_due_on=entry.cancellation_due_on,
            cancelled_at=entry.cancelled_at,
        )


class LockOut(Out):
    """Where the lock on chain stands; it conditions no right."""

    state: LockState
    since: InstantText
    tokens: list[str] = Field(examples=[["0x" + "1f" * 32]])
    tx: str | None
    expires_at: InstantText | None
    problem: str | None = Field(examples=["RegistryHeld"])

    @classmethod
    def of(cls, entry: PledgeLock) -> Self:
        """Show a lock."""
        return cls(
            state=entry.state,
            since=entry.since,
            tokens=[f"0x{token.hex()}" for token in entry.tokens or []],
            tx=f"0x{entry.tx_hash.hex()}" if entry.tx_hash else None,
            expires_at=entry.expires_at,
            problem=entry.problem,
        )


class PledgedGoodsOut(Out):
    """How much of which receipt is pledged."""

    receipt: WarehouseReceiptId
    quantity: QuantityOut

    @classmethod
    def of(cls, goods: Goods) -> Self:
        """Show goods of one receipt."""
        return cls(receipt=goods.receipt.id, quantity=goods.quantity)


class PledgeOut(Out):
    """A pledge as its two parties see it. Three dates, kept apart: right, lock, readiness to pay."""

    id: PledgeId
    version: int = Field(examples=[5])
    state: State
    standing: StandingOut
    security: SecurityOut
    pledgor: SideOut
    pledgee: SideOut
    receivable: ReceivableId | None
    stage: StageId | None = Field(
        description="以订单或货物出质 The order or goods that are pledged"
    )
    receipt: WarehouseReceiptId | None = Field(description="以仓单出质 The receipt that is pledged")
    goods: list[PledgedGoodsOut] = Field(
        description="质物现处仓单 The receipts that its goods are under by now, and how much of each"
    )
    receivable_event: DigestText
    pool: PoolId
    amount: MeasureOut
    principal: PrincipalOut
    legally_effective_at: InstantText | None
    lock_final_at: InstantText | None
    ready_to_disburse_at: InstantText | None
    missing: list[Missing] = Field(
        description="放款前尚缺 What stands between the pledge and the disbursement"
    )
    registration: RegistrationOut
    lock: LockOut
    recourse_called_at: InstantText | None = Field(
        description="要求转让人回购的时间 When the seller was asked to buy back"
    )
    released_at: InstantText | None
    expires_at: InstantText | None = Field(
        description="逾期未登记即失效 Lapses then unless it has taken effect"
    )

    @classmethod
    def of(
        cls,
        pledge: Pledge,
        searches: Searches,
        parties: Mapping[UUID, Party],
        goods: Sequence[Goods],
    ) -> Self:
        """Show a pledge to one of its parties."""
        pledgor, pledgee = parties[pledge.pledgor_id], parties[pledge.pledgee_id]
        standing = rules.standing(pledge, searches)
        open_ = pledge.state in OPEN
        live = open_ or pledge.state is State.EFFECTIVE
        return cls(
            id=pledge.id,
            version=pledge.version,
            state=pledge.state,
            standing=StandingOut.of(standing, {Waits.PLEDGOR: pledgor, Waits.PLEDGEE: pledgee}),
            security=SecurityOut.of(pledge.security),
            pledgor=SideOut.of(pledgor),
            pledgee=SideOut.of(pledgee),
            receivable=pledge.receivable_id,
            stage=pledge.stage_id,
            receipt=pledge.receipt_id,
            goods=[PledgedGoodsOut.of(one) for one in goods],
            receivable_event=b64url(pledge.receivable_event),
            pool=pledge.pool_id,
            amount=pledge.amount,
            principal=PrincipalOut(
                contract_sha256=b64url(pledge.contract_sha256),
                amount=pledge.principal,
                rate=pledge.rate,
                due_on=pledge.principal_due_on,
            ),
            legally_effective_at=pledge.legally_effective_at,
            lock_final_at=pledge.lock_final_at,
            ready_to_disburse_at=pledge.ready_to_disburse_at,
            missing=rules.missing(pledge, searches) if live else [],
            registration=RegistrationOut.of(pledge.registration),
            lock=LockOut.of(pledge.lock),
            recourse_called_at=pledge.recourse_called_at,
            released_at=pledge.released_at,
            expires_at=pledge.expires_at if open_ else None,
        )
