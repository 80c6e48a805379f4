"""Files of a case: a record names the hash, the bytes follow, the bank's own people get them back."""

import hashlib
import io
import zipfile
from base64 import b64encode

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from scf.approvals import papers
from scf.approvals.models import BYTES_MAX, CasePaper
from scf.parties.models import Role
from tests.support.approving import adopt, by, investigate, officer, path_of, small
from tests.support.problems import refusal

PNG = b"\x89PNG\r\n\x1a\n a photo of the visit"
CONTRACT = b"%PDF-1.7 the contract"
OTHER_HASH = """
INSERT INTO approval_papers
SELECT gen_random_uuid(), case_id, decode(repeat('07', 32), 'hex'), name, media_type, original,
  person_id, mandate_id, client_id, kept_at
FROM approval_papers
"""


def hash_of(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def maker(desk):
    return by(officer(desk.stage.cast.bank), Role.MAKER)


@pytest.fixture
def opened(desk, receivable):
    """Begin a case whose investigation names these files."""

    def begin(*contents):
        assert adopt(desk.stage, small()).is_success
        case = path_of(desk, desk.request(receivable))
        named = [{"name": f"材料{n}", "sha256": hash_of(one)} for n, one in enumerate(contents, 1)]
        investigate(desk, case, papers=named)
        return case

    return begin


def handed_in(desk, case, hand, content, *, who=None, **other):
    body = {**hand, "sha256": hash_of(content), "content": b64encode(content).decode(), **other}
    return desk.stage.post(who or desk.stage.cast.bank, f"{case}/papers", body)


def kept(desk):
    with desk.stage.database.reading() as session:
        return session.scalars(select(CasePaper.id).order_by(CasePaper.id)).all()


def test_what_a_record_names_is_kept_and_handed_out_as_it_came(desk, opened, maker):
    bank = desk.stage.cast.bank
    case = opened(PNG, CONTRACT)
    events = desk.types()

    shown = handed_in(desk, case, maker, PNG)
    again = handed_in(desk, case, maker, PNG)

    assert shown.status_code == 201
    found = shown.json()
    assert again.json() == found
    assert {name: found[name] for name in ("name", "media_type", "sha256", "person")} == {
        "name": "材料1",
        "media_type": "image/png",
        "sha256": hash_of(PNG),
        "person": maker["by"]["person"],
    }
    assert desk.seen(bank, f"{case}/papers") == [found]
    answer = desk.stage.get(bank, f"/v1/approval-papers/{found['id']}")
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert desk.types() == events, "the log has the hash already"


def test_what_cannot_be_kept_is_refused_and_nothing_stored(desk, opened, maker):
    page = b"<!DOCTYPE html><script>alert(1)</script>"
    big = b"%PDF-" + bytes(BYTES_MAX - 4)
    case, before = opened(PNG, page, big), kept(desk)

    wrong = refusal(
        handed_in(desk, case, maker, CONTRACT, sha256=hash_of(PNG)), 422, "approval.paper_differs"
    )
    assert wrong["fields"]["found"] == hash_of(CONTRACT)
    refusal(handed_in(desk, case, maker, CONTRACT), 422, "approval.paper_not_named")
    refusal(handed_in(desk, case, maker, page), 422, "approval.paper_type_unknown")
    large = refusal(handed_in(desk, case, maker, big), 413, "approval.paper_too_large")
    assert (large["fields"]["bytes"], large["fields"]["bytes_max"]) == (BYTES_MAX + 1, BYTES_MAX)
    stranger = officer(desk.stage.cast.second_bank).signer(Role.MAKER)
    refusal(handed_in(desk, case, {"by": stranger}, PNG), 403, "mandate.not_for_this")
    assert kept(desk) == before


def test_all_files_of_a_case_together_are_bounded(desk, opened, maker, monkeypatch):
    monkeypatch.setattr(papers, "CASE_BYTES_MAX", len(PNG) + len(CONTRACT) - 1)
    case = opened(PNG, CONTRACT)
    assert handed_in(desk, case, maker, PNG).is_success

    refused = refusal(handed_in(desk, case, maker, CONTRACT), 413, "approval.paper_too_large")

    assert refused["fields"]["bytes"] == len(PNG) + len(CONTRACT)


def test_nobody_but_the_bank_knows_of_them(desk, opened, maker):
    cast, case = desk.stage.cast, opened(PNG)
    paper = handed_in(desk, case, maker, PNG).json()["id"]

    for other in (cast.second_bank, cast.supplier, cast.anchor, cast.regulator):
        for path in (f"{case}/papers", f"/v1/approval-papers/{paper}"):
            refusal(desk.stage.get(other, path), 404, "subject.not_found")
        refusal(handed_in(desk, case, maker, PNG, who=other), 404, "subject.not_found")


def test_no_byte_of_them_is_ever_another(desk, opened, maker):
    paper = handed_in(desk, opened(PNG), maker, PNG)
    assert paper.is_success

    for statement in (
        "UPDATE approval_papers SET name = 'x'",
        "DELETE FROM approval_papers",
        OTHER_HASH,
    ):
        with pytest.raises(DBAPIError), desk.stage.database.transaction() as session:
            session.execute(text(statement))


def ofd(entry):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(entry, "x")
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (CONTRACT, "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 photo", "image/jpeg"),
        (b"<?xml version='1.0'?><a/>", "application/xml"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "application/xml"),
        (ofd("OFD.xml"), "application/ofd"),
    ],
)
def test_a_type_is_told_by_the_bytes(content, media_type):
    assert papers.type_of(content) == media_type


@pytest.mark.parametrize("content", [ofd("word/document.xml"), b"<svg/>", b"MZ", b"GIF89a"])
def test_other_types_are_refused(content):
    with pytest.raises(papers.PaperTypeUnknown):
        papers.type_of(content)
