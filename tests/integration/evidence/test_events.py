"""An event is for its parties: shown, proven, fed and traced; to others it is not there."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from scf.bootstrap import write_trust
from scf.cli.trace import screen
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.evidence.sequencing import open_log
from scf.kernel.ids import parse_id, public_id
from scf.parties import certification
from scf.receivables import queries
from scf.receivables.models import Receivable
from scf.trace.queries import trace
from scf_ledger import trust, verify
from scf_ledger.event_types import Scope
from scf_ledger.note import Signer
from scf_ledger.trust import Fragment
from tests.support.actors import Stage
from tests.support.lending import Desk, lending_desk
from tests.support.log import sequence_all
from tests.support.receivables import confirmed_receivable, pay, submit


@pytest.fixture
def signer(stage: Stage) -> Signer:
    return opened(stage)


def opened(stage: Stage) -> Signer:
    signer = Signer.generate(stage.settings.log_origin)
    with stage.database.transaction() as session:
        open_log(session, signer, now=stage.clock.real())
    return signer


def events(stage: Stage, *types: str) -> list[str]:
    """Public ids of the events of these types."""
    with stage.database.reading() as session:
        query = select(Event.id).where(Event.type.in_(types)).order_by(Event.seq)
        return [public_id("evt", identity) for identity in session.scalars(query)]


def publish_revocations(stage: Stage) -> None:
    """Have the enterprises' authority say, after the signatures, that nothing is revoked."""
    scope, at = Scope.ENTERPRISE, stage.clock.now() + timedelta(seconds=1)
    with stage.database.transaction() as session:
        certification.receive_revocations(
            session,
            stage.cast.authority_ids[scope],
            der=stage.cast.authorities[scope].crl(at=at),
            now=at,
        )


class TestAppending:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("due_on", "2100-01-01"),
            ("line_no", ""),
            ("claimed", {"amount": "1.00", "currency": "USD"}),
            ("documents", []),
        ],
    )
    def test_nothing_is_recorded_that_no_verifier_would_take(
        self, stage: Stage, field: str, value: object
    ) -> None:
        identity = parse_id("rcv", submit(stage))
        with stage.database.transaction() as session:
            receivable = evidence.lock(session, Receivable, identity)
            record = {**queries.record(session, receivable), field: value}
            with pytest.raises(evidence.RecordUnprovable) as refused:
                evidence.append(
                    session,
                    receivable,
                    "receivable.submitted",
                    record,
                    now=stage.clock.now(),
                    actor=None,
                    parties=[],
                )
            assert refused.value.field == field
            assert receivable.version == 1


class TestShowing:
    def test_to_its_parties_and_the_operator(self, stage: Stage, signer: Signer) -> None:
        submit(stage)
        (event,) = events(stage, "receivable.submitted")

        for who in (stage.cast.supplier, stage.cast.anchor, None):
            shown = stage.get(who, f"/v1/events/{event}").json()
            assert (shown["id"], shown["type"]) == (event, "receivable.submitted")
            assert shown["record"]["debtor"] == stage.cast.anchor.uscc
            assert shown["index"] is None
        for who in (stage.cast.bank, stage.cast.second_supplier):
            answer = stage.get(who, f"/v1/events/{event}")
            assert (answer.status_code, answer.json()["code"]) == (404, "event.not_found")
            answer = stage.get(who, f"/v1/events/{event}/proof")
            assert answer.status_code == 404

    def test_an_unknown_event_is_not_there(self, stage: Stage, signer: Signer) -> None:
        answer = stage.get(None, f"/v1/events/evt_{'0' * 26}")
        assert answer.status_code == 404
        answer = stage.get(None, "/v1/events/evt_nonsense")
        assert (answer.status_code, answer.json()["code"]) == (422, "id.invalid")


class TestProving:
    def test_pending_until_it_is_in_the_log_then_proven_offline(
        self, stage: Stage, signer: Signer
    ) -> None:
        confirmed_receivable(stage)
        (event,) = events(stage, "receivable.confirmed")
        path = f"/v1/events/{event}/proof"
        pending = stage.get(stage.cast.supplier, path)
        assert (pending.status_code, pending.json()["code"]) == (409, "evidence.pending")

        sequence_all(stage.settings.database_url, signer)
        publish_revocations(stage)
        answer = stage.get(stage.cast.supplier, path)

        assert answer.headers["content-type"] == "application/vnd.scf.proof+json"
        assert event in answer.headers["content-disposition"]
        stage.settings.data.mkdir(exist_ok=True)
        believed = trust.parse(write_trust(stage.settings, stage.database).read_bytes())
        report = verify.verify_file(answer.content, believed)
        assert report.passed, report.as_json()
        assert report.fragments[Fragment.AUTHORIZATION].status is verify.Status.PASS


class TestFeed:
    def test_goes_on_from_where_it_was(self, stage: Stage, signer: Signer) -> None:
        for number in (1, 2, 3):
            submit(stage, number)
        sequence_all(stage.settings.database_url, signer)
        supplier = stage.cast.supplier

        first = stage.get(supplier, "/v1/events", limit=4).json()
        second = stage.get(supplier, "/v1/events", limit=4, after=first["next"]).json()
        third = stage.get(supplier, "/v1/events", after=second["next"]).json()

        indexes = [item["index"] for item in first["items"] + second["items"]]
        assert indexes == list(range(6))
        assert (third["items"], third["next"]) == ([], second["next"])
        submit(stage, 4)
        sequence_all(stage.settings.database_url, signer)
        later = stage.get(supplier, "/v1/events", after=third["next"]).json()
        assert [item["index"] for item in later["items"]] == [6, 7]

    def test_is_ones_own(self, stage: Stage, signer: Signer) -> None:
        submit(stage)
        sequence_all(stage.settings.database_url, signer)

        nothing = stage.get(stage.cast.bank, "/v1/events").json()
        everything = stage.get(None, "/v1/events").json()

        assert (nothing["items"], nothing["next"]) == ([], 1)
        assert [item["type"] for item in everything["items"]] == [
            "document.registered",
            "receivable.submitted",
        ]


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with lending_desk(database_url, tmp_path) as found:
        yield found


class TestDisclosure:
    def test_who_holds_a_pool_is_its_owners_and_its_holders_to_know(self, desk: Desk) -> None:
        stage, cast = desk.stage, desk.stage.cast
        opened(stage)
        receivable = desk.receivable()
        pledge = desk.signed_pledge(receivable)
        desk.accept(pledge)
        assert pay(stage, receivable, "1000.00").is_success
        (reserved,), (paid,) = events(stage, "pool.reserved"), events(stage, "pool.paid")

        def holder(who: object, event: str) -> object:
            return stage.get(who, f"/v1/events/{event}").json().get("record", {}).get("holder")

        assert holder(cast.bank, reserved) == holder(cast.supplier, reserved) == pledge
        assert stage.get(cast.anchor, f"/v1/events/{reserved}").status_code == 404
        assert holder(cast.bank, paid) == holder(cast.supplier, paid) == pledge
        debtors = stage.get(cast.anchor, f"/v1/events/{paid}").json()["record"]
        assert "holder" not in debtors
        assert debtors["kind"] == "PAY"


class TestTrace:
    def test_says_where_it_stands_in_ten_lines(self, stage: Stage, signer: Signer) -> None:
        submit(stage)
        with stage.database.reading() as session:
            event = session.scalars(select(Event).order_by(Event.seq)).first()
            assert event is not None
            waiting = trace(session, event)
        sequence_all(stage.settings.database_url, signer)
        with stage.database.reading() as session:
            found = trace(session, event)

        assert waiting.inclusion is None
        assert "等待定序" in screen(waiting)
        assert found.inclusion is not None
        assert (found.inclusion.index, found.inclusion.size) == (0, 2)
        lines = screen(found).splitlines()
        assert len(lines) <= 10
        assert lines[-1].startswith("锚定 anchor")
        shown = found.to_json()
        assert shown["log"]["root"] == found.inclusion.root.hex()
        assert shown["anchor"] is None
