"""The public log is what C2SP says, and proves what it holds."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from scf.db.session import Database
from scf.evidence.proofs import EvidencePending, entry, pack
from scf.main import create_app
from scf.settings import Settings
from scf_ledger import checkpoint, merkle, proof, tiles, tlog_proof, trust, verify
from scf_ledger.note import Signer
from tests.support.log import ORIGIN, a_log, append_many, append_some, paths_of, sequence_all


@pytest.fixture
def signer(database: Database) -> Signer:
    return a_log(database)


@pytest.fixture
def http(database_url: str) -> TestClient:
    app = create_app(Settings.model_validate({"DATABASE_URL": database_url}))
    with TestClient(app) as client:
        yield client
    app.state.database.close()


class TestPublicLog:
    def test_an_empty_log_has_a_signed_head(self, http: TestClient, signer: Signer) -> None:
        answer = http.get("/log/checkpoint")

        opened = checkpoint.open_signed(answer.text, signer.verifier)
        assert opened.checkpoint == checkpoint.Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize("counts", [(1,), (255, 1, 1), (256,), (300, 400), (70_000,)])
    def test_every_tile_is_served_and_leads_to_the_root(
        self, http: TestClient, signer: Signer, database: Database, database_url: str, counts
    ) -> None:
        for count in counts:
            with database.engine.connect() as connection:
                append_many(connection.connection.driver_connection, count)
            sequence_all(database_url, signer)

        head = checkpoint.open_signed(http.get("/log/checkpoint").text, signer.verifier).checkpoint
        entries = []
        for path in paths_of(head.size):
            answer = http.get(f"/log/tile/{path}")
            assert answer.status_code == 200, path
            assert "immutable" in answer.headers["cache-control"]
            if path.level is None:
                entries += tiles.parse_bundle(answer.content)
            else:
                assert len(answer.content) == path.width * 32
        assert head.size == sum(counts) == len(entries)
        assert head.root == merkle.root([merkle.leaf_hash(entry) for entry in entries])

    def test_what_is_not_there_yet_is_not_found(
        self, http: TestClient, signer: Signer, database: Database, database_url: str
    ) -> None:
        append_some(database, 3)
        sequence_all(database_url, signer)

        for path in ("0/000.p/4", "0/000", "entries/000", "entries/001.p/1", "1/000.p/1"):
            assert http.get(f"/log/tile/{path}").status_code == 404, path
        for path in ("0/000.p/2", "entries/000.p/3"):
            assert http.get(f"/log/tile/{path}").status_code == 200, path

    @pytest.mark.parametrize(
        "path", ["", "0/0", "0/x000/000", "0/000.p/0", "0/000.p/256", "64/000"]
    )
    def test_other_paths_are_not_found(self, http: TestClient, signer: Signer, path: str) -> None:
        answer = http.get(f"/log/tile/{path}")

        assert answer.status_code == 404
        assert answer.json()["code"] in ("log.tile_not_found", "http.404")

    def test_says_who_it_is(self, http: TestClient, signer: Signer) -> None:
        answer = http.get("/.well-known/scf-log.json").json()

        assert answer == {
            "format": "scf-log/1",
            "origin": ORIGIN,
            "vkeys": [str(signer.verifier)],
            "size": 0,
            "chain": None,
        }


class TestProofs:
    def test_an_event_is_proven_offline(
        self, signer: Signer, database: Database, database_url: str, tmp_path: Path
    ) -> None:
        events = append_some(database, 300)
        sequence_all(database_url, signer)

        with database.reading() as session:
            content = pack(session, "event", [entry(session, event) for event in events[250:251]])

        believed = trust.parse(
            trust.build(logs=[(ORIGIN, str(signer.verifier), None)], authorities=[])
        )
        report = verify.verify_file(content, believed)
        assert report.passed, report

    def test_one_head_byte_for_byte_in_all_entries(
        self, signer: Signer, database: Database, database_url: str
    ) -> None:
        events = append_some(database, 5)
        sequence_all(database_url, signer)
        events += append_some(database, 5)
        sequence_all(database_url, signer)

        with database.reading() as session:
            content = pack(session, "event", [entry(session, event) for event in events])

        texts = [item.tlog_proof for item in proof.parse(content).entries]
        assert {tlog_proof.parse(text or "").checkpoint.count("\n10\n") for text in texts} == {1}

    def test_waits_until_it_is_published(self, signer: Signer, database: Database) -> None:
        (event,) = append_some(database, 1)

        with database.reading() as session, pytest.raises(EvidencePending):
            pack(session, "event", [entry(session, event)])

    def test_hides_what_is_not_named(
        self, signer: Signer, database: Database, database_url: str
    ) -> None:
        (event,) = append_some(database, 1)
        sequence_all(database_url, signer)

        with database.reading() as session:
            shown = entry(session, event, disclose=["number", "total"])

        assert len(shown.disclosures) == 2
