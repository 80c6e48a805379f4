"""Who is paid first: golden example G10, every level of both orders, and properties over any claims."""

from datetime import UTC, datetime
from fractions import Fraction
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.clock import SHANGHAI
from scf.kernel.errors import Invalid
from scf.kernel.money import CurrencyMismatch, Money
from scf.pledges import priority
from scf.pledges.priority import KINDS, Asset, Claim, ClaimKind


def at(day, hour=9):
    return datetime(2026, 3, day, hour, tzinfo=SHANGHAI)


def claim(ref, kind=ClaimKind.FACTORING, amount=100, **times):
    return Claim(ref, kind, Money(amount), **times)


def refs(ranked):
    return [one.claim.ref for one in ranked]


def ranks(ranked):
    return {one.claim.ref: one.rank for one in ranked}


def gets(split):
    return {part.ref: part.gets.minor for part in split.parts}


class TestReceivable:
    def test_golden_g10(self):
        a = claim("A", registered_at=at(2, 10))
        b = claim("B", ClaimKind.PLEDGE, registered_at=at(1, 9))
        c = claim("C", notified_at=datetime(2026, 2, 20, tzinfo=SHANGHAI))

        ranked = priority.order(Asset.RECEIVABLE, [a, b, c])

        assert refs(ranked) == ["B", "A", "C"]
        assert [one.rank for one in ranked] == [1, 2, 3]
        assert "已登记" in ranked[0].reason
        assert "通知" in ranked[2].reason
        assert all("第七百六十八条" in one.article for one in ranked)

    def test_without_registration_and_notice_pro_rata(self):
        first, second = claim("a", amount=200), claim("b", amount=100)
        ranked = priority.order(Asset.RECEIVABLE, [first, second])

        assert ranks(ranked) == {"a": 1, "b": 1}
        split = priority.recover(ranked, Money(100))
        assert gets(split) == {
            "a": 67,
            "b": 33,
        }  # 66.67 and 33.33: the larger remainder takes the fen
        assert split.surplus == Money(0)

    def test_two_notices_of_one_instant_share(self):
        both = [claim(ref, notified_at=at(3)) for ref in "ab"]
        split = priority.recover(priority.order(Asset.RECEIVABLE, both), Money(101))

        assert gets(split) == {"a": 51, "b": 50}

    def test_a_pledge_that_is_not_registered_takes_no_part(self):
        pledge = claim("p", ClaimKind.PLEDGE, notified_at=at(1))
        ranked = priority.order(Asset.RECEIVABLE, [pledge, claim("z")])

        assert refs(ranked) == ["z", "p"]
        assert not ranked[1].secured
        assert "第四百四十五条" in ranked[1].article
        split = priority.recover(ranked, Money(250))
        assert gets(split) == {"z": 100, "p": 0}
        assert split.surplus == Money(150)


class TestGoods:
    def test_lien_purchase_money_then_time_of_publicity(self):
        claims = [
            claim("mortgage", ClaimKind.MORTGAGE, registered_at=at(1)),
            claim("pledge", ClaimKind.PLEDGE, delivered_at=at(2)),
            claim("control", ClaimKind.PLEDGE, control_at=at(3)),
            claim("receipt", ClaimKind.RECEIPT_PLEDGE, registered_at=at(4), delivered_at=at(6)),
            claim(
                "price", ClaimKind.MORTGAGE, registered_at=at(18), purchase_money_of=at(8, hour=23)
            ),
            claim("keeper", ClaimKind.LIEN),
            claim("silent", ClaimKind.MORTGAGE),
            claim("promised", ClaimKind.PLEDGE),
        ]
        ranked = priority.order(Asset.GOODS, claims)

        assert refs(ranked) == [
            *("keeper", "price", "mortgage", "pledge", "control", "receipt"),
            *("silent", "promised"),
        ]
        assert [one.secured for one in ranked] == [True] * 7 + [False]
        by_ref = {one.claim.ref: one.article for one in ranked}
        assert "第四百五十六条" in by_ref["keeper"]
        assert "第四百一十六条" in by_ref["price"]
        assert "第四百一十五条" in by_ref["pledge"]
        assert "第五十五条" in by_ref["control"]

    @pytest.mark.parametrize(
        ("registered", "first"),
        [
            (datetime(2026, 3, 18, 23, 59, tzinfo=SHANGHAI), "price"),  # the tenth day
            (datetime(2026, 3, 19, 0, 0, tzinfo=SHANGHAI), "bank"),  # the eleventh
        ],
    )
    def test_purchase_money_has_ten_days(self, registered, first):
        price = claim(
            "price", ClaimKind.MORTGAGE, registered_at=registered, purchase_money_of=at(8)
        )
        bank = claim("bank", ClaimKind.MORTGAGE, registered_at=at(1))

        assert refs(priority.order(Asset.GOODS, [bank, price]))[0] == first

    def test_a_registration_of_a_pledge_is_no_delivery(self):
        pledge = claim("p", ClaimKind.PLEDGE, registered_at=at(1))

        (only,) = priority.order(Asset.GOODS, [pledge])
        assert not only.secured


class TestRefused:
    @pytest.mark.parametrize(
        ("asset", "claims", "field"),
        [
            (Asset.RECEIVABLE, [claim("a", amount=0)], "amount"),
            (Asset.RECEIVABLE, [claim("a", ClaimKind.LIEN)], "kind"),
            (Asset.GOODS, [claim("a", ClaimKind.FACTORING)], "kind"),
            (Asset.RECEIVABLE, [claim("a"), claim("a", amount=7)], "ref"),
        ],
    )
    def test_what_cannot_be_ranked(self, asset, claims, field):
        with pytest.raises(priority.ClaimsInvalid) as refused:
            priority.order(asset, claims)
        assert isinstance(refused.value, Invalid)
        assert refused.value.field == field

    def test_one_currency(self):
        ranked = priority.order(Asset.RECEIVABLE, [claim("a")])
        with pytest.raises(CurrencyMismatch):
            priority.recover(ranked, Money(1, "USD"))


TIMES = st.none() | st.integers(0, 6).map(lambda day: datetime(2026, 3, 1 + day, tzinfo=UTC))


@st.composite
def cases(draw):
    asset = draw(st.sampled_from(Asset))
    kinds = st.sampled_from(sorted(KINDS[asset]))
    names = draw(st.lists(st.text("abcdefgh", min_size=1, max_size=3), max_size=8, unique=True))
    found = [
        Claim(
            name,
            draw(kinds),
            Money(draw(st.integers(1, 10**12))),
            **{
                when: draw(TIMES)
                for when in ("registered_at", "notified_at", "delivered_at", "control_at")
            },
            purchase_money_of=draw(TIMES),
        )
        for name in names
    ]
    return asset, found


class TestProperties:
    @given(cases(), st.randoms())
    def test_a_total_order_however_the_claims_are_handed_in(self, case, random):
        asset, claims = case
        ranked = priority.order(asset, claims)
        shuffled = random.sample(claims, len(claims))

        assert priority.order(asset, shuffled) == ranked
        assert sorted(refs(ranked)) == sorted(one.ref for one in claims)
        numbers = [one.rank for one in ranked]
        assert all(after - before in (0, 1) for before, after in pairwise([0, *numbers]))

    @given(cases(), st.integers(0, 7))
    def test_stable_whoever_else_is_there(self, case, number):
        asset, claims = case
        kept = [one for place, one in enumerate(claims) if place != number]
        before = priority.order(asset, claims)
        after = priority.order(asset, kept)

        left = {one.ref for one in kept}
        assert [one for one in refs(before) if one in left] == refs(after)
        together, apart = ranks(before), ranks(after)
        for one, two in pairwise(refs(after)):
            assert (together[one] == together[two]) == (apart[one] == apart[two])

    @given(cases())
    def test_it_explains_itself(self, case):
        asset, claims = case
        for level, members in groupby(priority.order(asset, claims), key=lambda one: one.rank):
            equals = list(members)
            assert level >= 1
            assert "条" in equals[0].article
            assert equals[0].reason
            assert equals[0].reason_en
            said = {(one.article, one.reason, one.since, one.secured) for one in equals}
            assert len(said) == 1, "equal claims have one reason"

    @given(cases(), st.integers(0, 10**13))
    def test_every_fen_goes_somewhere_and_none_twice(self, case, minor):
        asset, claims = case
        split = priority.recover(priority.order(asset, claims), Money(minor))

        assert sum(part.gets.minor for part in split.parts) + split.surplus.minor == minor
        amounts = {one.ref: one.amount for one in claims}
        for part in split.parts:
            assert 0 <= part.gets.minor <= amounts[part.ref].minor
            assert part.gets + part.lacks == amounts[part.ref]

    @given(cases(), st.integers(0, 10**13))
    def test_nobody_lower_is_paid_before_a_higher_one_is_whole(self, case, minor):
        asset, claims = case
        ranked = priority.order(asset, claims)
        split = priority.recover(ranked, Money(minor))

        rights = {one.claim.ref: one.secured for one in ranked}
        short = [part.rank for part in split.parts if part.lacks.minor and rights[part.ref]]
        for part in split.parts:
            if short and part.rank > min(short):
                assert part.gets.minor == 0
        if any(rights[part.ref] and part.lacks.minor for part in split.parts):
            assert split.surplus.minor == 0

    @given(cases(), st.integers(1, 10**12), st.integers(0, 10**13))
    def test_a_keeper_is_whole_before_anybody_else_gets_a_fen(self, case, fee, minor):
        """Storage owed comes first whatever else is there, and takes no more than is owed (留置权)."""
        _, claims = case
        goods = [one for one in claims if one.kind in KINDS[Asset.GOODS] - {ClaimKind.LIEN}]
        keeper = claim("~keeper", ClaimKind.LIEN, amount=fee)
        ranked = priority.order(Asset.GOODS, [*goods, keeper])
        found = gets(priority.recover(ranked, Money(minor)))

        assert ranks(ranked)["~keeper"] == 1
        assert [one.rank for one in ranked].count(1) == 1
        assert found["~keeper"] == min(fee, minor)
        assert sum(found.values()) <= minor
        assert found["~keeper"] == fee or sum(found.values()) == found["~keeper"]

    @given(cases(), st.integers(0, 10**13))
    def test_equal_claims_get_their_share_to_the_fen(self, case, minor):
        asset, claims = case
        amounts = {one.ref: one.amount.minor for one in claims}
        split = priority.recover(priority.order(asset, claims), Money(minor))
        for _, members in groupby(split.parts, key=lambda part: part.rank):
            equals = list(members)
            whole = sum(amounts[part.ref] for part in equals)
            given_out = sum(part.gets.minor for part in equals)
            for part in equals:
                exact = Fraction(given_out * amounts[part.ref], whole)
                assert abs(part.gets.minor - exact) < 1
