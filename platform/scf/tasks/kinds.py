"""What can be somebody's task: one table, which features extend by a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task: what is to be done, and the rule that asks for it."""

    name: str
    title: str
    title_en: str
    basis: str


REGISTRATION_CANCEL: Final = "registration.cancel"
REGISTRATION_EXTEND: Final = "registration.extend"
REGISTRATION_RENAME: Final = "registration.rename"
REGISTRATION_OBJECTION: Final = "registration.objection"
REGISTRATION_REVIEW: Final = "registration.review"
REGISTRATION_SEARCH: Final = "registration.search"
REGISTRATION_UNLINKED: Final = "registration.unlinked"
REGISTRATION_FILE: Final = "registration.file"
APPROVAL_INVESTIGATE: Final = "approval.investigate"
APPROVAL_REVIEW: Final = "approval.review"
APPROVAL_DECIDE: Final = "approval.decide"
APPROVAL_CLEAR: Final = "approval.clear"
APPROVAL_USE: Final = "approval.use"
APPROVAL_CHECK: Final = "approval.check"
APPROVAL_CLASSIFY: Final = "approval.classify"
WEBHOOK_MEND: Final = "webhook.mend"

MARGIN_CURE: Final = "margin.cure"
MARGIN_DISPOSE: Final = "margin.dispose"
INSURANCE_RENEW: Final = "insurance.renew"
CONCENTRATION_REVIEW: Final = "concentration.review"
EARLY_REALISE: Final = "pledge.early_realise"
STOCKTAKE_REPEAT: Final = "stocktake.repeat"

_POLICY: Final = "本行审批制度 The bank's own policy"
_MEASURES: Final = "《动产和权利担保统一登记办法》"

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            REGISTRATION_CANCEL,
            "办理注销登记",
            "Cancel the registration",
            f"{_MEASURES}：主债权消灭等情形之日起 10 个工作日内注销",
        ),
        Kind(
            REGISTRATION_EXTEND,
            "登记即将届满，办理展期",
            "Extend the registration before it expires",
            f"{_MEASURES}：登记期限届满前申请展期",
        ),
        Kind(
            REGISTRATION_RENAME,
            "担保人名称已变更，办理变更登记",
            "The grantor's name has changed: have the registration changed",
            f"{_MEASURES}：担保人名称变更之日起 4 个月内变更",
        ),
        Kind(
            REGISTRATION_OBJECTION,
            "答复登记异议",
            "Answer the objection to the registration",
            f"{_MEASURES}：异议登记通知担保权人",
        ),
        Kind(
            REGISTRATION_REVIEW,
            "登记复查发现新登记，请核实",
            "A review of the register found something new",
            "贷后管理：每月复查登记系统",
        ),
        Kind(
            REGISTRATION_SEARCH,
            "人工查询登记系统并上传查询证明",
            "Search the register by hand and hand in its certificate",
            "民法典第七百六十八条：在先登记者优先",
        ),
        Kind(
            REGISTRATION_UNLINKED,
            "登记系统未接入，请自行登录查询后再审批",
            "There is no link to the register: search it yourself before deciding",
            "民法典第七百六十八条：在先登记者优先",
        ),
        Kind(
            REGISTRATION_FILE,
            "人工办理登记并上传登记证明",
            "File with the register by hand and hand in its certificate",
            "民法典第四百四十五条：应收账款质权自登记时设立",
        ),
        Kind(APPROVAL_INVESTIGATE, "贷前调查", "Investigate before lending", _POLICY),
        Kind(APPROVAL_REVIEW, "审查", "Review the investigation", _POLICY),
        Kind(APPROVAL_DECIDE, "审批", "Decide, alone or as a committee", _POLICY),
        Kind(APPROVAL_CLEAR, "放款审核", "Go through the checklist before paying", _POLICY),
        Kind(APPROVAL_USE, "收集贷款用途证明", "Show what the loan was used for", _POLICY),
        Kind(APPROVAL_CHECK, "贷后检查", "Check the loan after paying", _POLICY),
        Kind(APPROVAL_CLASSIFY, "五级分类", "Grade the loan", _POLICY),
        Kind(
            MARGIN_CURE,
            "质物价值低于最低控货价值，追加货物或现金",
            "The goods are worth less than the floor: add goods or cash",
            "民法典第四百三十三条；监管协议",
        ),
        Kind(
            MARGIN_DISPOSE,
            "逾期未补足或触及处置线，可通知处置质物",
            "Not cured in time, or at the disposal line: the goods may be sold after notice",
            "民法典第四百三十三条、第四百三十六条",
        ),
        Kind(
            INSURANCE_RENEW,
            "质物保险不足或即将到期",
            "The goods' insurance is short of their value, or about to expire",
            "监管协议：保险金额不低于质物价值",
        ),
        Kind(
            CONCENTRATION_REVIEW,
            "质物过于集中于一个仓库或品种，请评估",
            "Too much of the pledged value is in one warehouse or kind of goods",
            "COL-02 质物集中度",
        ),
        Kind(
            EARLY_REALISE,
            "仓单提货日期先于债务到期日，可提货并提前清偿或提存",
            "The receipt ends before the debt: the goods may be taken, to prepay the debt or to deposit",
            "民法典第四百四十二条",
        ),
        Kind(
            STOCKTAKE_REPEAT,
            "随机盘点未完成，请重新发起或自行检查仓储物",
            "A stocktake failed: call another, or inspect the goods",
            "监管协议：随机盘点；民法典第九百一十一条",
        ),
        Kind(
            WEBHOOK_MEND,
            "推送地址长时间失败已停用，请修复后恢复",
            "A webhook failed for days and was disabled: mend it, then resume it",
            "Standard Webhooks 1.0.0, Deliverability and reliability",
        ),
    )
}
