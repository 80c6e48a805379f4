"""The token service for this installation's contracts: `python -m scf.runtime.tokens`.

The service itself knows nothing of the platform; here it is told which contract its tickets are for.
"""

import argparse
import sys

from sqlalchemy import select

from scf.db.session import Database
from scf.evidence.models import ChainHome
from scf.settings import Settings
from scf_ledger.tokens.__main__ import main as token_service


def main() -> int:
    """Serve until it is stopped; exit status 2 when it cannot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default="8701")
    options = parser.parse_args()
    settings = Settings.load()
    database = Database(settings.database_url, pool_size=1)
    with database.reading() as session:
        home = session.scalars(select(ChainHome)).one()
        contract = ["--chain-id", str(home.chain_id), "--contract", home.registry_address]
    database.close()
    folder = ["--data", str(settings.data / "tokens")]
    return token_service(
        [*folder, "serve", "--host", options.host, "--port", options.port, *contract]
    )


if __name__ == "__main__":
    sys.exit(main())
