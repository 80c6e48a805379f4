"""The bank's portfolio: what every agreement comes to now, and under a fall of prices, in one call."""

from dataclasses import replace

import pytest

from scf.kernel.money import Money
from tests.support.collateral import did, money, moved, pledged, watched
from tests.support.problems import refusal


def path_of(found):
    return f"/v1/control-agreements/{found.id}"


class TestPortfolio:
    def shown(self, stage, *falls):
        asked = {"fall": list(falls)} if falls else {}
        found = did(stage.get(stage.cast.second_bank, "/v1/collateral/portfolio", **asked))
        return {one["currency"]: one for one in found}

    def test_under_a_shock_in_one_call_is_what_each_agreement_comes_to(self, stage):
        """G11 beside one with haircuts in two warehouses: exact to the fen, and of this bank alone."""
        cast = replace(stage.cast, bank=stage.cast.second_bank)
        lent = replace(stage, cast=cast)
        watched(lent)
        half = watched(lent, owed="3000000.00", haircuts=(200, 500))
        more = pledged(lent, half.contract, quantity=70_001, warehouse="珞璜仓(示例)")
        did(stage.post(cast.bank, f"{path_of(half)}/pledges", {"pledge": more}))

        found = self.shown(stage)["CNY"]
        first, second, third = 10_500_000_00, 9_775_500_00, 4_887_819_82  # 70.001 t less 2% and 5%
        whole = first + second + third
        assert minors(found["now"]) == (2, whole, 10_000_000_00, 0)
        assert (found["value_at_risk"], found["uncovered"]) == (money("0.00"), money("0.00"))
        assert [
            (one["name"], minor(one["value"]), one["share_bps"]) for one in found["warehouses"]
        ] == [
            ("港桥仓(示例)", first + second, -(-(first + second) * 10_000 // whole)),
            ("珞璜仓(示例)", third, -(-third * 10_000 // whole)),
        ]
        excess = [minor(one["excess"]) for one in (*found["warehouses"], *found["goods"])]
        assert excess == [first + second - whole * 3 // 10, 0, whole - whole // 2]
        assert [one["rule"] for one in found["findings"]] == ["COL-02"]

        shocked = self.shown(stage, "阴极铜:3500")["CNY"]
        fell = [6_825_000_00, 6_354_075_00, 3_177_082_88]  # at 48,750 a ton, each rounded down
        assert minors(shocked["shocked"]) == (2, sum(fell), 10_000_000_00, 10_000_000_00 - fell[0])
        assert shocked["now"] == found["now"]
        assert minor(shocked["value_at_risk"]) == whole - sum(fell)
        assert minor(shocked["uncovered"]) == 7_000_000_00 - fell[0]
        assert shocked["shocked"]["lines"] == {
            "clear": 1,
            "warning": 0,
            "top_up": 0,
            "disposal": 1,
        }
        assert self.shown(stage, "铝锭:9000")["CNY"]["shocked"] == found["now"]
        moved(lent, more, 30_000, keeper=cast.anchor, warehouse="涪陵仓(示例)")
        there = third * 30_000 // 70_001
        spread = self.shown(stage)["CNY"]["warehouses"]
        lies = {one["name"]: minor(one["value"]) for one in spread}
        assert sum(lies.values()) == whole
        assert lies["港桥仓(示例)"] == first + second
        assert lies["涪陵仓(示例)"] - there in (0, 1)
        deeper = self.shown(stage, "阴极铜:100", "阴极铜:3500")["CNY"]
        assert deeper["shocked"] == shocked["shocked"]

    @pytest.mark.parametrize(
        "fall",
        ["阴极铜", "阴极铜:x", ":600", "阴极铜:10001", "阴极铜:-1", "阴极铜:000000999999999999"],
    )
    def test_reads_its_falls(self, stage, fall):
        answer = stage.get(stage.cast.bank, "/v1/collateral/portfolio", fall=fall)
        refusal(answer, 422, "value.invalid", "fall")


def minor(amount):
    return Money.from_json(amount).minor


def minors(total):
    """How many agreements, their value, exposure and shortfall."""
    return total["agreements"], *(minor(total[n]) for n in ("value", "exposure", "shortfall"))
