"""The endpoint that splits a payment, and its shapes; a split is read and signed as a change of the account."""

from fastapi import APIRouter
from pydantic import Field

from scf.http.calls import Call, command
from scf.http.schemas import In, Line, PartyId, PositiveMoney, ReceivableId
from scf.receivables.schemas import AccountIn
from scf.settlement import splits
from scf.settlement.agreements_api import shown
from scf.settlement.schemas import ChangeOut
from scf.settlement.splits import Part

router = APIRouter(tags=["settlement 付款与回款"])
PARTS_MAX = 7


class PartIn(In):
    """What one payee is to be paid, into which account of its own."""

    payee: PartyId
    amount: PositiveMoney
    pay_to: AccountIn


class SplitIn(In):
    """How the payment of a claim is to be split, and why; no parts: the claim is whole again."""

    parts: list[PartIn] = Field(max_length=PARTS_MAX)
    reason: Line = Field(examples=["两家银行分别受让"])


@command(router, "/v1/receivables/{receivable_id}/payment-splits", status=201)
def propose_split(call: Call, receivable_id: ReceivableId, body: SplitIn) -> ChangeOut:
    """发起付款分割 Propose parts of the payment. By creditor or debtor; everybody concerned signs."""
    change = splits.propose(
        call.session,
        call.actor,
        receivable_id,
        [Part(part.payee, part.amount, part.pay_to.value()) for part in body.parts],
        reason=body.reason,
        now=call.now,
    )
    return shown(call, change)
