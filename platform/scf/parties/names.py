"""Persons' names: each under a key of its own, so that deleting the key erases the name."""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scf.kernel.errors import Conflict
from scf.parties.models import PersonErasure, PersonKey, PersonName

KEY_BITS: Final = 256
NONCE_LENGTH: Final = 12


class AlreadyErased(Conflict):
    """A name is erased once."""

    code = "person.already_erased"
    title = "该人员姓名已删除"
    title_en = "The name was erased before"


def keep(session: Session, person_id: UUID, name: str) -> None:
    """Store a name, bound to its person."""
    key, nonce = AESGCM.generate_key(KEY_BITS), os.urandom(NONCE_LENGTH)
    ciphertext = AESGCM(key).encrypt(nonce, name.encode(), person_id.bytes)
    session.add(PersonKey(person_id=person_id, key=key))
    session.add(PersonName(person_id=person_id, nonce=nonce, ciphertext=ciphertext))


def name_of(session: Session, person_id: UUID) -> str | None:
    """Return a name, None once it is erased."""
    return names_of(session, [person_id]).get(person_id)


def names_of(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return names by person; those that are erased are left out."""
    rows = session.execute(
        select(PersonKey.person_id, PersonKey.key, PersonName.nonce, PersonName.ciphertext)
        .join(PersonName, PersonName.person_id == PersonKey.person_id)
        .where(PersonKey.person_id.in_(list(ids)))
    )
    return {
        identity: AESGCM(key).decrypt(nonce, ciphertext, identity.bytes).decode()
        for identity, key, nonce, ciphertext in rows
    }


def erase(
    session: Session, person_id: UUID, *, by: UUID, reason: str, now: datetime
) -> PersonErasure:
    """Delete a name's key, and record who did. Raises AlreadyErased."""
    gone = session.scalar(
        delete(PersonKey).where(PersonKey.person_id == person_id).returning(PersonKey.person_id)
    )
    if gone is None:
        raise AlreadyErased
    session.execute(delete(PersonName).where(PersonName.person_id == person_id))
    erasure = PersonErasure(person_id=person_id, erased_by=by, erased_at=now, reason=reason)
    session.add(erasure)
    session.flush()
    return erasure
