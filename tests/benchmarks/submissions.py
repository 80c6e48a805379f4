"""Lines of payables for the benchmarks to submit, one document each."""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from scf.kernel.ids import public_id
from tests.benchmarks.installation import Installation

_numbers = count(1)


def line(installation: Installation, document: UUID) -> dict[str, Any]:
    """A `SubmissionIn`, as an ERP would send it."""
    return {
        "programme": installation.cast.programme,
        "line_no": f"DZ-2025-10-{next(_numbers):07}",
        "documents": [public_id("doc", document)],
        "claimed": {"amount": "113.00", "currency": "CNY"},
        "contract_no": "HT-2025-018",
        "receipt_no": "RK-20251020-03",
        "delivered_on": "2025-10-20",
        "due_on": "2025-12-19",
    }


def headers(installation: Installation) -> Mapping[str, str]:
    """The supplier's token and a fresh key."""
    return {
        "Authorization": f"Bearer {installation.cast.supplier.token}",
        "Idempotency-Key": uuid4().hex,
    }


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()
