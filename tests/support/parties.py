"""Parties that come new to a stage."""

import uuid

from sqlalchemy import func, select

from scf.kernel.clock import instant_text
from scf.kernel.ids import parse_id
from scf.parties.models import (
    Certificate,
    Mandate,
    Party,
    Person,
    PersonName,
)
from scf_ledger.event_types import Scope
from tests.support import actors
from tests.support.actors import MANDATES_END, STORY_BEGINS

NEW_USCC = "91350100M000100Y43"
SUFFIX = "01k3e5m8q2x7v9b4c6d8f0g1h2"
ENTERPRISE = {
    "uscc": NEW_USCC,
    "name": "新供应商(示例)",
    "kind": "enterprise",
    "size_class": "small",
}


def counts(stage):
    with stage.database.reading() as session:
        kinds = (Party, Person, PersonName, Certificate, Mandate)
        return [session.scalar(select(func.count()).select_from(kind)) for kind in kinds]


def certificate_for(stage, party_id, person_id, *, scope=Scope.ENTERPRISE, key_name=None):
    """A certificate for somebody, from an authority of the scope; nothing is put on file."""
    with stage.database.reading() as session:
        party = session.get(Party, parse_id("pty", party_id))
        person = session.get(Person, parse_id("psn", person_id))
    return actors.certify(
        party,
        person,
        authority=stage.cast.authorities[scope],
        keys=stage.cast.keys,
        key_name=key_name or uuid.uuid4().hex,
    )


def mandate_body(**changes):
    body = {
        "role": "signer",
        "acts": ["pledge"],
        "limit": {"amount": "1000000.00", "currency": "CNY"},
        "valid_from": instant_text(STORY_BEGINS),
        "valid_to": instant_text(MANDATES_END),
    }
    return body | changes
