"""A month's balance ties with the receivables to the fen, and both sides sign the same bytes."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from python_calamine import CalamineWorkbook

from tests.support.actors import Company, Stage
from tests.support.banking import entry, told
from tests.support.receivables import confirmed_receivable, money

MOVEMENTS = ("opening", "confirmed", "paid", "reversed", "credited", "closing")


@pytest.fixture(scope="module")
def played(stage: Stage) -> list[dict]:
    """November: three claims, two payments, one taken back; December: another payment."""
    claims = [confirmed_receivable(stage, amount) for amount in ("100.00", "200.00", "0.07")]
    bank = stage.cast.bank
    first, second = claims[0]["id"], claims[1]["id"]
    told(stage, bank, entry(901, 4_000, receivable=first), name="A")
    told(stage, bank, entry(902, 20_000, receivable=second), name="B")
    back = entry(903, 20_000, receivable=second, direction="DBIT", reversal=1)
    told(stage, bank, back, name="C")
    wrong = entry(904, 1_000, receivable=first, account="6222999900000000")
    told(stage, bank, wrong, name="D")
    stage.clock.set(datetime(2025, 12, 3, 2, 0, tzinfo=UTC))
    told(stage, bank, entry(905, 6_000, receivable=first, booked_on="2025-12-03"), name="E")
    stage.clock.set(datetime(2026, 1, 5, 2, 0, tzinfo=UTC))
    return claims


def drawn(stage: Stage, month: str, who: Company | None = None) -> dict:
    body = {
        "creditor": stage.cast.supplier.id,
        "debtor": stage.cast.anchor.id,
        "month": month,
    }
    answer = stage.post(who or stage.cast.supplier, "/v1/reconciliations", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sums(found: dict) -> list[str]:
    return [found[name]["amount"] for name in MOVEMENTS]


def signed(stage: Stage, found: dict, who: Company):
    path = f"/v1/reconciliations/{found['id']}"
    drafted = stage.post(who, f"{path}/draft", {"signers": who.signers("reconcile")})
    if not drafted.is_success:
        return drafted
    return stage.post(who, f"{path}/sign", {"authorizations": who.sign_all(drafted.json())})


def test_a_month_drawn_by_both_at_once_is_drawn_once(stage: Stage, played: list[dict]):
    sides = [stage.cast.supplier, stage.cast.anchor] * 3
    with ThreadPoolExecutor(len(sides)) as pool:
        found = list(pool.map(lambda who: drawn(stage, "2025-10", who), sides))
    assert len({one["id"] for one in found}) == 1


def test_months_follow_one_another_to_the_fen(stage: Stage, played: list[dict]):
    november, december = drawn(stage, "2025-11"), drawn(stage, "2025-12")
    assert sums(november) == ["0.00", "300.07", "240.00", "200.00", "0.00", "260.07"]
    assert sums(december) == ["260.07", "0.00", "60.00", "0.00", "0.00", "200.07"]
    left = 0
    for claim in played:
        shown = stage.get(stage.cast.supplier, f"/v1/receivables/{claim['id']}").json()
        parts = (shown[name]["amount"].replace(".", "") for name in ("confirmed", "paid"))
        confirmed, paid = map(int, parts)
        left += confirmed - paid
    assert left == 20_007


def test_the_same_month_is_drawn_once_by_either_side(stage: Stage, played: list[dict]):
    assert drawn(stage, "2025-11") == drawn(stage, "2025-11", stage.cast.anchor)


def test_both_sign_and_it_is_agreed(stage: Stage, played: list[dict]):
    found = drawn(stage, "2025-12")
    assert signed(stage, found, stage.cast.anchor).json()["state"] == "OPEN"
    done = signed(stage, found, stage.cast.supplier).json()
    assert (done["state"], done["version"]) == ("AGREED", 2)
    again = signed(stage, found, stage.cast.supplier)
    assert (again.status_code, again.json()["code"]) == (409, "reconciliation.not_open")
    path = f"/v1/reconciliations/{found['id']}"
    assert stage.get(stage.cast.bank, path).status_code == 404


def test_an_objection_is_kept_and_the_month_drawn_afresh(stage: Stage, played: list[dict]):
    found = drawn(stage, "2025-11")
    body = {"closing": money("250.07"), "reason": "11 月 28 日付款 10.00 未入账"}
    path = f"/v1/reconciliations/{found['id']}/object"
    answer = stage.post(stage.cast.anchor, path, body).json()
    assert answer["state"] == "OBJECTED"
    assert answer["objections"][0]["closing"] == money("250.07")
    assert signed(stage, found, stage.cast.supplier).status_code == 409
    afresh = drawn(stage, "2025-11")
    assert (afresh["number"], sums(afresh)) == (2, sums(found))


def test_the_list_behind_it_adds_up(stage: Stage, played: list[dict]):
    found = drawn(stage, "2025-11")
    xlsx = stage.get(stage.cast.anchor, f"/v1/reconciliations/{found['id']}/file").content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(xlsx)).get_sheet_by_index(0).to_python()[1:]
    for place, name in enumerate(MOVEMENTS, 3):
        fen = sum(round(row[place] * 100) for row in rows)
        assert fen == int(found[name]["amount"].replace(".", "")), name


def test_a_month_that_is_not_over_waits(stage: Stage, played: list[dict]):
    body = {"creditor": stage.cast.supplier.id, "debtor": stage.cast.anchor.id, "month": "2026-01"}
    answer = stage.post(stage.cast.supplier, "/v1/reconciliations", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "reconciliation.month_open")
    answer = stage.post(stage.cast.bank, "/v1/reconciliations", {**body, "month": "2025-11"})
    assert (answer.status_code, answer.json()["code"]) == (422, "reconciliation.not_a_party")


def test_nobody_reconciles_with_itself(stage: Stage, played: list[dict]):
    own = stage.cast.supplier.id
    body = {"creditor": own, "debtor": own, "month": "2025-11"}
    answer = stage.post(stage.cast.supplier, "/v1/reconciliations", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "reconciliation.same_party")


def test_progress_names_every_counterparty_of_the_month(stage: Stage, played: list[dict]):
    def progress(who: Company, month: str) -> list[tuple[str, str | None]]:
        path = "/v1/reconciliations/progress"
        found = stage.get(who, path, month=month).json()
        return [(one["counterparty"]["uscc"], one["state"]) for one in found]

    supplier, anchor = stage.cast.supplier, stage.cast.anchor
    assert progress(supplier, "2025-12") == [(anchor.uscc, "AGREED")]
    assert progress(anchor, "2025-12") == [(supplier.uscc, "AGREED")]
    assert progress(anchor, "2026-01") == [(supplier.uscc, None)]
    assert progress(anchor, "2025-09") == progress(stage.cast.bank, "2025-12") == []
