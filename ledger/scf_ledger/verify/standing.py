"""Fragment *standing*: up to the log's newest checkpoint, nothing later was written.

Every entry of the log is read, the tree is built again from nothing, and the tags of each subject
whose secret the file gives are looked for: versions up to the file's stand there once, no later
one does. A log that shows another history than the one it signed cannot answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scf_ledger import event, tiles
from scf_ledger.checkpoint import Checkpoint
from scf_ledger.event_types import PREFIXES
from scf_ledger.note import NOTE_BYTES_MAX
from scf_ledger.tiles import Edge, TilePath
from scf_ledger.trust import Trust
from scf_ledger.verify.case import Read
from scf_ledger.verify.checkpoint import Head, open_trusted
from scf_ledger.verify.report import Failure, Skipped
from scf_ledger.verify.web import Client

SECONDS_MAX: Final = 600.0
"""For reading the whole log."""
SUBJECTS_MAX: Final = 16
"""How many subjects one scan looks for; a pledge proof gives the secrets of two."""
LATER_VERSIONS: Final = 4_096
"""How many versions beyond the file's are looked for; the platform skips none."""
_BUNDLE_BYTES: Final = tiles.WIDTH * (2 + event.ENTRY_BYTES)


@dataclass(slots=True)
class _Subject:
    """What is known of a subject, and where its versions were found."""

    secret: bytes
    indices: dict[int, int]
    """Version in the file -> its index in the log, as proven."""
    found: dict[int, list[int]] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        return max(self.indices)


def check(
    reads: Sequence[Read], indices: Sequence[int], trust: Trust, head: Head, log: str
) -> Checkpoint:
    """Scan the log behind ``log`` (its C2SP prefix, the URL above ``/checkpoint``).

    :return: the newest checkpoint, up to which the file's versions are the last
    :raises LedgerError: superseded, doubled, missing, or a log that contradicts what it signed
    """
    subjects = _subjects(reads, indices)
    if not subjects:
        raise Skipped("standing.no_secret")
    with Client(log, seconds=SECONDS_MAX) as client:
        newest = _newest(client, trust, head)
        _check_bounds(subjects, newest)
        _scan(client, newest, head.checkpoint, subjects)
    for name, subject in subjects.items():
        _check_once(name, subject)
    for name, subject in sorted(subjects.items(), key=_pledges_first):
        _check_last(name, subject, newest)
    return newest


def _subjects(reads: Sequence[Read], indices: Sequence[int]) -> dict[str, _Subject]:
    subjects: dict[str, _Subject] = {}
    for read, index in zip(reads, indices, strict=True):
        secret = read.entry.tag_secret
        if secret is not None:
            subject = subjects.setdefault(read.event.subject, _Subject(secret, {}))
            subject.indices[read.event.version] = index
    return subjects


def _newest(client: Client, trust: Trust, head: Head) -> Checkpoint:
    signed = client.get("checkpoint", max_bytes=NOTE_BYTES_MAX).decode("utf-8", "replace")
    newest = open_trusted(signed, trust)
    if newest.log != head.log:
        raise Failure("standing.other_log", origin=newest.log.origin)
    if newest.checkpoint.size < head.checkpoint.size:
        raise Failure(
            "standing.log_shrank", size=newest.checkpoint.size, before=head.checkpoint.size
        )
    return newest.checkpoint


def _check_bounds(subjects: Mapping[str, _Subject], newest: Checkpoint) -> None:
    """Refuse to look for more than a log can hold: every version is an entry."""
    if len(subjects) > SUBJECTS_MAX:
        raise Failure("standing.too_many", count=len(subjects), limit=SUBJECTS_MAX)
    for name, subject in subjects.items():
        if subject.newest > newest.size:
            raise Failure("standing.version_missing", subject=name, version=subject.newest)


def _scan(
    client: Client, newest: Checkpoint, old: Checkpoint, subjects: Mapping[str, _Subject]
) -> None:
    """Read every entry once: build both trees, and note where wanted tags stand."""
    wanted = {
        event.tag(subject.secret, version): (name, version)
        for name, subject in subjects.items()
        for version in range(1, subject.newest + LATER_VERSIONS + 1)
    }
    edge = tiles.EMPTY
    for entries in _bundles(client, newest.size):
        for offset, entry in enumerate(entries):
            match = wanted.get(entry[event.HASH_BYTES :])
            if match is not None:
                name, version = match
                subjects[name].found.setdefault(version, []).append(edge.size + offset)
        edge = _grow(edge, entries, old)
    if tiles.root(edge) != newest.root:
        raise Failure("standing.tree_differs", size=newest.size)


def _bundles(client: Client, size: int) -> Iterator[list[bytes]]:
    for start in range(0, size, tiles.WIDTH):
        width = min(tiles.WIDTH, size - start)
        path = TilePath(None, start // tiles.WIDTH, width)
        data = client.get(f"tile/{path}", max_bytes=_BUNDLE_BYTES)
        entries = tiles.parse_bundle(data)
        if len(entries) != width or any(len(entry) != event.ENTRY_BYTES for entry in entries):
            raise Failure("standing.bundle", path=str(path))
        yield entries


def _grow(edge: Edge, entries: Sequence[bytes], old: Checkpoint) -> Edge:
    """Append a bundle, stopping at the file's size to compare the root there."""
    until = old.size - edge.size
    if 0 < until <= len(entries):
        edge = tiles.append(edge, entries[:until]).edge
        if tiles.root(edge) != old.root:
            raise Failure("standing.history_rewritten", size=old.size)
        entries = entries[until:]
    return tiles.append(edge, entries).edge if entries else edge


def _check_once(name: str, subject: _Subject) -> None:
    for version in range(1, subject.newest + 1):
        found = subject.found.get(version, [])
        if not found:
            raise Failure("standing.version_missing", subject=name, version=version)
        if len(found) > 1:
            raise Failure("standing.version_twice", subject=name, version=version, indices=found)
        if subject.indices.get(version, found[0]) != found[0]:
            raise Failure("standing.other_index", subject=name, version=version, index=found[0])


def _pledges_first(item: tuple[str, _Subject]) -> bool:
    return not item[0].startswith(PREFIXES["pledge"])


def _check_last(name: str, subject: _Subject, newest: Checkpoint) -> None:
    later = sorted(
        index
        for version, found in subject.found.items()
        if version > subject.newest
        for index in found
    )
    if later:
        code = "pool_moved" if name.startswith(PREFIXES["pool"]) else "superseded"
        raise Failure(
            f"standing.{code}",
            subject=name,
            version=subject.newest,
            index=later[0],
            size=newest.size,
        )
