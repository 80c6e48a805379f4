"""The proofs of a dossier: of the pledge as a whole, and of single events, all made to last."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.dossier.layout import Dossier, Slot
from scf.evidence import proofs
from scf.evidence.models import Event
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.parties import queries as parties
from scf.pledges import proof as pledge_proofs
from scf.pledges.models import Pledge, State
from scf.pledges.proof import NotProvable

PLEDGE: Final = f"{Slot.PROOFS.value}/pledge.scfproof"


@dataclass(slots=True)
class Proofs:
    """The events that papers rest on, each proven once, in the order in which they are named."""

    session: Session
    events: dict[UUID, Event] = field(default_factory=dict)

    def of(self, event: Event) -> str:
        """Return the path of an event's proof."""
        self.events.setdefault(event.id, event)
        return f"{Slot.PROOFS.value}/{name_of(event)}"

    @property
    def newest(self) -> datetime:
        """When the newest of them happened."""
        return max(event.occurred_at for event in self.events.values())

    def put(self, dossier: Dossier) -> None:
        """Put every proof in. Raises EvidencePending."""
        for event in self.events.values():
            content = proofs.pack(
                self.session,
                "event",
                [proofs.entry(self.session, event)],
                certificates=parties.certificates_for(self.session, event.authorizations),
                revocations=parties.revocations(self.session, after=event.occurred_at),
                lasting=True,
            )
            title = f"{event.type}（{instant_text(event.occurred_at)}）"
            dossier.add(Slot.PROOFS, name_of(event), title, content)


def name_of(event: Event) -> str:
    """Return the name of an event's proof."""
    return f"{event.type}-{public_id('evt', event.id)}.scfproof"


def put_pledge(session: Session, dossier: Dossier, bank_id: UUID, pledge: Pledge | None) -> bool:
    """Put the pledge's proof in, or say why there is none; say whether it is there.

    Of a released pledge that of the moment before: what was held; the release itself is proven beside it.
    """
    title = "质押证明"
    if pledge is None:
        dossier.miss(Slot.PROOFS, title, "尚未设立担保 No security yet")
        return False
    try:
        if pledge.state is State.RELEASED:
            title = "质押证明（解除前）"
            content = pledge_proofs.before_release(session, pledge, lasting=True)
        else:
            content = pledge_proofs.build(session, bank_id, pledge.id, lasting=True)
    except NotProvable as error:
        dossier.miss(Slot.PROOFS, title, f"{error.title}（{pledge.state.value}）")
        return False
    dossier.add(Slot.PROOFS, "pledge.scfproof", title, content)
    return True
