"""HTTP shapes of programmes."""

from typing import Self

from pydantic import Field

from scf.http.schemas import In, InstantText, Line, Out, PartyId, ProgrammeId, UsccText
from scf.parties.models import Party
from scf.programmes.models import Member, MemberRole, Product, Programme


class ProgrammeIn(In):
    """A programme to open."""

    name: Line = Field(examples=["渝川汽车(示例)供应商融资项目"])
    anchor: PartyId
    securities: list[Product] | None = Field(
        default=None,
        min_length=1,
        description="允许的担保方式，空为全部 None: all kinds of security",
    )


class SecuritiesIn(In):
    """Which kinds of security are offered from now on."""

    securities: list[Product] | None = Field(
        min_length=1, description="空为全部 None: all", examples=[["pledge"]]
    )


class MemberIn(In):
    """A party to admit."""

    party: PartyId
    role: MemberRole


class MemberOut(Out):
    """A party's place in a programme, with the name that other members know it by."""

    party: PartyId
    uscc: UsccText
    name: str
    role: MemberRole
    joined_at: InstantText
    revoked_at: InstantText | None

    @classmethod
    def of(cls, member: Member, party: Party) -> Self:
        """Show a member."""
        return cls(
            party=party.id,
            uscc=party.uscc,
            name=party.name,
            role=member.role,
            joined_at=member.joined_at,
            revoked_at=member.revoked_at,
        )


class ProgrammeOut(Out):
    """A programme, and those of its members that the caller may see."""

    id: ProgrammeId
    name: str
    anchor: PartyId
    securities: list[Product] | None = Field(description="允许的担保方式，空为全部 None: all")
    opened_at: InstantText
    revoked_at: InstantText | None
    members: list[MemberOut]

    @classmethod
    def of(cls, programme: Programme, members: list[tuple[Member, Party]]) -> Self:
        """Show a programme with members."""
        return cls(
            id=programme.id,
            name=programme.name,
            anchor=programme.anchor_id,
            securities=None
            if programme.securities is None
            else [Product(one) for one in programme.securities],
            opened_at=programme.opened_at,
            revoked_at=programme.revoked_at,
            members=[MemberOut.of(member, party) for member, party in members],
        )
