"""What the clerk at the core enterprise does with the list: fill it in, in a spreadsheet."""

import base64

from scf.http.sheets import write_xlsx
from scf.kernel.money import Money
from scf.receivables import sheets
from scf.story.desk import StoryDiverged

REASON = "质量争议：左前门内板一批孔径超差，扣款待协商"


def fill(pending: bytes, receivable: str, *, confirmed: Money, disputed: Money) -> str:
    """Return the workbook, in base64, with one line answered.

    Raises StoryDiverged where the line is not in it.
    """
    rows = [cells for _, cells in sheets.lines_of(pending)]
    columns = {name: place for place, name in enumerate(rows[0])}
    answer = {sheets.CONFIRMED: confirmed.text}
    if disputed.minor:
        answer |= {sheets.DISPUTED: disputed.text, sheets.REASON: REASON}
    mine = [row for row in rows[1:] if row[columns[sheets.ID]] == receivable]
    if len(mine) != 1:
        raise StoryDiverged(step="confirm", receivable=receivable, rows=len(mine))
    for column, value in answer.items():
        mine[0][columns[column]] = value
    return base64.b64encode(write_xlsx(rows)).decode()
