"""HTTP shapes of tasks."""

from datetime import date
from typing import Any, Self

from pydantic import Field

from scf.http.schemas import ClientId, DateText, InstantText, Out, PartyId, PersonId, TaskId
from scf.tasks.kinds import KINDS
from scf.tasks.models import State, Task


class TaskOut(Out):
    """What is to be done, by whom, by when."""

    id: TaskId
    party: PartyId
    role: str = Field(examples=["registrar"])
    person: PersonId | None
    kind: str = Field(examples=["registration.cancel"])
    title: str = Field(examples=["办理注销登记"])
    title_en: str
    basis: str
    subject: str = Field(examples=["plg_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    fields: dict[str, Any]
    due_on: DateText | None = Field(
        description="到期日；节假日安排未公布时为空 The last day; null while its holidays are not published"
    )
    overdue: bool
    state: State
    raised_at: InstantText
    closed_at: InstantText | None
    closed_by: ClientId | None

    @classmethod
    def of(cls, task: Task, *, today: date) -> Self:
        """Show a task as of a day."""
        kind = KINDS[task.kind]
        return cls(
            id=task.id,
            party=task.party_id,
            role=task.role,
            person=task.person_id,
            kind=task.kind,
            title=kind.title,
            title_en=kind.title_en,
            basis=kind.basis,
            subject=task.subject,
            fields=task.fields,
            due_on=task.due_on,
            overdue=task.is_overdue(today),
            state=task.state,
            raised_at=task.raised_at,
            closed_at=task.closed_at,
            closed_by=task.closed_by,
        )
