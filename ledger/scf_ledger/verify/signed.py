"""Authorizations taken apart: which signed statement, about what, with which content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scf_ledger import jws, statement
from scf_ledger.errors import LedgerError
from scf_ledger.event_types import Signing
from scf_ledger.jws import Jws
from scf_ledger.statement import About, Statement
from scf_ledger.verify.case import Read
from scf_ledger.verify.report import Failure


@dataclass(frozen=True, slots=True)
class Signed:
    """One authorization of one event, read and not yet verified."""

    read: Read
    hash: bytes
    jws: Jws
    statement: Statement
    about: About
    content: Mapping[str, Any]
    """The signed content as it concerns this event: of a basket, the common part and the line."""
    signing: Signing
    """The part in the event's type that this act plays."""


Parsed = Mapping[str, Sequence[Signed | LedgerError]]
"""Place of an entry -> each of its authorizations, or why it cannot be read."""


def parse_all(reads: Sequence[Read]) -> Parsed:
    """Take every authorization apart; one that cannot be read is kept as its error."""
    return {
        read.where: [_try_parse(text, read) for text in read.entry.authorizations] for read in reads
    }


def _try_parse(text: str, read: Read) -> Signed | LedgerError:
    try:
        return _parse(text, read)
    except LedgerError as error:
        error.fields["where"] = read.where
        return error


def _parse(text: str, read: Read) -> Signed:
    compact, lines = statement.split_authorization(text)
    parsed = jws.parse(compact)
    said = statement.parse_statement(parsed.payload)
    about, content = _shown(said, lines)
    signing = next((part for part in read.event.type.signings if part.act == said.act), None)
    if signing is None:
        raise Failure("authorization.unexpected_act", act=said.act, type=read.type)
    hash_ = statement.authorization_hash(compact)
    return Signed(read, hash_, parsed, said, about, content, signing)


def _shown(said: Statement, lines: Sequence[str]) -> tuple[About, Mapping[str, Any]]:
    """Return what a statement says of one subject; of a basket, exactly one line is shown."""
    if said.about is not None:
        if lines:
            raise Failure("authorization.line_not_signed")
        return said.about, said.content
    if len(lines) != 1:
        raise Failure("authorization.one_line_shown", count=len(lines))
    line = statement.parse_line(lines[0])
    if line.digest not in said.content["lines"]:
        raise Failure("authorization.line_not_signed")
    common = {key: value for key, value in said.content.items() if key != "lines"}
    if common.keys() & line.content.keys():
        raise Failure("authorization.line_contradicts")
    return line.about, {**common, **line.content}
