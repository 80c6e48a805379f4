"""One pledge, told in events, as the platform would: 渝川汽车 owes, 兴锐冲压件 pledges, a bank accepts.

``tell`` makes a whole log with it and returns the proof file, the trust file and the log behind
them. Each step can be bent before it is hashed and signed: that is how an operator cheats, where a
changed file is only how a stranger does.
"""

import hashlib
from dataclasses import dataclass, field

from tests.golden import formats as f

ORIGIN = "scf.example/log"
ORIGIN_KEY = f.sha256(b"origin key")
CONTRACT = "0x" + "a1" * 20
REGISTRY = "0x" + "b2" * 20
CHAIN_ID = 31337

CAR_MAKER = f.make_uscc("91500118MA5UYC001")
SUPPLIER = f.make_uscc("91500118MA5UXR002")
BANK = f.make_uscc("91500118MA5UBK003")

RECEIVABLE = f.make_id("rcv", "october")
POOL = f.make_id("cap", "october")
PLEDGE = f.make_id("plg", "october")
SECRETS = {name: f.sha256(("secret of " + name).encode()) for name in (RECEIVABLE, POOL, PLEDGE)}

LOG_KEY = f.NoteKey(ORIGIN)
WITNESSES = [f.NoteKey("witness-one.example", 4), f.NoteKey("witness-two.example", 4)]
WITNESSED_AT = 1_767_225_600  # 2026-01-01T00:00:00Z

ENTERPRISE_CA = f.make_ca("Test CA for enterprises")
BANK_CA = f.make_ca("Test CA for banks")
REGISTRY_CA = f.make_ca("Test CA for registers")
REGISTER = f.make_uscc("12100000MA0REG1X2")

PEOPLE = {
    "car.clerk": (ENTERPRISE_CA, CAR_MAKER),
    "car.approver": (ENTERPRISE_CA, CAR_MAKER),
    "supplier": (ENTERPRISE_CA, SUPPLIER),
    "bank.clerk": (BANK_CA, BANK),
    "bank.approver": (BANK_CA, BANK),
}

SIGNATURES = {
    "confirmed": [
        ("confirm", "make", "car.clerk"),
        ("confirm", "check", "car.approver"),
    ],
    "signed": [("pledge", None, "supplier")],
    "accepted": [("accept", "make", "bank.clerk"), ("accept", "check", "bank.approver")],
    "disputed": [("dispute", None, "car.approver")],
    "rejected": [("reject", None, "car.approver")],
    "undertaken": [
        ("undertake", "make", "car.clerk"),
        ("undertake", "check", "car.approver"),
    ],
}
"""Step of the story -> act, step of the statement, who signs."""

ABOUT = {}
"""Step -> the step that its statement is about, where that is not the one before of the same subject."""

CONTENT = {
    "confirmed": (
        "creditor", "documents", "claimed", "due_on", "confirmed", "disputed", "rejected",
        "reason", "pay_to", "no_setoff", "consents", "pool", "pool_secret_sha256",
    ),
    "signed": ("pledgor", "pledgee", "receivable_event", "pool", "amount", "principal"),
    "accepted": ("pledgor", "pledgee", "receivable_event", "pool", "amount", "principal"),
    "disputed": ("reason", "amount"),
    "rejected": ("reason", "amount"),
    "undertaken": (
        "kind", "seller", "buyer", "number", "issued_on", "due_on", "original_sha256", "confirmed",
        "pool", "pool_secret_sha256",
    ),
}  # fmt: skip

SECURITY = {"kind": "factoring", "recourse": True, "disclosed": False}
BOTH = {"signed": {"security": SECURITY}, "accepted": {"security": SECURITY}}
"""The same story as a factoring: what its two signed steps say beside."""

FILE_STEPS = (
    "confirmed", "opened", "signed", "accepted", "reserved", "registered", "locked",
)  # fmt: skip
HIDDEN = {"confirmed": ("programme",), "opened": ("holder",), "reserved": ("holder",)}


@dataclass
class Step:
    """One event as it was made."""

    type: str
    subject: str
    version: int
    body: bytes
    shown: dict
    authorizations: list
    index: int = -1

    @property
    def hash(self):
        return f.sha256(self.body)


@dataclass
class Told:
    """A log with the story in it."""

    steps: dict
    entries: list
    proof: dict
    trust: dict
    note: str
    people: dict = field(repr=False)
    records: dict = field(repr=False)
    """Step -> its whole record."""

    @property
    def proof_bytes(self):
        return f.as_json(self.proof)

    @property
    def trust_bytes(self):
        return f.as_json(self.trust)


@dataclass
class Bent:
    """How the story is bent before it is hashed and signed; as it stands, not at all."""

    record: dict = field(default_factory=dict)
    """Step -> fields put in place."""
    content: dict = field(default_factory=dict)
    """Step, or step.make -> keys of the signed content put in place."""
    statement: dict = field(default_factory=dict)
    """Step, or step.make -> keys of the statement put in place."""
    signer: dict = field(default_factory=dict)
    """Step, or step.make -> who signs instead."""
    certificate: dict = field(default_factory=dict)
    """Person -> how the certificate differs."""
    basket: tuple = ()
    """Steps whose statement is a basket."""
    secret: dict = field(default_factory=dict)
    tag: dict = field(default_factory=dict)
    """Step -> the tag that is logged instead."""
    previous: dict = field(default_factory=dict)
    authorizations: dict = field(default_factory=dict)
    """Step -> authorizations instead of signatures."""
    unsigned: tuple = ()
    extra: tuple = ()
    """More steps, in the file."""
    later: tuple = ()
    """More steps, logged and not in the file."""
    noise: int = 290
    """Entries of others before the story."""
    witnesses: tuple = ()


def tell(**bent):
    """Tell the story, bent where asked."""
    bent = Bent(**bent)
    teller = _Teller(bent)
    for name in _STORY:
        teller.step(name)
    for name, more in (*bent.extra, *bent.later):
        teller.add(name, **more)
    return _written(teller, [*FILE_STEPS, *(name for name, _ in bent.extra)])


def _written(teller, in_file):
    """Put the story between other entries of the log, and write the files."""
    witnesses = teller.bent.witnesses
    entries = [f.sha256(b"a%d" % n) + f.sha256(b"b%d" % n) for n in range(teller.bent.noise)]
    for step, tag in zip(teller.steps.values(), teller.tags, strict=True):
        step.index = len(entries)
        entries += [step.hash + tag, f.sha256(step.body) + f.sha256(tag)]
    leaves = [f.leaf(entry) for entry in entries]
    root = f.tree_root(leaves)
    note = f.checkpoint(ORIGIN, len(entries), root, LOG_KEY, witnesses=witnesses, time=WITNESSED_AT)
    proof = {
        "format": "scf-proof/1",
        "kind": "pledge",
        "entries": [
            _entry(name, teller, f.tlog_proof(step.index, f.audit_path(leaves, step.index), note))
            for name, step in teller.steps.items()
            if name in in_file
        ],
        "certificates": [f.pem(certificate) for _, certificate in teller.people.values()],
        "revocations": [f.b64(f.make_crl(ca)) for ca in (ENTERPRISE_CA, BANK_CA)],
        "anchor": {
            "chain_id": CHAIN_ID,
            "contract": CONTRACT,
            "origin": ORIGIN,
            "size": len(entries),
            "root": "0x" + root.hex(),
            "tx_hash": "0x" + "01" * 32,
            "block_number": 12,
            "block_hash": "0x" + "02" * 32,
        },
    }
    return Told(
        teller.steps, entries, proof, make_trust(witnesses), note, teller.people, teller.records
    )


def make_trust(witnesses=(), **require):
    return {
        "format": "scf-trust/1",
        "logs": [{"origin": ORIGIN, "vkey": LOG_KEY.vkey, "origin_key": "0x" + ORIGIN_KEY.hex()}],
        "witnesses": {"need": len(witnesses), "vkeys": [witness.vkey for witness in witnesses]},
        "chains": [{"chain_id": CHAIN_ID, "anchor": CONTRACT, "registry": REGISTRY}],
        "cas": [
            {"pem": f.pem(ENTERPRISE_CA[1]), "scope": "enterprise"},
            {"pem": f.pem(BANK_CA[1]), "scope": "bank"},
        ],
        "webauthn": [],
        "require": require,
    }


def _entry(name, teller, tlog_proof):
    step = teller.steps[name]
    hidden = HIDDEN.get(name, ())
    value = {
        "body": f.b64u(step.body),
        "tag": f.b64u(teller.tags[list(teller.steps).index(name)]),
        "disclosures": [text for field_, text in step.shown.items() if field_ not in hidden],
        "authorizations": step.authorizations,
        "tlog_proof": tlog_proof,
    }
    if not step.subject.startswith("rcv"):
        value["tag_secret"] = f.b64u(teller.secrets[step.subject])
    return value


class _Teller:
    """Makes the steps one after the other; each knows the ones before."""

    def __init__(self, bent):
        self.bent, self.secrets = bent, {**SECRETS, **bent.secret}
        self.steps, self.tags, self.records = {}, [], {}
        self.people = {
            name: f.make_certificate(
                **{
                    "ca": ca,
                    "uscc": uscc,
                    "person": f.make_id("per", name),
                    "word": name,
                    **bent.certificate.get(name, {}),
                }
            )
            for name, (ca, uscc) in PEOPLE.items()
        }
        self.persons = {
            name: bent.certificate.get(name, {}).get("person", f.make_id("per", name))
            for name in PEOPLE
        }

    def step(self, name):
        type_, subject = _STORY[name]
        self.add(name, type_=type_, subject=subject, record=_RECORDS[name](self))

    def add(self, name, *, type_, subject, record, version=None):
        before = [step for step in self.steps.values() if step.subject == subject]
        version = version or len(before) + 1
        occurred_at = f"2025-11-{len(self.steps) + 3:02d}T02:00:00Z"
        if callable(record):
            record = record(self)
        record = {
            "id": subject,
            "actor": f.make_id("usr", "operator"),
            "at": occurred_at,
            **record,
            **self.bent.record.get(name, {}),
        }
        self.records[name] = record
        last = before[-1].hash if before else None
        given = self.bent.authorizations.get(name, self._sign(name, record, before, occurred_at))
        body, shown = f.make_event(
            word=name,
            type_=type_,
            subject=subject,
            version=version,
            occurred_at=occurred_at,
            previous=self.bent.previous.get(name, last),
            authorizations=given,
            record=record,
        )
        secret = self.secrets[subject]
        self.tags.append(self.bent.tag.get(name, f.make_tag(secret, version)))
        self.steps[name] = Step(type_, subject, version, body, shown, given)

    def _sign(self, name, record, before, occurred_at):
        made = []
        for act, step, signer in SIGNATURES.get(name, ()):
            key = f"{name}.{step}" if step else name
            if key in self.bent.unsigned:
                continue
            values = {field_: record[field_] for field_ in CONTENT[name]}
            values |= self.bent.content.get(name, {}) | self.bent.content.get(key, {})
            head = {
                "act": act,
                "issued_at": occurred_at.replace("T02", "T01"),
                "expires_at": occurred_at.replace("T02", "T12"),
                **({"step": step} if step else {}),
            }
            person = self.bent.signer.get(key, signer)
            about = self.steps[ABOUT[name]] if name in ABOUT else before[-1]
            made.append(self._authorize(key, person, head, values, about))
        return made

    def _authorize(self, key, person, head, values, before):
        name = key.split(".")[0]
        about = {
            "subject": before.subject,
            "version": before.version,
            "subject_event": f.b64u(before.hash),
        }
        lines = []
        if name in self.bent.basket:
            lines = [
                f.b64u(f.rfc8785.dumps([f.b64u(f.sha256(b"salt")[:16]), {**about, **values}])),
                f.b64u(f.rfc8785.dumps([f.b64u(f.sha256(b"tlas")[:16]), {**about, "n": 2}])),
            ]
            values = {"lines": sorted(f.b64u(f.sha256(line.encode())) for line in lines)}
            about = dict.fromkeys(about)
        value = {
            "format": "scf-statement/1",
            "id": f.make_id("stm", key),
            "origin": ORIGIN,
            "party": PEOPLE[person][1],
            "person": self.persons[person],
            "mandate": f.make_id("mdt", person),
            **head,
            **about,
            "content": values,
            **self.bent.statement.get(name, {}),
            **self.bent.statement.get(key, {}),
        }
        payload = f.rfc8785.dumps(value)
        signed = f.sign_statement(payload, *self.people[person])
        return f"{signed}~{lines[0]}~" if lines else signed


def _digest(step):
    return lambda teller: f.b64u(teller.steps[step].hash)


def pool(kind, cause, deltas, sums):
    """The record of a pool's version.

    ``deltas``: of confirmed and used; ``sums``: confirmed, used, shortfall after it;
    ``cause``: a step, or a hash.
    """
    confirmed_delta, used_delta = map(f.cny, deltas)
    confirmed, used, shortfall = map(f.cny, sums)
    return lambda teller: {
        "asset": RECEIVABLE,
        "kind": kind,
        "confirmed_delta": confirmed_delta,
        "used_delta": used_delta,
        "confirmed": confirmed,
        "used": used,
        "shortfall": shortfall,
        "cause": f.b64u(teller.steps[cause].hash if isinstance(cause, str) else cause),
        "holder": BANK,
    }


def _submitted(_):
    return {
        "programme": f.make_id("prg", "yuchuan"),
        "creditor": SUPPLIER,
        "debtor": CAR_MAKER,
        "line_no": "1",
        "documents": [
            {
                "id": f.make_id("doc", number),
                "hash": f.b64u(f.sha256(number.encode())),
                "number": number,
            }
            for number in ("25502000000001000101", "25502000000001000102", "25502000000001000103")
        ],
        "claimed": f.cny("1286400.00"),
        "contract_no": "YC-2025-0117",
        "receipt_no": "RK-20251020-03",
        "delivered_on": "2025-10-20",
        "due_on": "2025-12-19",
    }


def _confirmed(teller):
    return {
        **_submitted(teller),
        "confirmed": f.cny("1245000.00"),
        "disputed": f.cny("41400.00"),
        "rejected": f.cny("0.00"),
        "reason": "质量争议: 10 月第三批冲压件",
        "pay_to": {
            "name": "永川兴锐冲压件(示例)",
            "bank": "示例农商行",
            "account": "6217000000000001",
        },
        "no_setoff": True,
        "consents": ["pledge", "assign"],
        "pool": POOL,
        "pool_secret_sha256": f.b64u(f.sha256(SECRETS[POOL])),
    }


def _terms(teller):
    return {
        "pledgor": SUPPLIER,
        "pledgee": BANK,
        "receivable_event": _digest("confirmed")(teller),
        "pool": POOL,
        "amount": f.cny("1245000.00"),
        "principal": {
            "contract_sha256": f.b64u(f.sha256(b"contract")),
            "amount": f.cny("996000.00"),
            "rate": "0.0385",
            "due_on": "2025-12-30",
        },
    }


def refusals():
    """Two more claims, of which nothing is confirmed, as `extra` steps: one disputed, one rejected."""
    steps = []
    for end, reason, amount in (
        ("disputed", "数量不符: 少收两箱", "41400.00"),
        ("rejected", "非我司交易", "1286400.00"),
    ):
        claim = f.make_id("rcv", end)
        said = {"debtor": CAR_MAKER, "reason": reason, "amount": f.cny(amount)}
        for name, type_, record in (
            (f"{end}.claim", "submitted", _submitted),
            (end, end, said),
        ):
            steps.append(
                (name, {"type_": f"receivable.{type_}", "subject": claim, "record": record})
            )
    return tuple(steps)


def tell_refusals(**bent):
    """Tell the story with those two answered by baskets; return it, and the proof of each by name."""
    secrets = {f.make_id("rcv", end): f.sha256(end.encode()) for end in ("disputed", "rejected")}
    told = tell(basket=("disputed", "rejected"), extra=refusals(), secret=secrets, **bent)
    whole = {key: value for key, value in told.proof.items() if key != "anchor"}
    places = {"disputed": -3, "rejected": -1}
    return told, {
        end: {**whole, "kind": "event", "entries": [told.proof["entries"][place]]}
        for end, place in places.items()
    }


_RECORDS = {
    "submitted": _submitted,
    "confirmed": _confirmed,
    "opened": pool("OPEN", "confirmed", ("1245000.00", "0.00"), ("1245000.00", "0.00", "0.00")),
    "proposed": _terms,
    "signed": _terms,
    "accepted": lambda teller: {**_terms(teller), "signed_event": _digest("signed")(teller)},
    "reserved": pool(
        "RESERVE", "signed", ("0.00", "1245000.00"), ("1245000.00", "1245000.00", "0.00")
    ),
    "registered": lambda _: {
        "search_no": "CX20251107000001",
        "reg_no": "DJ20251110000001",
        "registered_at": "2025-11-10T01:30:00Z",
        "certificate_sha256": f.b64u(f.sha256(b"certificate")),
    },
    "locked": lambda _: {
        "tokens": ["0x" + hashlib.sha256(b"token%d" % n).hexdigest() for n in range(3)],
        "ticket_sha256": f.b64u(f.sha256(b"ticket")),
        "tx": "0x" + "03" * 32,
    },
}
_STORY = {
    "submitted": ("receivable.submitted", RECEIVABLE),
    "confirmed": ("receivable.confirmed", RECEIVABLE),
    "opened": ("pool.opened", POOL),
    "proposed": ("pledge.proposed", PLEDGE),
    "signed": ("pledge.signed", PLEDGE),
    "accepted": ("pledge.accepted", PLEDGE),
    "reserved": ("pool.reserved", POOL),
    "registered": ("pledge.registered", PLEDGE),
    "locked": ("pledge.locked", PLEDGE),
}
