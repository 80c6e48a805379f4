"""Exposure by a logistics firm's role, to the fen."""

from uuid import UUID

import pytest

from scf.collateral.logistics import Deal, Exposure, Part, exposures
from scf.kernel.money import Money
from scf.transit.rules import Role, RoleKind

FIRM, OTHER, BANK, SECOND = (UUID(int=n) for n in range(1, 5))
RED, BLUE = UUID(int=11), UUID(int=12)


def role(kind: RoleKind, amount: str | None = None) -> Role:
    return Role(kind, Money.parse(amount) if amount else None, "0.01")


def deal(bank: UUID, outstanding: str, *receipts: UUID) -> Deal:
    return Deal(bank, Money.parse(outstanding), frozenset(receipts))


def shown(found: list[Exposure]) -> list[tuple[UUID, UUID, str, int, str, str]]:
    return [
        (one.firm, one.bank, one.kind.value, one.deals, one.outstanding.text, one.exposure.text)
        for one in found
    ]


@pytest.mark.parametrize(
    ("kind", "amount", "exposure"),
    [
        (RoleKind.BROKER, None, "0.00"),
        (RoleKind.GUARANTOR, "2000000.00", "2000000.00"),
        (RoleKind.GUARANTOR, "9000000.00", "7000000.00"),  # never more than is owed
        (RoleKind.PRINCIPAL, "9000000.00", "9000000.00"),  # what it lent itself
    ],
)
def test_each_role_by_itself(kind, amount, exposure):
    found = exposures([Part(FIRM, RED, role(kind, amount))], [deal(BANK, "7000000.00", RED)])

    assert shown(found) == [(FIRM, BANK, kind.value, 1, "7000000.00", exposure)]


def test_guarantees_over_two_receipts_of_one_debt_add_up_to_no_more_than_it():
    parts = [Part(FIRM, one, role(RoleKind.GUARANTOR, "4000000.00")) for one in (RED, BLUE)]

    found = exposures(parts, [deal(BANK, "7000000.00", RED, BLUE)])

    assert shown(found) == [(FIRM, BANK, "guarantor", 1, "7000000.00", "7000000.00")]


def test_an_amount_over_goods_that_secure_two_debts_is_shared_to_the_fen():
    parts = [Part(FIRM, RED, role(RoleKind.GUARANTOR, "1000000.00"))]
    deals = [deal(BANK, "2000000.00", RED), deal(SECOND, "1000000.00", RED)]

    assert shown(exposures(parts, deals)) == [
        (FIRM, BANK, "guarantor", 1, "2000000.00", "666666.67"),
        (FIRM, SECOND, "guarantor", 1, "1000000.00", "333333.33"),
    ]


def test_debts_to_one_bank_are_summed_and_firms_and_roles_kept_apart():
    parts = [
        Part(FIRM, RED, role(RoleKind.GUARANTOR, "500000.00")),
        Part(FIRM, BLUE, role(RoleKind.GUARANTOR, "300000.00")),
        Part(OTHER, BLUE, role(RoleKind.PRINCIPAL, "100000.00")),
    ]
    deals = [deal(BANK, "400000.00", RED), deal(BANK, "1000000.00", BLUE)]

    assert shown(exposures(parts, deals)) == [
        (FIRM, BANK, "guarantor", 2, "1400000.00", "700000.00"),
        (OTHER, BANK, "principal", 1, "1000000.00", "100000.00"),
    ]


def test_a_debt_that_is_paid_exposes_a_guarantor_to_nothing():
    parts = [Part(FIRM, RED, role(RoleKind.GUARANTOR, "500000.00"))]

    assert shown(exposures(parts, [deal(BANK, "0.00", RED)])) == [
        (FIRM, BANK, "guarantor", 1, "0.00", "0.00")
    ]


def test_goods_that_secure_nothing_expose_to_nobody():
    assert exposures([Part(FIRM, RED, role(RoleKind.PRINCIPAL, "1.00"))], []) == []
