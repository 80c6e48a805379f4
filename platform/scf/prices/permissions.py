"""Who keeps prices: the operator and banks, each its own series. Everybody who is here may read them."""

from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import NotAllowed
from scf.parties.models import Party, PartyKind
from scf.prices.models import PriceSeries


class SeriesForBanks(NotAllowed):
    """Price series are kept by the operator and by banks; prices by hand by banks alone."""

    code = "prices.not_for_this_party"
    title = "仅平台运营方和银行可以维护价格；人工录入仅限银行"
    title_en = "The operator and banks keep prices; only banks enter them by hand"


def require_bank(party: Party) -> None:
    """Raise SeriesForBanks for others."""
    if party.kind is not PartyKind.BANK:
        raise SeriesForBanks


def require_owner(actor: Actor, series: PriceSeries) -> None:
    """Raise SubjectNotFound for whoever does not keep the series."""
    keeps = actor.operator if series.owner_id is None else actor.party_id == series.owner_id
    if not keeps:
        raise SubjectNotFound
