"""Why a document cannot be read as an invoice."""

from scf.kernel.errors import Invalid, TooLarge


class UnsupportedFormat(Invalid):
    """A document is of a format that is read here; its content decides, not its name."""

    code = "document.unsupported_format"
    title = "不支持的文件格式（支持：数电票 XML 和 OFD、UBL 2、CII、发票清单 xlsx 或 CSV、ZIP）"
    title_en = (
        "Not a format that is read here: 数电票 XML or OFD, UBL 2, CII, xlsx or CSV lists, ZIP"
    )


class DocumentEmpty(Invalid):
    """A document has content."""

    code = "document.empty"
    title = "文件为空"
    title_en = "The file is empty"


class DocumentTooLarge(TooLarge):
    """A document stays below named bounds of size, elements, attributes, depth and lines."""

    code = "document.too_large"
    title = "文件过大或结构过于复杂"
    title_en = "The document is larger or more complex than any invoice"


class XmlMalformed(Invalid):
    """XML is well-formed, in an encoding that it declares truly."""

    code = "document.xml_malformed"
    title = "XML 格式错误"
    title_en = "The XML is not well-formed"


class XmlUnsafe(Invalid):
    """An invoice needs no document type declaration, so none is read: no entities, no external files."""

    code = "document.xml_unsafe"
    title = "XML 含有不允许的文档类型声明（DTD）或实体"
    title_en = "The XML carries a document type declaration or entities"


class FieldMissing(Invalid):
    """An invoice names its number, parties, date and amounts."""

    code = "document.field_missing"
    title = "发票缺少必要内容"
    title_en = "The invoice lacks a field"


class FieldRepeated(Invalid):
    """What an invoice says once it says once: two answers are no answer."""

    code = "document.field_repeated"
    title = "发票中同一内容出现多次"
    title_en = "The invoice gives a field more than once"


class FieldInvalid(Invalid):
    """A field has a form that its standard allows."""

    code = "document.field_invalid"
    title = "发票内容格式不正确"
    title_en = "A field of the invoice is not valid"


class CurrencyUnsupported(Invalid):
    """Amounts are in a currency whose minor unit is known here."""

    code = "document.currency_unsupported"
    title = "不支持的币种"
    title_en = "The currency is not supported"


class CurrencyMixed(Invalid):
    """The amounts of an invoice have one currency."""

    code = "document.currency_mixed"
    title = "发票金额的币种不一致"
    title_en = "The invoice's amounts have several currencies"


class TotalsMismatch(Invalid):
    """Declared totals add up, to the cent, by the standards' own roundings."""

    code = "document.totals_mismatch"
    title = "发票金额合计不一致"
    title_en = "The invoice's totals do not add up"


class Contradiction(Invalid):
    """An invoice does not contradict itself: one number, one colour, one sign."""

    code = "document.contradiction"
    title = "发票内容自相矛盾"
    title_en = "The invoice contradicts itself"


class SeveralDocuments(Invalid):
    """One document is handed in at a time; what holds several is taken apart first."""

    code = "document.several"
    title = "文件内含多张单证，请用 scf import 批量导入"
    title_en = "The file holds several documents: hand it in with scf import"


class PackageInvalid(Invalid):
    """A ZIP package is whole, not encrypted, and has the parts that it names."""

    code = "document.package_invalid"
    title = "压缩文件损坏、加密或缺少部件"
    title_en = "The package is damaged, encrypted, or lacks a part that it names"


class PackageUnsafe(TooLarge):
    """A ZIP package stays below bounds of members, size, ratio and depth, and no name leads out of it."""

    code = "document.package_unsafe"
    title = "压缩文件超出安全限制"
    title_en = "The package passes a bound of safety"


class DocumentAltered(Invalid):
    """What was signed is as it was when it was signed."""

    code = "document.altered"
    title = "文件在签名后被改动"
    title_en = "The file was altered after it was signed"


class SignatureIncomplete(Invalid):
    """Where an OFD is signed, the signature covers the invoice, by a digest that is still sound."""

    code = "document.signature_incomplete"
    title = "签名未覆盖发票数据，或摘要算法不受支持"
    title_en = "The signature does not cover the invoice's data, or its digest is not supported"


class NoInvoiceData(Invalid):
    """An OFD carries the invoice as data, in an attachment or as tags, not only as a picture of it."""

    code = "document.no_invoice_data"
    title = "OFD 文件不含发票数据，只有版面"
    title_en = "The OFD holds a picture of an invoice but no invoice data"


class DocumentVoided(Invalid):
    """An invoice that was voided (作废) is no claim."""

    code = "document.voided"
    title = "发票已作废"
    title_en = "The invoice was voided"


class TableInvalid(Invalid):
    """A list can be read to its end, in an encoding and a form that spreadsheets write."""

    code = "document.table_invalid"
    title = "清单文件无法读取"
    title_en = "The list cannot be read"


class ColumnsUnknown(Invalid):
    """The columns of a list are those of the tax portal's export, of the template, or of a mapping file."""

    code = "document.columns_unknown"
    title = "表头无法识别：请用模板，或用列对照文件说明各列含义"
    title_en = (
        "The columns are not known: use the template, or say by a mapping file what they mean"
    )


class RowInvalid(Invalid):
    """Every cell of a row has the form that its column asks for."""

    code = "document.row_invalid"
    title = "清单行有误"
    title_en = "The row has errors"

    def line(self) -> str:
        """Return the faults cell by cell."""
        faults = ("{column} {value}: {rule}".format_map(fault) for fault in self.fields["faults"])
        return f"{self.title} ({self.title_en}) {self.code}: {'; '.join(faults)}"


class MappingInvalid(Invalid):
    """A mapping file names fields that are known, columns, constants and forms."""

    code = "mapping.invalid"
    title = "列对照文件有误"
    title_en = "The mapping file has errors"
