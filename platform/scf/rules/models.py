"""What transitions were held to: one row an evaluation, with its inputs as bytes and every rule's outcome."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, text_enum
from scf.rules.book import Outcome
from scf.rules.judging import RuleResult
from scf_ledger import canonical


class RuleEvaluation(Base):
    """One transition of one subject, judged by the rules in force on a business date; insert only.

    `inputs` are canonical bytes `{"transition", "subject", "on", "facts"}`, `results` a list of
    `{"rule", "version", "outcome", "figures"}`, `worst` the gravest of them. `parties` may read it.
    """

    __tablename__ = "rule_evaluations"
    __table_args__ = (
        Index("ix_rule_evaluations_subject_id", "subject", "id"),
        Index("ix_rule_evaluations_transition_id", "transition", "id"),
        Index("ix_rule_evaluations_parties", "parties", postgresql_using="gin"),
        CheckConstraint("octet_length(inputs_sha256) = 32", name="inputs_sha256_length"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transition: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    on: Mapped[date] = mapped_column(Date)
    inputs: Mapped[bytes]
    inputs_sha256: Mapped[bytes]
    results: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    worst: Mapped[Outcome] = mapped_column(text_enum(Outcome))
    parties: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    at: Mapped[datetime]

    @property
    def facts(self) -> dict[str, Any]:
        """The facts that it was judged by."""
        found: dict[str, Any] = canonical.decode(self.inputs, max_bytes=len(self.inputs))["facts"]
        return found

    @property
    def outcomes(self) -> list[RuleResult]:
        """Every rule's outcome, in the order judged."""
        return [
            RuleResult(kept["rule"], kept["version"], Outcome(kept["outcome"]), kept["figures"])
            for kept in self.results
        ]


append_only(RuleEvaluation)
