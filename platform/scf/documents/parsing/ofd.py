"""OFD (GB/T 33190-2016): an invoice as a page, with its data attached or tagged, usually signed.

The digests of a signature are computed again over every part that it covers, and the seal's own digest
over the list of them (GM/T 0031, GM/T 0038). Who sealed is not decided here: that needs the tax
authority's certificates and SM2. An unsigned OFD is worth what an XML file is worth.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives import hashes
from lxml import etree

from scf.documents.parsing import cn_einvoice, cn_vat
from scf.documents.parsing.errors import (
    DocumentAltered,
    FieldRepeated,
    NoInvoiceData,
    PackageInvalid,
    SignatureIncomplete,
)
from scf.documents.parsing.model import Invoice
from scf.documents.parsing.packages import Package, resolve
from scf.documents.parsing.values import excerpt
from scf.documents.parsing.xml import Node, load

ENTRY: Final = "OFD.xml"
PARSERS: Final = {cn_einvoice.ROOT: cn_einvoice.parse, cn_vat.ROOT: cn_vat.parse}
"""Root of the attached data -> parser."""

_SHA1: Final = hashes.SHA1()  # noqa: S303 - what old files say; it must agree, it proves little
DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.156.10197.1.401": hashes.SM3(),
    "SM3": hashes.SM3(),
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "SHA256": hashes.SHA256(),
    "SHA-256": hashes.SHA256(),
    "1.3.14.3.2.26": _SHA1,
    "SHA1": _SHA1,
    "SHA-1": _SHA1,
}
"""`CheckMethod` -> digest. The standard's default, MD5, holds nothing any more."""
_SEAL_DIGEST: Final = 3  # the place of dataHash in the sealed structure


def parse(package: Package) -> Invoice:
    """Read the invoice of an OFD. Raises a Refused error that says what is wrong with which part."""
    body = _part(package, ENTRY).require("DocBody")
    covered = _covered(package, body)
    document = resolve(body.require_text("DocRoot"))
    data, parts = _data(package, document)
    if covered is not None:
        for part in (document, *parts):
            if part not in covered:
                raise SignatureIncomplete(field=part, covered=len(covered))
    return PARSERS[data.name](data)


def _part(package: Package, name: str) -> Node:
    return load(package.read(name))


# --- signatures ----------------------------------------------------------------------------------


def _covered(package: Package, body: Node) -> set[str] | None:
    """Return the parts that signatures cover, each as it was signed; None where nothing is signed.

    Raises DocumentAltered, SignatureIncomplete, PackageInvalid.
    """
    listed = body.text_of("Signatures")
    if not listed:
        return None
    signatures = resolve(listed)
    covered: set[str] = set()
    for entry in _part(package, signatures).all("Signature"):
        name = resolve(entry.element.get("BaseLoc") or "", beside=signatures)
        covered |= _verified(package, name)
    return covered


def _verified(package: Package, name: str) -> set[str]:
    """Return the parts that one signature covers. Raises DocumentAltered, SignatureIncomplete."""
    original = package.read(name)
    signature = load(original)
    references = signature.require("SignedInfo", "References")
    method = references.element.get("CheckMethod") or "MD5"
    digest = DIGESTS.get(method.upper())
    if digest is None:
        raise SignatureIncomplete(field=name, check_method=excerpt(method))
    covered: set[str] = set()
    for reference in references.all("Reference"):
        part = resolve(reference.element.get("FileRef") or "", beside=name)
        if part in covered:
            raise FieldRepeated(field=name, part=part)
        _require_digest(part, _bytes(reference.require("CheckValue")), package.read(part), digest)
        covered.add(part)
    if signature.element.get("Type", "Seal") == "Seal":
        value = resolve(signature.require_text("SignedValue"), beside=name)
        declared = _sealed_digest(package.read(value), part=value)
        _require_digest(
            name,
            declared,
            original,
            hashes.SM3() if len(declared) == hashes.SM3.digest_size else digest,
        )
    return covered


def _require_digest(
    part: str, declared: bytes, original: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    """Raise DocumentAltered, with both digests, where a part is not what was signed."""
    context = hashes.Hash(algorithm)
    context.update(original)
    computed = context.finalize()
    if computed != declared:
        raise DocumentAltered(
            field=part, algorithm=algorithm.name, declared=declared.hex(), computed=computed.hex()
        )


def _bytes(node: Node) -> bytes:
    """Read base64. Raises PackageInvalid."""
    try:
        return base64.b64decode("".join(node.raw.split()), validate=True)
    except (binascii.Error, ValueError):
        raise PackageInvalid(part=node.path, reason="不是 base64 编码 not base64") from None


def _sealed_digest(value: bytes, *, part: str) -> bytes:
    """Return the digest that a seal was set upon: dataHash of the sealed structure. Raises PackageInvalid."""
    try:
        _, signed, _ = _der(value)
        _, sealed, _ = _der(signed)
        for _ in range(_SEAL_DIGEST):
            _, _, sealed = _der(sealed)
        tag, digest, _ = _der(sealed)
    except IndexError:
        raise PackageInvalid(part=part, reason="不是电子印章签名 not a seal's signature") from None
    if tag != 0x03:  # noqa: PLR2004 - a bit string; its first byte counts the unused bits
        raise PackageInvalid(part=part, reason="不是电子印章签名 not a seal's signature")
    return digest[1:]


def _der(encoded: bytes) -> tuple[int, bytes, bytes]:
    """Split an ASN.1 DER element off (X.690, 8.1): tag, content, rest. Raises IndexError where it is cut."""
    tag, length, start = encoded[0], encoded[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(encoded[2:start])
    end = start + length
    if end > len(encoded):
        raise IndexError
    return tag, encoded[start:end], encoded[end:]


# --- data ----------------------------------------------------------------------------------------


def _data(package: Package, document: str) -> tuple[Node, list[str]]:
    """Return the invoice's data and the parts it was read from: attached, else tagged on the page.

    Raises NoInvoiceData, FieldRepeated.
    """
    root = _part(package, document)
    found = [*_attached(package, document, root)] or [*_tagged(package, document, root)]
    if not found:
        raise NoInvoiceData
    if len(found) > 1:
        raise FieldRepeated(field=document, count=len(found))
    return found[0]


def _attached(package: Package, document: str, root: Node) -> Iterator[tuple[Node, list[str]]]:
    """Iterate over the attachments that are invoices, with the parts that lead to them."""
    location = root.text_of("Attachments")
    if not location:
        return
    listing = resolve(location, beside=document)
    for entry in _part(package, listing).all("Attachment"):
        name = resolve(entry.require_text("FileLoc"), beside=listing)
        if name.lower().endswith(".xml"):
            data = _part(package, name)
            if data.name in PARSERS:
                yield data, [listing, name]


def _tagged(package: Package, document: str, root: Node) -> Iterator[tuple[Node, list[str]]]:
    """Iterate over the invoices that tags make of the page's texts (7.12 of the standard).

    Lines stay out: the page may leave them to a list, and break them as it likes.
    """
    location = root.text_of("CustomTags")
    if not location:
        return
    listing = resolve(location, beside=document)
    for entry in _part(package, listing).all("CustomTag"):
        name = resolve(entry.require_text("FileLoc"), beside=listing)
        data = _part(package, name)
        if data.name == cn_vat.ROOT:
            texts, pages = _texts(package, document, root)
            for goods in list(data.element.iterchildren("{*}GoodsInfos")):
                data.element.remove(goods)
            _fill(data.element, texts)
            yield data, [listing, name, *pages]


def _texts(package: Package, document: str, root: Node) -> tuple[dict[str, str], list[str]]:
    """Return the text of each object by its ID, unique in a document, and the parts they stand in."""
    texts: dict[str, str] = {}
    parts = []
    pages = [*root.require("Pages").all("Page"), *root.require("CommonData").all("TemplatePage")]
    for page in pages:
        part = resolve(page.element.get("BaseLoc") or "", beside=document)
        parts.append(part)
        for element in _part(package, part).element.iter("{*}TextObject"):
            codes = (code.text or "" for code in element.iterchildren("{*}TextCode"))
            texts[element.get("ID") or ""] = "".join(codes)
    return texts, parts


def _fill(element: etree._Element, texts: dict[str, str]) -> None:
    """Put the page's texts where the tags refer to them."""
    for child in element:
        references = list(child.iterchildren("{*}ObjectRef"))
        if references:
            text = "".join(
                texts.get((reference.text or "").strip(), "") for reference in references
            )
            for reference in references:
                child.remove(reference)
            child.text = text
        else:
            _fill(child, texts)
