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
