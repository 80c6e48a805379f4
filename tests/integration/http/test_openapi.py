"""The API against its own description: whatever is sent, the answer is one that it promises."""

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.log import a_log

EXAMPLES = 8  # requests to each operation, each by one of four callers
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def operations(stage):
    a_log(stage.database)
    schema = schemathesis.openapi.from_asgi("/openapi.json", stage.http.app)
    return [found.ok() for found in schema.get_all_operations()]


def test_every_answer_is_as_described(stage, operations):
    supplier = stage.cast.supplier
    callers = st.sampled_from([supplier, stage.cast.anchor, stage.cast.bank, None])
    (hand,) = supplier.people.values()
    there = {
        "party_id": supplier.id,
        "person_id": hand.person,
        "programme_id": stage.cast.programme,
    }
    statuses = set()

    def answers(case, who, real):
        if real and not case.path.endswith(("/revoke", "/erase")):
            known = there.keys() & case.path_parameters.keys()
            case.path_parameters.update({name: there[name] for name in known})
        answer = case.call(headers=stage.headers(who))
        case.validate_response(answer, checks=CHECKS)
        statuses.add(answer.status_code)

    for operation in operations:
        drawn = given(operation.as_strategy(), callers, st.booleans())(answers)
        settings(max_examples=EXAMPLES, derandomize=True, database=None)(drawn)()
    assert {200, 401, 403, 404, 422} <= statuses
