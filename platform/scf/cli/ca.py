"""`scf ca`: a local certificate authority, for tests and demonstrations only."""

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from scf.cli import _secrets
from scf.kernel.clock import Clock, parse_date, start_of
from scf.kernel.errors import ValueInvalid
from scf.parties.authority import AUTHORITY_LIFETIME, CERTIFICATE_LIFETIME, REASONS, LocalAuthority
from scf.parties.models import serial_text
from scf_ledger.encoding import b64
from scf_ledger.event_types import Scope


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its own commands."""
    parser = subparsers.add_parser("ca", help="本地测试 CA / a local test authority")
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    init = _add(commands, "init", "建立颁发机构 / make an authority")
    init.add_argument("--scope", choices=[scope.value for scope in Scope], required=True)
    _add_valid_from(init)
    init.set_defaults(run=run_init)
    issue = _add(commands, "issue", "签发证书 / issue a certificate for a request")
    issue.add_argument("--csr", type=Path, required=True, metavar="FILE")
    issue.add_argument("--days", type=int, default=CERTIFICATE_LIFETIME.days)
    _add_valid_from(issue)
    issue.set_defaults(run=run_issue)
    revoke = _add(commands, "revoke", "吊销证书 / revoke a certificate")
    revoke.add_argument("serial", help="序列号（十六进制） / serial number, hexadecimal")
    revoke.add_argument("--reason", choices=sorted(REASONS), default="key-compromise")
    revoke.set_defaults(run=run_revoke)
    crl = _add(commands, "crl", "签发吊销列表 / sign the revocation list")
    crl.add_argument("--out", type=Path, metavar="FILE", help="DER；缺省输出 base64")
    crl.set_defaults(run=run_crl)


def run_init(options: argparse.Namespace) -> int:
    """Make an authority; print its certificate."""
    authority = LocalAuthority.init(
        options.folder,
        scope=Scope(options.scope),
        valid_from=_valid_from(options),
        passphrase=_secrets.passphrase(options, new=True),
    )
    sys.stdout.write(authority.pem)
    return 0


def run_issue(options: argparse.Namespace) -> int:
    """Certify a request; print the certificate. Raises ValueInvalid for days without sense."""
    if not 0 < options.days <= AUTHORITY_LIFETIME.days:
        raise ValueInvalid(field="--days", value=str(options.days)[:20])
    certificate = _open(options).issue(
        options.csr.read_bytes(),
        valid_from=_valid_from(options),
        lifetime=timedelta(days=options.days),
    )
    sys.stdout.write(certificate.public_bytes(Encoding.PEM).decode())
    _say(f"已签发 issued  序列号 serial {serial_text(certificate.serial_number)}")
    return 0


def run_revoke(options: argparse.Namespace) -> int:
    """Mark a certificate as revoked."""
    _open(options).revoke(options.serial, at=Clock().real(), reason=options.reason)
    _say("已吊销，请重新签发吊销列表 / revoked; sign a new list with `scf ca crl`")
    return 0


def run_crl(options: argparse.Namespace) -> int:
    """Sign the revocation list: DER into a file, or base64 as the API takes it."""
    der = _open(options).crl(at=Clock().real())
    if options.out is None:
        sys.stdout.write(b64(der) + "\n")
    else:
        options.out.write_bytes(der)
    return 0


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_)
    parser.add_argument("folder", type=Path, help="颁发机构目录 / the authority's folder")
    _secrets.add_option(parser)
    return parser


def _add_valid_from(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--valid-from", metavar="YYYY-MM-DD", help="生效日期，缺省为此刻 / from now where absent"
    )


def _valid_from(options: argparse.Namespace) -> datetime:
    if options.valid_from is None:
        return Clock().real().replace(microsecond=0)
    day = parse_date(options.valid_from, field="--valid-from")
    return start_of(day)


def _open(options: argparse.Namespace) -> LocalAuthority:
    return LocalAuthority.open(options.folder, passphrase=_secrets.passphrase(options))


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - a command line speaks
