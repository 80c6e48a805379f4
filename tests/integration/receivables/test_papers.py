"""The 确权函 as PDF: there once it is signed, for its parties, saying what was signed."""

from typing import Any

import pytest
from sqlalchemy import select

from scf.evidence.models import Checkpoint, Event, LogEntry
from scf.evidence.sequencing import open_log
from scf.kernel.ids import public_id
from scf_ledger.encoding import b64url
from scf_ledger.note import Signer
from tests.support.actors import STORY_BEGINS, Stage
from tests.support.log import sequence_all
from tests.support.pdf import attached, packed, text_of
from tests.support.problems import refusal
from tests.support.receivables import (
    ACCOUNT,
    confirm,
    confirmation,
    confirmed_receivable,
    identity,
    money,
    pay_to,
    submit,
)


@pytest.fixture(scope="module")
def signer(stage: Stage) -> Signer:
    """The key of the log, which is opened for the file."""
    found = Signer.generate(stage.settings.log_origin)
    with stage.database.transaction() as session:
        open_log(session, found, now=STORY_BEGINS)
    return found


@pytest.fixture(scope="module")
def confirmed(stage: Stage) -> str:
    """A claim of 1,286,400.00, of which 41,400.00 is disputed."""
    found = submit(stage, total="1286400.00")
    answer = confirm(
        stage, found, "1245000.00", disputed="41400.00", reason="质量争议：#B-17 批次 $毛刺$"
    )
    assert answer.is_success, answer.text
    return found


def letter(stage: Stage, who, receivable: str):
    return stage.get(who, f"/v1/receivables/{receivable}/confirmation.pdf")


def event_of(stage: Stage, receivable: str) -> Event:
    with stage.database.reading() as session:
        return session.scalars(
            select(Event).where(
                Event.subject_id == identity(receivable), Event.type == "receivable.confirmed"
            )
        ).one()


def drafted(stage: Stage, receivable: str) -> Any:
    path = f"/v1/receivables/{receivable}/confirmation-draft"
    answer = stage.post(stage.cast.anchor, path, confirmation(stage))
    assert answer.is_success, answer.text
    return answer.json()


class TestTheLetter:
    def test_it_says_what_was_signed(self, stage: Stage, confirmed: str):
        answer = letter(stage, stage.cast.supplier, confirmed)

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert answer.headers["x-content-type-options"] == "nosniff"
        text = text_of(answer.content)
        for said in (
            "claimed人民币1,286,400.00元（大写：人民币壹佰贰拾捌万陆仟肆佰元整）",
            "confirmed人民币1,245,000.00元（大写：人民币壹佰贰拾肆万伍仟元整）",
            "disputed人民币41,400.00元（大写：人民币肆万壹仟肆佰元整）",
            "rejected人民币0.00元（大写：人民币零元整）",
            "质量争议：#B-17批次$毛刺$",
            packed(f"账号 {ACCOUNT}"),
            "示例",
        ):
            assert said in text, said

    def test_it_names_both_hands_and_its_event(self, stage: Stage, confirmed: str):
        anchor, event = stage.cast.anchor, event_of(stage, confirmed)

        own, other = (
            text_of(letter(stage, who, confirmed).content) for who in (anchor, stage.cast.bank)
        )

        for hand in anchor.people.values():
            assert hand.person in own
            assert hand.person in other
        assert "签署人姓名anchor-clerk(示例)" in own
        assert "签署人姓名" not in other
        for hash_ in event.authorizations:
            assert b64url(hash_) in other
        assert public_id("evt", event.id) in other
        assert b64url(event.body_hash) in other
        files = attached(letter(stage, anchor, confirmed).content)
        assert len(files) == 2
        assert all(len(content.split(b".")) == 3 for content in files.values())

    def test_its_place_in_the_log_stands_on_it_once_published(
        self, stage: Stage, signer: Signer, confirmed: str
    ):
        event = event_of(stage, confirmed)
        before = letter(stage, stage.cast.anchor, confirmed).content

        sequence_all(stage.settings.database_url, signer)
        published = letter(stage, stage.cast.anchor, confirmed).content
        submit(stage)
        sequence_all(stage.settings.database_url, signer)

        with stage.database.reading() as session:
            index = session.scalar(select(LogEntry.index).where(LogEntry.event_id == event.id))
            head = session.scalars(
                select(Checkpoint).where(Checkpoint.size > index).order_by(Checkpoint.size)
            ).first()
        assert "日志序号" not in text_of(before)
        place = f"日志序号：{index}检查点：{head.size}条，根{b64url(head.root)}"
        assert place in text_of(published)
        assert letter(stage, stage.cast.anchor, confirmed).content == published

    def test_before_the_answer_there_is_none(self, stage: Stage):
        answer = letter(stage, stage.cast.anchor, submit(stage))

        problem = refusal(answer, 409, "receivable.not_yet_confirmed")
        assert problem["fields"] == {"state": "SUBMITTED"}

    def test_strangers_see_none(self, stage: Stage, confirmed: str):
        for who in (stage.cast.second_supplier, stage.cast.second_bank):
            refusal(letter(stage, who, confirmed), 404, "subject.not_found")

    def test_of_a_basket_only_its_own_line_is_shown(self, stage: Stage):
        """Two lines under one signature: each creditor's letter says nothing of the other."""
        anchor, lines = stage.cast.anchor, [submit(stage, total=t) for t in ("123.45", "678.90")]
        terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
        items = [
            {"receivable": one, "confirmed": money(total)}
            for one, total in zip(lines, ("123.45", "678.90"), strict=True)
        ]
        body = {"items": items, "pay_to": pay_to(stage.cast.bank), **terms}
        draft = stage.post(anchor, "/v1/receivables/confirmation-drafts", body).json()["draft"]
        signed = {"authorizations": anchor.sign_all(draft)}
        assert stage.post(anchor, "/v1/receivables/confirmations", signed).is_success

        text = text_of(letter(stage, stage.cast.supplier, lines[0]).content)

        assert "confirmed人民币123.45元（大写：人民币壹佰贰拾叁元肆角伍分）" in text
        assert "678.90" not in text
        assert lines[0] in text
        assert lines[1] not in text


class TestDrafts:
    def test_what_is_to_be_signed_is_a_draft(self, stage: Stage):
        draft = drafted(stage, submit(stage))

        for statement in draft["statements"]:
            path = f"/v1/drafts/{draft['draft']}/{statement['id']}.pdf"
            answer = stage.get(stage.cast.anchor, path)
            text = text_of(answer.content)
            assert "草稿DRAFT" in text
            assert statement["id"] in text
            assert "confirmed人民币100.00元（大写：人民币壹佰元整）" in text
            assert attached(answer.content) == {}

    def test_once_signed_it_is_none_any_more(self, stage: Stage):
        receivable = submit(stage)
        draft = drafted(stage, receivable)
        body = {"authorizations": stage.cast.anchor.sign_all(draft)}
        path = f"/v1/receivables/{receivable}/confirm"
        assert stage.post(stage.cast.anchor, path, body).is_success

        first = draft["statements"][0]["id"]
        answer = stage.get(stage.cast.anchor, f"/v1/drafts/{draft['draft']}/{first}.pdf")

        assert "草稿" not in text_of(answer.content)
        assert list(attached(answer.content)) == [f"{first}.jws"]

    def test_only_who_is_to_sign_sees_it(self, stage: Stage):
        mine, other = drafted(stage, submit(stage)), drafted(stage, submit(stage))
        first = mine["statements"][0]["id"]

        stranger = stage.get(stage.cast.supplier, f"/v1/drafts/{mine['draft']}/{first}.pdf")
        refusal(stranger, 404, "subject.not_found")
        wrong = stage.get(stage.cast.anchor, f"/v1/drafts/{other['draft']}/{first}.pdf")
        refusal(wrong, 404, "subject.not_found")


def test_a_claim_confirmed_whole_says_so(stage: Stage):
    found = confirmed_receivable(stage, "0.05")

    text = text_of(letter(stage, stage.cast.supplier, found["id"]).content)

    assert "confirmed人民币0.05元（大写：人民币伍分）" in text
