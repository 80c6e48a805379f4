"""The margin call's state machine: pure. A mark's line and a deadline move it; so do a sale and its settlement.

```
(none) ─V < F(1+w)─▶ WARNED ─V < F─▶ CALLED ─deadline, or disposal line─▶ BREACHED ─▶ NOTICED ─▶ SOLD ─▶ SETTLED
                        │               │                                    │           │
                        ▼               └────────────── V ≥ F ───────────────┴───────────┴──▶ CURED
                     LIFTED (V ≥ F(1+w))
```
WARNED, CALLED and BREACHED are LAPSED when the bank ends the agreement.
What reaches the disposal line at once is breached at once: a right to sell waits for no top-up (Civil Code 433, 436).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from scf.collateral.valuation import Line


class Stage(StrEnum):
    """Where a margin call stands. Goods stay where they are from BREACHED on (FREEZE_OUTBOUND)."""

    WARNED = "WARNED"
    CALLED = "CALLED"
    BREACHED = "BREACHED"
    NOTICED = "NOTICED"
    SOLD = "SOLD"
    LIFTED = "LIFTED"
    LAPSED = "LAPSED"
    CURED = "CURED"
    SETTLED = "SETTLED"


TRANSITIONS: Final[Mapping[Stage, frozenset[Stage]]] = MappingProxyType(
    {
        Stage.WARNED: frozenset({Stage.CALLED, Stage.BREACHED, Stage.LIFTED, Stage.LAPSED}),
        Stage.CALLED: frozenset({Stage.BREACHED, Stage.CURED, Stage.LAPSED}),
        Stage.BREACHED: frozenset({Stage.NOTICED, Stage.CURED, Stage.LAPSED}),
        Stage.NOTICED: frozenset({Stage.SOLD, Stage.CURED}),
        Stage.SOLD: frozenset({Stage.SETTLED}),
        Stage.LIFTED: frozenset(),
        Stage.LAPSED: frozenset(),
        Stage.CURED: frozenset(),
        Stage.SETTLED: frozenset(),
    }
)
"""The one table of a margin call's moves."""
ENDED: Final = frozenset({Stage.LIFTED, Stage.LAPSED, Stage.CURED, Stage.SETTLED})
FROZEN: Final = frozenset({Stage.BREACHED, Stage.NOTICED, Stage.SOLD})
"""While a call is at one of these, nothing leaves."""
_RAISED: Final[Mapping[Line, Stage]] = {
    Line.WARNING: Stage.WARNED,
    Line.TOP_UP: Stage.CALLED,
    Line.DISPOSAL: Stage.BREACHED,
}


def moves(stage: Stage | None, line: Line, *, late: bool) -> list[Stage]:
    """Return what a mark makes of a call: nothing, one move, or an end and a new call.

    `stage` is that of the open call, None where there is none; `late` says that the day by which a call had to be
    cured has passed. A cure that leaves the value below the warning line is followed by a new warning.
    """
    deep = line in (Line.TOP_UP, Line.DISPOSAL)
    made: list[Stage] = []
    if stage is None:
        made = [_RAISED[line]] if line in _RAISED else []
    elif stage is Stage.WARNED:
        made = [_RAISED[line]] if deep else [Stage.LIFTED] if line is Line.CLEAR else []
    elif stage is not Stage.SOLD and not deep:
        made = [Stage.CURED, *moves(None, line, late=False)]
    elif stage is Stage.CALLED and (line is Line.DISPOSAL or late):
        made = [Stage.BREACHED]
    return made
