"""Reading refusals."""

from typing import Any

import httpx


def refusal(
    answer: httpx.Response, status: int, code: str, field: str | None = None
) -> dict[str, Any]:
    """Assert that it is the problem with this code, about this field; return it."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert answer.json()["field"] == field
    problem: dict[str, Any] = answer.json()
    return problem
