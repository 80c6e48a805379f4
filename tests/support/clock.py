"""Requests for confirmation in tests: asked for, aged by moving the business date, answered."""

from datetime import timedelta
from typing import Any

import httpx

from scf.confirmations import clock
from scf.db.outbox import EffectContext
from tests.support.actors import STORY_BEGINS, Company, Stage
from tests.support.receivables import confirm, money, submit


def move_to(stage: Stage, day: float) -> None:
    """Set the business time so many days behind the story's beginning (10:00 in Shanghai)."""
    stage.clock.set(STORY_BEGINS + timedelta(days=day))


def turn(stage: Stage) -> int:
    """One turn of the worker's clock."""
    return clock.turn(EffectContext(stage.database, stage.settings, stage.clock))


def ask(stage: Stage, receivable: str, **body: Any) -> httpx.Response:
    path = f"/v1/receivables/{receivable}/confirmation-request"
    return stage.post(stage.cast.supplier, path, body)


def asked(stage: Stage, **body: Any) -> dict[str, Any]:
    """A fresh receivable's request."""
    answer = ask(stage, submit(stage), **body)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def seen(
    stage: Stage, request: dict[str, Any], who: Company | None = None, *, operator: bool = False
) -> dict[str, Any]:
    path = f"/v1/confirmation-requests/{request['id']}"
    answer = stage.get(None if operator else who or stage.cast.supplier, path)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def act(
    stage: Stage, who: Company | None, request: dict[str, Any], name: str, **body: Any
) -> httpx.Response:
    return stage.post(who, f"/v1/confirmation-requests/{request['id']}/{name}", body)


def dues(shown: dict[str, Any]) -> list[tuple[str, int, str]]:
    """What time brought about, each with its own day."""
    return [
        (one["kind"], one["day"], one["due_on"])
        for one in shown["moments"]
        if one["kind"] in ("REMINDER", "CONFIRM_OVERDUE")
    ]


def refuse(
    stage: Stage, request: dict[str, Any], reason: str, act: str = "dispute"
) -> httpx.Response:
    """Draft, sign and hand back a dispute or a rejection."""
    anchor, path = stage.cast.anchor, f"/v1/receivables/{request['receivable']}"
    name = {"dispute": "dispute", "reject": "rejection"}[act]
    body: dict[str, Any] = {"reason": reason, "signers": anchor.signers(act)}
    if act == "dispute":
        body["amount"] = money("40.00")
    draft = stage.post(anchor, f"{path}/{name}-draft", body)
    assert draft.status_code == 200, draft.text
    return stage.post(anchor, f"{path}/{act}", {"authorizations": anchor.sign_all(draft.json())})


def answer(stage: Stage, request: dict[str, Any], **other: Any) -> None:
    """The debtor confirms, whole unless told otherwise."""
    done = confirm(stage, request["receivable"], **other)
    assert done.status_code == 200, done.text
