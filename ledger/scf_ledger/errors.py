"""The closed tree of what the ledger refuses.

Every error has a stable ``code`` and carries the numbers it is about in ``fields``. The English
text is for logs; readers in Chinese get theirs from the catalogue of the edge that shows it.
"""

from typing import Any, ClassVar


class LedgerError(Exception):
    """The root: bytes, a proof or a signature is not what it has to be."""

    code: ClassVar[str] = "ledger.error"

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class Unencodable(LedgerError):
    """A value has one canonical form, or it is not written at all."""

    code = "json.unencodable"


class NotCanonical(LedgerError):
    """Bytes that are hashed are exactly the canonical form of what they say."""

    code = "json.not_canonical"


class Malformed(LedgerError):
    """A document has the shape that its format page gives, and nothing beside."""

    code = "format.malformed"


class TooLarge(LedgerError):
    """Input from outside is bounded before it is read."""

    code = "format.too_large"


class BadSignature(LedgerError):
    """A signature is by the named key over exactly these bytes."""

    code = "signature.invalid"


class BadCertificate(LedgerError):
    """A certificate names its holder and was issued, for the time of signing, by a listed CA."""

    code = "certificate.invalid"


class BadProof(LedgerError):
    """A Merkle proof leads from what is claimed to the root, with no hash left over."""

    code = "merkle.mismatch"


class MissingTile(LedgerError):
    """The tiles of a tree hold every hash that its size promises."""

    code = "tiles.missing"
