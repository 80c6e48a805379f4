"""Papers of the trade for tests, built on the spot."""

from collections.abc import Sequence

from tests.support.invoices import UBL

HEADER = "单据类型,单据编号,客户税号,供应商税号,单据日期,订单编号,订单行号,物料,数量,含税金额"


def receipt_csv(
    buyer: str, seller: str, rows: Sequence[tuple[str, str, str, str, str]], kind: str = "入库单"
) -> bytes:
    """A CSV of receipts; rows are (number, order, order line, quantity, amount with tax)."""
    lines = [
        f"{kind},{number},{buyer},{seller},2025-10-20,{order},{line},冲压件,{quantity},{amount}"
        for number, order, line, quantity, amount in rows
    ]
    return "\n".join([HEADER, *lines, ""]).encode("utf-8-sig")


def ubl_order(
    buyer: str,
    seller: str,
    number: str,
    lines: Sequence[tuple[str, str, str, str]],
    extra: str = "",
) -> bytes:
    """A UBL Order; lines are (id, quantity, net, tax), tax empty where the line does not say it."""
    items = "".join(
        f"<cac:OrderLine><cac:LineItem><cbc:ID>{identity}</cbc:ID><cbc:Quantity>{quantity}</cbc:Quantity>"
        f'<cbc:LineExtensionAmount currencyID="CNY">{net}</cbc:LineExtensionAmount>'
        + (f'<cbc:TotalTaxAmount currencyID="CNY">{tax}</cbc:TotalTaxAmount>' if tax else "")
        + "<cac:Item><cbc:Name>冲压件</cbc:Name></cac:Item></cac:LineItem></cac:OrderLine>"
        for identity, quantity, net, tax in lines
    )
    sides = _party("BuyerCustomerParty", buyer) + _party("SellerSupplierParty", seller)
    return _ubl("Order", number, f"{sides}{extra}{items}")


def ubl_moved(
    kind: str, buyer: str, seller: str, number: str, lines: Sequence[tuple[str, str, str, str]]
) -> bytes:
    """A UBL ReceiptAdvice or DespatchAdvice; lines are (order, order line, quantity, rejected)."""
    name, moved = {
        "ReceiptAdvice": ("ReceiptLine", "ReceivedQuantity"),
        "DespatchAdvice": ("DespatchLine", "DeliveredQuantity"),
    }[kind]
    items = "".join(
        f"<cac:{name}><cbc:ID>{place}</cbc:ID><cbc:{moved}>{quantity}</cbc:{moved}>"
        + (f"<cbc:RejectedQuantity>{rejected}</cbc:RejectedQuantity>" if rejected else "")
        + f"<cac:OrderLineReference><cbc:LineID>{line}</cbc:LineID><cac:OrderReference>"
        f"<cbc:ID>{order}</cbc:ID></cac:OrderReference></cac:OrderLineReference></cac:{name}>"
        for place, (order, line, quantity, rejected) in enumerate(lines, 1)
    )
    sides = _party("DeliveryCustomerParty", buyer) + _party("DespatchSupplierParty", seller)
    return _ubl(kind, number, f"{sides}{items}")


def _ubl(kind: str, number: str, body: str) -> bytes:
    return (
        f'<{kind} xmlns="{UBL}{kind}-2" xmlns:cac="{UBL}CommonAggregateComponents-2"'
        f' xmlns:cbc="{UBL}CommonBasicComponents-2"><cbc:ID>{number}</cbc:ID>'
        f"<cbc:IssueDate>2025-10-20</cbc:IssueDate>{body}</{kind}>"
    ).encode()


def _party(role: str, code: str) -> str:
    return (
        f"<cac:{role}><cac:Party><cac:PartyTaxScheme><cbc:CompanyID>{code}</cbc:CompanyID>"
        f"</cac:PartyTaxScheme></cac:Party></cac:{role}>"
    )
