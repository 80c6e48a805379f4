"""Endpoints of a bank's policies and cases. To everybody else there is nothing here."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from scf.approvals import (
    adopting,
    aftercare,
    clearing,
    facts,
    gates,
    journal,
    papers,
    permissions,
    queries,
    schemas,
    service,
)
from scf.approvals.models import Case, Kind, State
from scf.approvals.queries import Filter
from scf.approvals.schemas import AnsweredOut, CaseOut, ConditionOut, KeptOut, PolicyIn, PolicyOut
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import ApprovalCaseId, ApprovalPaperId, FinancingId, PageSize
from scf.kernel.clock import business_date

router = APIRouter(tags=["approvals 银行审批与贷后"])
CASE = "/v1/approval-cases/{case_id}"
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


@command(router, "/v1/approval-policies", status=201)
def adopt(call: Call, body: PolicyIn) -> PolicyOut:
    """配置审批制度 Record how this bank decides, from a day on. By a bank's maker and checker."""
    policy = adopting.adopt(
        call.session,
        call.actor,
        body.content,
        effective_on=body.effective_on,
        maker=body.maker,
        checker=body.checker,
        now=call.now,
    )
    return PolicyOut.of(policy)


@query(router, "/v1/approval-policies")
def policies(call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE) -> Page[PolicyOut]:
    """审批制度各版本 The versions of this bank's policy, oldest first."""
    after = read_cursor("app", cursor)
    found = queries.policies(call.session, call.actor.party, after=after, size=limit)
    return Page[PolicyOut](
        items=[PolicyOut.of(one) for one in found],
        next=next_cursor("app", [one.id for one in found], limit),
    )


@query(router, "/v1/approval-conditions")
def conditions(call: Call) -> list[ConditionOut]:
    """可自动核验的放款条件 What a policy may have a machine answer before paying."""
    del call  # whoever is known may read the catalogue
    return schemas.catalogue()


@query(router, "/v1/approval-cases")
def cases(
    call: Call,
    state: State | None = None,
    financing: FinancingId | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[CaseOut]:
    """审批流程列表 This bank's cases, oldest first."""
    after, wanted = read_cursor("apc", cursor), Filter(state, financing)
    found = queries.page(call.session, call.actor.party, wanted, after=after, size=limit)
    return Page[CaseOut](
        items=[_shown(call, one) for one in found],
        next=next_cursor("apc", [one.id for one in found], limit),
    )


@query(router, CASE)
def case(call: Call, case_id: ApprovalCaseId) -> CaseOut:
    """查看审批流程 One case with every record of it."""
    return _shown(call, permissions.visible(call.session, call.actor.party, case_id))


@query(router, f"{CASE}/conditions")
def answered(call: Call, case_id: ApprovalCaseId) -> list[AnsweredOut]:
    """放款条件现状 What a machine answers to the conditions before paying, at this moment."""
    found = journal.read(call.session, permissions.visible(call.session, call.actor.party, case_id))
    if found.content.clearing is None:
        return []
    loan = gates.loan_of(call.session, found)
    answers = facts.evaluate(
        call.session, found.case, found.content.clearing, loan, today=business_date(call.now)
    )
    return [AnsweredOut(**answer) for answer in answers]


@command(router, f"{CASE}/investigate")
def investigate(call: Call, case_id: ApprovalCaseId, body: schemas.ReportIn) -> CaseOut:
    """提交调查报告 The account manager's investigation (客户经理调查)."""
    return _report(call, case_id, body, Kind.INVESTIGATED)


@command(router, f"{CASE}/review")
def review(call: Call, case_id: ApprovalCaseId, body: schemas.ReportIn) -> CaseOut:
    """提交审查意见 The reviewer's opinion (审查)."""
    return _report(call, case_id, body, Kind.REVIEWED)


@command(router, f"{CASE}/decide")
def decide(call: Call, case_id: ApprovalCaseId, body: schemas.DecisionIn) -> CaseOut:
    """有权人审批 Decide within one's own mandate (有权人)."""
    found = service.decide(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        approved=body.approved,
        terms=body.terms.terms() if body.terms else None,
        conditions=body.conditions,
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/vote")
def vote(call: Call, case_id: ApprovalCaseId, body: schemas.VoteIn) -> CaseOut:
    """贷审会表决 Vote as a member of the committee."""
    found = service.vote(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        says=body.vote,
        opinion=body.opinion,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/conclude")
def conclude(call: Call, case_id: ApprovalCaseId, body: schemas.ConclusionIn) -> CaseOut:
    """贷审会结论 Close the meeting as its chair; the votes decide."""
    found = service.conclude(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        conditions=body.conditions,
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/return")
def give_back(call: Call, case_id: ApprovalCaseId, body: schemas.ReturnIn) -> CaseOut:
    """退回 Give the case back to an earlier step, or have it decided again (复议)."""
    found = service.give_back(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        to=State(body.to),
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/payment-plan")
def plan_payment(call: Call, case_id: ApprovalCaseId, body: schemas.PlanIn) -> CaseOut:
    """支付方式 Plan the payment: 受托支付 or 自主支付, to whom, what for."""
    found = clearing.plan_payment(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        mode=body.mode,
        payees=[payee.payee() for payee in body.payees],
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/tick")
def tick(call: Call, case_id: ApprovalCaseId, body: schemas.TickIn) -> CaseOut:
    """勾核清单 Tick an item of the checklist, or say that it is not so."""
    found = clearing.tick(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        code=body.code,
        ok=body.ok,
        note=body.note,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/clear")
def clear(call: Call, case_id: ApprovalCaseId, body: schemas.ActIn) -> CaseOut:
    """放款审核通过 Clear the loan for payment."""
    found = clearing.clear(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/reopen")
def reopen(call: Call, case_id: ApprovalCaseId, body: schemas.ReasonedIn) -> CaseOut:
    """撤回放款审核 Take the clearing back before the money moves."""
    found = clearing.reopen(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/papers", status=201)
def keep(call: Call, case_id: ApprovalCaseId, body: schemas.KeptIn) -> KeptOut:
    """上传材料 Hand in a file whose hash a record of the case names; it is kept for the dossier."""
    found = papers.keep(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        sha256=bytes.fromhex(body.sha256),
        original=body.content,
        now=call.now,
    )
    return KeptOut.of(found)


@query(router, f"{CASE}/papers")
def kept(call: Call, case_id: ApprovalCaseId) -> list[KeptOut]:
    """材料目录 The files of a case that are kept, who handed them in, and when."""
    permissions.visible(call.session, call.actor.party, case_id)
    return [KeptOut.of(one) for one in papers.of_case(call.session, case_id)]


@query(
    router, "/v1/approval-papers/{approval_paper_id}", responses={200: {"content": {"*/*": _FILE}}}
)
def paper(call: Call, approval_paper_id: ApprovalPaperId) -> Response:
    """下载材料 A file as it came."""
    found = papers.visible(call.session, call.actor.party, approval_paper_id)
    return download(found.original, found.name, found.media_type)


@command(router, f"{CASE}/evidence-of-use")
def show_use(call: Call, case_id: ApprovalCaseId, body: schemas.UseIn) -> CaseOut:
    """用途证明 Show what the loan was used for: files by hash, amounts that add up."""
    found = aftercare.show_use(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        papers=[paper.paper() for paper in body.papers],
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/check")
def check(call: Call, case_id: ApprovalCaseId, body: schemas.CheckIn) -> CaseOut:
    """贷后检查 Hand in a check of the loan; the first one is the 首次检查."""
    found = aftercare.check(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        text=body.report,
        answers=[item.answer() for item in body.items],
        papers=[paper.paper() for paper in body.papers],
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/propose-grade")
def propose_grade(call: Call, case_id: ApprovalCaseId, body: schemas.GradeIn) -> CaseOut:
    """五级分类初分 Propose a grade."""
    found = aftercare.propose_grade(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        grade=body.grade,
        reasons=body.reasons,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/confirm-grade")
def confirm_grade(call: Call, case_id: ApprovalCaseId, body: schemas.GradeIn) -> CaseOut:
    """五级分类认定 Give the grade, after another person's proposal."""
    found = aftercare.confirm_grade(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        grade=body.grade,
        reasons=body.reasons,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


@command(router, f"{CASE}/decide-extension")
def decide_extension(
    call: Call, case_id: ApprovalCaseId, body: schemas.ExtensionDecisionIn
) -> CaseOut:
    """展期审批 Decide whether the loan may be extended, and up to which day."""
    found = aftercare.decide_extension(
        call.session,
        call.actor,
        case_id,
        hand=body.by,
        approved=body.approved,
        due_on=body.due_on,
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


def _report(call: Call, case_id: ApprovalCaseId, body: schemas.ReportIn, kind: Kind) -> CaseOut:
    found = service.report(
        call.session,
        call.actor,
        case_id,
        kind=kind,
        hand=body.by,
        text=body.report,
        answers=[item.answer() for item in body.items],
        recommends=body.recommends.terms() if body.recommends else None,
        papers=[paper.paper() for paper in body.papers],
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, found)


def _shown(call: Call, case: Case) -> CaseOut:
    return CaseOut.of(journal.read(call.session, case))
