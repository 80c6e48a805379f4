"""What is held blind is in nobody's way, and by whom is told to nobody."""

from typing import Any

import pytest
from sqlalchemy import select

from scf.capacity.models import Notice
from scf.evidence.models import Event
from scf.kernel.ids import parse_id
from scf_ledger.event import record_of
from tests.support.actors import Company, Stage
from tests.support.blind import Outsider, learn
from tests.support.pools import Value
from tests.support.receivables import confirm, line, register_invoice
from tests.support.splitting import split_body

PARTS = [("60.00", "6222020000000000001"), ("40.00", "6222020000000000002")]


@pytest.fixture
def held(stage: Stage, banks: list[Outsider]) -> dict[str, Any]:
    """A confirmed claim over 100.00, of which a bank outside holds a fen."""
    document = register_invoice(stage, stage.cast.supplier)
    answer = stage.post(stage.cast.supplier, "/v1/receivables", line(stage, [document]))
    confirmed = confirm(stage, answer.json()["id"], "100.00")
    assert confirmed.status_code == 200, confirmed.text
    (token,) = learn(stage, [document])
    assert banks[0].hold(token, "0.01")["answer"] == "OK"
    shown: dict[str, Any] = confirmed.json()
    return shown


def value_of(stage: Stage, held: dict[str, Any]) -> Value:
    return Value(stage, parse_id("cap", held["pool"]), stage.cast.supplier.party_id)


def put(stage: Stage, held: dict[str, Any], kind: str, body: dict[str, Any]) -> str:
    """Propose a change of where a claim is paid; return its id."""
    path = f"/v1/receivables/{held['id']}/{kind}"
    answer = stage.post(stage.cast.supplier, path, body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def sign(stage: Stage, change: str, who: Company) -> str:
    path = f"/v1/account-changes/{change}"
    drafted = stage.post(who, f"{path}/draft", {"signers": who.signers("account")})
    assert drafted.status_code == 200, drafted.text
    signed = stage.post(who, f"{path}/sign", {"authorizations": who.sign_all(drafted.json())})
    return str(signed.json()["state"])


def newest(stage: Stage, subject: str) -> Event:
    identity = parse_id(subject.partition("_")[0], subject)
    with stage.database.reading() as session:
        events = select(Event).where(Event.subject_id == identity).order_by(Event.version.desc())
        return session.scalars(events.limit(1)).one()


class TestChanges:
    def test_the_owners_change_the_account_by_themselves(
        self, stage: Stage, banks: list[Outsider], held: dict[str, Any]
    ):
        account = {**held["pay_to"], "account": "6222 0000 0000 0078"}
        body = {"pay_to": account, "reason": "基本户变更"}
        change = put(stage, held, "account-changes", body)

        assert sign(stage, change, stage.cast.supplier) == "OPEN"
        assert sign(stage, change, stage.cast.anchor) == "DONE"

        event = newest(stage, held["id"])
        assert event.type == "receivable.account_changed"
        assert record_of(event.disclosures.split("~"))["holders"] == []
        assert banks[0].party_id not in event.parties

    def test_a_split_has_no_part_for_it(
        self, stage: Stage, banks: list[Outsider], held: dict[str, Any]
    ):
        payees = (stage.cast.bank, stage.cast.second_bank)
        shares = [(payee, *part) for payee, part in zip(payees, PARTS, strict=True)]
        split = put(stage, held, "payment-splits", split_body(shares))

        assert sign(stage, split, stage.cast.supplier) == "OPEN"
        assert sign(stage, split, stage.cast.anchor) == "DONE"

        event = newest(stage, held["id"])
        assert record_of(event.disclosures.split("~"))["holders"] == []
        assert banks[0].party_id not in event.parties


class TestTold:
    def test_a_dilution_is_told_to_others(
        self, stage: Stage, banks: list[Outsider], held: dict[str, Any]
    ):
        cast, value = stage.cast, value_of(stage, held)
        value.reserve(6_000)

        value.dilute(9_000)

        event = newest(stage, held["pool"])
        assert event.type == "pool.diluted"
        owners = {cast.supplier.party_id, cast.anchor.party_id}
        assert {cast.bank.party_id, *owners} <= set(event.parties)
        assert banks[0].party_id not in event.parties
        with stage.database.reading() as session:
            notices = select(Notice.party_id).where(Notice.event_id == event.id)
            assert session.scalars(notices).all() == [cast.bank.party_id]

    @pytest.mark.parametrize(
        ("paid", "left"), [(6_000, (4_000, 4_000, 0, 0)), (5_999, (4_001, 4_000, 1, 0))]
    )
    def test_nothing_that_happens_to_the_value_is_told_to_it(
        self, banks: list[Outsider], held: dict[str, Any], paid: int, left: tuple[int, ...]
    ):
        stage = banks[0].stage
        hold = banks[0].get("/v1/blind/holds?limit=200").json()["items"][-1]["id"]
        value = value_of(stage, held)
        value.reserve(4_000)
        value.pay(paid)
        assert banks[0].release(hold).json()["state"] == "RELEASED"

        assert value.numbers == left
        with stage.database.reading() as session:
            events = session.scalars(select(Event).where(Event.subject_id == value.id)).all()
        assert all(banks[0].party_id not in event.parties for event in events)
