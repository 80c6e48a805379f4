"""`scf trace EVENT`: an event from its bytes to the chain, in ten lines."""

import argparse
import json
import sys

from scf.db.session import Database
from scf.evidence import queries as evidence
from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict
from scf.kernel.ids import parse_id, public_id
from scf.runtime import settings_here
from scf.trace.queries import Trace, trace
from scf_ledger.errors import LedgerError


class TraceBroken(Conflict):
    """An event leads, step by step, to a signed head."""

    code = "trace.broken"
    title = "事件与日志不符"
    title_en = "The event does not lead to the signed log"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "trace", help="追踪一个事件直到链上 / follow an event to the chain"
    )
    parser.add_argument("event", help="evt_…")
    parser.add_argument("--json", action="store_true", help="一个 JSON 对象 / one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print it. Raises IdInvalid, EventNotFound, TraceBroken, NotRunning."""
    identity = parse_id("evt", options.event, field="event")
    database = Database(settings_here().database_url, pool_size=1)
    try:
        with database.reading() as session:
            found = trace(session, evidence.event(session, identity))
    except LedgerError as error:
        raise TraceBroken(cause=error.code, **error.fields) from error
    finally:
        database.close()
    text = json.dumps(found.to_json(), ensure_ascii=False) if options.json else screen(found)
    sys.stdout.write(text + "\n")
    return 0


def screen(found: Trace) -> str:
    """Return the ten lines."""
    event, inclusion, sent = found.event, found.inclusion, None
    lines = [
        ("事件 event", f"{public_id('evt', event.id)}  {event.type}"),
        ("对象 subject", f"{found.subject}  第 {event.version} 版"),
        ("时间 at", f"{instant_text(event.occurred_at)}（声称 claimed）"),
        ("正文 body", f"SHA-256 {event.body_hash.hex()}"),
        ("条目 entry", f"{found.entry[:32].hex()[:16]}… ‖ {found.entry[32:].hex()[:16]}…"),
    ]
    if inclusion is None:
        return _columns([*lines, ("日志 log", "等待定序 waiting for the sequencer")])
    sent = inclusion.transaction
    lines += [
        ("叶子 leaf", f"#{inclusion.index}  {inclusion.leaf.hex()}"),
        ("路径 path", f"{len(inclusion.path)} 个哈希，验证通过 hashes, verified"),
        ("根 root", f"{inclusion.root.hex()}  {found.origin} @ {inclusion.size}"),
    ]
    if sent is None:
        return _columns([*lines, ("锚定 anchor", "尚未锚定 not anchored yet")])
    lines += [
        ("交易 tx", f"0x{(sent.tx_hash or b'').hex()}"),
        ("区块 block", f"#{sent.block_number}  合约 contract {found.contract}"),
    ]
    return _columns(lines)


def _columns(lines: list[tuple[str, str]]) -> str:
    width = max(_cells(label) for label, _ in lines) + 2
    return "\n".join(f"{label}{' ' * (width - _cells(label))}{value}" for label, value in lines)


def _cells(text: str) -> int:
    """Count terminal columns: Chinese letters take two."""
    return sum(2 if symbol > "\u2e7f" else 1 for symbol in text)
