"""The closed tree of what can be said no to.

SCFError
├─ Refused            a rule says no; the same request gets the same answer
│  ├─ Unauthenticated who is asking is not known
│  ├─ NotAllowed      known, but not permitted
│  ├─ NotFound        not there, or not for this party
│  ├─ Invalid         well-formed but meaningless
│  ├─ Conflict        the state forbids it now
│  ├─ LimitExceeded   carries the numbers
│  └─ TooLarge        a named bound was passed
├─ Throttled          asked too often: may succeed after the named time
└─ Unavailable        transient: may succeed when tried again

Anything else is a defect. Kinds map to HTTP in one place, `scf.http.problems`; concrete errors stand
beside the rule that raises them.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class SCFError(Exception):
    """Base of every expected error: a stable code, a Chinese title, and the numbers."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "错误"
    title_en: ClassVar[str] = "Error"

    def __init__(self, *, field: str | None = None, **fields: Any) -> None:
        """Carry the offending field's name (`field`) and the numbers (`fields`, JSON values)."""
        self.field = field
        self.fields = fields
        super().__init__(self.line())

    def line(self) -> str:
        """Return one clear line for a terminal, Chinese first."""
        numbers = ", ".join(f"{name}={value}" for name, value in self.fields.items())
        where = f" [{self.field}]" if self.field else ""
        return f"{self.title} ({self.title_en}){where} {self.code}" + (
            f": {numbers}" if numbers else ""
        )


class Refused(SCFError):
    """A rule says no; the same request gets the same answer."""

    def outlive(self, session: Any) -> None:
        """Write what has to outlive the refused transaction: nothing, unless an error says otherwise."""


class Unauthenticated(Refused):
    """Who is asking must be known."""


class NotAllowed(Refused):
    """The one who asks must be permitted to."""


class NotFound(Refused):
    """The thing must be there, for this party."""


class Invalid(Refused):
    """The input must make sense."""


class Conflict(Refused):
    """The state must allow it now."""


class LimitExceeded(Refused):
    """The amount must fit under its limit."""


class TooLarge(Refused):
    """The input must stay under its named bound."""


class Throttled(SCFError):
    """One asks no more often than was agreed; the same request may succeed after `retry_after` seconds.

    `headers` go with the answer, beside `Retry-After`.
    """

    def __init__(
        self, *, retry_after: int, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> None:
        """Carry when to come again."""
        super().__init__(retry_after=retry_after, **fields)
        self.retry_after = retry_after
        self.headers = dict(headers or {})


class Unavailable(SCFError):
    """A transient fault of something we depend on; may succeed when tried again."""

    code = "unavailable"
    title = "服务暂时不可用，请稍后重试"
    title_en = "Temporarily unavailable, try again"


class ValueInvalid(Invalid):
    """A value must be of its declared form."""

    code = "value.invalid"
    title = "输入值无效"
    title_en = "The value is not valid"
