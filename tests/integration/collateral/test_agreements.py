"""Agreements: who signs them, what they cover, what is owed, insured, and told to the keeper."""

import pytest

from scf.collateral import releases
from scf.kernel.ids import parse_id
from tests.integration.collateral.test_margin_calls import (
    counts,
    path_of,
    shown,
    tomorrow,
    turn,
)
from tests.support.collateral import (
    debt,
    did,
    money,
    moved,
    pledged,
    proposal,
    signed,
    three,
    watched,
)
from tests.support.problems import refusal

NEXT_DAY = "2025-11-04T01:00:00Z"


class TestAgreements:
    def test_stand_when_three_have_signed(self, stage):
        found = watched(stage)
        told = shown(stage, found, stage.cast.supplier)
        assert told["state"] == "AGREED"
        assert len(told["signed"]) == 3

    def test_watch_only_effective_pledges_of_their_own_debt(self, stage):
        found = watched(stage)
        other = pledged(stage, bytes(32))
        before = counts(stage)
        answer = stage.post(stage.cast.bank, f"{path_of(found)}/pledges", {"pledge": other})
        refusal(answer, 409, "collateral.pledge_unfit", "contract")
        again = stage.post(
            stage.cast.bank, f"{path_of(found)}/pledges", {"pledge": found.pledges[0]}
        )
        refusal(again, 409, "collateral.pledge_unfit", "pledge")
        assert counts(stage) == before

    def test_of_one_debt_are_one(self, stage):
        found = watched(stage)
        body = proposal(stage, found.series, found.contract)
        answer = stage.post(stage.cast.bank, "/v1/control-agreements", body)
        refusal(answer, 409, "collateral.agreement_exists")

    def test_take_over_the_pledges_of_one_that_ended(self, stage):
        """Nothing is held by an agreement that ended; the next one over the same debt guards the same goods."""
        found, bank = watched(stage), stage.cast.bank
        did(stage.post(bank, f"{path_of(found)}/end", {"reason": "改签"}))
        pledge = parse_id("plg", found.pledges[0])
        with stage.database.transaction() as session:
            releases.require(session, pledge, 140_000, stage.clock.now())
        goods = [{"goods": "阴极铜", "series": found.series}]
        body = proposal(stage, found.series, found.contract, goods=goods)
        path = (
            f"/v1/control-agreements/{did(stage.post(bank, '/v1/control-agreements', body))['id']}"
        )
        signed(stage, path, three(stage))

        did(stage.post(bank, f"{path}/pledges", {"pledge": found.pledges[0]}))
        after = did(stage.post(bank, f"{path}/debt", debt("7000000.00")))

        assert after["mark"]["value"] == money("10500000.00")
        with stage.database.transaction() as session:
            with pytest.raises(releases.ReleaseRefused):
                releases.require(session, pledge, 6_667, stage.clock.now())
            session.rollback()
        assert shown(stage, found)["state"] == "ENDED"

    @pytest.mark.parametrize(
        ("said", "code"),
        [
            ({"shares": {"advance_bps": 8000}}, "collateral.terms_meaningless"),
            ({"currency": "USD"}, "collateral.goods_unpriced"),
            ({"floor": {"amount": "1.00", "currency": "USD"}}, "money.currency_mismatch"),
        ],
    )
    def test_that_make_no_sense_are_refused(self, stage, said, code):
        found = watched(stage)
        before = counts(stage)
        body = proposal(stage, found.series, bytes(32), **said)
        refusal(stage.post(stage.cast.bank, "/v1/control-agreements", body), 422, code)
        assert counts(stage) == before

    def test_have_three_parties(self, stage):
        found = watched(stage)
        body = proposal(stage, found.series, bytes(32), supervisor=stage.cast.supplier.id)
        answer = stage.post(stage.cast.bank, "/v1/control-agreements", body)
        refusal(answer, 422, "collateral.parties_wrong")

    def test_tell_the_keeper_who_answers(self, stage):
        found = watched(stage)
        cast = stage.cast
        body = {"keeper": cast.second_supplier.id}
        notice = did(stage.post(cast.bank, f"{path_of(found)}/notices", body))
        path = f"/v1/control-notices/{notice['id']}"
        early = {"signers": cast.second_supplier.signers("acknowledge")}
        refusal(
            stage.post(cast.second_supplier, f"{path}/draft", early),
            409,
            "collateral.state_forbids",
        )
        hands = {
            "notify": cast.supplier,
            "countersign": cast.bank,
            "acknowledge": cast.second_supplier,
        }

        done = signed(stage, path, hands)

        assert done["acknowledged_at"] is not None
        assert notice["content"]["pledges"][0]["quantity"] == {
            "quantity": "140.000",
            "unit": "TNE",
        }
        refusal(stage.get(cast.second_bank, path), 404, "subject.not_found")

    def test_tell_whoever_keeps_the_goods_now(self, stage):
        """40 t have arrived at another warehouse: its keeper is told of those, the first one of the other 100."""
        cast = stage.cast
        found = watched(stage)
        moved(stage, found.pledges[0], 40_000, keeper=cast.anchor, warehouse="珞璜仓(示例)")
        told = {}
        for keeper in (cast.second_supplier, cast.anchor):
            body = {"keeper": keeper.id}
            content = did(stage.post(cast.bank, f"{path_of(found)}/notices", body))["content"]
            told[content["keeper"]] = [one["quantity"]["quantity"] for one in content["pledges"]]
        assert list(told.values()) == [["100.000"], ["40.000"]]
        answer = stage.post(cast.bank, f"{path_of(found)}/notices", {"keeper": cast.second_bank.id})
        refusal(answer, 409, "control_notice.nothing_kept", "keeper")

    def test_insured_for_less_than_the_value_is_a_task(self, stage):
        found = watched(stage)
        tomorrow(stage)
        turn(stage)
        tasks = did(stage.get(stage.cast.bank, "/v1/tasks", subject=found.id))["items"]
        assert [task["kind"] for task in tasks] == ["insurance.renew"]
        policy = {
            "insurer": "渝安财险(示例)",
            "policy": "PZ-1",
            "amount": money("10500000.00"),
            "first_on": "2025-11-01",
            "last_on": "2026-10-31",
        }
        after = did(stage.post(stage.cast.supplier, f"{path_of(found)}/insurances", policy))
        assert after["insured_for"] == money("10500000.00")
        assert after["insured_until"] == "2026-10-31"
        for who in (stage.cast.bank, stage.cast.supplier):
            (task,) = did(stage.get(who, "/v1/tasks", subject=found.id))["items"]
            assert (task["kind"], task["state"]) == ("insurance.renew", "done")

    def test_a_policy_that_ends_within_the_month_leaves_the_task(self, stage):
        found = watched(stage)
        tomorrow(stage)
        turn(stage)
        policy = {
            "insurer": "渝安财险(示例)",
            "policy": "PZ-2",
            "amount": money("10500000.00"),
            "first_on": "2025-11-01",
            "last_on": "2025-11-30",
        }
        did(stage.post(stage.cast.bank, f"{path_of(found)}/insurances", policy))
        (task,) = did(stage.get(stage.cast.bank, "/v1/tasks", subject=found.id))["items"]
        assert task["state"] == "open"
