"""Turns, answers and jumps of the date in any order, and at the same moment: nothing twice, nothing lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from scf.evidence import service as evidence
from scf.receivables.models import Receivable
from tests.support.actors import STORY_BEGINS
from tests.support.clock import act, asked, dues, move_to, refuse, seen, turn
from tests.support.receivables import identity, money

DAYS = [7, 15, 25, 31]
LAST_SECOND = STORY_BEGINS + timedelta(days=30, hours=13, minutes=59, seconds=59)
"""Of the last day: 23:59:59 in Shanghai."""


def say(stage, request, reason):
    """The debtor answers, in a transaction of its own."""
    with stage.database.transaction() as session:
        tell(session, request, reason, stage.clock.now())


def tell(session, request, reason, now):
    """The debtor's answer as its event tells it; the paper work is other tests' matter."""
    receivable = evidence.lock(session, Receivable, identity(request["receivable"]))
    evidence.append(
        session,
        receivable,
        "receivable.disputed",
        {"debtor": request["debtor"]["uscc"], "reason": reason, "amount": money("40.00")},
        now=now,
        actor=receivable.debtor_id,
        parties=receivable.parties,
    )


class TestAnyOrder:
    @settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        turns=st.lists(st.integers(0, 40), max_size=5),
        plans=st.lists(
            st.tuples(st.none() | st.integers(0, 38), st.none() | st.integers(0, 38)),
            min_size=3,
            max_size=5,
        ),
    )
    def test_each_reminder_once_exactly_if_its_day_came_before_the_answer(
        self, stage, turns, plans
    ):
        """A plan is the day of an unlawful answer and the day of a lawful one."""
        stage.clock.set(STORY_BEGINS)
        requests = [asked(stage) for _ in plans]
        spoken = {day for plan in plans for day in plan if day is not None}
        for day in sorted(spoken | set(turns)):
            move_to(stage, day)
            for request, (unlawful, lawful) in zip(requests, plans, strict=True):
                if unlawful == day:
                    say(stage, request, "等待业主付款")
                if lawful == day:
                    say(stage, request, "数量不符")
            for _ in range(turns.count(day)):
                turn(stage)
        move_to(stage, 40)
        turn(stage)

        for request, (_, lawful) in zip(requests, plans, strict=True):
            shown = seen(stage, request)
            until = 40 if lawful is None else lawful
            assert [day for _, day, _ in dues(shown)] == [day for day in DAYS if day <= until]
            ended = "ANSWERED_LATE" if until > 30 else "ANSWERED"
            assert shown["state"] == ("OVERDUE" if lawful is None else ended)


class TestAtTheSameMoment:
    @pytest.mark.parametrize("day", [30, 31])
    def test_an_answer_and_turns(self, stage, day):
        stage.clock.set(STORY_BEGINS)
        request = asked(stage)
        move_to(stage, day)
        together = Barrier(4)

        def one_turn():
            together.wait()
            return turn(stage)

        def one_answer():
            together.wait()
            return refuse(stage, request, "质量争议")

        with ThreadPoolExecutor(4) as pool:
            said, *turned = [pool.submit(one_answer), *(pool.submit(one_turn) for _ in range(3))]
            assert said.result().status_code == 200
            assert all(isinstance(one.result(), int) for one in turned)
        turn(stage)

        shown = seen(stage, request)
        assert [found for _, found, _ in dues(shown)] == [n for n in DAYS if n <= day]
        assert shown["state"] == ("ANSWERED" if day == 30 else "ANSWERED_LATE")

    def test_an_answer_of_the_last_second_is_committed_after_midnight(self, stage):
        stage.clock.set(STORY_BEGINS)
        request = asked(stage)
        stage.clock.set(LAST_SECOND)
        with stage.database.transaction() as session:
            tell(session, request, "质量争议", stage.clock.now())
            stage.clock.set(LAST_SECOND + timedelta(minutes=1))
            turn(stage)
        stage.clock.set(LAST_SECOND + timedelta(minutes=5))
        turn(stage)

        shown = seen(stage, request)
        assert (shown["state"], shown["answered_on"]) == ("ANSWERED", "2025-12-03")
        assert [day for _, day, _ in dues(shown)] == [7, 15, 25]

    def test_two_requests_of_one_creditor(self, stage):
        """Both ask at once: one is there, the other is told of it."""
        stage.clock.set(STORY_BEGINS)
        first = asked(stage)
        act(stage, stage.cast.supplier, first, "withdraw")
        together = Barrier(2)

        def ask():
            together.wait()
            path = f"/v1/receivables/{first['receivable']}/confirmation-request"
            return stage.post(stage.cast.supplier, path, {})

        with ThreadPoolExecutor(2) as pool:
            answers = [found.result() for found in [pool.submit(ask) for _ in range(2)]]

        assert sorted(found.status_code for found in answers) == [201, 409]


class TestTheDatabase:
    def test_holds_to_the_moves_and_to_once_whatever_the_code_does(self, stage):
        stage.clock.set(STORY_BEGINS)
        request = asked(stage)
        move_to(stage, 31)
        turn(stage)
        values = {"id": identity(request["id"])}
        columns = "kind, day, due_on, actor_id, reason, upheld, recorded_at"
        again = f"SELECT gen_random_uuid(), request_id, {columns} FROM confirmation_moments"
        forbidden = [
            "UPDATE confirmation_requests SET state = 'OPEN' WHERE id = :id",
            "UPDATE confirmation_moments SET due_on = due_on + 1 WHERE request_id = :id",
            "DELETE FROM confirmation_moments WHERE request_id = :id",
            f"INSERT INTO confirmation_moments (id, request_id, {columns}) {again} LIMIT 1",
        ]
        before = seen(stage, request)
        for statement in forbidden:
            with pytest.raises(DBAPIError), stage.database.transaction() as session:
                session.execute(text(statement), values)
        assert seen(stage, request) == before
