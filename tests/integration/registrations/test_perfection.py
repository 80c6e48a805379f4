"""Search, register, search again: through killed processes, lost answers, and other people's entries."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from scf.db.outbox import Effect
from scf.kernel.money import Money
from scf.pledges import service
from scf.pledges.effects import expire_proposals, resume
from scf.pledges.models import Pledge
from scf.registrations import registering, searching
from scf.registrations.filing import filing_of
from scf.registry.client import HttpRegistry
from scf.registry.port import Enrolled, Filing
from scf_workers.effects import HANDLERS
from scf_workers.relay import bring_about
from tests.support.receivables import identity

OTHER_BANK = Enrolled("平台外银行(示例)", "91500118MA5U00002X")


@pytest.fixture
def registry(desk):
    with HttpRegistry(desk.registry.url) as client:
        yield client


def grantor(desk):
    supplier = desk.stage.cast.supplier
    return Enrolled(supplier.name, supplier.uscc)


def file_elsewhere(desk, registry, number, reference):
    """Somebody else's registration over the same invoice."""
    return registry.register(
        Filing(
            reference=reference,
            secured_party=OTHER_BANK,
            grantor=grantor(desk),
            description=f"应收账款，发票号码2550{number:016}",
            items=(),
            amount=Money.parse("1.00"),
            contract_no="X",
            term_months=12,
        )
    )


class TestTwice:
    def test_every_effect_run_again_changes_nothing(self, desk):
        pledge = desk.ready_pledge(desk.receivable(1))
        before, shown = desk.types(), desk.pledge(pledge)

        assert desk.do_again() > 3
        assert desk.mine() == []

        assert desk.types() == before
        assert desk.pledge(pledge) == shown

    def test_after_the_release_too(self, desk):
        pledge = desk.ready_pledge(desk.receivable(2))
        desk.release(pledge)
        desk.work()
        desk.mine()
        desk.work()
        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/cancel-registration", {})
        desk.work()
        before, shown = desk.types(), desk.pledge(pledge)

        desk.do_again()
        assert desk.mine() == []

        assert desk.types() == before
        assert desk.pledge(pledge) == shown
        assert shown["standing"]["waiting_for"] is None


class TestRegisterDown:
    def test_it_goes_on_where_it_stopped(self, desk):
        pledge = desk.signed_pledge(desk.receivable(3))
        desk.registry.kill()
        desk.accept(pledge)
        desk.work()
        shown = desk.pledge(pledge)
        assert shown["state"] == "RESERVED"
        assert shown["standing"]["waiting_for"]["who"] == "registry"

        desk.registry.start()
        desk.work()

        assert desk.pledge(pledge)["state"] == "EFFECTIVE"

    def test_a_filing_whose_answer_was_lost_is_found_by_our_reference(self, desk, registry):
        """Killed after the register had it and before we had the answer."""
        pledge = desk.signed_pledge(desk.receivable(4))
        desk.accept(pledge)
        searching.search_first(desk.context, {"pledge_id": str(identity(pledge))})
        with desk.stage.database.transaction() as session:
            row = service.lock(session, identity(pledge))
            row.registration.filing_sent_at = desk.stage.clock.real()
            asked = filing_of(session, row)
        entry = registry.register(asked)

        desk.work()

        shown = desk.pledge(pledge)
        assert shown["registration"]["reg_no"] == entry.reg_no
        ours = [
            f
            for f in registry.search(grantor(desk)).findings
            if "0000000000000004" in f.description
        ]
        assert len(ours) == 1


class TestOthersFirst:
    def test_an_earlier_entry_stops_the_registration_and_the_bank_is_told(self, desk, registry):
        bank = desk.stage.cast.bank
        earlier = file_elsewhere(desk, registry, 5, "elsewhere-5")
        pledge = desk.signed_pledge(desk.receivable(5))
        desk.accept(pledge)

        desk.work()

        shown = desk.pledge(pledge)
        assert shown["state"] == "RESERVED"
        assert "在先登记" in shown["standing"]["line"]
        assert shown["standing"]["waiting_for"]["party"] == bank.id
        assert OTHER_BANK.name not in str(shown)
        notices = desk.seen(bank, "/v1/notices")["items"]
        assert notices[-1]["kind"] == "pledge.searched"

        registry.cancel(earlier.reg_no, reason="已清偿")
        desk.did(bank, f"/v1/pledges/{pledge}/search", {})
        desk.work()
        assert desk.pledge(pledge)["state"] == "EFFECTIVE"

    def test_an_entry_between_search_and_registration_is_found_by_the_second_search(
        self, desk, registry
    ):
        bank = desk.stage.cast.bank
        pledge = desk.signed_pledge(desk.receivable(6))
        desk.accept(pledge)
        key = {"pledge_id": str(identity(pledge))}
        searching.search_first(desk.context, key)
        between = file_elsewhere(desk, registry, 6, "elsewhere-6")

        desk.work()
        desk.mine()
        desk.work()

        shown = desk.pledge(pledge)
        assert shown["missing"] == ["clean_second_search"]
        assert "暂不可放款" in shown["standing"]["line"]
        body = {"reason": "撤销"}
        assert desk.refused(bank, f"/v1/pledges/{pledge}/give-up", body)["code"] == (
            "pledge.state_forbids"
        ), "a right in rem ends by a signed release alone"

        registry.cancel(between.reg_no, reason="已清偿")
        desk.did(bank, f"/v1/pledges/{pledge}/search", {})
        desk.work()
        assert desk.pledge(pledge)["missing"] == []

    def test_one_that_came_later_ranks_behind(self, desk, registry):
        pledge = desk.signed_pledge(desk.receivable(7))
        desk.accept(pledge)
        desk.work()
        file_elsewhere(desk, registry, 7, "elsewhere-7")

        desk.mine()
        desk.work()

        assert desk.pledge(pledge)["missing"] == []


class TestEnd:
    def test_nothing_is_freed_while_a_filing_may_still_arrive(self, desk):
        pledge = desk.signed_pledge(desk.receivable(8))
        desk.accept(pledge)
        with desk.stage.database.transaction() as session:
            row = service.lock(session, identity(pledge))
            row.registration.filing_sent_at = desk.stage.clock.real()

        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/give-up", {"reason": "撤回"})
        desk.work()
        assert desk.pledge(pledge)["state"] == "RESERVED"
        assert any("filing_unanswered" in (error or "") for error in desk.failures())

        with desk.stage.database.transaction() as session:
            row = service.lock(session, identity(pledge))
            row.registration.filing_sent_at -= 2 * registering.FILING_PATIENCE
        desk.work()
        assert desk.pledge(pledge)["state"] == "CANCELLED"

    def test_what_stands_at_the_register_is_cancelled_there_first(self, desk, registry):
        pledge = desk.signed_pledge(desk.receivable(9))
        desk.accept(pledge)
        with desk.stage.database.reading() as session:
            asked = filing_of(session, session.get_one(Pledge, identity(pledge)))
        registry.register(asked)

        desk.did(desk.stage.cast.bank, f"/v1/pledges/{pledge}/give-up", {"reason": "撤回"})
        desk.work()

        entry = registry.find(pledge)
        assert entry is not None
        assert entry.cancelled_at is not None
        assert desk.pledge(pledge)["state"] == "CANCELLED"
        assert desk.pledge(pledge)["registration"]["reg_no"] is None

    def test_proposals_lapse_in_time_and_not_before(self, desk):
        clock = desk.stage.clock
        signed = desk.signed_pledge(desk.receivable(10))
        reserved = desk.signed_pledge(desk.receivable(11))
        desk.registry.kill()
        desk.accept(reserved)
        desk.work()
        assert expire_proposals(desk.context) == 0

        clock.set(clock.now() + timedelta(days=15))
        expire_proposals(desk.context)
        desk.work()
        assert desk.pledge(signed)["state"] == "EXPIRED"
        assert desk.pledge(reserved)["state"] == "RESERVED", "the register has not been asked"

        desk.registry.start()
        desk.work()
        assert desk.pledge(reserved)["state"] == "EXPIRED"
        assert expire_proposals(desk.context) == 0


class TestRelease:
    def test_it_never_waits_for_a_calendar(self, desk):
        pledge = desk.ready_pledge(desk.receivable(13))
        desk.stage.clock.set(desk.stage.clock.now().replace(year=2026, month=12, day=28))

        shown = desk.release(pledge)
        desk.work()

        assert shown["state"] == "RELEASED"
        assert shown["registration"]["cancellation_due_on"] is None
        assert "在 10 个工作日内注销" in shown["standing"]["line"]
        assert any("calendar.unpublished" in (error or "") for error in desk.failures())


class TestResume:
    def test_what_waits_already_is_not_asked_for_twice(self, desk):
        pledge = desk.signed_pledge(desk.receivable(14))
        desk.accept(pledge)
        desk.stage.clock.set(desk.stage.clock.now() + timedelta(minutes=6))
        before = len(desk.waiting())

        resume(desk.context)

        assert len(desk.waiting()) == before
        desk.work()

    def test_a_step_that_was_given_up_is_asked_for_again(self, desk):
        clock = desk.stage.clock
        pledge = desk.signed_pledge(desk.receivable(12))
        desk.accept(pledge)
        forget_effects(desk)
        assert resume(desk.context) == 0, "not at once"

        for _ in range(6):
            clock.set(clock.now() + timedelta(minutes=6))
            resume(desk.context)
            run_once(desk)
            desk.mine()
            forget_effects(desk, keep="asset_lock")
            desk.work()

        assert desk.pledge(pledge)["missing"] == []


def forget_effects(desk, keep="-"):
    """Let the outbox lose what waits, as if it had been given up."""
    with desk.stage.database.transaction() as session:
        session.execute(
            update(Effect)
            .where(Effect.done_at.is_(None), Effect.kind.not_like(f"{keep}%"))
            .values(done_at=desk.stage.clock.real())
        )


def run_once(desk):
    """Run what waits without what comes of it."""
    for number in desk.waiting():
        bring_about(desk.context, number, HANDLERS)
