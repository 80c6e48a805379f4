"""Shapes that every endpoint shares: strict inputs, identifiers, money, dates, instants.

The types below read the wire form into kernel values and write them back, so a body that was accepted
holds `Money`, `UUID`, `date` and `datetime`. A malformed one raises the kernel's own error, which names
the field.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import GenericAlias, UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from scf.http.paging import PAGE_SIZE_MAX
from scf.kernel.clock import instant_text, parse_date, parse_instant
from scf.kernel.errors import Invalid, ValueInvalid
from scf.kernel.ids import parse_id, public_id
from scf.kernel.measure import Measure
from scf.kernel.money import AmountInvalid, Money, parse_rate
from scf.kernel.quantity import UNITS, Quantity, QuantityInvalid, read_measure
from scf.kernel.text import distinct_name
from scf_ledger import shapes, uscc

LINE_LENGTH_MAX = 200
PROSE_LENGTH_MAX = 1_000
_EXAMPLE_ID = "01k3e5m8q2x7v9b4c6d8f0g1h2"


class UsccInvalid(Invalid):
    """A unified social credit code has 18 symbols and the right check digit (GB 32100-2015)."""

    code = "uscc.invalid"
    title = "统一社会信用代码不正确"
    title_en = "The unified social credit code is not valid"


class In(BaseModel):
    """What comes in: nothing beyond what is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NothingIn(In):
    """A command that says all by its name."""


class Out(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """How a value is read from JSON and written back, and what OpenAPI says of it.

    A refusal names the field of the body, or the parameter that this stands for (`name`).
    """

    read: Callable[[Any, str | None], Any]
    write: Callable[[Any], Any]
    schema: dict[str, Any]
    name: str | None = None

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: Any, info: ValidationInfo) -> Any:
            return self.read(value, info.field_name or self.name)

        return core_schema.with_info_plain_validator_function(
            read, serialization=core_schema.plain_serializer_function_ser_schema(self.write)
        )

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(self.schema)


def named(annotation: Any, name: str) -> Any:
    """Return the type of a parameter with its values refusing under the parameter's name."""
    inner = [named(one, name) for one in get_args(annotation)]
    origin = get_origin(annotation)
    if origin is Annotated:
        said = [
            replace(one, name=name) if isinstance(one, Wire) else one
            for one in annotation.__metadata__
        ]
        return Annotated[named(annotation.__origin__, name), *said]
    if origin in (Union, UnionType):
        return Union[tuple(inner)]  # noqa: UP007 - of any number
    return GenericAlias(list, tuple(inner)) if origin is list else annotation


def _text(value: Any, field: str | None) -> str:
    if not isinstance(value, str):
        raise ValueInvalid(field=field, value=str(value)[:40])
    return value


def _public(prefix: str) -> Wire:
    def read(value: Any, field: str | None) -> UUID:
        return (
            value if isinstance(value, UUID) else parse_id(prefix, _text(value, field), field=field)
        )

    return Wire(
        read,
        lambda value: public_id(prefix, value),
        {
            "type": "string",
            "pattern": f"^{prefix}_[0-9a-hjkmnp-tv-z]{{26}}$",
            "examples": [f"{prefix}_{_EXAMPLE_ID}"],
        },
    )


def _money(value: Any, field: str | None) -> Money:
    return value if isinstance(value, Money) else Money.from_json(value, field=field)


def _money_in(value: Any, field: str | None) -> Money:
    money = _money(value, field)
    if money.minor < 0:
        raise AmountInvalid(field=field, amount=money.text, amount_min="0")
    return money


def _positive_money(value: Any, field: str | None) -> Money:
    money = _money(value, field)
    if money.minor <= 0:
        raise AmountInvalid(field=field, amount=money.text, amount_above="0")
    return money


def _measure(value: Any, field: str | None) -> Measure:
    return value if isinstance(value, Measure) else read_measure(value, field=field)


def _quantity(value: Any, field: str | None) -> Quantity:
    return value if isinstance(value, Quantity) else Quantity.from_json(value, field=field)


def _positive_quantity(value: Any, field: str | None) -> Quantity:
    quantity = _quantity(value, field)
    if quantity.minor <= 0:
        raise QuantityInvalid(field=field, quantity=quantity.text, quantity_above="0")
    return quantity


def _date(value: Any, field: str | None) -> date:
    return value if isinstance(value, date) else parse_date(_text(value, field), field=field)


def _instant(value: Any, field: str | None) -> datetime:
    return value if isinstance(value, datetime) else parse_instant(_text(value, field), field=field)


def _uscc(value: Any, field: str | None) -> str:
    text = _text(value, field)
    if not uscc.is_valid(text):
        raise UsccInvalid(field=field, value=text[:40])
    return text


def _rate(value: Any, field: str | None) -> str:
    text = _text(value, field)
    parse_rate(text, field=field or "rate")
    return text


def _digest(value: Any, field: str | None) -> str:
    text = _text(value, field)
    if not shapes.is_digest(text):
        raise ValueInvalid(field=field, value=text[:60])
    return text


_MONEY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^-?(0|[1-9][0-9]{0,16})(\.[0-9]+)?$"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
    "required": ["amount", "currency"],
    "additionalProperties": False,
    "examples": [{"amount": "1245000.00", "currency": "CNY"}],
}
_QUANTITY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "quantity": {"type": "string", "pattern": r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,3})?$"},
        "unit": {"type": "string", "enum": sorted(UNITS)},
    },
    "required": ["quantity", "unit"],
    "additionalProperties": False,
    "examples": [{"quantity": "140.000", "unit": "TNE"}],
}
_MEASURE_SCHEMA: dict[str, Any] = {"oneOf": [_MONEY_SCHEMA, _QUANTITY_SCHEMA]}
_DATE_SCHEMA = {"type": "string", "format": "date", "examples": ["2025-12-19"]}
_INSTANT_SCHEMA = {
    "type": "string",
    "format": "date-time",
    "examples": ["2025-11-03T02:15:00Z"],
}
_USCC_SCHEMA = {
    "type": "string",
    "pattern": "^[0-9A-HJ-NPQRTUWXY]{18}$",
    "examples": ["91350100M000100Y43"],
}
_RATE_SCHEMA = {
    "type": "string",
    "pattern": r"^(0|[1-9][0-9]?)(\.[0-9]{1,8})?$",
    "examples": ["0.0385"],
}
_DIGEST_SCHEMA = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]{43}$",
    "examples": ["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
}


_NAME_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 64, "examples": ["GQ-2025-0001"]}


def _name(value: Any, field: str | None) -> str:
    return distinct_name(value, field=field)


def _same(value: Any) -> Any:
    return value


PartyId = Annotated[UUID, _public("pty")]
LookUpId = Annotated[UUID, _public("lkp")]
ConsentId = Annotated[UUID, _public("cns")]
PersonId = Annotated[UUID, _public("psn")]
ClientId = Annotated[UUID, _public("cli")]
CertificateId = Annotated[UUID, _public("crt")]
AuthorityId = Annotated[UUID, _public("aut")]
MandateId = Annotated[UUID, _public("mnd")]
ProgrammeId = Annotated[UUID, _public("prg")]
DebtorNoticeId = Annotated[UUID, _public("dnt")]
DraftId = Annotated[UUID, _public("dft")]
StatementId = Annotated[UUID, _public("stm")]
DocumentId = Annotated[UUID, _public("doc")]
TradeDocumentId = Annotated[UUID, _public("trd")]
InvoiceCheckId = Annotated[UUID, _public("ivc")]
RedNoteId = Annotated[UUID, _public("red")]
ConfirmationRequestId = Annotated[UUID, _public("cfr")]
PaymentId = Annotated[UUID, _public("pay")]
PaymentOrderId = Annotated[UUID, _public("pmo")]
BankReportId = Annotated[UUID, _public("brp")]
BankEntryId = Annotated[UUID, _public("bke")]
AccountChangeId = Annotated[UUID, _public("acg")]
ReconciliationId = Annotated[UUID, _public("rcn")]
ReceivableId = Annotated[UUID, _public("rcv")]
PoolId = Annotated[UUID, _public("cap")]
ApprovalCaseId = Annotated[UUID, _public("apc")]
ApprovalPaperId = Annotated[UUID, _public("apf")]
ApprovalPolicyId = Annotated[UUID, _public("app")]
FinancingId = Annotated[UUID, _public("fin")]
PriceSeriesId = Annotated[UUID, _public("prs")]
PriceEntryId = Annotated[UUID, _public("pen")]
PriceBatchId = Annotated[UUID, _public("prb")]
ControlId = Annotated[UUID, _public("ctl")]
ControlNoticeId = Annotated[UUID, _public("cnt")]
MarginCallId = Annotated[UUID, _public("mgc")]
PledgeId = Annotated[UUID, _public("plg")]
LotId = Annotated[UUID, _public("lot")]
WarehouseReceiptId = Annotated[UUID, _public("whr")]
DivisionId = Annotated[UUID, _public("dvn")]
RestraintId = Annotated[UUID, _public("rst")]
WithdrawalId = Annotated[UUID, _public("wdr")]
ConsignmentId = Annotated[UUID, _public("csg")]
StorageTariffId = Annotated[UUID, _public("trf")]
FreightBillId = Annotated[UUID, _public("frb")]
FreightSettlementId = Annotated[UUID, _public("fst")]
DeviceId = Annotated[UUID, _public("dev")]
DeviceHourId = Annotated[UUID, _public("dvh")]
AlarmId = Annotated[UUID, _public("alm")]
StocktakeId = Annotated[UUID, _public("stk")]
StageId = Annotated[UUID, _public("stg")]
HoldId = Annotated[UUID, _public("hld")]
EventId = Annotated[UUID, _public("evt")]
JobId = Annotated[UUID, _public("job")]
TaskId = Annotated[UUID, _public("tsk")]
RegistryFilingId = Annotated[UUID, _public("rgf")]
RegistryPaperId = Annotated[UUID, _public("rgp")]
InvitationId = Annotated[UUID, _public("inv")]
WebhookId = Annotated[UUID, _public("whk")]
DeliveryId = Annotated[UUID, _public("msg")]
PayableLineId = Annotated[UUID, _public("pyl")]

MoneyText = Annotated[Money, Wire(_money, Money.to_json, _MONEY_SCHEMA)]
MoneyOut = MoneyText
MoneyIn = Annotated[Money, Wire(_money_in, Money.to_json, _MONEY_SCHEMA)]
PositiveMoney = Annotated[Money, Wire(_positive_money, Money.to_json, _MONEY_SCHEMA)]
QuantityOut = Annotated[Quantity, Wire(_quantity, Quantity.to_json, _QUANTITY_SCHEMA)]
PositiveQuantity = Annotated[Quantity, Wire(_positive_quantity, Quantity.to_json, _QUANTITY_SCHEMA)]
MeasureOut = Annotated[Measure, Wire(_measure, lambda value: value.to_json(), _MEASURE_SCHEMA)]
DateText = Annotated[date, Wire(_date, date.isoformat, _DATE_SCHEMA)]
InstantText = Annotated[datetime, Wire(_instant, instant_text, _INSTANT_SCHEMA)]
UsccText = Annotated[str, Wire(_uscc, _same, _USCC_SCHEMA)]
RateText = Annotated[str, Wire(_rate, _same, _RATE_SCHEMA)]
NameText = Annotated[str, Wire(_name, _same, _NAME_SCHEMA)]
"""A number or name that tells one thing from another, folded to one way of writing."""
DigestText = Annotated[str, Wire(_digest, _same, _DIGEST_SCHEMA)]

_STEERING = r"\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""What turns the direction of a text (UAX #9): a signer would read another order than is signed."""
_ONE_LINE = rf"^[^\x00-\x1f\x7f{_STEERING}]*$"

Text = Annotated[str, StringConstraints(pattern=_ONE_LINE)]
"""One line of text as it is, without control characters; empty allowed."""
Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=LINE_LENGTH_MAX,
        pattern=_ONE_LINE,
    ),
]
"""One line of text, without control characters."""
Prose = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=PROSE_LENGTH_MAX,
        pattern=rf"^[^\x00-\x08\x0b-\x1f\x7f{_STEERING}]*$",
    ),
]
"""A reason or a note; line breaks allowed."""


PageSize = Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)]
"""How many items a page has."""


class RevokeIn(In):
    """Why something ends."""

    reason: Line
