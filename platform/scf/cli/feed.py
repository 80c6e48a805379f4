"""`scf feed rebuild`: every party's feed made again from the log and the events."""

import argparse
import json
import sys

from scf.cli import UNUSABLE
from scf.db.session import Database
from scf.feed.rebuilding import Difference, Rebuilt, Row, rebuild
from scf.kernel.errors import Unavailable
from scf.kernel.ids import public_id
from scf.runtime import settings_here


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its own command."""
    parser = subparsers.add_parser("feed", help="各方事件流 / the parties' feeds")
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    again = commands.add_parser(
        "rebuild", help="由账本与事件重建；中断后可继续 / from log and events; goes on if stopped"
    )
    again.add_argument("--json", action="store_true", help="一个 JSON 对象 / one JSON object")
    again.set_defaults(run=run_rebuild)


def run_rebuild(options: argparse.Namespace) -> int:
    """Make the feeds again: 0 they are what the events say, 2 the database cannot be reached."""
    database = Database(settings_here().database_url, pool_size=1)
    try:
        done = rebuild(database, heard=_progress)
    except Unavailable as error:
        sys.stderr.write(error.line() + "\n")
        return UNUSABLE
    finally:
        database.close()
    shown = json.dumps(to_json(done), ensure_ascii=False) if options.json else screen(done)
    sys.stdout.write(shown + "\n")
    return 0


def to_json(done: Rebuilt) -> dict[str, object]:
    """Return what was done, for programs."""
    found = done.difference
    return {
        "first": done.first,
        "last": done.last,
        "added": done.added,
        "removed": done.removed,
        "difference": found
        and {
            "party": public_id("pty", found.party_id),
            "index": found.index,
            "stored": _row(found.stored),
            "expected": _row(found.told),
        },
    }


def screen(done: Rebuilt) -> str:
    """Return what was done, for a person."""
    span = f"日志序号 log index {done.first} – {done.last}"
    found = done.difference
    if found is None:
        return f"核对一致 as the events say：{span}"
    return "\n".join(
        (
            f"已重建 rebuilt：{span}；增 added {done.added}，删 removed {done.removed}",
            f"首处不一致 first difference：{_place(found)}",
            f"  存储值 stored    {_line(found.stored)}",
            f"  应为   expected  {_line(found.told)}",
        )
    )


def _progress(done: Rebuilt) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done.last}")
        sys.stderr.flush()


def _place(found: Difference) -> str:
    return f"{public_id('pty', found.party_id)}/{found.index}"


def _row(row: Row | None) -> dict[str, str] | None:
    return {"event": public_id("evt", row.event_id), "type": row.type} if row else None


def _line(row: Row | None) -> str:
    return f"{public_id('evt', row.event_id)} {row.type}" if row else "无 none"
