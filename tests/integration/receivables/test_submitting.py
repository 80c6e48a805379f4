"""A creditor submits lines, one or many; refusals leave nothing behind."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from scf.evidence.models import Event
from scf.kernel.ids import new_id, public_id
from scf.receivables.models import Receivable, ReceivableDocument
from scf_ledger.event import parse_event, record_of, tag
from tests.support.actors import Stage
from tests.support.receivables import (
    NUMBERS,
    identity,
    invoice_number,
    line,
    money,
    register_invoice,
    submit,
)

TABLES = (Receivable, ReceivableDocument, Event)


def counts(stage: Stage) -> list[int]:
    with stage.database.reading() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


def refused(stage: Stage, body: dict, *, who=None) -> tuple[int, str]:
    """Submit what must be refused; hold that nothing was written."""
    before = counts(stage)
    answer = stage.post(who or stage.cast.supplier, "/v1/receivables", body)
    assert counts(stage) == before
    return answer.status_code, answer.json()["code"]


class TestOne:
    def test_is_written_with_its_documents_and_first_event(self, stage: Stage):
        supplier, cast = stage.cast.supplier, stage.cast
        documents = [register_invoice(stage, supplier, total=t) for t in ("60.00", "40.00")]

        answer = stage.post(supplier, "/v1/receivables", line(stage, documents, "L-one"))

        shown = answer.json()
        assert answer.status_code == 201, answer.text
        assert shown["claimed"] == money("100.00")
        with stage.database.reading() as session:
            event = session.scalars(
                select(Event).where(Event.subject_id == identity(shown["id"]))
            ).one()
            row = session.get_one(Receivable, identity(shown["id"]))
        record = record_of(event.disclosures.split("~"))
        assert parse_event(event.body).type.name == "receivable.submitted"
        assert event.tag == tag(row.secret, 1)
        assert row.head_hash == event.body_hash
        assert sorted(event.parties) == sorted([cast.supplier.party_id, cast.anchor.party_id])
        assert [d["id"] for d in record["documents"]] == documents
        assert (record["creditor"], record["debtor"]) == (cast.supplier.uscc, cast.anchor.uscc)

    def test_claims_less_than_its_documents_where_it_says_so(self, stage: Stage):
        supplier = stage.cast.supplier
        body = line(stage, [register_invoice(stage, supplier)], claimed=money("80.00"))
        assert stage.post(supplier, "/v1/receivables", body).json()["claimed"] == money("80.00")

    def test_never_claims_more(self, stage: Stage):
        body = line(stage, [register_invoice(stage, stage.cast.supplier)], claimed=money("100.01"))
        assert refused(stage, body) == (409, "receivable.claim_exceeds_documents")

    def test_a_document_stands_behind_one_line(self, stage: Stage):
        supplier = stage.cast.supplier
        document = register_invoice(stage, supplier)
        stage.post(supplier, "/v1/receivables", line(stage, [document]))

        assert refused(stage, line(stage, [document])) == (409, "receivable.document_in_use")

    def test_a_line_number_names_one_line(self, stage: Stage):
        supplier, number = stage.cast.supplier, "L-twice"
        first, second = (register_invoice(stage, supplier) for _ in range(2))
        stage.post(supplier, "/v1/receivables", line(stage, [first], number))

        assert refused(stage, line(stage, [second], number)) == (409, "receivable.line_exists")

    def test_stands_on_ones_own_documents_to_this_debtor(self, stage: Stage):
        cast = stage.cast
        others = register_invoice(stage, cast.second_supplier)
        elsewhere = register_invoice(stage, cast.supplier, buyer=cast.second_supplier.uscc)
        gone = public_id("doc", new_id())

        for document in (others, elsewhere, gone):
            assert refused(stage, line(stage, [document])) == (422, "receivable.documents_wrong")

    def test_a_red_invoice_or_what_it_took_back_is_no_ground(self, stage: Stage):
        supplier, number = stage.cast.supplier, next(NUMBERS)
        blue = register_invoice(stage, supplier, number)
        red = register_invoice(
            stage,
            supplier,
            total="-100.00",
            blue="N",
            red=f"<OriginalInvoiceCode>{invoice_number(number)}</OriginalInvoiceCode>",
        )

        for document in (blue, red):
            assert refused(stage, line(stage, [document])) == (422, "receivable.documents_wrong")

    def test_is_between_members_of_the_programme(self, stage: Stage):
        cast = stage.cast
        body = line(stage, [register_invoice(stage, cast.supplier)])

        assert refused(stage, body, who=cast.bank) == (403, "programme.not_member")
        assert refused(stage, body, who=cast.anchor) == (403, "programme.not_member")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"due_on": "2025-10-19"}, "receivable.due_before_delivery"),
            ({"due_on": "2025-02-30"}, "value.invalid"),
            ({"claimed": {"amount": "0.00", "currency": "CNY"}}, "money.invalid"),
            ({"claimed": {"amount": 1, "currency": "CNY"}}, "money.invalid"),
            ({"documents": []}, "request.invalid"),
            ({"line_no": "a\u0000b"}, "request.invalid"),
            ({"line_no": ""}, "request.invalid"),
            ({"programme": "rcv_1"}, "id.invalid"),
            ({"surprise": True}, "request.invalid"),
        ],
    )
    def test_nonsense_is_refused_with_a_code(self, stage: Stage, change: dict, code: str):
        body = {**line(stage, [register_invoice(stage, stage.cast.supplier)]), **change}
        assert refused(stage, body) == (422, code)

    def test_a_document_twice_in_a_line_is_refused(self, stage: Stage):
        document = register_invoice(stage, stage.cast.supplier)
        assert refused(stage, line(stage, [document, document])) == (422, "request.invalid")

    def test_of_many_that_race_for_a_document_one_wins(self, stage: Stage):
        supplier = stage.cast.supplier
        document = register_invoice(stage, supplier)
        bodies = [line(stage, [document]) for _ in range(8)]
        barrier = threading.Barrier(len(bodies))

        def send(body: dict):
            barrier.wait()
            return stage.post(supplier, "/v1/receivables", body)

        with ThreadPoolExecutor(len(bodies)) as pool:
            answers = list(pool.map(send, bodies))

        codes = sorted(a.json().get("code", "") for a in answers)
        assert codes == ["", *["receivable.document_in_use"] * (len(bodies) - 1)]


class TestBulk:
    def items(self, stage: Stage, count: int) -> list[dict]:
        supplier = stage.cast.supplier
        return [line(stage, [register_invoice(stage, supplier)]) for _ in range(count)]

    def test_writes_all_in_order(self, stage: Stage):
        items = self.items(stage, 5)

        answer = stage.post(stage.cast.supplier, "/v1/receivables/bulk", {"items": items}).json()

        assert (answer["submitted"], answer["refused"]) == (5, 0)
        for item, outcome in zip(items, answer["items"], strict=True):
            shown = stage.get(stage.cast.anchor, f"/v1/receivables/{outcome['receivable']}").json()
            assert shown["line_no"] == item["line_no"]
            assert shown["documents"][0]["id"] == item["documents"][0]

    def test_atomic_writes_nothing_where_one_is_refused(self, stage: Stage):
        items = self.items(stage, 3)
        items[2]["due_on"] = "2025-01-01"
        before = counts(stage)

        answer = stage.post(stage.cast.supplier, "/v1/receivables/bulk", {"items": items})

        assert (answer.status_code, answer.json()["field"]) == (422, "items.2.due_on")
        assert counts(stage) == before

    def test_atomic_names_the_item_that_others_were_faster_with(self, stage: Stage):
        items = self.items(stage, 3)
        stage.post(stage.cast.supplier, "/v1/receivables", items[1])
        before = counts(stage)

        answer = stage.post(stage.cast.supplier, "/v1/receivables/bulk", {"items": items})

        assert answer.json()["code"] == "receivable.document_in_use"
        assert answer.json()["field"] == "items.1.documents"
        assert counts(stage) == before

    def test_continue_writes_those_that_can_be(self, stage: Stage):
        items = self.items(stage, 6)
        stage.post(stage.cast.supplier, "/v1/receivables", items[0])  # taken before
        items[2]["documents"] = items[1]["documents"]  # twice in the list
        items[4]["line_no"] = items[3]["line_no"]  # the same
        items[5]["claimed"] = money("999.00")
        before = counts(stage)

        answer = stage.post(
            stage.cast.supplier, "/v1/receivables/bulk?mode=continue", {"items": items}
        ).json()

        codes = [item["problem"] and item["problem"]["code"] for item in answer["items"]]
        assert codes == [
            "receivable.document_in_use",
            None,
            "receivable.document_in_use",
            None,
            "receivable.line_exists",
            "receivable.claim_exceeds_documents",
        ]
        assert (answer["submitted"], answer["refused"]) == (2, 4)
        assert [now - then for now, then in zip(counts(stage), before, strict=True)] == [2, 2, 2]

    def test_an_unknown_programme_refuses_its_own_items_only(self, stage: Stage):
        items = self.items(stage, 2)
        items[0]["programme"] = public_id("prg", new_id())

        answer = stage.post(
            stage.cast.supplier, "/v1/receivables/bulk?mode=continue", {"items": items}
        ).json()

        assert answer["items"][0]["problem"]["code"] == "programme.not_member"
        assert answer["items"][1]["problem"] is None

    def test_the_same_list_again_answers_again(self, stage: Stage):
        body = {"items": self.items(stage, 2)}
        first = stage.post(stage.cast.supplier, "/v1/receivables/bulk", body, key="bulk-once")
        before = counts(stage)

        second = stage.post(stage.cast.supplier, "/v1/receivables/bulk", body, key="bulk-once")

        assert second.content == first.content
        assert second.headers["idempotency-replayed"] == "true"
        assert counts(stage) == before

    def test_every_event_is_queued_for_the_log(self, stage: Stage):
        body = {"items": self.items(stage, 3)}
        answer = stage.post(stage.cast.supplier, "/v1/receivables/bulk", body).json()

        ids = [identity(item["receivable"]) for item in answer["items"]]
        with stage.database.reading() as session:
            queued = session.scalar(
                text(
                    "SELECT count(*) FROM event_queue JOIN events ON events.id = event_id"
                    " WHERE subject_id = ANY(:ids)"
                ),
                {"ids": ids},
            )
        assert queued == 3


class TestReading:
    def test_parties_see_their_own_and_strangers_nothing(self, stage: Stage):
        cast, receivable = stage.cast, submit(stage)
        path = f"/v1/receivables/{receivable}"

        shown = stage.get(cast.anchor, path)
        assert shown.status_code == 200
        assert shown.headers["etag"] == '"1"'
        assert shown.json()["waiting_for"] == cast.anchor.id
        assert stage.get(cast.supplier, path).json() == shown.json()
        for stranger in (cast.second_supplier, cast.bank):
            answer = stage.get(stranger, path)
            assert (answer.status_code, answer.json()["code"]) == (404, "subject.not_found")

    def test_pages_by_cursor(self, stage: Stage):
        cast = stage.cast
        mine = {submit(stage) for _ in range(5)}

        seen, cursor = [], None
        while True:
            query = {"limit": 2, "state": "SUBMITTED"} | ({"cursor": cursor} if cursor else {})
            page = stage.get(cast.anchor, "/v1/receivables", **query).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break

        assert len(seen) == len(set(seen))
        assert mine <= set(seen)
        assert seen == sorted(seen)

    def test_sides_are_kept_apart(self, stage: Stage):
        cast, receivable = stage.cast, submit(stage)

        def ids(who, **query):
            page = stage.get(who, "/v1/receivables", limit=500, **query).json()
            return [item["id"] for item in page["items"]]

        assert receivable in ids(cast.supplier, side="creditor")
        assert receivable not in ids(cast.supplier, side="debtor")
        assert receivable in ids(cast.anchor, side="debtor")
        assert ids(cast.second_supplier) == []
        assert ids(cast.second_bank) == []
