from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from scf.capacity.rules import Holding, run_back, run_through

AMOUNTS = st.integers(min_value=1, max_value=10**12)


def holding(number: int, minor: int) -> Holding:
    return Holding(UUID(int=number), f"plg_{number}", UUID(int=900 + number), minor)


@st.composite
def pools(draw):
    """Confirmed, free and holdings as the database keeps them; perhaps with a shortfall."""
    holdings = [holding(n, minor) for n, minor in enumerate(draw(st.lists(AMOUNTS, max_size=5)))]
    used = sum(h.minor for h in holdings)
    confirmed = draw(st.integers(min_value=-100, max_value=used + 10**12))
    return confirmed, max(confirmed - used, 0), holdings


class TestRunThrough:
    def test_takes_the_free_part_first_then_holders_in_order(self):
        parts = run_through(90, confirmed=100, free=30, holdings=[holding(1, 40), holding(2, 30)])

        taken = [(part.minor, part.holding and part.holding.holder) for part in parts]
        assert taken == [(30, None), (40, "plg_1"), (20, "plg_2")]

    def test_leaves_out_what_is_paid_beyond_the_confirmed(self):
        assert sum(p.minor for p in run_through(150, confirmed=100, free=100, holdings=[])) == 100
        assert run_through(150, confirmed=-5, free=0, holdings=[holding(1, 10)]) == []

    @given(pools(), AMOUNTS)
    def test_free_never_falls_below_zero_and_the_shortfall_stays(self, pool, amount):
        confirmed, free, holdings = pool
        used = sum(h.minor for h in holdings)

        parts = run_through(amount, confirmed=confirmed, free=free, holdings=holdings)

        paid = sum(part.minor for part in parts)
        unencumbered = sum(part.minor for part in parts if part.holding is None)
        after, used_after = confirmed - paid, used - (paid - unencumbered)
        assert paid == min(amount, max(confirmed, 0))
        assert unencumbered <= free
        assert all(0 < part.minor <= part.holding.minor for part in parts if part.holding)
        assert max(used_after - after, 0) == max(used - confirmed, 0)
        assert max(after - used_after, 0) == free - unencumbered


class TestRunBack:
    def test_gives_back_to_whom_it_was_taken_from_last(self):
        parts = run_back(60, [holding(1, 40), holding(2, 20)])

        given = [(part.minor, part.holding and part.holding.holder) for part in parts]
        assert given == [(20, "plg_2"), (40, "plg_1")]

    def test_the_rest_is_free(self):
        parts = run_back(90, [holding(1, 40)])
        assert [(part.minor, part.holding and part.holding.holder) for part in parts] == [
            (40, "plg_1"),
            (50, None),
        ]
        assert run_back(0, []) == []

    @given(pools(), AMOUNTS)
    def test_undoes_what_ran_through(self, pool, amount):
        confirmed, free, holdings = pool

        parts = run_through(amount, confirmed=confirmed, free=free, holdings=holdings)
        paid = [holding(n, part.minor) for n, part in enumerate(parts) if part.holding is not None]

        back = run_back(sum(part.minor for part in parts), paid)

        assert sorted(part.minor for part in back) == sorted(part.minor for part in parts)
