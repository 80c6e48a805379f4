"""Everybody in the story: registered with the operator, with people, keys, certificates and mandates."""

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from scf.bootstrap import keep_client
from scf.kernel.clock import parse_instant
from scf.kernel.money import Money
from scf.parties.authority import LocalAuthority, subject_name
from scf.parties.keystore import KeyStore
from scf.parties.models import PartyKind, Role
from scf.parties.rules import DESK, ROLES, STEPS, is_granted
from scf.registry.receipts import AUTHORITY as REGISTER_AUTHORITY
from scf.settings import OPERATOR
from scf.story.desk import Api, Desk, Hand
from scf.story.stage import Stage
from scf_ledger import uscc
from scf_ledger.encoding import b64url
from scf_ledger.event_types import Scope

AUTHORITY_BEGINS: Final = "2025-01-01T00:00:00Z"
MANDATES_BEGIN: Final = "2025-01-01T00:00:00Z"
MANDATES_END: Final = "2028-01-01T00:00:00Z"
LIMIT: Final = Money.parse("5000000.00")
People = dict[str, tuple[str, list[Role]]]
"""Title -> name and roles of somebody who signs for a party."""
PEOPLE: Final[dict[str, People]] = {
    "anchor": {
        "clerk": ("周晓(示例)", [Role.MAKER]),
        "approver": ("吴敏(示例)", [Role.CHECKER, Role.SIGNER]),
    },
    "supplier": {"owner": ("刘强(示例)", [Role.SIGNER])},
    "bank": {
        "officer": ("陈静(示例)", [Role.MAKER]),
        "approver": ("赵勇(示例)", [Role.CHECKER]),
    },
    "second_bank": {
        "officer": ("孙丽(示例)", [Role.MAKER]),
        "approver": ("钱伟(示例)", [Role.CHECKER]),
    },
    "regulator": {},
}
SIZES: Final = {"anchor": "large", "supplier": "small"} | dict.fromkeys(
    ("keeper", "supervisor", "trader", "dealer"), "medium"
)


@dataclass(frozen=True, slots=True)
class Party:
    """A party in the story and its desk."""

    id: str
    uscc: str
    name: str
    desk: Desk


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody in one programme, and the regulator of the debtor's district."""

    operator: Desk
    anchor: Party
    supplier: Party
    bank: Party
    second_bank: Party
    regulator: Party
    programme: str
    authorities: dict[str, LocalAuthority]
    """By their id at the platform."""
    enterprises: LocalAuthority
    """The one that certifies enterprises."""


def enrol(stage: Stage) -> Cast:
    """Register whoever is not yet registered. Raises StoryDiverged."""
    stage.on("各方入驻", "Everybody registers", stage.script.enrolled_on, "09:00")
    settings = stage.settings
    credentials = json.loads((settings.secrets / OPERATOR).read_text())
    client = (credentials["client_id"], credentials["client_secret"])
    operator = Desk(
        Api(settings.public_url, *client, stage.patience), stage.journal, name="平台运营方"
    )
    office = Office(stage, operator)
    entries = _entries(stage)
    limit = max(LIMIT, stage.script.papers.claimed)
    parties = {
        role: office.party(role, entries[role], people, limit=limit)
        for role, people in PEOPLE.items()
    }
    programme = operator.do(
        "programme",
        "/v1/programmes",
        lambda: {
            "name": f"{parties['anchor'].name}供应商融资项目",
            "anchor": parties["anchor"].id,
        },
    )["id"]
    members = {"supplier": "supplier", "bank": "funder", "second_bank": "funder"}
    for role, place in members.items():
        member = {"party": parties[role].id, "role": place}
        operator.do(f"member:{role}", f"/v1/programmes/{programme}/members", partial(dict, member))
    cast = Cast(
        operator=operator,
        programme=programme,
        authorities=office.listed,
        enterprises=office.authorities[Scope.ENTERPRISE],
        **parties,
    )
    _show(stage, cast)
    return cast


def _entries(stage: Stage) -> dict[str, dict[str, str]]:
    """Return who is to be registered: the invoices' two sides, the banks, the debtor's regulator."""
    entries = listed()
    papers = stage.script.papers
    for role, side in (("anchor", papers.buyer), ("supplier", papers.seller)):
        assert side.uscc is not None, "papers are chosen so"
        entries[role] = {"name": side.name, "uscc": side.uscc, "kind": PartyKind.ENTERPRISE.value}
    office = entries["regulator"]
    code = f"{office['uscc'][:2]}{entries['anchor']['uscc'][2:8]}{office['uscc'][8:-1]}"
    entries["regulator"] = {**office, "uscc": code + uscc.check_digit(code)}
    return entries


def listed() -> dict[str, dict[str, str]]:
    """Return everybody that the samples know, by role."""
    cast_file = resources.files("scf.samples").joinpath("cast.json")
    entries: dict[str, dict[str, str]] = json.loads(cast_file.read_text("utf-8"))
    return entries


def _show(stage: Stage, cast: Cast) -> None:
    titles = {"核心企业": cast.anchor, "供应商": cast.supplier}
    titles |= {"银行": cast.bank, "另一银行": cast.second_bank, "监管部门": cast.regulator}
    rows = {title: f"{party.name}  {party.uscc}" for title, party in titles.items()}
    people = sum(len(party.desk.hands) for party in titles.values())
    rows["签署人"] = f"{people} 人，各有证书与授权委托书"
    stage.screen.form(cast.operator.name, "供应商融资项目", rows, result="已登记")


class Office:
    """The operator's registration office, with a test authority for each kind of party."""

    def __init__(self, stage: Stage, operator: Desk) -> None:
        self.stage = stage
        self.journal = journal = stage.journal
        self.operator = operator
        folder = stage.folder
        self.passphrase = journal.once("passphrase", lambda: secrets.token_urlsafe(24)).encode()
        self.keys = KeyStore(folder / "keys")
        self.listed: dict[str, LocalAuthority] = {}
        self.authorities = {
            scope: self._authority(folder / "ca" / scope.value, scope)
            for scope in (Scope.ENTERPRISE, Scope.BANK)
        }
        self._list_register()

    def party(self, role: str, entry: dict[str, str], people: People, *, limit: Money) -> Party:
        """Register a party, its people with mandates up to a limit, and its system."""
        party = self.operator.do(
            f"party:{role}",
            "/v1/parties",
            lambda: {**entry, "size_class": SIZES.get(role)},
        )
        hands = {
            title: self._hand(f"{role}-{title}", party, name, roles, limit)
            for title, (name, roles) in people.items()
        }
        secret = self.journal.once(f"secret:{role}", lambda: secrets.token_urlsafe(32))
        system = self.operator.do(
            f"client:{role}",
            f"/v1/parties/{party['id']}/clients",
            lambda: {
                "name": "ERP",
                "secret_sha256": b64url(hashlib.sha256(secret.encode()).digest()),
            },
        )
        keep_client(self.stage.settings, role, system["id"], secret)
        url, patience = self.stage.settings.public_url, self.stage.patience
        api = Api(url, system["id"], secret, patience)
        desk = Desk(api, self.journal, name=party["name"], hands=hands)
        return Party(party["id"], party["uscc"], party["name"], desk)

    def mandates(
        self, step: str, person: str, scope: Scope, roles: Iterable[Role], *, limit: Money
    ) -> dict[str, str]:
        """Give somebody a mandate for each role."""
        return {
            role.value: self.operator.do(
                f"{step}:{role.value}",
                f"/v1/persons/{person}/mandates",
                partial(_mandate, role, scope, limit),
            )["id"]
            for role in roles
        }

    def _hand(
        self, key_name: str, party: dict[str, Any], name: str, roles: list[Role], limit: Money
    ) -> Hand:
        person = self.operator.do(
            f"person:{key_name}", f"/v1/parties/{party['id']}/persons", lambda: {"name": name}
        )["id"]
        scope = Scope(PartyKind(party["kind"]).value)
        self.operator.do(
            f"certificate:{key_name}",
            f"/v1/persons/{person}/certificates",
            lambda: {"pem": self._certified(key_name, party["uscc"], person, scope)},
        )
        mandates = self.mandates(f"mandate:{key_name}", person, scope, roles, limit=limit)
        identity = self.keys.open(key_name, passphrase=self.passphrase)
        return Hand(person, identity, mandates)

    def _certified(self, key_name: str, uscc: str, person: str, scope: Scope) -> str:
        """Make the key and have it certified; what an interrupted start left behind is used."""
        if key_name not in self.keys.names():
            subject = subject_name(code=uscc, person=person)
            self.keys.new(key_name, subject=subject, passphrase=self.passphrase)
        request = (self.keys.folder / f"{key_name}.csr").read_bytes()
        certificate = self.authorities[scope].issue(
            request, valid_from=parse_instant(AUTHORITY_BEGINS)
        )
        pem = certificate.public_bytes(Encoding.PEM).decode()
        self.keys.attach(key_name, pem, passphrase=self.passphrase)
        return pem

    def _list_register(self) -> None:
        """List the authority of the simulated register, whose receipts the proofs carry."""
        pem = self.stage.settings.data / REGISTER_AUTHORITY / "ca.pem"
        if pem.exists():
            self.operator.do(
                f"authority:{Scope.REGISTRY.value}",
                "/v1/authorities",
                lambda: {"pem": pem.read_text(), "scope": Scope.REGISTRY.value},
            )

    def _authority(self, folder: Path, scope: Scope) -> LocalAuthority:
        if (folder / "ca.pem").exists():
            authority = LocalAuthority.open(folder, passphrase=self.passphrase)
        else:
            authority = LocalAuthority.init(
                folder,
                scope=scope,
                valid_from=parse_instant(AUTHORITY_BEGINS),
                passphrase=self.passphrase,
            )
        listed = self.operator.do(
            f"authority:{scope.value}",
            "/v1/authorities",
            lambda: {"pem": authority.pem, "scope": scope.value},
        )
        self.listed[listed["id"]] = authority
        return authority


def _mandate(role: Role, scope: Scope, limit: Money) -> dict[str, Any]:
    """Return a mandate for every act that a party of this kind signs, or does at its desk, in this role."""
    acts = [
        act
        for act in (*STEPS, *DESK)
        for step, own in ROLES.items()
        if own is role and is_granted(act, scope=scope, step=step)
    ]
    return {
        "role": role.value,
        "acts": acts,
        "limit": limit.to_json(),
        "valid_from": MANDATES_BEGIN,
        "valid_to": MANDATES_END,
    }
