"""Endpoints that answer with what is to be signed: one shape for every draft."""

from collections.abc import Callable, Sequence
from typing import Any

from scf.evidence.models import Statement
from scf.http.calls import Call
from scf.parties.schemas import DraftOut
from scf.parties.signing import Signer


def drafted(
    call: Call, write: Callable[..., list[Statement]], *about: Any, signers: Sequence[Signer]
) -> DraftOut:
    """Have a service write a draft about something, for these signers; return it as it is signed.

    Raises what the service raises.
    """
    return DraftOut.of(
        write(
            call.session,
            call.actor,
            *about,
            signers=signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )
