"""Who may see whom in a programme.

The operator and the anchor party see every member. Suppliers and funders see the anchor party and the
funders: no supplier learns who else supplies, and a bank meets a supplier when that one asks it for money.
"""

from uuid import UUID

from scf.http.auth import Actor
from scf.programmes.models import Member, MemberRole


def sees(actor: Actor, viewer: MemberRole | None, member: Member) -> bool:
    """Say whether a caller, whose own role in the programme is `viewer`, sees this member."""
    own: UUID | None = actor.party_id
    if actor.operator or viewer is MemberRole.ANCHOR or member.party_id == own:
        return True
    return member.role is not MemberRole.SUPPLIER
