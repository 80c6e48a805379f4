"""The cast of every story: fictional companies and banks, their people, keys, mandates and systems.

`Stage` is the real application on a real database with the cast in place. A test says who does what:

    answer = stage.post(stage.cast.supplier, "/v1/receivables", {...})
    draft = stage.post(anchor, f"/v1/receivables/{id}/confirmation-draft",
                       {"signers": anchor.signers("confirm"), ...}).json()
    stage.post(anchor, f"/v1/receivables/{id}/confirm", {"authorizations": anchor.sign_all(draft)})
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

import scf
from scf.db.session import Database
from scf.evidence.keys import make_feed_keys
from scf.http.auth import Actor, create_client, issue_token
from scf.http.limits import Kind
from scf.kernel.clock import Clock
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.main import create_app
from scf.parties import certification, client, service
from scf.parties.authority import LocalAuthority, subject_name
from scf.parties.keystore import Identity, KeyStore
from scf.parties.models import Mandate, Party, PartyKind, Person, Role, SizeClass
from scf.parties.rules import DESK, ROLES, STEPS, is_granted
from scf.programmes import service as programmes
from scf.programmes.models import MemberRole, Programme
from scf.settings import Settings
from scf_ledger.event_types import Scope

STORY_BEGINS = datetime(2025, 11, 3, 2, 0, tzinfo=UTC)
AUTHORITY_BEGINS = datetime(2025, 1, 1, tzinfo=UTC)
MANDATES_END = datetime(2027, 1, 1, tzinfo=UTC)
LIMIT = Money.parse("5000000.00")
PASSPHRASE = b"correct horse"
UNLIMITED = dict.fromkeys(
    (f"LIMIT_{kind.name}_PER_MINUTE" for kind in Kind), 0
)  # a stage has no Redis; tests/integration/http/test_limits has
NAMES = json.loads((Path(scf.__path__[0]) / "samples" / "cast.json").read_text())
SIZES = {
    "anchor": SizeClass.LARGE,
    "supplier": SizeClass.SMALL,
    "second_supplier": SizeClass.MICRO,
}
PEOPLE = {
    "anchor": {"clerk": [Role.MAKER], "approver": [Role.CHECKER, Role.SIGNER]},
    "supplier": {"owner": [Role.SIGNER]},
    "second_supplier": {"owner": [Role.SIGNER]},
    "bank": {"officer": [Role.MAKER], "approver": [Role.CHECKER]},
    "second_bank": {"officer": [Role.MAKER], "approver": [Role.CHECKER]},
    "regulator": {},
}


@dataclass(frozen=True)
class Hand:
    """Somebody who signs: a person with a key, a certificate on file, and a mandate for each role."""

    person_id: uuid.UUID
    certificate_id: uuid.UUID
    identity: Identity
    mandates: Mapping[Role, uuid.UUID]

    @property
    def person(self) -> str:
        return public_id("psn", self.person_id)

    def signer(self, role: Role) -> dict[str, str]:
        """A `SignerIn`."""
        return {"person": self.person, "mandate": public_id("mnd", self.mandates[role])}


@dataclass(frozen=True)
class Company:
    """A party with its people and its system."""

    party_id: uuid.UUID
    uscc: str
    name: str
    kind: PartyKind
    people: Mapping[str, Hand]
    client_id: uuid.UUID
    client_secret: str
    token: str

    @property
    def id(self) -> str:
        return public_id("pty", self.party_id)

    @property
    def actor(self) -> Actor:
        return Actor(self.client_id, self.party_id)

    def hand(self, role: Role) -> Hand:
        return next(hand for hand in self.people.values() if role in hand.mandates)

    def signers(self, act: str) -> list[dict[str, str]]:
        """The `signers` of a draft request, in the order make, check."""
        roles = [ROLES[step] for step in STEPS[act]]
        return [self.hand(role).signer(role) for role in roles]

    def sign_all(self, draft: Mapping[str, Any]) -> list[str]:
        """Sign a whole draft (`DraftOut` as JSON): the `authorizations` to hand back."""
        return client.sign_all(draft, [hand.identity for hand in self.people.values()])


@dataclass(frozen=True)
class Cast:
    """渝川汽车(示例), its suppliers and the banks, in one programme; the regulator of their district."""

    anchor: Company
    supplier: Company
    second_supplier: Company
    bank: Company
    second_bank: Company
    regulator: Company
    programme_id: uuid.UUID
    operator: Actor
    operator_token: str
    authorities: Mapping[Scope, LocalAuthority]
    authority_ids: Mapping[Scope, uuid.UUID]
    keys: KeyStore

    @property
    def programme(self) -> str:
        return public_id("prg", self.programme_id)


def gather(session: Session, folder: Path, *, now: datetime, real_now: datetime) -> Cast:
    """Register the whole cast; keys and test authorities are made below `folder`."""
    authorities = {
        scope: LocalAuthority.init(
            folder / scope.value, scope=scope, valid_from=AUTHORITY_BEGINS, passphrase=PASSPHRASE
        )
        for scope in (Scope.ENTERPRISE, Scope.BANK)
    }
    authority_ids = {
        scope: certification.register_authority(session, pem=ca.pem, scope=scope, now=now).id
        for scope, ca in authorities.items()
    }
    keys = KeyStore(folder / "keys")
    operator, secret = create_client(
        session, name="operator", party_id=None, operator=True, now=real_now
    )
    companies = {}
    for role in PEOPLE:
        companies[role] = _found(
            session,
            role,
            NAMES[role],
            authorities=authorities,
            keys=keys,
            now=now,
            real_now=real_now,
        )
    programme = _programme(session, companies, now)
    return Cast(
        **companies,
        programme_id=programme.id,
        operator=Actor(operator.id, None, operator=True),
        operator_token=issue_token(session, public_id("cli", operator.id), secret, now=real_now),
        authorities=authorities,
        authority_ids=authority_ids,
        keys=keys,
    )


def _found(
    session: Session,
    role: str,
    entry: Mapping[str, str],
    *,
    authorities: Mapping[Scope, LocalAuthority],
    keys: KeyStore,
    now: datetime,
    real_now: datetime,
) -> Company:
    kind = PartyKind(entry["kind"])
    party = service.register_party(
        session,
        uscc=entry["uscc"],
        name=entry["name"],
        kind=kind,
        size_class=SIZES.get(role),
        now=now,
    )
    people = {
        title: engage(
            session,
            party,
            authority=authorities[party.scope],
            keys=keys,
            key_name=f"{role}-{title}",
            roles=roles,
            now=now,
        )
        for title, roles in PEOPLE[role].items()
    }
    system, secret = create_client(session, name="ERP", party_id=party.id, now=real_now)
    return Company(
        party_id=party.id,
        uscc=party.uscc,
        name=party.name,
        kind=kind,
        people=people,
        client_id=system.id,
        client_secret=secret,
        token=issue_token(session, public_id("cli", system.id), secret, now=real_now),
    )


def engage(
    session: Session,
    party: Party,
    *,
    authority: LocalAuthority,
    keys: KeyStore,
    key_name: str,
    roles: list[Role],
    now: datetime,
    limit: Money = LIMIT,
) -> Hand:
    """Register one more person of a party, with key, certificate and a mandate for each role."""
    person = service.register_person(session, party.id, name=f"{key_name}(示例)", now=now)
    identity = certify(party, person, authority=authority, keys=keys, key_name=key_name)
    certificate = certification.register_certificate(
        session, person.id, pem=pem_of(identity), now=now
    )
    mandates = {role: grant(session, party, person, role, now=now, limit=limit) for role in roles}
    return Hand(
        person_id=person.id,
        certificate_id=certificate.id,
        identity=identity,
        mandates={role: mandate.id for role, mandate in mandates.items()},
    )


def certify(
    party: Party, person: Person, *, authority: LocalAuthority, keys: KeyStore, key_name: str
) -> Identity:
    """Make a key and have it certified; nothing is put on file yet."""
    subject = subject_name(code=party.uscc, person=public_id("psn", person.id))
    request = keys.new(key_name, subject=subject, passphrase=PASSPHRASE)
    certificate = authority.issue(request, valid_from=AUTHORITY_BEGINS)
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return keys.attach(key_name, pem, passphrase=PASSPHRASE)


def grant(
    session: Session,
    party: Party,
    person: Person,
    role: Role,
    *,
    now: datetime,
    limit: Money = LIMIT,
) -> Mandate:
    """Every act that this party's kind signs, or does at its own desk, in this role."""
    acts = [
        act
        for act in (*STEPS, *DESK)
        for step, own in ROLES.items()
        if own is role and is_granted(act, scope=party.scope, step=step)
    ]
    return service.grant_mandate(
        session,
        person.id,
        role=role,
        acts=acts,
        limit=limit,
        valid_from=now - timedelta(days=1),
        valid_to=MANDATES_END,
        now=now,
    )


def pem_of(identity: Identity) -> str:
    return identity.certificate.public_bytes(Encoding.PEM).decode()


def _programme(session: Session, companies: Mapping[str, Company], now: datetime) -> Programme:
    programme = programmes.open_programme(
        session,
        name="渝川汽车(示例)供应商融资项目",
        anchor_id=companies["anchor"].party_id,
        now=now,
    )
    roles = {
        "supplier": MemberRole.SUPPLIER,
        "second_supplier": MemberRole.SUPPLIER,
        "bank": MemberRole.FUNDER,
        "second_bank": MemberRole.FUNDER,
    }
    for name, role in roles.items():
        programmes.admit(
            session, programme.id, party_id=companies[name].party_id, role=role, now=now
        )
    return programme


@dataclass(frozen=True)
class Stage:
    """The application with the cast in place; business time begins at `STORY_BEGINS`."""

    http: TestClient
    cast: Cast
    database: Database
    settings: Settings

    @property
    def clock(self) -> Clock:
        return self.settings.clock

    def post(
        self,
        who: Company | None,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a command; `who` None is the operator, `key` the Idempotency-Key (else a fresh one)."""
        whole = {
            **self.headers(who),
            "Idempotency-Key": key or uuid.uuid4().hex,
            **(headers or {}),
        }
        return self.http.post(path, json=body, headers=whole)

    def get(self, who: Company | None, path: str, **parameters: Any) -> httpx.Response:
        """Read; `who` None is the operator."""
        return self.http.get(path, params=parameters, headers=self.headers(who))

    def headers(self, who: Company | None) -> dict[str, str]:
        token = self.cast.operator_token if who is None else who.token
        return {"Authorization": f"Bearer {token}"}


@contextmanager
def set_stage(database_url: str, folder: Path) -> Iterator[Stage]:
    """Open the application on a migrated, empty database."""
    settings = Settings(
        DATABASE_URL=database_url,
        SCF_DATA=folder / "scf",
        BUSINESS_CLOCK=folder / "business-clock",
        LOG_ORIGIN="test.example/log",
        **UNLIMITED,
    )
    settings.clock.set(STORY_BEGINS)
    make_feed_keys(settings)
    app = create_app(settings)
    database: Database = app.state.database
    try:
        with database.transaction() as session:
            now, real_now = settings.clock.now(), settings.clock.real()
            cast = gather(session, folder, now=now, real_now=real_now)
        yield Stage(TestClient(app, raise_server_exceptions=False), cast, database, settings)
    finally:
        database.close()
