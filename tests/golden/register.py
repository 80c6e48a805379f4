"""What a register of its own key says over the story's registration; written without the verifier."""

from dataclasses import replace

from tests.golden import formats as f
from tests.golden import story


def make_receipt(told, *, ca=story.REGISTRY_CA, word="register", crl=None, **said):
    """What the register signs over the story's registration, bent where asked."""
    key, certificate = f.make_certificate(
        ca, uscc=story.REGISTER, person=f.make_id("per", word), word=word
    )
    record = told.records["registered"]
    terms = told.records["signed"]
    payload = {
        "format": "scf-receipt/1",
        "reference": story.PLEDGE,
        "number": record["reg_no"],
        "initial_no": record["reg_no"],
        "registered_at": record["registered_at"],
        "expires_on": "2026-08-10",
        "secured_party": story.BANK,
        "grantor": story.SUPPLIER,
        "contract_no": terms["principal"]["contract_sha256"],
        "amount": terms["principal"]["amount"],
        "certificate_sha256": record["certificate_sha256"],
        **said,
    }
    return {
        "jws": f.sign_statement(f.rfc8785.dumps(payload), key, certificate, typ="scf-receipt+jws"),
        "certificate": f.pem(certificate),
        "revocations": f.b64(crl or f.make_crl(ca)),
    }


def with_receipt(told, receipt, *, step="registered"):
    """The story's proof with a receipt beside a step, for a verifier that lists the register's authority."""
    number = story.FILE_STEPS.index(step)
    entries = list(told.proof["entries"])
    entries[number] = {**entries[number], "receipt": receipt}
    listed = {"pem": f.pem(story.REGISTRY_CA[1]), "scope": "registry"}
    return replace(
        told,
        proof={**told.proof, "entries": entries},
        trust={**told.trust, "cas": [*told.trust["cas"], listed]},
    )
