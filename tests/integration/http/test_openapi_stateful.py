"""Chains of requests over a platform with business under way: what one answer names, the next acts on.

Links lead from collections to their members. Every id that was told anywhere stands in for the invented
ones of its kind, in paths and bodies, so that requests get past "not found" and meet states and rules.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.generation.stateful import APIStateMachine
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from scf.db.session import Database
from tests.support.actors import Stage
from tests.support.banking import entry, told
from tests.support.clock import asked
from tests.support.invitations import invited
from tests.support.lending import Desk, lending_desk
from tests.support.log import a_log
from tests.support.receivables import (
    confirmed_receivable,
    money,
    pay_to,
    register_invoice,
    submit,
)
from tests.support.services import Servers, fresh_database

SETTINGS = settings(
    max_examples=9,  # with fewer a change of the description alone can leave no link that leads anywhere
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
AN_ID = re.compile(r"\b([a-z]{3})_[0-7][0-9a-hjkmnp-tv-z]{25}\b")
LISTS = (
    *("/v1/parties", "/v1/programmes", "/v1/invitations", "/v1/documents", "/v1/receivables"),
    *("/v1/confirmation-requests", "/v1/red-notes", "/v1/financings", "/v1/pledges"),
    *("/v1/payment-orders", "/v1/bank-entries", "/v1/events"),
)


@pytest.fixture(scope="module")
def desk(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with fresh_database(servers) as database_url, lending_desk(database_url, folder) as found:
        yield found


def under_way(desk: Desk) -> None:
    """Something of every kind: asked for, confirmed, pledged, noted, ordered, told by a bank."""
    stage, cast = desk.stage, desk.stage.cast
    a_log(stage.database)
    desk.ready_pledge(desk.receivable())
    asked(stage)
    submit(stage)
    invited(stage)
    document = register_invoice(stage, cast.supplier, total="113.00")
    note = {"form_no": "5001182511030001", "reason": "销售折让", "used": True}
    amounts = {"net": money("10.00"), "tax": money("1.30")}
    desk.did(cast.supplier, "/v1/red-notes", {"document": document, **note, **amounts})
    owed = confirmed_receivable(stage)["id"]
    clerk, _ = cast.anchor.signers("confirm")
    order = {"account": pay_to(cast.bank), "execute_on": "2025-12-19", "maker": clerk}
    desk.did(cast.anchor, "/v1/payment-orders", order | {"lines": [{"receivable": owed}]})
    told(stage, cast.bank, entry(1, 5_000, receivable=owed))


def stand_in(value: Any, known: dict[str, list[str]]) -> Any:
    """Put ids that were told in the place of invented ones of the same kind, all through a value."""
    if isinstance(value, dict):
        return {name: stand_in(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [stand_in(one, known) for one in value]
    found = AN_ID.fullmatch(value) if isinstance(value, str) else None
    ids = known[found[1]] if found else []
    if not ids or value in ids:
        return value
    return ids[crc32(value.encode()) % len(ids)]


def gather(text: str, known: dict[str, list[str]]) -> None:
    """Remember the ids in an answer, in the order told."""
    for found in AN_ID.finditer(text):
        if found[0] not in known[found[1]]:
            known[found[1]].append(found[0])


def told_already(stage: Stage) -> dict[str, list[str]]:
    """Every id that the parties can list."""
    known = defaultdict(list)
    for path, who in itertools.product(LISTS, (stage.cast.supplier, stage.cast.anchor)):
        gather(stage.get(who, path).text, known)
    return known


def chains(
    stage: Stage, servers: Servers, told: dict[str, list[str]], met: dict[str, set[int]]
) -> type[APIStateMachine]:
    """The machine. Each scenario has a copy of its own: the same draws meet the same state."""
    app, cast = stage.http.app, stage.cast
    callers = [cast.supplier, cast.anchor, cast.bank, cast.regulator, None]
    stage.database.engine.dispose()  # nobody looks on while it is copied
    seeded = urlsplit(stage.settings.database_url).path[1:]
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    schema.config.phases.stateful.inference.algorithms = []  # the description's own links
    schema.config.generation.update(modes=[GenerationMode.POSITIVE])

    class Chains(schema.as_state_machine()):
        def setup(self):
            self.caller = None
            self.known = defaultdict(list, {kind: [*ids] for kind, ids in told.items()})
            self.copy = ExitStack()
            url = self.copy.enter_context(fresh_database(servers, seeded))
            app.state.database = Database(url, pool_size=1)
            self.copy.callback(app.state.database.close)

        def teardown(self):
            self.copy.close()

        def before_call(self, case):
            case.path_parameters = stand_in(case.path_parameters, self.known)
            case.query = stand_in(case.query, self.known)
            case.body = stand_in(case.body, self.known)
            case.headers.pop("If-Match", None)  # invented ones only say that the version moved
            if self.caller is None:  # by what was drawn: the same draws, the same party
                self.caller = stage.headers(
                    callers[crc32(repr(case.query).encode()) % len(callers)]
                )

        def get_call_kwargs(self, case):
            return {"headers": {**self.caller, "Idempotency-Key": case.id}}

        def after_call(self, response, case):
            super().after_call(response, case)
            met[case.operation.label].add(response.status_code)
            if response.status_code < HTTPStatus.BAD_REQUEST:
                gather(response.content.decode(errors="replace"), self.known)

        def validate_response(self, response, case, **_):
            case.validate_response(response, checks=CHECKS)

    return Chains


def test_no_chain_of_requests_meets_a_defect(desk, servers):
    under_way(desk)
    met = defaultdict(set)

    chains(desk.stage, servers, told_already(desk.stage), met).run(settings=SETTINGS)

    past = {label for label, answers in met.items() if min(answers) < HTTPStatus.BAD_REQUEST}
    assert any("_id}" in label for label in past), "no link led to anything"
    assert {200, 403, 404, 422} <= set().union(*met.values())
