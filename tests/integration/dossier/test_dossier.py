"""The file that a bank takes away: whole, in order, the same twice, and checked without the platform."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from base64 import b64encode
from datetime import timedelta

import pytest

from scf.evidence.sequencing import open_log
from scf.parties import certification
from scf.parties import queries as parties
from scf.parties.models import Role
from scf_ledger import trust
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.note import Signer
from tests.support.actors import STORY_BEGINS
from tests.support.approving import adopt, cleared, decide, investigate, officer, path_of, small
from tests.support.log import sequence_all
from tests.support.pdf import text_of
from tests.support.receivables import money

PHOTO = b"\x89PNG\r\n\x1a\n of the workshop"
CLEARING = {"within": 2, "items": [{"code": "seal", "title": "核对印章"}]}
CLEARING["conditions"] = [{"code": "registered"}]


@pytest.fixture(scope="module")
def signer(open_desk):
    made = Signer.generate("test.example/log")
    with open_desk.stage.database.transaction() as session:
        open_log(session, made, now=open_desk.stage.clock.real())
    return made


def publish(desk, signer, hours):
    at = STORY_BEGINS + timedelta(hours=hours)
    with desk.stage.database.transaction() as session:
        for scope, authority in desk.stage.cast.authorities.items():
            certification.receive_revocations(
                session, desk.stage.cast.authority_ids[scope], der=authority.crl(at=at), now=at
            )
    sequence_all(desk.stage.settings.database_url, signer)


@pytest.fixture(scope="module")
def lent(open_desk, signer):
    """A loan paid out through the bank's own desk."""
    desk = open_desk
    assert adopt(desk.stage, small(clearing=CLEARING)).is_success
    receivable = desk.receivable(1)
    financing = desk.request(receivable)
    case = path_of(desk, financing)
    named = [{"name": "走访照片", "sha256": hashlib.sha256(PHOTO).hexdigest()}]
    named.append({"name": "合同", "sha256": "07" * 32})
    investigate(desk, case, papers=named)
    hand = officer(desk.stage.cast.bank).signer(Role.MAKER)
    body = {"by": hand, "sha256": named[0]["sha256"], "content": b64encode(PHOTO).decode()}
    desk.did(desk.stage.cast.bank, f"{case}/papers", body)
    decide(desk, case)
    desk.approve(financing)
    pledge = desk.propose(financing)
    desk.contract(financing)
    desk.accept(pledge)
    desk.work()
    desk.mine()
    desk.work()
    cleared(desk, case, ["seal"])
    body = {"receipt_no": "FK-1", "amount": money("996000.00"), "disbursed_on": "2025-11-03"}
    desk.did(desk.stage.cast.bank, f"/v1/financings/{financing}/disbursement", body)
    publish(desk, signer, 1)
    return financing


def download(desk, financing, who=None):
    return desk.stage.get(who or desk.stage.cast.bank, f"/v1/financings/{financing}/dossier.zip")


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files(answer):
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def found(open_desk, lent):
    return files(download(open_desk, lent))


def test_it_holds_the_papers_in_order_with_their_hashes(found):

    index = json.loads(found["index.json"])
    listed = {one["path"]: one["sha256"] for one in index["papers"]}
    assert listed == {
        path: hashlib.sha256(content).hexdigest()
        for path, content in found.items()
        if path not in ("index.json", "SHA256SUMS")
    }
    sums = dict(reversed(line.split("  ")) for line in found["SHA256SUMS"].decode().splitlines())
    assert sums == {
        path: hashlib.sha256(content).hexdigest()
        for path, content in found.items()
        if path != "SHA256SUMS"
    }
    assert [path for path in found if not path.startswith("10-")] == [
        "01-contract/acceptance.pdf",
        "01-contract/contract.txt",
        "01-contract/offer.pdf",
        "01-contract/pledge.pdf",
        "04-invoices/01-25500000000000000001-checks.json",
        "04-invoices/01-25500000000000000001.xml",
        "05-confirmation/confirmation.pdf",
        *(path for path in found if path.startswith("06-registry/")),
        "08-approval/01-opened.json",
        "08-approval/02-investigated-01.png",
        "08-approval/02-investigated.json",
        "08-approval/03-decided.json",
        "08-approval/04-offered.json",
        "08-approval/05-ticked.json",
        "08-approval/06-cleared.json",
        "08-approval/07-lent.json",
        "08-approval/checklist.pdf",
        "08-approval/policy.json",
        "09-money/01-disbursement.json",
        "README.txt",
        "SHA256SUMS",
        "cover.pdf",
        "index.json",
    ]
    assert len([path for path in found if path.startswith("06-registry/")]) == 3
    assert [(one["slot"], one["title"]) for one in index["missing"]] == [
        ("02-order", "订单"),
        ("03-goods", "入库单（RK-20251020-03）"),
        ("07-notice", "债务人通知书"),
    ]


def test_a_file_stands_beside_the_record_that_names_it(open_desk, found):
    """Who handed it in, and when, is said; what nobody handed in is named as the bank's own."""
    index, path = json.loads(found["index.json"]), "08-approval/02-investigated-01.png"
    officer_ = officer(open_desk.stage.cast.bank).signer(Role.MAKER)
    record = json.loads(found["08-approval/02-investigated.json"])
    photo, contract = record["inputs"]["papers"]

    assert found[path] == PHOTO
    assert photo["sha256"] == hashlib.sha256(PHOTO).hexdigest()
    (handed_in,) = index["handed_in"]
    assert handed_in.pop("kept_at").startswith("2025-11-03T02:00:")
    assert handed_in == {**photo, "record": 2, "path": path, **officer_}
    assert index["kept_by_bank"] == [{**contract, "record": 2}]
    (listed,) = (one for one in index["papers"] if one["path"] == path)
    assert (listed["media_type"], listed["title"]) == ("image/png", "调查材料 走访照片")


def test_every_paper_names_a_proof_that_is_there(found):
    papers = json.loads(found["index.json"])["papers"]

    for paper in papers:
        for by in paper["proven_by"]:
            assert by.split(": ")[0] in found, paper
    unproven = [
        one["path"]
        for one in papers
        if not one["proven_by"] and not one["path"].startswith("10-proofs/")
    ]
    assert unproven == ["cover.pdf", "README.txt", "08-approval/checklist.pdf"]


def test_the_records_of_the_desk_are_those_that_were_hashed(found):
    record = found["08-approval/03-decided.json"]
    (entry,) = json.loads(
        next(
            found[by.split(": ")[0]]
            for one in json.loads(found["index.json"])["papers"]
            if one["path"] == "08-approval/03-decided.json"
            for by in one["proven_by"]
        )
    )["entries"]

    shown = [json.loads(from_b64url(text)) for text in entry["disclosures"]]
    digest = {name: value for _, name, value in shown}["record_sha256"]

    assert digest == b64url(hashlib.sha256(record).digest())
    assert json.loads(record)["inputs"]["approved"] is True


def test_cover_and_checklist_can_be_read(found):
    cover, checklist = text_of(found["cover.pdf"]), text_of(found["08-approval/checklist.pdf"])

    assert "缺失：买方未在平台登记" in cover
    assert hashlib.sha256(found["01-contract/contract.txt"]).hexdigest() in cover
    assert "核对印章" in checklist
    assert "已办理登记，取得登记编号" in checklist


def test_the_proofs_pass_the_verifier_as_they_are(desk, found, signer, tmp_path):
    with desk.stage.database.reading() as session:
        trusted = trust.build(
            logs=[("test.example/log", str(signer.verifier), None)],
            authorities=parties.authorities(session),
        )
    (tmp_path / "trust.json").write_bytes(trusted)
    for path, content in found.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)

    run(tmp_path, "sha256sum", "-c", "--quiet", "SHA256SUMS")
    proofs = ["10-proofs/pledge.scfproof"]
    proofs += [path for path in found if "approval.recorded" in path][:1]
    for path in proofs:
        verifier = (sys.executable, "-m", "scf_ledger.verify.cli")
        run(tmp_path, *verifier, path, "--trust", "trust.json")


def test_twice_it_is_the_same_file_also_when_the_log_has_grown(desk, lent, signer):
    first = download(desk, lent).content
    desk.receivable(2)
    publish(desk, signer, 2)

    assert download(desk, lent).content == first


def test_it_is_the_bank_s_alone_and_every_download_is_recorded(desk, lent):
    cast = desk.stage.cast
    path = f"/v1/financings/{lent}/dossier/downloads"
    before = desk.stage.get(cast.bank, path).json()
    for who in (cast.supplier, cast.anchor, cast.second_bank):
        assert download(desk, lent, who).json()["code"] == "subject.not_found"
        assert desk.stage.get(who, path).json()["code"] == "subject.not_found"

    content = download(desk, lent).content

    after = desk.stage.get(cast.bank, path).json()
    assert len(after) == len(before) + 1
    assert after[-1]["sha256"] == hashlib.sha256(content).hexdigest()
    assert after[-1]["size"] == len(content)


def verified(desk, found, signer, folder, *paths):
    """Have the verifier, by itself, look at proofs of a dossier."""
    with desk.stage.database.reading() as session:
        trusted = trust.build(
            logs=[("test.example/log", str(signer.verifier), None)],
            authorities=parties.authorities(session),
        )
    (folder / "trust.json").write_bytes(trusted)
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(found[path])
        verifier = (sys.executable, "-m", "scf_ledger.verify.cli")
        run(folder, *verifier, path, "--trust", "trust.json")


def shown(content, type_):
    """The record of an event of a proof file, as far as it is shown."""
    for entry in json.loads(content)["entries"]:
        if json.loads(from_b64url(entry["body"]))["type"] == type_:
            return {name: value for _, name, value in map(_disclosed, entry["disclosures"])}
    return None


def _disclosed(text):
    return json.loads(from_b64url(text))


def test_of_a_released_pledge_it_proves_what_was_held_and_when_it_ended(desk, signer, tmp_path):
    bank = desk.stage.cast.second_bank
    financing = desk.request(desk.receivable(4), bank=bank)
    desk.approve(financing, bank=bank)
    pledge = desk.propose(financing, bank=bank)
    desk.contract(financing)
    desk.accept(pledge, bank=bank)
    for _ in range(2):
        desk.work()
        desk.mine()
    path = f"/v1/pledges/{pledge}"
    body = {"signers": bank.signers("release"), "reason": "主债权已清偿"}
    desk.signed(bank, f"{path}/release-draft", body, f"{path}/release")
    publish(desk, signer, 3)

    found = files(download(desk, financing, bank))

    index = json.loads(found["index.json"])
    (release,) = (one for one in index["papers"] if one["path"] == "01-contract/release.pdf")
    path, whole = release["proven_by"][0].split(": ")[0], "10-proofs/pledge.scfproof"
    verified(desk, found, signer, tmp_path, whole, path)
    assert shown(found[whole], "pledge.released") is None
    assert shown(found[whole], "pledge.accepted")["amount"] == money("1245000.00")
    assert shown(found[path], "pledge.released")["reason"] == "主债权已清偿"
    titles = {one["path"]: one["title"] for one in index["papers"]}
    assert titles[whole] == "质押证明（解除前）"


def test_until_its_events_are_published_there_is_none(desk, signer):
    financing = desk.request(desk.receivable(3), bank=desk.stage.cast.second_bank)

    answer = download(desk, financing, desk.stage.cast.second_bank)

    assert answer.json()["code"] == "evidence.pending"
