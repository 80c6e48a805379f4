"""A debtor answers: confirms whole or part, disputes, rejects; signed by two people, or by one."""

import pytest

from tests.support.actors import Stage
from tests.support.receivables import confirm, confirmation, confirmed_receivable, money, submit


class TestConfirming:
    def test_confirms_whole_and_opens_the_pool(self, stage: Stage):
        receivable = submit(stage)

        answer = confirm(stage, receivable)

        shown = answer.json()
        assert answer.status_code == 200, answer.text
        assert shown["state"] == "CONFIRMED"
        assert shown["version"] == 2
        assert answer.headers["etag"] == '"2"'
        pool = stage.get(stage.cast.supplier, f"/v1/pools/{shown['pool']}").json()
        assert pool["free"] == pool["confirmed"] == money("100.00")
