"""A claim is held to what its debtor has received."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.support.actors import Company, Stage
from tests.support.receivables import NUMBERS, line, money, register_invoice
from tests.support.trade import receipt_csv, ubl_moved, ubl_order

PATH = "/v1/trade-documents"


def hand_in(stage: Stage, who: Company, original: bytes) -> httpx.Response:
    headers = {**stage.headers(who), "Idempotency-Key": f"trade-{next(NUMBERS)}"}
    return stage.http.post(PATH, content=original, headers=headers)


def receive(stage: Stage, number: str, amount: str, order: str = "") -> list[dict[str, Any]]:
    """The anchor's receipt note from the supplier, with its amount."""
    cast = stage.cast
    rows = [(number, order, "1", "1", amount)]
    answer = hand_in(stage, cast.anchor, receipt_csv(cast.anchor.uscc, cast.supplier.uscc, rows))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def claim(stage: Stage, receipt_no: str | None, total: str = "100.00") -> httpx.Response:
    body = line(stage, [register_invoice(stage, stage.cast.supplier, total=total)])
    return stage.post(stage.cast.supplier, "/v1/receivables", {**body, "receipt_no": receipt_no})


def findings(stage: Stage, receivable: str) -> dict[str, Any]:
    """Findings over receipts, by code."""
    shown = stage.get(stage.cast.anchor, f"/v1/receivables/{receivable}/findings").json()
    return {one["code"]: one["figures"] for one in shown if one["code"].startswith("receipt.")}


class TestRegistering:
    def test_the_same_paper_again_changes_nothing_and_another_is_a_conflict(self, stage: Stage):
        number = f"RK-{next(NUMBERS)}"
        first = receive(stage, number, "80.00")
        again = receive(stage, number, "80.00")
        cast = stage.cast
        other = receipt_csv(cast.anchor.uscc, cast.supplier.uscc, [(number, "", "1", "1", "90.00")])

        conflict = hand_in(stage, cast.anchor, other)

        assert [one["verdict"] for one in (*first, *again)] == ["accepted", "duplicate"]
        assert again[0]["document"] == first[0]["document"]
        assert conflict.json()["code"] == "trade.conflict"
        shown = stage.get(cast.supplier, PATH, number=number).json()["items"]
        assert [one["lines"][0]["amount"] for one in shown] == [money("80.00")]

    def test_a_supplier_does_not_receive_its_own_goods(self, stage: Stage):
        cast, number = stage.cast, f"RK-{next(NUMBERS)}"
        own = receipt_csv(cast.anchor.uscc, cast.supplier.uscc, [(number, "", "1", "1", "90.00")])

        assert hand_in(stage, cast.supplier, own).json()["code"] == "trade.issuer_mismatch"
        sent = ubl_moved(
            "DespatchAdvice", cast.anchor.uscc, cast.supplier.uscc, number, [("PO", "1", "5", "")]
        )
        assert hand_in(stage, cast.supplier, sent).json()[0]["verdict"] == "accepted"

    def test_strangers_see_nothing(self, stage: Stage):
        (found,) = receive(stage, f"RK-{next(NUMBERS)}", "80.00")
        path = f"{PATH}/{found['document']['id']}"

        assert stage.get(stage.cast.supplier, path).status_code == 200
        assert stage.get(stage.cast.bank, path).status_code == 404


class TestClaims:
    def test_no_more_than_was_received(self, stage: Stage):
        number = f"RK-{next(NUMBERS)}"
        receive(stage, number, "99.99")

        over = claim(stage, number)
        within = claim(stage, number, "99.99")

        assert over.status_code == 409
        assert over.json()["code"] == "receivable.claim_exceeds_received"
        assert over.json()["fields"] == {
            "claimed": money("100.00"),
            "received": money("99.99"),
            "left": money("99.99"),
        }
        assert within.status_code == 201
        assert findings(stage, within.json()["id"]) == {}

    def test_claims_on_one_receipt_share_it(self, stage: Stage):
        number = f"RK-{next(NUMBERS)}"
        receive(stage, number, "150.00")
        assert claim(stage, number).status_code == 201

        second = claim(stage, f"{number}，RK-none")

        assert second.json()["fields"]["left"] == money("50.00")
        assert claim(stage, number, "50.00").status_code == 201

    def test_at_the_same_moment_too(self, stage: Stage):
        number = f"RK-{next(NUMBERS)}"
        receive(stage, number, "250.00")
        bodies = [
            {
                **line(stage, [register_invoice(stage, stage.cast.supplier)]),
                "receipt_no": number,
            }
            for _ in range(6)
        ]
        with ThreadPoolExecutor(6) as pool:
            answers = list(
                pool.map(
                    lambda body: stage.post(stage.cast.supplier, "/v1/receivables", body), bodies
                )
            )

        assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]

    def test_a_missing_receipt_is_a_finding_and_a_later_one_is_held_against_it(self, stage: Stage):
        number = f"RK-{next(NUMBERS)}"
        receivable = claim(stage, number).json()["id"]
        missing = findings(stage, receivable)

        receive(stage, number, "60.00")

        assert missing == {"receipt.missing": {"receipt_no": number}}
        assert findings(stage, receivable) == {
            "receipt.below_claim": {
                "receipts": [number],
                "claimed": money("100.00"),
                "left": money("60.00"),
            }
        }
        assert claim(stage, number, "10.00").json()["fields"]["left"] == money("0.00")

    def test_quantities_are_worth_what_their_order_says(self, stage: Stage):
        cast, order, number = stage.cast, f"PO-{next(NUMBERS)}", f"RK-{next(NUMBERS)}"
        sides = cast.anchor.uscc, cast.supplier.uscc
        moved = ubl_moved("ReceiptAdvice", *sides, number, [(order, "1", "8", "1")])
        assert hand_in(stage, cast.anchor, moved).is_success
        receivable = claim(stage, number).json()["id"]
        unvalued = findings(stage, receivable)
        ordered = ubl_order(*sides, order, [("1", "10", "100.00", "13.00")])
        assert hand_in(stage, cast.anchor, ordered).is_success

        assert unvalued == {"receipt.unvalued": {"receipts": [number]}}
        assert findings(stage, receivable)["receipt.below_claim"]["left"] == money("79.10")
