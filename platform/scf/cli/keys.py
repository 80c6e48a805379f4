"""`scf keys`: a signer's encrypted keys."""

import argparse
import os
import sys
from pathlib import Path

from scf.cli import _secrets
from scf.http.schemas import UsccInvalid
from scf.kernel.ids import parse_id
from scf.parties.authority import subject_name
from scf.parties.keystore import KeyStore
from scf_ledger import uscc
from scf_ledger.certificates import holder, thumbprint

FOLDER_VARIABLE = "SCF_KEYS"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its own commands."""
    parser = subparsers.add_parser("keys", help="签名密钥 / signing keys")
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    new = commands.add_parser("new", help="生成密钥，输出证书申请 / make a key, print its request")
    new.add_argument("name")
    new.add_argument("--uscc", required=True, help="所属单位 / the party's code")
    new.add_argument("--person", required=True, help="人员编号 / the person's id, psn_…")
    new.set_defaults(run=run_new)
    attach = commands.add_parser("attach", help="存入证书 / keep a key's certificate")
    attach.add_argument("name")
    attach.add_argument("--certificate", type=Path, required=True, metavar="FILE")
    attach.set_defaults(run=run_attach)
    listed = commands.add_parser("list", help="列出密钥 / list the keys")
    listed.set_defaults(run=run_list)
    for command in (new, attach, listed):
        add_folder_option(command)
    for command in (new, attach):
        _secrets.add_option(command)


def add_folder_option(parser: argparse.ArgumentParser) -> None:
    """Add `--keys`, the folder of keys."""
    default = Path(os.environ.get(FOLDER_VARIABLE, Path.home() / ".scf" / "keys"))
    parser.add_argument(
        "--keys",
        type=Path,
        default=default,
        metavar="DIR",
        help=f"密钥目录，缺省取 {FOLDER_VARIABLE} / folder of keys",
    )


def run_new(options: argparse.Namespace) -> int:
    """Make a key; print the request (PKCS#10) that an authority certifies."""
    if not uscc.is_valid(options.uscc):
        raise UsccInvalid(field="--uscc", value=options.uscc[:40])
    parse_id("psn", options.person, field="--person")
    request = KeyStore(options.keys).new(
        options.name,
        subject=subject_name(code=options.uscc, person=options.person),
        passphrase=_secrets.passphrase(options, new=True),
    )
    sys.stdout.write(request.decode())
    return 0


def run_attach(options: argparse.Namespace) -> int:
    """Keep the certificate that an authority issued for a key."""
    KeyStore(options.keys).attach(
        options.name,
        options.certificate.read_bytes().decode("ascii", "replace"),
        passphrase=_secrets.passphrase(options),
    )
    return 0


def run_list(options: argparse.Namespace) -> int:
    """Print a line for each key: name, party, person, last day, thumbprint."""
    store = KeyStore(options.keys)
    for name in store.names():
        certificate = store.certificate(name)
        if certificate is None:
            sys.stdout.write(f"{name}\t（尚无证书 no certificate yet）\n")
            continue
        who = holder(certificate)
        last = certificate.not_valid_after_utc.date().isoformat()
        sys.stdout.write(f"{name}\t{who.uscc}\t{who.person}\t{last}\t{thumbprint(certificate)}\n")
    return 0
