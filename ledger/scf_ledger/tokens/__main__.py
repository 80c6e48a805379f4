"""`python -m scf_ledger.tokens`: set the service up, admit operators, serve."""

import argparse
import os
import sys
from pathlib import Path

import uvicorn

from scf_ledger.errors import LedgerError
from scf_ledger.tokens.api import create_app
from scf_ledger.tokens.service import ASSETS_PER_MINUTE, Terms
from scf_ledger.tokens.setup import admit, initialise, open_service


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scf_ledger.tokens", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("TOKENS_DATA", ".scf/tokens")),
        help="the service's folder, variable TOKENS_DATA (default .scf/tokens)",
    )
    commands = parser.add_subparsers(dest="command", required=True)

    commands.add_parser("init", help="make the keys; prints the signer's address")

    admitting = commands.add_parser("admit", help="admit an operator; prints its bearer token")
    admitting.add_argument("--name", required=True)
    admitting.add_argument("--address", required=True, help="its address on chain")

    serving = commands.add_parser("serve", help="answer until it is stopped")
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=int, default=8701)
    serving.add_argument("--chain-id", type=int, required=True)
    serving.add_argument("--contract", required=True, help="address of the AssetRegistry")
    serving.add_argument("--assets-per-minute", type=int, default=ASSETS_PER_MINUTE)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; exit status 2 when it cannot."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "init":
            sys.stdout.write(initialise(options.data) + "\n")
        elif options.command == "admit":
            bearer = admit(options.data, name=options.name, address=options.address)
            sys.stdout.write(bearer + "\n")
        else:
            terms = Terms(options.chain_id, options.contract, options.assets_per_minute)
            app = create_app(open_service(options.data, terms))
            uvicorn.run(app, host=options.host, port=options.port, log_level="warning")
    except (LedgerError, OSError) as error:
        sys.stderr.write(f"令牌服务无法运行 / the token service cannot run: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
