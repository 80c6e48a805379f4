"""Setting papers with Typst: a template of this package, data as JSON, fixed dates, no network."""

import io
import json
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import segno
import typst

from scf.kernel.errors import TooLarge
from scf.papers import fonts
from scf.papers.layouts import EvidencePack, Layout, Letter, Paper
from scf.papers.visible import drawable

MEDIA_TYPE: Final = "application/pdf"
CHARACTERS_MAX: Final = 4_000_000
"""Of a paper's data as JSON: a statement has 64 KiB, a basket a thousand lines."""
_TEMPLATES: Final = Path(__file__).parent / "templates"


class PaperTooLarge(TooLarge):
    """A paper is for people to read."""

    code = "papers.too_large"
    title = "文书内容过多，不能生成 PDF"
    title_en = "There is too much for one paper"


def paper(content: Paper) -> bytes:
    """Set a form as PDF. Raises PaperTooLarge, FontMissing."""
    return typeset("paper", content)


def letter(content: Letter) -> bytes:
    """Set a formal letter as PDF. Raises PaperTooLarge, FontMissing."""
    return typeset("letter", content)


def evidence_pack(content: EvidencePack) -> bytes:
    """Set a pack of evidence as PDF. Raises PaperTooLarge, FontMissing."""
    return typeset("evidence", content)


def typeset(template: str, content: Layout) -> bytes:
    """Set `content` with a template; the same content gives the same bytes.

    What the typeface cannot draw is written out as an escape, so that nothing is lost and nothing fails.
    The PDF keeps to ISO 19005-3 level A (for decades, files inside) and ISO 14289-1 (can be read aloud).
    """
    data = _data(content)
    if len(data) > CHARACTERS_MAX:
        raise PaperTooLarge(size=len(data), limit=CHARACTERS_MAX)
    return typst.compile(
        _TEMPLATES / f"{template}.typ",
        root=_TEMPLATES,
        font_paths=fonts.folders(),
        ignore_system_fonts=True,
        sys_inputs={"data": data},
        pdf_standards=["a-3a", "ua-1"],
        timestamp=int(content.at.timestamp()),
    )


def _data(content: Layout) -> str:
    """Return what the template reads. Texts are drawable; a QR code and attached files are our own."""
    values: dict[str, Any] = asdict(content)
    at, attachments = values.pop("at"), values.pop("attachments")
    whole = {
        **drawable(values, fonts.glyphs()),
        "family": fonts.FAMILY,
        "made": list(at.astimezone(UTC).timetuple()[:6]),
        "qr": None if content.proof is None else _qr(content.proof.address),
        "attachments": [one | {"content": _plain(one["content"])} for one in attachments],
    }
    return json.dumps(whole, ensure_ascii=False)


def _plain(content: str | bytes) -> str | list[int]:
    """Return a file's content as JSON has it."""
    return content if isinstance(content, str) else list(content)


def _qr(address: str) -> str:
    """Return a QR code (ISO/IEC 18004, level M) as SVG."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", xmldecl=False, omitsize=True)
    return out.getvalue().decode()
