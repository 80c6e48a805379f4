"""Verifying what the golden story tells, and which fragments fail."""

from scf_ledger import trust
from scf_ledger.verify import verify_file
from tests.golden import formats as f


def verify(told, **require):
    believed = told.trust if not require else {**told.trust, "require": require}
    return verify_file(told.proof_bytes, trust.parse(f.as_json(believed)))


def failing(report):
    return {
        name.value: outcome.code
        for name, outcome in report.fragments.items()
        if outcome.status == "fail"
    }
