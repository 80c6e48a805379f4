"""Endpoints of extensions (展期)."""

from typing import Self

from fastapi import APIRouter
from pydantic import Field

from scf.financing import extensions
from scf.financing.extension_models import ExtensionState, LoanExtension
from scf.http.calls import Call, command, query
from scf.http.schemas import DateText, FinancingId, In, InstantText, Out, PartyId, Prose
from scf.parties import countersigning
from scf.parties.schemas import DraftOut, SignedIn, SignerIn

router = APIRouter(tags=["financings 融资"])
PATH = "/v1/financings/{financing_id}/extension"


class ExtensionIn(In):
    """Until when, and why."""

    due_on: DateText
    reason: Prose = Field(examples=["下游回款延迟"])


class ExtensionSignersIn(In):
    """Who signs: maker and checker of the bank, or one hand of the borrower."""

    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class EndIn(In):
    """Why an extension is given up or refused."""

    reason: Prose


class ExtensionOut(Out):
    """An extension as both sides see it."""

    financing: FinancingId
    due_on_before: DateText
    due_on: DateText
    reason: str
    state: ExtensionState
    signed: list[PartyId]
    ended_reason: str | None
    asked_at: InstantText
    closed_at: InstantText | None

    @classmethod
    def of(cls, row: LoanExtension) -> Self:
        """Show an extension."""
        return cls(
            financing=row.financing_id,
            due_on_before=row.due_on_before,
            due_on=row.due_on,
            reason=row.reason,
            state=row.state,
            signed=row.signed,
            ended_reason=row.ended_reason,
            asked_at=row.asked_at,
            closed_at=row.closed_at,
        )


@command(router, PATH, status=201)
def ask_extension(call: Call, financing_id: FinancingId, body: ExtensionIn) -> ExtensionOut:
    """申请展期 Ask for a later due date, before the loan is due. By the borrower."""
    found = extensions.ask(
        call.session,
        call.actor,
        financing_id,
        due_on=body.due_on,
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return ExtensionOut.of(found)


@query(router, f"{PATH}s")
def list_extensions(call: Call, financing_id: FinancingId) -> list[ExtensionOut]:
    """展期记录 The extensions of a loan, oldest first."""
    found = extensions.listed(call.session, call.actor.party, financing_id)
    return [ExtensionOut.of(row) for row in found]


@command(router, f"{PATH}-draft")
def draft_extension(call: Call, financing_id: FinancingId, body: ExtensionSignersIn) -> DraftOut:
    """生成展期协议 Write one's own part of the agreement; the bank's after its desk has decided."""
    return DraftOut.of(
        countersigning.draft(
            call.session,
            call.actor,
            extensions.DRAFTED,
            financing_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, f"{PATH}-sign")
def sign_extension(call: Call, financing_id: FinancingId, body: SignedIn) -> ExtensionOut:
    """签署展期协议 Hand it back signed; with both sides' signatures loan and pledge are due later."""
    found = countersigning.sign(
        call.session, call.actor, extensions.SIGNED, financing_id, jws=body.jws, now=call.now
    )
    return ExtensionOut.of(found)


@command(router, f"{PATH}-end")
def end_extension(call: Call, financing_id: FinancingId, body: EndIn) -> ExtensionOut:
    """终止展期 Give it up, or refuse it."""
    found = extensions.end(call.session, call.actor, financing_id, reason=body.reason, now=call.now)
    return ExtensionOut.of(found)
