"""Cursor paging, never offset: a cursor is the last item's id."""

from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from scf.kernel.ids import parse_id, public_id

PAGE_SIZE = 50
PAGE_SIZE_MAX = 500

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A page of items; `next` is the cursor of the page after, absent on the last."""

    items: list[Item]
    next: str | None = Field(None, examples=["rcv_01k3e5m8q2x7v9b4c6d8f0g1h2"])


def read_cursor(prefix: str, cursor: str | None) -> UUID | None:
    """Read a cursor. Raises IdInvalid."""
    return None if cursor is None else parse_id(prefix, cursor, field="cursor")


def next_cursor(prefix: str, ids: list[UUID], size: int) -> str | None:
    """Return the cursor after a full page, None after the last."""
    return public_id(prefix, ids[-1]) if len(ids) == size else None
