"""Who may sign what: pure checks over a mandate, a certificate's times and a set of hands.

Two people are two certificates and two keys: a certificate on file belongs to one person, and a key to one
person's certificates.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from scf.kernel.clock import instant_text
from scf.kernel.errors import Invalid, LimitExceeded, NotAllowed
from scf.kernel.money import Money
from scf.parties.models import Certificate, Mandate, Party, Role
from scf_ledger.event_types import EVENT_TYPES, Scope, Signing

Step = str | None

_SIGNINGS: Final[tuple[Signing, ...]] = tuple(
    signing for kind in EVENT_TYPES.values() for signing in kind.signings
)
STEPS: Final[Mapping[str, tuple[Step, ...]]] = MappingProxyType({s.act: s.steps for s in _SIGNINGS})
"""Act -> its hands: one signature, or maker and checker."""
SCOPES: Final[Mapping[str, Scope]] = MappingProxyType({s.act: s.scope for s in _SIGNINGS})
"""Act -> the kind of party that signs it."""
DESK: Final[Mapping[str, tuple[Step, ...]]] = MappingProxyType(
    {
        "configure": ("make", "check"),
        "investigate": ("make",),
        "review": ("check",),
        "authorise": ("check",),
        "vote": ("check",),
        "clear": ("check",),
        "inspect": ("make",),
        "classify": ("make", "check"),
        "price": ("make", "check"),
    }
)
"""A bank's own acts -> their hands: recorded with person and mandate, signed by nobody outside."""
ROLES: Final[Mapping[Step, Role]] = MappingProxyType(
    {"make": Role.MAKER, "check": Role.CHECKER, None: Role.SIGNER}
)


class ActNotForParty(NotAllowed):
    """Enterprises confirm and pledge; banks offer, accept and release."""

    code = "statement.act_not_for_party"
    title = "该类参与方不能签署此类文件"
    title_en = "This kind of party does not sign this act"


class PartyRevoked(NotAllowed):
    """A party that has left signs nothing."""

    code = "party.revoked"
    title = "该参与方已退出平台"
    title_en = "The party has left"


class PersonRevoked(NotAllowed):
    """Somebody who has left gets no mandate and no certificate."""

    code = "person.revoked"
    title = "该人员已离任"
    title_en = "The person has left"


class HandsWrong(Invalid):
    """An act is signed by exactly the hands it needs: one person, or a maker and a checker."""

    code = "statement.hands_wrong"
    title = "签署人数与文件要求不符"
    title_en = "The act needs another number of signers"


class SamePerson(NotAllowed):
    """Maker and checker are two people (经办与复核分离)."""

    code = "statement.same_person"
    title = "经办人与复核人不能是同一人"
    title_en = "Maker and checker must be two people"


class MandateRevoked(NotAllowed):
    """A revoked mandate carries no signature any more."""

    code = "mandate.revoked"
    title = "授权已被撤销"
    title_en = "The mandate is revoked"


class MandateNotInForce(NotAllowed):
    """A mandate counts from its first instant to before its last."""

    code = "mandate.not_in_force"
    title = "授权不在有效期内"
    title_en = "The mandate is not in force"


class MandateNotFor(NotAllowed):
    """A mandate names its person, party, role and acts, and covers nothing beside."""

    code = "mandate.not_for_this"
    title = "授权范围不包括此项签署"
    title_en = "The mandate does not cover this"


class MandateLimitExceeded(LimitExceeded):
    """One act is about no more than its mandate's limit."""

    code = "mandate.limit_exceeded"
    title = "金额超出授权限额"
    title_en = "The amount exceeds the mandate's limit"


class SubstituteBeyond(NotAllowed):
    """A substitute stands in for another person of the same party, within that person's own mandate."""

    code = "mandate.substitute_beyond"
    title = "代理授权超出被代理人的授权范围"
    title_en = "A substitute's mandate goes beyond the one that it stands in for"


class CertificateRevoked(NotAllowed):
    """A revoked certificate signs nothing any more."""

    code = "certificate.revoked"
    title = "数字证书已吊销"
    title_en = "The certificate is revoked"


class CertificateNotValid(NotAllowed):
    """A certificate is valid when the statement was issued and when it is handed in."""

    code = "certificate.not_valid_then"
    title = "数字证书不在有效期内"
    title_en = "The certificate is not valid at that time"


class CertificateWrongHolder(NotAllowed):
    """A statement is signed with the certificate of the person and party that it names."""

    code = "certificate.wrong_holder"
    title = "数字证书与签署人或所属单位不符"
    title_en = "The certificate belongs to another person or party"


def is_granted(act: str, *, scope: Scope | None, step: Step) -> bool:
    """Say whether a party of this kind acts so with this hand: an act that is signed, or a bank's own."""
    if act in DESK:
        return scope is Scope.BANK and step in DESK[act]
    return SCOPES.get(act) is scope and step in STEPS[act]


def check_party(party: Party, act: str) -> None:
    """Raise PartyRevoked or ActNotForParty."""
    if party.revoked_at is not None:
        raise PartyRevoked
    if party.scope is not SCOPES[act]:
        raise ActNotForParty(act=act, kind=party.kind.value, needed=SCOPES[act].value)


def check_hands(act: str, persons: Sequence[UUID]) -> None:
    """Raise HandsWrong or SamePerson; `persons` in the order of the act's steps."""
    needed = STEPS[act]
    if len(persons) != len(needed):
        raise HandsWrong(field="signers", act=act, needed=len(needed), given=len(persons))
    if len(set(persons)) != len(persons):
        raise SamePerson(field="signers", act=act)


def check_mandate(
    mandate: Mandate, *, party: UUID, person: UUID, act: str, step: Step, now: datetime
) -> None:
    """Raise MandateRevoked, MandateNotInForce or MandateNotFor."""
    if mandate.revoked_at is not None:
        raise MandateRevoked(revoked_at=instant_text(mandate.revoked_at))
    if not mandate.valid_from <= now < mandate.valid_to:
        raise MandateNotInForce(
            valid_from=instant_text(mandate.valid_from), valid_to=instant_text(mandate.valid_to)
        )
    if (mandate.party_id, mandate.person_id) != (party, person):
        raise MandateNotFor(field="mandate")
    if mandate.role is not ROLES[step]:
        raise MandateNotFor(field="mandate", role=mandate.role.value, needed=ROLES[step].value)
    if act not in mandate.acts:
        raise MandateNotFor(field="mandate", act=act, acts=mandate.acts)


def check_substitute(mandate: Mandate, original: Mandate) -> None:
    """Raise MandateRevoked, or SubstituteBeyond with what goes beyond."""
    if original.revoked_at is not None:
        raise MandateRevoked(revoked_at=instant_text(original.revoked_at))
    within = {
        "person": mandate.person_id != original.person_id and mandate.party_id == original.party_id,
        "role": mandate.role is original.role,
        "acts": set(mandate.acts) <= set(original.acts),
        "limit": mandate.limit_currency == original.limit_currency
        and mandate.limit_minor <= original.limit_minor,
        "valid_from": original.valid_from <= mandate.valid_from,
        "valid_to": mandate.valid_to <= original.valid_to,
    }
    for name, holds in within.items():
        if not holds:
            raise SubstituteBeyond(field=name)


def check_limit(mandate: Mandate, amount: Money) -> None:
    """Raise MandateLimitExceeded with both numbers, CurrencyMismatch for another currency."""
    if amount > mandate.limit:
        raise MandateLimitExceeded(limit=mandate.limit, asked=amount)


def check_certificate(
    certificate: Certificate, *, party: UUID, person: UUID, issued_at: datetime, now: datetime
) -> None:
    """Raise CertificateRevoked, CertificateNotValid or CertificateWrongHolder."""
    if certificate.revoked_at is not None:
        raise CertificateRevoked(revoked_at=instant_text(certificate.revoked_at))
    if not certificate.valid_from <= issued_at <= now <= certificate.valid_to:
        raise CertificateNotValid(
            valid_from=instant_text(certificate.valid_from),
            valid_to=instant_text(certificate.valid_to),
        )
    if (certificate.party_id, certificate.person_id) != (party, person):
        raise CertificateWrongHolder
