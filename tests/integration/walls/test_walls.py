"""Who may call what, and that a neighbour learns nothing: the whole table, and an attacker let loose.

One seeded platform serves every attack; each is a rehearsal, so that none sees another's traces.
"""

import contextlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from scf.db.base import Base
from scf.db.session import Database
from scf.evidence.models import Event, Subject
from scf.parties import queries as parties
from scf_ledger import trust
from scf_ledger.verify import verify_file
from tests.support.bodies import Bodies
from tests.support.invoices import cn_einvoice
from tests.support.services import Servers, fresh_database
from tests.support.walls import NOWHERE, ROLES, STRANGERS, Walls, walls

FOLDER = Path(__file__).parent
UNSTEADY = re.compile(r"date|set-cookie|x-request-id", re.IGNORECASE)
PUBLIC = ("/healthz", "/readyz", "/oauth/token", "/log/", "/.well-known/", "/v1/rules", "/v1/terms")


@dataclass(frozen=True)
class Seen:
    """An answer, and what it took of the database."""

    answer: httpx.Response
    asked: list[str]

    @property
    def parts(self) -> tuple[Any, ...]:
        """What a stranger can tell two answers apart by: status, body, headers, questions asked."""
        headers = {k: v for k, v in self.answer.headers.items() if not UNSTEADY.match(k)}
        return self.answer.status_code, self.answer.content, headers, self.asked


@pytest.fixture(scope="module")
def platform(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walls]:
    with (
        fresh_database(servers) as database_url,
        walls(database_url, tmp_path_factory.mktemp("walls")) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def table() -> dict[str, list[str]]:
    """What each role is answered, by method and path."""
    rows = tomllib.loads((FOLDER / "table.toml").read_text())["operations"]
    return {name: row.split() for name, row in rows.items()}


@pytest.fixture(scope="module")
def operations(platform: Walls) -> dict[str, Any]:
    """Every operation of the API, by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in platform.app.openapi()["paths"].items()
        for method, operation in item.items()
    }


@pytest.fixture(scope="module")
def bodies(platform: Walls) -> Bodies:
    return Bodies(platform.app.openapi(), platform.ids)


@pytest.fixture(scope="module")
def walked(platform, operations, bodies) -> dict[tuple[str, str], Seen]:
    """What each operation answered each role, asked for what is there: one walk for all who look at it."""
    found = {}
    for name, operation in operations.items():
        method, path = name.split()
        body, query, target = bodies.of(operation), bodies.query(operation), platform.filled(path)
        for role in ROLES:
            answer = platform.call(role, method, target, body=body, **query)
            found[name, role] = Seen(answer, platform.asked)
    return found


WORDS = {"auth.token_invalid": "login", "subject.not_found": "none", "event.not_found": "none"}


def outcome(answer: Any) -> str:
    """Return the table's word: what a wall says, and `yes` for all that lies behind it."""
    if answer.status_code not in (401, 403, 404):
        return "yes"
    body = answer.json()
    code = body.get("code", body.get("error"))
    if answer.status_code == 404 and code not in WORDS:
        return "yes"
    return WORDS.get(code, code)


WAITS = ("/v1/consignments",)
"""Of goods on their way: some of these are asked under the lock only."""


@contextlib.contextmanager
def written(database: Database) -> Iterator[None]:
    """Write everything that has events at once, for as long as this lasts."""
    tables = [
        mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, Subject)
    ]
    with database.engine.connect() as connection:
        for one in tables:
            connection.execute(select(one.c.id).with_for_update())
        yield
        connection.rollback()


PARTIES = ("core", "other_core", "sme", "other_sme", "bank", "other_bank", "regulator")


def pages(platform: Walls, role: str) -> list[dict[str, Any]]:
    """Return a party's whole feed."""
    return platform.call(role, "GET", "/v1/events", limit=500).json()["items"]


class TestTable:
    def test_every_operation_has_its_row_and_no_other(self, table, operations):
        assert sorted(table) == sorted(operations)

    def test_every_cell_holds(self, table, walked):
        differ = []
        for (name, role), seen in walked.items():
            word, answer = table[name][ROLES.index(role)], seen.answer
            assert answer.status_code < 500, (name, role, answer.text)
            assert "request.invalid" not in answer.text, (name, role, answer.text)
            if (found := outcome(answer)) != word:
                differ.append((name, role, word, found, answer.text[:200]))
        assert differ == []

    def test_every_refusal_leads_to_the_row_that_explains_it(self, platform, walked):
        page, told = platform.call("anonymous", "GET", "/docs/errors"), set()
        for seen in walked.values():
            if seen.answer.headers.get("content-type") == "application/problem+json":
                told.add(seen.answer.json()["type"])

        assert page.status_code == 200
        assert len(told) > 30
        for type_ in told:
            place, _, code = type_.partition("#")
            assert (place, f'id="{code}"' in page.text) == ("/docs/errors", True), type_


class TestNeighbours:
    def test_anothers_thing_and_none_look_the_same(
        self, platform, table, operations, bodies, walked
    ):
        """Same status, code, body, headers, and the same questions to the database."""
        differ = []
        for (name, role), seen in walked.items():
            method, path = name.split()
            word = table[name][ROLES.index(role)]
            if word != "none" or "{" not in path or role not in (*STRANGERS, "regulator"):
                continue
            body, query = bodies.of(operations[name]), bodies.query(operations[name])
            target = platform.filled(path, nowhere=True)
            nobodys = Seen(platform.call(role, method, target, body=body, **query), platform.asked)
            counted = slice(3) if path.startswith(WAITS) else slice(None)  # their questions differ
            if seen.parts[counted] != nobodys.parts[counted]:
                same = [one == other for one, other in zip(seen.parts, nobodys.parts, strict=True)]
                differ.append((name, role, same))
        assert differ == [], [one[:2] for one in differ]

    def test_a_stranger_waits_for_nobody(self, platform, table, operations, bodies):
        """Whoever knows an id cannot tell by waiting that somebody is writing what has it."""
        waited = []
        with written(platform.desk.stage.database):
            for name, row in table.items():
                method, path = name.split()
                if method != "POST" or path.startswith(WAITS):
                    continue
                body, query = bodies.of(operations[name]), bodies.query(operations[name])
                for role in STRANGERS:
                    if row[ROLES.index(role)] == "none":
                        target = platform.filled(path)
                        answer = platform.call(role, method, target, body=body, **query)
                        waited += [(name, role)] if outcome(answer) != "none" else []
        assert waited == []

    def test_anothers_thing_named_in_a_body_is_none_either(
        self, platform, operations, bodies, walked
    ):
        """What a stranger is answered about a neighbour's ids in a body is what it is about no one's."""
        nobodys = Bodies(platform.app.openapi(), platform.nobodys)
        differ = []
        for name, operation in operations.items():
            method, path = name.split()
            bodies_ = bodies.of(operation), nobodys.of(operation)
            if method != "POST" or bodies_[0] == bodies_[1]:
                continue
            target = platform.filled(path, nowhere=True)
            for role in STRANGERS:
                if outcome(walked[name, role].answer) == "auth.scope_insufficient":
                    continue  # refused for who it is, whatever it names
                query = bodies.query(operation)
                shown = []
                for body in bodies_:
                    answer = platform.call(role, method, target, body=body, **query)
                    shown.append((answer.status_code, platform.masked(answer.text), platform.asked))
                counted = slice(2) if path.startswith(WAITS) else slice(None)
                if shown[0][counted] != shown[1][counted]:
                    differ.append((name, role, shown))
        assert differ == []

    def test_no_list_or_figure_tells_a_stranger_of_others(self, platform, operations, bodies):
        """Ids, codes, names, numbers and amounts of the neighbours stand in no answer to a stranger."""
        cast = platform.desk.stage.cast
        secrets = {
            *(value for value in platform.ids.values() if len(value) > len(NOWHERE)),
            *(cast.supplier.name, cast.supplier.uscc, "1245000", "1,245,000", "996000"),
        } - {platform.ids[own] for own in ("programme_id", "authority_id", "series_id")}
        told = []
        for name, operation in operations.items():
            method, path = name.split()
            if method != "GET" or path.startswith(PUBLIC) or "template" in path:
                continue
            for role in STRANGERS:
                target, query = platform.filled(path, nowhere=True), bodies.query(operation)
                answer = platform.call(role, method, target, **query)
                own = {platform.ids["hold_id"]} if role == "outside_bank" else set()
                told += [(name, role, one) for one in secrets - own if one in answer.text]
        assert told == []

    def test_anothers_cursor_opens_no_others_list(self, platform, operations, walked):
        """A cursor is a place, not a key: with a neighbour's id a stranger sees what it sees without."""
        prefixes = {value.partition("_")[0]: value for value in platform.ids.values()}
        tried = 0
        for name, operation in operations.items():
            method, path = name.split()
            names = {one["name"] for one in operation.get("parameters", ())}
            if method != "GET" or "cursor" not in names or "{" in path:
                continue
            for role in ("other_sme", "other_bank"):
                plain = walked[name, role].answer
                if plain.status_code != 200 or "json" not in plain.headers["content-type"]:
                    continue
                wanted = platform.call(role, "GET", path, cursor="x").json()["fields"]
                if "expected" not in wanted:  # a place that is a date
                    continue
                prefix = wanted["expected"].partition("_")[0]
                cursor = prefixes.get(prefix, f"{prefix}_{NOWHERE}")
                answer = platform.call(role, "GET", path, cursor=cursor)
                if answer.status_code == 422:  # a place of several parts
                    continue
                shown, tried = plain.json()["items"], tried + 1
                assert [one for one in answer.json()["items"] if one not in shown] == [], name
        assert tried > 40

    def test_filters_by_anothers_id_find_nothing(self, platform, operations):
        ids = platform.ids
        for path, query in {
            "/v1/rule-results": {"subject": ids["receivable_id"]},
            "/v1/confirmation-requests": {"receivable": ids["receivable_id"]},
            "/v1/approval-cases": {"financing": ids["financing_id"]},
            "/v1/red-notes": {"document": ids["document_id"]},
            "/v1/documents": {"number": "25500000000000000001"},
            "/v1/tasks": {"subject": ids["pledge_id"]},
            "/v1/maturities": {"supplier": ids["party_id"]},
            "/v1/payables": {"job": ids["job_id"]},
        }.items():
            for role in ("other_core", "other_sme", "other_bank"):
                answers = [
                    platform.call(role, "GET", path, **{**query, key: nowhere})
                    for key, value in query.items()
                    for nowhere in (value, value[:4] + NOWHERE if "_" in value[:4] else "2550")
                ]
                assert [one.text for one in answers] == [answers[0].text] * len(answers), path

    def test_an_answer_given_before_is_its_clients_own(self, platform):
        """An Idempotency-Key that another used is as good as a fresh one."""
        stage = platform.desk.stage
        bank, other = stage.cast.bank, stage.cast.second_bank
        path = f"/v1/pledges/{platform.ids['pledge_id']}/give-up"
        first = stage.post(bank, path, {"reason": "x"}, key="shared")
        second = stage.post(other, path, {"reason": "x"}, key="shared")
        assert (first.status_code, second.status_code) == (409, 404)
        assert "idempotency-replayed" not in second.headers

    def test_no_version_can_be_guessed(self, platform, table, operations, bodies, walked):
        """A version that a thing has, or has not, changes nothing for whoever may not see it."""
        headers = {"If-Match": '"999"', "If-None-Match": "*"}
        for (name, role), seen in walked.items():
            method, path = name.split()
            if table[name][ROLES.index(role)] != "none" or role != "other_bank" or "{" not in path:
                continue
            body, query = bodies.of(operations[name]), bodies.query(operations[name])
            target = platform.filled(path)
            answer = platform.call(role, method, target, body=body, headers=headers, **query)
            assert Seen(answer, platform.asked).parts == seen.parts, name

    def test_a_guessed_invoice_number_tells_nothing(self, platform):
        """An invoice of one's own under a neighbour's number is answered as under one that nobody has."""
        seller, shown = platform.desk.stage.cast.second_supplier, []
        neighbours = platform.call("sme", "GET", platform.filled("/v1/documents/{document_id}"))
        for number in (neighbours.json()["number"], "25509999999999999999"):
            original = cn_einvoice(number=number, seller=seller.uscc)
            answer = platform.call("other_sme", "POST", "/v1/documents", body=original)
            said = answer.json()["document"]
            for its_own in ("id", "number", "registered_at", "original_sha256"):
                said.pop(its_own)
            shown.append((answer.status_code, answer.json()["verdict"], said, platform.asked))
        assert shown[0] == shown[1]
        assert shown[0][:2] == (200, "accepted")

    def test_every_filter_by_anothers_id_is_as_by_nobodys(self, platform, operations, bodies):
        nobodys, tried = Bodies(platform.app.openapi(), platform.nobodys), 0
        for name, operation in operations.items():
            method, path = name.split()
            if method != "GET" or "{" in path:
                continue
            for one in operation.get("parameters", ()):
                values = [made.id_of(one["schema"]) for made in (bodies, nobodys)]
                if one["in"] != "query" or None in values or one["name"] == "programme":
                    continue
                for role in ("other_core", "other_sme", "other_bank"):
                    query = bodies.query(operation)
                    shown, tried = [], tried + 1
                    for value in values:
                        answer = platform.call(role, "GET", path, **query | {one["name"]: value})
                        dated = "json" not in answer.headers["content-type"]  # a workbook says when
                        text = "" if dated else platform.masked(answer.text)
                        shown.append((answer.status_code, text, platform.asked))
                    assert shown[0] == shown[1], (name, role, one["name"])
        assert tried > 10

    def test_readiness_and_refusals_tell_no_detail(self, platform):
        """What anybody is told where nothing is asked: the same words, and no place in the code."""
        for path in ("/readyz", "/healthz"):
            assert platform.call("anonymous", "GET", path).json() == {"status": "ok"}
        for path in ("/nowhere", "/log/tile/0/999", "/v1/parties/%00"):
            text = platform.call("anonymous", "GET", path).text
            assert "Traceback" not in text
            assert ".py" not in text

    def test_metrics_are_the_operators_and_name_no_party(self, platform):
        cast = platform.desk.stage.cast
        answers = {role: platform.call(role, "GET", "/metrics").status_code for role in ROLES}
        assert answers == {"anonymous": 401, "operator": 200} | dict.fromkeys(ROLES[2:], 403)
        page = platform.call("operator", "GET", "/metrics").text
        for company in (cast.anchor, cast.supplier, cast.bank):
            for secret in (company.id, company.uscc, company.name, str(company.party_id)):
                assert secret not in page
        assert not re.search(r"\b[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}\b", page)

    def test_the_public_logs_entries_cannot_be_linked(self, platform):
        """Tags of one subject, of one party: all different, without a common part; entries of one size."""
        stage = platform.desk.stage
        with stage.database.reading() as session:
            rows = session.query(Event.subject_id, Event.tag, Event.body_hash).all()
        tags = [row.tag for row in rows]
        assert len({row.subject_id for row in rows}) < len(rows) == len(set(tags))
        assert {len(tag) for tag in tags} == {len(tags[0])}
        assert len({tag[:4] for tag in tags}) == len(tags)

    def test_the_same_paper_elsewhere_names_nobody(self, platform):
        """A paper held elsewhere: that no more is left, and no more."""
        held = platform.call(
            "outside_bank",
            "POST",
            "/v1/blind/holds",
            body={
                "token": "0x" + "ab" * 32,
                "amount": {"amount": "1.00", "currency": "CNY"},
                "document_value": {"amount": "2.00", "currency": "CNY"},
                "ttl_seconds": 60,
            },
        )
        assert set(held.json()) == {"answer", "hold"}


class TestDisclosure:
    def test_who_sees_which_fields_and_every_view_verifies(self, platform):
        """Each party's view of each event: the fields of the table, under the one hash that is logged."""
        stage = platform.desk.stage
        rows = tomllib.loads((FOLDER / "disclosure.toml").read_text())["events"]
        with stage.database.reading() as session:
            content = trust.build(
                logs=[(stage.settings.log_origin, str(platform.signer.verifier), None)],
                authorities=parties.authorities(session),
            )
        trusted, whole = trust.parse(content), {}
        for item in pages(platform, "operator"):
            whole[item["id"]] = item
        found: dict[str, dict[str, set[str]]] = {}
        for role in PARTIES:
            for item in pages(platform, role):
                full = whole[item["id"]]
                assert item["hash"] == full["hash"]
                assert item["record"].items() <= full["record"].items()
                hidden = full["record"].keys() - item["record"].keys()
                found.setdefault(item["type"], {}).setdefault(role, set()).update(hidden)
                file = platform.call(role, "GET", f"/v1/events/{item['id']}/proof").content
                assert verify_file(file, trusted).passed, (role, item)
                if "holder" in hidden and (holder := full["record"]["holder"]) is not None:
                    assert holder.encode() not in file
        shown = {
            type_: {role: sorted(hidden) for role, hidden in by_role.items()}
            for type_, by_role in found.items()
        }
        assert shown == rows
        assert {role for by_role in rows.values() for role in by_role} == {"core", "sme", "bank"}
