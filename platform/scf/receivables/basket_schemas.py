"""HTTP shapes of baskets: many lines drafted, signed and answered at once."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import date
from typing import Any, Self

from pydantic import Field, model_validator

from scf.http.schemas import (
    DateText,
    In,
    MoneyIn,
    MoneyOut,
    Out,
    PoolId,
    Prose,
    ReceivableId,
    UsccText,
)
from scf.http.sheets import CSV, XLSX, write_csv, write_xlsx
from scf.kernel.errors import ValueInvalid
from scf.kernel.money import Money, zero
from scf.parties.schemas import DraftOut, Jws, SignerIn
from scf.receivables.answers import Said
from scf.receivables.basket import Answered, Drafts, LeftOut, Wanted
from scf.receivables.models import Receivable, State
from scf.receivables.permissions import Action
from scf.receivables.schemas import (
    AccountIn,
    ConfirmationTermsIn,
    ProblemOut,
    ReservationsIn,
)
from scf.receivables.service import Account, Confirmation
from scf.receivables.sheets import (
    CHARACTERS_MAX,
    XLSX_BYTES_MAX,
    RowError,
    Sheet,
    read_csv,
    read_xlsx,
)
from scf_ledger.encoding import from_b64
from scf_ledger.errors import Malformed
from scf_ledger.statement import LINES_MAX


class BasketItemIn(ReservationsIn):
    """One line to answer. `version` holds it to what was shown; `pay_to` absent: the basket's.

    Where nothing is confirmed it is disputed, whole or part, or rejected whole.
    """

    receivable: ReceivableId
    version: int | None = Field(None, ge=1, le=2**31)
    confirmed: MoneyIn | None = None
    disputed: MoneyIn | None = None
    rejected: MoneyIn | None = None
    reason: Prose | None = Field(None, examples=["质量争议：第三批孔径超差"])
    due_on: DateText | None = None
    pay_to: AccountIn | None = None

    def wanted(self, terms: "BasketIn") -> Wanted:
        """Return what the service takes."""
        account = self.pay_to.value() if self.pay_to else terms.account
        refused = self.disputed or self.rejected
        confirmation = Confirmation(
            self.confirmed or zero(refused.currency if refused else "CNY"),
            self.disputed,
            self.rejected,
            self.reason,
            self.due_on,
            account,
            terms.no_setoff,
            terms.consents,
        )
        return Wanted(self.receivable, self.version, self.reserved(confirmation))


class BasketIn(ConfirmationTermsIn):
    """Lines to answer, one statement an act: as items, or as the pending list, filled in.

    `pay_to` serves the lines that name no account of their own; `refusal_signers` signs what is disputed or
    rejected.
    """

    items: list[BasketItemIn] | None = Field(None, min_length=1, max_length=LINES_MAX)
    csv: str | None = Field(None, max_length=CHARACTERS_MAX)
    xlsx: str | None = Field(
        None, max_length=XLSX_BYTES_MAX * 4 // 3 + 4, description="填好的 Excel 文件（base64）"
    )
    pay_to: AccountIn | None = None
    refusal_signers: list[SignerIn] = Field([], max_length=1)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.items, self.csv, self.xlsx)) != 1:
            raise ValueError("one of items, csv, xlsx")
        return self

    @property
    def sheet(self) -> Sheet:
        """The filled list. Raises SheetInvalid, SheetTooLarge, ValueInvalid."""
        if self.csv is not None:
            return read_csv(self.csv)
        try:
            return read_xlsx(from_b64(self.xlsx or ""))
        except Malformed:
            raise ValueInvalid(field="xlsx", value=(self.xlsx or "")[:40]) from None

    @property
    def account(self) -> Account | None:
        """The account of the lines that name none."""
        return self.pay_to.value() if self.pay_to else None

    def wanted(self) -> list[Wanted]:
        """Return the items as the service takes them."""
        return [item.wanted(self) for item in self.items or ()]


class BasketProblemOut(ProblemOut):
    """Why a line was left out: by its place among the items (from 0), or by row and column of the list."""

    item: int | None = Field(None, examples=[0])
    row: int | None = Field(None, examples=[3], description="清单行号，表头为第 1 行")
    column: str | None = Field(None, examples=["确认金额"])
    receivable: ReceivableId | None = None

    @classmethod
    def of_item(cls, left: LeftOut) -> Self:
        """Show an item that was left out."""
        shown = ProblemOut.of(left.error)
        return cls(item=left.place, receivable=left.receivable_id, **shown.model_dump())

    @classmethod
    def at(cls, found: RowError) -> Self:
        """Show what is wrong in a cell."""
        shown = ProblemOut.of(found.error)
        return cls(row=found.row, column=found.column, **shown.model_dump())


class SumOut(Out):
    """Amounts of some lines of a basket, added up."""

    count: int = Field(examples=[2])
    claimed: MoneyOut
    confirmed: MoneyOut
    disputed: MoneyOut
    rejected: MoneyOut

    @classmethod
    def over(cls, lines: Sequence[Said], **more: Any) -> Self:
        """Add up."""
        names = ("claimed", "confirmed", "disputed", "rejected")
        sums = {
            name: Money(sum(getattr(line, name).minor for line in lines), lines[0].claimed.currency)
            for name in names
        }
        return cls(count=len(lines), **sums, **more)


class SupplierSumOut(SumOut):
    """What is answered to one supplier."""

    supplier: UsccText
    name: str = Field(examples=["永川兴锐冲压件(示例)"])


class DateSumOut(SumOut):
    """What falls due on one day."""

    due_on: DateText


class TotalsOut(SumOut):
    """The sums of all that is drafted, whichever the act, to be held against those of the ERP."""

    by_supplier: list[SupplierSumOut]
    by_due_on: list[DateSumOut]

    @classmethod
    def of(cls, lines: Sequence[Said]) -> Self:
        """Add up, by supplier and by due date."""
        suppliers: dict[tuple[str, str], list[Said]] = {}
        days: dict[date, list[Said]] = {}
        for line in lines:
            suppliers.setdefault((line.supplier, line.supplier_name), []).append(line)
            days.setdefault(line.due_on, []).append(line)
        return cls.over(
            lines,
            by_supplier=[
                SupplierSumOut.over(own, supplier=code, name=name)
                for (code, name), own in sorted(suppliers.items())
            ],
            by_due_on=[DateSumOut.over(own, due_on=day) for day, own in sorted(days.items())],
        )


class FileOut(Out):
    """A file, in base64."""

    name: str = Field(examples=["errors.xlsx"])
    media_type: str
    content: str

    @classmethod
    def rows(cls, rows: Sequence[Sequence[str]], *, workbook: bool) -> Self:
        """Write rows as the kind of list that they came in."""
        content = write_xlsx(rows) if workbook else write_csv(rows)
        return cls(
            name="errors.xlsx" if workbook else "errors.csv",
            media_type=XLSX if workbook else CSV,
            content=b64encode(content).decode(),
        )


class BasketDraftOut(Out):
    """What is to be signed: a draft an act, each over its lines; the sums, and what was left out.

    `draft` is the 确权函, `refusals` the notices of what is disputed and of what is rejected. `errors_file` is
    the list's rows that are in error, each with what is wrong with it.
    """

    draft: DraftOut | None
    refusals: list[DraftOut]
    totals: TotalsOut | None
    errors: list[BasketProblemOut]
    errors_file: FileOut | None = None

    @classmethod
    def of(
        cls,
        drafts: Drafts,
        lines: Sequence[Said],
        errors: list[BasketProblemOut],
        errors_file: FileOut | None = None,
    ) -> Self:
        """Show drafts; nothing is drafted where every line was left out."""
        shown = {one.act: DraftOut.of(one.statements, one.disclosures) for one in drafts.drafted}
        return cls(
            draft=shown.pop(Action.CONFIRM, None),
            refusals=list(shown.values()),
            totals=TotalsOut.of(lines) if lines else None,
            errors=errors,
            errors_file=errors_file,
        )


class ConfirmedLineOut(Out):
    """A line as it stands once confirmed."""

    receivable: ReceivableId
    version: int = Field(examples=[2])
    state: State
    confirmed: MoneyOut
    due_on: DateText
    pool: PoolId | None

    @classmethod
    def of(cls, receivable: Receivable) -> Self:
        """Show a line."""
        return cls(
            receivable=receivable.id,
            version=receivable.version,
            state=receivable.state,
            confirmed=receivable.confirmed,
            due_on=receivable.due_on,
            pool=receivable.pool_id,
        )


class RefusedLineOut(Out):
    """A line as it stands once disputed or rejected."""

    receivable: ReceivableId
    version: int = Field(examples=[2])
    state: State
    amount: MoneyOut
    reason: str = Field(examples=["数量不符：少收两箱"])
    reason_compliant: bool = Field(
        description="条例是否认可该原因；不认可的，确认期限继续计算 Whether the law accepts the reason"
    )

    @classmethod
    def of(cls, receivable: Receivable) -> Self:
        """Show a line."""
        assert receivable.reason is not None, "what is refused has a reason"
        return cls(
            receivable=receivable.id,
            version=receivable.version,
            state=receivable.state,
            amount=receivable.money(receivable.disputed_minor + receivable.rejected_minor),
            reason=receivable.reason,
            reason_compliant=bool(receivable.reason_compliant),
        )


class SignedBasketsIn(In):
    """Signed statements over many lines: of each act all its hands, the acts together or one by one."""

    authorizations: list[Jws] = Field(min_length=1, max_length=4)


class BasketOut(Out):
    """What signed baskets came to: every line answered, but for those that have moved since."""

    confirmed: list[ConfirmedLineOut]
    disputed: list[RefusedLineOut]
    rejected: list[RefusedLineOut]
    left_out: list[BasketProblemOut]

    @classmethod
    def of(cls, found: Answered) -> Self:
        """Show what became of the lines."""
        lines = found.receivables
        return cls(
            confirmed=[ConfirmedLineOut.of(one) for one in lines[Action.CONFIRM]],
            disputed=[RefusedLineOut.of(one) for one in lines[Action.DISPUTE]],
            rejected=[RefusedLineOut.of(one) for one in lines[Action.REJECT]],
            left_out=[BasketProblemOut.of_item(left) for left in found.left_out],
        )
