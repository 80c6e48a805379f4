"""What every scene of a story stands on."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from scf.kernel.errors import Conflict
from scf.settings import Settings
from scf.story.journal import Journal
from scf.story.screens import Screen
from scf.story.script import Script, at
from scf.story.waiting import Patience

OVER = "over"


class OtherPapers(Conflict):
    """An installation tells one story: its business time only moves on."""

    code = "story.other_papers"
    title = "该目录已演示过另一批发票，请用 SCF_DATA 指定新目录"
    title_en = "This folder has told the story of other invoices: set SCF_DATA to a new one"


@dataclass(frozen=True, slots=True)
class Stage:
    """The installation, the script, what was done so far, and where it is shown."""

    settings: Settings
    script: Script
    journal: Journal
    screen: Screen
    patience: Patience = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patience", Patience(self.screen))

    @property
    def folder(self) -> Path:
        """Where keys and proofs of this story are."""
        return self.journal.path.parent

    def on(self, title: str, english: str, day: date, clock: str) -> None:
        """Open a scene at a business time, which only ever moves on."""
        instant = at(day, clock)
        self.journal.once(f"clock:{instant.isoformat()}", lambda: self.settings.clock.set(instant))
        self.screen.scene(title, english, day)

    def go_on(self, last_event: datetime | None) -> None:
        """Take up business time where a story was cut off: it stood still while nobody played."""
        clock, written = self.settings.clock, self.journal.written_at
        if written is None or OVER in self.journal:
            return
        stood = clock.now() - (clock.real() - written)
        clock.set(min(clock.now(), max(stood, last_event or stood)))
        self.screen.say("接着上次中断处继续 / going on where it was cut off")


def open_journal(data: Path, script: Script) -> Journal:
    """Open what a folder's story has done so far. Raises OtherPapers."""
    journal = Journal(data / "story" / "journal.json")
    told = journal.entries.get("papers", script.papers.sha256)
    if told != script.papers.sha256:
        raise OtherPapers(folder=str(data))
    return journal
