"""G11 on the real application: marks, calls, both cures, breach, sale, and what may be released."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from scf.audit.finding import Different, Report
from scf.audit.parties import usccs
from scf.audit.subjects import collateral
from scf.collateral import calling, effects, marking, releases
from scf.collateral.models import ControlAgreement, Disposal, MarginCall, Mark, MarkLine
from scf.collateral.valuation import Goods, Line, stand, value_of
from scf.db.outbox import EffectContext
from scf.evidence.models import Event
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from tests.support.collateral import (
    debt,
    did,
    money,
    pledged,
    priced,
    uuid_of,
    watched,
)
from tests.support.prices import entered
from tests.support.problems import refusal

NEXT_DAY = "2025-11-04T01:00:00Z"


def path_of(found):
    return f"/v1/control-agreements/{found.id}"


def shown(stage, found, who=None):
    return did(stage.get(who or stage.cast.bank, path_of(found)))


def call_events(stage, found):
    """What was told of an agreement's calls, in order."""
    with stage.database.reading() as session:
        calls = select(MarginCall.id).where(MarginCall.agreement_id == uuid_of("ctl", found.id))
        told = select(Event.type).where(Event.subject_id.in_(calls)).order_by(Event.seq)
        return [type_.removeprefix("margin_call.") for type_ in session.scalars(told)]


def tomorrow(stage, days=1):
    stage.clock.set(stage.clock.now() + timedelta(days=days))


def turn(stage):
    effects.turn(EffectContext(stage.database, stage.settings, stage.clock))


def counts(stage):
    with stage.database.reading() as session:
        kinds = (Event, Mark, MarginCall)
        return [session.scalar(select(func.count()).select_from(kind)) for kind in kinds]


def a_top_up(stage, **said):
    """G11: copper has fallen to 70,500, and 130,000 in goods or 91,000 in cash is due."""
    found = watched(stage, **said)
    tomorrow(stage)
    return found, priced(stage, found, "70500.00", NEXT_DAY)


class TestG11:
    def test_at_75000_all_is_clear(self, stage):
        mark = shown(stage, watched(stage))["mark"]

        assert mark["value"] == money("10500000.00")
        assert mark["floor"] == money("10000000.00")
        assert mark["warning_below"] == money("10500000.00")
        assert mark["disposal_at"] == money("8750000.00")
        assert (mark["line"], mark["ltv_bps"]) == ("clear", 6667)

    def test_at_70500_a_top_up_is_due_in_three_working_days(self, stage):
        found, after = a_top_up(stage)

        assert after["mark"]["value"] == money("9870000.00")
        assert after["call"]["state"] == "CALLED"
        assert after["call"]["goods_due"] == money("130000.00")
        assert after["call"]["cash_due"] == money("91000.00")
        assert after["call"]["due_on"] == "2025-11-07"
        assert call_events(stage, found) == ["called"]
        tasks = did(stage.get(stage.cast.supplier, "/v1/tasks", subject=after["call"]["id"]))
        assert [task["kind"] for task in tasks["items"]] == ["margin.cure"]

    def test_goods_cure_it(self, stage):
        found, _ = a_top_up(stage)
        more = pledged(stage, found.contract, quantity=1_844)  # 130,002.00 at 70,500

        after = did(stage.post(stage.cast.bank, f"{path_of(found)}/pledges", {"pledge": more}))

        assert after["mark"]["value"] == money("10000002.00")
        assert after["call"]["state"] == "WARNED"
        assert call_events(stage, found) == ["called", "cured", "warned"]

    def test_a_fen_too_little_does_not(self, stage):
        found, _ = a_top_up(stage)
        less = pledged(stage, found.contract, quantity=1_843)  # 129,931.50
        after = did(stage.post(stage.cast.bank, f"{path_of(found)}/pledges", {"pledge": less}))
        assert (after["call"]["state"], after["mark"]["line"]) == ("CALLED", "top_up")

    def test_cash_cures_it(self, stage):
        found, _ = a_top_up(stage)
        paid = debt("6909000.00", as_of_on="2025-11-04", receipt_no="HK-1")

        after = did(stage.post(stage.cast.bank, f"{path_of(found)}/debt", paid))

        assert after["mark"]["floor"] == money("9870000.00")
        assert call_events(stage, found) == ["called", "cured", "warned"]

    @pytest.mark.parametrize(
        ("owed", "rate"), [("10000000000.01", "0"), ("7000000.00", "1.000001")]
    )
    def test_a_debt_beyond_reason_is_refused_and_the_last_stands(self, stage, owed, rate):
        found, after = a_top_up(stage)
        said = debt(owed, as_of_on="2025-11-04", rate=rate)

        refused = stage.post(stage.cast.bank, f"{path_of(found)}/debt", said)

        refusal(refused, 422, "collateral.debt_out_of_range", "principal")
        assert shown(stage, found)["mark"]["exposure"] == after["mark"]["exposure"]

    def test_a_price_beyond_reason_stops_nobody_s_marks(self, stage):
        found, other = watched(stage), watched(stage)
        tomorrow(stage)
        priced(stage, found, "9999999999999.99", "2025-11-04T01:00:00Z")
        turn(stage)
        assert shown(stage, found)["mark"]["value"] == money("10000000000.00")
        assert shown(stage, other)["mark"]["marked_at"].startswith("2025-11-04")

    def test_disposal_comes_at_62500(self, stage):
        found = watched(stage)
        tomorrow(stage)
        assert priced(stage, found, "62500.01", NEXT_DAY)["mark"]["line"] == "top_up"
        later = priced(stage, found, "62500.00", "2025-11-04T02:00:00Z")
        assert later["mark"]["value"] == money("8750000.00")
        assert later["call"]["state"] == "BREACHED"
        assert later["call"]["frozen"] is True

    def test_the_warning_begins_below_its_line(self, stage):
        found = watched(stage)
        tomorrow(stage)
        after = priced(stage, found, "74999.00", NEXT_DAY)
        assert (after["call"]["state"], after["call"]["due_on"]) == ("WARNED", None)
        again = priced(stage, found, "76000.00", "2025-11-04T02:00:00Z")
        assert again["mark"]["value"] == money("10570000.00")  # at the average of two days, 75,500
        assert again["call"] is None
        assert call_events(stage, found) == ["warned", "lifted"]


class TestTheClock:
    def test_marks_once_a_day_and_breaches_after_the_deadline(self, stage):
        found, _ = a_top_up(stage)
        turn(stage)
        turn(stage)
        with stage.database.reading() as session:
            of_day = select(func.count()).where(
                Mark.agreement_id == uuid_of("ctl", found.id),
                Mark.marked_on == stage.clock.today(),
            )
            marked = session.scalar(of_day)
        assert marked == 1  # the one asked for counts as the day's

        tomorrow(stage, days=3)
        turn(stage)
        assert shown(stage, found)["call"]["state"] == "CALLED"
        tomorrow(stage)
        turn(stage)

        assert shown(stage, found)["call"]["state"] == "BREACHED"
        assert call_events(stage, found) == ["called", "breached"]

    def test_an_old_price_costs_five_points_and_releases_nothing(self, stage):
        found = watched(stage)
        tomorrow(stage, days=2)
        turn(stage)
        assert shown(stage, found)["mark"]["stale"] is False
        tomorrow(stage)
        turn(stage)

        after = shown(stage, found)
        assert after["mark"]["value"] == money("9975000.00")  # 5% of 10,500,000 less
        assert (after["mark"]["stale"], after["mark"]["line"]) == (True, "top_up")
        check = did(
            stage.get(stage.cast.bank, f"{path_of(found)}/release-check", pledge=found.pledges[0])
        )
        assert (check["allowed"], check["reason"]) == (False, "stale")

    def test_goes_on_past_a_deadline_that_cannot_be_counted(self, stage):
        """A year of working days runs into one whose holidays are not published; the next agreement is called."""
        first, second = watched(stage, days={"cure_days": 365}), watched(stage)
        tomorrow(stage)
        for found in (first, second):
            entered(stage, stage.cast.bank, found.series, "70500.00", at=NEXT_DAY)
        turn(stage)

        assert call_events(stage, first) == []
        assert call_events(stage, second) == ["called"]
        assert shown(stage, first)["mark"]["line"] == "top_up"
        assert did(stage.post(stage.cast.bank, f"{path_of(first)}/end", {"reason": "x"}))

    def test_calls_nothing_of_an_agreement_that_ended_beside_it(self, stage, monkeypatch):
        found = watched(stage)
        tomorrow(stage)
        entered(stage, stage.cast.bank, found.series, "70500.00", at=NEXT_DAY)
        asked = calling.due

        def ended_beside(session, **said):
            due = asked(session, **said)
            assert uuid_of("ctl", found.id) in due
            did(stage.post(stage.cast.bank, f"{path_of(found)}/end", {"reason": "已清偿"}))
            return due

        monkeypatch.setattr(calling, "due", ended_beside)
        turn(stage)
        assert call_events(stage, found) == []
        assert shown(stage, found)["call"] is None

    def test_what_is_told_is_in_the_feeds_of_three(self, stage):
        _, after = a_top_up(stage)
        with stage.database.reading() as session:
            event = session.scalars(
                select(Event).where(Event.subject_id == uuid_of("mgc", after["call"]["id"]))
            ).one()
        cast = stage.cast
        three = {cast.supplier.party_id, cast.bank.party_id, cast.anchor.party_id}
        assert set(event.parties) == three


class TestMarks:
    @pytest.mark.parametrize("seed", range(6))
    def test_in_the_database_and_in_python_are_one_to_the_fen(self, stage, seed):
        """Odd quantities, prices, haircuts, missing goods and a running interest: both ways the same."""
        odd = [7, 11, 13, 17, 19, 23][seed]
        found = _odd(stage, odd)
        with stage.database.reading() as session:
            agreement = session.get_one(ControlAgreement, uuid_of("ctl", found.id))
            mark = session.get_one(Mark, agreement.mark_id)
            lines = session.scalars(select(MarkLine).where(MarkLine.mark_id == mark.id)).all()
        values = [
            value_of(
                Goods(
                    line.quantity_minor,
                    1_000,
                    Money(line.spot_minor),
                    Money(line.average_minor),
                    None,
                    odd * 7,
                    odd * 31,
                ),
                stale_bps=500 if line.stale else 0,
            )
            for line in lines
        ]
        owed = Decimal(6_123_456_78 + odd) * Decimal("0.0397") * 5 / 360
        exposure = Money(6_123_456_78 + odd + int(owed) + (owed != int(owed)))
        standing = stand(sum(values[1:], values[0]), exposure, agreement.terms)

        assert len(lines) == 2
        assert mark.value_minor == standing.value.minor
        assert mark.exposure_minor == exposure.minor
        assert mark.floor_minor == standing.floor.minor
        assert mark.warning_minor == standing.warning_below.minor
        assert mark.disposal_minor == standing.disposal_at.minor
        assert mark.goods_due_minor == standing.goods_due.minor
        assert mark.cash_due_minor == standing.cash_due.minor
        assert mark.line is standing.line

    def test_are_never_rewritten(self, stage):
        watched(stage)
        with pytest.raises(DBAPIError, match="append-only"), stage.database.transaction() as s:
            s.execute(text("UPDATE marks SET value_minor = 0"))

    def test_count_only_what_is_there(self, stage):
        """A quarter of the goods is missing: what is pledged counts for what is left of it."""
        found = watched(stage)
        with stage.database.transaction() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(
                text(
                    "UPDATE pools SET confirmed_minor = 105000"
                    " WHERE id = (SELECT pool_id FROM pledges WHERE id = :id)"
                ),
                {"id": parse_id("plg", found.pledges[0])},
            )
        after = did(stage.post(stage.cast.bank, f"{path_of(found)}/mark", {}))
        assert after["mark"]["value"] == money("7875000.00")
        assert after["mark"]["line"] == Line.DISPOSAL


def _odd(stage, odd):
    found = watched(stage, owed="0.00", haircuts=(odd * 7, odd * 31))
    bank = stage.cast.bank
    more = pledged(stage, found.contract, quantity=odd * 1_001)
    did(stage.post(bank, f"{path_of(found)}/pledges", {"pledge": more}))
    said = debt(Money(6_123_456_78 + odd).text, rate="0.0397")
    did(stage.post(bank, f"{path_of(found)}/debt", said))
    tomorrow(stage, days=5)
    priced(stage, found, f"{70_000 + odd}.{odd}".ljust(8, "0"), "2025-11-05T01:00:00Z")
    return found


class TestSelling:
    def breached(self, stage, **said):
        found = watched(stage, **said)
        tomorrow(stage)
        return found, priced(stage, found, "62000.00", NEXT_DAY)["call"]["id"]

    def noticed(self, stage, **said):
        found, call = self.breached(stage, **said)
        bank, path = stage.cast.bank, f"/v1/margin-calls/{call}"
        body = {"reason": "逾期未补足", "signers": bank.signers("dispose")}
        draft = did(stage.post(bank, f"{path}/disposal-draft", body))
        signed_by = {"authorizations": bank.sign_all(draft)}
        return found, path, did(stage.post(bank, f"{path}/disposal-notice", signed_by))

    def sale(self, **said):
        return {
            "sold_on": "2025-11-14",
            "buyer": "渝北金属(示例)",
            "manner": "sale",
            "evidence": "当日现货报价单",
            "proceeds": money("8680000.00"),
        } | said

    def test_waits_for_the_days_of_the_notice(self, stage):
        found, path, after = self.noticed(stage)
        assert (after["state"], after["sale_from_on"]) == ("NOTICED", "2025-11-14")
        before = counts(stage)
        early = stage.post(stage.cast.bank, f"{path}/sale", self.sale(sold_on="2025-11-04"))
        refusal(early, 409, "disposal.too_early")
        assert counts(stage) == before
        assert call_events(stage, found) == ["breached", "noticed"]

    @pytest.mark.parametrize(("haircuts", "before"), [((0, 0), []), ((200, 500), ["called"])])
    def test_is_at_the_market_and_gives_the_surplus_back(self, stage, haircuts, before):
        """The market is 140 t at the spot price of 62,000, whatever is taken off to lend on them."""
        found, path, _ = self.noticed(stage, haircuts=haircuts)
        tomorrow(stage, days=10)
        bank = stage.cast.bank
        low = stage.post(bank, f"{path}/sale", self.sale(proceeds=money("8000000.00")))
        problem = refusal(low, 422, "disposal.below_market")
        assert problem["fields"]["least"] == money("8246000.00")  # 95% of 8,680,000

        sold = did(stage.post(bank, f"{path}/sale", self.sale()))
        assert sold["state"] == "SOLD"
        with stage.database.reading() as session:
            sale = session.get_one(Disposal, uuid_of("mgc", sold["id"]))
            assert (sale.market_minor, sale.surplus_minor) == (8_680_000_00, 1_680_000_00)
        none = stage.post(bank, f"{path}/settle", {"returned_on": "2025-11-14"})
        refusal(none, 422, "disposal.surplus_receipt")
        body = {"returned_on": "2025-11-14", "receipt_no": "TK-1"}
        done = did(stage.post(bank, f"{path}/settle", body))

        assert done["state"] == "SETTLED"
        assert call_events(stage, found) == [*before, "breached", "noticed", "sold", "settled"]

    def test_needs_a_breach_and_the_bank(self, stage):
        found, after = a_top_up(stage)
        path = f"/v1/margin-calls/{after['call']['id']}"
        body = {"reason": "x", "signers": stage.cast.bank.signers("dispose")}
        refusal(
            stage.post(stage.cast.bank, f"{path}/disposal-draft", body),
            409,
            "collateral.state_forbids",
        )
        mine = stage.post(stage.cast.supplier, f"{path}/disposal-draft", body)
        refusal(mine, 403, "collateral.action_not_allowed")
        other = stage.post(stage.cast.second_bank, f"{path}/disposal-draft", body)
        refusal(other, 404, "subject.not_found")
        assert call_events(stage, found) == ["called"]

    def test_an_agreement_does_not_end_in_a_sale(self, stage):
        found, _, _ = self.noticed(stage)
        answer = stage.post(stage.cast.bank, f"{path_of(found)}/end", {"reason": "x"})
        refusal(answer, 409, "collateral.call_under_way")
        other = watched(stage)
        ended = did(stage.post(stage.cast.bank, f"{path_of(other)}/end", {"reason": "已清偿"}))
        assert ended["state"] == "ENDED"

    @pytest.mark.parametrize(
        ("price", "stages", "who", "kind"),
        [
            ("70500.00", ["called", "lapsed"], "supplier", "margin.cure"),
            ("62000.00", ["breached", "lapsed"], "bank", "margin.dispose"),
        ],
    )
    def test_the_end_of_an_agreement_ends_its_call_and_what_was_to_do(
        self, stage, price, stages, who, kind
    ):
        bank, company = stage.cast.bank, getattr(stage.cast, who)
        found = watched(stage)
        tomorrow(stage)
        turn(stage)
        call = priced(stage, found, price, NEXT_DAY)["call"]["id"]

        ended = did(stage.post(bank, f"{path_of(found)}/end", {"reason": "已清偿"}))

        assert (ended["state"], ended["call"]) == ("ENDED", None)
        assert call_events(stage, found) == stages
        for subject, told in ((call, kind), (found.id, "insurance.renew")):
            (task,) = did(stage.get(company, "/v1/tasks", subject=subject))["items"]
            assert (task["kind"], task["state"]) == (told, "void")
        before = counts(stage)
        body = {"reason": "x", "signers": bank.signers("dispose")}
        draft = stage.post(bank, f"/v1/margin-calls/{call}/disposal-draft", body)
        refusal(draft, 409, "collateral.state_forbids")
        assert counts(stage) == before


class TestReleases:
    def check(self, stage, found, kilograms=None):
        asked = {"pledge": found.pledges[0]}
        if kilograms is not None:
            asked["quantity_minor"] = kilograms
        return did(stage.get(stage.cast.bank, f"{path_of(found)}/release-check", **asked))

    def test_go_to_the_floor_and_no_further(self, stage):
        found = watched(stage)
        assert self.check(stage, found, 6_666) == {
            "allowed": True,
            "reason": None,
            "value_after": money("10000050.00"),
            "floor": money("10000000.00"),
        }
        assert self.check(stage, found, 6_667)["reason"] == "below_floor"
        pledge = parse_id("plg", found.pledges[0])
        with stage.database.transaction() as session:
            with pytest.raises(releases.ReleaseRefused) as refused:
                releases.require(session, pledge, 6_667, stage.clock.now())
            session.rollback()
        assert refused.value.fields["value_after"] == Money.parse("9999975.00")

    def test_stop_at_a_breach(self, stage):
        found = watched(stage)
        tomorrow(stage)
        priced(stage, found, "62000.00", NEXT_DAY)
        assert self.check(stage, found, 1)["reason"] == "frozen"

    def test_let_a_static_pledge_go_when_it_was_replaced(self, stage):
        found = watched(stage, owed="3000000.00", kind="static")
        assert self.check(stage, found, 1)["reason"] == "not_replaced"
        new = pledged(stage, found.contract)
        body = {"pledge": new, "replaces": found.pledges[0]}
        did(stage.post(stage.cast.bank, f"{path_of(found)}/pledges", body))
        assert self.check(stage, found)["allowed"] is True

    def test_let_everything_go_when_nothing_is_owed(self, stage):
        found = watched(stage, owed="0.00")
        assert self.check(stage, found)["allowed"] is True


class TestAge:
    def test_counts_trading_days_and_no_made_up_saturdays(self):
        assert marking.is_trading_day(date(2025, 11, 3))
        assert not marking.is_trading_day(date(2025, 10, 11))  # worked, not traded
        assert not marking.is_trading_day(date(2025, 10, 8))


def test_an_audit_derives_every_mark_and_call_again(stage):
    """Agreements, marks and calls of this whole file fit; a fen more in a mark, or a day in a call, is found."""
    with stage.database.reading() as session:
        collateral.check(session, usccs(session, Report()), Report())
    for change in (
        "UPDATE mark_lines SET value_minor = value_minor + 1",
        "UPDATE marks SET cash_due_minor = cash_due_minor + 1",
        "UPDATE margin_calls SET due_on = due_on + 1 WHERE due_on IS NOT NULL",
        "UPDATE control_debts SET rate = '0.09'",
        "UPDATE controlled_pledges SET pledged_minor = pledged_minor + 1",
        "UPDATE disposals SET evidence = 'x'",
    ):
        with stage.database.transaction() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(text(change))
            with pytest.raises(Different):
                collateral.check(session, usccs(session, Report()), Report())
            session.rollback()
