"""Before money moves, and every month, the tax bureau is asked whether the invoices still stand."""

from datetime import timedelta

from sqlalchemy import func, select

from scf.db.outbox import EffectContext
from scf.documents.models import Document
from scf.documents.status_models import InvoiceCheck
from scf.pledges.effects import resume
from scf.receivables import effects
from tests.support.lending import Desk
from tests.support.receivables import invoice_number, register_invoice
from tests.support.status import answering, saying


def checks(desk: Desk, number: int) -> int:
    """How often the tax bureau was asked about an invoice."""
    with desk.stage.database.reading() as session:
        found = select(func.count()).select_from(InvoiceCheck).join(Document)
        return session.scalar(found.where(Document.number == invoice_number(number))) or 0


def told(desk: Desk, number: int) -> list[tuple[str, bool]]:
    """What the bank was told about an invoice."""
    cast, text = desk.stage.cast, invoice_number(number)
    (document,) = desk.seen(cast.supplier, "/v1/documents", number=text)["items"]
    notices = desk.seen(cast.bank, "/v1/notices", limit=500)["items"]
    fields = [notice["fields"] for notice in notices if notice["kind"] == "invoice_check.made"]
    return [(one["status"], one["sound"]) for one in fields if one["document"] == document["id"]]


def months_later(desk: Desk, days: int) -> None:
    desk.stage.clock.set(desk.stage.clock.now() + timedelta(days=days))
    effects.lapse(desk.context)
    desk.work()


class TestBeforeMoneyMoves:
    def test_an_invoice_that_stands_lets_it(self, desk: Desk):
        pledge = desk.ready_pledge(desk.receivable(1))

        shown = desk.pledge(pledge)
        assert shown["ready_to_disburse_at"] is not None
        assert shown["missing"] == []
        assert checks(desk, 1) == 1
        supplier = desk.stage.cast.supplier
        (document,) = desk.seen(supplier, "/v1/documents", number=invoice_number(1))["items"]
        (shown,) = desk.stage.get(supplier, f"/v1/documents/{document['id']}/checks").json()
        assert (shown["status"], shown["sound"]) == ("正常", True)
        assert told(desk, 1) == []

    def test_one_that_was_taken_back_does_not_and_the_bank_is_told(self, desk: Desk):
        receivable = desk.receivable(2)
        desk.status.set(invoice_number(2), "红冲")

        pledge = desk.ready_pledge(receivable)

        shown = desk.pledge(pledge)
        assert shown["ready_to_disburse_at"] is None
        assert shown["missing"] == ["invoices_in_force"]
        assert "状态异常" in shown["standing"]["line"]
        assert told(desk, 2) == [("红冲", False)]
        desk.stage.clock.set(desk.stage.clock.now() + timedelta(hours=1))
        resume(desk.context)
        desk.work()
        assert checks(desk, 2) == 1  # nobody asks again unasked

    def test_asked_again_when_it_stands_again_the_way_is_free(self, desk: Desk):
        receivable = desk.receivable(3)
        desk.status.set(invoice_number(3), "查无此票")
        pledge = desk.ready_pledge(receivable)
        desk.status.set(invoice_number(3), "正常")

        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/search", {})
        desk.work()

        assert desk.pledge(pledge)["ready_to_disburse_at"] is not None

    def test_what_was_taken_back_in_part_stands_once_the_note_is_here(self, desk: Desk):
        receivable = desk.receivable(4)
        desk.status.set(invoice_number(4), "部分红冲")
        red = f"<OriginalInvoiceCode>{invoice_number(4)}</OriginalInvoiceCode>"
        register_invoice(desk.stage, desk.stage.cast.supplier, 5, "-45.00", blue="N", red=red)

        pledge = desk.ready_pledge(receivable)

        assert desk.pledge(pledge)["ready_to_disburse_at"] is not None

    def test_no_answer_is_no_good_answer_and_is_asked_for_again(self, desk: Desk):
        receivable, right = desk.receivable(6), desk.context
        with answering(saying(b"<html>busy</html>")) as url:
            settings = right.settings.model_copy(update={"invoice_status_url": url})
            desk.context = EffectContext(right.database, settings, right.clock)
            pledge = desk.ready_pledge(receivable)
            assert desk.pledge(pledge)["ready_to_disburse_at"] is None
            assert any("invoice_status.unavailable" in str(error) for error in desk.failures())
        desk.context = right

        desk.do_again()

        assert desk.pledge(pledge)["ready_to_disburse_at"] is not None


class TestEveryMonth:
    def test_a_change_is_told_once_to_whoever_holds_the_claim(self, desk: Desk):
        desk.ready_pledge(desk.receivable(7))
        desk.status.set(invoice_number(7), "红冲")

        months_later(desk, 29)
        early = checks(desk, 7)
        months_later(desk, 2)
        months_later(desk, 0)

        assert (early, checks(desk, 7)) == (1, 2)
        months_later(desk, 31)
        assert checks(desk, 7) == 3
        assert told(desk, 7) == [("红冲", False)]
