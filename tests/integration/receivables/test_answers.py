"""One list answers in every way: a draft an act, handed back in one call, each line provable alone."""

from typing import Any

import pytest
from sqlalchemy import func, select

from scf.evidence.models import Event, Statement
from scf.receivables import sheets
from tests.integration.receivables.test_basket import CONFIRMATIONS, DRAFTS, counted, state
from tests.integration.receivables.test_sheets import pending
from tests.integration.receivables.test_sheets import send as send_csv
from tests.support.actors import Stage
from tests.support.receivables import confirm, confirmation, identity, money, pay_to, submit


def draft(stage: Stage, items: list[dict[str, Any]], mode: str = "continue", **other: Any) -> Any:
    terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
    signers = {"refusal_signers": stage.cast.anchor.signers("dispute")}
    body = {"items": items, "pay_to": pay_to(stage.cast.bank), **terms, **signers, **other}
    return stage.post(stage.cast.anchor, f"{DRAFTS}?mode={mode}", body).json()


def item(receivable: str, **amounts: str) -> dict[str, Any]:
    reason = {"reason": amounts.pop("reason")} if "reason" in amounts else {}
    return {"receivable": receivable, **{key: money(a) for key, a in amounts.items()}, **reason}


def drafts(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in (answer["draft"], *answer["refusals"]) if one]


def hand_back(stage: Stage, *drafted: dict[str, Any], mode: str = "continue") -> Any:
    signed = [jws for one in drafted for jws in stage.cast.anchor.sign_all(one)]
    body = {"authorizations": signed}
    return stage.post(stage.cast.anchor, f"{CONFIRMATIONS}?mode={mode}", body)


def events(stage: Stage, receivable: str) -> list[Event]:
    with stage.database.reading() as session:
        wanted = select(Event).where(Event.subject_id == identity(receivable))
        return list(session.scalars(wanted.order_by(Event.version)))


class TestDrafting:
    def test_a_list_becomes_a_draft_an_act(self, stage: Stage):
        whole, part, disputed, partly, rejected = (submit(stage) for _ in range(5))

        answer = draft(
            stage,
            [
                item(whole, confirmed="100.00"),
                item(
                    part, confirmed="70.00", disputed="20.00", rejected="10.00", reason="数量不符"
                ),
                item(disputed, disputed="100.00", reason="质量争议：孔径超差"),
                item(partly, confirmed="0.00", disputed="40.00", reason="数量不符：少两箱"),
                item(rejected, rejected="100.00", reason="非我司交易"),
            ],
        )

        assert answer["errors"] == []
        found = [(one["act"], len(one["lines"]), len(one["statements"])) for one in drafts(answer)]
        assert found == [("confirm", 2, 2), ("dispute", 2, 1), ("reject", 1, 1)]
        totals = answer["totals"]
        assert totals["count"] == 5
        assert [totals[k] for k in ("claimed", "confirmed", "disputed", "rejected")] == [
            money(amount) for amount in ("500.00", "170.00", "160.00", "110.00")
        ]

    def test_a_signer_reads_what_is_disputed_line_by_line(self, stage: Stage):
        one = submit(stage)
        (notice,) = draft(stage, [item(one, disputed="40.00", reason="数量不符")])["refusals"]
        text = notice["statements"][0]["text"]
        assert "应收账款争议通知书" in text
        assert "共 1 笔，合计 人民币 40.00 元" in text
        assert "其他内容" not in text

    @pytest.mark.parametrize(
        ("answers", "code", "field"),
        [
            ({"disputed": "60.00", "rejected": "40.00"}, "answer_unclear", "confirmed"),
            ({"rejected": "99.99"}, "answer_does_not_add_up", "rejected"),
            ({"disputed": "100.01"}, "amount_out_of_range", "amount"),
            ({"disputed": "10.00", "reason": "其他"}, "reason_missing", "reason"),
            ({"confirmed": "0.00"}, "nothing_confirmed", "confirmed"),
        ],
    )
    def test_a_bad_line_is_left_out_and_named(
        self, stage: Stage, answers: dict[str, str], code: str, field: str
    ):
        good, bad = submit(stage), submit(stage)
        items = [item(bad, **{"reason": "数量不符", **answers})]

        answer = draft(stage, [*items, item(good, rejected="100.00", reason="重复提交")])

        assert [(e["item"], e["code"], e["field"]) for e in answer["errors"]] == [
            (0, f"receivable.{code}", field)
        ]
        assert [one["act"] for one in drafts(answer)] == ["reject"]

    def test_nobody_named_to_sign_refuses_the_whole(self, stage: Stage):
        items = [item(submit(stage), disputed="1.00", reason="数量不符")]
        refused = draft(stage, items, refusal_signers=[])
        assert refused["code"] == "statement.hands_wrong"
        assert refused["fields"] == {"act": "dispute", "needed": 1, "given": 0}

    def test_the_filled_list_says_the_same(self, stage: Stage):
        ids = [submit(stage) for _ in range(4)]
        rows = sorted(
            (r for r in pending(stage) if r[sheets.ID] in ids), key=lambda r: r[sheets.ID]
        )
        rows[0] |= {sheets.CONFIRMED: "100.00"}
        rows[1] |= {sheets.DISPUTED: "30.00", sheets.REASON: "质量争议"}
        rows[2] |= {sheets.REJECTED: "100.00"}
        rows[3] |= {sheets.REASON: "数量不符"}

        signers = {"refusal_signers": stage.cast.anchor.signers("reject")}
        answer = send_csv(stage, rows, pay_to=pay_to(stage.cast.bank), **signers).json()

        assert [one["act"] for one in drafts(answer)] == ["confirm", "dispute"]
        assert [(e["row"], e["column"], e["code"]) for e in answer["errors"]] == [
            (4, sheets.REASON, "receivable.reason_missing"),
            (5, sheets.CONFIRMED, "receivable.nothing_confirmed"),
        ]


class TestHandingBack:
    def test_in_one_call_every_line_is_answered(self, stage: Stage):
        yes, some, no = submit(stage), submit(stage), submit(stage)
        answer = draft(
            stage,
            [
                item(yes, confirmed="100.00"),
                item(some, disputed="40.00", reason="等待业主付款"),
                item(no, rejected="100.00", reason="非我司交易"),
            ],
        )

        done = hand_back(stage, *drafts(answer))

        assert done.status_code == 200, done.text
        found = done.json()
        assert [one["receivable"] for one in found["confirmed"]] == [yes]
        assert found["disputed"] == [
            {
                "receivable": some,
                "version": 2,
                "state": "DISPUTED",
                "amount": money("40.00"),
                "reason": "等待业主付款",
                "reason_compliant": False,
            }
        ]
        assert [(one["receivable"], one["state"]) for one in found["rejected"]] == [
            (no, "REJECTED")
        ]
        assert found["left_out"] == []
        assert [state(stage, one) for one in (yes, some, no)] == [
            ("CONFIRMED", 2),
            ("DISPUTED", 2),
            ("REJECTED", 2),
        ]
        types = [events(stage, one)[1].type for one in (yes, some, no)]
        assert types == [f"receivable.{end}" for end in ("confirmed", "disputed", "rejected")]
        assert [len(events(stage, one)[1].authorizations) for one in (yes, some, no)] == [2, 1, 1]

    def test_lines_of_one_notice_share_its_signature(self, stage: Stage):
        lines = [submit(stage) for _ in range(3)]
        items = [item(one, disputed=f"{n}.00", reason="数量不符") for n, one in enumerate(lines, 1)]
        assert hand_back(stage, *drafts(draft(stage, items))).is_success
        assert len({tuple(events(stage, one)[1].authorizations) for one in lines}) == 1
        shown = stage.get(stage.cast.anchor, f"/v1/receivables/{lines[1]}").json()
        assert (shown["disputed"], shown["reason_compliant"]) == (money("2.00"), True)

    def test_what_is_rejected_frees_its_documents(self, stage: Stage):
        first = submit(stage)
        shown = stage.get(stage.cast.supplier, f"/v1/receivables/{first}").json()
        body = draft(stage, [item(first, rejected="100.00", reason="重复提交")])
        assert hand_back(stage, *drafts(body)).is_success

        again = stage.post(
            stage.cast.supplier,
            "/v1/receivables",
            {
                "programme": stage.cast.programme,
                "line_no": shown["line_no"],
                "documents": [one["id"] for one in shown["documents"]],
                "due_on": "2025-12-19",
            },
        )

        assert again.status_code == 201, again.text

    def test_a_line_that_moved_is_left_out_and_named(self, stage: Stage):
        moved, stays = submit(stage), submit(stage)
        answer = draft(
            stage,
            [
                item(moved, disputed="1.00", reason="数量不符"),
                item(stays, rejected="100.00", reason="非我司交易"),
            ],
        )
        assert confirm(stage, moved).is_success

        found = hand_back(stage, *drafts(answer)).json()

        assert (found["disputed"], found["confirmed"]) == ([], [])
        assert [one["receivable"] for one in found["rejected"]] == [stays]
        assert [(left["receivable"], left["code"]) for left in found["left_out"]] == [
            (moved, "subject.version_moved")
        ]
        assert state(stage, moved)[0] == "CONFIRMED"

    def test_or_refuses_every_act_and_changes_nothing(self, stage: Stage):
        moved, stays = submit(stage), submit(stage)
        answer = draft(
            stage,
            [item(stays, confirmed="100.00"), item(moved, disputed="1.00", reason="数量不符")],
        )
        assert confirm(stage, moved).is_success
        before = counted(stage)

        refused = hand_back(stage, *drafts(answer), mode="atomic")

        assert (refused.status_code, refused.json()["code"]) == (409, "subject.version_moved")
        assert counted(stage) == before
        assert state(stage, stays) == ("SUBMITTED", 1)
        with stage.database.reading() as session:
            ids = [one["draft"] for one in drafts(answer)]
            used = select(func.count()).where(
                Statement.draft_id.in_(map(identity, ids)), Statement.jws.is_not(None)
            )
            assert session.scalar(used) == 0

    def test_acts_may_come_back_one_by_one(self, stage: Stage):
        one, other = submit(stage), submit(stage)
        answer = draft(
            stage,
            [item(one, confirmed="100.00"), item(other, disputed="1.00", reason="数量不符")],
        )
        first, second = drafts(answer)
        assert len(hand_back(stage, second).json()["disputed"]) == 1
        assert len(hand_back(stage, first).json()["confirmed"]) == 1
        again = hand_back(stage, first, second)
        assert (again.status_code, again.json()["code"]) == (409, "statement.already_used")
