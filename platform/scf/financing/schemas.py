"""HTTP shapes of financings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from scf.financing import queries, rules
from scf.financing.models import Financing, FinancingReceipt, ReceiptKind, State
from scf.financing.offers import Offer, Trade
from scf.financing.receipts import Receipt
from scf.financing.rules import DAYS_MAX, InterestPaid, Quote
from scf.financing.standing import BORROWER, LENDER, standing
from scf.http.schemas import (
    DateText,
    DigestText,
    EventId,
    FinancingId,
    In,
    InstantText,
    Line,
    MoneyOut,
    Out,
    PartyId,
    PledgeId,
    PositiveMoney,
    RateText,
    ReceivableId,
)
from scf.kernel.money import Money, parse_rate
from scf.parties.models import Party
from scf.parties.schemas import SignerIn
from scf.pledges.models import Pledge
from scf.pledges.rules import Searches
from scf.pledges.schemas import SecurityIn, SecurityOut, StandingOut
from scf.receivables.schemas import SideOut
from scf_ledger.encoding import b64url

DayCount = Literal["ACT/360", "ACT/365F"]


class TradeIn(In):
    """What the borrower declares of the trade; a bank that factors needs an answer to each."""

    future: bool = Field(description="是否未来应收账款 The claim has not arisen yet")
    consignment: bool = Field(description="是否寄售或供应商管理库存 Consignment or VMI")
    title_clear: bool = Field(description="权属是否清楚 Nobody else has a right in the claim")

    def trade(self) -> Trade:
        """Return what the service takes."""
        return Trade(self.future, self.consignment, self.title_clear)


class RequestIn(In):
    """A request for money on a confirmed claim, to one bank; others may be asked as well."""

    receivable: ReceivableId
    lender: PartyId
    amount: PositiveMoney
    days: int = Field(ge=1, le=DAYS_MAX, examples=[50])
    trade: TradeIn | None = Field(
        default=None, description="保理须声明 Needed where the bank is to factor the claim"
    )


class OfferIn(In):
    """What the bank offers, and who signs it: maker, then checker. `due_on` absent: the claim's."""

    amount: PositiveMoney
    rate: RateText
    days: int = Field(ge=1, le=DAYS_MAX, examples=[50])
    day_count: DayCount = rules.ACT_360
    due_on: DateText | None = None
    security: SecurityIn = SecurityIn()
    signers: list[SignerIn] = Field(min_length=2, max_length=2)

    def offer(self) -> Offer:
        """Return what the service takes. Raises SecurityInvalid."""
        security = self.security.security()
        return Offer(self.amount, self.rate, self.days, self.day_count, self.due_on, security)


class RefusalIn(In):
    """Why the bank says no; 其他 needs a note."""

    reason: str = Field(
        max_length=40, examples=["账期过长"], json_schema_extra={"enum": list(rules.REFUSALS)}
    )
    note: Line | None = None


class ProposalIn(In):
    """A pledge to secure an approved financing; `amount` absent: the whole claim."""

    financing: FinancingId
    amount: PositiveMoney | None = None


class ContractIn(In):
    """Who signs for the borrower."""

    signers: list[SignerIn] = Field(min_length=1, max_length=1)


class DisbursementIn(In):
    """The bank's receipt of having paid out."""

    receipt_no: Line = Field(examples=["FK20251030000017"])
    amount: PositiveMoney
    disbursed_on: DateText

    def receipt(self) -> Receipt:
        """Return what the service takes."""
        return Receipt(self.receipt_no, self.amount, self.disbursed_on)


class RepaymentIn(In):
    """The bank's receipt of having been paid back."""

    receipt_no: Line = Field(examples=["HK20251219000042"])
    amount: PositiveMoney
    repaid_on: DateText

    def receipt(self) -> Receipt:
        """Return what the service takes."""
        return Receipt(self.receipt_no, self.amount, self.repaid_on)


class QuoteOut(Out):
    """到手多少 What arrives in hand, what is paid back, and what that costs a year."""

    principal: MoneyOut
    interest: MoneyOut
    in_hand: MoneyOut
    to_repay: MoneyOut
    yearly: RateText = Field(description="按到手金额折算的年化成本 Cost of what is in hand, a year")

    @classmethod
    def of(cls, quote: Quote) -> Self:
        """Show a quote."""
        return cls(
            principal=quote.principal,
            interest=quote.interest,
            in_hand=quote.in_hand,
            to_repay=quote.to_repay,
            yearly=quote.yearly,
        )


class TermsOut(Out):
    """What the bank offered and signed."""

    amount: MoneyOut
    rate: RateText
    day_count: str
    days: int
    starts_on: DateText
    due_on: DateText
    contract_sha256: DigestText
    security: SecurityOut
    quote: QuoteOut

    @classmethod
    def of(cls, financing: Financing) -> Self | None:
        """Show the terms, None before there are any."""
        if financing.contract_sha256 is None:
            return None
        assert financing.rate is not None
        assert financing.day_count is not None
        assert financing.days is not None
        assert financing.starts_on is not None
        assert financing.due_on is not None
        quote = rules.quote(
            financing.amount,
            parse_rate(financing.rate),
            financing.days,
            day_count=financing.day_count,
            paid=InterestPaid.AT_MATURITY,
        )
        return cls(
            amount=financing.amount,
            rate=financing.rate,
            day_count=financing.day_count,
            days=financing.days,
            starts_on=financing.starts_on,
            due_on=financing.due_on,
            contract_sha256=b64url(financing.contract_sha256),
            security=SecurityOut.of(financing.taken),
            quote=QuoteOut.of(quote),
        )


class ReceiptOut(Out):
    """A bank's receipt, with what the money was for."""

    kind: ReceiptKind
    receipt_no: str
    on: DateText
    amount: MoneyOut
    principal: MoneyOut
    interest: MoneyOut
    event: EventId
    reported_at: InstantText

    @classmethod
    def of(cls, financing: Financing, row: FinancingReceipt) -> Self:
        """Show a receipt."""
        return cls(
            kind=row.kind,
            receipt_no=row.receipt_no,
            on=row.on,
            amount=financing.money(row.amount_minor),
            principal=financing.money(row.principal_minor),
            interest=financing.money(row.interest_minor),
            event=row.event_id,
            reported_at=row.reported_at,
        )


class OwedOut(Out):
    """What is owed on a day."""

    on: DateText
    principal: MoneyOut
    interest: MoneyOut
    total: MoneyOut


@dataclass(frozen=True, slots=True)
class Seen:
    """What is shown of a financing beside itself."""

    parties: Mapping[UUID, Party]
    pledge: Pledge | None
    searches: Searches
    receipts: Sequence[FinancingReceipt]
    remainder: Money | None
    today: date


class FinancingOut(Out):
    """A financing as its two parties see it: where it stands, since when, with whom."""

    id: FinancingId
    version: int = Field(examples=[2])
    state: State
    standing: StandingOut
    borrower: SideOut
    lender: SideOut
    receivable: ReceivableId
    receivable_event: DigestText
    requested: MoneyOut
    requested_days: int
    terms: TermsOut | None
    reason: str | None = Field(examples=["账期过长"])
    pledge: PledgeId | None
    disbursed_on: DateText | None
    repaid: MoneyOut
    owed: OwedOut | None = Field(description="今日应还 Owed today")
    remainder: MoneyOut | None = Field(
        description="结清后回款余额，归借款人 What the proceeds leave to the borrower"
    )
    receipts: list[ReceiptOut]

    @classmethod
    def of(cls, financing: Financing, seen: Seen) -> Self:
        """Show a financing to one of its parties."""
        borrower = seen.parties[financing.borrower_id]
        lender = seen.parties[financing.lender_id]
        where = standing(financing, seen.pledge, seen.searches, today=seen.today)
        return cls(
            id=financing.id,
            version=financing.version,
            state=financing.state,
            standing=StandingOut.of(where, {BORROWER: borrower, LENDER: lender}),
            borrower=SideOut.of(borrower),
            lender=SideOut.of(lender),
            receivable=financing.receivable_id,
            receivable_event=b64url(financing.receivable_event),
            requested=financing.requested,
            requested_days=financing.requested_days,
            terms=TermsOut.of(financing),
            reason=financing.reason,
            pledge=financing.pledge_id,
            disbursed_on=financing.disbursed_on,
            repaid=financing.money(financing.repaid_minor),
            owed=_owed(financing, seen),
            remainder=seen.remainder,
            receipts=[ReceiptOut.of(financing, row) for row in seen.receipts],
        )


def _owed(financing: Financing, seen: Seen) -> OwedOut | None:
    found = queries.owed(financing, seen.receipts, seen.today)
    if found is None:
        return None
    return OwedOut(
        on=seen.today, principal=found.principal, interest=found.interest, total=found.total
    )
