"""`scf import` against a running installation."""

import hashlib
import json
import shutil
import threading

import pytest
import uvicorn

from scf import cli
from scf.cli import _api
from scf.kernel.ids import public_id
from tests.support.invoices import SAMPLES, cn_einvoice, ubl
from tests.support.lists import zipped


@pytest.fixture
def url(stage):
    """The application on a port."""
    server = uvicorn.Server(uvicorn.Config(stage.http.app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def imported(url, stage, monkeypatch, capsys):
    """Run `scf import --json` for the supplier: exit code, verdict and code of each line."""
    supplier = stage.cast.supplier
    monkeypatch.setenv("SCF_API_URL", url)
    monkeypatch.setenv("SCF_CLIENT_ID", public_id("cli", supplier.client_id))
    monkeypatch.setenv("SCF_CLIENT_SECRET", supplier.client_secret)

    def run(*arguments):
        code = cli.main(["import", "--json", *map(str, arguments)])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return code, [(line["verdict"], line["code"]) for line in lines]

    return run


@pytest.fixture
def folder(tmp_path):
    """A folder of one's own; `tmp_path` holds the cast's keys too."""
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def numbers(stage):
    items = stage.get(stage.cast.supplier, "/v1/documents").json()["items"]
    return [item["number"] for item in items]


def test_the_months_invoices(stage, imported):
    assert imported(SAMPLES / "invoices") == (0, [("accepted", None)] * 3)
    assert numbers(stage) == [f"255020000000000101{n:02}" for n in (1, 2, 3)]


def test_again_they_are_duplicates(stage, imported, folder):
    imported(SAMPLES / "invoices")
    other = folder / "other.xml"
    other.write_bytes((SAMPLES / "invoices" / "25502000000000010101.xml").read_bytes() + b"\n")

    again = imported(SAMPLES / "invoices", other)
    assert again == (0, [("duplicate", "document.duplicate")] * 4)
    assert len(numbers(stage)) == 3


def test_rows_of_the_portals_export_are_kept_as_rows(stage, imported):
    """What is kept names the list by its hash; the invoice's own file then says nothing new."""
    export = SAMPLES / "lists" / "export.xlsx"
    assert imported(export) == (0, [("accepted", None)] * 3)
    assert imported(SAMPLES / "invoices") == (0, [("duplicate", "document.duplicate")] * 3)

    supplier = stage.cast.supplier
    document = stage.get(supplier, "/v1/documents").json()["items"][0]
    original = stage.get(supplier, f"/v1/documents/{document['id']}/original")
    kept = json.loads(original.content)
    assert (document["kind"], document["number"]) == ("cn-einvoice", "25502000000000010101")
    assert kept["format"] == "scf-listed-invoice/1"
    assert kept["source"] == {
        "sha256": hashlib.sha256(export.read_bytes()).hexdigest(),
        "sheet": "发票基础信息",
        "row": 2,
    }


def test_a_package_is_registered_member_by_member(stage, imported, folder):
    mixed = {file.name: file.read_bytes() for file in (SAMPLES / "invoices").iterdir()}
    mixed |= {
        "读我.pdf": b"%PDF-1.7",
        "list.xlsx": (SAMPLES / "lists" / "export.xlsx").read_bytes(),
    }
    (folder / "下载.zip").write_bytes(zipped(mixed))

    code, lines = imported(folder)
    assert code == 1
    assert sorted(lines, key=str) == sorted(
        [("accepted", None)] * 3
        + [("duplicate", "document.duplicate")] * 3
        + [("refused", "document.unsupported_format")],
        key=str,
    )
    assert len(numbers(stage)) == 3


def test_the_platforms_refusals_are_told_and_the_rest_goes_on(stage, imported, folder):
    imported(SAMPLES / "invoices")
    known = (SAMPLES / "invoices" / "25502000000000010101.xml").read_text()
    (folder / "1.xml").write_text(known.replace("2025-10-22", "2025-10-21"))
    (folder / "2.xml").write_bytes(cn_einvoice(seller="91500118MAYYC0C36E"))
    (folder / "3.xml").write_bytes(b"<x>")
    (folder / "4.xml").write_bytes(ubl(number="last"))

    assert imported(folder) == (
        1,
        [
            ("conflict", "document.conflict"),
            ("refused", "document.seller_mismatch"),
            ("refused", "document.xml_malformed"),
            ("accepted", None),
        ],
    )


def test_check_sends_nothing(stage, imported):
    assert imported("--check", SAMPLES / "invoices")[0] == 0
    assert numbers(stage) == []


def test_credentials_may_come_from_a_file(stage, imported, monkeypatch, folder):
    monkeypatch.delenv("SCF_CLIENT_ID")
    monkeypatch.delenv("SCF_CLIENT_SECRET")
    supplier = stage.cast.supplier
    file = folder / "client.json"
    client = {
        "client_id": public_id("cli", supplier.client_id),
        "client_secret": supplier.client_secret,
    }
    file.write_text(json.dumps(client))

    assert imported("--client", file, SAMPLES / "invoices")[0] == 0
    file.write_text("[]")
    assert imported("--client", file, SAMPLES / "invoices")[0] == 2


def test_wrong_credentials_are_one_line(imported, monkeypatch, capsys):
    monkeypatch.setenv("SCF_CLIENT_SECRET", "wrong")

    assert cli.main(["import", str(SAMPLES / "invoices")]) == 1
    assert "api.client_refused" in capsys.readouterr().err


def test_no_credentials_are_unusable_arguments(imported, monkeypatch):
    monkeypatch.delenv("SCF_CLIENT_SECRET")

    assert cli.main(["import", str(SAMPLES)]) == 2


def test_a_platform_out_of_reach_is_one_line(imported, monkeypatch, capsys):
    monkeypatch.setenv("SCF_API_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(_api, "PAUSE_SECONDS", 0.01)

    assert cli.main(["import", str(SAMPLES / "invoices")]) == 1
    assert "api.unreachable" in capsys.readouterr().err


def test_a_lost_answer_is_asked_for_again_and_still_accepted(stage, imported, monkeypatch):
    """The first attempt is done but its answer lost: the second gets it replayed."""
    monkeypatch.setattr(_api, "PAUSE_SECONDS", 0.01)
    post = _api.httpx.Client.post
    lost = []

    def losing(self, path, **arguments):
        answer = post(self, path, **arguments)
        if path == "/v1/documents" and not lost:
            lost.append(path)
            raise _api.httpx.ReadTimeout("lost")
        return answer

    monkeypatch.setattr(_api.httpx.Client, "post", losing)
    assert imported(SAMPLES / "invoices") == (0, [("accepted", None)] * 3)
    assert len(numbers(stage)) == 3


def test_many_files(stage, imported, folder):
    for n in range(60):
        (folder / f"{n:03}.xml").write_bytes(ubl(number=f"N{n}"))
    shutil.copy(folder / "000.xml", folder / "060.xml")

    code, lines = imported(folder)
    assert code == 0
    assert lines == [("accepted", None)] * 60 + [("duplicate", "document.duplicate")]
