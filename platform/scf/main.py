"""The HTTP application: every feature's router in one place."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from scf.access import api as access
from scf.approvals import api as approvals
from scf.blind import api as blind
from scf.capacity import api as capacity
from scf.collateral import api as collateral
from scf.collateral import call_api as margin_calls
from scf.collateral import logistics_api as logistics
from scf.collateral import portfolio, releases
from scf.confirmations import api as confirmations
from scf.confirmations import rates_api as confirmation_rates
from scf.db.session import Database
from scf.devices import alarm_api, alarms
from scf.devices import api as devices
from scf.documents import api as documents
from scf.documents import trade_api as trade
from scf.dossier import api as dossier
from scf.evidence import api as evidence
from scf.feed import api as feed
from scf.feed import daily_api as daily_files
from scf.feed import webhook_api as webhooks
from scf.financing import api as financing
from scf.financing import extension_api as extensions
from scf.financing import rank_api
from scf.http import bounds, health, links, metrics, oauth, problems
from scf.http.limits import Limits
from scf.jobs import api as jobs
from scf.kernel import logs
from scf.lineage import api as lineage
from scf.parties import api as parties
from scf.parties import papers as party_papers
from scf.parties import supervision_api as supervision
from scf.pledges import api as pledges
from scf.pledges import appraisals, guards
from scf.pledges import notice_api as debtor_notices
from scf.pledges import order_api as order_pledges
from scf.prices import api as prices
from scf.programmes import api as programmes
from scf.programmes import invitation_api as invitations
from scf.receipts import api as receipts
from scf.receipts import guards as issue_guards
from scf.receipts import keeping_api as receipt_keeping
from scf.receivables import api as receivables
from scf.receivables import block_list_api as block_list
from scf.receivables import papers as receivable_papers
from scf.receivables import red_note_api as red_notes
from scf.receivables import terms_api as terms
from scf.receivables import upload_api as uploads
from scf.registrations import api as registrations
from scf.registrations import rank_api as pledge_ranks
from scf.rules import api as rules
from scf.settings import Settings
from scf.settlement import agreements_api, splits_api
from scf.settlement import api as settlement
from scf.stock import api as stock
from scf.stocktakes import api as stocktakes
from scf.tasks import api as tasks
from scf.trace import api as trace
from scf.transit import api as transit
from scf.transit import bill_api as freight

ROUTERS: list[APIRouter] = [
    health.router,
    problems.router,
    metrics.router,
    oauth.router,
    evidence.router,
    rules.router,
    jobs.router,
    tasks.router,
    parties.router,
    party_papers.router,
    supervision.router,
    access.router,
    prices.router,
    programmes.router,
    invitations.router,
    capacity.router,
    documents.router,
    trade.router,
    uploads.router,
    receivables.router,
    block_list.router,
    receivable_papers.router,
    red_notes.router,
    terms.router,
    stock.router,
    receipts.router,
    receipt_keeping.router,
    confirmations.router,
    confirmation_rates.router,
    lineage.router,
    pledges.router,
    order_pledges.router,
    blind.router,
    debtor_notices.router,
    registrations.router,
    pledge_ranks.router,
    approvals.router,
    financing.router,
    extensions.router,
    rank_api.router,
    settlement.router,
    dossier.router,
    collateral.router,
    logistics.router,
    margin_calls.router,
    agreements_api.router,
    devices.router,
    alarm_api.router,
    stocktakes.router,
    transit.router,
    freight.router,
    feed.router,
    webhooks.router,
    daily_files.router,
    splits_api.router,
    trace.router,
]


guards.install(releases.require)  # nothing that is watched goes below its floor
issue_guards.install(alarms.require_none)  # no receipt over goods that are not as the book says
appraisals.install(portfolio.market_value)


@asynccontextmanager
async def _serving(app: FastAPI) -> AsyncIterator[None]:
    """Prepare the process to answer evenly.

    An endpoint waits for a thread rather than for a connection: more threads would only pass the
    interpreter to and fro. What was imported stays, and no collection stops everyone to look at it.
    """
    current_default_thread_limiter().total_tokens = app.state.settings.database_pool_size
    gc.collect()
    gc.freeze()
    yield


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; uvicorn calls it as a factory."""
    logs.configure()
    settings = settings or Settings.load()
    app = FastAPI(
        title="供应链金融平台 Supply-chain finance platform",
        version="1",
        summary="登记、确权、质押、存证；不触碰资金。Registers, confirms, pledges, proves; never touches money.",
        lifespan=_serving,
        docs_url="/docs",
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.database = Database(settings.database_url, pool_size=settings.database_pool_size)
    app.state.limits = Limits.of(settings)
    app.add_middleware(bounds.Bounded)
    app.add_middleware(metrics.Measured)
    problems.install(app)
    for router in ROUTERS:  # flat: an included router is a layer that every request crosses
        app.router.routes.extend(router.routes)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign] # FastAPI's documented way
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Describe the API once (OpenAPI 3.1), with the way clients identify."""
    if not app.openapi_schema:
        schema = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        schema.setdefault("components", {})["securitySchemes"] = {
            "client": {
                "type": "oauth2",
                "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
            }
        }
        links.add_links(schema)
        app.openapi_schema = schema
    return app.openapi_schema
