"""What a dossier is made of, and how it becomes a ZIP: the same papers always make the same bytes."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from scf.kernel.errors import TooLarge

FORMAT: Final = "scf-dossier/1"
INDEX: Final = "index.json"
COVER: Final = "cover.pdf"
SUMS: Final = "SHA256SUMS"
README: Final = "README.txt"
BYTES_MAX: Final = 64 * 1024 * 1024
_BEGINNING: Final = (1980, 1, 1, 0, 0, 0)  # the first instant that a ZIP can say
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


class DossierTooLarge(TooLarge):
    """A dossier is one file that a person opens."""

    code = "dossier.too_large"
    title = "档案文件过大"
    title_en = "The dossier is too large for one file"


class Slot(StrEnum):
    """The parts of a file, in order; the name is the folder's."""

    CONTRACT = "01-contract"
    ORDER = "02-order"
    GOODS = "03-goods"
    INVOICES = "04-invoices"
    CONFIRMATION = "05-confirmation"
    REGISTRY = "06-registry"
    NOTICE = "07-notice"
    APPROVAL = "08-approval"
    MONEY = "09-money"
    PROOFS = "10-proofs"


TITLES: Final[Mapping[Slot, tuple[str, str]]] = {
    Slot.CONTRACT: ("合同与签署文件", "Contract and what was signed"),
    Slot.ORDER: ("订单", "Order"),
    Slot.GOODS: ("发货与入库", "Despatch and goods receipt"),
    Slot.INVOICES: ("发票与查验", "Invoices and their checks"),
    Slot.CONFIRMATION: ("确权函", "The debtor's confirmation"),
    Slot.REGISTRY: ("查询与登记证明", "Search and registration certificates"),
    Slot.NOTICE: ("债务人通知与回执", "Notice to the debtor, and its receipt"),
    Slot.APPROVAL: ("审批、放款审核与贷后", "Approval, clearing, and checks after"),
    Slot.MONEY: ("放款与还款回单", "Receipts of money"),
    Slot.PROOFS: ("存证证明", "Proofs"),
}


@dataclass(frozen=True, slots=True)
class Paper:
    """One file. `proven_by` names files of the dossier that prove it, and what in them does."""

    slot: Slot
    name: str
    title: str
    media_type: str
    content: bytes
    proven_by: Sequence[str] = ()

    @property
    def path(self) -> str:
        """Its place in the ZIP."""
        return f"{self.slot.value}/{self.name}"


@dataclass(frozen=True, slots=True)
class Missing:
    """A paper that belongs into the file and is not there."""

    slot: Slot
    title: str
    reason: str


@dataclass(slots=True)
class Dossier:
    """The papers, what is missing, who handed in what, and what the bank keeps itself (by hash only)."""

    papers: list[Paper] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    handed_in: list[dict[str, Any]] = field(default_factory=list)
    kept_by_bank: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        slot: Slot,
        name: str,
        title: str,
        content: bytes,
        *,
        media_type: str | None = None,
        proven_by: Sequence[str] = (),
    ) -> None:
        """Put a file in; its type is told by its name's end unless said."""
        kind = media_type or MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        self.papers.append(Paper(slot, name, title, kind, content, proven_by))

    def miss(self, slot: Slot, title: str, reason: str) -> None:
        """Say what is not there, and why."""
        self.missing.append(Missing(slot, title, reason))

    def ordered(self) -> list[Paper]:
        """Return the papers in the order of the file."""
        slots = list(Slot)
        return sorted(self.papers, key=lambda one: (slots.index(one.slot), one.name))


MEDIA_TYPES: Final = {
    "pdf": "application/pdf",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "xml": "application/xml",
    "ofd": "application/ofd",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "csv": "text/csv; charset=utf-8",
    "scfproof": "application/vnd.scf.proof+json",
}


def index(dossier: Dossier, about: Mapping[str, Any], cover: bytes, readme: bytes) -> bytes:
    """Return `index.json`: every other file with its hash, what is missing, what the bank keeps."""
    extra = [
        _entry(COVER, "封面与目录", MEDIA_TYPES["pdf"], cover, ()),
        _entry(README, "核验说明", MEDIA_TYPES["txt"], readme, ()),
    ]
    value = {
        "format": FORMAT,
        **about,
        "papers": [
            *extra,
            *(
                _entry(one.path, one.title, one.media_type, one.content, one.proven_by)
                for one in dossier.ordered()
            ),
        ],
        "missing": [
            {"slot": one.slot.value, "title": one.title, "reason": one.reason}
            for one in dossier.missing
        ],
        "handed_in": dossier.handed_in,
        "kept_by_bank": dossier.kept_by_bank,
    }
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def pack(dossier: Dossier, *, cover: bytes, index: bytes, readme: bytes) -> bytes:
    """Return the ZIP. Raises DossierTooLarge."""
    files = {COVER: cover, INDEX: index, README: readme}
    files |= {one.path: one.content for one in dossier.ordered()}
    assert len(files) == len(dossier.papers) + 3, "every paper has a path of its own"
    files[SUMS] = sums(files)
    size = sum(map(len, files.values()))
    if size > BYTES_MAX:
        raise DossierTooLarge(bytes=size, bytes_max=BYTES_MAX)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _BEGINNING)
            entry.external_attr, entry.create_system = _MODE, _UNIX
            archive.writestr(entry, files[path], zipfile.ZIP_DEFLATED, 6)
    return out.getvalue()


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return what `sha256sum -c` reads."""
    lines = [f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files)]
    return "".join(lines).encode()


def safe(text: str) -> str:
    """Return a text as a part of a file's name: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text)[:60].strip("-") or "x"


def _entry(
    path: str, title: str, media_type: str, content: bytes, proven_by: Sequence[str]
) -> dict[str, Any]:
    return {
        "path": path,
        "title": title,
        "media_type": media_type,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "proven_by": list(proven_by),
    }
