"""Registering through the API: once, by the seller, kept as it came, told as an event."""

import hashlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from scf.documents.models import DocumentOriginal
from scf.evidence.models import Event
from scf_ledger.encoding import b64url
from scf_ledger.event import record_of
from tests.support.invoices import SAMPLES, cn_einvoice, ubl

SAMPLE = (SAMPLES / "invoices" / "25502000000000010101.xml").read_bytes()


@pytest.fixture
def hand_in(stage):
    """Post an original; the supplier's unless said otherwise."""

    def post(original, who=None, *, key=None, filename=None):
        who = who or stage.cast.supplier
        return stage.http.post(
            "/v1/documents",
            content=original,
            params={"filename": filename} if filename else None,
            headers={**stage.headers(who), "Idempotency-Key": key or uuid.uuid4().hex},
        )

    return post


def counts(stage):
    with stage.database.reading() as session:
        return tuple(
            session.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in ("documents", "document_originals", "events")
        )


class TestAccepted:
    def test_it_is_answered_in_full(self, stage, hand_in):
        answer = hand_in(SAMPLE)

        assert answer.status_code == 200, answer.text
        body = answer.json()
        document = body["document"]
        assert body["verdict"] == "accepted"
        assert document["kind"] == "cn-einvoice"
        assert document["number"] == "25502000000000010101"
        assert document["seller"] == {
            "id": stage.cast.supplier.uscc,
            "name": stage.cast.supplier.name,
        }
        assert document["buyer"] == {"id": stage.cast.anchor.uscc, "name": stage.cast.anchor.name}
        assert document["total"] == {"amount": "512000.00", "currency": "CNY"}
        assert document["issued_on"] == "2025-10-22"
        assert document["original_sha256"] == b64url(hashlib.sha256(SAMPLE).digest())

    def test_the_event_tells_it(self, stage, hand_in):
        document = hand_in(SAMPLE).json()["document"]

        with stage.database.reading() as session:
            event = session.scalars(select(Event)).one()
        record = record_of(event.disclosures.split("~"))
        assert event.type == "document.registered"
        assert set(event.parties) == {stage.cast.supplier.party_id, stage.cast.anchor.party_id}
        assert record == {
            "id": document["id"],
            "actor": stage.cast.supplier.id,
            "at": document["registered_at"],
            "kind": "cn-einvoice",
            "seller": stage.cast.supplier.uscc,
            "buyer": stage.cast.anchor.uscc,
            "number": "25502000000000010101",
            "issued_on": "2025-10-22",
            "net": {"amount": "453097.35", "currency": "CNY"},
            "tax": {"amount": "58902.65", "currency": "CNY"},
            "total": {"amount": "512000.00", "currency": "CNY"},
            "original_sha256": document["original_sha256"],
        }

    def test_the_original_comes_back_byte_for_byte(self, stage, hand_in):
        identity = hand_in(SAMPLE, filename="发票 1.xml").json()["document"]["id"]

        answer = stage.get(stage.cast.anchor, f"/v1/documents/{identity}/original")

        assert answer.content == SAMPLE
        assert answer.headers["content-disposition"] == (
            "attachment; filename*=UTF-8''%E5%8F%91%E7%A5%A8%201.xml"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"

    def test_other_verdicts(self, hand_in):
        flagged = cn_einvoice(remark="应收账款已转让")
        abroad = ubl(number="INV-2", currency="USD", own_currency="USD")

        answers = [hand_in(one).json() for one in (flagged, ubl(kind="CreditNote"), abroad)]

        assert [answer["verdict"] for answer in answers] == ["flagged", "reverses", "accepted"]

    def test_the_content_type_does_not_matter(self, stage):
        for n, kind in enumerate(["application/json", "text/plain", "multipart/form-data", "x"]):
            own = {"Idempotency-Key": str(n), "Content-Type": kind}
            headers = {**stage.headers(stage.cast.supplier), **own}
            answer = stage.http.post("/v1/documents", content=SAMPLE, headers=headers)
            assert answer.status_code == 200, kind


class TestAgain:
    def test_the_same_invoice_in_other_bytes_is_a_duplicate(self, stage, hand_in):
        first = hand_in(cn_einvoice()).json()
        before = counts(stage)
        again = hand_in(cn_einvoice().replace(b"\n", b"\r\n")).json()

        assert again == {"verdict": "duplicate", "document": first["document"]}
        assert counts(stage) == before

    def test_other_content_under_the_same_number_is_a_conflict_that_names_both(
        self, stage, hand_in
    ):
        first = hand_in(cn_einvoice()).json()["document"]
        before = counts(stage)
        answer = hand_in(cn_einvoice(net="200.00", tax="26.00", total="226.00"))

        assert answer.status_code == 409
        problem = answer.json()
        assert problem["code"] == "document.conflict"
        assert problem["fields"]["document"] == first["id"]
        assert problem["fields"]["differences"]["total"] == [
            {"amount": "113.00", "currency": "CNY"},
            {"amount": "226.00", "currency": "CNY"},
        ]
        assert counts(stage) == before

    def test_another_sellers_20_digits_tell_nothing_of_it(self, stage, hand_in):
        """Whoever guesses a number is answered as for one that nobody has, and keeps nobody out."""
        other = stage.cast.second_supplier
        taken = cn_einvoice(number="25500000000000000077", seller=other.uscc)
        fresh = cn_einvoice(number="25500000000000000078", seller=other.uscc)
        first = hand_in(cn_einvoice(number="25500000000000000077"))

        answers = [hand_in(one, other) for one in (taken, fresh)]

        assert [one.status_code for one in answers] == [first.status_code] * 2 == [200, 200]
        seen = [one.json() for one in answers]
        assert [one["verdict"] for one in seen] == ["accepted", "accepted"]
        same = {"number", "id", "version", "registered_at", "original_sha256"}
        documents = [
            {name: value for name, value in one["document"].items() if name not in same}
            for one in seen
        ]
        assert documents[0] == documents[1]
        again = hand_in(cn_einvoice(number="25500000000000000077"))
        assert again.json() == {"verdict": "duplicate", "document": first.json()["document"]}

    def test_several_sellers_may_use_one_number(self, stage, hand_in):
        other = stage.cast.second_supplier

        assert hand_in(ubl()).json()["verdict"] == "accepted"
        assert hand_in(ubl(seller=other.uscc), other).json()["verdict"] == "accepted"

    def test_the_same_command_is_replayed(self, hand_in):
        first = hand_in(SAMPLE, key="k")
        again = hand_in(SAMPLE, key="k")

        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"


REFUSED = [
    (b"", 422, "document.empty"),
    (b"%PDF-1.7", 422, "document.unsupported_format"),
    (b"<x>", 422, "document.xml_malformed"),
    (
        b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
        422,
        "document.xml_unsafe",
    ),
    (b"<x>" * 100 + b"</x>" * 100, 413, "document.too_large"),
    (cn_einvoice(total="113.01"), 422, "document.totals_mismatch"),
    (cn_einvoice(seller="91500118MAYYC0C36E"), 403, "document.seller_mismatch"),
    (cn_einvoice(seller="91500118MAYYC0B219"), 403, "document.seller_mismatch"),
]


class TestRefused:
    def test_as_a_problem_and_nothing_is_stored(self, stage, hand_in):
        for original, status, code in REFUSED:
            answer = hand_in(original)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.headers["content-type"] == "application/problem+json"
        assert counts(stage) == (0, 0, 0)

    def test_both_numbers_are_told(self, hand_in):
        fields = hand_in(cn_einvoice(total="113.01")).json()["fields"]

        assert fields == {"declared": "113.01", "computed": "113.00", "currency": "CNY"}

    def test_the_operator_sells_nothing(self, stage):
        headers = {**stage.headers(None), "Idempotency-Key": "1"}
        answer = stage.http.post("/v1/documents", content=SAMPLE, headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (403, "auth.party_only")


class TestReading:
    def test_seller_and_buyer_see_it_and_nobody_else(self, stage, hand_in):
        identity = hand_in(SAMPLE).json()["document"]["id"]
        cast = stage.cast

        for who in (cast.supplier, cast.anchor):
            assert stage.get(who, f"/v1/documents/{identity}").json()["id"] == identity
            assert len(stage.get(who, "/v1/documents").json()["items"]) == 1
        for who in (cast.second_supplier, cast.bank):
            for path in (f"/v1/documents/{identity}", f"/v1/documents/{identity}/original"):
                answer = stage.get(who, path)
                assert (answer.status_code, answer.json()["code"]) == (404, "subject.not_found")
            assert stage.get(who, "/v1/documents").json() == {"items": [], "next": None}

    def test_pages(self, stage, hand_in):
        ids = [hand_in(ubl(number=f"N{n}")).json()["document"]["id"] for n in range(5)]
        supplier, seen, cursor = stage.cast.supplier, [], None
        while True:
            parameters = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = stage.get(supplier, "/v1/documents", **parameters).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if not cursor:
                break

        assert seen == ids
        found = stage.get(supplier, "/v1/documents", number="N3").json()["items"]
        assert [item["id"] for item in found] == [ids[3]]

    def test_the_template_is_public(self, stage):
        answer = stage.http.get("/v1/documents/companion-template")

        assert answer.content.startswith("\ufeff行号".encode())
        assert answer.headers["content-type"].startswith("text/csv")

    def test_an_original_is_never_rewritten(self, stage, hand_in):
        hand_in(SAMPLE)

        with (
            pytest.raises(DBAPIError, match="append-only"),
            stage.database.transaction() as session,
        ):
            session.execute(DocumentOriginal.__table__.update().values(original=b""))


class TestRace:
    """Whoever comes second waits for the first; nobody meets an internal error."""

    @staticmethod
    def together(hand_in, originals):
        start = Barrier(len(originals))

        def go(original):
            start.wait()
            return hand_in(original)

        with ThreadPoolExecutor(len(originals)) as pool:
            return list(pool.map(go, originals))

    def test_one_wins_and_the_others_are_duplicates(self, stage, hand_in):
        answers = self.together(hand_in, [cn_einvoice(remark=str(n)) for n in range(12)])

        assert {answer.status_code for answer in answers} == {200}
        verdicts = sorted(answer.json()["verdict"] for answer in answers)
        assert verdicts == ["accepted", *["duplicate"] * 11]
        assert len({answer.json()["document"]["id"] for answer in answers}) == 1
        assert counts(stage) == (1, 1, 1)

    def test_of_different_contents_one_wins_and_the_others_conflict(self, stage, hand_in):
        originals = [cn_einvoice(buyer="", issued=f"2025-10-{10 + n}") for n in range(8)]
        answers = self.together(hand_in, originals)

        assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
        assert counts(stage) == (1, 1, 1)

    def test_of_two_sellers_with_the_same_20_digits_neither_learns_of_the_other(
        self, stage, hand_in
    ):
        other = stage.cast.second_supplier
        start = Barrier(2)

        def go(who):
            start.wait()
            return hand_in(cn_einvoice(seller=who.uscc), who)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(go, [stage.cast.supplier, other]))
        assert [answer.json()["verdict"] for answer in answers] == ["accepted", "accepted"]


def test_openapi_describes_the_raw_body(stage):
    operation = stage.http.app.openapi()["paths"]["/v1/documents"]["post"]

    assert set(operation["requestBody"]["content"]) == {
        "application/xml",
        "application/octet-stream",
    }
    assert json.dumps(operation)
