"""Who may do what with documents."""

from sqlalchemy import ColumnElement, or_

from scf.documents.models import Document
from scf.parties.models import Party


def visible_to(party: Party) -> ColumnElement[bool]:
    """Return what a party may read: what it sold and what it is asked to pay."""
    return or_(Document.seller_id == party.id, Document.buyer == party.uscc)
