"""The signer's side: show what the bytes say, then sign exactly those bytes.

Nothing the platform says about a draft is believed: the paper is rendered here, from the bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scf.kernel.errors import Invalid
from scf.parties import rendering
from scf.parties.keystore import Identity
from scf_ledger import jws, statement
from scf_ledger.encoding import from_b64url
from scf_ledger.errors import LedgerError


class DraftMalformed(Invalid):
    """A draft lists statements, each with its payload in base64url."""

    code = "draft.malformed"
    title = "待签署文件格式不正确"
    title_en = "The draft is not well-formed"


class NothingToSign(Invalid):
    """A key signs the statements that name its holder."""

    code = "draft.nothing_to_sign"
    title = "该文件中没有需要此密钥签署的内容"
    title_en = "The draft holds nothing for this key"


@dataclass(frozen=True, slots=True)
class Drafted:
    """One statement of a draft, read from its bytes; `lines` are those of a basket."""

    payload: bytes
    statement: statement.Statement
    lines: Sequence[str] = ()

    @property
    def text(self) -> str:
        """What the bytes say, in Chinese."""
        return rendering.render(self.payload, self.lines)

    def is_for(self, identity: Identity) -> bool:
        """Say whether the statement names this key's holder."""
        holder = identity.holder
        return (self.statement.party, self.statement.person) == (holder.uscc, holder.person)

    def sign(self, identity: Identity) -> str:
        """Return the compact JWS, normalised."""
        return jws.sign(self.payload, identity.key, identity.certificate)


def read_draft(draft: Mapping[str, Any]) -> list[Drafted]:
    """Read a draft as the platform answers it.

    Raises DraftMalformed, also where the lines shown are not exactly those that are to be signed.
    """
    try:
        payloads = [from_b64url(item["payload"]) for item in draft["statements"]]
        parsed = [statement.parse_statement(payload) for payload in payloads]
        lines = list(draft.get("lines", ()))
        digests = sorted(statement.parse_line(line).digest for line in lines)
    except (LedgerError, KeyError, TypeError, AttributeError) as error:
        raise DraftMalformed from error
    if any(one.content.get("lines", []) != digests for one in parsed):
        raise DraftMalformed(field="lines")
    return [Drafted(*pair, lines) for pair in zip(payloads, parsed, strict=True)]


def for_identity(draft: Mapping[str, Any], identity: Identity) -> list[Drafted]:
    """Return the statements that a key is to sign. Raises DraftMalformed, NothingToSign."""
    mine = [drafted for drafted in read_draft(draft) if drafted.is_for(identity)]
    if not mine:
        raise NothingToSign(person=identity.holder.person)
    return mine


def sign_all(draft: Mapping[str, Any], identities: list[Identity]) -> list[str]:
    """Sign a whole draft with the keys of everybody it names, in its order.

    Raises DraftMalformed, NothingToSign where a statement's signer is not among `identities`.
    """
    signed = []
    for drafted in read_draft(draft):
        signer = next((one for one in identities if drafted.is_for(one)), None)
        if signer is None:
            raise NothingToSign(person=drafted.statement.person)
        signed.append(drafted.sign(signer))
    return signed
