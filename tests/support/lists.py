"""Lists of invoices for tests: the tax portal's export, workbooks, CSV, ZIP."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xlsxwriter

from tests.support.invoices import BUYER, SELLER

EXPORT = (
    "序号", "发票代码", "发票号码", "数电发票号码", "销方识别号", "销方名称", "购方识别号", "购买方名称", "开票日期",
    "金额", "税额", "价税合计", "发票来源", "发票票种", "发票状态", "是否正数发票", "发票风险等级", "开票人", "备注",
)  # fmt: skip
ITEMS = (
    *EXPORT[:9], "税收分类编码", "特定业务类型", "货物或应税劳务名称", "规格型号", "单位", "数量", "单价",
    "金额", "税率", "税额", *EXPORT[11:],
)  # fmt: skip

DEFAULTS: Mapping[str, Any] = {
    "数电发票号码": "25500000000000000001",
    "销方识别号": SELLER,
    "销方名称": "卖方(示例)",
    "购方识别号": BUYER,
    "购买方名称": "买方(示例)",
    "开票日期": "2025-10-22 09:31:07",
    "金额": "100.00",
    "税额": "13.00",
    "价税合计": "113.00",
    "发票来源": "电子发票服务平台",
    "发票票种": "数电票（增值税专用发票）",
    "发票状态": "正常",
    "是否正数发票": "是",
    "发票风险等级": "正常",
}


def exported(header: Sequence[str] = EXPORT, **values: Any) -> list[Any]:
    """A row as the tax portal exports it."""
    row = {**DEFAULTS, **values}
    return [row.get(name, "") for name in header]


def workbook(**sheets: Iterable[Sequence[Any]]) -> bytes:
    """An .xlsx with these sheets; numbers are number cells."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    return file.getvalue()


def far_workbook() -> bytes:
    """An .xlsx of two cells, the first and the last of the grid."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    sheet.write(0, 0, "first")
    sheet.write(1_048_575, 16_383, "last")
    book.close()
    return file.getvalue()


def export(*rows: Sequence[Any], **sheets: Iterable[Sequence[Any]]) -> bytes:
    """The portal's export of these invoices."""
    return workbook(发票基础信息=[EXPORT, *rows], **sheets)


def text_list(*lines: str, encoding: str = "utf-8-sig") -> bytes:
    """A CSV."""
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A ZIP."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(name, content)
    return file.getvalue()


def unsigned_ofd(original: bytes) -> bytes:
    """An OFD as if it had never been signed, so that what is changed in it is read."""
    with zipfile.ZipFile(io.BytesIO(original)) as package:
        members = {name: package.read(name) for name in package.namelist()}
    members["OFD.xml"] = re.sub(rb"<ofd:Signatures>.*?</ofd:Signatures>", b"", members["OFD.xml"])
    return zipped(members)
