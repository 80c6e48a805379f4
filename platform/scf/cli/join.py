"""`scf join INVITATION`: come on board by link, with a key that the enterprise's authority certified.

Run once it makes the key and prints the request for its certificate; run again, with the certificate
attached, it signs the declaration and hands it in. What is handed in is kept beside the client's file
until the platform has answered, so that whoever is interrupted runs the command again.
"""

import argparse
import json
import secrets
import sys
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.serialization import Encoding

from scf.cli import FAILED, _secrets
from scf.cli._api import Api, named
from scf.cli.call import FileExists, refusal
from scf.cli.keys import add_folder_option
from scf.http.auth import digest
from scf.kernel.clock import Clock, parse_date
from scf.parties.authority import subject_name
from scf.parties.keystore import Identity, KeyStore
from scf.parties.models import SizeClass
from scf.programmes import declaration
from scf.programmes.declaration import Declaration
from scf.runtime.site import write_private
from scf_ledger.encoding import b64url

NEXT_STEP: Final = (
    "请由 CA 对上列申请签发证书，以 scf keys attach 存入后重新执行本命令"
    " / have an authority certify this request, keep it with scf keys attach, run this again"
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("join", help="凭邀请入驻 / come on board by invitation")
    add = parser.add_argument
    add("invitation", help="inv_…")
    add("--token", required=True, help="邀请链接中的令牌 / the link's token")
    add("--key", required=True, metavar="NAME", help="密钥名称，没有则生成 / a key, made if new")
    add(
        "--representative", required=True, metavar="NAME", help="法定代表人姓名 / who represents it"
    )
    add(
        "--size",
        required=True,
        choices=[one.value for one in SizeClass],
        help="企业规模 / its size",
    )
    add("--declared-on", metavar="DATE", help="规模声明日期，缺省今天 / else today")
    add("--client", type=Path, required=True, metavar="NAME|FILE", help="凭证存为 / kept as")
    add_folder_option(parser)
    _secrets.add_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make the key, or come in; 1 where the platform refuses.

    Raises FileExists, ApiUnreachable, NotRunning, ValueInvalid, and what opening a key raises.
    """
    file = named(options.client)
    if file.exists():
        raise FileExists(field="--client", file=str(file))
    path = f"/v1/invitations/{options.invitation}"
    with closing(Api.public()) as api:
        beside = file.with_suffix(".joining")
        if not beside.exists():
            answer = _send(
                api, "GET", f"{path}/letter", headers={"Invitation-Token": options.token}
            )
            if answer.status_code != HTTPStatus.OK:
                return _refused(answer)
            letter, store = answer.json(), KeyStore(options.keys)
            if store.certificate(options.key) is None:
                return _request(store, letter, options)
            identity = store.open(options.key, passphrase=_secrets.passphrase(options))
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(beside, json.dumps(_acceptance(letter, identity, options)))
        kept = json.loads(beside.read_text())
        answer = _send(api, "POST", f"{path}/accept", body=json.dumps(kept["acceptance"]).encode())
    if not answer.is_success:
        beside.unlink()
        return _refused(answer)
    came = answer.json()
    client = {"client_id": came["client"], "client_secret": kept["client_secret"]}
    write_private(file, json.dumps(client) + "\n")
    beside.unlink()
    sys.stdout.write(f"{came['party']}\t{came['person']}\t{file}\n")
    return 0


def _request(store: KeyStore, letter: dict[str, Any], options: argparse.Namespace) -> int:
    """Print the request for the key's certificate; the key is made where it is not there yet."""
    if options.key in store.names():
        request = (store.folder / f"{options.key}.csr").read_bytes()
    else:
        request = store.new(
            options.key,
            subject=subject_name(code=letter["uscc"], person=letter["person"]),
            passphrase=_secrets.passphrase(options, new=True),
        )
    sys.stdout.write(request.decode())
    sys.stderr.write(f"{NEXT_STEP}\n")
    return 0


def _acceptance(
    letter: dict[str, Any], identity: Identity, options: argparse.Namespace
) -> dict[str, Any]:
    """Return what is handed in, and the secret of which it carries the hash."""
    secret = secrets.token_urlsafe(32)
    day = options.declared_on
    said = Declaration(
        origin=letter["origin"],
        invitation=letter["id"],
        challenge=letter["challenge"],
        uscc=letter["uscc"],
        name=letter["name"],
        size_class=SizeClass(options.size),
        size_declared_on=parse_date(day, field="--declared-on") if day else Clock().today(),
        client_name=options.client.stem,
        client_secret_sha256=b64url(digest(secret)),
    )
    acceptance = {
        "token": options.token,
        "jws": declaration.sign(said, identity.key, identity.certificate),
        "certificate": identity.certificate.public_bytes(Encoding.PEM).decode(),
        "legal_representative": options.representative,
    }
    return {"client_secret": secret, "acceptance": acceptance}


def _send(
    api: Api,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    kind = {"Content-Type": "application/json"} if body is not None else {}
    return api.request(method, path, body=body, headers={**kind, **(headers or {})}, params=())


def _refused(answer: httpx.Response) -> int:
    sys.stderr.write(refusal(answer.json(), answer.status_code) + "\n")
    return FAILED
