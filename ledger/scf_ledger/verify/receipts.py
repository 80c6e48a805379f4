"""Who vouches for a registration: the register, where a receipt of its own stands by the entry.

Without one, or where the trust file lists no authority of registers, it is the platform that says so; a
receipt that is given and does not hold is a false one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from scf_ledger import certificates, jws, receipt, shapes
from scf_ledger.certificates import Authority
from scf_ledger.event_types import Scope
from scf_ledger.receipt import Receipt
from scf_ledger.trust import Trust
from scf_ledger.verify import signers
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.report import Failure
from scf_ledger.verify.signers import Signers

NUMBERS: Final[Mapping[str, Mapping[str, str]]] = {
    "pledge.registered": {"initial_no": "reg_no", "number": "reg_no"},
    "pledge.registration_changed": {"initial_no": "reg_no", "number": "change_no"},
}
"""Type of an entry that a register can vouch for -> field of the receipt -> field of the record."""
_SAME: Final = ("registered_at", "expires_on", "certificate_sha256")
REGISTER, PLATFORM = "register", "platform"


def check(reads: Sequence[Read], trust: Trust, *, existed_by: datetime | None) -> str | None:
    """Verify every receipt; say who vouches for the registrations of a file, None where it has none.

    :raises LedgerError: a receipt that is not the register's, or is about something else
    """
    authorities = tuple(one for one in trust.authorities if one.scope is Scope.REGISTRY)
    signed = next((read for read in reads if read.type == "pledge.signed"), None)
    vouched = []
    for read in reads:
        with at(read.where):
            given = read.entry.receipt
            if given is not None and read.type not in NUMBERS:
                raise Failure("receipt.unexpected", type=read.type)
            if given is not None and authorities:
                _check(given, read, signed, authorities, existed_by)
            if read.type in NUMBERS:
                vouched.append(given is not None and bool(authorities))
    if not vouched:
        return None
    return REGISTER if all(vouched) else PLATFORM


def _check(
    given: Receipt,
    read: Read,
    signed: Read | None,
    authorities: tuple[Authority, ...],
    existed_by: datetime | None,
) -> None:
    parsed, said = receipt.read(given.jws)
    signer = signers.read(given.certificate, authorities)
    if parsed.thumbprint != signer.thumbprint:
        raise Failure("receipt.other_key", thumbprint=parsed.thumbprint)
    jws.verify(parsed, signer.key)
    revocations = [certificates.load_revocations(given.revocations, authorities)]
    made_at = shapes.instant(said["registered_at"]).replace(microsecond=0)
    Signers({}, revocations).check_in_force(signer, issued_at=made_at, existed_by=existed_by)
    _check_about(said, read)
    if signed is not None:
        _check_debt(said, signed)


def _check_about(said: Mapping[str, Any], read: Read) -> None:
    """Verify that a receipt is about this entry, filed under this pledge's own id."""
    subject = read.event.subject
    if said["reference"] != subject and not said["reference"].startswith(f"{subject}-"):
        raise Failure("receipt.other_subject", reference=said["reference"])
    fields = {**NUMBERS[read.type], **{field: field for field in _SAME}}
    for name, field in fields.items():
        if field in read.record and read.record[field] != said[name]:
            raise Failure("receipt.differs", field=field)


def _check_debt(said: Mapping[str, Any], signed: Read) -> None:
    """Verify that what was registered secures the debt that pledgor and pledgee signed."""
    principal = signed.record.get("principal", {})
    expected = {
        "grantor": signed.record.get("pledgor"),
        "secured_party": signed.record.get("pledgee"),
        "contract_no": principal.get("contract_sha256"),
        "amount": principal.get("amount"),
    }
    for name, value in expected.items():
        if value is not None and said[name] != value:
            raise Failure("receipt.differs", field=name)
