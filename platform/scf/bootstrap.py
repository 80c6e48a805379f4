"""What an installation needs once: keys, an open log, contracts, an operator who can log in.

Every start runs it again and changes nothing that is there.
"""

import json
import os
from pathlib import Path

from sqlalchemy import select

from scf.db.session import Database
from scf.evidence import keys, queries
from scf.evidence.contracts import connect, ensure_contracts, make_sender, settle_home
from scf.evidence.sequencing import open_log
from scf.http.auth import OAuthClient, client_public_id, create_client
from scf.parties import queries as parties
from scf.settings import CLIENTS, OPERATOR, Settings
from scf_ledger import trust
from scf_ledger.tokens.setup import admit

TRUST = "trust.json"


def bootstrap(settings: Settings) -> None:
    """Bring an installation into being. Raises KeyUnusable, OtherLog, ChainError."""
    keys.make_keys(settings)
    database = Database(settings.database_url, pool_size=1)
    try:
        signer, clock = keys.log_key(settings), settings.clock
        with database.transaction() as session:
            open_log(session, signer, now=clock.real())
        home = ensure_contracts(settings, connect(settings))
        with database.transaction() as session:
            settle_home(session, home)
        # A chain that lost blocks meanwhile is noticed before anybody asks what stands there.
        make_sender(settings, database).advance()
        admit_to_token_service(settings, home.sender)
        register_operator(settings, database)
        write_trust(settings, database)
    finally:
        database.close()


def admit_to_token_service(settings: Settings, address: str) -> None:
    """Get the platform's own access to the token service, unless it has it."""
    path = settings.secrets / keys.TOKEN_BEARER
    if not path.exists():
        bearer = admit(settings.data / "tokens", name=settings.log_origin, address=address)
        keys.write_secret(path, bearer)


def register_operator(settings: Settings, database: Database) -> None:
    """Make the operator's API client, its id and secret in `secrets/operator.json`."""
    path = settings.secrets / OPERATOR
    with database.transaction() as session:
        live = select(OAuthClient).where(
            OAuthClient.operator.is_(True), OAuthClient.revoked_at.is_(None)
        )
        known = {client_public_id(client) for client in session.scalars(live)}
        if path.exists() and json.loads(path.read_text())["client_id"] in known:
            return
        client, secret = create_client(
            session, name="operator", party_id=None, operator=True, now=settings.clock.real()
        )
        # Before the commit: a client whose secret nobody has would be worse than a stale file.
        text = json.dumps({"client_id": client_public_id(client), "client_secret": secret})
        keys.write_secret(path, text)


def keep_client(settings: Settings, name: str, client_id: str, secret: str) -> None:
    """Keep the credentials of a demonstration's client in `clients/NAME.json`, for its owner alone."""
    folder = settings.data / CLIENTS
    folder.mkdir(mode=0o700, exist_ok=True)
    text = json.dumps({"client_id": client_id, "client_secret": secret})
    keys.write_secret(folder / f"{name}.json", text)


def write_trust(settings: Settings, database: Database) -> Path:
    """Write `trust.json`, whom this installation's verifiers believe; again after a CA is added."""
    with database.reading() as session:
        head, home = queries.head(session), queries.chain_home(session)
        content = trust.build(
            logs=[(head.origin, head.vkey, home.origin_key if home else None)],
            authorities=parties.authorities(session),
            chains=[(home.chain_id, home.anchor_address, home.registry_address)] if home else [],
        )
    path = settings.data / TRUST
    partial = path.with_suffix(".part")
    partial.write_bytes(content)
    os.chmod(partial, 0o644)  # noqa: PTH101 - public by intention
    partial.replace(path)
    return path
