"""The predicates that rules name: small pure functions over typed facts and parameters, in one table."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from scf.kernel.calendar import CalendarUnpublished, add_months, add_working_days, months_begun
from scf.kernel.money import parse_rate
from scf.rules.verdicts import (
    HOLDS,
    NOT_APPLICABLE,
    Predicate,
    Verdict,
    broken,
    holds_if,
    strained,
)

PUBLIC_BODY: Final = "public_body"
LARGE: Final = "large"
FACTORING: Final = "factoring"
TRANSFERS: Final = frozenset({"assignment", FACTORING})
SMES: Final = frozenset({"medium", "small", "micro"})
SEPARATORS: Final = "：:，,（( "


PREDICATES: Final[dict[str, Predicate]] = {}


def predicate(judge: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """Enter a function into the table under its name."""
    PREDICATES[judge.__name__] = Predicate.of(judge)
    return judge


# Terms of payment


@predicate
def public_body_term(
    *, debtor_size: str, base_on: date, due_on: date, default_days: int, longest_days: int
) -> Verdict:
    """Hold a public body's date to the longest that a contract may say."""
    if debtor_size != PUBLIC_BODY:
        return NOT_APPLICABLE
    latest = base_on + timedelta(days=longest_days)
    days = (due_on - base_on).days
    return holds_if(
        due_on <= latest, days=days, latest_on=latest.isoformat(), default_days=default_days
    )


@predicate
def large_to_sme_term(
    *, debtor_size: str, creditor_size: str, base_on: date, due_on: date, days: int
) -> Verdict:
    """Hold a large enterprise's date to the statutory days; a contract may differ with reason."""
    if debtor_size != LARGE or creditor_size not in SMES:
        return NOT_APPLICABLE
    latest = base_on + timedelta(days=days)
    return holds_if(
        due_on <= latest, agreed_days=(due_on - base_on).days, latest_on=latest.isoformat()
    )


@predicate
def acceptance_in_time(*, acceptance_due_on: date, accepted_on: date | None, on: date) -> Verdict:
    """See whether the buyer let the agreed time of acceptance pass."""
    done = accepted_on or on
    return holds_if(
        done <= acceptance_due_on,
        acceptance_due_on=acceptance_due_on.isoformat(),
        late_days=(done - acceptance_due_on).days,
    )


@predicate
def rate_at_least_lpr(*, agreed_rate: str, lpr: str, daily: str) -> Verdict:
    """Hold an agreed yearly late rate to the one-year LPR; below it the daily rate applies."""
    enough = parse_rate(agreed_rate) >= parse_rate(lpr)
    return holds_if(enough, agreed_rate=agreed_rate, lpr=lpr, daily=daily)


@predicate
def size_declared(*, creditor_size: str | None, debtor_size: str | None) -> Verdict:
    """See whether both sizes are on file: the law's terms depend on them."""
    missing = [
        name for name, size in (("creditor", creditor_size), ("debtor", debtor_size)) if not size
    ]
    return holds_if(not missing, missing=",".join(missing))


@predicate
def paid_by_due(
    *, debtor_size: str, creditor_size: str, due_on: date, paid_on: date, paid_minor: int
) -> Verdict:
    """Find an SME's money that a large enterprise or a public body paid late."""
    if debtor_size not in (LARGE, PUBLIC_BODY) or creditor_size not in SMES:
        return NOT_APPLICABLE
    late_days = (paid_on - due_on).days
    return holds_if(
        late_days <= 0, due_on=due_on.isoformat(), late_days=late_days, paid_minor=paid_minor
    )


# Answers


@predicate
def reason_listed(*, reason: str, accepted: list[str]) -> Verdict:
    """Hold a reason for not confirming to the list; after the listed word anything may follow."""
    known = any(_begins_with(reason, head) for head in accepted)
    return holds_if(known, reason=reason)


@predicate
def reason_free_of(*, reason: str, phrases: list[str]) -> Verdict:
    """Find in a reason what the law does not accept, however it is labelled."""
    found = next((phrase for phrase in phrases if phrase in reason), None)
    return holds_if(found is None, reason=reason, phrase=found)


@predicate
def nothing_imposed(
    *, reason: str, debtor_size: str, creditor_size: str, phrases: list[str], sizes: list[str]
) -> Verdict:
    """Find in a reason what a buyer of such a size may not impose on an SME."""
    if debtor_size not in sizes or creditor_size not in SMES:
        return NOT_APPLICABLE
    return reason_free_of(reason=reason, phrases=phrases)


def _begins_with(reason: str, head: str) -> bool:
    rest = reason.removeprefix(head)
    return rest != reason and (not rest or rest[0] in SEPARATORS)


@predicate
def undisputed_part(*, claimed_minor: int, refused_minor: int) -> Verdict:
    """Find the part of a claim that nobody disputes: it can be confirmed now."""
    left = claimed_minor - refused_minor
    return HOLDS if left <= 0 else strained(undisputed_minor=left)


@predicate
def answered_in_time(*, requested_on: date, answered_on: date, days: int) -> Verdict:
    """Hold an answer to the days from the explicit request."""
    latest = requested_on + timedelta(days=days)
    return holds_if(
        answered_on <= latest,
        latest_on=latest.isoformat(),
        late_days=(answered_on - latest).days,
    )


@predicate
def reminded(*, reminded_days: list[int], reminder_days: list[int]) -> Verdict:
    """See that a debtor was reminded on every day agreed before anybody complains."""
    missing = sorted(set(reminder_days) - set(reminded_days))
    return holds_if(not missing, missing=",".join(map(str, missing)))


# Money, registration, notice


@predicate
def institution_named(*, bank_uscc: str | None, platform_holds_funds: bool) -> Verdict:
    """See that an account is kept by an institution, not by the platform."""
    return holds_if(bool(bank_uscc) and not platform_holds_funds, bank_uscc=bank_uscc)


@predicate
def payer_instructs(*, payer_bank_uscc: str | None, payer_approved: bool) -> Verdict:
    """See that a payment leaves the payer's own bank account, as the payer's people approved it."""
    return holds_if(
        bool(payer_bank_uscc) and payer_approved,
        payer_bank_uscc=payer_bank_uscc,
        payer_approved=payer_approved,
    )


@predicate
def registered_before(*, registered_on: date | None, disbursed_on: date) -> Verdict:
    """See that a registration stands before money moves."""
    in_time = registered_on is not None and registered_on <= disbursed_on
    return holds_if(
        in_time,
        registered_on=registered_on.isoformat() if registered_on else None,
        disbursed_on=disbursed_on.isoformat(),
    )


@predicate
def pledge_registered_before(
    *, security_kind: str | None, registered_on: date | None, disbursed_on: date
) -> Verdict:
    """See that a pledge is registered before money moves; without registration there is none."""
    if security_kind in TRANSFERS:
        return NOT_APPLICABLE
    return registered_before(registered_on=registered_on, disbursed_on=disbursed_on)


@predicate
def registered_for(*, term_months: int, months_min: int, months_max: int) -> Verdict:
    """Hold the months of a registration, or of an extension, to what the register takes."""
    return holds_if(months_min <= term_months <= months_max, term_months=term_months)


@predicate
def extended_before_expiry(*, expires_on: date, extended_on: date, notice_days: int) -> Verdict:
    """See that an extension is made before the registration expires, and not on its last days."""
    left = (expires_on - extended_on).days
    if left < 0:
        return broken(expires_on=expires_on.isoformat(), late_days=-left)
    return HOLDS if left > 0 or notice_days == 0 else strained(expires_on=expires_on.isoformat())


@predicate
def done_in_working_days(*, began_on: date, done_on: date, working_days: int) -> Verdict:
    """Hold an act to so many working days from what asks for it; not judged while these are unpublished."""
    try:
        latest = add_working_days(began_on, working_days)
    except CalendarUnpublished:
        return NOT_APPLICABLE
    return holds_if(done_on <= latest, due_on=latest.isoformat(), done_on=done_on.isoformat())


@predicate
def done_in_months(*, began_on: date, done_on: date, months: int) -> Verdict:
    """Hold an act to so many months from what asks for it."""
    latest = add_months(began_on, months)
    return holds_if(done_on <= latest, due_on=latest.isoformat(), done_on=done_on.isoformat())


@predicate
def done_in_days(*, began_on: date, done_on: date, days: int) -> Verdict:
    """Hold an act to so many days from what asks for it."""
    latest = began_on + timedelta(days=days)
    return holds_if(done_on <= latest, due_on=latest.isoformat(), done_on=done_on.isoformat())


@predicate
def searched_within(*, search_age_hours: int, hours: int) -> Verdict:
    """See that a search of the register is not older than it may be when something is built on it."""
    return holds_if(search_age_hours <= hours, search_age_hours=search_age_hours, hours=hours)


@predicate
def transfer_registered_before(
    *, security_kind: str, registered_on: date | None, disbursed_on: date
) -> Verdict:
    """See that an assignment or factoring is registered before money moves: its rank is by that time."""
    if security_kind not in TRANSFERS:
        return NOT_APPLICABLE
    return registered_before(registered_on=registered_on, disbursed_on=disbursed_on)


@predicate
def transfer_notified(*, security_kind: str, disclosed: bool, debtor_notified: bool) -> Verdict:
    """See that the notice of a disclosed assignment or factoring has reached the debtor."""
    if security_kind not in TRANSFERS or not disclosed:
        return NOT_APPLICABLE
    return holds_if(debtor_notified)


def extension_days_max(
    term_days: int, *, short_days_max: int, medium_days_max: int, long_extension_days: int
) -> int:
    """Return by how many days in all a loan of so many days may be extended."""
    if term_days <= short_days_max:
        return term_days
    return term_days // 2 if term_days <= medium_days_max else long_extension_days


@predicate
def extended_within(
    *,
    term_days: int,
    extended_days: int,
    short_days_max: int,
    medium_days_max: int,
    long_extension_days: int,
) -> Verdict:
    """Hold a loan's extensions together to what its own term allows."""
    most = extension_days_max(
        term_days,
        short_days_max=short_days_max,
        medium_days_max=medium_days_max,
        long_extension_days=long_extension_days,
    )
    figures = {"term_days": term_days, "extended_days": extended_days, "most_days": most}
    return holds_if(extended_days <= most, **figures)


def best_grade(days_overdue: int, *, grades: list[str], from_days: list[int]) -> str:
    """Return the best grade of a loan so long overdue; `from_days` of each grade but the first."""
    return grades[sum(days_overdue >= day for day in from_days)]


@predicate
def graded_within(
    *, grade: str, days_overdue: int, grades: list[str], from_days: list[int]
) -> Verdict:
    """Hold a loan's grade to the best one that its days overdue allow."""
    best = best_grade(days_overdue, grades=grades, from_days=from_days)
    fits = grades.index(grade) >= grades.index(best)
    return holds_if(fits, grade=grade, days_overdue=days_overdue, best=best)


@predicate
def claim_factorable(
    *, security_kind: str, future: bool | None, consignment: bool | None, title_clear: bool | None
) -> Verdict:
    """See that a claim to be factored is there, not of consigned goods, and clearly the seller's.

    What nobody declared does not pass.
    """
    if security_kind != FACTORING:
        return NOT_APPLICABLE
    figures = {"future": future, "consignment": consignment, "title_clear": title_clear}
    return holds_if((future, consignment, title_clear) == (False, False, True), **figures)


@predicate
def clean_search(*, search_clean: bool | None) -> Verdict:
    """See that no earlier registration was found after our own."""
    return holds_if(search_clean is True, search_clean=search_clean)


@predicate
def issuer_in_good_standing(*, issuer_flags: list[str]) -> Verdict:
    """See that an issuer has no unpaid matured vouchers, bond default or overdue bills."""
    return holds_if(not issuer_flags, flags=",".join(issuer_flags))


@predicate
def no_setoff_reserved(*, no_setoff: bool, counterclaims_minor: int | None) -> Verdict:
    """See that the debtor waived set-off and defences; what it listed instead is told."""
    return holds_if(no_setoff, counterclaims_minor=counterclaims_minor)


@predicate
def no_assignment_ban(*, assignment_banned: bool) -> Verdict:
    """See whether the base contract forbids assignment."""
    return holds_if(not assignment_banned)


@predicate
def debtor_notified(*, consents: list[str], debtor_notified: bool) -> Verdict:
    """See that the debtor knows: it consented, or a notice reached it."""
    return holds_if(debtor_notified or "pledge" in consents or "assignment" in consents)


@predicate
def debtor_confirmed(*, confirmed_minor: int, asked_minor: int) -> Verdict:
    """See that the debtor confirmed at least what is lent against."""
    return holds_if(
        confirmed_minor >= asked_minor, confirmed_minor=confirmed_minor, asked_minor=asked_minor
    )


@predicate
def notice_complete(*, shows_identity: bool, attaches_documents: bool) -> Verdict:
    """See that a notice of assignment names the factor and attaches its vouchers."""
    return holds_if(
        shows_identity and attaches_documents,
        shows_identity=shows_identity,
        attaches_documents=attaches_documents,
    )


@predicate
def encumbrancer_agrees(*, encumbered: bool, encumbrancer_agreed: bool) -> Verdict:
    """See that nothing encumbered is made less without whoever holds it."""
    return NOT_APPLICABLE if not encumbered else holds_if(encumbrancer_agreed)


@predicate
def within_limit(*, exposure_minor: int, asked_minor: int, limit_minor: int) -> Verdict:
    """Hold what a bank has lent against a group, and what is asked, to the group's limit."""
    over = exposure_minor + asked_minor - limit_minor
    return holds_if(over <= 0, over_minor=over, limit_minor=limit_minor)


@predicate
def cost_bearer_named(*, financing_cost_bearer: str | None) -> Verdict:
    """See that it is written down who bears the cost of financing."""
    return holds_if(bool(financing_cost_bearer))


@predicate
def free_to_choose(*, funders: int, funders_min: int) -> Verdict:
    """See that a borrower had more than one bank to ask."""
    return holds_if(funders >= funders_min, funders=funders, funders_min=funders_min)


@predicate
def described_by_parts(*, described: list[str], parts: list[str]) -> Verdict:
    """See that a registration says by its parts what was pledged; free text may mean anything."""
    missing = [part for part in parts if part not in described]
    return holds_if(not missing, missing=",".join(missing))


@predicate
def claim_exists(*, delivered_on: date | None, on: date, collect_on: date | None = None) -> Verdict:
    """See whether a claim exists already: something was delivered for it. Goods to be collected are none."""
    if collect_on is not None:
        return NOT_APPLICABLE
    return holds_if(
        delivered_on is not None and delivered_on <= on,
        delivered_on=delivered_on.isoformat() if delivered_on else None,
    )


@predicate
def surplus_as_agreed(*, recourse: bool, surplus_to: str) -> Verdict:
    """See that what is collected above the debt goes back with recourse, and stays without."""
    expected = "creditor" if recourse else "factor"
    return holds_if(surplus_to == expected, surplus_to=surplus_to, expected=expected)


# Vouchers


@predicate
def issuer_is_debtor(*, issuer: str, debtor: str) -> Verdict:
    """See that a voucher is issued by whoever owes the claim behind it."""
    return holds_if(issuer == debtor, issuer=issuer, debtor=debtor)


@predicate
def tenor_within(
    *, issued_on: date, matures_on: date, soft_months: int, hard_months: int
) -> Verdict:
    """Hold a voucher's tenor to the months that are usual, and those that are the most."""
    months = months_begun(issued_on, matures_on)
    if months > hard_months:
        return broken(months=months, hard_months=hard_months)
    if months > soft_months:
        return strained(months=months, soft_months=soft_months)
    return HOLDS


@predicate
def long_tenor_justified(
    *, issued_on: date, matures_on: date, memo: str | None, months_without_memo: int
) -> Verdict:
    """See that a long tenor was examined, in writing, before a bank lends."""
    months = months_begun(issued_on, matures_on)
    return holds_if(
        months <= months_without_memo or bool(memo),
        months=months,
        months_without_memo=months_without_memo,
    )


@predicate
def trade_behind(*, basis: str, delivery_evidence: bool) -> Verdict:
    """See that goods or services stand behind a voucher, and no prepayment."""
    return holds_if(
        basis != "prepayment" and delivery_evidence,
        basis=basis,
        delivery_evidence=delivery_evidence,
    )


@predicate
def split_within(*, depth: int, piece_minor: int, max_depth: int, min_piece_minor: int) -> Verdict:
    """Hold a split to the layers and the smallest piece."""
    return holds_if(
        depth <= max_depth and piece_minor >= min_piece_minor, depth=depth, piece_minor=piece_minor
    )


@predicate
def matures_by_due(*, matures_on: date, due_on: date, creditor_agreed: bool) -> Verdict:
    """See that paying by voucher does not put the debt off without the creditor's signature."""
    return holds_if(
        matures_on <= due_on or creditor_agreed,
        matures_on=matures_on.isoformat(),
        due_on=due_on.isoformat(),
    )
