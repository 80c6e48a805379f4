"""Banks' cases: every record is the one that was hashed into the log, and the case is what they came to."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.approvals import journal
from scf.approvals.models import TRANSITIONS
from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import History, histories, rows
from scf.kernel.ids import parse_id, public_id
from scf.kernel.money import Money
from scf_ledger.encoding import b64url


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every policy to its hash, and every case to its records and events. Raises Different."""
    policies = _check_policies(session, report)
    records: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, "approval_records", "case_id", "seq"):
        report.rows["approval_records"] += 1
        records.setdefault(row["case_id"], []).append(row)
    for history in histories(session, "approval_cases", report):
        own = records.pop(history.row["id"], [])
        _check_records(history, own)
        _check_case(history, own, codes, policies)
    expect("approval_records", "*", "case_id", [public_id("apc", one) for one in records], [])


def _check_policies(session: Session, report: Report) -> Mapping[str, RowMapping]:
    found = {}
    for row in rows(session, "approval_policies", "id"):
        report.rows["approval_policies"] += 1
        key = public_id("app", row["id"])
        with readable("approval_policies", key, "content"):
            sha256 = hashlib.sha256(journal.policy_content(**_given(row, journal.POLICY))).digest()
        expect("approval_policies", key, "sha256", row["sha256"], sha256)
        found[key] = row
    return found


def _given(row: RowMapping, names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _check_records(history: History, records: Sequence[RowMapping]) -> None:
    """Hold the records to the case's events, one each, and to the moves that are allowed."""
    numbers = [row["seq"] for row in records]
    expect("approval_records", history.key, "seq", numbers, [one.version for one in history.told])
    state = records[0]["state"]
    for row, told in zip(records, history.told, strict=True):
        key = f"{history.key} {row['seq']}"
        with readable("approval_records", key, "inputs"):
            sha256 = hashlib.sha256(journal.content(**_given(row, journal.RECORD))).digest()
        expect_row(
            "approval_records",
            key,
            row,
            {
                "event_id": told.id,
                "kind": told.record["step"],
                "recorded_at": told.at,
                "sha256": told.bytes("record_sha256"),
            },
        )
        expect("approval_records", key, "inputs", sha256, row["sha256"])
        moved = row["state"] is state or row["state"] in TRANSITIONS[state]
        expect("approval_records", key, "state", moved, True)
        state = row["state"]


def _check_case(
    history: History,
    records: Sequence[RowMapping],
    codes: Mapping[UUID, str],
    policies: Mapping[str, RowMapping],
) -> None:
    row, told, said = history.row, history.told[0], records[0]["inputs"]
    policy = policies.get(said["policy"]["id"])
    expect("approval_cases", history.key, "policy_id", policy is not None, True)
    assert policy is not None
    expect(
        "approval_policies",
        said["policy"]["id"],
        "sha256",
        b64url(policy["sha256"]),
        said["policy"]["sha256"],
    )
    asked = Money.from_json(said["amount"])
    entered = [later for before, later in pairwise(records) if before["state"] != later["state"]]
    since = [records[0], *entered][-1]["recorded_at"]
    expect_row(
        "approval_cases",
        history.key,
        {**row, "bank_id": codes.get(row["bank_id"])},
        {
            "financing_id": parse_id("fin", told.record["financing"]),
            "bank_id": told.record["bank"],
            "receivable_id": parse_id("rcv", said["receivable"]),
            "policy_id": policy["id"],
            "currency": asked.currency,
            "asked_minor": asked.minor,
            "asked_days": said["days"],
            "state": records[-1]["state"],
            "state_since": since,
            "opened_at": told.at,
        },
    )
    expect("approval_policies", said["policy"]["id"], "bank_id", policy["bank_id"], row["bank_id"])
