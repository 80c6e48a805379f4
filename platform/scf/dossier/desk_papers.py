"""What the bank's own desk did: its policy, every record of the case, and the checklist as a page."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.approvals import journal, papers
from scf.approvals.journal import Open
from scf.approvals.models import CasePaper, Kind, Policy, Record
from scf.approvals.queries import case_of
from scf.dossier.layout import Dossier, Slot
from scf.dossier.proving import Proofs
from scf.evidence import queries as evidence
from scf.financing.models import Financing
from scf.kernel.clock import instant_text, wall_text
from scf.kernel.ids import public_id
from scf.papers import layouts, typesetting
from scf.papers.layouts import Paper, Row, Section
from scf.parties import names

KINDS: Mapping[Kind, str] = {
    Kind.OPENED: "受理",
    Kind.INVESTIGATED: "调查",
    Kind.REVIEWED: "审查",
    Kind.VOTED: "贷审会表决",
    Kind.DECIDED: "审批",
    Kind.RETURNED: "退回",
    Kind.OFFERED: "签署贷款条件",
    Kind.PAYMENT_PLANNED: "支付方式",
    Kind.TICKED: "清单核对",
    Kind.CLEARED: "放款审核",
    Kind.REOPENED: "撤回放款审核",
    Kind.LENT: "放款",
    Kind.USE_SHOWN: "用途证明",
    Kind.CHECKED: "贷后检查",
    Kind.GRADE_PROPOSED: "五级分类初分",
    Kind.GRADED: "五级分类认定",
    Kind.EXTENSION_DECIDED: "展期审批",
    Kind.EXTENDED: "展期",
    Kind.FINISHED: "结束",
}


def put(session: Session, dossier: Dossier, proofs: Proofs, financing: Financing) -> None:
    """Put the case in, or say that the bank configured none."""
    case = case_of(session, financing.id)
    if case is None:
        reason = "银行未配置审批流程 The bank configured no steps"
        dossier.miss(Slot.APPROVAL, "审批与放款审核记录", reason)
        return
    found = journal.read(session, case)
    policy = session.get_one(Policy, case.policy_id)
    told = {event.id: event for event in evidence.history(session, case.id)}
    opened = proofs.of(told[found.records[0].event_id])
    content = journal.policy_content(**{name: getattr(policy, name) for name in journal.POLICY})
    dossier.add(
        Slot.APPROVAL,
        "policy.json",
        f"审批制度第 {policy.number} 版",
        content,
        proven_by=[f"{opened}: record_sha256 → record 01 → inputs.policy.sha256"],
    )
    kept = {one.sha256.hex(): one for one in papers.of_case(session, case.id)}
    for row in found.records:
        dossier.add(
            Slot.APPROVAL,
            f"{row.seq:02}-{row.kind.value}.json",
            f"{KINDS[row.kind]}记录",
            journal.content_of(row),
            proven_by=[f"{proofs.of(told[row.event_id])}: record_sha256"],
        )
        _put_files(dossier, row, kept)
    pdf = typesetting.paper(_checklist(session, found))
    dossier.add(Slot.APPROVAL, "checklist.pdf", "办理与核对清单（何人何时）", pdf)


def _put_files(dossier: Dossier, row: Record, kept: Mapping[str, CasePaper]) -> None:
    """Put the files that a record names beside it, and say which of them only the bank has."""
    for number, named in enumerate(row.inputs.get("papers", []), 1):
        file = kept.get(named["sha256"])
        if file is None:
            dossier.kept_by_bank.append({**named, "record": row.seq})
            continue
        ending = file.media_type.rpartition("/")[2]
        record = f"{row.seq:02}-{row.kind.value}"
        name = f"{record}-{number:02}.{ending}"
        by = [f"{Slot.APPROVAL.value}/{record}.json: papers[{number - 1}].sha256"]
        dossier.add(
            Slot.APPROVAL,
            name,
            f"{KINDS[row.kind]}材料 {named['name']}",
            file.original,
            proven_by=by,
        )
        said = {
            "path": f"{Slot.APPROVAL.value}/{name}",
            "person": public_id("psn", file.person_id),
            "mandate": public_id("mnd", file.mandate_id),
            "kept_at": instant_text(file.kept_at),
        }
        dossier.handed_in.append({**named, "record": row.seq, **said})


def _checklist(session: Session, found: Open) -> Paper:
    """Return who did and checked what when, from the records."""
    people = {row.person_id for row in found.records if row.person_id}
    known = names.names_of(session, people)
    return Paper(
        title="办理与核对清单",
        number=public_id("apc", found.case.id),
        at=found.records[-1].recorded_at,
        marks=layouts.marks(*known.values()),
        head=[
            Row("融资编号", public_id("fin", found.case.financing_id)),
            Row("当前状态", found.case.state.value),
        ],
        preamble="下列事项按发生顺序记载；每项的原始记录与存证证明见同一档案。",
        sections=[_section(row, known) for row in found.records],
    )


def _section(row: Record, known: Mapping[UUID, str]) -> Section:
    at = wall_text(row.recorded_at)
    rows = [Row("时间", at)]
    if row.person_id and row.mandate_id:
        name = known.get(row.person_id)
        person = public_id("psn", row.person_id)
        rows.append(Row("经办人员", f"{name}\n{person}" if name else person))
        rows.append(Row("授权", public_id("mnd", row.mandate_id)))
    rows += _said(row.inputs)
    return Section(f"{KINDS[row.kind]}（第 {row.seq} 号记录）", rows)


def _said(inputs: Mapping[str, Any]) -> list[Row]:
    """Show what was answered to each item and condition, and the words that go with it."""
    rows = []
    ticked = [inputs] if "code" in inputs else []
    for item in [*ticked, *inputs.get("items", []), *inputs.get("conditions", [])]:
        if isinstance(item, str):
            rows.append(Row("附加条件", item))
        elif "title" in item:
            holds = item["ok"] if "ok" in item else item["holds"]
            word = {True: "是", False: "否", None: "不适用"}[holds]
            note = item.get("note")
            rows.append(Row(item["title"], f"{word}；{note}" if note else word, item["code"]))
    labels = {
        "report": "报告",
        "opinion": "意见",
        "reason": "理由",
        "vote": "表决",
        "grade": "类别",
    }
    rows += [Row(label, str(inputs[key]), key) for key, label in labels.items() if inputs.get(key)]
    if "approved" in inputs:
        rows.append(Row("结论", "同意" if inputs["approved"] else "不同意", "approved"))
    return rows
