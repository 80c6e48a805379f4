"""The register's certificates as papers and as facts: written by the simulator, compared with what was filed."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from scf.kernel.clock import instant_text, parse_date, parse_instant, wall_text
from scf.kernel.money import Money
from scf.papers.layouts import Paper, Row, Section, marks
from scf.registry.port import (
    Business,
    Certificate,
    Enrolled,
    EntryKind,
    Finding,
    SearchResult,
)
from scf_ledger import canonical
from scf_ledger.encoding import b64url, from_b64url

REGISTRATION: Final = "动产担保登记证明"
SEARCH: Final = "动产担保查询证明"
NOTE: Final = "登记内容由填表人填写，登记机构不对登记内容进行实质审查。"
PARTY_SECURED: Final = "担保权人信息"
PARTY_GRANTOR: Final = "担保人信息"
COLLATERAL: Final = "担保财产信息"
FOUND: Final = "登记记录"
REMARK: Final = "说明"
NOTHING_FOUND: Final = "截至查询时点，未查询到该担保人名下的有效登记。"


def registration_paper(certificate: Certificate) -> Paper:
    """Lay a 登记证明 out as the register does."""
    at = certificate.registered_at
    reason = [Row("变更（注销）事项", certificate.reason)] if certificate.reason else []
    return Paper(
        title=f"{REGISTRATION}—{certificate.kind.value}",
        number=certificate.number,
        at=at,
        marks=marks(certificate.grantor.name),
        head=[
            Row("登记证明编号", certificate.number),
            Row("初始登记编号", certificate.initial_no),
            Row("登记时间", wall_time(at)),
            Row("登记到期日", certificate.expires_on.isoformat()),
            Row("交易业务类型", certificate.business.value),
            *reason,
        ],
        preamble="",
        sections=[
            Section(PARTY_SECURED, _party(certificate.secured_party)),
            Section(PARTY_GRANTOR, _party(certificate.grantor)),
            Section(
                COLLATERAL,
                [
                    Row("主合同号码", certificate.contract_no),
                    Row("主合同币种", certificate.amount.currency),
                    Row("主合同金额", certificate.amount.text),
                    Row(certificate.business.items_label, "、".join(certificate.items)),
                    Row("担保财产描述", certificate.description),
                ],
            ),
            Section(REMARK, [], NOTE),
        ],
    )


def search_paper(result: SearchResult) -> Paper:
    """Lay a 查询证明 out as the register does."""
    return Paper(
        title=SEARCH,
        number=result.cert_no,
        at=result.searched_at,
        marks=marks(result.grantor.name),
        head=[
            Row("查询证明编号", result.cert_no),
            Row("查询时间", wall_time(result.searched_at)),
            Row("担保人名称", result.grantor.name),
            Row("统一社会信用代码", result.grantor.uscc),
            Row("有效登记笔数", str(len(result.findings))),
        ],
        preamble="",
        sections=[
            *(_found(number, finding) for number, finding in enumerate(result.findings, start=1)),
            Section(REMARK, [], NOTE if result.findings else NOTHING_FOUND),
        ],
    )


def _found(number: int, finding: Finding) -> Section:
    return Section(
        f"{FOUND}{number}",
        [
            Row("登记证明编号", finding.reg_no),
            Row("登记时间", wall_time(finding.registered_at)),
            Row("担保权人名称", finding.secured_party.name),
            Row("统一社会信用代码", finding.secured_party.uscc),
            Row("发票号码", "、".join(finding.items)),
            Row("担保财产描述", finding.description),
        ],
    )


def wall_time(at: datetime) -> str:
    """Return an instant as the register prints it: the time in Beijing, to the second."""
    return wall_text(at)


def _party(party: Enrolled) -> list[Row]:
    return [Row("名称", party.name), Row("统一社会信用代码", party.uscc)]


def registration_facts(certificate: Certificate) -> dict[str, Any]:
    """Return a 登记证明 as the JSON that its machine-readable form is."""
    return {
        "kind": f"登记证明-{certificate.kind.value}",
        "reg_no": certificate.number,
        "initial_no": certificate.initial_no,
        "registered_at": instant_text(certificate.registered_at),
        "expires_on": certificate.expires_on.isoformat(),
        "business": certificate.business.value,
        "secured_party": enrolled_facts(certificate.secured_party),
        "grantor": enrolled_facts(certificate.grantor),
        "contract_no": certificate.contract_no,
        "amount": certificate.amount.text,
        "currency": certificate.amount.currency,
        "description": certificate.description,
        "items": list(certificate.items),
        "reason": certificate.reason,
    }


def read_registration(facts: dict[str, Any]) -> Certificate:
    """Read a 登记证明's JSON. Raises KeyError, TypeError, ValueError, SCFError where it is none."""
    return Certificate(
        kind=EntryKind(_text(facts, "kind").removeprefix("登记证明-")),
        number=_text(facts, "reg_no"),
        initial_no=_text(facts, "initial_no"),
        registered_at=parse_instant(facts["registered_at"]),
        expires_on=parse_date(facts["expires_on"]),
        business=Business(facts["business"]),
        secured_party=read_enrolled(facts["secured_party"]),
        grantor=read_enrolled(facts["grantor"]),
        contract_no=_text(facts, "contract_no"),
        amount=Money.parse(facts["amount"], facts["currency"]),
        description=_text(facts, "description"),
        items=_texts(facts, "items"),
        reason=_text(facts, "reason"),
    )


def finding_facts(finding: Finding) -> dict[str, Any]:
    """Return one entry of a 查询证明 as JSON."""
    return {
        "reg_no": finding.reg_no,
        "registered_at": instant_text(finding.registered_at),
        "secured_party": enrolled_facts(finding.secured_party),
        "description": finding.description,
        "items": list(finding.items),
    }


def read_finding(facts: dict[str, Any]) -> Finding:
    """Read one entry of a 查询证明. Raises KeyError, TypeError, ValueError, SCFError where it is none."""
    return Finding(
        reg_no=_text(facts, "reg_no"),
        registered_at=parse_instant(facts["registered_at"]),
        secured_party=read_enrolled(facts["secured_party"]),
        description=_text(facts, "description"),
        items=_texts(facts, "items"),
    )


def search_facts(result: SearchResult) -> dict[str, Any]:
    """Return a 查询证明 as the JSON that its machine-readable form is."""
    return {
        "kind": "查询证明",
        "cert_no": result.cert_no,
        "grantor": enrolled_facts(result.grantor),
        "searched_at": instant_text(result.searched_at),
        "results": [finding_facts(finding) for finding in result.findings],
        "results_hash": b64url(results_hash(result.findings)),
    }


def read_search(facts: dict[str, Any]) -> SearchResult:
    """Read a 查询证明's JSON. Raises KeyError, TypeError, ValueError, SCFError where it is none."""
    findings = tuple(map(read_finding, facts["results"]))
    digest = results_hash(findings)
    if from_b64url(facts["results_hash"]) != digest:
        raise ValueError("results_hash")
    return SearchResult(
        cert_no=_text(facts, "cert_no"),
        grantor=read_enrolled(facts["grantor"]),
        searched_at=parse_instant(facts["searched_at"]),
        findings=findings,
        results_hash=digest,
        certificate=canonical.encode(facts),
    )


def results_hash(findings: Iterable[Finding]) -> bytes:
    """Return SHA-256 of the canonical list of what a search found."""
    listed = [finding_facts(finding) for finding in findings]
    return hashlib.sha256(canonical.encode(listed)).digest()


def enrolled_facts(party: Enrolled) -> dict[str, str]:
    """Return a party as JSON."""
    return {"name": party.name, "uscc": party.uscc}


def read_enrolled(facts: dict[str, Any]) -> Enrolled:
    """Read a party. Raises KeyError, TypeError where it is none."""
    return Enrolled(name=_text(facts, "name"), uscc=_text(facts, "uscc"))


def _text(facts: dict[str, Any], key: str) -> str:
    value = facts[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value


def _texts(facts: dict[str, Any], key: str) -> tuple[str, ...]:
    value = facts[key]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(key)
    return tuple(value)
