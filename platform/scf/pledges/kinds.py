"""What kind of security a bank takes over a claim, and what the law says of each: plain data.

A pledge (质押) burdens the claim, an assignment (转让) or factoring (保理) makes the bank its creditor. All three
are registered, and rank by one rule (Civil Code 768; 担保制度解释 66).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

from scf.kernel.errors import Invalid


class SecurityKind(StrEnum):
    """What a bank takes; the register has a business kind for each."""

    PLEDGE = "pledge"  # 应收账款质押
    ASSIGNMENT = "assignment"  # 应收账款转让
    FACTORING = "factoring"  # 保理


class SecurityInvalid(Invalid):
    """A pledge always has its debt behind it; recourse and disclosure are an assignee's to choose."""

    code = "pledge.security_invalid"
    title = "担保方式不成立：质押须有追索并可通知债务人"
    title_en = (
        "A pledge is with recourse and disclosed; only an assignment or factoring is otherwise"
    )


@dataclass(frozen=True, slots=True)
class Security:
    """A kind with its two choices: may the bank turn back to the seller, is the debtor told at once."""

    kind: SecurityKind = SecurityKind.PLEDGE
    recourse: bool = True
    disclosed: bool = True

    def __post_init__(self) -> None:
        if not self.transfers and not (self.recourse and self.disclosed):
            raise SecurityInvalid(field="security", kind=self.kind.value)

    @property
    def transfers(self) -> bool:
        """Whether the bank becomes the creditor of what it takes."""
        return self.kind is not SecurityKind.PLEDGE

    @property
    def law(self) -> "Law":
        """What the law says of it."""
        return LAWS[self.kind]

    @property
    def surplus_is_holders(self) -> bool:
        """Whether what the claim brings beyond the funding stays with the holder (Civil Code 766, 767)."""
        return self.transfers and not self.recourse

    @property
    def name(self) -> str:
        """Its name with both choices: 有追索权明保理."""
        if not self.transfers:
            return self.law.name
        recourse = "有追索权" if self.recourse else "无追索权"
        return f"{recourse}{'明' if self.disclosed else '暗'}{self.law.name}"

    def to_json(self) -> dict[str, Any] | None:
        """Return it as records and statements say it; a pledge says nothing more than it is."""
        if not self.transfers:
            return None
        return {"kind": self.kind.value, "recourse": self.recourse, "disclosed": self.disclosed}

    @classmethod
    def of_json(cls, value: Mapping[str, Any] | None) -> Self:
        """Read it out of a record."""
        if value is None:
            return cls()
        return cls(SecurityKind(value["kind"]), value["recourse"], value["disclosed"])


PLEDGE: Final = Security()


@dataclass(frozen=True, slots=True)
class Law:
    """A kind's words, and whom it binds from when, article by article."""

    name: str
    name_en: str
    grantor: str
    holder: str
    not_yet: str
    never: str
    arisen: str
    released: str
    notice: str
    release_notice: str
    between_parties: str
    third_parties: str
    debtor: str


_BY_REGISTRATION: Final = "按登记时间先后受偿（民法典第七百六十八条；担保制度解释第六十六条）"
_PLEDGE: Final = Law(
    name="应收账款质押",
    name_en="pledge",
    grantor="出质人",
    holder="质权人",
    not_yet="已签约, 未登记, 质权未设立",
    never="质权未设立",
    arisen="质权已设立",
    released="已解除质押",
    notice="应收账款质押通知书",
    release_notice="解除应收账款质押通知书",
    between_parties="质权自办理出质登记时设立（民法典第四百四十五条）",
    third_parties=_BY_REGISTRATION,
    debtor="通知到达后，向他人付款不免除责任（担保制度解释第六十一条第三款）",
)
_ASSIGNMENT: Final = Law(
    name="应收账款转让",
    name_en="assignment",
    grantor="转让人",
    holder="受让人",
    not_yet="已签约, 未登记, 转让尚不能对抗其他权利人",
    never="转让未完成登记",
    arisen="转让已登记",
    released="已反转让",
    notice="应收账款转让通知书",
    release_notice="应收账款反转让通知书",
    between_parties="自转让合同成立时在转让人与受让人之间生效（民法典第五百四十五条）",
    third_parties=_BY_REGISTRATION,
    debtor="未通知债务人的，对债务人不发生效力（民法典第五百四十六条）",
)
_FACTORING: Final = replace(
    _ASSIGNMENT,
    name="保理",
    name_en="factoring",
    holder="保理人",
    between_parties="自保理合同成立时在转让人与保理人之间生效（民法典第五百四十五条、第七百六十一条）",
    third_parties="按登记时间先后受偿（民法典第七百六十八条）",
    debtor="保理人通知须表明身份并附必要凭证；未通知的，对债务人不发生效力"
    "（民法典第五百四十六条、第七百六十四条）",
)
LAWS: Final[Mapping[SecurityKind, Law]] = MappingProxyType(
    {
        SecurityKind.PLEDGE: _PLEDGE,
        SecurityKind.ASSIGNMENT: _ASSIGNMENT,
        SecurityKind.FACTORING: _FACTORING,
    }
)
"""Kind -> its law."""
