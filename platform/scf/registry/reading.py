"""The register's certificates read back from their PDF: what a person who registered by hand hands in.

A certificate is a form: numbered sections, in each a label and its text on a line, continued on the next ones.
Only the labels of the section that is open are looked for, each once and in their order, so that a text that
happens to look like a label ends nothing but itself; what is missing or there twice makes it no certificate.
"""

import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pypdf import Configuration, PageObject, PdfReader, apply_configuration

from scf.kernel.clock import SHANGHAI, parse_date
from scf.kernel.errors import Invalid, SCFError, TooLarge
from scf.kernel.money import Money
from scf.registry.certificates import (
    COLLATERAL,
    FOUND,
    PARTY_GRANTOR,
    PARTY_SECURED,
    REGISTRATION,
    REMARK,
    SEARCH,
    results_hash,
)
from scf.registry.port import (
    Business,
    Certificate,
    Enrolled,
    EntryKind,
    Finding,
    SearchResult,
)

BYTES_MAX: Final = 5_000_000
PAGES_MAX: Final = 60
CURRENCIES: Final = {"人民币": "CNY", "人民币元": "CNY"}
_LABELS: Final[Mapping[str, Sequence[str]]] = {
    "": (
        *("登记证明编号", "初始登记编号", "登记时间", "登记到期日", "交易业务类型"),
        *("变更（注销）事项", "查询证明编号", "查询时间", "担保人名称", "统一社会信用代码"),
        "有效登记笔数",
    ),
    PARTY_SECURED: ("名称", "统一社会信用代码"),
    PARTY_GRANTOR: ("名称", "统一社会信用代码"),
    COLLATERAL: (
        *("主合同号码", "主合同币种", "主合同金额", "发票号码", "仓单编号"),
        "担保财产描述",
    ),
    REMARK: (),
    FOUND: (
        *("登记证明编号", "登记时间", "担保权人名称", "统一社会信用代码", "发票号码"),
        "担保财产描述",
    ),
}
"""The labels of each section in their order; before the first section stands the head."""
_SECTION: Final = re.compile(r"[一二三四五六七八九十百]+、(\S+?)(\d*)$")
_BOUNDS: Final = Configuration(
    zlib_maximum_output_length=20_000_000,
    stream_parsing_work_maximum_count=100_000,
    xform_maximum_invocations_per_extraction=50,
)
"""What one stream of a PDF may unfold to, in bytes, in operators and in forms within; a full page has 5,000."""
_LEVEL: Final = 1e-6
_FOOTER: Final = re.compile(r"\S*\s*第\s*\d+\s*页，共\s*\d+\s*页$")


class PaperUnreadable(Invalid):
    """What is handed in is the register's certificate, as a PDF with its text in it, not a picture of one."""

    code = "registry.paper_unreadable"
    title = "无法识别该登记（查询）证明，请上传登记系统出具的 PDF 原件"
    title_en = "This is not a certificate of the register that can be read: hand in its own PDF"


class PaperTooLarge(TooLarge):
    """A certificate has some pages."""

    code = "registry.paper_too_large"
    title = "登记（查询）证明文件过大"
    title_en = "The certificate is too large"


@dataclass(slots=True)
class _Part:
    """A section as it is read: what stands behind each label."""

    title: str
    texts: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, label: str) -> str:
        if label not in self.texts:
            raise PaperUnreadable(field=label, section=self.title or "首部")
        return self.texts[label]


def read_paper(pdf: bytes) -> Certificate | SearchResult:
    """Read a certificate of the register, a 登记证明 or a 查询证明. Raises PaperUnreadable, PaperTooLarge."""
    title, *lines = list(_lines(pdf)) or [""]
    head, *parts = _parts(lines)
    if len({part.title for part in parts}) != len(parts):
        raise PaperUnreadable(reason="a section twice")
    found = [part for part in parts if part.title != REMARK]
    try:
        if title.startswith(REGISTRATION):
            return _registration(title, head, {part.title: part for part in parts})
        if title.startswith(SEARCH):
            return _search(head, found, pdf)
    except (KeyError, ValueError, SCFError) as error:
        if isinstance(error, PaperUnreadable):
            raise
        raise PaperUnreadable(reason=str(error)[:100]) from error
    raise PaperUnreadable(title=title[:40])


def _lines(pdf: bytes) -> Iterator[str]:
    """Give the lines of text, page by page, without the pages' footers."""
    if len(pdf) > BYTES_MAX:
        raise PaperTooLarge(size=len(pdf), limit=BYTES_MAX)
    try:
        text = _text(pdf)
    except SCFError:
        raise
    except Exception as error:  # hostile files find every defect of a parser
        raise PaperUnreadable(reason=type(error).__name__) from error
    for line in unicodedata.normalize("NFC", text).splitlines():
        shown = line.strip()
        if shown and not _FOOTER.match(shown):
            yield shown


def _text(pdf: bytes) -> str:
    """Return the text of a PDF's pages. Raises PaperTooLarge, and whatever the parser does."""
    with apply_configuration(_BOUNDS):
        pages = PdfReader(io.BytesIO(pdf)).pages
        if len(pages) > PAGES_MAX:
            raise PaperTooLarge(pages=len(pages), limit=PAGES_MAX)
        return "\n".join(map(_upright, pages))


def _upright(page: PageObject) -> str:
    """Return what is written along a page's lines; a mark that lies across it is none of its text."""
    parts: list[str] = []

    def visit(text: str, at: list[float], text_at: list[float], *_: object) -> None:
        if abs(at[1]) < _LEVEL and abs(text_at[1]) < _LEVEL:
            parts.append(text)

    page.extract_text(visitor_text=visit)
    return "".join(parts)


def _parts(lines: Sequence[str]) -> list[_Part]:
    """Sort lines into sections and labels."""
    parts, left, label = [_Part("")], list(_LABELS[""]), ""
    for line in lines:
        section = _SECTION.match(line)
        if section is not None and section[1] in _LABELS:
            parts.append(_Part(section[1] + section[2]))
            left, label = list(_LABELS[section[1]]), ""
            continue
        found = next((one for one in left if _begins(line, one)), None)
        if found is not None:
            left, label = left[left.index(found) + 1 :], found
            parts[-1].texts[label] = line.removeprefix(found).lstrip(" ：:")
        elif label:
            parts[-1].texts[label] += line
    return parts


def _begins(line: str, label: str) -> bool:
    """Say whether a line begins with a label that stands alone."""
    rest = line.removeprefix(label)
    return rest != line and (not rest or rest[0] in " ：:")


def _registration(title: str, head: _Part, parts: Mapping[str, _Part]) -> Certificate:
    collateral = parts[COLLATERAL]
    currency = collateral["主合同币种"]
    business = Business(head["交易业务类型"])
    return Certificate(
        kind=EntryKind(title.removeprefix(REGISTRATION).lstrip("—-－ ")),
        number=head["登记证明编号"],
        initial_no=head["初始登记编号"],
        registered_at=_wall_time(head["登记时间"]),
        expires_on=parse_date(head["登记到期日"]),
        business=business,
        secured_party=_party(parts[PARTY_SECURED]),
        grantor=_party(parts[PARTY_GRANTOR]),
        contract_no=collateral["主合同号码"],
        amount=Money.parse(
            collateral["主合同金额"].replace(",", ""), CURRENCIES.get(currency, currency)
        ),
        description=collateral["担保财产描述"],
        items=_numbers(collateral[business.items_label]),
        reason=head.texts.get("变更（注销）事项", ""),
    )


def _search(head: _Part, parts: Sequence[_Part], pdf: bytes) -> SearchResult:
    findings = tuple(map(_finding, parts))
    if head["有效登记笔数"] != str(len(findings)):
        raise PaperUnreadable(field="有效登记笔数", said=head["有效登记笔数"], found=len(findings))
    return SearchResult(
        cert_no=head["查询证明编号"],
        grantor=Enrolled(head["担保人名称"], head["统一社会信用代码"]),
        searched_at=_wall_time(head["查询时间"]),
        findings=findings,
        results_hash=results_hash(findings),
        certificate=pdf,
    )


def _finding(part: _Part) -> Finding:
    return Finding(
        reg_no=part["登记证明编号"],
        registered_at=_wall_time(part["登记时间"]),
        secured_party=Enrolled(part["担保权人名称"], part["统一社会信用代码"]),
        description=part["担保财产描述"],
        items=_numbers(part["发票号码"]),
    )


def _party(part: _Part) -> Enrolled:
    return Enrolled(part["名称"], part["统一社会信用代码"])


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[、,，;；\s]+", text)))


def _wall_time(text: str) -> datetime:
    """Read the time in Beijing as the register prints it. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
