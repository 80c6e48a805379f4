"""A signed paper, from its authorizations alone: what was signed is what is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from scf.kernel.clock import parse_instant
from scf.papers import layouts
from scf.papers.layouts import Attachment, Paper, Row, Section
from scf.parties import rendering
from scf.parties.security_forms import form_of
from scf_ledger import jws
from scf_ledger.encoding import b64url
from scf_ledger.statement import authorization_hash, split_authorization

_MEDIA_TYPE: Final = "application/jose"
NameOf = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class _Signed:
    """One authorization taken apart; of a basket, the statement is the line that it shows."""

    text: str
    value: dict[str, Any]
    thumbprint: str
    hash: bytes

    @classmethod
    def read(cls, authorization: str) -> Self:
        signed, lines = split_authorization(authorization)
        parsed = jws.parse(signed)
        value = rendering.members(parsed.payload)
        for line in lines:
            value = rendering.with_line(value, line)
        return cls(authorization, value, parsed.thumbprint, authorization_hash(signed))


def read_signed(authorizations: Sequence[str], *, name_of: NameOf = lambda _: None) -> Paper:
    """Return the paper that was signed, by one hand or by maker and checker.

    `authorizations` are as events name them: a compact JWS, or `<jws>~<line>~` of a basket. `name_of` says
    the name of a person id, where this reader may see it. Raises scf_ledger.errors.LedgerError for other
    texts.
    """
    signed = [_Signed.read(text) for text in authorizations]
    first = signed[0].value
    assert all(one.value["content"] == first["content"] for one in signed), "hands sign one content"
    body, form = rendering.body_of(first), form_of(first)
    return Paper(
        title=form.title,
        number=first["id"],
        at=parse_instant(first["issued_at"]),
        marks=layouts.marks(*body.names.by_code.values()),
        head=[Row("签署单位", body.names.party(first["party"]), "party")],
        preamble=form.preamble,
        sections=[
            *body.sections,
            Section("依据", [*rendering.about(first), rendering.origin(first)]),
            *(_signature(one, name_of(one.value["person"])) for one in signed),
        ],
        attachments=[
            Attachment(f"{one.value['id']}.jws", _MEDIA_TYPE, one.text, "签署的原文与电子签名")
            for one in signed
        ],
    )


def _signature(signed: _Signed, name: str | None) -> Section:
    value = signed.value
    step = value.get("step")
    rows = [
        Row("文件编号", value["id"], "id"),
        *rendering.signature(value),
        *([Row("签署人姓名", name)] if name else []),
        Row("数字证书指纹", signed.thumbprint, "x5t#S256"),
        Row("授权摘要", b64url(signed.hash)),
    ]
    return Section(f"电子签名（{rendering.STEPS[step]}）" if step else "电子签名", rows)
