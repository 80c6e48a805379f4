"""OFD: read from its data, refused where it was altered after it was signed."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import date

import pytest

from scf.documents.parsing import Kind, parse
from scf.documents.parsing.packages import Package, resolve
from scf.documents.rules import Content
from tests.support.invoices import refusal, third_party_file

SIGNED = "cn-einvoice/ofd/ofdrw-converter__999.ofd"
PICTURE = "cn-einvoice/ofd/ofdrw-layout__fptpl.ofd"
DATA = "Doc_0/Attachs/original_invoice.xml"
SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"


@pytest.fixture
def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(third_party_file(SIGNED))) as package:
        return {name: package.read(name) for name in package.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return file.getvalue()


def changed(
    parts: dict[str, bytes], name: str, change: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    return {**parts, name: change(parts[name])}


def unsigned(parts: dict[str, bytes]) -> dict[str, bytes]:
    location = b"<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>"
    return changed(parts, "OFD.xml", lambda part: part.replace(location, b""))


def test_the_attached_invoice_is_read_to_the_cent(parts):
    invoice = parse(packed(parts))

    assert invoice.kind is Kind.CN_VAT
    assert invoice.number == "050001700111-12235358"
    assert (invoice.seller.id, invoice.seller.name) == ("91500102563638729E", "财天下科技有限公司")
    assert (invoice.buyer.id, invoice.buyer.name) == (None, "个人")
    assert (invoice.net.text, invoice.tax.text, invoice.total.text) == (
        "10000.00",
        "600.00",
        "10600.00",
    )
    assert invoice.issued_on == date(2020, 8, 5)
    assert len(invoice.lines) == 100


def test_packing_it_again_changes_nothing(parts):
    original = third_party_file(SIGNED)
    again = packed(dict(reversed(parts.items())))

    assert again != original
    assert parse(again) == parse(original)


@pytest.mark.parametrize("name", [DATA, "Doc_0/Pages/Page_0/Content.xml", "Doc_0/Res/qrcode.png"])
def test_a_part_altered_after_signing_is_named_with_both_digests(parts, name):
    error = refusal(parse, packed(changed(parts, name, lambda part: part + b" ")))

    assert (error.code, error.field) == ("document.altered", name)
    assert error.fields["algorithm"] == "sm3"
    assert len(error.fields["declared"]) == len(error.fields["computed"]) == 64
    assert error.fields["declared"] != error.fields["computed"]


def test_a_digest_altered_with_its_part_breaks_the_seal(parts):
    def sm3(content: bytes) -> bytes:
        return base64.b64encode(hashlib.new("sm3", content).digest())

    forged = parts[DATA].replace(b"10600.00", b"90600.00")
    parts = changed(parts, SIGNATURE, lambda part: part.replace(sm3(parts[DATA]), sm3(forged))) | {
        DATA: forged
    }
    error = refusal(parse, packed(parts))

    assert (error.code, error.field) == ("document.altered", SIGNATURE)


def test_data_that_the_signature_does_not_cover_is_not_read(parts):
    listing = "Doc_0/Attachs/Attachments.xml"
    reference = parts[SIGNATURE].index(b'<ofd:Reference FileRef="/Doc_0/Attachs/Attachments.xml">')
    end = parts[SIGNATURE].index(b"</ofd:Reference>", reference) + len(b"</ofd:Reference>")
    smaller = parts[SIGNATURE][:reference] + parts[SIGNATURE][end:]
    parts = {
        **parts,
        SIGNATURE: smaller.replace(b"<ofd:Signature ", b'<ofd:Signature Type="Sign" '),
    }
    error = refusal(parse, packed(parts))

    assert (error.code, error.field) == ("document.signature_incomplete", listing)


def test_a_digest_that_proves_nothing_is_refused(parts):
    old = changed(parts, SIGNATURE, lambda p: p.replace(b"1.2.156.10197.1.401", b"MD5"))
    error = refusal(parse, packed(old))

    assert (error.code, error.fields["check_method"]) == ("document.signature_incomplete", "MD5")


@pytest.mark.parametrize("name", [DATA, SIGNATURE, "Doc_0/Signs/Signatures.xml", "Doc_0/Document.xml"])  # fmt: skip
def test_a_part_that_is_gone_is_named(parts, name):
    error = refusal(parse, packed({n: part for n, part in parts.items() if n != name}))

    assert (error.code, error.fields["part"]) == ("document.package_invalid", name)


def test_a_signature_that_is_named_but_gone_is_refused():
    error = refusal(parse, third_party_file(PICTURE))

    assert error.code == "document.package_invalid"
    assert error.fields["part"] == "Doc_0/Signs/Signatures.xml"


def test_tags_tell_the_same_invoice_where_nothing_is_attached(parts):
    attached = parse(packed(parts))
    without = b"<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>"
    tagged = changed(unsigned(parts), "Doc_0/Document.xml", lambda p: p.replace(without, b""))
    invoice = parse(packed(tagged))

    assert Content.of(invoice) == Content.of(attached)
    assert invoice.lines == ()


def test_a_picture_without_data_is_refused(parts):
    document = "Doc_0/Document.xml"
    bare = unsigned(parts)
    for location in (
        b"<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>",
        b"<ofd:CustomTags>Tags/CustomTags.xml</ofd:CustomTags>",
    ):
        assert location in bare[document]
        bare = changed(bare, document, lambda part, gone=location: part.replace(gone, b""))

    assert refusal(parse, packed(bare)).code == "document.no_invoice_data"


def test_totals_of_an_unsigned_one_must_add_up(parts):
    wrong = changed(unsigned(parts), DATA, lambda p: p.replace(b"600.00</fp:TaxT", b"601.00</fp:TaxT"))  # fmt: skip
    error = refusal(parse, packed(wrong))

    assert error.code == "document.totals_mismatch"
    assert (error.fields["declared"], error.fields["computed"]) == ("10600.00", "10601.00")


@pytest.mark.parametrize(
    ("location", "beside", "name"),
    [
        ("/Doc_0/Document.xml", "OFD.xml", "Doc_0/Document.xml"),
        ("Sign_0/Signature.xml", "Doc_0/Signs/Signatures.xml", "Doc_0/Signs/Sign_0/Signature.xml"),
        ("../Res/a.png", "Doc_0/Tags/T.xml", "Doc_0/Res/a.png"),
    ],
)
def test_locations(location, beside, name):
    assert resolve(location, beside=beside) == name


@pytest.mark.parametrize("location", ["../x", "/../x", "a/../../x", "C:/x"])
def test_no_location_leads_out(location):
    assert refusal(resolve, location).code == "document.package_unsafe"


def test_bounds_of_a_package():
    bomb = io.BytesIO(packed({"a": bytes(20_000_000)}))
    assert refusal(Package, bomb).fields["what"] == "ratio"

    many = io.BytesIO(packed({f"{n}": b"" for n in range(10_001)}))
    assert refusal(Package, many).fields["count"] == 10_001

    escaping = io.BytesIO(packed({"../../etc/passwd": b""}))
    assert refusal(Package, escaping).code == "document.package_unsafe"


def test_what_is_unpacked_in_a_package_counts_for_the_one_around_it():
    outer = Package(io.BytesIO(packed({"a": b"12345678"})), bytes_max=10)
    inner = Package(io.BytesIO(packed({"b": b"123"})), within=outer)
    inner.read("b")

    assert refusal(outer.read, "a").fields["what"] == "unpacked"


def test_names_in_chinese_windows_encoding():
    written = packed({"XXXX/1.xml": b"1"}).replace(b"XXXX", "发票".encode("gb18030"))

    assert list(Package(io.BytesIO(written))) == ["发票/1.xml"]
