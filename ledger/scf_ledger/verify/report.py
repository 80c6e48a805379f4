"""What a verification answers: one tick, cross or dash per fragment, and a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scf_ledger.errors import LedgerError
from scf_ledger.trust import Fragment
from scf_ledger.verify.messages import text_of


class Status(StrEnum):
    """Answer of one fragment; what was not checked is not a tick."""

    PASS = "pass"  # noqa: S105 - an answer, not a password
    FAIL = "fail"
    NOT_CHECKED = "not_checked"


class Finding(LedgerError):
    """Something the verifier found; ``finding`` is its code in the catalogue."""

    code = "verify.finding"

    def __init__(self, finding: str, **fields: Any) -> None:
        super().__init__(finding, **fields)
        self.finding = finding


class Failure(Finding):
    """A fragment does not hold; the fields say where and by how much."""


class Skipped(Finding):
    """A fragment has nothing to be checked against."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One fragment's answer."""

    status: Status
    code: str
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, error: LedgerError) -> "Outcome":
        """Turn what a check raised into its answer."""
        status = Status.NOT_CHECKED if isinstance(error, Skipped) else Status.FAIL
        code = error.finding if isinstance(error, Finding) else error.code
        return cls(status, code, {"reason": error.message, **error.fields})

    def as_json(self) -> dict[str, Any]:
        """Return the answer as the report prints it: Chinese text first, English second."""
        chinese, english = text_of(self.code, self.fields)
        fields = {key: _plain(value) for key, value in self.fields.items() if key != "reason"}
        return {
            "status": self.status.value,
            "code": self.code,
            "detail": chinese,
            "detail_en": english,
            "fields": fields,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A whole verification."""

    kind: str
    fragments: Mapping[Fragment, Outcome]
    required: tuple[Fragment, ...]
    facts: Mapping[str, Any]
    """What the proof says, for reading; only a passing verdict makes it more than a claim."""

    @property
    def passed(self) -> bool:
        """Every required fragment is a tick, and none is a cross."""
        return all(
            outcome.status is Status.PASS
            or (outcome.status is Status.NOT_CHECKED and fragment not in self.required)
            for fragment, outcome in self.fragments.items()
        )

    @property
    def verdict(self) -> str:
        """The verdict in one word: ``pass`` or ``fail``."""
        return "pass" if self.passed else "fail"

    def as_json(self) -> dict[str, Any]:
        """Return the report as ``scf-verify --json`` prints it."""
        return {
            "verdict": self.verdict,
            "kind": self.kind,
            "required": [fragment.value for fragment in self.required],
            "fragments": {
                fragment.value: outcome.as_json() for fragment, outcome in self.fragments.items()
            },
            "facts": dict(self.facts),
        }


def _plain(value: Any) -> Any:
    """Return a field as JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str | int | bool | None):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
