"""What the workers do at the register: handlers by the kind of effect."""

from collections.abc import Mapping
from typing import Final

from scf.db.outbox import Handler
from scf.pledges import rules
from scf.registrations import cancelling, changing, registering, reviews, searching

HANDLERS: Final[Mapping[str, Handler]] = {
    rules.PERFECT: searching.search_first,
    rules.REGISTER: registering.register,
    rules.SEARCH_SECOND: searching.search_second,
    rules.RAISE_CANCELLATION: cancelling.on_released,
    rules.CANCEL_REGISTRATION: cancelling.cancel,
    rules.END: registering.end_reserved,
    changing.CHANGE: changing.file,
    rules.REDESCRIBE: changing.redescribe,
    reviews.REVIEW: reviews.review,
    searching.SEARCH: searching.search_before_lending,
}
