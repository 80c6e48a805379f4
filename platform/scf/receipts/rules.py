"""Pure rules of receipts: how a loss is shared, what each kind of title is handed over against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from scf.receipts.models import RestraintKind, State, TitleKind

EXPIRING: Final = timedelta(days=30)
"""So long before its period of storage ends, holder and pledgees of a receipt are told."""


@dataclass(frozen=True, slots=True)
class TitleRule:
    """Who hands goods over by a kind of title, against what, and by which law it is one.

    `contractual` where no statute makes it a title: it binds whoever agreed to it, as a pilot.
    """

    name: str
    bailee: str
    surrender: str
    source: str
    contractual: bool


TITLES: Final[Mapping[TitleKind, TitleRule]] = MappingProxyType(
    {
        TitleKind.WAREHOUSE_RECEIPT: TitleRule(
            "仓单", "保管人", "凭仓单", "民法典第九百一十条", contractual=False
        ),
        TitleKind.RAIL_BILL: TitleRule(
            "铁路运单", "承运人", "凭运单正本，铁路运单物权化试点", "试点协议", contractual=True
        ),
        TitleKind.MULTIMODAL: TitleRule(
            "多式联运单证",
            "多式联运经营人",
            "凭单证正本，一单制",
            "民法典第八百四十条",
            contractual=False,
        ),
        TitleKind.ROAD: TitleRule(
            "公路运输提单", "承运人", "凭提单正本，试点", "试点协议", contractual=True
        ),
        TitleKind.RIVER: TitleRule(
            "内河航运提单", "承运人", "凭提单正本，试点", "试点协议", contractual=True
        ),
        TitleKind.EXCHANGE_RECEIPT: TitleRule(
            "标准仓单", "交割仓库", "经交易所注销后提货", "期货和衍生品法", contractual=False
        ),
    }
)
"""Kind of title -> its rule; each has exactly one holder."""


def spread(minor: int, shares: Sequence[int]) -> list[int]:
    """Share out an amount pro rata by largest remainder; ties go to whoever stands first.

    Never more to one than its share, so never more in all than the shares come to.
    """
    total = sum(shares)
    if minor >= total:
        return list(shares)
    parts = [minor * share // total for share in shares]
    order = sorted(range(len(shares)), key=lambda n: (-(minor * shares[n] % total), n))
    for n in order[: minor - sum(parts)]:
        parts[n] += 1
    return parts


def beyond_standard(lost: int, stored: int, standard: str) -> bool:
    """Say whether more is lost of what was stored than the loss standard (损耗标准, a share) lets pass."""
    return lost > stored * Decimal(standard)


def standing(kinds: Sequence[RestraintKind], stored_until: date, today: date) -> State:
    """Return where a receipt stands that has not ended: disputed before frozen before expired."""
    if RestraintKind.DISPUTE in kinds:
        return State.DISPUTED
    if kinds:
        return State.FROZEN
    return State.EXPIRED if stored_until < today else State.ACTIVE
