"""Reports over the same claims in opposite orders: both are recorded, none waits for the other in a circle."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from scf.parties import queries as parties
from scf.settlement import entries
from scf.settlement.camt import parse
from tests.support.actors import Stage
from tests.support.banking import DIGITS, entry, statement
from tests.support.receivables import confirmed_receivable, money


@pytest.mark.parametrize("turn", range(3))
def test_two_reports_in_opposite_orders(stage: Stage, turn: int):
    claims = [confirmed_receivable(stage)["id"] for _ in range(6)]
    elsewhere, start = "6222999900000000", Barrier(2)

    def record(account: str, order: list[str]) -> int:
        """Record without a second try: whoever loses a deadlock would fail."""
        rows = [
            entry(n, 1_000, receivable=claim, account=account)
            for n, claim in enumerate(order, 1 if account == DIGITS else 101)
        ]
        body = statement(rows, name=f"R{turn}-{account}")
        start.wait()
        with stage.database.transaction() as session:
            bank = parties.party(session, stage.cast.bank.party_id)
            return entries.record(session, bank, parse(body), body, now=stage.clock.now()).recorded

    with ThreadPoolExecutor(2) as threads:
        forth = threads.submit(record, DIGITS, claims)
        back = threads.submit(record, elsewhere, claims[::-1])
        assert (forth.result(), back.result()) == (6, 6)
    for claim in claims:
        payments = stage.get(stage.cast.supplier, f"/v1/receivables/{claim}/payments").json()
        assert sorted(p["to_named_account"] for p in payments) == [False, True]
        assert [p["amount"] for p in payments] == [money("10.00")] * 2
