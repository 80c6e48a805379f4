"""`scf secrets`: a system's own secret, changed without a moment in which neither opens."""

import argparse
import hashlib
import json
import secrets
import sys
from contextlib import closing
from pathlib import Path

from scf.cli import FAILED
from scf.cli._api import Api, ClientRefused, Credentials, named
from scf.parties.schemas import FORMER_SECONDS
from scf.parties.service import SecretUsed
from scf.runtime.site import write_private
from scf_ledger.encoding import b64url


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its own command."""
    parser = subparsers.add_parser("secrets", help="客户端密钥 / a client's secret")
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    rotate = commands.add_parser("rotate", help="更换密钥 / change the secret in a client's file")
    rotate.add_argument(
        "client", type=Path, metavar="NAME", help="名称或文件 / a client or its file"
    )
    rotate.add_argument(
        "--keep-former",
        type=int,
        default=FORMER_SECONDS,
        metavar="SECONDS",
        help="旧密钥继续有效的秒数，0 为立即失效 / how long the former still opens; 0: not at all",
    )
    rotate.set_defaults(run=run_rotate)


def run_rotate(options: argparse.Namespace) -> int:
    """Change the secret in a client's file.

    The next one is written beside the file before the platform hears of it, and takes its place once the
    platform has: whoever is interrupted runs the command again.
    """
    file = named(options.client)
    credentials = Credentials.find(file)
    beside = file.with_suffix(".next")
    if not beside.exists():
        following = {"client_id": credentials.client_id, "client_secret": secrets.token_urlsafe(32)}
        write_private(beside, json.dumps(following) + "\n")
    following_secret = Credentials.find(beside).client_secret
    digest = hashlib.sha256(following_secret.encode()).digest()
    body = {"secret_sha256": b64url(digest), "keep_former_seconds": options.keep_former}
    with closing(_session(file, beside)) as api:
        answer = api.post(
            f"/v1/clients/{credentials.client_id}/secrets",
            json.dumps(body).encode(),
            key=f"secret-{options.keep_former}-{digest.hex()[:32]}",
            media_type="application/json",
        )
    taken_before = answer.body.get("code") == SecretUsed.code  # by a run that was interrupted
    if answer.status != 201 and not taken_before:  # noqa: PLR2004 - created
        problem = answer.body
        sys.stderr.write(
            f"{problem.get('title')} ({problem.get('detail')}) {problem.get('code')}\n"
        )
        return FAILED
    beside.replace(file)
    sys.stdout.write(f"{file}\t{answer.body.get('former_secret_ends_at')}\n")
    return 0


def _session(file: Path, beside: Path) -> Api:
    """Open a session with the secret that opens: the next one, where an interrupted run ended the former."""
    try:
        return Api.here(file)
    except ClientRefused:
        return Api.here(beside)
