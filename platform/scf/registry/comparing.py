"""What a certificate says beside what was to be registered: each difference by name, and how much it matters."""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from scf.kernel.calendar import add_months
from scf.kernel.clock import business_date
from scf.registry.certificates import wall_time
from scf.registry.port import Certificate, Enrolled, EntryKind, Filing, SearchResult
from scf.registry.rules import covers


class Weight(StrEnum):
    """What a difference does: with one that STOPS, this entry does not register what was to be registered."""

    STOPS = "stops"
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of the form that says something else."""

    field: str
    label: str
    expected: str
    found: str
    weight: Weight


MISSING: Final = "（未载明）"
UNUSED: Final = "（未用于其他质押）"


def compare(
    filing: Filing, found: Certificate, *, due_on: date, kinds: Sequence[EntryKind]
) -> list[Difference]:
    """Compare a certificate with a filing; `due_on` is the day that it has to reach at least."""
    return list(_differences(filing, found, due_on=due_on, kinds=kinds))


def compare_change(reg_no: str, found: Certificate, *, kind: EntryKind) -> list[Difference]:
    """Compare a later entry's certificate with the registration that it has to be about."""
    pairs = (
        ("kind", "登记种类", kind.value, found.kind.value),
        ("initial_no", "初始登记编号", reg_no, found.initial_no),
    )
    return [
        Difference(field, label, expected, said, Weight.STOPS)
        for field, label, expected, said in pairs
        if expected != said
    ]


def compare_search(
    grantor: Enrolled, found: SearchResult, *, not_before: datetime, not_after: datetime
) -> list[Difference]:
    """Compare a 查询证明 with the search that was wanted: of this grantor, in this time."""
    differences = [
        Difference(field, label, expected, said, weight)
        for (field, label, expected, said), weight in zip(
            _party("grantor", "担保人", grantor, found.grantor),
            (Weight.NOTED, Weight.STOPS),
            strict=True,
        )
        if _plain(expected) != _plain(said)
    ]
    at = found.searched_at
    return differences + _within("searched_at", "查询时间", at, not_before, not_after)


def compare_time(
    found: Certificate, *, not_before: datetime, not_after: datetime
) -> list[Difference]:
    """Compare a certificate's time with the span in which its entry can have been made."""
    return _within("registered_at", "登记时间", found.registered_at, not_before, not_after)


def compare_numbers(found: Certificate, taken: Collection[str]) -> list[Difference]:
    """Hold a certificate's numbers against those that belong to other pledges; an entry is one pledge's."""
    pairs = (
        ("number", "登记证明编号", found.number),
        ("initial_no", "初始登记编号", found.initial_no),
    )
    return [
        Difference(field, label, UNUSED, number, Weight.STOPS)
        for field, label, number in pairs
        if number in taken
    ]


def stops(differences: Sequence[Difference]) -> bool:
    """Say whether one of them matters too much to take the certificate for the filing's."""
    return any(difference.weight is Weight.STOPS for difference in differences)


def _within(
    field: str, label: str, at: datetime, not_before: datetime, not_after: datetime
) -> list[Difference]:
    if not_before <= at <= not_after:
        return []
    span = f"{wall_time(not_before)}—{wall_time(not_after)}"
    return [Difference(field, label, span, wall_time(at), Weight.STOPS)]


def _differences(
    filing: Filing, found: Certificate, *, due_on: date, kinds: Sequence[EntryKind]
) -> Iterator[Difference]:
    if found.kind not in kinds:
        wanted = "、".join(kind.value for kind in kinds)
        yield Difference("kind", "登记种类", wanted, found.kind.value, Weight.STOPS)
    pairs = (
        ("business", "交易业务类型", filing.business.value, found.business.value),
        *_party("secured_party", "担保权人", filing.secured_party, found.secured_party),
        *_party("grantor", "担保人", filing.grantor, found.grantor),
        ("currency", "主合同币种", filing.amount.currency, found.amount.currency),
    )
    for field, label, expected, said in pairs:
        if _plain(expected) != _plain(said):
            yield Difference(field, label, expected, said, Weight.STOPS)
    if filing.amount.minor != found.amount.minor:
        less = found.amount.minor < filing.amount.minor
        weight = Weight.STOPS if less else Weight.NOTED
        yield Difference("amount", "主合同金额", filing.amount.text, found.amount.text, weight)
    yield from _collateral(filing, found)
    yield from _term(filing, found, due_on)


def _collateral(filing: Filing, found: Certificate) -> Iterator[Difference]:
    if _plain(filing.contract_no) != _plain(found.contract_no):
        said = found.contract_no or MISSING
        yield Difference("contract_no", "主合同号码", filing.contract_no, said, Weight.NOTED)
    label, listed = filing.business.items_label, set(map(_plain, found.items))
    for number in filing.items:
        if _plain(number) not in listed and not covers(found.description, [number]):
            yield Difference("items", label, number, MISSING, Weight.STOPS)
    wanted = set(map(_plain, filing.items))
    for number in found.items:
        if _plain(number) not in wanted:
            yield Difference("items", label, MISSING, number, Weight.NOTED)
    if _plain(filing.description) != _plain(found.description):
        yield Difference(
            "description", "担保财产描述", filing.description, found.description, Weight.NOTED
        )


def _term(filing: Filing, found: Certificate, due_on: date) -> Iterator[Difference]:
    expected = add_months(business_date(found.registered_at), filing.term_months)
    if found.kind is EntryKind.INITIAL and found.expires_on != expected:
        short = found.expires_on < due_on
        yield Difference(
            "expires_on",
            "登记到期日",
            expected.isoformat(),
            found.expires_on.isoformat(),
            Weight.STOPS if short else Weight.NOTED,
        )


def _party(
    field: str, label: str, expected: Enrolled, found: Enrolled
) -> tuple[tuple[str, str, str, str], ...]:
    return (
        (f"{field}.name", f"{label}名称", expected.name, found.name),
        (f"{field}.uscc", f"{label}统一社会信用代码", expected.uscc, found.uscc),
    )


def _plain(text: str) -> str:
    """Return a text without what typing and line breaks do to it: widths, spaces, kinds of brackets."""
    return "".join(unicodedata.normalize("NFKC", text).split())
