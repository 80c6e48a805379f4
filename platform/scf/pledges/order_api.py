"""Endpoints of pledges over an order, goods or a receipt: proposed by whoever has it, for a loan contract of its own."""

from fastapi import APIRouter
from pydantic import Field

from scf.evidence import service as evidence
from scf.http.calls import Call, command
from scf.http.schemas import (
    DateText,
    DigestText,
    In,
    MoneyIn,
    PartyId,
    PledgeId,
    PositiveQuantity,
    RateText,
    StageId,
    WarehouseReceiptId,
)
from scf.lineage.models import TradeStage
from scf.lineage.permissions import Action, require
from scf.parties import queries as parties
from scf.parties.schemas import DraftOut, SignedIn, SignerIn
from scf.pledges import permissions, service
from scf.pledges.api import shown
from scf.pledges.schemas import PledgeOut
from scf.pledges.service import Principal
from scf.receipts import permissions as receipt_permissions
from scf.receipts import service as receipt_service
from scf_ledger.encoding import from_b64url

router = APIRouter(tags=["pledges 质押"])


class PrincipalIn(In):
    """The debt that is to be secured (主债权): a contract that seller and bank have."""

    contract_sha256: DigestText
    amount: MoneyIn
    rate: RateText
    due_on: DateText

    def value(self) -> Principal:
        """Return it as the service takes it."""
        return Principal(from_b64url(self.contract_sha256), self.amount, self.rate, self.due_on)


class StagePledgeIn(In):
    """To which bank, for which debt, and how much of the order: all of it unless `amount` says less."""

    pledgee: PartyId
    principal: PrincipalIn
    amount: MoneyIn | None = None


class ReceiptPledgeIn(In):
    """To which bank, for which debt, and how much of the goods: all of them unless `amount` says less."""

    pledgee: PartyId
    principal: PrincipalIn
    amount: PositiveQuantity | None = None


class SignatureIn(In):
    """Who signs for the pledgor."""

    signers: list[SignerIn] = Field(min_length=1, max_length=2)


@command(router, "/v1/stages/{stage_id}/pledges", status=201)
def propose_on_stage(call: Call, stage_id: StageId, body: StagePledgeIn) -> PledgeOut:
    """以订单或货物出质 Propose a pledge of what an order or goods will be owed for. By the seller."""
    stage = evidence.lock(
        call.session,
        TradeStage,
        stage_id,
        require=lambda found: require(found, call.actor.party, Action.PLEDGE),
    )
    pledge = service.propose(
        call.session,
        parties.active_party(call.session, body.pledgee),
        stage,
        principal=body.principal.value(),
        amount=body.amount,
        now=call.now,
    )
    return shown(call, [pledge])[0]


@command(router, "/v1/warehouse-receipts/{receipt_id}/pledges", status=201)
def propose_on_receipt(
    call: Call, receipt_id: WarehouseReceiptId, body: ReceiptPledgeIn
) -> PledgeOut:
    """以仓单出质 Propose a pledge of the goods of a receipt. By its holder."""
    receipt = receipt_service.lock_for(
        call.session, call.actor, receipt_id, receipt_permissions.Action.PLEDGE
    )
    pledge = service.propose(
        call.session,
        parties.active_party(call.session, body.pledgee),
        receipt,
        principal=body.principal.value(),
        amount=body.amount,
        now=call.now,
    )
    return shown(call, [pledge])[0]


@command(router, "/v1/pledges/{pledge_id}/sign-draft")
def draft_stage_pledge(call: Call, pledge_id: PledgeId, body: SignatureIn) -> DraftOut:
    """生成质押合同要点 Write the pledge for the pledgor to sign; a claim's is signed with its contract."""
    _own(call, pledge_id)
    return DraftOut.of(
        service.draft_signature(
            call.session,
            call.actor,
            pledge_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, "/v1/pledges/{pledge_id}/sign")
def sign_stage_pledge(call: Call, pledge_id: PledgeId, body: SignedIn) -> PledgeOut:
    """签署质押 Hand the pledge back, signed; the bank accepts it as any other."""
    _own(call, pledge_id)
    pledge, _ = service.sign(call.session, call.actor, pledge_id, jws=body.jws, now=call.now)
    return shown(call, [pledge])[0]


def _own(call: Call, pledge_id: PledgeId) -> None:
    """Raise SignedWithContract where a pledge is one of a claim."""
    pledge = service.lock_for(call.session, call.actor, pledge_id, permissions.Action.SIGN)
    if pledge.receivable_id is not None:
        raise service.SignedWithContract
