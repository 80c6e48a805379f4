"""The register's form, filled in field by field: what a person copies into it where no machine can."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scf.papers.layouts import Attachment, Paper, Row, Section, marks
from scf.registry.port import Filing

TITLE: Final = "登记填报内容"
_INSTITUTION: Final = "机构"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form, under the heading where it stands."""

    section: str
    label: str
    value: str


def fields_of(filing: Filing) -> list[Field]:
    """Return the form's fields in its order. Addresses and people are on the parties' business licences."""
    pairs: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
        (
            "登记基本信息",
            (
                ("交易业务类型", filing.business.value),
                ("登记期限（月）", str(filing.term_months)),
                ("填表人归档号", filing.reference),
            ),
        ),
        ("担保权人信息", _party(filing.secured_party.name, filing.secured_party.uscc)),
        ("担保人信息", _party(filing.grantor.name, filing.grantor.uscc)),
        (
            "担保财产信息",
            (
                ("主合同号码", filing.contract_no),
                ("主合同币种", filing.amount.currency),
                ("主合同金额", filing.amount.text),
                (filing.business.items_label, "、".join(filing.items)),
                ("担保财产描述", filing.description),
            ),
        ),
    )
    return [Field(section, label, value) for section, rows in pairs for label, value in rows]


def form_text(filing: Filing) -> str:
    """Return the form as text to copy from, a heading and its fields after another."""
    lines: list[str] = []
    section = ""
    for field in fields_of(filing):
        if field.section != section:
            section = field.section
            lines += [*([""] if lines else []), f"【{section}】"]
        lines.append(f"{field.label}：{field.value}")
    return "\n".join(lines) + "\n"


def form_paper(filing: Filing, *, at: datetime) -> Paper:
    """Lay the form out as a paper, with the list of numbers as a file inside."""
    fields = fields_of(filing)
    sections = list(dict.fromkeys(field.section for field in fields))
    label, listed = filing.business.items_label, filing.business.list_title
    numbers = "\n".join((label, *filing.items)) + "\n"
    return Paper(
        title=TITLE,
        number=filing.reference,
        at=at,
        marks=marks(filing.grantor.name),
        head=[],
        preamble="由平台按已签署的合同与确权结果生成，供在登记系统逐项填报；登记完成后请上传登记系统出具的登记证明。",
        sections=[
            Section(
                section,
                [Row(field.label, field.value) for field in fields if field.section == section],
            )
            for section in sections
        ],
        attachments=[Attachment(f"{listed}.csv", "text/csv", numbers, f"{label}逐张列明")],
    )


def _party(name: str, uscc: str) -> tuple[tuple[str, str], ...]:
    return (("类型", _INSTITUTION), ("名称", name), ("统一社会信用代码", uscc))
