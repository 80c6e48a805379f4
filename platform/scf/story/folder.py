"""The user's own invoices: what becomes of each file, said file by file."""

from collections.abc import Iterator
from pathlib import Path

from scf.documents.files import FileUnreadable, PathMissing, opened, shown, walk
from scf.documents.parsing import parse_many
from scf.kernel.errors import Invalid, Refused
from scf.kernel.text import one_line
from scf.story.papers import Papers, choose
from scf.story.screens import Screen


class NothingToTell(Invalid):
    """The story needs an invoice in CNY between two parties with unified social credit codes."""

    code = "story.nothing_to_tell"
    title = "没有可用于演示的发票"
    title_en = "No invoice can be used for the story"


def papers_in(folder: Path, screen: Screen) -> Papers:
    """Choose what to tell from a folder. Raises PathMissing, NothingToTell."""
    if not folder.exists():
        raise PathMissing(path=str(folder))
    chosen, judged = choose(_files(folder, screen))
    for one in judged:
        screen.say(
            one_line(
                f"{'✓ 采用 used' if one.used else '✗ 未采用 not used'}  {one.name}  {one.note}"
            )
        )
    if chosen is None:
        raise NothingToTell(folder=str(folder), files=len(judged))
    return chosen


def _files(folder: Path, screen: Screen) -> Iterator[tuple[str, bytes]]:
    for path in walk(folder):
        name = shown(path.relative_to(folder)) if path != folder else shown(path.name)
        try:
            with opened(path) as file:
                for part in parse_many(file):
                    if part.original:
                        yield name + part.place, part.original
                    elif isinstance(part.outcome, Refused):
                        screen.say(_unused(name + part.place, part.outcome))
        except FileUnreadable as error:
            screen.say(_unused(name, error))


def _unused(name: str, error: Refused) -> str:
    return one_line(f"✗ 未采用 not used  {name}  {error.line()}")
