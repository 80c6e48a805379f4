"""What a bank looked at before it decided: searches held to their certificates, ranks worked out again."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import History, rows
from scf.financing.models import RankStep
from scf.financing.ranking import read_claim
from scf.pledges import priority
from scf.pledges.priority import Asset
from scf.registry.certificates import read_search

DECIDED = {RankStep.OFFER: "financing.approved", RankStep.DISBURSEMENT: "financing.disbursed"}
"""Which event a rank was kept with."""


def searches(
    session: Session, codes: Mapping[UUID, str], report: Report
) -> Mapping[UUID, Sequence[Mapping[str, Any]]]:
    """Return searches by what they were made for, each held to its certificate. Raises Different."""
    borrowers = {row["id"]: codes.get(row["borrower_id"]) for row in rows(session, "financings")}
    found: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows(session, "pledge_searches", "pledge_id", "id"):
        found[row["pledge_id"]].append({**row})
    for row in rows(session, "financing_searches", "financing_id", "id"):
        report.rows["financing_searches"] += 1
        with readable("financing_searches", row["cert_no"], "certificate"):
            said = read_search(json.loads(row["certificate"]))
        expected = {
            "cert_no": said.cert_no,
            "searched_at": said.searched_at,
            "results_hash": said.results_hash,
            "certificate": said.certificate,
        }
        expect_row("financing_searches", row["cert_no"], row, expected)
        borrower = borrowers.get(row["financing_id"])
        expect("financing_searches", row["cert_no"], "financing_id", borrower, said.grantor.uscc)
        found[row["financing_id"]].append({**row})
    return found


def kept(session: Session, report: Report) -> Mapping[UUID, Sequence[RowMapping]]:
    """Return the ranks kept, by financing."""
    found: dict[UUID, list[RowMapping]] = defaultdict(list)
    for row in rows(session, "financing_ranks", "financing_id", "id"):
        report.rows["financing_ranks"] += 1
        found[row["financing_id"]].append(row)
    return found


def check(
    history: History,
    ranks: Sequence[RowMapping],
    made: Mapping[UUID, Sequence[Mapping[str, Any]]],
) -> None:
    """Hold a financing's ranks to its events and to the order of the law. Raises Different."""
    own = made.get(history.row["id"], ())
    decided_on = [step for step, type_ in DECIDED.items() if history.last(type_)]
    kept_for = sorted(row["step"] for row in ranks)
    expect("financing_ranks", history.key, "step", kept_for, sorted(decided_on))
    numbers = {row["cert_no"] for row in (*own, *made.get(history.row["pledge_id"], ()))}
    for kept_row in ranks:
        key = str(kept_row["id"])
        decided = history.last(DECIDED[kept_row["step"]])
        expect("financing_ranks", key, "step", kept_row["stated_at"], decided and decided.at)
        expect("financing_ranks", key, "own", kept_row["own"], history.key)
        if kept_row["search_no"] is not None:
            expect("financing_ranks", key, "search_no", kept_row["search_no"] in numbers, True)
        with readable("financing_ranks", key, "claims"):
            ranked = priority.order(Asset.RECEIVABLE, map(read_claim, kept_row["claims"]))
        found = {one.claim.ref: one.rank for one in ranked}
        expect("financing_ranks", key, "ranks", kept_row["ranks"], found)
